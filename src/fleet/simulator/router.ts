// A simulated router: the daemon's own client, surface, measurements, events and commands, over a mesh that is made up.

import { createHash } from 'node:crypto';
import { version } from '../../../package.json';
import { METRIC_GROUPS, OPTIONAL_TOPICS, type Sample } from '../../api/topics.ts';
import { encodeBase32 } from '../../lib/base32.ts';
import { toHex } from '../../lib/bytes.ts';
import { sealEnvelope } from '../../lib/envelope.ts';
import { hmacSha512 } from '../../lib/hmac.ts';
import { keyIdOf } from '../../lib/node-id.ts';
import { encodeUtf8 } from '../../lib/utf8.ts';
import { SILENT } from '../../log.ts';
import { whole } from '../../mesh/argument.ts';
import { CommandDesk } from '../../mesh/command.ts';
import { Events } from '../../mesh/event.ts';
import { Moments } from '../../mesh/moment.ts';
import { operation } from '../../mesh/operation.ts';
import { MAX_QUEUED_BYTES, ReportQueue } from '../../mesh/report-queue.ts';
import { Telemetry } from '../../mesh/telemetry.ts';
import { MqttClient } from '../../mqtt/client.ts';
import { MqttSurface } from '../../surface/mqtt.ts';
import type { Clock, Endpoint, Host } from '../../transport/host.ts';
import { formatPassword } from '../access.ts';
import { crypto } from '../crypto.ts';
import type { Pin } from '../pin.ts';
import { idOf } from '../trust.ts';

/** How one is to be. */
export interface SimulatedOptions {
  host: Pick<Host, 'streams'>;
  clock: Clock;
  endpoint: Endpoint;
  site: string;
  /** Its key, its mesh and its moods follow from this. */
  name: string;
  /** Public keys of operators, 64 hex digits, who may do anything. */
  keys: readonly string[];
  /** Seconds between two events, on average; 0: none. */
  eventS: number;
  /** Default: one that is made of its name. */
  password?: string;
  /** The broker was reached, or lost. */
  onChange?(up: boolean): void;
}

/** A clock of this machine is right. */
const CENTURY_MS = 100 * 365 * 86_400_000;
const PEERS = { least: 2, most: 6 };

/** A source of numbers that is the same for one name, uniform in [0, 1). */
export function seeded(name: string): () => number {
  let state = createHash('sha256').update(name).digest().readUInt32LE(0) || 1;
  return () => {
    // xorshift, 32 bits
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** The secret half of the key of the router with this name. */
export function seedOf(name: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`meshbridge simulated ${name}`).digest());
}

/** One router, from `start()` to `stop()`. */
export class SimulatedRouter {
  readonly node: string;
  readonly pin: Pin;
  /** Events that happened. */
  events = 0;
  private readonly key: string;
  private readonly client: MqttClient;
  private readonly surface: MqttSurface;
  private readonly telemetry: Telemetry;
  private readonly happened: Events;
  private readonly random: () => number;
  private readonly peers: { id: string; isUp: boolean; cost: number; latency_ms: number }[];
  private readonly feed;
  private readonly startedMs: number;
  private cancel: (() => void) | undefined;

  constructor(private readonly options: SimulatedOptions) {
    const { host, clock, endpoint, site, name, keys } = options;
    const seed = seedOf(name);
    const random = seeded(name);
    this.random = random;
    this.key = toHex(crypto.ed25519Public(seed));
    this.node = idOf(this.key);
    const { password = passwordOf(seed) } = options;
    this.pin = {
      node: this.node,
      key: this.key,
      site,
      name,
      enrolled_at: 0,
      password_hash: formatPassword('x', password).slice(2),
    };
    this.startedMs = clock.monotonicMs();
    const count = PEERS.least + Math.floor(random() * (PEERS.most - PEERS.least + 1));
    this.peers = Array.from({ length: count }, (_, at) => ({
      id: createHash('sha256').update(`${name} ${at}`).digest('hex').slice(0, 16),
      isUp: random() < 0.9,
      cost: 5 + Math.floor(random() * 60),
      latency_ms: Math.round(random() * 400) / 10 + 1,
    }));
    const sid = encodeBase32(createHash('sha256').update(`${name} ${Date.now()}`).digest()).slice(0, 12);
    const moments = new Moments(sid, {
      monotonicMs: () => clock.monotonicMs(),
      unixMs: () => clock.unixMs(),
      earliestMs: 0,
      latestMs: CENTURY_MS,
      isSet: () => true,
      hasBattery: true,
    });
    const sign = (bytes: Uint8Array): Uint8Array => crypto.ed25519Sign(seed, bytes);
    const seal = (kind: 'info' | 'res', body: string): Uint8Array =>
      sealEnvelope(kind, body, [{ key: keyIdOf(this.key), sign }]);
    this.telemetry = new Telemetry({ clock, random, moments, take: async () => this.sample(), runs: 0, log: SILENT });
    const desk = new CommandDesk({
      node: this.node,
      sid,
      keys: () => keys.map((key, at) => ({ name: `key${at}`, public: key, scope: 'configure' as const })),
      permit: () => ({ cap: 'configure', desk: 'none' }),
      clock: {
        monotonicMs: () => clock.monotonicMs(),
        unixMs: () => clock.unixMs(),
        isTrusted: () => true,
        after: (delayMs, callback) => clock.after(delayMs, callback),
      },
      verify: (...signed) => crypto.ed25519Verify(...signed),
      journal: { load: () => ({ counters: {}, records: [] }), save() {} },
      operations: {
        snapshot: operation({ scope: 'observe', args: {}, run: () => this.sample() }),
        keyframe: operation({ scope: 'observe', args: {}, run: () => this.telemetry.request() }),
        watch: operation({
          scope: 'diagnose',
          args: { seconds: whole(0, 86_400) },
          run: ({ seconds }) => this.telemetry.grant('watch', seconds),
        }),
      },
      answer: (body) => this.surface.result(seal('res', body)),
      log: SILENT,
    });
    this.surface = new MqttSurface(
      {
        site,
        node: this.node,
        clock,
        random,
        log: SILENT,
        moments,
        queue: new ReportQueue(MAX_QUEUED_BYTES),
        connection: () => this.client,
        info: () => seal('info', JSON.stringify(this.info(sid, keys))),
        have: () => undefined,
        alarms: () => [],
        alarmIds: [],
        onConnected: () => this.feed.connected(),
        onAsked: () => this.feed.request(),
        onCommand: (payload, isRetained) => desk.take(payload, isRetained),
        onWant() {},
        homeAssistant: {
          device: () => ({ node: this.node, name, model: undefined, version, statusTopic: '', teleTopic: '' }),
          fields: () => undefined,
        },
      },
      { send: OPTIONAL_TOPICS, groups: METRIC_GROUPS, manage: true, discovery: false },
    );
    this.client = new MqttClient({
      streams: host.streams,
      clock,
      random,
      log: SILENT,
      endpoint,
      clientId: this.node,
      username: this.node,
      password,
      will: () => this.surface.will(),
      profile: 'fleet',
      onChange: (up) => {
        this.surface.changed(up);
        if (up) desk.brokerUp();
        options.onChange?.(up);
      },
      onMessage: (message) => this.surface.take(message),
    });
    this.feed = this.telemetry.add(this.surface, {
      groups: METRIC_GROUPS,
      intervalMs: 300_000,
      metered: false,
      keyframes: true,
      heartbeats: true,
    });
    this.happened = new Events(
      clock,
      () => moments.now(),
      1,
      (kind, text) => {
        this.events++;
        this.surface.event(kind, text);
      },
    );
  }

  get isUp(): boolean {
    return this.client.up;
  }

  start(): void {
    this.surface.subscribe();
    this.client.start();
    this.feed.start();
    this.live();
  }

  /** Nothing happens any more; what waits is still told. */
  rest(): void {
    this.cancel?.();
  }

  /** Ends in order: the broker is told. */
  async stop(): Promise<void> {
    this.rest();
    this.happened.stop();
    this.telemetry.stop();
    await this.surface.bye().catch(() => {});
    this.client.stop();
  }

  /** Peers come and go. */
  private live(): void {
    const { clock, eventS } = this.options;
    if (eventS === 0) return;
    const delayMs = -Math.log(1 - this.random()) * eventS * 1000;
    this.cancel = clock.after(delayMs, () => {
      const peer = this.peers[Math.floor(this.random() * this.peers.length)]!;
      peer.isUp = !peer.isUp;
      const told = { key: peer.id.repeat(4), inbound: false, state: peer.isUp ? 'up' : 'down' };
      this.happened.tell(peer.isUp ? 'peer-up' : 'peer-down', { interface: 'ygg0', peer: told });
      this.telemetry.changed();
      this.live();
    });
  }

  private sample(): Sample {
    const uptime_s = Math.floor((this.options.clock.monotonicMs() - this.startedMs) / 1000);
    const up = this.peers.filter(({ isUp }) => isUp).length;
    const verdict = up === 0 ? 'bad' : up < this.peers.length / 2 ? 'weak' : 'good';
    return {
      own: { uptime_s, verdict, rss_kb: 1800, queued: 0, dropped: 0 },
      yggdrasil: [
        {
          id: 'ygg0',
          connected: true,
          verdict,
          peers_up: up,
          peers_unproven: 0,
          peers_down: this.peers.length - up,
          sessions: up,
          own_rx_kb: uptime_s * 3,
          own_tx_kb: uptime_s,
          relayed_kb: uptime_s * 2,
          peers: this.peers.map(({ id, isUp, cost, latency_ms }) =>
            isUp ? { id, cost, latency_ms } : { id, state: 'down' },
          ),
        },
      ],
      uplink: [{ id: 'wan', up: true, default_route: true }],
      system: { uptime_s, load: Math.round(this.random() * 50) / 100, memory_kb: 124_000, memory_free_kb: 60_000 },
    };
  }

  private info(sid: string, keys: readonly string[]): object {
    const { site, name } = this.options;
    return {
      v: 1,
      node: this.node,
      key: this.key,
      site,
      sid,
      name,
      model: 'simulated',
      os: 'none',
      version,
      interfaces: [{ interface: 'ygg0' }],
      profile: 'fleet',
      interval_s: 300,
      metrics: METRIC_GROUPS,
      ops: ['keyframe', 'snapshot', 'watch'],
      cap: 'configure',
      keys: keys.map((key) => ({ id: keyIdOf(key), scope: 'configure' })),
      conf: '0',
    };
  }
}

/** As an enrolled router makes one of its key. */
function passwordOf(seed: Uint8Array): string {
  return encodeBase32(hmacSha512((bytes) => crypto.sha512(bytes), seed, encodeUtf8('simulated'))).slice(0, 26);
}
