// A fleet of simulated routers at a real mosquitto: how it comes back from a broker that was killed, and how long an order takes over a long line.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { formatAccess, formatPassword, formatPasswords } from '../../src/fleet/access.ts';
import { Home } from '../../src/fleet/home.ts';
import { makeKey } from '../../src/fleet/key.ts';
import { changePins, type Pin } from '../../src/fleet/pin.ts';
import { type Arrival, Session } from '../../src/fleet/session.ts';
import { Crowd } from '../../src/fleet/simulator/crowd.ts';
import { Delay } from '../support/delay.ts';
import { Operator } from '../support/meshctl.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import type { Report } from './report.ts';
import { sleep } from './world.ts';

/** How much is measured. */
export interface FleetPlan {
  routers: number;
  /** How much faster than real time goes by for the routers. */
  speed: number;
  orders: number;
}

export const FULL_FLEET: FleetPlan = { routers: 1000, speed: 1, orders: 100 };
/** Faster than that, a moment in which this process is held up counts as a second. */
export const QUICK_FLEET: FleetPlan = { routers: 1000, speed: 5, orders: 20 };

const OPERATOR = 'operator';
const PASSWORD = 'of the operator';
/** A connection that was lost after so long counts as one that was good. */
const STABLE_S = 5 * 60;
const BACK_S = 5 * 60;
const EVENT_S = 60;
const ROUND_TRIP_MS = 200;
const LOOK_MS = 20;

/** A broker that knows these nodes and the operator, and lets each do what is its own. */
async function startBroker(pins: readonly Pin[]): Promise<Mosquitto> {
  const broker = await Mosquitto.start({
    users: {},
    config: ['acl_file acl', 'max_queued_messages 100000'],
    files: { acl: formatAccess(pins, { operators: [OPERATOR], readers: [] }) },
  });
  broker.write('passwords', formatPasswords(pins, [formatPassword(OPERATOR, PASSWORD)]));
  await broker.restart();
  return broker;
}

async function until(what: string, holds: () => boolean, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(LOOK_MS);
  }
}

/** Hears all events of a fleet, whenever there is a broker. */
class Listener {
  /** Numbers of the events of each node. */
  readonly heard = new Map<string, Set<number>>();
  twice = 0;
  /** It is subscribed. */
  isThere = false;
  private session: Session | undefined;
  private isOver = false;

  constructor(private readonly url: string) {}

  /** Comes back the moment the broker does: what is published while nobody listens nobody hears. */
  async run(): Promise<void> {
    while (!this.isOver) {
      try {
        this.session = await Session.open({
          broker: { url: this.url, username: OPERATOR },
          env: { MESHCTL_PASSWORD: PASSWORD },
          onMessage: (message) => this.take(message),
        });
        await this.session.subscribe(['mb/1/+/+/evt/+']);
        this.isThere = true;
        while (this.session.endedBy === undefined && !this.isOver) await sleep(LOOK_MS);
      } catch {
        await sleep(LOOK_MS);
      }
      this.isThere = false;
    }
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.session?.close();
  }

  private take({ topic, payload }: Arrival): void {
    const node = topic.split('/')[3]!;
    const { eseq } = JSON.parse(Buffer.from(payload).toString()) as { eseq: number };
    const known = this.heard.get(node) ?? new Set();
    if (known.has(eseq)) this.twice++;
    this.heard.set(node, known.add(eseq));
  }
}

/** 1,000 routers lose their broker at once, and come back. */
async function comeBack(report: Report, { routers, speed }: FleetPlan): Promise<void> {
  const make = (port: number): Crowd =>
    new Crowd({ routers, endpoint: { host: '127.0.0.1', port }, siteSize: 50, seed: 'bench', eventS: EVENT_S, speed });
  const names = make(1);
  const pins = names.routers.map(({ pin }) => pin);
  await names.stop();
  const broker = await startBroker(pins);
  const listener = new Listener(`mqtt://127.0.0.1:${broker.port()}`);
  const listening = listener.run();
  // nobody hears what is told before somebody listens again: the routers come through a door that opens after that
  const door = await Delay.open(broker.port(), 0);
  const crowd = make(door.port);
  const note = speed === 1 ? 'in real time' : `time ${speed} times as fast`;
  try {
    await until('the listener is there', () => listener.isThere, 10);
    crowd.start();
    await until('all are connected', () => crowd.up === routers, 120 / speed + 30);
    const firstMost = crowd.mostInOneSecond(0);
    await sleep((STABLE_S * 1000) / speed + 1000);
    door.isOpen = false;
    await broker.kill();
    const killedMs = crowd.clock.monotonicMs();
    // those whose time comes while this process is held up come together, whatever they do
    const heldUp = monitorEventLoopDelay({ resolution: LOOK_MS });
    heldUp.enable();
    await broker.restart();
    await until('the listener is back', () => listener.isThere, 10);
    door.isOpen = true;
    await until(
      'all are back',
      () => crowd.up === routers && crowd.connects.length >= 2 * routers,
      (2 * BACK_S) / speed + 30,
    );
    heldUp.disable();
    const back = crowd.connects.filter((ms) => ms > killedMs);
    report.add({
      what: 'broker killed: back in one second, at most',
      value: (100 * crowd.mostInOneSecond(killedMs)) / routers,
      unit: '%',
      target: { atMost: 2 },
      note: `${routers} routers, ${note}; their process was held up for ${(heldUp.max / 1e6).toFixed(0)} ms at most; at their start ${firstMost} in one second`,
    });
    report.add({
      what: 'broker killed: all back after',
      value: (back[routers - 1]! - killedMs) / 1000,
      unit: 's',
      target: { atMost: BACK_S },
      note: `median ${((back[Math.floor(routers / 2)]! - killedMs) / 1000).toFixed(0)} s`,
    });
    for (const router of crowd.routers) router.rest();
    const happened = (): number => crowd.routers.reduce((sum, { events }) => sum + events, 0);
    const heard = (): number => [...listener.heard.values()].reduce((sum, one) => sum + one.size, 0);
    await until('all events are told', () => heard() === happened(), 60).catch(() => {});
    const before = crowd.routers.reduce((sum, { events }) => sum + events, 0);
    report.add({
      what: 'broker killed: events lost',
      value: happened() - heard(),
      unit: `of ${before}`,
      target: { atMost: 0 },
      note: `${listener.twice} heard twice`,
    });
  } finally {
    await crowd.stop();
    await listener.stop();
    await listening;
    await door.close();
    await broker.stop();
  }
}

/** One order after the other, over long lines on both sides of the broker. */
async function order(report: Report, { orders }: FleetPlan): Promise<void> {
  const it = new Operator();
  const home = new Home(it.home.path);
  const key = makeKey(home, 'bench', 'configure');
  const broker = await Mosquitto.start();
  const [near, far] = [await Delay.open(broker.port(), ROUND_TRIP_MS), await Delay.open(broker.port(), ROUND_TRIP_MS)];
  const crowd = new Crowd({
    routers: 1,
    endpoint: { host: '127.0.0.1', port: far.port },
    siteSize: 1,
    seed: 'order',
    eventS: 0,
    keys: [key.public],
  });
  try {
    const [router] = crowd.routers;
    await it.json(`broker set --url mqtt://127.0.0.1:${near.port}`);
    await changePins(home, (pins) => pins.set(router!.node, router!.pin));
    crowd.start();
    await until('the router is connected', () => crowd.up === 1, 60);
    await sleep(1000);
    const times: number[] = [];
    for (let at = 0; at < orders; at++) {
      const started = performance.now();
      const { code, err } = await it.run(`do ${router!.node} keyframe`);
      if (code !== 0) throw new Error(`an order failed: ${err}`);
      times.push(performance.now() - started);
      // the router takes one a second
      await sleep(Math.max(0, 1000 - times.at(-1)!));
    }
    times.sort((a, b) => a - b);
    report.add({
      what: 'order to result, 95 of 100 within',
      value: times[Math.ceil(0.95 * orders) - 1]! / 1000,
      unit: 's',
      target: { atMost: 2 },
      note: `meshctl do from its start to its end, ${ROUND_TRIP_MS} ms there and back to the broker on either side; median ${(times[Math.floor(orders / 2)]! / 1000).toFixed(2)} s of ${orders}`,
    });
  } finally {
    await crowd.stop();
    await near.close();
    await far.close();
    await broker.stop();
    it.end();
  }
}

/** All figures of the fleet. */
export async function benchFleet(report: Report, plan: FleetPlan): Promise<void> {
  await order(report, plan);
  await comeBack(report, plan);
}
