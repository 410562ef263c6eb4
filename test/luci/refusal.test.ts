import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Refusal, refusalOf } from '../../luci-app/view/part/refusal.ts';

const refusal = suite('refusalOf');
refusal('takes what comes with a status', () => {
  const found = refusalOf('yggdrasil', [2, { error: 'uri: expected a port', field: 'uri' }]);
  assert.instance(found, Refusal);
  assert.is(found!.message, 'uri: expected a port');
  assert.is(found!.field, 'uri');
  assert.is(found!.status, 2);
});
refusal('takes what the helper says with status 0', () => {
  assert.is(refusalOf('meshbridge.helper', [0, { error: 'no such file' }])?.message, 'no such file');
});
for (const [what, object, result] of [
  ['a reply that tells of an error', 'meshbridge', [0, { reachable: false, error: 'refused' }]],
  ['a status alone', 'yggdrasil', [4]],
  ['an error that is no text', 'yggdrasil', [2, { error: 1 }]],
  ['no data', 'yggdrasil', [2, null]],
  ['no result', 'yggdrasil', undefined],
] as const)
  refusal(`leaves ${what} to LuCI`, () => assert.is(refusalOf(object, result), undefined));
refusal.run();
