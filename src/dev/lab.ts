// Real Yggdrasil nodes, peered with one another: what the desk router, the tests and the bench talk to.
//
// As root each node lives in a network namespace of its own with a TUN device, and every link is a cable through a bridge in a middle
// namespace: cutting it there leaves the carrier up on both sides, so that nobody is told. Otherwise the nodes share the loopback
// device, without TUN, and every link is a relay of ours that stalls.

import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type Release, tryLock } from '../../build/lock.ts';
import { errorText } from '../errors.ts';
import { Child } from './child.ts';
import { Namespace } from './lab/namespace.ts';
import { Relay } from './lab/relay.ts';

/** How two nodes find one another; over loopback `multicast` is taken as `tcp`. */
export type LinkKind = 'multicast' | 'tcp' | 'tls';

/** A cable; unless it is `multicast`, `from` dials `to`. */
export interface LabLink {
  from: string;
  to: string;
  kind: LinkKind;
}

export interface LabOptions {
  /** Nodes are called a, b, c …; at most 26. */
  nodes: number;
  /** Default: each with the next, and the last with the first. */
  links?: readonly LabLink[];
  /** Where sockets, configurations and keys go: `<directory>/ygg0.sock`. At most 90 bytes long, as it begins a socket's path. */
  directory: string;
  /** The program to run. */
  yggdrasil: string;
  /** Namespaces and TUN, which needs root (ask `namespaceProblem` first), or the loopback device. */
  namespaces: boolean;
  /** Takes a line for people: a node ended by itself. */
  log(line: string): void;
}

/** What stays the same of a node for as long as the directory keeps its key. */
interface Identity {
  private_key: string;
  key: string;
  address: string;
}

const KEY_FILE = 'keys.json';
const PROCESS_FILE = 'processes.json';
const START_TIMEOUT_MS = 10_000;
const MAX_SOCKET_PATH = 107;
const TCP_PORT = 9001;
const TLS_PORT = 9002;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** When a process began, in ticks since boot; `undefined`: there is none. Tells a reused pid from the process that had it. */
function startTime(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => {});
    socket.once('close', (failed) => resolve(!failed));
  });
}

/** Ports of 127.0.0.1 that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Asks `yggdrasil` something that it prints: a configuration, or what belongs to the one in `input`. */
async function ask(yggdrasil: string, args: readonly string[], input = ''): Promise<string> {
  let text = '';
  const child = await Child.start([yggdrasil, ...args], (line) => {
    text += `${line}\n`;
  });
  child.end(input);
  const end = await child.ended;
  if (!('code' in end) || end.code !== 0)
    throw new Error(`${yggdrasil} ${args.join(' ')}: ${child.tail.at(-1) ?? 'failed'}`);
  return text.trim();
}

async function newIdentity(yggdrasil: string): Promise<Identity> {
  const config = await ask(yggdrasil, ['-genconf', '-json']);
  const [key, address] = await Promise.all(
    ['-publickey', '-address'].map((what) => ask(yggdrasil, ['-useconf', what], config)),
  );
  return { private_key: (JSON.parse(config) as { PrivateKey: string }).PrivateKey, key: key!, address: address! };
}

/** One node of the lab. */
export class LabNode {
  private child: Child | undefined;
  private stopping = false;

  constructor(
    readonly name: string,
    /** The logical interface that it would be on a router, and its TUN device: `ygg0`. */
    readonly iface: string,
    /** 64 hex digits. */
    readonly key: string,
    readonly address: string,
    /** Path of its admin socket. */
    readonly socket: string,
    /** URIs of the peers that its configuration names. */
    readonly peers: readonly string[],
    /** The namespace that it lives in. */
    readonly namespace: Namespace | undefined,
    private readonly command: readonly string[],
    private readonly lab: { log(line: string): void; changed(): void },
  ) {}

  /** `undefined` while it does not run. */
  get pid(): number | undefined {
    return this.child?.isRunning ? this.child.pid : undefined;
  }

  get isRunning(): boolean {
    return this.pid !== undefined;
  }

  /** The last lines that it printed. */
  get output(): readonly string[] {
    return this.child?.tail ?? [];
  }

  /** Starts it; resolves when its admin socket answers. @throws Error with its last words when it ends or stays silent. */
  async start(): Promise<void> {
    if (this.pid !== undefined) return;
    const child = await Child.start(this.command);
    this.child = child;
    this.stopping = false;
    this.lab.changed();
    void child.ended.then((end) => {
      if (this.stopping || this.child !== child) return;
      const why = 'code' in end ? `status ${end.code}` : end.signal;
      this.lab.log(`node ${this.name} ended by itself (${why}): ${child.tail.at(-1) ?? 'it said nothing'}`);
    });
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    while (!(await isAnswering(this.socket))) {
      if (!child.isRunning)
        throw new Error(`node ${this.name} did not start: ${child.tail.at(-1) ?? 'it said nothing'}`);
      if (performance.now() > deadlineMs) {
        await this.kill();
        throw new Error(`node ${this.name} did not start: no answer on ${this.socket} after ${START_TIMEOUT_MS} ms`);
      }
      await sleep(10);
    }
  }

  /** Ends it at once, leaving its socket file behind as a crash does. */
  async kill(): Promise<void> {
    this.stopping = true;
    this.child?.kill('SIGKILL');
    await this.child?.ended;
    this.lab.changed();
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.child?.stop();
    this.lab.changed();
  }

  /** Ends it, if need be, and starts it again under the same key. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

/** A running lab. */
export class Lab {
  readonly nodes: LabNode[] = [];
  readonly links: LabLink[] = [];
  /** True: namespaces; false: loopback. */
  readonly isIsolated: boolean;
  /** Of Yggdrasil: `0.5.12`. */
  version = '';
  private readonly cables = new Map<LabLink, { cut: boolean; set(cut: boolean): Promise<void> }>();
  private readonly namespaces: Namespace[] = [];
  private readonly relays: Relay[] = [];
  private release: Release | undefined;

  /** Use `startLab`. */
  constructor(private readonly options: LabOptions) {
    this.isIsolated = options.namespaces;
  }

  /** @throws Error when there is no node of that name. */
  node(name: string): LabNode {
    const node = this.nodes.find((n) => n.name === name);
    if (!node) throw new Error(`no node ${name} in the lab: ${this.nodes.map((n) => n.name).join(', ')}`);
    return node;
  }

  isCut(link: LabLink): boolean {
    return this.cables.get(link)?.cut === true;
  }

  /** Cuts the cable between two nodes: both go on seeing a carrier, nothing arrives. @throws Error when there is no such cable. */
  cutLink(a: string, b: string): Promise<void> {
    return this.setCut(a, b, true);
  }

  /** Joins it again. @throws Error when there is no such cable. */
  joinLink(a: string, b: string): Promise<void> {
    return this.setCut(a, b, false);
  }

  /** Ends every process and namespace and removes what was written, but for the keys. */
  async close(): Promise<void> {
    if (!this.release) return;
    await Promise.all(this.nodes.map((node) => node.stop()));
    await Promise.all(this.relays.map((relay) => relay.close()));
    await Promise.all(this.namespaces.map((namespace) => namespace.close()));
    this.removeFiles();
    await this.release();
    this.release = undefined;
  }

  /** Use `startLab`. */
  async open(): Promise<void> {
    const { directory, nodes: count, yggdrasil } = this.options;
    const names = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
    const path = this.socketPath(count);
    if (count < 1 || count > 26) throw new Error(`a lab has 1 to 26 nodes, not ${count}`);
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
      throw new Error(`${path}: too long for a unix socket, at most ${MAX_SOCKET_PATH} bytes`);
    this.release = await tryLock(directory);
    if (!this.release) throw new Error(`${directory}: another lab is running there`);
    mkdirSync(directory, { recursive: true });
    this.endLeftovers();
    this.removeFiles();

    const wanted =
      this.options.links ?? names.slice(0, count === 2 ? 1 : undefined).map((from, i) => this.ring(names, from, i));
    this.links.push(...(count === 1 ? [] : wanted));
    this.version = /version: (\S+)/.exec(await ask(yggdrasil, ['-version']))?.[1] ?? 'of unknown version';
    const identities = await this.identities(count, yggdrasil);
    const wiring = this.isIsolated ? await this.wireNamespaces(names) : await this.wireLoopback(names);
    names.forEach((name, i) => {
      const { private_key, key, address } = identities[i]!;
      const { namespace, ...wires } = wiring[i]!;
      const file = join(directory, `ygg${i}.conf`);
      const config = {
        PrivateKey: private_key,
        AdminListen: `unix://${this.socketPath(i)}`,
        NodeInfo: { name: `home-${name}` },
        LogLookups: false,
        IfMTU: 65535,
        ...wires,
      };
      writeFileSync(file, JSON.stringify(config, undefined, 2), { mode: 0o600 });
      const argv = [yggdrasil, '-useconffile', file];
      const command = namespace?.command(argv) ?? argv;
      const lab = { log: this.options.log, changed: () => this.recordProcesses() };
      this.nodes.push(
        new LabNode(name, `ygg${i}`, key, address, this.socketPath(i), wires.Peers, namespace, command, lab),
      );
    });
    // Backwards, as `from` comes before `to` in the default links: who is dialled listens already.
    for (const node of [...this.nodes].reverse()) await node.start();
  }

  private socketPath(index: number): string {
    return join(this.options.directory, `ygg${index}.sock`);
  }

  private ring(names: readonly string[], name: string, index: number): LabLink {
    const kinds: LinkKind[] = ['multicast', 'tcp', 'tls'];
    const last = index === names.length - 1;
    return { from: last ? names[0]! : name, to: last ? name : names[index + 1]!, kind: kinds[index % 3]! };
  }

  private async identities(count: number, yggdrasil: string): Promise<Identity[]> {
    const file = join(this.options.directory, KEY_FILE);
    let kept: Identity[] = [];
    try {
      kept = JSON.parse(readFileSync(file, 'utf8')) as Identity[];
    } catch {
      // none yet, or spoilt: new ones
    }
    while (kept.length < count) kept.push(await newIdentity(yggdrasil));
    writeFileSync(file, JSON.stringify(kept), { mode: 0o600 });
    return kept;
  }

  private async wireNamespaces(names: readonly string[]): Promise<Wiring[]> {
    const open = async (): Promise<Namespace> => {
      const namespace = await Namespace.open();
      this.namespaces.push(namespace);
      return namespace;
    };
    const middle = await open();
    const homes = new Map<string, Namespace>();
    for (const name of names) homes.set(name, await open());
    const wires = names.map((name, i) => newWiring(hasTun() ? `ygg${i}` : 'none', homes.get(name)));
    const wireOf = (name: string): Wiring => wires[names.indexOf(name)]!;
    for (const wire of wires) wire.Listen = [`tcp://0.0.0.0:${TCP_PORT}`, `tls://0.0.0.0:${TLS_PORT}`];

    const middleBatch: string[] = [];
    const homeBatches = new Map<string, string[]>();
    this.links.forEach((link, i) => {
      const { from, to, kind } = link;
      const bridge = `br-${from}${to}`;
      middleBatch.push(`link add ${bridge} type bridge mcast_snooping 0`, `link set ${bridge} up`);
      [from, to].forEach((end, side) => {
        const other = side === 0 ? to : from;
        const home = homes.get(end);
        if (!home) throw new Error(`link ${from}-${to}: no node ${end}`);
        const port = `${end}-to-${other}`;
        middleBatch.push(`link add ${port} type veth peer name eth-${other} netns ${home.pid}`);
        middleBatch.push(`link set ${port} master ${bridge} up`);
        const batch = homeBatches.get(end) ?? [];
        batch.push(`addr add 10.77.${i}.${side + 1}/24 dev eth-${other}`, `link set eth-${other} up`);
        homeBatches.set(end, batch);
        if (kind === 'multicast') wireOf(end).MulticastInterfaces.push(multicastOn(`eth-${other}`));
      });
      if (kind !== 'multicast')
        wireOf(from).Peers.push(`${kind}://10.77.${i}.2:${kind === 'tcp' ? TCP_PORT : TLS_PORT}`);
      const cable = {
        cut: false,
        async set(cut: boolean) {
          await middle.ip([`link set ${to}-to-${from} ${cut ? 'nomaster' : `master ${bridge}`}`]);
          cable.cut = cut;
        },
      };
      this.cables.set(link, cable);
    });
    await middle.ip(middleBatch);
    await Promise.all([...homeBatches].map(([name, batch]) => homes.get(name)!.ip(batch)));
    return wires;
  }

  private async wireLoopback(names: readonly string[]): Promise<Wiring[]> {
    const ports = await freePorts(names.length * 2);
    const wires = names.map(() => newWiring('none', undefined));
    wires.forEach((wire, i) => {
      wire.Listen = [`tcp://127.0.0.1:${ports[2 * i]}`, `tls://127.0.0.1:${ports[2 * i + 1]}`];
    });
    for (const link of this.links) {
      const [from, to] = [names.indexOf(link.from), names.indexOf(link.to)];
      if (from < 0 || to < 0) throw new Error(`link ${link.from}-${link.to}: no such node`);
      const kind = link.kind === 'tls' ? 'tls' : 'tcp';
      const relay = await Relay.open(ports[2 * to + (kind === 'tls' ? 1 : 0)]!);
      this.relays.push(relay);
      wires[from]!.Peers.push(`${kind}://127.0.0.1:${relay.port}`);
      const cable = {
        cut: false,
        async set(cut: boolean) {
          relay.cut = cut;
          cable.cut = cut;
        },
      };
      this.cables.set(link, cable);
    }
    return wires;
  }

  private async setCut(a: string, b: string, cut: boolean): Promise<void> {
    const links = this.links.filter((l) => (l.from === a && l.to === b) || (l.from === b && l.to === a));
    if (links.length === 0) throw new Error(`no link ${a}-${b} in the lab`);
    for (const link of links) if (this.isCut(link) !== cut) await this.cables.get(link)!.set(cut);
  }

  /** Processes of a run that was killed, where the kernel could not be asked to end them with it. */
  private endLeftovers(): void {
    const file = join(this.options.directory, PROCESS_FILE);
    if (!existsSync(file)) return;
    let processes: { pid: number; start: string }[] = [];
    try {
      processes = JSON.parse(readFileSync(file, 'utf8')) as typeof processes;
    } catch {
      return; // half written: it names nothing that we can be sure of
    }
    for (const { pid, start } of processes) if (startTime(pid) === start) process.kill(pid, 'SIGKILL');
  }

  private recordProcesses(): void {
    const pids = [...this.nodes, ...this.namespaces].map(({ pid }) => pid).filter((pid) => pid !== undefined);
    const processes = pids.map((pid) => ({ pid, start: startTime(pid) }));
    writeFileSync(join(this.options.directory, PROCESS_FILE), JSON.stringify(processes));
  }

  private removeFiles(): void {
    const { directory } = this.options;
    for (const name of existsSync(directory) ? readdirSync(directory) : [])
      if (name === PROCESS_FILE || /^ygg\d+\.(sock|conf)$/.test(name)) rmSync(join(directory, name), { force: true });
  }
}

/** The part of a node's configuration that depends on how it is wired, with Yggdrasil's names. */
interface Wiring {
  namespace: Namespace | undefined;
  IfName: string;
  Listen: string[];
  Peers: string[];
  MulticastInterfaces: ReturnType<typeof multicastOn>[];
}

function newWiring(device: string, namespace: Namespace | undefined): Wiring {
  return { namespace, IfName: device, Listen: [], Peers: [], MulticastInterfaces: [] };
}

function multicastOn(device: string): { Regex: string; Beacon: boolean; Listen: boolean; Port: number } {
  return { Regex: `^${device}$`, Beacon: true, Listen: true, Port: 0 };
}

function hasTun(): boolean {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts nodes and links; resolves when every node answers on its admin socket (they find one another within the next second).
 * @throws Error with one line; then nothing is left behind.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const lab = new Lab(options);
  try {
    await lab.open();
    return lab;
  } catch (error) {
    await lab.close();
    throw new Error(`lab: ${errorText(error)}`, { cause: error });
  }
}
