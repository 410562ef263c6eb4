import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type HomeListHead, type ListedHome, packHomes, partHash } from '../../src/lib/home-list.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import type { Decision } from '../../src/mesh/client.ts';
import { type HomeListStore, type KeptList, SharedHomes } from '../../src/mesh/shared-homes.ts';
import { crypto } from '../support/crypto.ts';
import { nodeOf } from '../support/node-key.ts';

const sha512 = (bytes: Uint8Array): Uint8Array => crypto.sha512(bytes);
const [ANN, BOB, CAT, DAN] = [1, 2, 3, 4].map((n) => nodeOf(n).address) as [string, string, string, string];
const admit = (address: string, more: Partial<ListedHome> = {}): ListedHome => ({
  address,
  standing: 'admitted',
  reason: '',
  ...more,
});
const suspend = (address: string, reason = 'x'): ListedHome => ({ address, standing: 'suspended', reason });
const GATEWAY = { site: 'elm', node: 'abcdefghij234', key: 'ab'.repeat(32) };

/** A list as it goes over a broker. */
function listOf(gen: number, homes: readonly ListedHome[], more: Partial<HomeListHead> = {}) {
  const parts = packHomes(homes);
  const head: HomeListHead = {
    ...{ gen, group: 'east', homes: homes.length, gateways: [GATEWAY], again: false },
    parts: parts.map((part) => partHash(sha512, part)),
    ...more,
  };
  return { head, parts };
}

/** A gateway that keeps lists in memory. */
function make(kept: { list?: KeptList; next?: KeptList } = {}) {
  const disk: { list?: KeptList | undefined; next?: KeptList | undefined } = { ...kept };
  const decisions = new Map<string, Decision>();
  const shared: { words: string; by: string; changes: [string, string | undefined][] }[] = [];
  const wanted: boolean[] = [];
  const failing = { save: false, share: false };
  const store: HomeListStore = {
    load: (which) => disk[which],
    save(which, list) {
      if (failing.save) throw new Error('No space left on device');
      disk[which] = list;
    },
  };
  const open = (): SharedHomes => {
    const homes = new SharedHomes({
      ...{ group: 'east', store, sha512, log: SILENT },
      desk: {
        decisionOn: (address) => decisions.get(address),
        share(changes, words, by) {
          if (failing.share) throw new Error('cut');
          shared.push({ words, by, changes: [...changes].map(([address, decision]) => [address, decision?.standing]) });
          for (const [address, decision] of changes) {
            if (decision) decisions.set(address, decision);
            else decisions.delete(address);
          }
        },
      },
    });
    homes.outlet = { wantParts: (isWanted) => void wanted.push(isWanted), heldChanged() {}, gatewaysChanged() {} };
    return homes;
  };
  const give = (homes: SharedHomes, { head, parts }: ReturnType<typeof listOf>): void => {
    homes.takeHead(head, 'key otto');
    for (const [index, part] of parts.entries()) homes.takePart(index, part);
  };
  return { disk, decisions, shared, wanted, failing, open, give };
}

const lists = suite('SharedHomes');
lists('carries a list out once it is whole, in the name of whose it is', () => {
  const { open, give, shared, wanted, decisions } = make();
  const homes = open();
  assert.equal(homes.held(), { group: 'east', st: 'none', homes: 0, differ: 0 });
  give(homes, listOf(1, [admit(ANN, { limits: { quota_mb: 5 } }), suspend(BOB, 'not paid')]));
  assert.equal(shared, [
    {
      words: 'group east, generation 1',
      by: 'key otto',
      changes: [
        [ANN, 'admitted'],
        [BOB, 'suspended'],
      ].sort(),
    },
  ]);
  assert.equal(decisions.get(ANN), { standing: 'admitted', reason: '', limits: { quota_mb: 5 } });
  assert.equal(wanted, [true, false]);
  assert.equal(homes.held(), { group: 'east', gen: 1, st: 'applied', homes: 2, differ: 0 });
  assert.equal(homes.gateways, [GATEWAY]);
});
lists('does nothing of a list of which a part is missing, another, or somebody’s', () => {
  const { open, shared } = make();
  const homes = open();
  const many = Array.from({ length: 500 }, (_, n) => suspend(nodeOf(n + 10).address, 'y'.repeat(60)));
  const { head, parts } = listOf(1, many);
  assert.ok(parts.length > 2);
  homes.takeHead(head, 'key otto');
  homes.takePart(0, parts[0]!);
  homes.takePart(1, parts[0]!);
  homes.takePart(1, packHomes([admit(ANN)])[0]!);
  homes.takePart(99, parts[1]!);
  assert.equal([homes.held().st, shared], ['fetching', []]);
  for (const [index, part] of [...parts.entries()].reverse()) homes.takePart(index, part);
  assert.equal([homes.held().st, shared[0]!.changes.length], ['applied', 500]);
});
lists('takes no old list, and none of another group', () => {
  const { open, give, shared } = make();
  const homes = open();
  give(homes, listOf(5, [admit(ANN)]));
  for (const gen of [5, 4, 1]) {
    assert.not.ok(homes.isNew(gen));
    assert.throws(() => give(homes, listOf(gen, [suspend(ANN)])), /gen: expected more than 5/);
  }
  assert.throws(() => give(homes, listOf(6, [], { group: 'west' })), /aud: expected group east, got west/);
  assert.is(shared.length, 1);
  assert.equal(homes.held().gen, 5);
});
lists('goes on with the newer of two lists whose parts come', () => {
  const { open, shared } = make();
  const homes = open();
  const [old, now] = [listOf(1, [suspend(ANN)]), listOf(2, [admit(ANN)])];
  homes.takeHead(old.head, 'key otto');
  homes.takeHead(now.head, 'key otto');
  homes.takePart(0, old.parts[0]!);
  assert.equal(shared, []);
  homes.takePart(0, now.parts[0]!);
  assert.equal(shared[0]!.words, 'group east, generation 2');
});
lists('does what is new in a list, and leaves what was decided here since', () => {
  const { open, give, shared, decisions } = make();
  const homes = open();
  give(homes, listOf(1, [admit(ANN), admit(BOB), admit(CAT)]));
  // in an emergency, at the desk
  decisions.set(ANN, { standing: 'suspended', reason: 'attack' });
  decisions.set(CAT, { standing: 'refused', reason: 'gone' });
  assert.is(homes.held().differ, 2);
  give(homes, listOf(2, [admit(ANN), suspend(BOB), suspend(DAN)]));
  assert.equal(
    shared[1]!.changes.sort(),
    [
      [BOB, 'suspended'],
      [DAN, 'suspended'],
    ].sort(),
  );
  assert.is(decisions.get(ANN)!.standing, 'suspended', '~> nothing new was said of it');
  assert.is(decisions.get(CAT)!.standing, 'refused', '~> is not as the list had it');
  give(homes, listOf(3, [admit(ANN, { limits: { flows: 5 } })]));
  assert.equal(
    shared[2]!.changes.sort(),
    [
      [ANN, 'admitted'],
      [BOB, undefined],
      [DAN, undefined],
    ].sort(),
  );
});
lists('does all of it anew where the list says so', () => {
  const { open, give, shared, decisions } = make();
  const homes = open();
  give(homes, listOf(1, [admit(ANN), admit(BOB)]));
  decisions.set(ANN, { standing: 'suspended', reason: 'attack' });
  give(homes, listOf(2, [admit(ANN), admit(BOB)], { again: true }));
  assert.equal(shared[1]!.changes, [[ANN, 'admitted']]);
});
lists('forgets nobody whom no list named', () => {
  const { open, give, shared, decisions } = make();
  decisions.set(DAN, { standing: 'admitted', reason: '' });
  const homes = open();
  give(homes, listOf(1, [admit(ANN)]));
  give(homes, listOf(2, []));
  assert.equal(shared[1]!.changes, [[ANN, undefined]]);
  assert.ok(decisions.has(DAN));
});
lists('rejects a list that is not what its head says, says why, and takes the next one', () => {
  const { open, give, shared } = make();
  const homes = open();
  give(homes, listOf(1, [admit(ANN)], { homes: 2 }));
  assert.equal([homes.held().st, homes.held().error], ['rejected', 'generation 1: expected 2 homes, got 1']);
  give(homes, listOf(2, [admit(ANN), suspend(ANN)]));
  assert.is(homes.held().error, 'generation 2: expected each home once');
  const bad = encodeUtf8('[["300::1","a"]]');
  give(homes, { head: listOf(3, [], { homes: 1, parts: [partHash(sha512, bad)] }).head, parts: [bad] });
  assert.match(homes.held().error!, /generation 3: home.address: expected an address of a node/);
  assert.not.ok(homes.isNew(3), '~> not looked at again');
  give(homes, listOf(4, [admit(ANN)]));
  assert.equal([homes.held().st, homes.held().error, shared.length], ['applied', undefined, 1]);
});
lists('ends what an earlier daemon began, and does not do it twice', () => {
  const { open, give, failing, shared, disk } = make();
  const homes = open();
  give(homes, listOf(1, [admit(ANN)]));
  failing.share = true;
  give(homes, listOf(2, [admit(ANN), suspend(BOB)]));
  assert.equal([homes.held().st, disk.list!.gen, disk.next!.gen], ['rejected', 1, 2]);
  failing.share = false;
  const next = open();
  assert.equal([next.held().st, next.held().gen, disk.list!.gen, disk.next], ['applied', 2, 2, undefined]);
  assert.equal(shared.at(-1)!.changes, [[BOB, 'suspended']]);
  const { length } = shared;
  open();
  assert.is(shared.length, length);
});
lists('keeps the list that it has where a new one cannot be kept', () => {
  const { open, give, failing, shared } = make();
  const homes = open();
  give(homes, listOf(1, [admit(ANN)]));
  failing.save = true;
  give(homes, listOf(2, [suspend(ANN)]));
  assert.equal(
    [homes.held().st, homes.held().gen, homes.held().error],
    ['rejected', 1, 'generation 2: No space left on device'],
  );
  assert.is(shared.length, 1);
});
lists('has no list of another group', () => {
  const first = make();
  first.give(first.open(), listOf(9, [admit(ANN)]));
  const { list } = first.disk;
  const { open, disk } = make({ list: { ...list!, group: 'west' }, next: { ...list!, group: 'west', gen: 10 } });
  assert.equal([open().held().st, disk.next], ['none', undefined]);
});
lists.run();
