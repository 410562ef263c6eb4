import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDownError, RemoteError, TimeoutError, WireError } from '../../src/errors.ts';
import type { AlarmId } from '../../src/mqtt/client.ts';
import { MAX_SPREAD_S, Retry, STABLE_MS } from '../../src/mqtt/retry.ts';
import { ManualClock } from '../support/clock.ts';
import { seededRandom } from '../support/random.ts';

const MINUTE = 60_000;
const PAUSE = 15 * MINUTE;
const FIRST = 5000;
const lost = new Error('read: Connection reset by peer');
const closed = new LinkDownError('the other side closed the connection');
const refused = (code: number): RemoteError => new RemoteError('connect', code);

/** Its longest waits, unless told otherwise. */
function setUp(options: { profile?: 'fleet' | 'home'; spreadS?: number; random?: () => number } = {}) {
  const clock = new ManualClock();
  const alarms: [AlarmId, boolean][] = [];
  const retry = new Retry({
    clock,
    random: () => 1,
    profile: 'fleet',
    onAlarm: (id, why) => alarms.push([id, why !== undefined]),
    ...options,
  });
  const raised = (): string[] => [...new Map(alarms).entries()].flatMap(([id, isOn]) => (isOn ? [id] : []));
  /** A connection that lasts so long and ends so. */
  const ending = async (lastedMs: number, error: Error): Promise<number> => {
    retry.reset();
    await clock.advance(lastedMs);
    return retry.nextMs(error);
  };
  return { clock, retry, alarms, raised, ending };
}

const start = suite('Retry: the first connection');
start('waits a ninth of the spread in a fleet, the spread at home', () => {
  assert.is(setUp().retry.startMs(), 20_000);
  assert.is(setUp({ profile: 'home' }).retry.startMs(), 5000);
  assert.is(setUp({ spreadS: 90 }).retry.startMs(), 10_000);
  assert.is(setUp({ random: () => 0 }).retry.startMs(), 0);
});
start('keeps the spread between 0 and 180 s', () => {
  const { retry } = setUp();
  retry.setSpread(1e9);
  assert.is(retry.startMs(), (MAX_SPREAD_S * 1000) / 9);
  retry.setSpread(-1);
  assert.is(retry.startMs(), 0);
});
start.run();

// ---

const jitter = suite('Retry: failures');
jitter('double the longest wait up to 15 min', () => {
  const { retry } = setUp();
  const waits = Array.from({ length: 10 }, () => retry.nextMs(lost));
  assert.equal(
    waits.map((ms) => ms / 1000),
    [5, 10, 20, 40, 80, 160, 320, 640, 900, 900],
  );
});
jitter('wait anything from nothing on', () => {
  const random = seededRandom(1);
  const { retry } = setUp({ random });
  for (let i = 0; i < 8; i++) retry.nextMs(lost);
  const waits = Array.from({ length: 1000 }, () => retry.nextMs(lost));
  const tenths = new Set(waits.map((ms) => Math.floor((10 * ms) / PAUSE)));
  assert.is(tenths.size, 10);
  assert.ok(waits.every((ms) => ms >= 0 && ms < PAUSE));
});
jitter('begin afresh only after a connection that lasted 5 minutes', async () => {
  const { retry, ending } = setUp({ profile: 'home' });
  for (let i = 0; i < 4; i++) retry.nextMs(lost);
  assert.is(await ending(STABLE_MS - 1, lost), 80_000);
  assert.is(await ending(STABLE_MS, lost), FIRST);
  assert.is(retry.nextMs(lost), 2 * FIRST);
});
jitter.run();

// ---

const crowd = suite('Retry: a crowd');
crowd('of a fleet is spread when it is lost, and stays so while the broker is away', async () => {
  const { retry, ending } = setUp();
  assert.is(await ending(STABLE_MS, closed), 180_000);
  assert.is(retry.nextMs(lost), 180_000);
  for (let i = 0; i < 4; i++) retry.nextMs(lost);
  assert.is(retry.nextMs(lost), 320_000, '~> and then by the backoff');
});
crowd('is spread no longer once it has been let in', async () => {
  const { ending } = setUp();
  assert.is(await ending(STABLE_MS, closed), 180_000);
  assert.is(await ending(MINUTE, lost), 2 * FIRST);
});
crowd('is spread as far as the fleet says', async () => {
  const { retry, ending } = setUp();
  retry.setSpread(30);
  assert.is(await ending(STABLE_MS, closed), 30_000);
});
for (const code of [0x88, 0x89, 0x8b])
  crowd(`is spread when the broker says 0x${code.toString(16)}`, async () => {
    const { ending, raised } = setUp();
    assert.is(await ending(1000, refused(code)), 180_000);
    assert.equal(raised(), []);
  });
crowd('at home waits 5 s', async () => assert.is(await setUp({ profile: 'home' }).ending(STABLE_MS, closed), 5000));
crowd('of a thousand comes back with no second in which more than 20 do', async () => {
  const random = seededRandom(2);
  const seconds = new Array<number>(200).fill(0);
  for (let i = 0; i < 1000; i++) {
    const { ending } = setUp({ random });
    seconds[Math.floor((await ending(STABLE_MS, closed)) / 1000)]!++;
  }
  assert.ok(Math.max(...seconds) <= 20, `~> ${Math.max(...seconds)}`);
});
crowd('of a thousand that finds the broker down for 30 s does so too, and is back within 5 minutes', async () => {
  const random = seededRandom(3);
  const seconds = new Array<number>(300).fill(0);
  for (let i = 0; i < 1000; i++) {
    const { ending, retry } = setUp({ random });
    let at = await ending(STABLE_MS, closed);
    while (at < 30_000) at += retry.nextMs(lost);
    seconds[Math.floor(at / 1000)]!++;
  }
  assert.is(
    seconds.reduce((sum, count) => sum + count),
    1000,
  );
  assert.ok(Math.max(...seconds) <= 20, `~> ${Math.max(...seconds)}`);
});
crowd.run();

// ---

const doors = suite('Retry: a closed door');
for (const code of [0x86, 0x87, 0x8a])
  doors(`0x${code.toString(16)} is not knocked at for 15 to 18 minutes, with an alarm until it opens`, () => {
    const { retry, raised } = setUp();
    assert.is(retry.nextMs(refused(code)), 1.2 * PAUSE);
    assert.is(setUp({ random: () => 0 }).retry.nextMs(refused(code)), PAUSE);
    assert.equal(raised(), ['not-authorised']);
    retry.reset();
    assert.equal(raised(), []);
  });
for (const code of [0x96, 0x97, 0x9f])
  doors(`0x${code.toString(16)}: too much was asked, with an alarm until a connection has lasted`, async () => {
    const { retry, raised, clock } = setUp();
    assert.is(retry.nextMs(refused(code)), 1.2 * PAUSE);
    assert.equal(raised(), ['quota']);
    retry.reset();
    await clock.advance(STABLE_MS - 1);
    assert.equal(raised(), ['quota']);
    await clock.advance(1);
    assert.equal(raised(), []);
  });
for (const code of [0x9c, 0x9d])
  doors(`0x${code.toString(16)}: a broker that sends us elsewhere is dialled again as any other`, () => {
    const { retry, raised } = setUp();
    assert.is(retry.nextMs(refused(code)), FIRST);
    assert.equal(raised(), []);
  });
doors.run();

// ---

const rivals = suite('Retry: a rival');
rivals('that takes our session twice is left alone, with an alarm until an hour has passed', async () => {
  const { retry, ending, raised, clock } = setUp();
  assert.is(await ending(MINUTE, refused(0x8e)), FIRST);
  assert.equal(raised(), []);
  assert.is(await ending(10 * MINUTE, refused(0x8e)), 1.2 * PAUSE);
  assert.equal(raised(), ['duplicate-id']);
  retry.reset();
  await clock.advance(59 * MINUTE);
  assert.equal(raised(), ['duplicate-id']);
  await clock.advance(MINUTE);
  assert.equal(raised(), []);
  assert.is(await ending(MINUTE, refused(0x8e)), FIRST, '~> the next is the first again');
  assert.equal(raised(), []);
});
rivals('is seen in connections that the broker closes soon, six in a row', async () => {
  const { ending, raised } = setUp();
  for (let i = 0; i < 5; i++) {
    const wait = await ending(9000, closed);
    assert.ok(wait < PAUSE, `${i}`);
    assert.equal(raised(), []);
  }
  assert.is(await ending(9000, closed), 1.2 * PAUSE);
  assert.equal(raised(), ['duplicate-id']);
});
rivals('may come later the longer we wait ourselves', async () => {
  const { ending, raised } = setUp();
  for (const s of [14, 19, 29, 49, 89, 169]) await ending(s * 1000, closed);
  assert.equal(raised(), ['duplicate-id']);
});
rivals('is not seen where one connection of three lasted', async () => {
  const { ending, raised } = setUp();
  for (let i = 0; i < 12; i++) await ending(i % 3 === 2 ? STABLE_MS : 1000, closed);
  assert.equal(raised(), []);
});
rivals('is not seen in a bad line, in bad bytes, in silence', async () => {
  const { ending, raised } = setUp();
  for (const error of [lost, new WireError('bad'), new TimeoutError('ping')])
    for (let i = 0; i < 8; i++) await ending(1000, error);
  assert.equal(raised(), []);
});
rivals.run();

// ---

const line = suite('Retry: an uplink that is back');
line('shortens a wait to that of a start', async () => {
  const { retry, ending } = setUp();
  await ending(STABLE_MS, lost);
  assert.is(retry.lineBackMs(), 20_000);
  assert.is(setUp({ profile: 'home' }).retry.lineBackMs(), 5000);
});
line('does not shorten a pause', () => {
  const { retry } = setUp();
  retry.nextMs(refused(0x87));
  assert.is(retry.lineBackMs(), undefined);
  retry.reset();
  assert.is(retry.lineBackMs(), 20_000);
});
line.run();

// ---

const end = suite('Retry.end');
end('leaves no timer, and tells how long the connection lasted', async () => {
  const { retry, clock } = setUp();
  assert.is(retry.end(), undefined);
  retry.reset();
  await clock.advance(7);
  assert.is(retry.end(), 7);
  assert.is(clock.pending, 0);
  retry.reset();
  await clock.advance(STABLE_MS);
  retry.end();
  assert.is(clock.pending, 0);
});
end.run();
