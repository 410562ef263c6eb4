// Looks at a broker as routers and fleets need it: what it keeps, whom it lets do what, what it cuts without telling.
//
// All traces are below `mb/1/doctor`, a site that no router may have, and are removed in the end.

import { randomBytes } from 'node:crypto';
import { errorText } from '../errors.ts';
import { isOpen, parseBrokerUrl } from './broker.ts';
import { Failure } from './failure.ts';
import { type Arrival, Session, type SessionOptions } from './session.ts';

/** How bad something is. `unknown`: it could not be told from here. */
export type Level = 'ok' | 'note' | 'unknown' | 'warning' | 'error';

/** One thing that was looked at. */
export interface Finding {
  id: string;
  level: Level;
  /** One sentence. */
  what: string;
  why?: string;
  fix?: string;
}

/** A login of a node, to look through its eyes. */
export interface NodeLogin {
  site: string;
  node: string;
  password: string;
}

/** What was left at the broker by an earlier look. */
export interface Marker {
  url: string;
  topic: string;
  text: string;
  /** Unix seconds. */
  left_at: number;
}

/** What a look needs. */
export interface DoctorOptions extends Pick<SessionOptions, 'broker' | 'env'> {
  /** How many retained messages a subscriber is offered. */
  retained: number;
  /** Of the last look at this broker. */
  marker?: Marker | undefined;
  node?: NodeLogin | undefined;
  /** Told what is looked at now. */
  onStep?(what: string): void;
}

const SCRATCH = 'mb/1/doctor';
/** What the topics allow, with signatures and properties. */
const LARGEST = 16_384;
const NEEDED_PACKET = 20_480;
/** No message within this time: that was all. */
const QUIET_MS = 600;
const WAIT_MS = 3000;
/** Messages in flight while many are published. */
const BATCH = 200;

type Look = (doctor: Doctor) => Promise<Finding | Finding[]>;

/** One look at a broker. */
export class Doctor {
  private readonly run = randomBytes(4).toString('hex');
  private readonly heard: Arrival[] = [];
  private onHeard: (() => void) | undefined;
  private session!: Session;
  /** What is to be left for the next look. */
  marker: Marker | undefined;

  constructor(readonly options: DoctorOptions) {}

  /** Looks at everything. @throws Failure when the broker cannot be reached. */
  async look(): Promise<Finding[]> {
    this.session = await this.open({ onMessage: (message) => this.hear(message) });
    const findings: Finding[] = [];
    try {
      for (const [what, look] of LOOKS) {
        this.options.onStep?.(what);
        try {
          findings.push(...[await look(this)].flat());
        } catch (error) {
          if (this.session.endedBy !== undefined) throw new Failure('unreachable', `${what}: ${this.session.endedBy}`);
          findings.push({ id: what.replace(/ .*/, ''), level: 'unknown', what: `${what}: ${errorText(error)}` });
        }
      }
    } finally {
      await this.clear().catch(() => {}); // the broker is gone
      await this.session.close();
    }
    return findings;
  }

  private open(more: Partial<SessionOptions> = {}): Promise<Session> {
    const { broker, env } = this.options;
    return Session.open({ broker, env, ...more });
  }

  private hear(message: Arrival): void {
    this.heard.push(message);
    this.onHeard?.();
  }

  private topic(name: string): string {
    return `${SCRATCH}/${this.run}/${name}`;
  }

  /** Whether a message for which something holds was heard, or is within some time. */
  private async hears(holds: (message: Arrival) => boolean, waitMs = WAIT_MS): Promise<boolean> {
    const until = Date.now() + waitMs;
    while (!this.heard.some(holds)) {
      const left = until - Date.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.onHeard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  /** What a fresh subscriber is given of what the broker kept. */
  private async kept(filter: string, most: number): Promise<Arrival[]> {
    const kept: Arrival[] = [];
    let last = Date.now();
    const reader = await this.open({
      onMessage: (message) => {
        kept.push(message);
        last = Date.now();
      },
    });
    try {
      await reader.subscribe([filter]);
      last = Date.now();
      while (kept.length < most && Date.now() - last < QUIET_MS) await sleep(20);
    } finally {
      await reader.close();
    }
    return kept;
  }

  /** Removes what this look and broken ones before it left; what is to be found next time stays. */
  private async clear(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      const left = (await this.kept(`${SCRATCH}/#`, Number.POSITIVE_INFINITY)).filter(
        ({ topic, payload }) => payload.length > 0 && topic !== this.marker?.topic,
      );
      if (left.length === 0) return;
      await this.publishAll(
        left.map(({ topic }) => topic),
        '',
      );
    }
  }

  private async publishAll(topics: readonly string[], payload: string): Promise<void> {
    for (let at = 0; at < topics.length; at += BATCH)
      await Promise.all(
        topics.slice(at, at + BATCH).map((topic) => this.session.publish(topic, payload, { retain: true })),
      );
  }

  // what is looked at

  version(): Finding {
    if (this.session.version === 5) return { id: 'version', level: 'ok', what: 'it speaks MQTT 5' };
    return {
      id: 'version',
      level: 'warning',
      what: 'it speaks MQTT 3.1.1 only',
      why: 'Old messages never expire, and routers are not told why they are refused or put out.',
      fix: 'Take a broker that speaks MQTT 5, such as mosquitto 1.6 or newer.',
    };
  }

  features(): Finding[] {
    const { maximumQoS, retainAvailable, wildcardSubscriptionAvailable, maximumPacketSize } =
      this.session.connack?.properties ?? {};
    const missing = [
      maximumQoS === 0 && 'QoS 1',
      retainAvailable === false && 'retained messages',
      wildcardSubscriptionAvailable === false && 'wildcards',
    ].filter(Boolean);
    const findings: Finding[] = [];
    if (missing.length > 0)
      findings.push({
        id: 'features',
        level: 'error',
        what: `it does not offer ${missing.join(' and ')}`,
        why: 'The fleet rests on them.',
      });
    if (maximumPacketSize !== undefined && maximumPacketSize < NEEDED_PACKET)
      findings.push({
        id: 'packet',
        level: 'error',
        what: `it takes messages of at most ${maximumPacketSize} bytes`,
        why: `Desired state may take ${LARGEST}.`,
        fix: `mosquitto.conf: max_packet_size 32768`,
      });
    return findings;
  }

  way(): Finding {
    const { url, username } = this.options.broker;
    const place = parseBrokerUrl(url);
    if (!isOpen(place)) return { id: 'way', level: 'ok', what: 'what is sent to it cannot be read on the way' };
    return {
      id: 'way',
      level: username === undefined ? 'warning' : 'error',
      what: `${url} is neither TLS nor Yggdrasil`,
      why: 'Passwords and all that nodes tell can be read and changed on the way.',
      fix: 'Use mqtts://, or the address that the broker has in Yggdrasil.',
    };
  }

  async roundTrip(): Promise<Finding> {
    await this.session.subscribe([`${SCRATCH}/${this.run}/#`]);
    const topic = this.topic('ping');
    const started = performance.now();
    await this.session.publish(topic, 'ping').catch(() => {});
    if (await this.hears((message) => message.topic === topic)) {
      const ms = performance.now() - started;
      return {
        id: 'permission',
        level: 'ok',
        what: `we may read and write below mb/1, there and back in ${ms.toFixed(0)} ms`,
      };
    }
    return {
      id: 'permission',
      level: 'error',
      what: 'what we write below mb/1/doctor does not come back',
      why: 'The access list lets us connect, but not read or write what the fleet needs; mosquitto tells neither.',
      fix: 'Lines for the operator, as meshctl enroll acl writes them: topic readwrite mb/1/#',
    };
  }

  async large(): Promise<Finding> {
    const topic = this.topic('large');
    // some brokers stop answering whoever sends more than they like
    const writer = await this.open();
    void writer.publish(topic, 'x'.repeat(LARGEST)).catch(() => {});
    const arrives = await this.hears(({ topic: on, payload }) => on === topic && payload.length === LARGEST);
    if (arrives) await writer.close();
    else writer.cut();
    if (arrives) return { id: 'packet', level: 'ok', what: `it carries messages of ${LARGEST} bytes` };
    return {
      id: 'packet',
      level: 'error',
      what: `a message of ${LARGEST} bytes does not arrive`,
      why: 'Desired state may be as long.',
      fix: 'mosquitto.conf: max_packet_size 32768, and no message_size_limit below that',
    };
  }

  async anonymous(): Promise<Finding> {
    let stranger: Session;
    const heard: string[] = [];
    try {
      stranger = await this.open({ login: null, onMessage: ({ topic }) => heard.push(topic) });
    } catch {
      return { id: 'anonymous', level: 'ok', what: 'nobody comes in without a password' };
    }
    try {
      await stranger.subscribe(['mb/1/#']).catch(() => {});
      await this.session.publish(this.topic('secret'), 'x');
      await sleep(QUIET_MS);
    } finally {
      await stranger.close();
    }
    const reads = heard.length > 0;
    return {
      id: 'anonymous',
      level: reads ? 'error' : 'warning',
      what: reads ? 'anybody may connect and read what nodes tell' : 'anybody may connect without a password',
      why: 'Who is where, and what they do, is nobody else’s business.',
      fix: 'mosquitto.conf: allow_anonymous false, with a password_file and an acl_file',
    };
  }

  async retained(): Promise<Finding> {
    const { retained } = this.options;
    await this.session.unsubscribe([`${SCRATCH}/${this.run}/#`]);
    const topics = Array.from({ length: retained }, (_, at) => this.topic(`kept/${at}`));
    await this.publishAll(topics, 'x');
    const { length } = await this.kept(`${SCRATCH}/${this.run}/kept/+`, retained);
    await this.publishAll(topics, '');
    await this.session.subscribe([`${SCRATCH}/${this.run}/#`]);
    if (length >= retained)
      return { id: 'retained', level: 'ok', what: `a new subscriber is given all of ${retained} retained messages` };
    if (length === 0)
      return {
        id: 'retained',
        level: 'error',
        what: 'it keeps no retained messages',
        why: 'The state of nodes that are silent now would not be known.',
      };
    return {
      id: 'retained',
      level: 'error',
      what: `a new subscriber is given ${length} of ${retained} retained messages, and is not told`,
      why: 'A list of the fleet made from one wildcard would lack the others.',
      fix: 'mosquitto.conf: max_queued_messages 100000',
    };
  }

  async expiry(): Promise<Finding> {
    if (this.session.version !== 5)
      return {
        id: 'expiry',
        level: 'warning',
        what: 'messages cannot expire in MQTT 3.1.1',
        why: 'Nodes that are gone stay in the list.',
      };
    const [short, long] = [this.topic('short'), this.topic('long')];
    await this.session.publish(short, 'x', { retain: true, expiry_s: 1 });
    await this.session.publish(long, 'x', { retain: true, expiry_s: 1000 });
    await sleep(2500);
    const kept = await this.kept(`${SCRATCH}/${this.run}/+`, Number.POSITIVE_INFINITY);
    const left = kept.find(({ topic }) => topic === long)?.expires_in_s;
    if (kept.some(({ topic }) => topic === short) || left === undefined || left > 999)
      return {
        id: 'expiry',
        level: 'warning',
        what: 'it does not let messages expire',
        why: 'Commands are delivered late, and nodes that are gone stay in the list.',
      };
    return { id: 'expiry', level: 'ok', what: 'messages expire, and subscribers are told how long they are good for' };
  }

  async will(): Promise<Finding> {
    const topic = this.topic('will');
    const mortal = await this.open({ will: { topic, payload: 'gone', retain: false } });
    mortal.cut();
    if (await this.hears((message) => message.topic === topic))
      return { id: 'will', level: 'ok', what: 'it tells when a client is lost' };
    return {
      id: 'will',
      level: 'error',
      what: 'it does not tell when a client is lost',
      why: 'Nodes would be online for ever.',
    };
  }

  async takeover(): Promise<Finding> {
    const clientId = `meshctl-twin-${this.run}`;
    let reason: string | undefined;
    const first = await this.open({ clientId, onEnd: (words) => (reason = words) });
    const second = await this.open({ clientId });
    for (const until = Date.now() + WAIT_MS; reason === undefined && Date.now() < until; ) await sleep(20);
    const alive = second.endedBy === undefined;
    await Promise.all([first.close(), second.close()]);
    if (reason === undefined || !alive)
      return {
        id: 'takeover',
        level: 'error',
        what:
          reason === undefined
            ? 'two clients of one id stay connected'
            : 'a client that comes with a taken id is put out',
        why: 'A router that lost its line would be shut out by its own old connection.',
      };
    if (/our id/.test(reason))
      return { id: 'takeover', level: 'ok', what: 'of two clients of one id the older is put out, and told why' };
    return {
      id: 'takeover',
      level: 'note',
      what: 'of two clients of one id the older is put out, without being told why',
      why: 'A copied node is noticed by its drops alone. mosquitto tells from 2.1 on.',
    };
  }

  /** Over two looks: what was left at the first must be there after the broker was started again. */
  async persistence(): Promise<Finding> {
    const { broker, marker } = this.options;
    const uptime = (await this.kept('$SYS/broker/uptime', 1))[0];
    const seconds = uptime && Number.parseInt(Buffer.from(uptime.payload).toString(), 10);
    const now = Math.floor(Date.now() / 1000);
    const topic = `${SCRATCH}/marker`;
    const found = (await this.kept(topic, 1))[0];
    const isThere =
      marker?.url === broker.url && found !== undefined && Buffer.from(found.payload).toString() === marker.text;
    const restarted = seconds !== undefined && marker !== undefined && now - seconds > marker.left_at + 1;
    this.marker = { url: broker.url, topic, text: this.run, left_at: now };
    await this.session.publish(topic, this.run, { retain: true });
    if (marker?.url !== broker.url)
      return {
        id: 'persistence',
        level: 'unknown',
        what: 'whether it keeps messages over a restart: look again after its next one',
      };
    if (!isThere)
      return {
        id: 'persistence',
        level: 'error',
        what: 'it forgot what it had kept',
        why: 'Desired state that was set while a router was away would be lost.',
        fix: 'mosquitto.conf: persistence true, persistence_location /var/lib/mosquitto/, autosave_interval 60',
      };
    if (restarted)
      return {
        id: 'persistence',
        level: 'ok',
        what: 'it was started again since the last look, and kept its messages',
      };
    return {
      id: 'persistence',
      level: 'unknown',
      what: 'whether it keeps messages over a restart: it was not started again since the last look',
    };
  }

  /** Through the eyes of a node: nothing of others, all of its own. */
  async node(): Promise<Finding | Finding[]> {
    const { node: login } = this.options;
    if (!login) return [];
    const { site, node, password } = login;
    const other = `mb/1/${site}/aaaaaaaaaaaaa`;
    const heard: string[] = [];
    let session: Session;
    try {
      session = await this.open({
        clientId: `${node}-doctor`,
        login: { username: node, password },
        onMessage: ({ topic }) => heard.push(topic),
      });
    } catch (error) {
      return {
        id: 'node',
        level: 'error',
        what: `${node} is not let in: ${errorText(error)}`,
        fix: 'meshctl enroll passwords',
      };
    }
    const tried = async (topic: string): Promise<boolean> => {
      try {
        await session.publish(topic, this.run);
      } catch {
        return false;
      }
      return this.hears((message) => message.topic === topic, QUIET_MS);
    };
    const problems: string[] = [];
    const asked = ['mb/1/#', `mb/1/${site}/${node}/cmd`];
    try {
      await this.session.subscribe([`${other}/#`, `mb/1/${site}/${node}/log`]);
      for (const filter of asked) await session.subscribe([filter]).catch(() => {});
      await this.session.publish(`${other}/cmd`, this.run);
      await this.session.publish(`mb/1/${site}/${node}/cmd`, this.run);
      if (await tried(`${other}/info`)) problems.push('may write as another node');
      if (await tried(`${other}/cmd`)) problems.push('may order other nodes about');
      if (!(await tried(`mb/1/${site}/${node}/log`))) problems.push('may not write its own topics');
      await sleep(QUIET_MS);
      if (heard.some((topic) => topic.startsWith(other))) problems.push('may read what others are told');
      if (!heard.includes(`mb/1/${site}/${node}/cmd`)) problems.push('is not given its own commands');
    } finally {
      await session.close();
    }
    if (problems.length === 0)
      return { id: 'node', level: 'ok', what: `${node} may do what is its own, and nothing else` };
    return {
      id: 'node',
      level: 'error',
      what: `${node} ${problems.join(', and ')}`,
      fix: 'Write the access list anew: meshctl enroll acl',
    };
  }
}

const LOOKS: readonly (readonly [what: string, look: Look])[] = [
  ['version', async (doctor) => doctor.version()],
  ['features', async (doctor) => doctor.features()],
  ['way', async (doctor) => doctor.way()],
  ['permission to read and write', (doctor) => doctor.roundTrip()],
  ['packet size', (doctor) => doctor.large()],
  ['anonymous access', (doctor) => doctor.anonymous()],
  ['will', (doctor) => doctor.will()],
  ['takeover', (doctor) => doctor.takeover()],
  ['expiry', (doctor) => doctor.expiry()],
  ['retained messages', (doctor) => doctor.retained()],
  ['persistence', (doctor) => doctor.persistence()],
  ['node', (doctor) => doctor.node()],
];

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
