import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GatewayView, LeaseStatus } from '../../src/api/lease-object.ts';
import { InputError } from '../../src/errors.ts';
import { readArguments } from '../../src/mesh/argument.ts';
import type { LeaseCommand, LeaseDesk } from '../../src/mesh/lease-desk.ts';
import { leaseOperations } from '../../src/mesh/operation/lease.ts';
import { TERMS } from '../support/gateway.ts';
import { ORDER } from '../support/order.ts';

const STATUS: LeaseStatus = {
  ...{ mode: 'kept', state: 'up', id: 'up', since_s: 5, sentence: 'a', fix: 'b', words: { sentence: 'a', fix: 'b' } },
  ...{ values: { gateway: 'boston' }, blocking: true, gateway: 'boston', lease_left_s: 60, terms: TERMS },
};
const gateway = (at: number): GatewayView => ({
  ...{ name: `g${at}`, address: '200::1', port: 8080, preference: at, chosen: false, state: 'ready', online: true },
  problem: 'z'.repeat(200),
  ...{ operator: 'x'.repeat(500), logging: 'y'.repeat(500), country: 'US', asks_for: [], kinds: [], blocked_ports: [] },
});

function make() {
  const commands: LeaseCommand[] = [];
  const desk: LeaseDesk = {
    status: () => STATUS,
    gateways: async () => Array.from({ length: 16 }, (_, at) => gateway(at)),
    testStatus: () => ({
      running: false,
      steps: [{ id: 'dns', state: 'good', sentence: 'a', words: { sentence: 'b' }, values: { server: 'c' } }],
    }),
    command: async (command) => {
      commands.push(command);
      return 'done';
    },
  };
  const operations = leaseOperations(() => desk);
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any operation
  const run = async (name: string, given: Record<string, unknown> = {}): Promise<any> => {
    const operation = operations[name]!;
    return operation.run(readArguments(operation.args, given), ORDER);
  };
  return { run, commands };
}

const lease = suite('leaseOperations');
lease('show the lease without what is for pages alone', async () => {
  const { run } = make();
  const { words: _, values: __, ...rest } = STATUS;
  assert.equal(await run('lease_status'), rest);
  assert.equal(await run('lease_test_status'), {
    running: false,
    steps: [{ id: 'dns', state: 'good', sentence: 'a' }],
  });
});
lease('show gateways in parts that fit an answer, and what they say cut', async () => {
  const { run } = make();
  const first = await run('lease_gateways');
  assert.ok(JSON.stringify(first).length < 4096 && first.next > 5, `~> ${first.next}`);
  assert.equal(
    [first.gateways[0].name, first.gateways[0].operator.length, first.gateways[0].logging],
    ['g0', 64, undefined],
  );
  const rest = await run('lease_gateways', { from: first.next });
  assert.is(first.gateways.length + rest.gateways.length, 16);
});
lease('pass commands on', async () => {
  const { run, commands } = make();
  assert.equal(await run('lease_connect', { gateway: 'boston', seconds: 60 }), { message: 'done' });
  await run('lease_connect');
  await run('lease_choose');
  await run('lease_let_out', { seconds: 0 });
  for (const kind of ['confirm', 'undo', 'release', 'ask', 'test']) await run(`lease_${kind}`);
  assert.equal(commands, [
    { kind: 'connect', gateway: 'boston', seconds: 60 },
    { kind: 'connect' },
    { kind: 'choose', gateway: '' },
    { kind: 'let_out', seconds: 0 },
    ...(['confirm', 'undo', 'release', 'ask', 'test'] as const).map((kind) => ({ kind })),
  ]);
});
lease('refuse what does not fit', async () => {
  const { run, commands } = make();
  for (const [name, given] of [
    ['lease_connect', { seconds: 5 }],
    ['lease_connect', { gateway: '' }],
    ['lease_let_out', {}],
    ['lease_let_out', { seconds: 3601 }],
    ['lease_release', { now: true }],
  ] as const) {
    const error = await run(name, given).then(
      () => undefined,
      (thrown) => thrown,
    );
    assert.instance(error, InputError, name);
  }
  assert.equal(commands, []);
});
lease('say that there is none', async () => {
  const operations = leaseOperations(() => {
    throw new InputError('this router uses no gateway: name one first');
  });
  assert.throws(() => operations.lease_status!.run({}, ORDER), /uses no gateway/);
});
lease.run();
