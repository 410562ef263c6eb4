// A router with twenty peers that reports to one broker over a wire, all parts real but the machine, on a clock that a test moves. Portable.

import { ALARM_IDS, type AlarmId, METRIC_GROUPS, OPTIONAL_TOPICS } from '../../src/api/topics.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import { Alarms } from '../../src/mesh/alarm.ts';
import { Events } from '../../src/mesh/event.ts';
import { heartbeat } from '../../src/mesh/keyframe.ts';
import { Moments } from '../../src/mesh/moment.ts';
import { MAX_QUEUED_BYTES, ReportQueue } from '../../src/mesh/report-queue.ts';
import { takeSample } from '../../src/mesh/sample.ts';
import { firstNumber, Telemetry } from '../../src/mesh/telemetry.ts';
import { MqttClient } from '../../src/mqtt/client.ts';
import { MqttSurface } from '../../src/surface/mqtt.ts';
import { ManualClock } from './clock.ts';
import { measuredNode, peerClaim, sampleFacts } from './measured.ts';
import { seededRandom } from './random.ts';
import { WireBroker } from './wire-broker.ts';

const NODE = 'abcdefghij234';
export const SITE = 'elm-street';
const DAY_MS = 86_400_000;
/** Of a signed `info` with sixteen operations and two keys. */
const INFO_BYTES = 900;
const HAVE_BYTES = 250;

export interface ReportingOptions {
  peers?: number;
  metered?: boolean;
  intervalMs?: number;
}

/** One router and its broker. */
export class Reporting {
  readonly clock = new ManualClock();
  readonly broker = new WireBroker(this.clock);
  readonly queue = new ReportQueue(MAX_QUEUED_BYTES / 2);
  readonly telemetry: Telemetry;
  readonly events: Events;
  readonly client: MqttClient;
  readonly surface: MqttSurface;

  constructor({ peers = 20, metered = false, intervalMs = 300_000 }: ReportingOptions = {}) {
    const { clock } = this;
    const random = seededRandom(peers);
    const nowMs = (): number => clock.monotonicMs();
    const moments = new Moments('abcdefghijkl', {
      monotonicMs: nowMs,
      unixMs: () => clock.unixMs(),
      earliestMs: 0,
      latestMs: Number.MAX_SAFE_INTEGER,
      isSet: () => true,
      hasBattery: false,
    });
    const node = measuredNode(peers, 0);
    let numbers: readonly string[] = [];
    const take = async () => {
      const bytes = 1_000_000 + nowMs() * 2;
      node.setPeers(
        Array.from({ length: peers }, (_, i) =>
          peerClaim(i + 1, Math.floor(bytes), { latency_ms: 5 + i + random() * 20 }),
        ),
        nowMs(),
      );
      const sample = takeSample({ ...sampleFacts([node]), uptimeS: Math.floor(nowMs() / 1000) }, nowMs());
      numbers = Object.keys(heartbeat(sample));
      return sample;
    };
    this.telemetry = new Telemetry({ clock, random, moments, take, runs: 0, log: SILENT });
    this.surface = new MqttSurface(
      {
        site: SITE,
        node: NODE,
        clock,
        random,
        log: SILENT,
        moments,
        queue: this.queue,
        connection: () => this.client,
        info: () => encodeUtf8('i'.repeat(INFO_BYTES)),
        have: () => encodeUtf8('h'.repeat(HAVE_BYTES)),
        alarms: () => alarms.standing(),
        alarmIds: Object.keys(ALARM_IDS) as AlarmId[],
        onConnected: () => feed.connected(),
        onAsked: () => feed.request(),
        onCommand() {},
        onWant() {},
        homeAssistant: {
          device: () => ({ node: NODE, name: '', model: undefined, version: '', statusTopic: '', teleTopic: '' }),
          fields: () => numbers,
        },
      },
      { send: OPTIONAL_TOPICS, groups: METRIC_GROUPS, manage: true, discovery: false },
    );
    const alarms = new Alarms(
      clock,
      () => moments.now(),
      (id, text) => this.surface.alarm(id, text),
    );
    this.events = new Events(
      clock,
      () => moments.now(),
      firstNumber(0),
      (kind, text) => this.surface.event(kind, text),
    );
    this.client = new MqttClient({
      streams: this.broker,
      clock,
      random,
      log: SILENT,
      endpoint: { host: 'broker', port: 8883 },
      clientId: NODE,
      username: NODE,
      password: 'p'.repeat(32),
      will: () => this.surface.will(),
      profile: 'fleet',
      ...(metered && { keepaliveS: 1200 }),
      onChange: (up) => this.surface.changed(up),
      onMessage: (message) => this.surface.take(message),
    });
    const feed = this.telemetry.add(this.surface, {
      groups: METRIC_GROUPS,
      intervalMs,
      metered,
      keyframes: true,
      heartbeats: true,
    });
    this.surface.subscribe();
    this.client.start();
    feed.start();
  }

  /** A peer went and came back, as an event tells it. */
  flap(n: number): void {
    const peer = { key: 'ab'.repeat(32), name: `home-${n}`, remote: 'tls://192.0.2.1:443', inbound: false };
    this.events.tell('peer-down', {
      interface: 'ygg0',
      peer: { ...peer, state: 'down', error: 'read tcp 192.0.2.7:40112->192.0.2.1:443: connection reset by peer' },
    });
    this.events.tell('peer-up', { interface: 'ygg0', peer: { ...peer, state: 'up' } });
  }

  stop(): void {
    this.client.stop();
    this.telemetry.stop();
    this.events.stop();
  }
}

/** What a router with so many peers sends and gets in a day on which four peers went and came back. */
export async function dayOfTraffic(
  options: ReportingOptions = {},
): Promise<{ wireBytes: number; mqttBytes: number; messages: number; pings: number }> {
  const it = new Reporting(options);
  for (let n = 0; n < 4; n++) {
    await it.clock.advance(DAY_MS / 4);
    it.flap(n);
  }
  await it.clock.advance(1000);
  const { wireBytes, mqttBytes, messages, pings } = it.broker;
  it.stop();
  return { wireBytes, mqttBytes, messages: messages.length, pings };
}
