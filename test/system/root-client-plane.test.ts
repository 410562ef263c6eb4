import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parsePrefix } from '../../src/lib/ip.ts';
import { readChange, readSlots } from '../../src/mesh/client-change.ts';
import { Pool } from '../../src/mesh/pool.ts';
import type { ClientTunnel } from '../../src/mesh/tunnel.ts';
import type { HelperCaller } from '../../src/system/helper.ts';
import { RootClientPlane } from '../../src/system/root-client-plane.ts';

const KEY = 'ab'.repeat(32);
/** rpcd passes no more, and puts a text into another one. */
const MAX_BYTES = 65_536;
const pool = new Pool(parsePrefix('10.40.0.0/13')!, parsePrefix('fd12::/64')!, KEY, 1024);

function tunnel(slot: number): ClientTunnel {
  return {
    ...{ slot, kind: 'wireguard', outer: `202:1111:2222:3333:4444:5555:6666:${slot.toString(16)}`, mtu: 1420 },
    ...{ home4: pool.home4(slot), home6: pool.home6(slot), wireguardKey: `${'A'.repeat(42)}E=` },
    suspended: slot % 2 === 1,
  };
}

function make() {
  const told: [string, Record<string, string>][] = [];
  const replies: Record<string, object> = {
    clients_ability: {
      kinds: [{ kind: 'gre6', problem: 'no module' }, { kind: 'teleport' }, { kind: 'vxlan' }],
      mesh_mtu: 1280,
      ipv6: true,
      lacks: [
        { what: 'flows', problem: 'no module' },
        { what: 'teleport', problem: 'no booth' },
      ],
    },
    clients_use: { flows: [{ slot: 7, rx_bytes: 2 ** 40, tx_bytes: 3 }], spoofed: 9 },
    clients_check: { whole: false },
  };
  const helper: HelperCaller = {
    call: async (verb, args) => {
      told.push([verb, args as Record<string, string>]);
      assert.ok(JSON.stringify(args).length < MAX_BYTES);
      if (verb !== 'clients_change') return (replies[verb] ?? {}) as never;
      const { add } = readChange(JSON.parse((args as { change: string }).change), pool);
      return {
        problems: add.filter(({ slot }) => slot % 100 === 0).map(({ slot }) => ({ slot, problem: 'no' })),
      } as never;
    },
  };
  const added = () =>
    told.filter(([verb]) => verb === 'clients_change').map(([, { change }]) => readChange(JSON.parse(change!), pool));
  return { told, added, plane: new RootClientPlane(helper, KEY) };
}

const plane = suite('RootClientPlane');
plane('passes over kinds that it does not know', async () => {
  const kinds = [{ kind: 'gre6' as const, problem: 'no module' }, { kind: 'vxlan' as const }];
  assert.equal(await make().plane.ability(), {
    ...{ kinds, meshMtu: 1280, ipv6: true, lacks: [{ what: 'flows', problem: 'no module' }] },
  });
});
plane('tells a small change at once, and root reads the same tunnels', async () => {
  const { plane, told, added } = make();
  const kinds: ClientTunnel[] = [
    { slot: 4, kind: 'vxlan', outer: '202::4', mtu: 1430, home4: pool.home4(4), vni: pool.vni(4), suspended: true },
    { slot: 5, kind: 'gre6', outer: '202::5', mtu: 1456, home4: pool.home4(5), home6: pool.home6(5), suspended: false },
    { ...tunnel(6), limits: { downKbits: 5000, upKbits: 1, flows: 64 }, block: 62 },
  ];
  const limit = [
    { slot: 10, limits: { upKbits: 256 } },
    { slot: 11, limits: {} },
  ];
  const change = { add: kinds, remove: [7], suspend: [8], resume: [9], limit };
  assert.equal(await plane.change(change), new Map());
  assert.is(told.length, 1);
  assert.equal(added(), [change]);
});
plane('restores 4000 homes in parts that fit into a call, after it told who may stay', async () => {
  const { plane, told, added } = make();
  const homes = Array.from({ length: 4000 }, (_, at) => tunnel(at + 60_000 - 4000));
  const problems = await plane.restore(homes);
  const [verb, { slots }] = told[0]!;
  assert.is(verb, 'clients_restore');
  assert.equal(
    readSlots(JSON.parse(slots!), pool),
    homes.map(({ slot }) => slot),
  );
  assert.equal(
    added().flatMap(({ add }) => add),
    homes,
  );
  assert.is(problems.size, 40);
});
plane('makes room before it fills it, where a change takes several calls', async () => {
  const { plane, added } = make();
  const slots = Array.from({ length: 1500 }, (_, at) => at + 2);
  await plane.change({ add: slots.slice(0, 200).map(tunnel), remove: slots, suspend: [3], resume: [] });
  const shape = added().map(({ add, remove, suspend }) => [add.length, remove.length, suspend.length]);
  assert.equal(shape, [
    [0, 1000, 1],
    [0, 500, 0],
    [128, 0, 0],
    [72, 0, 0],
  ]);
});
plane('tells limits of many in calls of their own', async () => {
  const { plane, added } = make();
  const limits = { downKbits: 100_000_000, upKbits: 100_000_000, flows: 1_000_000 };
  const limit = Array.from({ length: 1500 }, (_, at) => ({ slot: at + 2, limits }));
  await plane.change({ add: [], remove: [1600], suspend: [], resume: [], limit });
  assert.equal(
    added().map((one) => [one.remove.length, one.limit!.length]),
    [
      [1, 0],
      [0, 500],
      [0, 500],
      [0, 500],
    ],
  );
  assert.equal(
    added().flatMap((one) => one.limit),
    limit,
  );
});
plane('tells what is counted, and whether rules stand', async () => {
  const { plane } = make();
  assert.equal(await plane.use(), new Map([[7, { rxBytes: 2 ** 40, txBytes: 3 }]]));
  assert.is(plane.spoofed, 9);
  assert.is(await plane.isWhole(), false);
});
plane.run();
