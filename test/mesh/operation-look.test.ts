import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PeerClaim, Verdict } from '../../src/api/model.ts';
import { InputError } from '../../src/errors.ts';
import { lookOperations, memberOf } from '../../src/mesh/operation/look.ts';
import { jsonBytes } from '../../src/mesh/page.ts';
import { MeshState } from '../../src/mesh/state.ts';
import { keyOf, meshOf } from '../support/member.ts';
import { ORDER } from '../support/order.ts';

const VERDICT = {
  state: 'good',
  id: 'good',
  sentence: 'The mesh works.',
  fix: '',
  words: { sentence: 'The mesh works.', fix: '' },
  values: {},
  since_s: 5,
  checks: [{ link: 'line', state: 'good', since_s: 5, evidence: 'wan', words: { evidence: 'wan' }, values: {} }],
} as unknown as Verdict;

function make(graph: Record<number, number[]> = { 0: [1], 1: [0, 2] }, claims: PeerClaim[] = []) {
  const { mesh } = meshOf(graph, claims);
  const overview = { look: async (iface: string) => ({ interface: iface, atMs: 0, verdict: VERDICT }) };
  const operations = lookOperations({ mesh, overview, nowMs: () => 500 });
  const run = async (name: string, args: object = {}): Promise<Record<string, unknown>> =>
    (await operations[name]!.run(args as Record<string, unknown>, ORDER)) as Record<string, unknown>;
  return { mesh, operations, run };
}

const member = suite('memberOf');
member('is the first one, or the one that is meant', () => {
  const { mesh } = make();
  assert.is(memberOf(mesh, undefined).node.name, 'ygg0');
  assert.is(memberOf(mesh, 'ygg0').node.name, 'ygg0');
  for (const name of ['ygg1', 'constructor'])
    assert.throws(
      () => memberOf(mesh, name),
      (error: unknown) =>
        error instanceof InputError && error.message === `interface: no Yggdrasil interface "${name}"`,
    );
  assert.throws(() => memberOf(new MeshState(), undefined), /no Yggdrasil interface was found/);
});
member.run();

const look = suite('lookOperations');
look('all take the lowest scope', () => {
  const { operations } = make();
  assert.equal([...new Set(Object.values(operations).map(({ scope }) => scope))], ['observe']);
});
look('tell of this node', async () => {
  const { interface: name, age_ms, key } = await make().run('self');
  assert.equal([name, age_ms, key], ['ygg0', 500, keyOf(0)]);
});
look('tell of peers in parts that fit, with no field that needs explaining', async () => {
  const claims = Array.from({ length: 60 }, (_, i) => ({
    remote: `tls://${i}.example.org:443`,
    inbound: false,
    up: true,
    key: keyOf(i + 2),
    uptime_s: 100,
    rx_bytes: 1,
    tx_bytes: 2,
  })) as PeerClaim[];
  const { run } = make({ 0: [] }, claims);
  const seen: unknown[] = [];
  for (let from: number | undefined = 0, parts = 0; from !== undefined; parts++) {
    const reply = await run('peers', { from });
    assert.ok(jsonBytes(reply) <= 4096, `${jsonBytes(reply)} bytes`);
    assert.ok(parts < 20);
    seen.push(...(reply.peers as { remote: string }[]).map(({ remote }) => remote));
    from = reply.next as number | undefined;
  }
  assert.equal(new Set(seen).size, 60);
});
look('ask other nodes', async () => {
  const { run } = make();
  assert.equal(await run('node_info', { key: keyOf(1) }), { key: keyOf(1), node_info: { name: 'node 01' } });
  assert.equal(await run('node_peers', { key: keyOf(1) }), {
    key: keyOf(1),
    keys: [keyOf(0), keyOf(2)],
    next: undefined,
  });
  assert.match(String(await run('node_info', { key: keyOf(9) }).catch((error) => error)), 'does not answer');
});
look('tell that there is no room for what somebody says of himself', async () => {
  const { mesh, run } = make();
  mesh.all()[0]!.remote.nodeInfo = async () => ({ value: { text: 'x'.repeat(4000) }, atMs: 0 });
  assert.equal(await run('node_info', { key: keyOf(1) }), { key: keyOf(1), left_out: true });
});
look('tell the verdict in short, also of a router that has no node', async () => {
  const { mesh, run } = make();
  const { interface: name, id, checks, ...rest } = await run('verdict');
  assert.equal([name, id, checks], ['ygg0', 'good', [{ link: 'line', state: 'good', since_s: 5 }]]);
  assert.not.ok('words' in rest);
  mesh.replace([]);
  assert.is((await run('verdict')).interface, '');
  assert.instance(await run('verdict', { interface: 'ygg0' }).catch((error) => error), InputError);
});
look('tell the newest of the history', async () => {
  const { mesh, run } = make();
  const { history } = mesh.all()[0]!.node;
  history.samples = () => Array.from({ length: 288 }, (_, i) => ({ ago_s: (287 - i) * 300 })) as never;
  const ages = async (args: object): Promise<number[]> =>
    ((await run('history', args)).samples as { ago_s: number }[]).map(({ ago_s }) => ago_s);
  assert.equal(await ages({ samples: 2 }), [300, 0]);
  assert.is((await ages({})).length, 12);
  const all = await ages({ samples: 288 });
  assert.ok(all.length > 100 && all.at(-1) === 0, `${all.length}`);
});
look.run();
