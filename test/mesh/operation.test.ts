import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CAPS, DESK_CAPS, SCOPES, type Scope } from '../../src/api/scope.ts';
import { barrierTo, isReserved, operation, reaches } from '../../src/mesh/operation.ts';

const scopes = suite('reaches');
scopes('orders scopes, below which there is nothing', () => {
  for (const [held, cap] of CAPS.entries())
    for (const [wanted, scope] of SCOPES.entries())
      assert.is(reaches(cap, scope), scope !== 'desk' && held > wanted, `${cap} for ${scope}`);
});
scopes('has the desk apart, from where one may look', () => {
  assert.equal(
    SCOPES.filter((wanted) => reaches('desk', wanted)),
    ['observe', 'desk'],
  );
});
scopes.run();

const barriers = suite('barrierTo');
const permits = CAPS.flatMap((cap) => DESK_CAPS.map((desk) => ({ cap, desk })));
const keys = SCOPES.map((scope) => ({ name: 'otto', scope }));
barriers('leave the desk to who has it, where the operator of the gateway lets keys decide', () => {
  for (const permit of permits)
    for (const key of keys) {
      const { cap, desk } = permit;
      const isFree = barrierTo(key, 'desk', permit) === undefined;
      const isWanted =
        cap !== 'none' && (key.scope === 'desk' ? desk !== 'none' : key.scope === 'configure' && desk === 'configure');
      assert.is(isFree, isWanted, `${key.scope} at ${cap} ${desk}`);
    }
});
barriers('leave everything else to scope and limit, whatever is said of homes', () => {
  for (const permit of permits)
    for (const key of keys)
      for (const wanted of SCOPES.filter((scope) => scope !== 'desk')) {
        const isFree = barrierTo(key, wanted, permit) === undefined;
        assert.is(isFree, reaches(key.scope, wanted) && reaches(permit.cap, wanted), `${key.scope} for ${wanted}`);
      }
});
barriers('say whose fault it is', () => {
  const by = (scope: Scope) => barrierTo({ name: 'otto', scope }, 'desk', { cap: 'configure', desk: 'none' });
  assert.is(by('operate'), 'otto has operate');
  assert.is(by('desk'), 'the operator of this gateway lets no key decide on homes');
});
barriers.run();

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
