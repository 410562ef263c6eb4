import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { METRIC_GROUPS, PAYLOADS, type Sample } from '../../src/api/topics.ts';
import { type Fields, patched } from '../../src/lib/delta.ts';
import { SILENT } from '../../src/log.ts';
import type { Feed, FeedOptions } from '../../src/mesh/feed.ts';
import { Moments } from '../../src/mesh/moment.ts';
import { takeSample } from '../../src/mesh/sample.ts';
import { firstNumber, Telemetry } from '../../src/mesh/telemetry.ts';
import { ManualClock } from '../support/clock.ts';
import { layoutFaults } from '../support/layout.ts';
import { measuredNode, peerClaim, sampleFacts } from '../support/measured.ts';

const OPTIONS: FeedOptions = {
  groups: METRIC_GROUPS,
  intervalMs: 300_000,
  metered: false,
  keyframes: true,
  heartbeats: true,
};
const MINUTE = 60_000;

interface Sent {
  kind: 'state' | 'tele';
  atMs: number;
  payload: Fields & { seq: number; mono: number };
}

/** A router that is measured, whose first broker is there. */
function make(options: Partial<FeedOptions> = {}, { random = 0, runs = 0 } = {}) {
  const clock = new ManualClock();
  const node = measuredNode(3, 0);
  const world = { up: true, congested: false, queued: 0, dropped: 0, taken: 0, bytes: 1_000_000 };
  const sent: Sent[] = [];
  const telemetry = new Telemetry({
    clock,
    random: () => random,
    moments: new Moments('abcdefghijkl', {
      monotonicMs: () => clock.monotonicMs(),
      unixMs: () => clock.unixMs(),
      earliestMs: 0,
      latestMs: Number.MAX_SAFE_INTEGER,
      isSet: () => true,
      hasBattery: false,
    }),
    take: async (): Promise<Sample> => {
      world.taken++;
      node.setPeers(
        [1, 2, 3].map((n) => peerClaim(n, world.bytes)),
        clock.monotonicMs(),
      );
      return takeSample(sampleFacts([node]), clock.monotonicMs());
    },
    runs,
    log: SILENT,
  });
  const add = (more: Partial<FeedOptions> = {}, into = sent): Feed => {
    const note = (kind: Sent['kind']) => (text: string) => {
      const payload = JSON.parse(text);
      assert.equal(layoutFaults(PAYLOADS[kind], payload), []);
      into.push({ kind, atMs: clock.monotonicMs(), payload });
    };
    const feed = telemetry.add(
      {
        get up() {
          return world.up;
        },
        get congested() {
          return world.congested;
        },
        queue: () => ({ queued: world.queued, dropped: world.dropped }),
        keyframe: note('state'),
        heartbeat: note('tele'),
      },
      { ...OPTIONS, ...more },
    );
    feed.start();
    return feed;
  };
  const feed = add(options);
  /** What was sent, as `kind seconds`. */
  const plan = () => sent.splice(0).map(({ kind, atMs }) => `${kind} ${Math.round(atMs / 1000)}`);
  return { clock, telemetry, feed, add, world, sent, plan };
}

const pace = suite('Telemetry: pace');
pace('is a keyframe with each third heartbeat', async () => {
  const { clock, feed, plan } = make();
  feed.connected();
  await clock.advance(30 * MINUTE);
  assert.equal(plan(), ['state 0', 'tele 300', 'tele 600', 'state 900', 'tele 1200', 'tele 1500', 'state 1800']);
});
pace('begins at a random moment of the interval', async () => {
  const { clock, plan } = make({}, { random: 0.75 });
  await clock.advance(10 * MINUTE);
  assert.equal(plan(), ['state 75', 'tele 375']);
});
pace('follows the interval, also when that changes', async () => {
  const { clock, feed, plan } = make({ intervalMs: 60_000 });
  feed.connected();
  await clock.advance(3 * MINUTE);
  assert.equal(plan(), ['state 0', 'tele 60', 'tele 120', 'state 180']);
  feed.setOptions({ ...OPTIONS, intervalMs: 120_000 });
  await clock.advance(4 * MINUTE);
  assert.equal(plan(), ['tele 300', 'tele 420']);
});
pace('is slow where the line is metered', async () => {
  const { clock, feed, plan } = make({ metered: true });
  feed.connected();
  await clock.advance(6 * 60 * MINUTE);
  const all = plan();
  assert.equal(all.slice(0, 3), ['state 0', 'tele 900', 'tele 1800']);
  assert.is(all.length, 25);
  assert.is(all.filter((one) => one.startsWith('state')).length, 2);
  feed.changed();
  await clock.advance(10 * MINUTE);
  assert.equal(plan(), [], '~> no keyframe of its own accord');
  feed.request();
  await clock.advance(1000);
  assert.equal(plan(), ['state 22200']);
});
pace('is quicker while there is a lease, with what changed', async () => {
  const { clock, feed, telemetry, sent, plan, world } = make();
  feed.connected();
  await clock.advance(100);
  const keyframe = sent[0]!.payload;
  telemetry.grant('boost', 30);
  world.bytes += 1_000_000;
  await clock.advance(20_000);
  const [beat] = sent.filter(({ kind }) => kind === 'tele');
  assert.is(beat!.payload.base, keyframe.seq);
  const now = patched(keyframe, beat!.payload.d as Fields) as unknown as Sample;
  assert.is(now.yggdrasil![0]!.peers![0]!.rx_kb, 2000);
  assert.is(now.own!.lease, 'boost');
  await clock.advance(10 * MINUTE);
  assert.equal(plan(), ['state 0', 'tele 10', 'tele 20', 'tele 30', 'tele 40', 'tele 340']);
  telemetry.grant('watch', 3600);
  await clock.advance(2 * MINUTE);
  assert.equal(plan(), ['tele 620', 'tele 680', 'tele 740']);
});
pace('sends heartbeats without changes while there is no lease', async () => {
  const { clock, feed, sent, world } = make();
  feed.connected();
  await clock.advance(1000);
  world.bytes += 1_000_000;
  await clock.advance(5 * MINUTE);
  assert.equal([sent[1]!.payload.base, sent[1]!.payload.d], [undefined, undefined]);
});
pace('ends with the feed', async () => {
  const { clock, telemetry, plan } = make();
  telemetry.grant('watch', 60);
  telemetry.stop();
  await clock.advance(20 * MINUTE);
  assert.equal(plan(), []);
  assert.is(clock.pending, 0);
});
pace.run();

const asked = suite('Telemetry: keyframes out of turn');
asked('come at once, and not more often than every 30 s', async () => {
  const { clock, feed, telemetry, plan } = make();
  feed.connected();
  await clock.advance(40_000);
  telemetry.request();
  await clock.advance(1000);
  for (let i = 0; i < 100; i++) telemetry.request();
  await clock.advance(100_000);
  assert.equal(plan(), ['state 0', 'state 40', 'state 70']);
});
asked('come when something changed, once a minute', async () => {
  const { clock, feed, telemetry, plan } = make();
  feed.connected();
  await clock.advance(10_000);
  telemetry.changed();
  telemetry.changed();
  await clock.advance(80_000);
  assert.equal(plan(), ['state 0', 'state 60']);
});
asked('come with each connection', async () => {
  const { clock, feed, plan, world } = make();
  feed.connected();
  await clock.advance(1000);
  world.up = false;
  await clock.advance(1000);
  world.up = true;
  feed.connected();
  await clock.advance(1000);
  assert.equal(plan(), ['state 0', 'state 2']);
});
asked('do not come where they are not wanted', async () => {
  const { clock, feed, telemetry, plan } = make({ keyframes: false });
  feed.connected();
  telemetry.request();
  await clock.advance(15 * MINUTE);
  assert.equal(plan(), ['tele 300', 'tele 600', 'tele 900']);
});
asked.run();

const kept = suite('Telemetry: what a broker gets');
kept('is what it is meant to', async () => {
  const { clock, feed, sent } = make({ groups: ['system'], heartbeats: false });
  feed.connected();
  await clock.advance(15 * MINUTE);
  assert.equal(
    sent.map(({ kind }) => kind),
    ['state', 'state'],
  );
  assert.equal(Object.keys(sent[0]!.payload), ['sid', 'seq', 'mono', 't', 'clk', 'system']);
});
kept('is heartbeats alone while the broker is gone: a keyframe that is old is of no use', async () => {
  const { clock, plan, world } = make();
  world.up = false;
  await clock.advance(20 * MINUTE);
  assert.equal(plan(), ['tele 300', 'tele 600', 'tele 900', 'tele 1200']);
});
kept('is no heartbeat while too much waits', async () => {
  const { clock, feed, plan, world } = make();
  feed.connected();
  world.congested = true;
  await clock.advance(10 * MINUTE);
  assert.equal(plan(), ['state 0']);
});
kept('tells what waits and what was given up', async () => {
  const { clock, feed, sent, world } = make();
  Object.assign(world, { queued: 3, dropped: 4 });
  feed.connected();
  await clock.advance(1000);
  const { own } = sent[0]!.payload as unknown as Sample;
  assert.equal([own!.queued, own!.dropped], [3, 4]);
});
kept('is measured once for several brokers', async () => {
  const { clock, add, feed, world, sent } = make();
  const others: Sent[] = [];
  const other = add({}, others);
  feed.connected();
  other.connected();
  await clock.advance(1000);
  assert.is(world.taken, 1);
  assert.equal([sent.length, others.length], [1, 1]);
});
kept.run();

const numbers = suite('Telemetry: numbers');
numbers('rise by one with each keyframe and heartbeat', async () => {
  const { clock, feed, sent } = make();
  feed.connected();
  await clock.advance(60 * MINUTE);
  assert.equal(
    sent.map(({ payload }) => payload.seq),
    sent.map((_, i) => i + 1),
  );
});
numbers('are those of no earlier start of the daemon, nor of an earlier feed', async () => {
  const { clock, feed, telemetry, add, sent } = make({}, { runs: 3 });
  feed.connected();
  await clock.advance(10 * MINUTE);
  telemetry.remove(feed);
  add().connected();
  await clock.advance(1000);
  assert.equal(
    sent.map(({ payload }) => payload.seq),
    [3_000_001, 3_000_002, 3_000_003, 3_000_004],
  );
  assert.is(firstNumber(0), 1);
});
numbers.run();
