// A router in memory: the port over a clock that the test moves, with an ubusd, a netifd, the daemon's helper and Yggdrasils at the ends of
// its connections.

import { HELPER_OBJECT } from '../../src/api/helper.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Host, Names, Processes, SignalName } from '../../src/transport/host.ts';
import { decodeTable, encodeTable, type Table } from '../../src/ubus/blobmsg.ts';
import {
  decodeMessage,
  encodeMessage,
  FrameReader,
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_DATA,
  UBUS_MSG_HELLO,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_NOTIFY,
  UBUS_MSG_STATUS,
  UBUS_SYSTEM_OBJECT_EVENT,
} from '../../src/ubus/message.ts';
import { UBUS_STATUS_NOT_FOUND } from '../../src/ubus/status.ts';
import { answer, ROUTER } from '../../src/verb.ts';
import type { AdminResponse } from '../../src/yggdrasil/admin.ts';
import { capturedResponses } from './admin.ts';
import { ManualClock, settle } from './clock.ts';
import { crypto } from './crypto.ts';
import { MemoryFiles } from './files.ts';
import { type FarEnd, MemoryStreams } from './stream.ts';
import { answers, CLIENT, call } from './ubusd.ts';

const NETIFD = 0x1000;
const HELPER = 0x1001;
const DEVICES = 0x1002;
const FIRST_OBJECT = 0x2000;
const STEP_MS = 250;

/** What ubusd knows of one connection. */
interface BusClient {
  reader: FrameReader;
  /** Ids of the published objects, by path. */
  objects: Map<string, number>;
  /** Ids of the objects without a path, which hear events. */
  listeners: number[];
}

/** A Yggdrasil behind one socket. */
export class MemoryYggdrasil {
  readonly responses: Record<string, AdminResponse> = capturedResponses();
  /** What was asked, with its arguments. */
  readonly asked: string[] = [];
}

export class MemoryRouter implements Host {
  readonly crypto = crypto;
  readonly clock = new ManualClock();
  readonly streams = new MemoryStreams();
  readonly files = new MemoryFiles();
  readonly processes: Processes = {
    spawn: (argv, events) => {
      const ended = this.program?.(argv);
      if (!ended) throw new Error('spawn: nothing may be started');
      const end = async (): Promise<void> => {
        if (ended.stdout) events.onStdout?.(encodeUtf8(ended.stdout));
        events.onExit({ code: ended.code });
      };
      void Promise.resolve().then(end);
      return { pid: 1, write() {}, kill() {} };
    },
  };
  /** Plays every program that is started; without it, or where it gives nothing, none may be. */
  program: ((argv: readonly string[]) => { code: number; stdout?: string } | undefined) | undefined;
  /** Standard error, by line; standard output; exit codes. */
  readonly lines: string[] = [];
  printed = '';
  readonly exits: number[] = [];
  /** Paths where an ubusd listens. */
  readonly busPaths = new Set(['/var/run/ubus/ubus.sock']);
  readonly yggdrasils = new Map<string, MemoryYggdrasil>();
  /** Interfaces of protocol yggdrasil that netifd knows; without, there is no netifd. */
  netifd: string[] | undefined;
  /** What netifd's dump shows beside them, and the devices without a signal. */
  readonly interfaces: object[] = [];
  readonly unplugged = new Set<string>();
  /** What is known of host names, by name, and what was asked. */
  readonly hosts = new Map<string, readonly string[] | Error>();
  readonly resolved: string[] = [];
  readonly names: Names = {
    resolve: (name, done) => {
      this.resolved.push(name);
      return this.clock.after(0, () => done(this.hosts.get(name) ?? new Error(`resolve ${name}: unknown name`)));
    },
  };
  /** Whether rpcd serves the helper, which works on `files`. */
  helper = true;
  /** What the helper was asked: verbs. */
  readonly helped: string[] = [];
  /** Events and notifications: `event <id>`, `notification <type>`. */
  readonly told: string[] = [];
  private readonly signals = new Map<SignalName, () => void>();
  private readonly clients = new Map<FarEnd, BusClient>();
  private readonly replies = new Map<number, { status?: number; data: Table[] }>();
  private lastId = FIRST_OBJECT;
  private lastSeq = 0;

  constructor(readonly args: readonly string[] = []) {}

  // the port

  randomBytes(count: number): Uint8Array {
    return new Uint8Array(count).fill(0x80);
  }

  onSignal(name: SignalName, callback: () => void): void {
    this.signals.set(name, callback);
  }

  log(line: string): void {
    this.lines.push(line);
  }

  print(text: string): void {
    this.printed += text;
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  // the test's side

  write(path: string, text: string): this {
    this.files.all.set(path, { bytes: encodeUtf8(text), mode: 0o600 });
    return this;
  }

  /** Puts a Yggdrasil behind a socket. */
  yggdrasil(path: string): MemoryYggdrasil {
    const node = new MemoryYggdrasil();
    this.yggdrasils.set(path, node);
    return node;
  }

  signal(name: SignalName): void {
    this.signals.get(name)!();
  }

  /** Lets time pass; whatever is asked meanwhile is answered. */
  async run(ms: number): Promise<void> {
    await this.serve();
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.clock.advance(Math.min(STEP_MS, left));
      await this.serve();
    }
  }

  /** Open connections to a unix socket. */
  connections(path: string): FarEnd[] {
    return this.dials(path).filter((end) => end.open && !end.closed);
  }

  /** All connections that were ever made to a unix socket. */
  dials(path: string): FarEnd[] {
    return this.streams.dialled.filter((end) => 'path' in end.endpoint && end.endpoint.path === path);
  }

  /** The published objects. */
  get published(): string[] {
    return [...this.clients].filter(([end]) => !end.closed).flatMap(([, { objects }]) => [...objects.keys()]);
  }

  /** Calls a method of a published object. @throws Error when there is none, or no answer. */
  async call(path: string, method: string, args: object = {}): Promise<{ status: number; data: Table }> {
    const { end, id } = this.find(path);
    const seq = this.invoke(end, id, method, args);
    await this.serve();
    const { status, data } = this.replies.get(seq)!;
    if (status === undefined) throw new Error(`${path} ${method}: no answer`);
    return { status, data: data[0] ?? {} };
  }

  /** The first subscriber of an object comes, or the last one goes. */
  subscribe(path: string, active: boolean): void {
    const { end, id } = this.find(path);
    end.send(encodeMessage({ type: UBUS_MSG_NOTIFY, seq: 0, peer: id, attributes: { objectId: id, active } }));
  }

  /** Tells everybody who listens of an event, whatever they listen for. */
  event(id: string, data: object): void {
    for (const [end, { listeners }] of this.clients) {
      for (const objectId of end.closed ? [] : listeners) this.invoke(end, objectId, id, data);
    }
  }

  /** The text of a file. */
  text(path: string): string {
    return decodeUtf8(this.files.all.get(path)!.bytes);
  }

  /** @returns the number by which the answer is found in `replies`. */
  private invoke(end: FarEnd, objectId: number, method: string, args: object): number {
    const seq = ++this.lastSeq;
    this.replies.set(seq, { data: [] });
    end.send(encodeMessage(call(objectId, method, encodeTable(args), seq)));
    return seq;
  }

  private find(path: string): { end: FarEnd; id: number } {
    for (const [end, { objects }] of this.clients) {
      const id = objects.get(path);
      if (!end.closed && id !== undefined) return { end, id };
    }
    throw new Error(`${path}: not published`);
  }

  /** Answers everything that was asked, until nothing more is. */
  private async serve(): Promise<void> {
    do await settle();
    while (this.streams.dialled.filter((end) => !end.closed && this.serveEnd(end)).length > 0);
  }

  private serveEnd(end: FarEnd): boolean {
    const path = 'path' in end.endpoint ? end.endpoint.path : '';
    const node = this.yggdrasils.get(path);
    if (!end.open) {
      if (node) end.accept();
      else if (this.busPaths.has(path)) {
        this.clients.set(end, { reader: new FrameReader(), objects: new Map(), listeners: [] });
        end.accept();
        end.send(encodeMessage({ type: UBUS_MSG_HELLO, seq: 0, peer: CLIENT, attributes: {} }));
      } else end.end(new Error(`dial ${path}: no such file`));
      return true;
    }
    const bytes = end.take();
    if (bytes.length === 0) return false;
    const client = this.clients.get(end);
    if (client) client.reader.push(bytes, (frame) => this.serveBus(end, client, decodeMessage(frame)));
    else if (node) this.serveYggdrasil(end, node, decodeUtf8(bytes));
    return true;
  }

  private serveBus(end: FarEnd, client: BusClient, message: Message): void {
    const { type, seq, attributes } = message;
    const { path, objectId, method, data } = attributes;
    const reply = (...messages: Message[]): void => {
      for (const one of messages) end.send(encodeMessage(one));
    };
    if (type === UBUS_MSG_STATUS) this.replies.get(seq)!.status = attributes.status!;
    else if (type === UBUS_MSG_DATA) this.replies.get(seq)!.data.push(decodeTable(data!));
    else if (type === UBUS_MSG_NOTIFY) this.told.push(`notification ${method}`);
    else if (type === UBUS_MSG_ADD_OBJECT) {
      const id = ++this.lastId;
      if (path !== undefined) client.objects.set(path, id);
      else client.listeners.push(id);
      reply(...answers(message, 0, { objectId: id, objectType: 1 }));
    } else if (type === UBUS_MSG_LOOKUP) {
      const netifd = path === 'network.device' ? DEVICES : NETIFD;
      const found = path === HELPER_OBJECT ? this.helper && HELPER : this.netifd && netifd;
      if (found) reply(...answers(message, 0, { path: path!, objectId: found, objectType: 1 }));
      else reply(...answers(message, UBUS_STATUS_NOT_FOUND));
    } else if (type === UBUS_MSG_INVOKE && objectId === NETIFD) {
      const list = this.netifd!.map((name) => ({ interface: name, proto: 'yggdrasil' }));
      reply(...answers(message, 0, { objectId, data: encodeTable({ interface: [...list, ...this.interfaces] }) }));
    } else if (type === UBUS_MSG_INVOKE && objectId === DEVICES) {
      const carrier = !this.unplugged.has(decodeTable(data!).name as string);
      reply(...answers(message, 0, { objectId, data: encodeTable({ carrier }) }));
    } else if (type === UBUS_MSG_INVOKE && objectId === HELPER) {
      this.helped.push(method!);
      const place = { machine: this, ...ROUTER };
      void answer(place, method!, JSON.stringify(decodeTable(data!))).then((answered) =>
        reply(...answers(message, 0, { objectId, data: encodeTable(answered) })),
      );
    } else {
      if (objectId === UBUS_SYSTEM_OBJECT_EVENT && method === 'send') this.told.push(`event ${decodeTable(data!).id}`);
      reply(...answers(message, 0));
    }
  }

  private serveYggdrasil(end: FarEnd, node: MemoryYggdrasil, text: string): void {
    for (const line of text.split('\n').filter((one) => one !== '')) {
      const request = JSON.parse(line) as { request: string; arguments: Record<string, string> };
      node.asked.push([request.request, ...Object.values(request.arguments)].join(' '));
      const response = node.responses[request.request];
      end.send(encodeUtf8(JSON.stringify({ status: 'success', request, response })));
    }
  }
}
