import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, InputError, LinkDownError, RemoteError, TimeoutError, WireError } from '../../src/errors.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { decodeTable, encodeTable, type Table } from '../../src/ubus/blobmsg.ts';
import {
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_DATA,
  UBUS_MSG_INVOKE,
  UBUS_MSG_NOTIFY,
  UBUS_MSG_REMOVE_OBJECT,
  UBUS_MSG_STATUS,
} from '../../src/ubus/message.ts';
import { Failure, type Reply, type UbusObject } from '../../src/ubus/object.ts';
import { malformedFrames } from '../fixtures/ubus/malformed.ts';
import session from '../fixtures/ubus/session.json';
import { answers, CALLER, call, Ubusd } from '../support/ubusd.ts';

const OBJECT = 0x90853354;
const EMPTY = new Uint8Array(0);

function captured(name: string): string {
  return session.find((frame) => frame.name === name)!.hex;
}

/** An object with one method, `m`. */
function object(handle: (args: Table) => Reply | Promise<Reply>, path = 'mesh.test'): UbusObject {
  return { path, methods: { m: { args: { 'n?': 'int32' }, handle } } };
}

/** A client with one object published under OBJECT. */
function published(handle: (args: Table) => Reply | Promise<Reply> = () => ({})): Ubusd {
  const ubusd = new Ubusd().connect();
  ubusd.client.publish(object(handle));
  ubusd.added(OBJECT);
  return ubusd;
}

/** What the client answered: statuses, and DATA as tables. */
function replies(ubusd: Ubusd): (number | Table)[] {
  return ubusd.take().map(({ type, attributes }) => {
    assert.is(attributes.objectId, OBJECT, 'ubusd drops answers without the object id');
    return type === UBUS_MSG_STATUS ? attributes.status! : decodeTable(attributes.data!);
  });
}

/** A promise and its switch. */
function later<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const publish = suite('UbusClient: publish');
publish('adds an object as it was captured', () => {
  const ubusd = new Ubusd().connect();
  const nothing = () => undefined;
  const args = {
    msg: 'string',
    'count?': 'int32',
    flag: 'bool',
    'list?': ['json'],
    table: {},
    'big?': 'int64',
    real: 'double',
  } as const;
  ubusd.client.publish({
    path: 'meshbridge.fixture',
    methods: {
      echo: { args, handle: nothing },
      later: { args: {}, handle: nothing },
      fail: { args: { code: 'int32' }, handle: nothing },
    },
  });
  // the number is the client's choice
  assert.is(toHex(ubusd.far.take()).slice(8), captured('add_object').slice(8));
});
publish('publishes what was published before the link was up, and again on each connection', async () => {
  const ubusd = new Ubusd();
  ubusd.client.publish(object(() => ({}), 'a'));
  ubusd.client.publish(object(() => ({}), 'b'));
  ubusd.connect();
  for (let i = 0; i < 3; i++) {
    const requests = ubusd.take();
    assert.equal(
      requests.map(({ type, attributes }) => [type, attributes.path]),
      [
        [UBUS_MSG_ADD_OBJECT, 'a'],
        [UBUS_MSG_ADD_OBJECT, 'b'],
      ],
    );
    for (const [n, request] of requests.entries()) ubusd.answer(request, 0, { objectId: OBJECT + n });
    ubusd.invoke(OBJECT + 1, 'm', EMPTY);
    assert.is(ubusd.take().length, 2);
    ubusd.far.end();
    await ubusd.reconnect();
  }
});
publish('answers a call that comes in one chunk with the id', () => {
  const ubusd = new Ubusd().connect();
  ubusd.client.publish(object(() => ({ ok: true })));
  const request = ubusd.one(UBUS_MSG_ADD_OBJECT);
  ubusd.send(...answers(request, 0, { objectId: OBJECT }), call(OBJECT, 'm', EMPTY));
  assert.equal(replies(ubusd), [{ ok: true }, 0]);
});
publish('tries each second for a path that is taken, and says so once, then warns once', async () => {
  const ubusd = new Ubusd().connect();
  ubusd.client.publish(object(() => ({}), 'other'));
  ubusd.added(5000);
  ubusd.client.publish(object(() => ({})));
  for (let second = 0; second < 15; second++) {
    ubusd.answer(ubusd.one(UBUS_MSG_ADD_OBJECT), 2);
    if (second === 9) assert.equal(ubusd.lines, ['info path taken or not allowed, trying again']);
    await ubusd.clock.advance(999);
    assert.equal(ubusd.take(), []);
    await ubusd.clock.advance(1);
  }
  ubusd.added(OBJECT);
  assert.equal(ubusd.lines, [
    'info path taken or not allowed, trying again',
    'warn path still taken or not allowed',
    'info published',
  ]);
  ubusd.invoke(5000, 'm', EMPTY);
  ubusd.invoke(OBJECT, 'm', EMPTY);
  assert.is(ubusd.take().length, 4);
});
publish('drops the link when ubusd does not answer', async () => {
  const ubusd = new Ubusd().connect();
  ubusd.client.publish(object(() => ({})));
  const { far } = ubusd;
  await ubusd.clock.advance(30_000);
  assert.is(far.closed, true);
});
publish('refuses a path that it publishes already', () => {
  const ubusd = new Ubusd();
  ubusd.client.publish(object(() => ({})));
  assert.throws(
    () => ubusd.client.publish(object(() => ({}))),
    (error: Error) => error instanceof InputError,
  );
});
publish.run();

const withdraw = suite('UbusClient: withdraw');
withdraw('removes the object, answers who waits for it, and does not publish it again', async () => {
  const ubusd = published(() => new Promise(() => {}));
  ubusd.invoke(OBJECT, 'm', EMPTY);
  ubusd.client.withdraw('mesh.test');
  const [data, status, remove] = ubusd.take();
  assert.is(data?.type, UBUS_MSG_DATA);
  assert.is(status?.attributes.status, 4);
  assert.equal([remove?.type, remove?.attributes], [UBUS_MSG_REMOVE_OBJECT, { objectId: OBJECT }]);
  ubusd.answer(remove!, 0, { objectId: OBJECT });
  assert.is(ubusd.clock.pending, 0);
  ubusd.far.end();
  await ubusd.reconnect();
  assert.equal(ubusd.take(), []);
});
withdraw('removes an object whose id was not known yet', () => {
  const ubusd = new Ubusd().connect();
  ubusd.client.publish(object(() => ({})));
  const request = ubusd.one(UBUS_MSG_ADD_OBJECT);
  ubusd.client.withdraw('mesh.test');
  ubusd.answer(request, 0, { objectId: OBJECT });
  assert.equal(ubusd.one(UBUS_MSG_REMOVE_OBJECT).attributes, { objectId: OBJECT });
});
withdraw('stops trying for a path that is taken', async () => {
  const ubusd = new Ubusd().connect();
  ubusd.client.publish(object(() => ({})));
  ubusd.answer(ubusd.one(UBUS_MSG_ADD_OBJECT), 2);
  ubusd.client.withdraw('mesh.test');
  await ubusd.clock.advance(5000);
  assert.equal(ubusd.take(), []);
});
withdraw.run();

const invoke = suite('UbusClient: calls of our objects');
invoke('answers as it was captured, in one write', () => {
  const ubusd = published(() => ({ reply: 'ok', n: 7 }));
  ubusd.send({ ...call(OBJECT, 'm', EMPTY), seq: 3 });
  assert.is(ubusd.far.writes.length, 1);
  assert.is(toHex(ubusd.far.take()), captured('reply_data') + captured('reply_status'));
});
invoke('hands over checked arguments and who calls', () => {
  const seen: unknown[] = [];
  const ubusd = new Ubusd().connect();
  ubusd.client.publish({
    path: 'p',
    methods: { m: { args: { 'n?': 'int32' }, handle: (...given) => void seen.push(...given) } },
  });
  ubusd.added(OBJECT);
  ubusd.invoke(OBJECT, 'm', encodeTable({ n: 5, ubus_rpc_session: 'x' }));
  assert.equal(seen, [{ n: 5 }, { user: 'root', group: 'root', peer: CALLER }]);
  assert.equal(replies(ubusd), [0]);
});
invoke('takes a call without DATA as one without arguments', () => {
  const ubusd = published((args) => args);
  ubusd.send({ type: UBUS_MSG_INVOKE, seq: 1, peer: CALLER, attributes: { objectId: OBJECT, method: 'm' } });
  assert.equal(replies(ubusd), [{}, 0]);
});
invoke('sends bytes as they are, several DATA in order, or none', () => {
  const bytes = encodeTable({ encoded: true });
  const given: Reply[] = [bytes, [{ n: 1 }, bytes], undefined, []];
  const ubusd = published(() => given.shift());
  for (let i = 0; i < 4; i++) ubusd.invoke(OBJECT, 'm', EMPTY);
  assert.equal(replies(ubusd), [{ encoded: true }, 0, { n: 1 }, { encoded: true }, 0, 0, 0]);
});
invoke('gives fields the types of the reply layout', () => {
  const ubusd = new Ubusd().connect();
  ubusd.client.publish({ path: 'p', methods: { m: { args: {}, reply: { n: 'int64' }, handle: () => ({ n: 1 }) } } });
  ubusd.added(OBJECT);
  ubusd.invoke(OBJECT, 'm', EMPTY);
  assert.is(toHex(ubusd.take()[0]!.attributes.data!), '8400001000016e000000000000000001');
});
const FAILURES: [what: string, handle: () => Reply, reply: unknown][] = [
  ['a failure', () => new Failure(6, 'not you'), [{ error: 'not you' }, 6]],
  ['a field at fault', () => new Failure(2, 'n: odd', 'n'), [{ error: 'n: odd', field: 'n' }, 2]],
  ['what a handler throws', () => thrown(new Error('boom')), [{ error: 'boom' }, 9]],
  ['a thrown failure', () => thrown(new Failure(5, 'none yet')), [{ error: 'none yet' }, 5]],
  ['bad input', () => thrown(new InputError('uri: no scheme', 'uri')), [{ error: 'uri: no scheme', field: 'uri' }, 2]],
  ['a time-out behind it', () => thrown(new TimeoutError('late')), [{ error: 'late' }, 7]],
  ['a link down behind it', () => thrown(new LinkDownError('down')), [{ error: 'down' }, 10]],
  ['a refusal behind it', () => thrown(new RemoteError('refused', 'no')), [{ error: 'refused' }, 9]],
  ['a wait too long behind it', () => thrown(new BusyError('busy')), [{ error: 'busy' }, 13]],
  ['a broken answer behind it', () => thrown(new WireError('bad list', 4)), [{ error: 'bad list at byte 4' }, 9]],
  ['a reply of no type', () => ({ f: () => 1 }), [{ error: 'f: expected a JSON value, got function' }, 9]],
];
function thrown(error: unknown): never {
  throw error;
}
for (const [what, handle, expected] of FAILURES) {
  invoke(`tells ${what}, the text before the status`, () => {
    const ubusd = published(handle);
    ubusd.invoke(OBJECT, 'm', EMPTY);
    assert.equal(replies(ubusd), expected);
  });
  invoke(`tells ${what} that came later`, async () => {
    const ubusd = published(async () => handle());
    ubusd.invoke(OBJECT, 'm', EMPTY);
    assert.equal(replies(ubusd), []);
    await ubusd.settle();
    assert.equal(replies(ubusd), expected);
    assert.is(ubusd.clock.pending, 0);
  });
}
invoke('warns of a handler that fails only where that is no daily matter', () => {
  const daily = [
    new RemoteError('r', 1),
    new BusyError('b'),
    new LinkDownError('l'),
    new TimeoutError('t'),
    new InputError('i'),
  ];
  for (const [errors, line] of [
    [daily, 'debug handler failed'],
    [[new WireError('w'), new TypeError('t'), 'text'], 'warn handler failed'],
  ] as const)
    for (const error of errors) {
      const ubusd = published(() => thrown(error));
      ubusd.invoke(OBJECT, 'm', EMPTY);
      assert.equal(
        ubusd.lines.filter((text) => text.includes('handler')),
        [line],
      );
    }
  const ubusd = published();
  ubusd.invoke(OBJECT, 'm', Uint8Array.of(1));
  assert.is(replies(ubusd)[1], 2);
  assert.equal(
    ubusd.lines.filter((text) => text.includes('handler')),
    [],
    '~> no handler was asked',
  );
});
invoke('refuses a reply that is too long for a message', () => {
  for (const reply of [new Uint8Array(1_048_564), { x: 'x'.repeat(2_000_000) }]) {
    const ubusd = published(() => reply);
    ubusd.invoke(OBJECT, 'm', EMPTY);
    assert.is(replies(ubusd)[1], 9);
  }
  const ubusd = published(() => new Uint8Array(1_048_560));
  ubusd.invoke(OBJECT, 'm', EMPTY);
  assert.is(ubusd.take()[1]?.attributes.status, 0);
});
invoke('refuses what is no method, also when every table has it', () => {
  const ubusd = published();
  for (const method of ['nope', 'toString', '__proto__', '']) {
    ubusd.invoke(OBJECT, method, EMPTY);
    assert.equal(replies(ubusd), [{ error: `mesh.test: no method "${method}"` }, 3]);
  }
});
invoke('refuses arguments of the wrong type', () => {
  const ubusd = published();
  ubusd.invoke(OBJECT, 'm', encodeTable({ n: 'x' }));
  assert.equal(replies(ubusd), [{ error: 'n: expected an integer of 32 bits, got a string', field: 'n' }, 2]);
});
invoke('answers each caller under its number, in whatever order', async () => {
  const open: ((value: Reply) => void)[] = [];
  const ubusd = published(() => new Promise((resolve) => open.push(resolve)));
  ubusd.invoke(OBJECT, 'm', EMPTY, 7, 2000);
  ubusd.invoke(OBJECT, 'm', EMPTY, 7, 3000);
  open[1]!({});
  await ubusd.settle();
  assert.equal(
    ubusd.take().map(({ peer, seq }) => [peer, seq]),
    [
      [3000, 7],
      [3000, 7],
    ],
  );
  open[0]!({});
  await ubusd.settle();
  assert.equal(
    ubusd.take().map(({ peer }) => peer),
    [2000, 2000],
  );
});
invoke('answers only the newer of two calls with one number', async () => {
  const open: ((value: Reply) => void)[] = [];
  const ubusd = published(() => new Promise((resolve) => open.push(resolve)));
  ubusd.invoke(OBJECT, 'm', EMPTY);
  ubusd.invoke(OBJECT, 'm', EMPTY);
  open[0]!({ n: 1 });
  open[1]!({ n: 2 });
  await ubusd.settle();
  assert.equal(replies(ubusd), [{ n: 2 }, 0]);
  assert.is(ubusd.clock.pending, 0);
});
invoke('answers busy while 256 wait, and serves on afterwards', async () => {
  const open: ((value: Reply) => void)[] = [];
  const ubusd = published(() => new Promise((resolve) => open.push(resolve)));
  for (let seq = 0; seq < 257; seq++) ubusd.invoke(OBJECT, 'm', EMPTY, seq);
  assert.equal(replies(ubusd), [{ error: 'busy: 256 calls wait for their answer' }, 13]);
  assert.is(open.length, 256);
  open[0]!({});
  await ubusd.settle();
  ubusd.invoke(OBJECT, 'm', EMPTY, 500);
  assert.is(open.length, 257);
});
invoke('ends a handler that takes longer than a minute', async () => {
  const { promise, resolve } = later<Reply>();
  const ubusd = published(() => promise);
  ubusd.invoke(OBJECT, 'm', EMPTY);
  await ubusd.clock.advance(60_000);
  assert.is(replies(ubusd)[1], 7);
  resolve({});
  await ubusd.settle();
  assert.equal(replies(ubusd), []);
});
invoke('does not answer on the next connection what was asked on the last', async () => {
  const { promise, resolve } = later<Reply>();
  const ubusd = published(() => promise);
  ubusd.invoke(OBJECT, 'm', EMPTY);
  ubusd.far.end();
  await ubusd.reconnect();
  ubusd.added(OBJECT);
  resolve({});
  await ubusd.settle();
  assert.equal(ubusd.take(), []);
  assert.is(ubusd.clock.pending, 0);
});
invoke.run();

const malformed = suite('UbusClient: malformed frames');
for (const { name, outcome, bytes, offset, text } of malformedFrames(OBJECT, 'mmmm'))
  malformed(`${outcome}: ${name}`, async () => {
    const ubusd = new Ubusd().connect();
    ubusd.client.publish({ path: 'mesh.test', methods: { mmmm: { args: {}, handle: () => ({ ok: true }) } } });
    ubusd.added(OBJECT);
    ubusd.far.send(bytes);
    if (outcome === 'drop') {
      assert.is(ubusd.client.up, false);
      assert.match(ubusd.client.report().last_error ?? '', text);
      await ubusd.reconnect();
      ubusd.added(OBJECT);
    } else if (outcome === 'refuse') {
      const [data, status] = replies(ubusd);
      assert.is(status, 2);
      assert.match((data as Table).error as string, text);
      assert.match((data as Table).error as string, `at byte ${offset}`);
    } else assert.equal(replies(ubusd), outcome === 'wait' ? [] : [{ ok: true }, 0]);
    assert.is(ubusd.client.up, true);
    if (outcome === 'wait') return;
    ubusd.invoke(OBJECT, 'mmmm', EMPTY);
    assert.equal(replies(ubusd), [{ ok: true }, 0]);
  });
malformed.run();

const notify = suite('UbusClient: notify');
function subscribed(): Ubusd {
  const ubusd = published();
  ubusd.far.send(fromHex(captured('subscription_active')));
  return ubusd;
}
notify('tells the subscribers without asking for an answer, as it was captured', async () => {
  const ubusd = subscribed();
  const done = ubusd.client.notify('mesh.test', 'peer.down', { key: 'abcd' });
  assert.is(toHex(ubusd.far.take()).slice(8), captured('notify_noreply').slice(8));
  assert.equal(await done, []);
});
notify('collects the answer of each subscriber', async () => {
  const ubusd = subscribed();
  const done = ubusd.client.notify('mesh.test', 'peer.up', { key: 'abcd' }, { wantReplies: true });
  const request = ubusd.one(UBUS_MSG_NOTIFY);
  assert.is(request.attributes.noReply, undefined);
  const from = (peer: number, status: number): Message => ({
    ...request,
    type: UBUS_MSG_STATUS,
    peer,
    attributes: { status, objectId: peer },
  });
  ubusd.send({
    ...request,
    type: UBUS_MSG_STATUS,
    attributes: { objectId: OBJECT, subscribers: [0xfffffff0, 6000], status: 0 },
  });
  ubusd.send(from(7000, 9), from(6000, 3), from(6000, 0), from(0xfffffff0, 0));
  assert.equal(await done, [
    { subscriber: 0xfffffff0, status: 0 },
    { subscriber: 6000, status: 3 },
  ]);
  assert.is(ubusd.clock.pending, 0);
});
notify('reports those that did not answer in time', async () => {
  const ubusd = subscribed();
  const done = ubusd.client.notify('mesh.test', 'x', {}, { wantReplies: true, timeoutMs: 100 });
  const request = ubusd.one(UBUS_MSG_NOTIFY);
  ubusd.send({ ...request, type: UBUS_MSG_STATUS, attributes: { objectId: OBJECT, subscribers: [6000], status: 0 } });
  await ubusd.clock.advance(100);
  assert.equal(await done, [{ subscriber: 6000, status: 7 }]);
});
notify('resolves when the last subscriber has just gone', async () => {
  const ubusd = subscribed();
  const done = ubusd.client.notify('mesh.test', 'x', {}, { wantReplies: true });
  ubusd.send({
    ...ubusd.one(UBUS_MSG_NOTIFY),
    type: UBUS_MSG_STATUS,
    attributes: { objectId: OBJECT, subscribers: [], status: 0 },
  });
  assert.equal(await done, []);
});
notify('sends nothing while nobody listens', async () => {
  const ubusd = published();
  assert.equal(await ubusd.client.notify('mesh.test', 'x', {}, { wantReplies: true }), []);
  assert.equal(ubusd.take(), []);
});
for (const [what, path] of [
  ['unknown', 'other'],
  ['not on ubus yet', 'mesh.test'],
] as const)
  notify(`fails for an object that is ${what}`, async () => {
    const ubusd = new Ubusd().connect();
    ubusd.client.publish(object(() => ({})));
    const error = await ubusd.client.notify(path, 'x').catch((e: unknown) => e);
    assert.instance(error, LinkDownError);
  });
notify('fails when ubusd refuses', async () => {
  const ubusd = subscribed();
  const done = ubusd.client.notify('mesh.test', 'x', {}, { wantReplies: true }).catch((error: Error) => error.message);
  ubusd.answer(ubusd.one(UBUS_MSG_NOTIFY), 4);
  assert.is(await done, 'notify mesh.test x: not found (NOT_FOUND)');
});
notify.run();

const subscribers = suite('UbusClient: subscribers');
subscribers('are told when the first comes, the last goes, and the link is lost', async () => {
  const ubusd = new Ubusd().connect();
  const seen: [string, boolean][] = [];
  const cancel = ubusd.client.onSubscribers((path, active) => seen.push([path, active]));
  ubusd.client.publish(object(() => ({})));
  ubusd.added(OBJECT);
  const active = (on: boolean) =>
    ubusd.send({ type: UBUS_MSG_NOTIFY, seq: 1, peer: 0, attributes: { objectId: OBJECT, active: on } });
  active(true);
  assert.is(ubusd.client.hasSubscribers('mesh.test'), true);
  active(true);
  active(false);
  active(true);
  ubusd.far.end();
  assert.is(ubusd.client.hasSubscribers('mesh.test'), false);
  assert.equal(
    seen.map(([, on]) => on),
    [true, false, true, false],
  );
  await ubusd.reconnect();
  ubusd.added(OBJECT);
  cancel();
  active(true);
  assert.is(seen.length, 4);
});
subscribers.run();
