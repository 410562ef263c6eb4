import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, TimeoutError } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { type ChangeEnd, type DesiredApplied, type PeerChange, Probation } from '../../src/mesh/probation.ts';
import { ManualClock, settle } from '../support/clock.ts';

const PEER: PeerChange = { interface: 'ygg0', uri: 'tls://a.example:1', change: 'added' };
const TRIAL: DesiredApplied = {
  result: 'trial',
  id: 'x',
  left_s: 120,
  rejected: [],
  changed: ['network'],
  peers: [PEER],
};

/** Root and a router, played. */
function make(applied: DesiredApplied = TRIAL) {
  const clock = new ManualClock();
  const did: string[] = [];
  const router = {
    /** Whether a broker answers, and which peers were alive at what time last. */
    heard: true,
    peers: new Map([['a', Number.POSITIVE_INFINITY]]),
    failing: new Map<string, () => Error>(),
  };
  const at = (what: string): void => {
    did.push(`${Math.round(clock.monotonicMs() / 1000)} ${what}`);
    const error = router.failing.get(what.split(' ')[0]!)?.();
    if (error) throw error;
  };
  const probation = new Probation(
    {
      read: async () => ({ values: [], hash: '' }),
      apply: async () => {
        at('apply');
        return applied;
      },
      confirm: async () => {
        at('confirm');
        return { rejected: [] };
      },
      undo: async (_, why) => {
        at(`undo ${why}`);
        return { changed: applied.changed, peers: applied.peers.map((peer) => ({ ...peer, change: 'removed' })) };
      },
    },
    {
      reload: () => at('reload'),
      changePeers: async (changes) => at(`peers ${changes.map(({ change }) => change).join()}`),
      alivePeers: async (sinceMs) => [...router.peers].filter(([, ms]) => ms >= sinceMs).map(([peer]) => peer),
      isHeard: async () => router.heard,
    },
    clock,
    SILENT,
  );
  const ends: ChangeEnd[] = [];
  const run = (): void => {
    void probation.run('text', 'want').then((end) => ends.push(end));
  };
  return { clock, did, router, probation, ends, run };
}

const run = suite('Probation run');
run('keeps a change once a broker answered and a peer is alive', async () => {
  const { clock, did, ends, run } = make();
  run();
  await clock.advance(20_000);
  assert.equal(did, ['0 apply', '0 peers added', '5 confirm']);
  assert.equal(ends, [{ st: 'applied', rejected: [] }]);
});
run('reads the configuration again where its file changed, and no peering where none did', async () => {
  const { clock, did, run } = make({ ...TRIAL, changed: ['meshbridge'], peers: [] });
  run();
  await clock.advance(20_000);
  assert.equal(did, ['0 apply', '0 reload', '5 confirm']);
});
run('gives radios time before what is seen counts', async () => {
  const { clock, did, run } = make({ ...TRIAL, changed: ['wireless'], peers: [] });
  run();
  await clock.advance(40_000);
  assert.equal(did, ['0 apply', '20 confirm']);
});
run('ends at once where nothing is on trial', async () => {
  const rejected = [{ path: 'a.b.c', reason: 'no' }];
  for (const result of ['applied', 'rejected'] as const) {
    const { clock, did, ends, run } = make({ result, left_s: 0, rejected, changed: [], peers: [] });
    run();
    await settle();
    assert.equal(did, ['0 apply']);
    assert.equal(ends, [{ st: result, rejected }]);
    assert.is(clock.pending, 0);
  }
});
run('undoes a change in time while no broker answers', async () => {
  const { clock, did, router, ends, run } = make();
  router.heard = false;
  run();
  await clock.advance(200_000);
  const why = 'no broker answered after the change';
  assert.equal(did, ['0 apply', '0 peers added', `110 undo ${why}`, '110 peers removed']);
  assert.equal(ends, [{ st: 'rolled-back', rejected: [], error: why }]);
});
run('undoes a change while no peer is alive, and says how many there were', async () => {
  const { clock, did, router, run } = make();
  router.peers.set('b', Number.POSITIVE_INFINITY);
  run();
  await settle();
  // claimed to be up all the time: no proof that is newer than the change
  for (const peer of ['a', 'b']) router.peers.set(peer, -1);
  await clock.advance(200_000);
  assert.ok(did.includes('110 undo no peer showed itself alive after the change, 2 were up before'), did.join('; '));
});
run('takes one that was up before, or as many others, for enough', async () => {
  for (const [alive, enough] of [
    [['a'], true],
    [['c', 'd'], true],
    [['c'], false],
    [[], false],
  ] as const) {
    const { clock, did, router, run } = make();
    router.peers.set('b', Number.POSITIVE_INFINITY);
    run();
    await settle();
    router.peers = new Map(alive.map((peer) => [peer, Number.POSITIVE_INFINITY]));
    await clock.advance(200_000);
    assert.is(did.includes('5 confirm'), enough, `~> ${alive}: ${did.join('; ')}`);
  }
});
run('asks for no peer where there was none', async () => {
  const { clock, did, router, run } = make();
  router.peers.clear();
  run();
  await clock.advance(20_000);
  assert.is(did.at(-1), '5 confirm');
});
run('waits for who comes back', async () => {
  const { clock, did, router, run } = make();
  router.heard = false;
  run();
  await clock.advance(62_000);
  router.heard = true;
  await clock.advance(20_000);
  assert.is(did.at(-1), '65 confirm');
});
run('uses half of a short time at most for keeping calm', async () => {
  const { clock, did, run } = make({ ...TRIAL, left_s: 30, changed: ['wireless'], peers: [] });
  run();
  await clock.advance(40_000);
  assert.is(did.at(-1), '10 confirm');
});
run('undoes at once what cannot be put in force', async () => {
  const { clock, did, router, ends, run } = make();
  router.failing.set('peers', () => new Error('Yggdrasil does not answer'));
  run();
  await clock.advance(200_000);
  assert.equal(did, ['0 apply', '0 peers added', '0 undo not in force: Yggdrasil does not answer', '0 peers removed']);
  assert.is(ends[0]?.st, 'rolled-back');
});
run('confirms again where root was not reached, and undoes where it is too late', async () => {
  const { clock, did, router, run } = make();
  let failures = 2;
  router.failing.set('confirm', () => (failures-- > 0 ? new TimeoutError('no answer') : undefined) as unknown as Error);
  run();
  await clock.advance(30_000);
  assert.equal(did.slice(2), ['5 confirm', '10 confirm', '15 confirm']);
  for (const [error, last] of [
    [new InputError('id: expected another', 'id'), '5 undo not confirmed: id: expected another'],
    [new TimeoutError('no answer'), '110 undo not confirmed: no answer'],
  ] as const) {
    const again = make();
    again.router.failing.set('confirm', () => error);
    again.run();
    await again.clock.advance(200_000);
    assert.is(again.did.at(-2), last);
  }
});
run('undoes again and again where root was not reached', async () => {
  const { clock, did, router, ends, run } = make();
  router.heard = false;
  let failures = 5;
  router.failing.set('undo', () => (failures-- > 0 ? new TimeoutError('no answer') : undefined) as unknown as Error);
  run();
  await clock.advance(600_000);
  const times = did.filter((line) => line.includes('undo')).map((line) => Number.parseInt(line, 10));
  assert.equal(times, [110, 115, 125, 145, 185, 245]);
  assert.is(ends[0]?.st, 'rolled-back');
});
run('takes what somebody else undid for undone', async () => {
  const { clock, router, ends, run } = make();
  router.heard = false;
  router.failing.set('undo', () => new InputError('id: expected that of a trial under way', 'id'));
  run();
  await clock.advance(200_000);
  assert.is(ends[0]?.st, 'rolled-back');
});
run('leaves a trial to the next daemon when it ends', async () => {
  const { clock, did, probation, ends, run } = make();
  run();
  await settle();
  probation.stop();
  await clock.advance(600_000);
  assert.equal([did.length, ends.length, clock.pending], [2, 0, 0]);
});
run.run();

// ---

const resume = suite('Probation resume');
const found = (leftS: number) => ({ id: 'x', left_s: leftS, changed: ['network'], peers: [PEER] });
resume('goes on with what is left of the time', async () => {
  const { clock, did, probation } = make();
  void probation.resume(found(60));
  await clock.advance(20_000);
  assert.equal(did, ['0 peers added', '5 confirm']);
  const late = make();
  late.router.heard = false;
  void late.probation.resume(found(60));
  await late.clock.advance(100_000);
  assert.is(late.did[1], '50 undo no broker answered after the change');
});
resume('asks for a peer, for nobody knows how many there were', async () => {
  const { clock, did, probation, router } = make();
  router.peers.clear();
  void probation.resume(found(60));
  await clock.advance(100_000);
  assert.is(did[1], '50 undo no peer showed itself alive after the change');
});
resume('undoes what has no time left, or is to be undone', async () => {
  const { clock, did, probation } = make();
  assert.is((await probation.resume(found(10))).st, 'rolled-back');
  assert.is((await probation.resume(found(100), 'interrupted')).error, 'interrupted');
  assert.equal(did, [
    '0 undo it was not confirmed in time',
    '0 peers removed',
    '0 undo interrupted',
    '0 peers removed',
  ]);
  assert.is(clock.pending, 0);
});
resume.run();
