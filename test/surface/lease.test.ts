import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GatewayView, LEASE_METHODS, type LeaseStatus, type TestStatus } from '../../src/api/lease-object.ts';
import { InputError } from '../../src/errors.ts';
import type { LeaseCommand, LeaseDesk } from '../../src/mesh/lease-desk.ts';
import { leaseObject } from '../../src/surface/lease.ts';
import { decodeTable, encodeTable, type Table } from '../../src/ubus/blobmsg.ts';
import { encodeReply, readArguments, toFailure } from '../../src/ubus/object.ts';
import { UBUS_STATUS_INVALID_ARGUMENT } from '../../src/ubus/status.ts';
import { GATEWAY_ADDRESS, TERMS } from '../support/gateway.ts';

const LEASE: LeaseStatus = {
  ...{ mode: 'kept', state: 'up', id: 'up', since_s: 5, sentence: 'a', fix: 'b', words: { sentence: 'a', fix: 'b' } },
  ...{ values: { gateway: 'boston' }, blocking: true, gateway: 'boston', lease_left_s: 60, terms: TERMS, ipv4: true },
  use: { rx_bytes: 2 ** 40, tx_bytes: 1, since_s: 9 },
};
const GATEWAY: GatewayView = {
  ...{ name: 'boston', address: GATEWAY_ADDRESS, port: 8080, preference: 0, chosen: false, state: 'ready' },
  ...{ role: 'in_use', latency_ms: 12.5, operator: 'ops', asks_for: ['name'], kinds: ['gre6'], online: true },
  blocked_ports: [25],
};
const TEST: TestStatus = {
  ...{ running: true, gateway: 'boston', begun_ago_s: 3 },
  steps: [
    { id: 'down', state: 'running', sentence: 'a', words: { sentence: 'a' }, values: { rate: 1.5 }, done_percent: 7 },
  ],
};

function make() {
  const commands: LeaseCommand[] = [];
  const desk: LeaseDesk = {
    status: () => LEASE,
    gateways: async () => [GATEWAY],
    testStatus: () => TEST,
    command: async (command) => {
      commands.push(command);
      if (command.kind === 'choose') throw new InputError('gateway: no gateway "x"', 'gateway');
      return `${command.kind} done`;
    },
  };
  const { path, methods } = leaseObject(desk);
  /** As over the bus: arguments are checked, the reply is encoded. */
  const call = async (name: keyof typeof LEASE_METHODS, args: Table = {}): Promise<Table> => {
    const method = methods[name]!;
    const reply = await method.handle(readArguments(method, encodeTable(args)), {
      user: 'root',
      group: 'root',
      peer: 1,
    });
    return decodeTable(encodeReply(method, reply).data[0]!);
  };
  return { path, methods, call, commands };
}

const object = suite('leaseObject');
object('has exactly the methods and arguments of the contract', () => {
  const { path, methods } = make();
  assert.is(path, 'meshbridge.lease');
  assert.equal(Object.keys(methods), Object.keys(LEASE_METHODS));
  for (const [name, { args, reply }] of Object.entries(LEASE_METHODS)) {
    assert.is(methods[name]!.args, args);
    assert.is(methods[name]!.reply, reply);
  }
});
object('shows the lease and the gateways, as they are', async () => {
  const { call } = make();
  assert.equal(await call('status'), LEASE as Table);
  assert.equal(await call('gateways'), { gateways: [GATEWAY] } as Table);
  assert.equal(await call('test_status'), TEST as Table);
});
object('passes commands on as they were given', async () => {
  const { call, commands } = make();
  assert.equal(await call('connect', { gateway: 'boston', seconds: 60 }), { message: 'connect done' });
  for (const name of ['confirm', 'undo', 'release', 'ask', 'test'] as const) await call(name);
  await call('let_out', { seconds: 0 });
  assert.equal(commands, [
    { gateway: 'boston', seconds: 60, kind: 'connect' },
    ...(['confirm', 'undo', 'release', 'ask', 'test'] as const).map((kind) => ({ kind })),
    { seconds: 0, kind: 'let_out' },
  ]);
});
object('says why not, and which argument it is about', async () => {
  const { call } = make();
  let thrown: unknown;
  await call('choose', { gateway: 'x' }).catch((error) => {
    thrown = error;
  });
  const { status, field } = toFailure(thrown);
  assert.equal([status, field], [UBUS_STATUS_INVALID_ARGUMENT, 'gateway']);
});
object.run();
