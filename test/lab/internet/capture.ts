// What goes over the home's line, packet by packet, as tcpdump takes it from the cable: which of it has no business there.

import { type ChildProcess, spawn } from 'node:child_process';
import { LINE, PEER_NAME, PEER_PORT } from './address.ts';
import type { Place } from './place.ts';
import { sleep } from './until.ts';

/** Enough for headers and a name. */
const SNAP = 256;
const FILE_HEADER = 24;
const PACKET_HEADER = 16;
const ETHERNET = 14;
/** What was sent is looked at by then. */
const SETTLE_MS = 300;

/** Whose packet it is. */
export type Owner =
  /** Yggdrasil's connections to its peers. */
  | 'yggdrasil'
  /** What the router asks for itself, by name. */
  | 'look-up'
  /** Neighbours finding one another: never leaves the cable. */
  | 'link'
  | 'leak';

/** Judges one frame. @returns with what is told of it. */
export function judge(frame: Uint8Array): { owner: Owner; what: string } {
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  const type = view.readUInt16BE(12);
  if (type === 0x0806) return { owner: 'link', what: 'ARP' };
  const ip = view.subarray(ETHERNET);
  if (type === 0x0800) {
    const [from, to] = [12, 16].map((at) => [...ip.subarray(at, at + 4)].join('.')) as [string, string];
    return judgePacket(ip[9]!, from, to, ip.subarray((ip[0]! & 15) * 4));
  }
  if (type === 0x86dd) {
    const [from, to] = [8, 24].map((at) =>
      ip
        .subarray(at, at + 16)
        .toString('hex')
        .replace(/(.{4})(?=.)/g, '$1:'),
    ) as [string, string];
    const payload = ip.subarray(40);
    // neighbour discovery, and membership of groups
    const isLink = (ip[6] === 58 && payload[0]! >= 130 && payload[0]! <= 143) || (ip[6] === 0 && payload[0] === 58);
    return isLink ? { owner: 'link', what: 'neighbour discovery' } : judgePacket(ip[6]!, from, to, payload);
  }
  return { owner: 'leak', what: `ethernet type ${type.toString(16)}` };
}

function judgePacket(protocol: number, from: string, to: string, payload: Buffer): { owner: Owner; what: string } {
  const hasPorts = (protocol === 6 || protocol === 17) && payload.length >= 4;
  const [source, target] = hasPorts ? [payload.readUInt16BE(0), payload.readUInt16BE(2)] : [];
  const name = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6' }[protocol] ?? `protocol ${protocol}`;
  let what = hasPorts ? `${name} ${from} ${source} > ${to} ${target}` : `${name} ${from} > ${to}`;
  if (protocol === 6 && (source === PEER_PORT || target === PEER_PORT)) return { owner: 'yggdrasil', what };
  if (protocol === 17 && (source === 53 || target === 53)) {
    const asked = nameIn(payload.subarray(8));
    what += ` ${asked}`;
    const isOwn = [from, to].includes(LINE.home4) && [from, to].includes(LINE.router4) && asked === PEER_NAME;
    return { owner: isOwn ? 'look-up' : 'leak', what };
  }
  return { owner: 'leak', what };
}

function nameIn(message: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; message[at]; at += 1 + message[at]!)
    labels.push(message.subarray(at + 1, at + 1 + message[at]!).toString('latin1'));
  return labels.join('.').toLowerCase();
}

/** What was captured since it was last asked. */
export interface Captured {
  packets: Record<Owner, number>;
  /** What leaked, each thing once, and how often. */
  leaks: Map<string, number>;
}

/** A capture of one device. */
export class Capture {
  private rest = Buffer.alloc(0);
  private hasHeader = false;
  private now: Captured = { packets: { yggdrasil: 0, 'look-up': 0, link: 0, leak: 0 }, leaks: new Map() };

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on('data', (bytes: Buffer) => this.take(bytes));
  }

  /** Begins. @throws Error when tcpdump does not. */
  static async start(place: Place, device: string): Promise<Capture> {
    const argv = [
      'tcpdump',
      '-Z',
      'root',
      '-i',
      device,
      '-s',
      String(SNAP),
      '-U',
      '--immediate-mode',
      '-B',
      '16384',
      '-n',
      '-w',
      '-',
    ];
    const [program = '', ...args] = place.command(argv);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (/listening on/.test(said)) resolve();
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`tcpdump: ${said.trim()}`)));
    });
    return new Capture(child);
  }

  /** What came since it was last asked; what was sent already has come. */
  async since(): Promise<Captured> {
    await sleep(SETTLE_MS);
    const { now } = this;
    this.now = { packets: { yggdrasil: 0, 'look-up': 0, link: 0, leak: 0 }, leaks: new Map() };
    return now;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }

  private take(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    if (!this.hasHeader) {
      if (this.rest.length < FILE_HEADER) return;
      this.rest = this.rest.subarray(FILE_HEADER);
      this.hasHeader = true;
    }
    while (this.rest.length >= PACKET_HEADER) {
      const length = this.rest.readUInt32LE(8);
      if (this.rest.length < PACKET_HEADER + length) return;
      this.see(this.rest.subarray(PACKET_HEADER, PACKET_HEADER + length));
      this.rest = this.rest.subarray(PACKET_HEADER + length);
    }
  }

  private see(frame: Buffer): void {
    const { owner, what } = judge(frame);
    const { packets, leaks } = this.now;
    packets[owner]++;
    if (owner === 'leak') leaks.set(what, (leaks.get(what) ?? 0) + 1);
  }
}
