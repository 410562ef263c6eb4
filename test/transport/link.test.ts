import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDownError, TimeoutError, WireError } from '../../src/errors.ts';
import { Backoff } from '../../src/lib/backoff.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import type { Stream } from '../../src/transport/host.ts';
import { Link, type LinkSession } from '../../src/transport/link.ts';
import { ManualClock } from '../support/clock.ts';
import { MemoryStreams } from '../support/stream.ts';

const READY_MS = 5000;
const BYTES = encodeUtf8('x');

/** A link whose protocol writes down what it is told; `on` reacts to an entry of that diary. */
function setUp(on: (entry: string, link: Link) => void = () => {}) {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const diary: string[] = [];
  const errors: (Error | undefined)[] = [];
  let opened: Stream | undefined;
  const note = (entry: string, error?: Error): void => {
    diary.push(entry);
    if (error) errors.push(error);
    on(entry, link);
  };
  const session = (): LinkSession => ({
    onData: () => note('data'),
    onDrain: () => note('drain'),
    onDown: (error) => note('session down', error),
  });
  const link = new Link(streams, clock, {
    endpoint: { path: '/run/x.sock' },
    log: SILENT,
    backoff: new Backoff({ firstMs: 100, maxMs: 400, random: () => 1 }),
    readyTimeoutMs: READY_MS,
    open(stream) {
      opened = stream;
      note('open');
      return session();
    },
    onChange: (up) => note(up ? 'up' : 'down'),
  });
  return { clock, streams, diary, errors, link, opened: () => opened };
}

/** The same, up. */
function setUpReady(on?: (entry: string, link: Link) => void) {
  const all = setUp(on);
  all.link.start();
  all.streams.last().accept();
  all.link.ready();
  return all;
}

const rise = suite('Link comes up');
rise('dials, opens a session, and is up once that is ready', () => {
  const { link, streams, diary, opened, clock } = setUp();
  assert.equal(link.report(), { state: 'stopped', since_ms: 0, ups: 0 });
  link.start();
  link.start();
  assert.is(streams.dialled.length, 1, '~> a second start changes nothing');
  assert.equal(streams.last().endpoint, { path: '/run/x.sock' });
  assert.is(link.report().state, 'connecting');
  streams.last().accept();
  assert.is(opened(), streams.last());
  assert.not.ok(link.up);
  link.ready();
  link.ready();
  assert.ok(link.up);
  assert.equal(diary, ['open', 'up']);
  assert.equal(link.report(), { state: 'up', since_ms: 0, ups: 1 });
  assert.is(clock.pending, 0, '~> nothing is waited for');
});
rise('hands bytes and room for more to the session', () => {
  const { streams, diary } = setUpReady();
  streams.last().send(BYTES);
  streams.last().drain();
  assert.equal(diary, ['open', 'up', 'data', 'drain']);
});
rise('may be ready from inside open', () => {
  const { link, streams, diary } = setUp((entry, link) => {
    if (entry === 'open') link.ready();
  });
  link.start();
  streams.last().accept();
  streams.last().send(BYTES);
  assert.equal(diary, ['open', 'up', 'data']);
});
rise('ignores ready while it is stopped or waits', () => {
  const { link, streams } = setUp();
  link.ready();
  assert.is(link.report().state, 'stopped');
  link.start();
  streams.last().end();
  link.ready();
  assert.is(link.report().state, 'waiting');
});
rise.run();

// ---

const loss = suite('Link is lost');
loss('dials again with growing waits, starting afresh after a success', async () => {
  const { link, streams, clock } = setUp();
  link.start();
  for (const waitMs of [100, 200, 400, 400]) {
    streams.last().end(new Error('connect /run/x.sock: Connection refused'));
    assert.equal(link.report(), {
      state: 'waiting',
      since_ms: 0,
      ups: 0,
      last_error: 'connect /run/x.sock: Connection refused',
    });
    const dials = streams.dialled.length;
    await clock.advance(waitMs - 1);
    assert.is(streams.dialled.length, dials);
    await clock.advance(1);
    assert.is(streams.dialled.length, dials + 1);
  }
  streams.last().accept();
  link.ready();
  assert.is(link.report().last_error, undefined);
  const dials = streams.dialled.length;
  streams.last().end();
  await clock.advance(100);
  assert.is(streams.dialled.length, dials + 1);
});
loss('tells the session first, then of the change, each once', async () => {
  const { link, streams, diary, errors, clock } = setUpReady();
  await clock.advance(1000);
  const failure = new Error('read: Connection reset by peer');
  streams.last().end(failure);
  assert.equal(diary, ['open', 'up', 'session down', 'down']);
  assert.is(errors[0], failure);
  assert.is(link.report().since_ms, 1000);
});
loss('says that the other side closed when it did so in order', () => {
  const { streams, errors } = setUpReady();
  streams.last().end();
  assert.instance(errors[0], LinkDownError);
  assert.match(errors[0]!.message, /other side closed/);
});
loss('says nothing of a change when it never came up', () => {
  const { link, streams, diary } = setUp();
  link.start();
  streams.last().end();
  assert.equal(diary, []);
});
loss('gives up a connection that is not ready in time', async () => {
  const { link, streams, diary, errors, clock } = setUp();
  link.start();
  streams.last().accept();
  await clock.advance(READY_MS - 1);
  assert.is(link.report().state, 'connecting');
  await clock.advance(1);
  assert.equal(diary, ['open', 'session down']);
  assert.instance(errors[0], TimeoutError);
  assert.is(errors[0]!.message, `not ready after ${READY_MS} ms`);
  assert.ok(streams.last().closed);
  await clock.advance(100);
  assert.is(streams.dialled.length, 2);
});
loss('gives up a dial that never opens', async () => {
  const { link, streams, clock } = setUp();
  link.start();
  await clock.advance(READY_MS);
  assert.ok(streams.last().closed);
  assert.is(link.report().state, 'waiting');
});
loss('keeps a connection that is up, however quiet', async () => {
  const { link, clock } = setUpReady();
  await clock.advance(100 * READY_MS);
  assert.ok(link.up);
});
loss.run();

// ---

const drop = suite('Link.drop');
drop('closes the connection with the reason given and dials again', async () => {
  const { link, streams, diary, errors, clock } = setUpReady();
  const reason = new WireError('bad magic', 4);
  link.drop(reason);
  assert.ok(streams.last().closed);
  assert.equal(diary, ['open', 'up', 'session down', 'down']);
  assert.is(errors[0], reason);
  assert.is(link.report().last_error, 'bad magic at byte 4');
  await clock.advance(100);
  assert.is(streams.dialled.length, 2);
});
drop('may be called from inside a callback, and again', () => {
  const { link, streams, diary } = setUpReady((entry, link) => {
    if (entry === 'data' || entry === 'session down') link.drop(new WireError('bad'));
  });
  streams.last().send(BYTES);
  assert.equal(diary, ['open', 'up', 'data', 'session down', 'down']);
  assert.is(link.report().state, 'waiting');
});
drop('does nothing while it is stopped or waits', () => {
  const { link, clock } = setUp();
  link.drop(new WireError('bad'));
  assert.is(link.report().state, 'stopped');
  assert.is(clock.pending, 0);
});
drop.run();

// ---

const stop = suite('Link.stop');
stop('ends the connection and stays down', async () => {
  const { link, streams, diary, errors, clock } = setUpReady();
  link.stop();
  link.stop();
  assert.ok(streams.last().closed);
  assert.equal(diary, ['open', 'up', 'session down', 'down']);
  assert.is(errors[0]!.message, 'link stopped');
  assert.is(clock.pending, 0);
  await clock.advance(60_000);
  assert.is(streams.dialled.length, 1);
});
stop('ends a dial and a wait', async () => {
  const { link, streams, diary, clock } = setUp();
  link.start();
  link.stop();
  assert.ok(streams.last().closed);
  link.start();
  streams.last().end();
  link.stop();
  assert.is(clock.pending, 0);
  assert.equal(diary, []);
  assert.is(link.report().state, 'stopped');
});
for (const entry of ['up', 'data', 'session down', 'down']) {
  stop(`may be called from inside "${entry}"`, async () => {
    const { link, streams, diary, clock } = setUpReady((now, link) => {
      if (now === entry) link.stop();
    });
    streams.last().send(BYTES);
    streams.last().end();
    await clock.advance(60_000);
    assert.is(link.report().state, 'stopped');
    assert.is(streams.dialled.length, 1);
    assert.is(clock.pending, 0);
    assert.equal(
      diary.filter((one) => one !== 'data'),
      ['open', 'up', 'session down', 'down'],
    );
  });
}
stop('may be called from inside open: no session is kept, and no bytes reach it', () => {
  const { link, streams, diary, clock } = setUp((entry, link) => {
    if (entry === 'open') link.stop();
  });
  link.start();
  streams.last().accept();
  streams.last().send(BYTES);
  assert.ok(streams.last().closed);
  assert.is(clock.pending, 0);
  assert.equal(diary, ['open', 'session down']);
});
stop('may be followed by start from inside open: the old session hears nothing of the new connection', () => {
  let restarts = 0;
  const { link, streams, diary } = setUp((entry, link) => {
    if (entry === 'open' && restarts++ === 0) {
      link.stop();
      link.start();
    }
  });
  link.start();
  streams.last().accept();
  assert.equal(diary, ['open', 'session down']);
  streams.last().send(BYTES);
  assert.equal(diary, ['open', 'session down'], '~> nobody listens before it is open');
  streams.last().accept();
  streams.last().send(BYTES);
  assert.equal(diary, ['open', 'session down', 'open', 'data']);
});
stop('lets a link start again, with sessions of its own', () => {
  const { link, streams, diary } = setUpReady();
  link.stop();
  link.start();
  streams.last().accept();
  link.ready();
  assert.is(streams.dialled.length, 2);
  assert.is(link.report().ups, 2);
  assert.equal(diary, ['open', 'up', 'session down', 'down', 'open', 'up']);
});
stop('may be followed by start from inside a callback', async () => {
  const { link, streams, clock } = setUpReady((entry, link) => {
    if (entry === 'down') {
      link.stop();
      link.start();
    }
  });
  streams.last().end();
  assert.is(streams.dialled.length, 2, '~> one dial, not one more by the backoff');
  await clock.advance(1000);
  assert.is(streams.dialled.length, 2);
  assert.is(link.report().state, 'connecting');
});
stop('may be followed by a start that waits from inside a callback: it dials once', async () => {
  const { streams, clock } = setUpReady((entry, link) => {
    if (entry === 'down') {
      link.stop();
      link.start(1000);
    }
  });
  streams.last().end();
  await clock.advance(999);
  assert.is(streams.dialled.length, 1);
  await clock.advance(10_000 + READY_MS - 1);
  assert.is(streams.dialled.filter(({ closed }) => !closed).length, 1);
});
stop.run();

// ---

const wait = suite('Link.start and Link.hasten');
wait('dial later when they are told to, and not twice', async () => {
  const { link, streams, clock } = setUp();
  link.start(1000);
  assert.equal(link.report(), { state: 'waiting', since_ms: 0, ups: 0 });
  await clock.advance(999);
  assert.is(streams.dialled.length, 0);
  await clock.advance(1);
  assert.is(streams.dialled.length, 1);
});
wait('shorten a wait, and never make it longer', async () => {
  const { link, streams, clock } = setUp();
  link.start(1000);
  link.hasten(2000);
  link.hasten(300);
  link.hasten(500);
  await clock.advance(299);
  assert.is(streams.dialled.length, 0);
  await clock.advance(1);
  assert.is(streams.dialled.length, 1);
  streams.last().end();
  link.hasten(0);
  await clock.advance(0);
  assert.is(streams.dialled.length, 2);
});
wait('leave a link alone that does not wait', async () => {
  const { link, streams, clock } = setUp();
  link.hasten(0);
  assert.is(link.report().state, 'stopped');
  link.start();
  link.hasten(0);
  streams.last().accept();
  link.ready();
  link.hasten(0);
  await clock.advance(10);
  assert.is(streams.dialled.length, 1);
  assert.ok(link.up);
});
wait('are ended by stop', async () => {
  const { link, streams, clock } = setUp();
  link.start(1000);
  link.stop();
  assert.is(clock.pending, 0);
  await clock.advance(2000);
  assert.is(streams.dialled.length, 0);
});
wait.run();

// ---

const policy = suite('Link.backoff');
policy('is told why the connection was lost, and when it came up', async () => {
  const told: string[] = [];
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const link: Link = new Link(streams, clock, {
    endpoint: { path: '/run/x.sock' },
    log: SILENT,
    backoff: {
      nextMs(error) {
        told.push(error.message);
        return 7;
      },
      reset: () => told.push('up'),
    },
    readyTimeoutMs: READY_MS,
    open: () => {
      link.ready();
      return { onData() {}, onDown() {} };
    },
  });
  link.start();
  streams.last().end(new Error('refused'));
  await clock.advance(7);
  streams.last().accept();
  link.drop(new WireError('bad'));
  assert.equal(told, ['refused', 'up', 'bad']);
  await clock.advance(7);
  assert.is(streams.dialled.length, 3);
});
policy('may stop the link', async () => {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const link: Link = new Link(streams, clock, {
    endpoint: { path: '/run/x.sock' },
    log: SILENT,
    backoff: {
      nextMs() {
        link.stop();
        return 7;
      },
      reset() {},
    },
    readyTimeoutMs: READY_MS,
    open: () => ({ onData() {}, onDown() {} }),
  });
  link.start();
  streams.last().end(new Error('refused'));
  assert.is(link.report().state, 'stopped');
  assert.is(clock.pending, 0);
});
policy.run();
