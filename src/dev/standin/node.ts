// One played node: captured answers as a state that lives. Uptimes and counters move, peers are added and removed, cables cut.

import { Release } from './release.ts';
import { COMMANDS, type NodeName, OLD, type RawPeer, TRANSCRIPTS, type Transcript } from './transcript.ts';

/** A request as the node read it. */
export interface PlayedRequest {
  /** As it was sent. */
  name: string;
  /** `undefined` when none were given. */
  args: unknown;
}

/** What the node does with a request: a response, an error text, nothing any more (it crashed). */
export type Outcome = { response: object } | { error: string } | 'crash';

/** Type of the arguments of each request, as Go names it in its complaints. */
const GO_TYPES: Readonly<Record<string, string>> = {
  getself: 'admin.GetSelfRequest',
  getpeers: 'admin.GetPeersRequest',
  getsessions: 'admin.GetSessionsRequest',
  getpaths: 'admin.GetPathsRequest',
  gettree: 'admin.GetTreeRequest',
  addpeer: 'admin.AddPeerRequest',
  removepeer: 'admin.RemovePeerRequest',
  gettun: 'tun.GetTUNRequest',
  getmulticastinterfaces: 'multicast.GetMulticastInterfacesRequest',
  getnodeinfo: 'core.GetNodeInfoRequest',
  debug_remotegetself: 'core.DebugGetSelfRequest',
  debug_remotegetpeers: 'core.DebugGetPeersRequest',
  debug_remotegettree: 'core.DebugGetTreeRequest',
};

const REMOTE_TIMEOUT_MS = 6000;
/** Time until a link that can stand does. */
const CONNECT_MS = 300;
/** Bytes a second on a link that carries nothing else. */
const IDLE_RATE = 40;

/** One link: its entry at a moment, and how it moves from there. */
interface Link {
  entry: RawPeer;
  device: string | undefined;
  /** The other end can be reached. */
  works: boolean;
  /** An inbound link that its other end lost: not listed, since only that end can dial again. */
  gone: boolean;
  /** Claims to be up while nothing arrives: a cable that was pulled. */
  stalled: boolean;
  upAtMs: number | undefined;
  /** When it will be up, if nothing happens before. */
  dueAtMs: number | undefined;
  errorAtMs: number | undefined;
  movedAtMs: number;
  rxPerS: number;
  txPerS: number;
  rx: number;
  tx: number;
}

/** A node of one release, from its first answer to its last. */
export class PlayedNode {
  readonly release: Release;
  private readonly script: Transcript;
  private readonly startedAtMs: number;
  private readonly links: Link[];
  /** What links that can work looked like when they did, by remote. */
  private readonly working: Map<string, RawPeer>;
  /** Keys with a question under way, by kind: there is one slot for each. */
  private readonly asked = new Set<string>();

  /** @param nowMs a clock that never goes back. */
  constructor(
    readonly name: NodeName,
    version: string,
    private readonly nowMs: () => number,
  ) {
    this.release = new Release(version);
    this.script = TRANSCRIPTS[name];
    this.startedAtMs = nowMs();
    this.links = this.script.peers.map((entry) => this.capturedLink(entry));
    this.working = new Map(
      this.script.peers.flatMap((entry) => (entry.up && entry.remote ? [[entry.remote, entry]] : [])),
    );
  }

  get key(): string {
    return this.script.self.key;
  }

  get address(): string {
    return this.script.self.address;
  }

  /** URIs of the outgoing peers that its configuration would name: not those found by multicast. */
  get configured(): string[] {
    return this.script.peers.flatMap(({ inbound, remote }) =>
      !inbound && remote && !remote.includes('[fe80') ? [remote] : [],
    );
  }

  /** Links to a node stop: `silently` like a pulled cable (they claim to be up), else with an error. Answers how many. */
  cut(key: string, silently: boolean): number {
    const cut = this.links.filter(
      (link) => link.entry.key === key || this.working.get(link.entry.remote ?? '')?.key === key,
    );
    for (const link of cut) {
      this.move(link);
      link.works = false;
      link.stalled = silently;
      link.gone = !silently && link.entry.inbound;
      if (!silently) this.takeDown(link, 'remote side closed the connection');
    }
    return cut.length;
  }

  /** Undoes `cut`. */
  restore(key: string): void {
    for (const link of this.links) {
      const was = this.working.get(link.entry.remote ?? '');
      if (was?.key !== key) continue;
      this.move(link);
      link.works = true;
      link.gone = false;
      link.stalled = false;
      if (!link.entry.up) link.dueAtMs = this.nowMs() + CONNECT_MS;
    }
  }

  /** Answers a request as the node of this release does; late if another node is asked. */
  async answer({ name, args }: PlayedRequest): Promise<Outcome> {
    const command = name.toLowerCase();
    if (command === '') return this.error('No request specified');
    if (this.release.isOld) return this.answerOld(command);
    if (command === 'list') return { response: { list: COMMANDS.map((entry) => this.release.command(entry)) } };
    const type = GO_TYPES[command];
    if (type === undefined) return this.error(`Unknown action '${command}', try 'list' for help`);
    if (args === null && (command === 'addpeer' || command === 'removepeer')) return 'crash';
    if (args === null && command === 'getpeers' && this.release.diesOfNullGetPeers) return 'crash';
    const fields = COMMANDS.find((entry) => entry.command === command)?.fields ?? [];
    const problem = typeProblem(args, type, fields);
    if (problem) return { error: problem };
    const text = (field: string): string => String((args as Record<string, unknown> | null | undefined)?.[field] ?? '');
    switch (command) {
      case 'getself':
        return { response: { ...this.script.self, build_version: this.release.version } };
      case 'getpeers':
        return { response: { peers: this.listed().map((link) => this.release.peer(this.shown(link))) } };
      case 'getsessions':
        return { response: { sessions: this.script.sessions.map((session) => this.aged(session)) } };
      case 'getpaths':
        return { response: { paths: this.script.paths } };
      case 'gettree':
        return { response: { tree: this.script.tree } };
      case 'gettun':
        return { response: this.script.tun };
      case 'getmulticastinterfaces':
        return {
          response: { multicast_interfaces: this.script.multicast.map((entry) => this.release.multicast(entry)) },
        };
      case 'addpeer':
        return this.addPeer(text('uri'), text('interface') || undefined);
      case 'removepeer':
        return this.removePeer(text('uri'), text('interface') || undefined);
      default:
        return this.askRemote(command, text('key'));
    }
  }

  private answerOld(command: string): Outcome {
    if (command === 'list') return { response: OLD.list };
    if (command === 'getself') return { response: OLD.self };
    return this.error(`Unknown action '${command}', try 'list' for help`);
  }

  private error(text: string): Outcome {
    return { error: this.release.words(text) };
  }

  private addPeer(uri: string, device: string | undefined): Outcome {
    const problem = this.uriProblem(uri);
    if (problem) return { error: problem };
    const remote = uri.split('?')[0]!;
    const known = this.find(remote, device);
    if (known) {
      if (!known.entry.up) this.dial(known);
      return { error: 'peer is already configured' };
    }
    const entry: RawPeer = { remote, up: false, inbound: false, key: '', port: 0, priority: 0, cost: 0 };
    const link = { ...this.capturedLink(entry), device, works: this.working.has(remote), errorAtMs: undefined };
    this.links.push(link);
    this.dial(link);
    return { response: {} };
  }

  private removePeer(remote: string, device: string | undefined): Outcome {
    const link = this.find(remote.split('?')[0]!, device);
    if (!link) return { error: 'peer is not configured' };
    if (link.entry.inbound) return 'crash';
    this.links.splice(this.links.indexOf(link), 1);
    return { response: {} };
  }

  private uriProblem(uri: string): string | undefined {
    const [body = '', query = ''] = uri.split('?');
    if (/^[a-z]+:\/\/\[[^\]]*$/i.test(body))
      return `unable to parse peering URI: parse ${JSON.stringify(uri)}: missing ']' in host`;
    if (body !== '' && !/^[a-z][a-z0-9+.-]*:/i.test(body))
      return `unable to parse peering URI: parse ${JSON.stringify(uri)}: first path segment in URL cannot contain colon`;
    if (this.release.checksScheme && !SCHEMES.test(body)) return 'link schema unknown';
    const options = new URLSearchParams(query);
    const priority = options.get('priority');
    if (priority !== null && !(/^\d{1,3}$/.test(priority) && Number(priority) < 256))
      return 'priority value is invalid';
    if (options.getAll('key').some((key) => !/^([0-9a-f]{2})*$/i.test(key))) return 'pinned public key is invalid';
    if (Buffer.byteLength(options.get('password') ?? '') > 64) return 'invalid password supplied';
    const backoff = options.get('maxbackoff');
    if (backoff !== null && !(seconds(backoff) >= this.release.minBackoffS)) return 'max backoff duration invalid';
    return undefined;
  }

  private async askRemote(command: string, key: string): Promise<Outcome> {
    const info = command === 'getnodeinfo';
    if (info && key === '') return this.error('No remote public key supplied');
    const odd = /[^0-9a-f]/i.exec(key)?.[0];
    if (odd !== undefined) {
      const code = odd.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      const why = `encoding/hex: invalid byte: U+${code} '${odd}'`;
      return info ? this.error(`Failed to decode public key: ${why}`) : { error: why };
    }
    if (key.length !== 64 && (!info || this.release.checksKeyLength)) return { error: 'invalid public key length' };
    const slot = `${command} ${key.toLowerCase()}`;
    const other = Object.values(TRANSCRIPTS).find(({ self }) => self.key === key.toLowerCase());
    const free = !this.asked.has(slot);
    this.asked.add(slot);
    if (!other || other === this.script || !free) {
      await new Promise((resolve) => setTimeout(resolve, REMOTE_TIMEOUT_MS));
      if (free) this.asked.delete(slot);
      return info ? this.error('Timed out waiting for response') : { error: 'timeout' };
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
    this.asked.delete(slot);
    return { response: this.remoteAnswer(command, other) };
  }

  private remoteAnswer(command: string, { self, peers, tree, nodeInfo }: Transcript): object {
    if (command === 'getnodeinfo') return { [self.key]: nodeInfo };
    if (command === 'debug_remotegetself')
      return { [self.address]: { key: self.key, routing_entries: String(self.routing_entries) } };
    if (command === 'debug_remotegetpeers')
      return { [self.address]: { keys: peers.flatMap(({ up, key }) => (up ? [key] : [])) } };
    return { [self.address]: { keys: tree.map((entry) => (entry as { key: string }).key) } };
  }

  private find(remote: string, device: string | undefined): Link | undefined {
    return this.listed().find((link) => (link.entry.remote ?? '') === remote && link.device === device);
  }

  private listed(): Link[] {
    return this.links.filter((link) => !link.gone);
  }

  private capturedLink(entry: RawPeer): Link {
    const now = this.nowMs();
    const ago = (s: number | undefined): number | undefined => (s === undefined ? undefined : now - s * 1000);
    return {
      entry,
      device: undefined,
      works: entry.up,
      gone: false,
      stalled: false,
      upAtMs: ago(entry.uptime),
      dueAtMs: undefined,
      errorAtMs: ago(entry.last_error_time === undefined ? undefined : entry.last_error_time / 1e9),
      movedAtMs: now,
      rxPerS: entry.rate_recvd ?? IDLE_RATE,
      txPerS: entry.rate_sent ?? IDLE_RATE,
      rx: entry.bytes_recvd ?? 0,
      tx: entry.bytes_sent ?? 0,
    };
  }

  private dial(link: Link): void {
    this.move(link);
    if (link.works) link.dueAtMs = this.nowMs() + CONNECT_MS;
    else this.takeDown(link, dialError(link.entry.remote ?? ''));
  }

  private takeDown(link: Link, error: string): void {
    const { remote } = link.entry;
    const inbound = link.entry.inbound;
    link.entry = {
      ...(remote ? { remote } : {}),
      up: false,
      inbound,
      key: '',
      port: 0,
      priority: 0,
      cost: 0,
      last_error: error,
    };
    link.errorAtMs = this.nowMs();
    link.upAtMs = undefined;
    link.dueAtMs = undefined;
  }

  /** Brings a link to the present. */
  private move(link: Link): void {
    const now = this.nowMs();
    if (link.dueAtMs !== undefined && now >= link.dueAtMs) {
      const { last_error, last_error_time, ...entry } = this.working.get(link.entry.remote ?? '') ?? link.entry;
      Object.assign(link, { entry, upAtMs: link.dueAtMs, movedAtMs: link.dueAtMs, dueAtMs: undefined, rx: 0, tx: 0 });
    }
    if (link.entry.up && !link.stalled) {
      const passed = (now - link.movedAtMs) / 1000;
      link.rx += link.rxPerS * passed;
      link.tx += link.txPerS * passed;
    }
    link.movedAtMs = now;
  }

  /** The entry as it would be sent now. */
  private shown(link: Link): RawPeer {
    this.move(link);
    const { entry, upAtMs, errorAtMs, stalled } = link;
    const now = this.nowMs();
    if (!entry.up) {
      const { last_error, last_error_time, ...rest } = entry;
      if (last_error === undefined || errorAtMs === undefined) return rest;
      return { ...rest, last_error_time: Math.round((now - errorAtMs) * 1e6), last_error };
    }
    // Go leaves out what is zero
    const { bytes_recvd, bytes_sent, rate_recvd, rate_sent, uptime, latency, ...rest } = entry;
    const rx = Math.floor(link.rx);
    const tx = Math.floor(link.tx);
    return {
      ...rest,
      ...(rx && { bytes_recvd: rx }),
      ...(tx && { bytes_sent: tx }),
      ...(!stalled && { rate_recvd: Math.round(link.rxPerS), rate_sent: Math.round(link.txPerS) }),
      uptime: (now - (upAtMs ?? now)) / 1000,
      ...(latency && { latency }),
    };
  }

  private aged<T extends { uptime: number; bytes_recvd: number; bytes_sent: number }>(session: T): T {
    const passed = (this.nowMs() - this.startedAtMs) / 1000;
    const more = Math.floor(passed * IDLE_RATE);
    return {
      ...session,
      bytes_recvd: session.bytes_recvd + more,
      bytes_sent: session.bytes_sent + more,
      uptime: session.uptime + passed,
    };
  }
}

const SCHEMES = /^(tcp|tls|quic|ws|wss|socks|sockstls|unix):/i;

/** A Go duration of whole units, in seconds; NaN when it is none. */
function seconds(text: string): number {
  const parts = [...text.matchAll(/(\d+)(h|m|s)/g)];
  if (parts.map((part) => part[0]).join('') !== text) return Number.NaN;
  return parts.reduce((sum, part) => sum + Number(part[1]) * { h: 3600, m: 60, s: 1 }[part[2] as 'h' | 'm' | 's'], 0);
}

/** Why a peer of which nothing is known cannot be reached, in the node's words. */
function dialError(remote: string): string {
  if (!SCHEMES.test(remote)) return 'link schema unknown';
  const place = remote.replace(/^[a-z]+:\/\//i, '');
  if (/^\[[23][0-9a-f]{2}:/i.test(place)) return 'peer has no suitable addresses';
  if (remote.startsWith('unix:')) return `dial unix ${place}: connect: no such file or directory`;
  if (!/:\d+$/.test(place)) return `address ${place}: missing port in address`;
  return `dial tcp ${place}: connect: connection refused`;
}

/** What Go says when arguments have another type than the handler wants. */
function typeProblem(args: unknown, type: string, fields: readonly string[]): string | undefined {
  if (args === undefined || args === null) return undefined;
  const goType = (value: unknown): string =>
    Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  if (typeof args !== 'object' || Array.isArray(args))
    return `json: cannot unmarshal ${goType(args)} into Go value of type ${type}`;
  for (const field of fields) {
    const value = (args as Record<string, unknown>)[field];
    if (value !== undefined && value !== null && typeof value !== 'string')
      return `json: cannot unmarshal ${goType(value)} into Go struct field ${type.split('.')[1]}.${field} of type string`;
  }
  return undefined;
}
