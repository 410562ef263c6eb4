import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { Management } from '../../src/management.ts';

const KEY = 'ab'.repeat(32);
const CONFIG = `
config meshbridge 'main'
	option manage_cap 'operate'
config key 'ops'
	option public '${KEY}'
	option scope 'configure'
`;

const management = suite('Management');
management('shows whom the owner trusts, and how far, before any broker is there', () => {
  const management = new Management(
    () => parseConfig(CONFIG),
    () => 0,
  );
  assert.equal(management.list(), {
    cap: 'operate',
    keys: [{ name: 'ops', id: 'abababababababab', scope: 'configure' }],
    commands: [],
    refused: [],
  });
});
management('shows what was ordered, and how long ago; not what was told of it', () => {
  const management = new Management(
    () => parseConfig(CONFIG),
    () => 70_500,
  );
  const record = { key: 'abababababababab', ctr: 1, op: 'peers', at_ms: 10_000 };
  management.desk = {
    list: () => ({
      commands: [
        { ...record, cid: 'b', name: 'ops', st: 'done', out: { peers: [] }, t: 1_800_000_000 },
        { ...record, cid: 'a', name: undefined, st: 'rejected', code: 'scope', error: 'no' },
      ],
      refused: { session: 2, signature: 1 },
    }),
  };
  const { commands, refused } = management.list();
  assert.equal(commands, [
    { cid: 'b', by: 'ops', key: 'abababababababab', op: 'peers', state: 'done', t: 1_800_000_000, ago_s: 60 },
    { cid: 'a', key: 'abababababababab', op: 'peers', state: 'rejected', code: 'scope', error: 'no', ago_s: 60 },
  ]);
  assert.equal(refused, [
    { code: 'session', count: 2 },
    { code: 'signature', count: 1 },
  ]);
});
management.run();
