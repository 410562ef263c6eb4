// The objects `yggdrasil` and `meshbridge` on ubus: shows the state, takes commands, decides nothing.

import type { LeaseStatus } from '../api/lease-object.ts';
import type { AdviserStatus, CommandList, Heal, LinkStatus, Shape, TelemetryStatus } from '../api/model.ts';
import { LINK } from '../api/model.ts';
import {
  type LinkEvent,
  MESH_EVENTS,
  MESHBRIDGE_METHODS,
  type MethodContract,
  PEER_NOTICE,
  YGGDRASIL_METHODS,
} from '../api/objects.ts';
import type { Log } from '../log.ts';
import { HISTORY_STEP_S } from '../mesh/history.ts';
import type { View, ViewKind } from '../mesh/node.ts';
import type { Overview, Picture, Sketch } from '../mesh/overview.ts';
import type { PeeringName } from '../mesh/peer.ts';
import { TRY_SECONDS } from '../mesh/peering.ts';
import type { Member, MeshState, PeerNotice } from '../mesh/state.ts';
import { writeInt64 } from '../ubus/blob.ts';
import { compileLayout, firstValueOffset, type Table } from '../ubus/blobmsg.ts';
import type { UbusClient } from '../ubus/client.ts';
import { MAX_ANSWER_DATA } from '../ubus/message.ts';
import { Failure, type Reply, type UbusMethod } from '../ubus/object.ts';
import { UBUS_STATUS_NOT_FOUND } from '../ubus/status.ts';
import { SendQueue } from './queue.ts';

/** What the object `meshbridge` shows and starts. */
export interface Daemon {
  status(): Shape<(typeof MESHBRIDGE_METHODS)['status']['reply']>;
  /** @returns what was done. @throws InputError when the configuration cannot be used. */
  reload(): Promise<string>;
  /** Who may order something from afar, and what was ordered. */
  commands(): CommandList;
  /** What is unsafe or broken in the router's configuration. */
  lint(): Promise<Shape<(typeof MESHBRIDGE_METHODS)['lint']['reply']>>;
  /** The level in force; with an argument, sets it first. @throws InputError on an unknown one. */
  logLevel(level?: string): string;
}

/** Looks whether something answers at an address of the mesh. @throws InputError, BusyError */
export type CheckService = (
  address: string,
  port: number,
) => Promise<Shape<(typeof MESHBRIDGE_METHODS)['service_check']['reply']>>;

/** Tries a broker. @throws (rejects) InputError, BusyError */
export type TestBroker = (name: string) => Promise<Shape<(typeof MESHBRIDGE_METHODS)['broker_test']['reply']>>;

/** The adviser for public peers. */
export interface PublicPeerAdviser {
  status(): AdviserStatus;
  /** Removes what it added. @returns what was done. @throws InputError when it is off. */
  undo(): Promise<string>;
}

/** What a surface shows, and what it reaches. */
export interface SurfaceParts {
  readonly bus: Bus;
  readonly mesh: MeshState;
  readonly overview: Pick<Overview, 'look' | 'overview' | 'member' | 'map'>;
  readonly daemon: Daemon;
  readonly checkService: CheckService;
  readonly testBroker: TestBroker;
  readonly adviser: PublicPeerAdviser;
  /** What goes to brokers. */
  telemetry(look: boolean): TelemetryStatus;
  /** Tells them now. @returns what was done. @throws InputError when there is none to be told. */
  sendNow(): string;
  nowMs(): number;
  readonly log: Log;
}

type Bus = Pick<UbusClient, 'publish' | 'send' | 'notify' | 'hasSubscribers'>;
type YggdrasilMethod = keyof typeof YGGDRASIL_METHODS;
/** Methods of `meshbridge` that show a picture. */
type PictureMethod = 'verdict' | 'overview' | 'member';
/** Views, and what else is encoded by its layout. */
type Shown = ViewKind | PictureMethod | 'map';
type Handler = (args: Table) => Reply | Promise<Reply>;

/** Of an interface's name that nobody knows, so much is said back, in characters. */
const MAX_NAME = 32;
const AGE_OFFSET = firstValueOffset('age_ms');
/** Entries of each list of a map, at most: pages draw 200 nodes. */
const MAP_ENTRIES = 500;
const LAYOUTS = new Map<Shown, ReturnType<typeof compileLayout>>();
const SHOWN = { ...YGGDRASIL_METHODS, ...MESHBRIDGE_METHODS };
const NOTICE = compileLayout(PEER_NOTICE);
const LINK_NOTICE = compileLayout(LINK);
const VERDICT_NOTICE = compileLayout(MESH_EVENTS.verdict);
const HEAL_NOTICE = compileLayout(MESH_EVENTS.healed);
const LEASE_NOTICE = compileLayout(MESH_EVENTS.lease);

function layoutOf(kind: Shown): ReturnType<typeof compileLayout> {
  const known = LAYOUTS.get(kind);
  if (known) return known;
  const compiled = compileLayout(SHOWN[kind].reply);
  LAYOUTS.set(kind, compiled);
  return compiled;
}

/** A reply in one DATA; of a list that is too long about as many entries as fit, from the first on, and how many are left out. */
function encodeFitting(kind: ViewKind, reply: Table): Uint8Array {
  const whole = tryEncode(kind, reply);
  if (whole instanceof Uint8Array) return whole;
  const list = reply[kind];
  if (!Array.isArray(list)) throw whole;
  const cut = (length: number): Uint8Array | RangeError =>
    tryEncode(kind, { ...reply, left_out: list.length - length, [kind]: list.slice(0, length) });
  let length = list.length;
  let fitting: Uint8Array | RangeError = whole;
  while (fitting instanceof RangeError) {
    if (length === 0) throw fitting;
    length >>>= 1;
    fitting = cut(length);
  }
  // entries are much of a size: fill what is left, but for a margin
  const fuller = cut(Math.min(list.length - 1, Math.floor((length * 0.95 * MAX_ANSWER_DATA) / fitting.length)));
  return fuller instanceof RangeError || fuller.length < fitting.length ? fitting : fuller;
}

function tryEncode(kind: Shown, reply: Table): Uint8Array | RangeError {
  try {
    const bytes = layoutOf(kind).encode(reply);
    if (bytes.length <= MAX_ANSWER_DATA) return bytes;
    return new RangeError(`${kind}: reply of ${bytes.length} bytes, at most ${MAX_ANSWER_DATA}`);
  } catch (error) {
    if (error instanceof RangeError) return error;
    throw error;
  }
}

function peeringOf(args: Table): PeeringName {
  const { uri, device } = args as { uri: string; device?: string };
  return device === undefined ? { uri } : { uri, device };
}

/** Puts the objects on a bus and tells it what happens. */
export class UbusSurface {
  /** Encoded replies, each for as long as the view that it shows is the newest: a call only brings its age up to date. */
  private readonly encoded = new WeakMap<View, Uint8Array>();
  private readonly pictures = new WeakMap<Picture, Map<PictureMethod, Uint8Array>>();
  private readonly queue: SendQueue;

  constructor(private readonly parts: SurfaceParts) {
    this.queue = new SendQueue(parts.log);
  }

  /** Publishes the objects; the bus publishes them again whenever it returns. */
  publish(): void {
    this.parts.bus.publish({ path: 'yggdrasil', methods: withContract(YGGDRASIL_METHODS, this.yggdrasil()) });
    this.parts.bus.publish({ path: 'meshbridge', methods: withContract(MESHBRIDGE_METHODS, this.meshbridge()) });
  }

  /** Tells what happened to a peer. */
  peerNotice({ event, interface: iface, peer }: PeerNotice): void {
    this.tell('yggdrasil', event, NOTICE.encode({ interface: iface, peer }));
  }

  /** Tells that a connection of the daemon came or went. */
  linkNotice(event: LinkEvent, link: LinkStatus): void {
    this.tell('meshbridge', event, LINK_NOTICE.encode(link));
  }

  /** Tells that the situation of a node is another one. */
  verdictNotice({ interface: iface, judgement: { state, id, since_s } }: Sketch): void {
    this.tell('meshbridge', 'verdict', VERDICT_NOTICE.encode({ interface: iface, state, id, since_s }));
  }

  /** Tells that peers came back at once because an uplink did. */
  healNotice(heal: Heal): void {
    this.tell('meshbridge', 'healed', HEAL_NOTICE.encode(heal));
  }

  /** Tells that the situation of this home's lease is another one. */
  leaseNotice({ state, id, gateway }: LeaseStatus): void {
    this.tell('meshbridge', 'lease', LEASE_NOTICE.encode({ state, id, ...(gateway !== undefined && { gateway }) }));
  }

  private tell(path: string, event: string, data: Uint8Array): void {
    this.queue.push(() => this.parts.bus.send(`${path}.${event}`, data));
    if (this.parts.bus.hasSubscribers(path)) this.queue.push(() => this.parts.bus.notify(path, event, data));
  }

  private yggdrasil(): Record<YggdrasilMethod, Handler> {
    return {
      self: this.reads('self'),
      peers: this.reads('peers'),
      sessions: this.reads('sessions'),
      paths: this.reads('paths'),
      tree: this.reads('tree'),
      tun: this.reads('tun'),
      multicast: this.reads('multicast'),
      node_info: this.forMember(async ({ node, remote }, args) => {
        const key = (args.key as string).toLowerCase();
        const { value, atMs } = await remote.nodeInfo(key, this.parts.nowMs());
        return { age_ms: this.parts.nowMs() - atMs, interface: node.name, key, node_info: value };
      }),
      node_peers: this.forMember(async ({ node, remote }, args) => {
        const key = (args.key as string).toLowerCase();
        const { value, atMs } = await remote.nodePeers(key, this.parts.nowMs());
        return { age_ms: this.parts.nowMs() - atMs, interface: node.name, key, keys: value };
      }),
      history: this.forMember(({ node }) => {
        const nowMs = this.parts.nowMs();
        if (!node.connected) node.history.gap(nowMs);
        const peers = node.view('peers');
        return {
          age_ms: peers ? nowMs - peers.atMs : 0,
          interface: node.name,
          step_s: HISTORY_STEP_S,
          samples: node.history.samples(nowMs),
        };
      }),
      peer_add: this.forMember(async (member, args) => this.done(member, await member.peering.add(peeringOf(args)))),
      peer_remove: this.forMember(async (member, args) =>
        this.done(member, await member.peering.remove(peeringOf(args), args.forget === true)),
      ),
      peer_retry: this.forMember(async (member, args) =>
        this.done(member, await member.peering.retry(peeringOf(args))),
      ),
      peer_try: this.forMember(async (member, args) => {
        const seconds = (args.seconds as number | undefined) ?? TRY_SECONDS.usual;
        const message = await member.peering.try(peeringOf(args), seconds, args.replace === true);
        return { ...this.done(member, message), reverts_in_s: seconds };
      }),
      peer_confirm: this.forMember(async (member, args) =>
        this.done(member, await member.peering.confirm(peeringOf(args))),
      ),
      peer_undo: this.forMember(async (member, args) => this.done(member, await member.peering.undo(peeringOf(args)))),
      peer_keep: this.forMember(async (member, args) => this.done(member, await member.peering.keep(peeringOf(args)))),
    };
  }

  private meshbridge(): Record<keyof typeof MESHBRIDGE_METHODS, Handler> {
    return {
      status: () => this.parts.daemon.status(),
      reload: async () => ({ message: await this.parts.daemon.reload() }),
      lint: () => this.parts.daemon.lint(),
      verdict: this.shows('verdict', ({ verdict }) => verdict),
      overview: this.shows('overview', (picture) => this.parts.overview.overview(picture)),
      map: this.forLook((iface, args) => this.map(iface, args.tree === true)),
      member: this.shows('member', (picture) => this.parts.overview.member(picture)),
      service_check: ({ address, port }) => this.parts.checkService(address as string, port as number),
      telemetry: ({ look }) => this.telemetry(look === true),
      telemetry_send: () => ({ message: this.parts.sendNow() }),
      commands: () => this.parts.daemon.commands(),
      broker_test: ({ name }) => this.parts.testBroker(name as string),
      adviser: () => this.parts.adviser.status(),
      adviser_undo: async () => ({ message: await this.parts.adviser.undo() }),
      log_level: (args) => ({ level: this.parts.daemon.logLevel(args.level as string | undefined) }),
    };
  }

  private telemetry(look: boolean): Table {
    const { daemon } = this.parts;
    const status = this.parts.telemetry(look);
    return look
      ? { ...status, config_errors: daemon.status().config_errors, management: daemon.commands() }
      : { ...status };
  }

  private done({ node }: Member, message: string): { interface: string; message: string } {
    return { interface: node.name, message };
  }

  /** A method that shows one kind of view: from the state while that is fresh, else once Yggdrasil was asked. */
  private reads(kind: ViewKind): Handler {
    return this.forMember((member) => {
      const view = member.node.read(kind, this.parts.nowMs());
      return view instanceof Promise ? view.then((v) => this.encode(member, kind, v)) : this.encode(member, kind, view);
    });
  }

  private encode({ node }: Member, kind: ViewKind, view: View): Uint8Array {
    const age = this.parts.nowMs() - view.atMs;
    const known = this.encoded.get(view);
    if (known) {
      writeInt64(known, AGE_OFFSET, age);
      return known;
    }
    const bytes = encodeFitting(kind, { age_ms: age, interface: node.name, ...view.value });
    this.encoded.set(view, bytes);
    return bytes;
  }

  /** A method that shows one picture; its reply is encoded once for as long as that is the newest. */
  private shows(method: PictureMethod, tableOf: (picture: Picture) => Table): Handler {
    return this.forLook(async (iface) => {
      const picture = await this.parts.overview.look(iface);
      const age = this.parts.nowMs() - picture.atMs;
      const replies = this.pictures.get(picture) ?? new Map<PictureMethod, Uint8Array>();
      this.pictures.set(picture, replies);
      const known = replies.get(method);
      if (known) {
        writeInt64(known, AGE_OFFSET, age);
        return known;
      }
      const bytes = layoutOf(method).encode({ age_ms: age, ...tableOf(picture) });
      replies.set(method, bytes);
      return bytes;
    });
  }

  /** With as many entries of its lists as fit into one message. */
  private async map(iface: string, tree: boolean): Promise<Uint8Array> {
    const { overview, nowMs } = this.parts;
    const picture = await overview.look(iface);
    for (let most = MAP_ENTRIES; ; most >>= 1) {
      const reply = await overview.map(picture, tree, most);
      const bytes = tryEncode('map', { age_ms: nowMs() - picture.atMs, ...reply });
      if (bytes instanceof Uint8Array) return bytes;
      if (most === 0) throw bytes;
    }
  }

  /** A method that looks at one interface; a router without Yggdrasil has a verdict, too, for the empty one. */
  private forLook(look: (iface: string, args: Table) => Promise<Uint8Array>): Handler {
    const forMember = this.forMember(({ node }, args) => look(node.name, args));
    return (args) =>
      args.interface === undefined && this.parts.mesh.all().length === 0 ? look('', args) : forMember(args);
  }

  private forMember(handle: (member: Member, args: Table) => Reply | Promise<Reply>): Handler {
    return (args) => {
      const name = args.interface as string | undefined;
      const member = this.parts.mesh.find(name);
      if (member) return handle(member, args);
      const known = this.parts.mesh
        .all()
        .map(({ node }) => node.name)
        .join(', ');
      const error =
        name === undefined
          ? 'no Yggdrasil interface was found on this router'
          : `no Yggdrasil interface "${shortened(name)}"`;
      return new Failure(
        UBUS_STATUS_NOT_FOUND,
        known ? `interface: ${error}, there is ${known}` : `interface: ${error}`,
        'interface',
      );
    };
  }
}

function shortened(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
}

function withContract<M extends string>(
  contracts: Record<M, MethodContract>,
  handlers: Record<M, Handler>,
): Record<M, UbusMethod> {
  const methods = {} as Record<M, UbusMethod>;
  for (const name of Object.keys(contracts) as M[]) {
    const { args, reply } = contracts[name];
    methods[name] = { args, reply, handle: handlers[name] };
  }
  return methods;
}
