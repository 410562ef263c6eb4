// Tries a broker step by step, and says at which one it fails: name, connection, TLS, login, permission, a message. The router's own
// connection to it goes on meanwhile.

import type { BrokerStep, Values } from '../api/model.ts';
import { type Payload, TOPICS, topicOf } from '../api/topics.ts';
import { errorText, RemoteError, TimeoutError } from '../errors.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import { fillWords, shown } from '../lib/words.ts';
import { SILENT } from '../log.ts';
import { MqttClient } from '../mqtt/client.ts';
import { formatEndpoint } from '../transport/endpoint.ts';
import type { ChildlessHost, Endpoint } from '../transport/host.ts';
import { BROKER_SENTENCES, type BrokerStepName } from './broker-words.ts';

/** What is tried. */
export interface BrokerTarget {
  readonly endpoint: Endpoint;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of this router; absent: it has no id yet. */
  readonly identity: { readonly site: string; readonly node: string } | undefined;
  /** Whether commands are taken from it. */
  readonly manage: boolean;
}

/** The part of the port that is needed here. */
export type BrokerCheckHost = Pick<ChildlessHost, 'streams' | 'names' | 'clock'>;

/** Each step on its own; together they are shorter than a page waits. */
const DNS_MS = 4000;
const DIAL_MS = 4000;
const LOGIN_MS = 5000;
const PUBLISH_MS = 3000;

/** Of a first retry after 5 s: an older version is tried soon, and a broker that is not there not too often. */
const RETRY_SHARE = 0.2;

/** What came of logging in; neither: nothing yet, or the connection was lost. */
type Login = { up: true } | { refused: string } | Record<never, never>;
/** What came of a step: the sentence that is said, and whether it is as it should be. */
interface Outcome {
  words: string;
  state: 'good' | 'bad' | 'unknown' | 'unused';
  values?: Values;
}

const bad = (words: string, values: Values = {}): Outcome => ({ words, state: 'bad', values });
const good = (words: string, values: Values = {}): Outcome => ({ words, state: 'good', values });
const unused = (words: string): Outcome => ({ words, state: 'unused' });

/** One test of one broker. */
export class BrokerCheck {
  private readonly place: string;
  private client: MqttClient | undefined;
  /** Why the broker refused to let commands be read. */
  private refused: string | undefined;

  constructor(
    private readonly host: BrokerCheckHost,
    private readonly target: BrokerTarget,
  ) {
    this.place = shown(formatEndpoint(target.endpoint).replace(/^\w+:\/\//, ''));
  }

  /** The steps in their order, up to the first that fails. Never rejects. */
  async run(): Promise<BrokerStep[]> {
    const steps: BrokerStep[] = [];
    const all: [BrokerStepName, () => Promise<Outcome>][] = [
      ['dns', () => this.lookUp()],
      ['tcp', () => this.connect()],
      ['tls', () => this.encrypt()],
      ['login', () => this.logIn()],
    ];
    const add = (step: BrokerStepName, { words, state, values = {} }: Outcome): boolean => {
      steps.push({ step, state, sentence: fillWords(words, values), words: { sentence: words }, values });
      return state !== 'bad';
    };
    try {
      for (const [step, work] of all) if (!add(step, await work())) return steps;
      const [read, published] = await this.tryToPublish();
      add('permission', read!);
      add('publish', published!);
      return steps;
    } finally {
      this.client?.stop();
    }
  }

  private async lookUp(): Promise<Outcome> {
    const { endpoint } = this.target;
    const words = BROKER_SENTENCES.dns;
    // an address has a colon, or nothing but digits and dots
    if ('path' in endpoint || /:|^[\d.]+$/.test(endpoint.host)) return unused(words.unused);
    const host = shown(endpoint.host);
    const outcome = await this.within<readonly string[] | Error>(DNS_MS, (done) =>
      this.host.names.resolve(endpoint.host, done),
    );
    return outcome instanceof Error
      ? bad(words.failed, { host, error: shown(errorText(outcome)) })
      : good(words.found, { host, address: shown(outcome[0] ?? '') });
  }

  private async connect(): Promise<Outcome> {
    const { endpoint } = this.target;
    const { tls: _, ...plain } = endpoint as { tls?: object } & Endpoint;
    const words = BROKER_SENTENCES.tcp;
    const outcome = await this.dial(plain as Endpoint);
    const { place } = this;
    if (typeof outcome === 'number') return good(words.open, { place, ms: outcome });
    if (outcome instanceof TimeoutError) return bad(words.silent, { place });
    const error = errorText(outcome);
    return /refused/i.test(error) ? bad(words.refused, { place }) : bad(words.failed, { place, error: shown(error) });
  }

  private async encrypt(): Promise<Outcome> {
    const { endpoint } = this.target;
    const words = BROKER_SENTENCES.tls;
    if (!('tls' in endpoint) || !endpoint.tls) return unused(words.unused);
    const outcome = await this.dial(endpoint);
    return typeof outcome === 'number' ? good(words.proven) : bad(words.failed, { error: shown(errorText(outcome)) });
  }

  private async logIn(): Promise<Outcome> {
    const { streams, clock } = this.host;
    const { endpoint, identity, username = identity?.node, password, manage } = this.target;
    const words = BROKER_SENTENCES.login;
    let settle = (_: Login): void => {};
    const client = new MqttClient({
      streams,
      clock,
      random: () => RETRY_SHARE,
      log: SILENT,
      endpoint,
      // not the router's own, whose connection would be ended
      clientId: `${identity?.node ?? 'meshbridge'}-test`,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      sessionExpiryS: 0,
      profile: 'home',
      spreadS: 0,
      onChange: (up) => settle(up ? { up } : {}),
      onMessage: () => {},
      onAlarm: (id, why) => {
        if (id === 'subscription-refused') this.refused = why;
        else if (why !== undefined) settle({ refused: why });
      },
    });
    this.client = client;
    if (identity && manage) client.subscribe(topicOf(identity.site, identity.node, 'cmd'), 1, { retainHandling: 2 });
    client.start();
    const login = await this.within<Login>(LOGIN_MS, (done) => {
      settle = done;
      return () => {};
    });
    if ('up' in login) return good(words.done, { version: client.report().protocol === 4 ? '3.1.1' : '5' });
    if ('refused' in login) return bad(words.refused, { error: shown(login.refused) });
    const { last_error: error } = client.report();
    if (error !== undefined) return bad(words.failed, { error: shown(error) });
    return bad(words.silent, { place: this.place, seconds: LOGIN_MS / 1000 });
  }

  /** What the broker said of the subscription is known once it has answered what was sent after it. */
  private async tryToPublish(): Promise<Outcome[]> {
    const { identity, manage } = this.target;
    const { permission, publish } = BROKER_SENTENCES;
    if (!identity) return [unused(permission.anonymous), unused(publish.anonymous)];
    const { site, node } = identity;
    const { clock } = this.host;
    const begunMs = clock.monotonicMs();
    const payload: Payload<'log'> = { sid: 'test', mono: Math.floor(begunMs), lines: ['a test of this broker'] };
    const sent = await this.within<Error | undefined>(PUBLISH_MS, (done) => {
      this.client!.publish({
        topic: topicOf(site, node, 'log'),
        payload: encodeUtf8(JSON.stringify(payload)),
        qos: 1,
        expiryS: TOPICS.log.expiryS,
      }).then(() => done(undefined), done);
      return () => {};
    });
    const ms = clock.monotonicMs() - begunMs;
    const isOld = this.client!.report().protocol === 4;
    const outcome =
      sent === undefined
        ? { ...good(publish.done, { ms }), ...(isOld && { words: publish.unknown, state: 'unknown' as const }) }
        : sent instanceof RemoteError
          ? bad(publish.refused, { error: shown(errorText(sent)), node })
          : bad(publish.failed, { error: shown(errorText(sent)) });
    const read = !manage
      ? unused(permission.unused)
      : this.refused === undefined
        ? good(permission.granted)
        : bad(permission.refused, { error: shown(this.refused), node });
    return [read, outcome];
  }

  /** How long a connection took, milliseconds, or why there was none. */
  private dial(endpoint: Endpoint): Promise<number | Error> {
    const begunMs = this.host.clock.monotonicMs();
    return this.within<number | Error>(DIAL_MS, (done) => {
      const stream = this.host.streams.dial(endpoint, {
        onOpen: () => done(this.host.clock.monotonicMs() - begunMs),
        onData() {},
        onClose: (error) => done(error ?? new Error('closed at once')),
      });
      return () => stream.close();
    });
  }

  /** What comes within a time; a TimeoutError when nothing does. `begin` answers with what ends it. */
  private within<T>(ms: number, begin: (done: (outcome: T) => void) => () => void): Promise<T | TimeoutError> {
    return new Promise((resolve) => {
      let cancel = (): void => {};
      const stop = this.host.clock.after(ms, () => {
        cancel();
        resolve(new TimeoutError(`no answer within ${ms / 1000} s`));
      });
      let isDone = false;
      cancel = begin((outcome) => {
        if (isDone) return;
        isDone = true;
        stop();
        cancel();
        resolve(outcome);
      });
    });
  }
}
