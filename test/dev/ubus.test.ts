// The command line `npm run ubus` side by side with OpenWrt's `ubus`, on our broker: same output, same exit codes.

import { type ChildProcess, spawn } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeTable } from '../../src/ubus/blobmsg.ts';
import { UBUS_MSG_DATA, UBUS_MSG_INVOKE, UBUS_MSG_NOTIFY, UBUS_MSG_STATUS } from '../../src/ubus/message.ts';
import { Bus, findProgram, OURS } from '../conformance/broker.ts';
import type { RawClient } from '../conformance/raw.ts';

/** The program of a command line, by name. */
const PROGRAMS: Record<string, string[]> = { ours: [process.execPath, 'build/run.mjs', 'src/dev/ubus.ts'] };
const real = findProgram('ubus');
if (real) PROGRAMS.ubus = [real];
else process.stdout.write('skipped: comparison of the ubus command line: no ubus on PATH\n');

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(
  program: string,
  args: string[],
  env = process.env,
): { child: ChildProcess; result: Promise<Run>; seen(): string } {
  const [file, ...first] = PROGRAMS[program]!;
  const child = spawn(file!, [...first, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const result = new Promise<Run>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return { child, result, seen: () => stdout };
}

function run(program: string, bus: Bus, ...args: string[]): Promise<Run> {
  return start(program, ['-s', bus.path, ...args]).result;
}

/** Answers `give` with every kind of value, `args` with its arguments, `refuse` with a DATA and a status, `never` not at all. */
const VALUES = {
  string: 'a "quoted"\\ text/ with\ttabs\nand \u0001 \u007f é €',
  empty: '',
  int: -5,
  int64: 2n ** 40n,
  huge: -(2n ** 63n),
  yes: true,
  no: false,
  none: null,
  double: 1.5,
  tie: 0.0078125,
  small: 1e-9,
  big: 1.25e25,
  list: [1, 'two', [], {}, [3.25, [null]]],
  table: { nested: { deeper: {} }, list: [] },
  'a "name"': 1,
};

async function provide(bus: Bus): Promise<RawClient> {
  const provider = await bus.connect();
  const signature = {
    give: {},
    args: { s: 3, i: 5, b: 7, l: 1, t: 2, x: 4, d: 8 },
    refuse: {},
    twice: {},
    nothing: {},
    never: {},
  };
  const objectId = await provider.add('test.object', signature);
  await provider.add('test.other', {});
  await provider.add('zone', { only: { one: 3 } });
  answer(provider, objectId).catch(() => {}); // it ends with the connection, and that with the test
  return provider;
}

async function answer(provider: RawClient, objectId: number): Promise<void> {
  for (;;) {
    const { type, seq, peer, attributes } = await provider.next();
    if (type !== UBUS_MSG_INVOKE || attributes.method === 'never') continue;
    const replies: Record<string, Uint8Array[]> = {
      give: [encodeTable(VALUES)],
      args: [attributes.data!],
      refuse: [encodeTable({ error: 'no' })],
      twice: [encodeTable({ n: 1 }), encodeTable({ n: 2 })],
      nothing: [],
    };
    const data = replies[attributes.method ?? ''];
    for (const part of data ?? []) provider.send(UBUS_MSG_DATA, { objectId, data: part }, { seq, peer });
    const status = data === undefined ? 3 : attributes.method === 'refuse' ? 2 : 0;
    provider.send(UBUS_MSG_STATUS, { status, objectId }, { seq, peer });
  }
}

const compare = suite('ubus command line');
let bus: Bus;
compare.before.each(async () => {
  bus = new Bus(OURS);
  await bus.start();
});
compare.after.each(() => bus.close());

const ARGUMENTS =
  '{"s":"x","i":1,"big":9007199254740993,"neg":-2147483649,"f":1.0,"e":1e3,"b":true,"n":null,"l":[1,2.5,"a"],"t":{"u":"\\u00e9\\n"}}';

const COMMANDS: [name: string, args: string[], code: number, stdout: RegExp | string][] = [
  ['lists objects', ['list'], 0, 'test.object\ntest.other\nzone\n'],
  ['lists one object', ['list', 'zone'], 0, 'zone\n'],
  ['lists a prefix', ['list', 'test.*'], 0, 'test.object\ntest.other\n'],
  [
    'lists with methods',
    ['-v', 'list'],
    0,
    /^'test\.object' @[0-9a-f]{8}\n\t"give":\{\}\n\t"args":\{"s":"String","i":"Integer","b":"Boolean",/,
  ],
  [
    'takes options behind the command',
    ['list', '-v', 'zone'],
    0,
    /^'zone' @[0-9a-f]{8}\n\t"only":\{"one":"String"\}\n$/,
  ],
  ['prefers short output to long', ['-S', '-v', 'list', 'zone'], 0, 'zone\n'],
  ['says when nothing is found', ['list', 'nobody'], 4, ''],
  ['prints every kind of value', ['call', 'test.object', 'give'], 0, /"double": 1\.500000,\n\t"tie": 0\.007812,/],
  ['prints on one line', ['-S', 'call', 'test.object', 'give'], 0, /^\{"string":"a \\"quoted/],
  [
    'types what it sends as JSON shows it',
    ['call', 'test.object', 'args', ARGUMENTS],
    0,
    /"f": 1\.000000,\n\t"e": 1000\.000000,/,
  ],
  ['takes the last of two members', ['-S', 'call', 'test.object', 'args', '{"a":1,"b":2,"a":3}'], 0, '{"a":3,"b":2}\n'],
  ['takes single quotes', ['-S', 'call', 'test.object', 'args', "{'a':'b\"c'}"], 0, '{"a":"b\\"c"}\n'],
  ['sends an empty table without a message', ['call', 'test.object', 'args'], 0, '{\n\t\n}\n'],
  ['prints every DATA', ['-S', 'call', 'test.object', 'twice'], 0, '{"n":1}\n{"n":2}\n'],
  ['prints nothing for no DATA', ['call', 'test.object', 'nothing'], 0, ''],
  ['prints DATA, then the refusal', ['call', 'test.object', 'refuse'], 254, '{\n\t"error": "no"\n}\n'],
  ['tells a missing method', ['call', 'test.object', 'missing'], 253, ''],
  ['tells it in short', ['-S', 'call', 'test.object', 'missing'], 3, ''],
  ['tells a missing object', ['call', 'nobody', 'm'], 4, ''],
  ['gives up after the time given', ['-t', '1', 'call', 'test.object', 'never', '{}'], 249, ''],
  ['refuses what is no JSON', ['call', 'test.object', 'args', '{"a":'], 244, ''],
  ['refuses JSON that is no object', ['call', 'test.object', 'args', '[1]'], 244, ''],
  ['sends an event', ['send', 'hello', '{"a":1}'], 0, ''],
  ['refuses a reserved event', ['send', 'ubus.x'], 6, ''],
  ['refuses an event with bad JSON', ['send', 'x', 'nonsense'], 12, ''],
  ['waits for objects that are there', ['wait_for', 'zone', 'test.object'], 0, ''],
  ['waits no longer than told', ['-t', '1', 'wait_for', 'nobody'], 7, ''],
  ['listens no longer than told', ['-t1', 'listen'], 0, ''],
  ['needs an object to subscribe to', ['subscribe'], 255, ''],
  ['says when there is nothing to subscribe to', ['subscribe', 'nobody'], 255, ''],
  ['refuses the empty pattern', ['listen', ''], 255, ''],
];
for (const [name, args, code, stdout] of COMMANDS) {
  compare(name, async () => {
    await provide(bus);
    const results = await Promise.all(Object.keys(PROGRAMS).map((program) => run(program, bus, ...args)));
    const [ours, theirs] = results;
    assert.is(ours!.code, code, ours!.stderr);
    if (typeof stdout === 'string') assert.is(ours!.stdout, stdout);
    else assert.match(ours!.stdout, stdout);
    // to a call refused with status 2 OpenWrt's adds its usage, mistaking the status for its own -2
    if (theirs) assert.equal(ours, { ...theirs, stderr: theirs.stderr.replace(/^Usage:[\s\S]*/m, '') });
  });
}

for (const args of [
  ['nonsense'],
  [],
  ['list', 'a', 'b'],
  ['call', 'a'],
  ['-q', 'list'],
  ['-t'],
  ['-m', 'x', 'monitor'],
  ['-M', 'x', 'monitor'],
]) {
  compare(`shows the usage for "${args.join(' ')}"`, async () => {
    const codes: (number | null)[] = [];
    for (const program of Object.keys(PROGRAMS)) {
      const { code, stderr } = await run(program, bus, ...args);
      assert.match(stderr, /^Usage: \S*ubus /m);
      codes.push(code);
    }
    assert.is(new Set(codes).size, 1, codes.join());
  });
}

/** Runs both programs until each has printed `end`; answers with what they printed after their last `ready`. */
async function watch(args: string[], nudge: () => Promise<void>, act: () => Promise<void>): Promise<string[]> {
  const runs = Object.keys(PROGRAMS).map((program) => start(program, ['-s', bus.path, ...args]));
  while (!runs.every(({ seen }) => seen().includes('ready'))) {
    await nudge();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await act();
  while (!runs.every(({ seen }) => seen().includes('"end"'))) await new Promise((resolve) => setTimeout(resolve, 20));
  return Promise.all(
    runs.map(async ({ child, result, seen }) => {
      const text = seen();
      child.kill('SIGTERM');
      await result;
      return text.slice(text.lastIndexOf('ready'));
    }),
  );
}

function same(outputs: string[]): void {
  for (const output of outputs) assert.is(output, outputs[0]);
}

compare('prints events', async () => {
  const sender = await bus.connect();
  const send = async (id: string, data: object): Promise<void> =>
    void (await sender.system('send', { id, data: { ...data } }));
  const outputs = await watch(
    ['listen', 'a*', 'end', 'ready'],
    () => send('ready', {}),
    async () => {
      await send('a', VALUES);
      await send('b', {});
      await send('ab', { list: [] });
      await send('end', {});
    },
  );
  assert.match(outputs[0]!, '{ "ab": {"list":[]} }\n{ "end": {} }\n');
  same(outputs);
});

compare('prints notifications and answers them', async () => {
  const owner = await bus.connect();
  const target = await owner.add('source', {});
  const notify = (method: string): void =>
    void owner.send(UBUS_MSG_NOTIFY, { objectId: target, method, data: encodeTable({ n: 1 }) });
  const outputs = await watch(
    ['subscribe', 'source'],
    async () => notify('ready'),
    async () => notify('end'),
  );
  assert.match(outputs[0]!, '{ "end": {"n":1} }\n');
  same(outputs);
});

compare('prints the traffic of a client', async () => {
  const client = await bus.connect();
  const id = client.id.toString(16).padStart(8, '0');
  const outputs = await watch(
    ['monitor'],
    async () => void (await client.system('send', { id: 'ready', data: {} })),
    async () => {
      const objectId = await client.add('monitored', { m: { a: 3 } });
      client.send(UBUS_MSG_NOTIFY, { objectId, method: 'up', data: encodeTable(VALUES), noReply: true });
      await client.status(4, { path: 'monitored' });
      await client.status(9, { objectId, target: 5 });
      await client.status(77);
      await client.system('send', { id: 'end', data: {} });
    },
  );
  const lines = outputs.map((output) =>
    output
      .split('\n')
      .filter((line) => line.includes(` ${id} `))
      .join('\n'),
  );
  assert.match(
    lines[0]!,
    new RegExp(`<- ${id} #00000000 {5}add_object: {"objpath":"monitored","signature":{"m":{"a":3}}}`),
  );
  same(lines);
});

for (const [args, shown] of [
  [
    ['-m', 'lookup', '-m', 'ping'],
    ['lookup', 'ping'],
  ],
  [['-M', 'r'], ['<-']],
  [['-M', 't'], ['->']],
] as const) {
  compare(`filters the traffic with ${args.join(' ')}`, async () => {
    const client = await bus.connect();
    const [file, ...first] = PROGRAMS.ours!;
    const child = spawn(file!, [...first, '-s', bus.path, ...args, 'monitor'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    while (output.split('\n').length < 4) {
      await client.status(4, { path: 'x' });
      await client.barrier();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGTERM');
    await ended;
    for (const line of output.trim().split('\n'))
      assert.ok(
        shown.some((text) => line.includes(text)),
        line,
      );
  });
}

compare('finds the socket in $UBUS_SOCKET', async () => {
  const { code } = await start('ours', ['send', 'x'], { ...process.env, UBUS_SOCKET: bus.path }).result;
  assert.is(code, 0);
});

compare('says how to start a broker when nobody listens', async () => {
  const { code, stderr } = await start('ours', ['-s', '/nowhere/ubus.sock', 'list']).result;
  assert.is(code, 255);
  assert.match(stderr, /^Failed to connect to ubus\n.*\/nowhere\/ubus\.sock.*npm run broker/);
  const silent = await start('ours', ['-S', '-s', '/nowhere/ubus.sock', 'list']).result;
  assert.equal(silent, { code: 255, stdout: '', stderr: '' });
});

compare.run();
