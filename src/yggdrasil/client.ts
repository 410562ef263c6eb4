// The client of one Yggdrasil node: a supervised connection for what the node knows itself, a pool for what it asks others.
//
// A node that starts fills its table of handlers while it accepts connections already, and may die when it is asked meanwhile (a concurrent
// map write is fatal in Go): so the first request waits a second after the connection stands, and nothing is asked before that.

import { InputError, LinkDownError, RemoteError } from '../errors.ts';
import { Backoff } from '../lib/backoff.ts';
import { identityOf, redact } from '../lib/peer-text.ts';
import { parsePeerUri } from '../lib/peer-uri.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock, Endpoint, Stream, Streams } from '../transport/host.ts';
import { Link, type LinkReport, type LinkSession } from '../transport/link.ts';
import {
  type AdminRequest,
  type AdminResponse,
  isAlreadyConfigured,
  isObject,
  type LocalRequest,
  parseKey,
  type RemoteRequest,
} from './admin.ts';
import { AdminConnection } from './connection.ts';
import { toSelf } from './entries.ts';
import { RemotePool } from './remote.ts';

/** What the node said of itself when the link came up. */
export interface NodeIdentity {
  /** 64 hex digits. */
  key: string;
  address: string;
  /** `0.5.12`; `unknown` in builds without a stamp. */
  version: string;
  /** Names of the requests that it knows, lower case. */
  commands: ReadonlySet<string>;
}

export interface YggdrasilClientOptions {
  streams: Streams;
  clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  endpoint: Endpoint;
  log: Log;
  /** Name of the interface, for error texts. */
  name: string;
  /** The node can be asked, or no longer; called once per change. */
  onChange?(up: boolean, error: Error | undefined): void;
}

const SETTLE_MS = 1000;
const TIMEOUT_MS = 5000;
/** Dialling, settling and two questions. */
const READY_TIMEOUT_MS = 2000 + SETTLE_MS + 2 * TIMEOUT_MS;
/** How often to look whether a node that is too old was replaced. */
const TOO_OLD_RETRY_MS = 60_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 500;
/** Some 5,000 peerings: more than fits into an answer on ubus, and a fraction of the heap, which a hostile node must not fill. */
const MAX_ANSWER = 2 * 1024 * 1024;
/** Oldest that is supported, 0.x.y. */
const MIN_VERSION = [5, 5] as const;

/** The node speaks an older protocol. */
class TooOldError extends Error {}

/**
 * Asks one Yggdrasil node, from `start()` to `stop()`.
 *
 * All methods that ask reject with LinkDownError while the node is not connected, with RemoteError and its words when it refuses, with
 * TimeoutError after 5 s (the connection is then made anew, since the order of answers is lost), and with WireError on bad bytes.
 */
export class YggdrasilClient {
  private readonly link: Link;
  private readonly remote: RemotePool;
  private connection: AdminConnection | undefined;
  private identity: NodeIdentity | undefined;
  private refusal: string | undefined;
  private retry: Cancel | undefined;

  constructor(private readonly options: YggdrasilClientOptions) {
    const { streams, clock, endpoint, log, random } = options;
    this.remote = new RemotePool({ streams, clock, endpoint });
    this.link = new Link(streams, clock, {
      endpoint,
      log,
      backoff: new Backoff({ firstMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS, random }),
      readyTimeoutMs: READY_TIMEOUT_MS,
      open: (stream) => this.open(stream),
      onChange: (up, error) => this.onChange(up, error),
    });
  }

  /** The node can be asked. */
  get up(): boolean {
    return this.link.up;
  }

  /** The node, while it is up. */
  get node(): NodeIdentity | undefined {
    return this.link.up ? this.identity : undefined;
  }

  report(): LinkReport {
    const report = this.link.report();
    return this.refusal === undefined || report.state === 'up'
      ? report
      : { ...report, state: 'waiting', last_error: this.refusal };
  }

  start(): void {
    if (this.retry === undefined) this.link.start();
  }

  stop(): void {
    this.stopRetry();
    this.refusal = undefined;
    this.link.stop();
  }

  // what the node knows

  getSelf(): Promise<AdminResponse> {
    return this.ask('getself');
  }

  getPeers(): Promise<AdminResponse> {
    return this.ask('getpeers');
  }

  getSessions(): Promise<AdminResponse> {
    return this.ask('getsessions');
  }

  getPaths(): Promise<AdminResponse> {
    return this.ask('getpaths');
  }

  getTree(): Promise<AdminResponse> {
    return this.ask('gettree');
  }

  getTun(): Promise<AdminResponse> {
    return this.ask('gettun');
  }

  getMulticastInterfaces(): Promise<AdminResponse> {
    return this.ask('getmulticastinterfaces');
  }

  // what it changes, until it restarts

  /**
   * Adds a peering, bound to `device` if given; that it was added does not mean that it connects. One that is there already stays as it is,
   * and is dialled at once if it was down: that is how a peer is retried.
   *
   * Rejects with InputError on a URI that cannot work.
   */
  async addPeer(uri: string, device?: string): Promise<'added' | 'present'> {
    const peer = parsePeerUri(uri);
    try {
      await this.request({ name: 'addpeer', uri: peer.uri, device });
      return 'added';
    } catch (error) {
      if (isAlreadyConfigured(error)) return 'present';
      // the node quotes a URI that it cannot parse, with whatever is in it
      if (error instanceof RemoteError && error.message.includes('://'))
        throw new RemoteError(`${redact(peer.uri)}: the node cannot parse it`, 'refused');
      throw error;
    }
  }

  /**
   * Ends an outgoing peering; `uri` with or without its query.
   *
   * Removing an inbound one kills the node (nil dereference in 0.5.12 and 0.5.14), so nothing is sent unless the node's own list, asked for
   * just before, has this peering and says that it is outgoing. Rejects with InputError when it is inbound, and with the node's RemoteError
   * when it is bound to another device.
   */
  async removePeer(uri: string, device?: string): Promise<'removed' | 'absent'> {
    const remote = identityOf(uri);
    const { peers } = await this.getPeers();
    const found = Array.isArray(peers) ? peers.filter((entry) => isObject(entry) && entry.remote === remote) : [];
    if (found.length === 0) return 'absent';
    if (found.some((entry) => entry.inbound !== false))
      throw new InputError(`uri: ${redact(remote)} is inbound: only its other end can end it`, 'uri');
    await this.request({ name: 'removepeer', uri: remote, device });
    return 'removed';
  }

  // what other nodes know; the own key is refused, since a node never answers itself

  getNodeInfo(key: string): Promise<AdminResponse> {
    return this.askRemote('getnodeinfo', key);
  }

  remoteSelf(key: string): Promise<AdminResponse> {
    return this.askRemote('debug_remotegetself', key);
  }

  remotePeers(key: string): Promise<AdminResponse> {
    return this.askRemote('debug_remotegetpeers', key);
  }

  private ask(name: LocalRequest): Promise<AdminResponse> {
    return this.request({ name });
  }

  private async request(request: AdminRequest): Promise<AdminResponse> {
    if (!this.connection || !this.up) throw this.notConnected();
    return this.connection.request(request, TIMEOUT_MS);
  }

  private async askRemote(name: RemoteRequest, key: string): Promise<AdminResponse> {
    const node = this.node;
    if (!node) throw this.notConnected();
    if (parseKey(key) === node.key)
      throw new InputError('key: is that of this node, which does not answer itself', 'key');
    return this.remote.ask(name, key);
  }

  private notConnected(): LinkDownError {
    const { last_error } = this.report();
    return new LinkDownError(`yggdrasil.${this.options.name}: not connected${last_error ? `: ${last_error}` : ''}`);
  }

  private open(stream: Stream): LinkSession {
    const { clock } = this.options;
    const connection = new AdminConnection({
      clock,
      stream,
      maxBytes: MAX_ANSWER,
      drop: (error) => this.drop(error),
    });
    this.connection = connection;
    const settled = clock.after(SETTLE_MS, () => {
      this.identify(connection).then(
        (identity) => {
          this.identity = identity;
          this.refusal = undefined;
          this.link.ready();
        },
        (error: Error) => connection.fail(error),
      );
    });
    return {
      onData: (bytes) => connection.onData(bytes),
      onDown: (error) => {
        settled();
        this.connection = undefined;
        connection.onDown(error);
        this.remote.close(new LinkDownError(`yggdrasil.${this.options.name}: connection lost: ${error.message}`));
      },
    };
  }

  private async identify(connection: AdminConnection): Promise<NodeIdentity> {
    const commands = toCommands(await connection.request({ name: 'list' }, TIMEOUT_MS));
    if (commands.has('getdht') && !commands.has('gettree')) throw new TooOldError(tooOld('0.4'));
    if (!commands.has('gettree')) throw new LinkDownError('list: no gettree, the node is still starting');
    const { key, address, build_version: version } = toSelf(await connection.request({ name: 'getself' }, TIMEOUT_MS));
    const [, minor, patch] = /^0\.(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
    if (minor !== undefined && patch !== undefined)
      if (minor < MIN_VERSION[0] || (minor === MIN_VERSION[0] && patch < MIN_VERSION[1]))
        throw new TooOldError(tooOld(version));
    return { key, address, version, commands };
  }

  private drop(error: Error): void {
    if (!(error instanceof TooOldError)) {
      this.link.drop(error);
      return;
    }
    if (this.refusal !== error.message) this.options.log.warn(error.message);
    this.refusal = error.message;
    this.link.stop();
    this.retry = this.options.clock.after(TOO_OLD_RETRY_MS, () => {
      this.retry = undefined;
      this.link.start();
    });
  }

  private stopRetry(): void {
    this.retry?.();
    this.retry = undefined;
  }

  private onChange(up: boolean, error: Error | undefined): void {
    const { log, onChange } = this.options;
    if (up) log.info('connected', { version: this.identity?.version, address: this.identity?.address });
    else log.info('lost', { error: error?.message });
    onChange?.(up, error);
  }
}

function tooOld(version: string): string {
  return `yggdrasil ${version} is too old: needs 0.5.5 or newer`;
}

function toCommands(response: AdminResponse): ReadonlySet<string> {
  const list = Array.isArray(response.list) ? response.list.slice(0, 256) : [];
  return new Set(
    list.map((entry) => (isObject(entry) && typeof entry.command === 'string' ? entry.command.toLowerCase() : '')),
  );
}
