import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CLIENT_METHODS, type ClientMethod } from '../../src/api/client-object.ts';
import { InputError } from '../../src/errors.ts';
import type { Desk } from '../../src/mesh/desk.ts';
import { clientObject } from '../../src/surface/client.ts';
import { decodeTable, encodeTable, type Table } from '../../src/ubus/blobmsg.ts';
import { encodeReply, readArguments } from '../../src/ubus/object.ts';
import { nodeOf } from '../support/node-key.ts';

const ANN = nodeOf(1).address;
const USE = { rx_bytes: 2 ** 40, tx_bytes: 1 };

function make(desk?: Partial<Record<keyof Desk, (...args: never[]) => object>>) {
  const { path, methods } = clientObject(() => {
    if (!desk) throw new InputError('no gateway runs here now');
    return desk as unknown as Desk;
  });
  /** As over the bus: arguments are checked, the reply is encoded. */
  const call = async (name: ClientMethod, args: Table = {}): Promise<Table> => {
    const method = methods[name]!;
    const reply = await method.handle(readArguments(method, encodeTable(args)), {
      ...{ user: 'root', group: 'root', peer: 1 },
    });
    return decodeTable(encodeReply(method, reply).data[0]!);
  };
  return { path, methods, call };
}

const object = suite('clientObject');
object('has exactly the methods of the contract', () => {
  const { path, methods } = make();
  assert.is(path, 'meshbridge.client');
  assert.equal(Object.keys(methods), Object.keys(CLIENT_METHODS));
});
object('hands arguments on, and shows homes with all their fields', async () => {
  const client = {
    ...{ address: ANN, key: nodeOf(1).key, state: 'active', standing: 'admitted', reason: '', configured: false },
    ...{ name: 'Ann', kind: 'gre6', home4: '10.43.0.7', since_s: 5, left_s: 60, today: USE, month: USE },
  };
  const asked: object[] = [];
  const { call } = make({
    list: (args: object) => {
      asked.push(args);
      return { total: 1, clients: [client] };
    },
  });
  assert.equal(await call('list', { search: 'ann', count: 5 }), { total: 1, clients: [client] });
  assert.equal(asked, [{ search: 'ann', count: 5 }]);
  await assertRejects(call('list', { count: 'many' }), /count: expected/);
});
object('tells each decision by its name', async () => {
  const asked: unknown[] = [];
  const { call } = make({
    decide: (name: string, args: object) => {
      asked.push([name, args]);
      return { message: 'done', entry: 7 };
    },
  });
  const args = { addresses: [ANN], reason: 'x', by: 'zoe' };
  for (const name of ['admit', 'suspend', 'refuse', 'forget'] as const)
    assert.equal(await call(name, args), { message: 'done', entry: 7 });
  assert.equal(
    asked,
    ['admit', 'suspend', 'refuse', 'forget'].map((name) => [name, args]),
  );
});
object('calls whoever gives no name as the bus knows it', async () => {
  const asked: object[] = [];
  const note = (args: object) => {
    asked.push(args);
    return { message: 'done', entry: 7 };
  };
  const { call } = make({ undrain: note, undo: note });
  await call('undrain');
  await call('undo', { entry: 7, by: 'zoe' });
  assert.equal(asked, [{ by: 'root' }, { entry: 7, by: 'zoe' }]);
});
object('refuses where no gateway runs', async () => {
  const { call } = make();
  for (const name of ['summary', 'audit'] as const) await assertRejects(call(name), /no gateway runs here now/);
});
object.run();

async function assertRejects(work: Promise<unknown>, what: RegExp): Promise<void> {
  try {
    await work;
  } catch (error) {
    assert.match((error as Error).message, what);
    return;
  }
  assert.unreachable();
}
