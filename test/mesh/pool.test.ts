import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatPrefix, parsePrefix } from '../../src/lib/ip.ts';
import { Pool, pool6Of } from '../../src/mesh/pool.ts';
import { GATEWAY_KEY, HOME_KEY } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';

const pool = (prefix: string, key = GATEWAY_KEY): Pool => new Pool(parsePrefix(prefix)!, pool6Of(key), key);

const pools = suite('Pool');
pools('has an address for the gateway, and others for homes', () => {
  const one = pool('10.43.0.0/16');
  assert.equal([one.gateway4, one.gateway6], ['10.43.0.1', 'fd1c:1601:f92a::1']);
  assert.equal(
    [one.home4(2), one.home4(65_534), one.home6(258)],
    ['10.43.0.2', '10.43.255.254', 'fd1c:1601:f92a::102'],
  );
  assert.is(one.size, 65_533);
  assert.is(one.vni(2), 4098);
});
pools('gives every address of a small prefix, to its end, and then none', () => {
  const small = pool('10.1.2.0/24');
  const taken = new Map<number, string>();
  for (let i = 0; ; i++) {
    const slot = small.slotFor(nodeOf(i).key, (one) => taken.has(one));
    if (slot === undefined) break;
    assert.ok(small.has(slot) && !taken.has(slot));
    taken.set(slot, small.home4(slot));
  }
  assert.is(taken.size, 253);
  const addresses = new Set(taken.values());
  assert.is(addresses.size, 253);
  for (const never of ['10.1.2.0', '10.1.2.1', '10.1.2.255']) assert.not.ok(addresses.has(never), never);
});
pools('gives a home the same address again, and another one at another gateway', () => {
  const free = (): boolean => false;
  const first = pool('10.43.0.0/16').slotFor(HOME_KEY, free);
  assert.is(pool('10.43.0.0/16').slotFor(HOME_KEY, free), first);
  assert.is.not(pool('10.43.0.0/16', HOME_KEY).slotFor(HOME_KEY, free), first);
});
pools('knows which numbers are slots', () => {
  const small = pool('10.1.2.0/24');
  assert.equal(
    [0, 1, 2, 254, 255, 2.5, -1, Number.NaN].map((slot) => small.has(slot)),
    [...[false, false, true, true, false, false, false, false]],
  );
});
pools('knows whose an inner address is', () => {
  const small = pool('10.1.2.0/24');
  for (const slot of [2, 77, 254]) {
    assert.is(small.slotOf(small.home4(slot)), slot);
    assert.is(small.slotOf(small.home6(slot)), slot);
  }
  for (const other of ['10.1.2.0', '10.1.2.1', '10.1.2.255', '10.1.3.2', small.gateway6, 'fe80::2', 'x'])
    assert.is(small.slotOf(other), undefined, other);
});
pools('gives blocks of ports, to the last one, and none where homes have none', () => {
  assert.equal([pool('10.1.2.0/24').blocks, pool('10.1.2.0/24').blockFor(HOME_KEY, () => false)], [0, undefined]);
  const some = new Pool(parsePrefix('10.1.2.0/24')!, pool6Of(GATEWAY_KEY), GATEWAY_KEY, 1000);
  const taken = new Set<number>();
  for (let i = 0; ; i++) {
    const block = some.blockFor(nodeOf(i).key, (one) => taken.has(one));
    if (block === undefined) break;
    assert.ok(some.hasBlock(block) && !taken.has(block));
    taken.add(block);
  }
  assert.is(taken.size, 64);
  const ports = [...taken].map((block) => some.ports(block)).sort((a, b) => a.first - b.first);
  assert.equal(
    [ports[0], ports.at(-1)],
    [
      { first: 1024, last: 2023 },
      { first: 64_024, last: 65_023 },
    ],
  );
  for (const [at, { last }] of ports.entries()) assert.ok(last < (ports[at + 1]?.first ?? 65_536));
  assert.is(
    some.blockFor(HOME_KEY, () => false),
    some.blockFor(HOME_KEY, () => false),
  );
});
pools('knows a block by its ports, unless blocks are others now', () => {
  const make = (size: number | undefined) =>
    new Pool(parsePrefix('10.1.2.0/24')!, pool6Of(GATEWAY_KEY), GATEWAY_KEY, size);
  assert.is(make(1024).blockOf(make(1024).ports(7)), 7);
  for (const size of [512, 2048, undefined]) assert.is(make(size).blockOf(make(1024).ports(7)), undefined);
  assert.is(make(1024).blockOf({ first: 0, last: 1023 }), undefined);
  assert.is(make(1024).blockOf(make(1024).ports(63)), undefined);
});
pools.run();

// ---

const own = suite('pool6Of');
own('is private, and follows from the key', () => {
  assert.is(formatPrefix(pool6Of(GATEWAY_KEY)), 'fd1c:1601:f92a::/64');
  assert.is.not(formatPrefix(pool6Of(HOME_KEY)), formatPrefix(pool6Of(GATEWAY_KEY)));
});
own.run();
