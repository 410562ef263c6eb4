import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import { encodeTable } from '../../src/ubus/blobmsg.ts';
import { LocalBus } from '../../src/ubus/local.ts';
import type { UbusObject } from '../../src/ubus/object.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { MemoryStreams } from '../support/stream.ts';

const PATH = '/var/lib/meshbridge/control.sock';
const OBJECT: UbusObject = {
  path: 'meshbridge.client',
  methods: {
    greet: { args: { name: 'string' }, reply: { text: 'string' }, handle: ({ name }) => ({ text: `hello ${name}` }) },
    encoded: { args: {}, handle: () => encodeTable({ n: 1 }) },
    refuse: {
      args: {},
      handle: () => {
        throw new InputError('no: never', 'why');
      },
    },
  },
};

function make() {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const bus = new LocalBus({ streams, clock, path: PATH, log: SILENT });
  bus.publish(OBJECT);
  bus.start();
  const say = async (text: string): Promise<unknown> => {
    const far = streams.connect({ path: PATH }, '');
    far.send(encodeUtf8(text));
    await settle();
    const answer = decodeUtf8(far.take());
    return answer === '' ? undefined : JSON.parse(answer);
  };
  return { clock, streams, bus, say };
}

const local = suite('LocalBus');

local('answers a line with a line', async () => {
  const { say } = make();
  assert.equal(await say('{"object":"meshbridge.client","method":"greet","args":{"name":"Ann"}}\n'), {
    data: [{ text: 'hello Ann' }],
  });
  assert.equal(await say('{"object":"meshbridge.client","method":"encoded"}\n'), { data: [{ n: 1 }] });
});

local('says why it refuses', async () => {
  const { say } = make();
  for (const [text, error] of [
    ['{"object":"x","method":"greet"}', /object: expected one of meshbridge.client/],
    ['{"object":"meshbridge.client","method":"toString"}', /method: expected one of greet, encoded, refuse/],
    ['{"object":"meshbridge.client","method":"greet"}', /name: missing/],
    ['{"object":"meshbridge.client","method":"greet","args":{"name":1}}', /name: expected a string/],
    ['{"object":"meshbridge.client","method":"refuse"}', /no: never/],
    ['{"object":"meshbridge.client","method":"greet","args":[]}', /args: expected a table/],
    ['null', /expected object and method/],
    ['hello', /expected a line of JSON/],
  ] as const)
    assert.match(((await say(`${text}\n`)) as { error: string }).error, error);
});

local('waits for a whole line, but not for ever and not for much', async () => {
  const { streams, clock } = make();
  const slow = streams.connect({ path: PATH }, '');
  slow.send(encodeUtf8('{"object":'));
  await clock.advance(4000);
  assert.is(slow.closed, false);
  await clock.advance(2000);
  assert.is(slow.closed, true);
  const long = streams.connect({ path: PATH }, '');
  long.send(new Uint8Array(65 * 1024));
  await settle();
  assert.is(long.closed, true);
});

local('is a bus with nobody else on it', async () => {
  const { bus } = make();
  assert.throws(() => bus.publish(OBJECT), /published already/);
  assert.is(bus.hasSubscribers(), false);
  await bus.call('network.interface', 'dump').then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /no ubus/),
  );
});

local.run();
