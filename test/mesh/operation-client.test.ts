import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CLIENT_METHODS } from '../../src/api/client-object.ts';
import { TELL_NAMES, type TellName } from '../../src/api/lease.ts';
import type { MethodContract } from '../../src/api/objects.ts';
import { readArguments } from '../../src/mesh/argument.ts';
import { clientOperations, OF_PEOPLE } from '../../src/mesh/operation/client.ts';
import { isReserved, MAX_PART } from '../../src/mesh/operation.ts';
import { jsonBytes } from '../../src/mesh/page.ts';
import { ORDER } from '../support/order.ts';

/** A desk that says what it is told to, and what it was asked. */
function make(reply: object = {}, tells: TellName[] = []) {
  const asked: unknown[][] = [];
  const operations = clientOperations({
    ask: (...question) => {
      asked.push(question);
      return reply;
    },
    tells: () => tells,
  });
  const parts: Record<string, unknown[]>[] = [];
  const run = (op: string, given: Record<string, unknown> = {}, most = 1000): Promise<Record<string, unknown>> => {
    const { args, run } = operations[op]!;
    const part = async (out: object): Promise<boolean> => {
      if (parts.length >= most) return false;
      parts.push(out as Record<string, unknown[]>);
      return true;
    };
    return run(readArguments(args, given), { ...ORDER, part }) as Promise<Record<string, unknown>>;
  };
  return { asked, operations, run, parts };
}

/** A home as the desk shows it, whose people told something. */
const home = (n: number) => ({
  address: `200:${n.toString(16)}::1`,
  state: 'active',
  ...{ name: `Ann ${n}`, email: 'ann@example.org', phone: '1', site: 'elm-street' },
});

const operations = suite('clientOperations');
operations('are one for each method of the desk, of a scope of their own', () => {
  const { operations } = make();
  assert.equal(
    Object.keys(operations),
    Object.keys(CLIENT_METHODS).map((method) => `client_${method}`),
  );
  for (const [name, { scope, isPrivate }] of Object.entries(operations)) {
    assert.equal([scope, isPrivate], ['desk', true], name);
    assert.match(name, /^[a-z_]{1,32}$/);
    assert.not.ok(isReserved(name), name);
  }
});
operations('ask the desk what was asked, in the name of the key', async () => {
  const { run, asked } = make({ message: 'done', entry: 7 });
  const reply = await run('client_suspend', { addresses: ['200::1'], reason: 'x' });
  const hidden = ['name', 'email', 'phone'];
  assert.equal(asked, [['suspend', { addresses: ['200::1'], reason: 'x' }, 'key operator', hidden]]);
  assert.equal(reply, { message: 'done', entry: 7 });
});
operations('take what their contract names, and nothing in the name of somebody else', async () => {
  const { operations } = make();
  const refused = (op: string, given: Record<string, unknown>, why: RegExp): void =>
    void assert.throws(() => readArguments(operations[op]!.args, given), why);
  refused('client_suspend', { addresses: ['200::1'], reason: 'x', by: 'somebody' }, /^by: unknown argument/);
  refused('client_suspend', { reason: 'x' }, /^addresses: expected a list of at most 256 texts, got nothing/);
  refused('client_suspend', { addresses: '200::1' }, /^addresses: expected a list/);
  refused('client_suspend', { addresses: [7] }, /^addresses: expected a list/);
  refused('client_suspend', { addresses: Array(257).fill('200::1') }, /^addresses: expected a list/);
  refused('client_drain', { in_s: 1.5 }, /^in_s: expected a whole number/);
  refused('client_drain', { in_s: 2 ** 40 }, /^in_s: expected a whole number/);
  refused('client_list', { search: 'x'.repeat(1025) }, /^search: expected a text of at most 1024/);
});
operations('have the desk find nothing by what brokers are not told', async () => {
  const { run, asked } = make({ clients: [] }, ['email', 'contact']);
  await run('client_list', { search: 'ann', sort: 'name' });
  assert.equal(asked.at(-1)!.slice(2), ['key operator', ['name', 'phone']]);
});
operations('give no code of an invite to brokers: who invites makes it', async () => {
  const { run, asked } = make({ code: '' });
  const problem = await run('client_invite', { uses: 2 }).catch((error: Error) => error.message);
  assert.match(String(problem), /^hash: missing: brokers would read the code/);
  assert.equal(asked, []);
  await run('client_invite', { uses: 2, hash: 'a'.repeat(32) });
  assert.is(asked.length, 1);
});
operations('tell of people what the operator lets them, in lists of homes and of reports', async () => {
  const reply = { total: 1, clients: [home(1)], name: 'of the gateway' };
  assert.equal(await make(reply).run('client_list'), {
    total: 1,
    clients: [{ address: '200:1::1', state: 'active', site: 'elm-street' }],
    name: 'of the gateway',
  });
  assert.equal((await make(reply, ['name']).run('client_list')).clients, [
    { address: '200:1::1', state: 'active', name: 'Ann 1', site: 'elm-street' },
  ]);
  const reports = { reports: [{ id: 1, contact: 'cap@example.org', reason: 'x' }] };
  assert.equal(await make(reports).run('client_list'), { reports: [{ id: 1, reason: 'x' }] });
  assert.equal(await make(reports, ['contact']).run('client_list'), reports);
});
operations('know every list of the contract that tells of people', () => {
  for (const [method, { reply }] of Object.entries<MethodContract>(CLIENT_METHODS))
    for (const [name, layout] of Object.entries(reply)) {
      if (!Array.isArray(layout) || typeof layout[0] !== 'object') continue;
      const told = Object.keys(layout[0]).map((field) => field.replace('?', ''));
      // what operators call a captain is theirs
      const wanted = TELL_NAMES.filter((one) => told.includes(one) && (one !== 'name' || told.includes('email')));
      assert.equal(OF_PEOPLE[name] ?? [], wanted, `${method} ${name}`);
    }
});
operations('give a short answer at once, and a long one in parts in which nothing is lost', async () => {
  const clients = Array.from({ length: 200 }, (_, n) => ({ ...home(n), reason: 'ä'.repeat(n) }));
  const { run, parts } = make({ total: 1000, clients, others: [1, 2] }, ['name', 'email', 'phone']);
  assert.equal(await run('client_list'), { total: 1000 });
  assert.ok(parts.length > 4, String(parts.length));
  for (const part of parts) assert.ok(jsonBytes(part) <= MAX_PART, String(jsonBytes(part)));
  assert.equal(
    parts.flatMap((part) => part.clients ?? []),
    clients,
  );
  assert.equal(parts.at(-1), { others: [1, 2] });
  // as few as there can be, but for one
  const all = clients.reduce((sum, one) => sum + jsonBytes(one), 0);
  assert.ok(parts.length <= Math.ceil(all / (MAX_PART * 0.85)) + 2, `${parts.length} for ${all} bytes`);
});
operations('count what there was no room for', async () => {
  const clients = Array.from({ length: 100 }, (_, n) => ({ ...home(n), reason: 'x'.repeat(500) }));
  const { run, parts } = make({ clients });
  const { left_out } = await run('client_list', {}, 2);
  assert.is(left_out, 100 - parts.flatMap((part) => part.clients!).length);
  const entry = {
    n: 1,
    did: 'suspend',
    clients: Array.from({ length: 64 }, () => ({ address: '200::1', reason: 'x'.repeat(256) })),
  };
  const long = make({ entries: [entry] });
  await long.run('client_audit');
  const [told] = long.parts[0]!.entries as { clients: unknown[]; left_out: number }[];
  assert.is(told!.clients.length + told!.left_out, 64);
  assert.ok(told!.clients.length > 8 && jsonBytes(long.parts[0]) <= MAX_PART);
});
operations.run();
