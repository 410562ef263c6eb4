import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CAPS, SCOPES } from '../../src/api/scope.ts';
import { isReserved, operation, reaches } from '../../src/mesh/operation.ts';

const scopes = suite('reaches');
scopes('orders scopes, below which there is nothing', () => {
  for (const [held, cap] of CAPS.entries())
    for (const [wanted, scope] of SCOPES.entries())
      assert.is(reaches(cap, scope), held > wanted, `${cap} for ${scope}`);
});
scopes.run();

const reserved = suite('isReserved');
reserved('knows groups of a later time', () => {
  for (const name of ['upgrade', 'upgrade_start', 'keys', 'keys_add']) assert.ok(isReserved(name), name);
  for (const name of ['upgrades', 'keyset', 'do_upgrade', 'key', '']) assert.not.ok(isReserved(name), name);
});
reserved.run();

const table = suite('operation');
table('is what it was given', () => {
  const run = () => 1;
  assert.equal(operation({ scope: 'observe', args: {}, run }), { scope: 'observe', args: {}, run });
});
table.run();
