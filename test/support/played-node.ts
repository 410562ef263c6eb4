// A node that is played: it says what a router says, signed as a router signs, and answers commands as it is told to.

import { createHash } from 'node:crypto';
import { ALL_NODES, type Payload, type TopicName, topicOf } from '../../src/api/topics.ts';
import { crypto } from '../../src/fleet/crypto.ts';
import type { Pin } from '../../src/fleet/pin.ts';
import { type Arrival, Session } from '../../src/fleet/session.ts';
import { idOf, openSigned } from '../../src/fleet/trust.ts';
import { encodeBase32 } from '../../src/lib/base32.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { sealEnvelope } from '../../src/lib/envelope.ts';

/** Where a played node goes: a broker's plain listener, or with `tls` one that proves who it is. */
export interface Meeting {
  port(): number;
  tls?: { ca_file: string; server_name: string };
}

/** What a played node answers to a command: states in turn, without `cid` and `sid`. */
export type Answers = (command: Payload<'cmd'>) => Omit<Payload<'res'>, 'cid' | 'sid' | 'sigs'>[];

/** One node, whose key follows from its name. */
export class PlayedNode {
  readonly seed: Uint8Array;
  readonly key: string;
  readonly node: string;
  sid: string;
  /** What it says of itself, beside what it is. */
  more: Partial<Payload<'info'>> = {};
  /** Commands that arrived. */
  readonly commands: Payload<'cmd'>[] = [];
  /** What it makes of a desired state; its generation is told beside. */
  applies: (want: Payload<'want'>) => Pick<Payload<'have'>, 'st' | 'rejected' | 'error'> = () => ({ st: 'applied' });
  /** That it decided last, as routers remember them. */
  private readonly generations: Pick<Payload<'have'>, 'node_gen' | 'site_gen'> = {};
  private session: Session | undefined;

  constructor(
    readonly name: string,
    readonly site: string,
  ) {
    this.seed = new Uint8Array(createHash('sha256').update(name).digest());
    this.key = toHex(crypto.ed25519Public(this.seed));
    this.node = idOf(this.key);
    this.sid = encodeBase32(createHash('sha256').update(`${name} boot`).digest()).slice(0, 12);
  }

  get pin(): Pin {
    return { node: this.node, key: this.key, site: this.site, enrolled_at: 1_800_000_000 };
  }

  topic(name: TopicName, tail?: string): string {
    return topicOf(this.site, this.node, name, tail);
  }

  seal(kind: 'info' | 'res' | 'have', body: object): Uint8Array {
    const signer = { key: this.key.slice(0, 16), sign: (bytes: Uint8Array) => crypto.ed25519Sign(this.seed, bytes) };
    return sealEnvelope(kind, JSON.stringify(body), [signer]);
  }

  info(): Uint8Array {
    return this.seal('info', {
      v: 1,
      node: this.node,
      key: this.key,
      site: this.site,
      sid: this.sid,
      name: this.name,
      model: 'played',
      os: 'OpenWrt 24.10.2',
      version: '0.1.0',
      interfaces: [{ interface: 'ygg0', address: '200:1:2:3:4:5:6:7', subnet: '300:1:2:3::/64', version: '0.5.12' }],
      profile: 'fleet',
      interval_s: 300,
      metrics: ['own', 'yggdrasil'],
      ops: ['snapshot', 'ping'],
      cap: 'operate',
      keys: [],
      conf: '0123456789abcdef',
      ...this.more,
    });
  }

  status(state = 'online', n = 1): string {
    return JSON.stringify({ state, sid: this.sid, n, mono: 1000, t: 1_800_000_000, clk: 'ntp' });
  }

  state(more: object = {}): string {
    return JSON.stringify({
      sid: this.sid,
      seq: 1,
      mono: 1000,
      t: 1_800_000_000,
      clk: 'ntp',
      own: { uptime_s: 100, verdict: 'good', queued: 0, dropped: 0 },
      yggdrasil: [
        {
          id: 'ygg0',
          connected: true,
          peers_up: 2,
          peers_unproven: 0,
          peers_down: 1,
          peers: [{ id: '5e4bedb1b171030d', state: 'up', cost: 17, latency_ms: 3.5 }],
        },
      ],
      uplink: [{ id: 'wan', up: true, default_route: true }],
      ...more,
    });
  }

  /** Everything that a broker keeps of it, by topic. */
  kept(): Map<string, Uint8Array | string> {
    return new Map<string, Uint8Array | string>([
      [this.topic('status'), this.status()],
      [this.topic('info'), this.info()],
      [this.topic('state'), this.state()],
    ]);
  }

  /** Comes to a broker, tells what is kept of it, and answers commands; `keys` are those that it trusts. */
  async join(
    broker: Meeting,
    keys: readonly string[],
    answers: Answers = () => [{ st: 'accepted' }, { st: 'done' }],
    password = this.name,
  ): Promise<void> {
    this.session = await Session.open({
      broker: { url: `mqtt${broker.tls ? 's' : ''}://127.0.0.1:${broker.port()}`, ...broker.tls },
      env: {},
      login: { username: this.node, password },
      clientId: this.node,
      will: { topic: this.topic('status'), payload: this.status('offline'), retain: true },
      onMessage: (message) => void this.take(message, keys, answers),
    });
    await this.session.subscribe([this.topic('cmd'), this.topic('want'), topicOf(this.site, ALL_NODES, 'want')]);
    for (const [topic, payload] of this.kept()) await this.publish(topic, payload);
  }

  publish(topic: string, payload: Uint8Array | string, retain = true): Promise<void> {
    return this.session!.publish(topic, payload, { retain });
  }

  /** Loses its line. */
  cut(): void {
    this.session?.cut();
  }

  async leave(): Promise<void> {
    await this.session?.close();
  }

  private async take({ topic, payload }: Arrival, keys: readonly string[], answers: Answers): Promise<void> {
    if (topic.endsWith('/want')) return this.takeWant(payload, keys);
    if (topic !== this.topic('cmd')) return;
    const command = openSigned('cmd', payload, keys);
    if (!command) return;
    this.commands.push(command);
    const { cid, aud } = command;
    const states = aud.sid === this.sid ? answers(command) : [{ st: 'rejected', code: 'session' }];
    for (const state of states)
      await this.publish(this.topic('res'), this.seal('res', { cid, ...state, sid: this.sid }), false);
  }

  private async takeWant(payload: Uint8Array, keys: readonly string[]): Promise<void> {
    const want = openSigned('want', payload, keys);
    if (!want) return;
    Object.assign(this.generations, want.aud.site === undefined ? { node_gen: want.gen } : { site_gen: want.gen });
    const body = { sid: this.sid, ...this.generations, hash: '0'.repeat(16), ...this.applies(want) };
    await this.publish(this.topic('have'), this.seal('have', body));
  }
}

/** Has a broker keep something of many nodes, by one connection. */
export async function publishKept(session: Session, kept: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
  const all = [...kept];
  for (let at = 0; at < all.length; at += 200)
    await Promise.all(
      all.slice(at, at + 200).map(([topic, payload]) => session.publish(topic, payload, { retain: true })),
    );
}
