import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Terms } from '../../src/api/lease.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import type { HelperCaller } from '../../src/system/helper.ts';
import { RootPlane } from '../../src/system/root-plane.ts';
import { MemoryFiles } from '../support/files.ts';

const TERMS: Terms = { kind: 'gre6', outer: '202::2', home4: '10.43.0.7', mtu: 1456, dns: [] };
const TEXT = JSON.stringify(TERMS);

function make() {
  const files = new MemoryFiles();
  const told: unknown[] = [];
  const replies: Record<string, object> = {
    tunnel_ability: {
      kinds: [{ kind: 'gre6', problem: 'no module' }, { kind: 'teleport' }, { kind: 'vxlan' }],
      mesh_mtu: 1280,
    },
    tunnel_build: { device: 'gre6-mbt1' },
  };
  const helper: HelperCaller = {
    call: async (verb, args) => {
      told.push([verb, args]);
      return (replies[verb] ?? {}) as never;
    },
  };
  return { files, told, plane: new RootPlane(helper, files) };
}

const plane = suite('RootPlane');
plane('has the helper do everything, in its words', async () => {
  const { plane, told } = make();
  await plane.build(1, TERMS);
  await plane.drop(0);
  await plane.use(1, TERMS);
  await plane.use(undefined, undefined);
  await plane.block(true);
  await plane.block(false);
  await plane.keep(TERMS);
  await plane.restore();
  await plane.undo();
  assert.equal(told, [
    ['tunnel_build', { slot: '1', terms: TEXT }],
    ['tunnel_drop', { slot: '0' }],
    ['route_use', { slot: '1', terms: TEXT }],
    ['route_use', {}],
    ['route_block', { on: '1' }],
    ['route_block', { on: '0' }],
    ['route_keep', { terms: TEXT }],
    ['route_restore', {}],
    ['route_undo', {}],
  ]);
});
plane('passes over kinds that it does not know', async () => {
  const { plane } = make();
  assert.equal(await plane.ability(), {
    kinds: [{ kind: 'gre6', problem: 'no module' }, { kind: 'vxlan' }],
    meshMtu: 1280,
  });
});
plane('counts packets of the device that the helper named, as long as it is there', async () => {
  const { plane, files } = make();
  files.write(
    '/proc/net/dev',
    encodeUtf8('gre6-mbt1: 1 17 0 0 0 0 0 0 2 23 0 0 0 0 0 0\n mbt1: 1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0\n'),
    0o444,
  );
  assert.is(plane.flow(1), undefined);
  await plane.build(1, TERMS);
  assert.equal(plane.flow(1), { rxPackets: 17, txPackets: 23 });
  assert.is(plane.flow(0), undefined);
  await plane.undo();
  assert.is(plane.flow(1), undefined);
});
plane.run();
