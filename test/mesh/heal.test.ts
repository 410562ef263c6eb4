import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Heal, Peer } from '../../src/api/model.ts';
import { Healer } from '../../src/mesh/heal.ts';
import { ManualClock } from '../support/clock.ts';

const REMOTE = 'tls://[2001:db8::1]:443';
const UNREACHABLE = 'dial tcp [2001:db8::1]:443: connect: network is unreachable';

/** Yggdrasil's way with one outgoing peering: after the n-th failure in a row it waits 2^n s, at most the longest. */
class Peering {
  up = true;
  /** Dialling would succeed. */
  reachable = false;
  dials: number[] = [];
  failedAtMs = 0;
  waitMs = 0;
  private failures = 0;
  private cancel = (): void => {};

  constructor(
    private readonly clock: ManualClock,
    readonly remote: string,
    private readonly dialMs: number,
    readonly more: Partial<Peer>,
    private readonly longestMs: number,
  ) {}

  /** The cable is cut. */
  fail(): void {
    this.up = false;
    this.failedAtMs = this.clock.monotonicMs();
    this.failures++;
    this.waitMs = Math.min(this.longestMs, 1000 * 2 ** this.failures);
    this.cancel = this.clock.after(this.waitMs, () => this.dial());
  }

  dial(): void {
    this.cancel();
    this.dials.push(this.clock.monotonicMs());
    this.cancel = this.clock.after(this.dialMs, () => {
      if (this.reachable) {
        this.up = true;
        this.failures = 0;
      } else this.fail();
    });
  }

  get dueMs(): number {
    return this.failedAtMs + this.waitMs;
  }

  peer(nowMs: number): Peer {
    return {
      remote: this.remote,
      origin: 'configured',
      inbound: false,
      up: this.up,
      state: this.up ? 'up' : 'down',
      state_ago_ms: 0,
      changes_per_hour: 0,
      ...(!this.up && { last_error: UNREACHABLE, last_error_ago_ms: nowMs - this.failedAtMs }),
      ...this.more,
    };
  }
}

interface Given {
  dialMs?: number;
  longestMs?: number;
  more?: Partial<Peer>;
  remotes?: readonly string[];
  pollMs?: number;
}

/** A node in memory that is polled, and a healer that is told of it. */
function make({ dialMs = 50, longestMs = 4_096_000, more = {}, remotes = [REMOTE], pollMs = 2000 }: Given = {}) {
  const clock = new ManualClock();
  const told: Heal[] = [];
  const redialled: { remote: string; atMs: number }[] = [];
  const peerings = remotes.map((remote) => new Peering(clock, remote, dialMs, more, longestMs));
  const list = () => peerings.map((peering) => peering.peer(clock.monotonicMs()));
  const node = {
    name: 'ygg0',
    broken: false,
    peers: async () => {
      if (node.broken) throw new Error('not connected');
      return list();
    },
    redial: async ({ remote }: Peer) => {
      redialled.push({ remote: remote!, atMs: clock.monotonicMs() });
      const peering = peerings.find((one) => one.remote === remote)!;
      if (!peering.up) peering.dial();
    },
    longestWaitMs: () => (longestMs === 4_096_000 ? undefined : longestMs),
  };
  const healer = new Healer(
    clock,
    () => [node],
    (heal) => told.push(heal),
  );
  const poll = (): void => {
    clock.after(pollMs, poll);
    healer.observe('ygg0', list(), clock.monotonicMs());
  };
  poll();
  const cut = (): void => {
    for (const peering of peerings) {
      peering.reachable = false;
      peering.fail();
    }
  };
  const join = (): void => {
    for (const peering of peerings) peering.reachable = true;
  };
  return { clock, told, redialled, peerings, node, healer, cut, join, last: () => healer.last(clock.monotonicMs()) };
}

const dialling = suite('Healer: dialling');
dialling('dials what is down two seconds after an uplink came back', async () => {
  const { clock, redialled, peerings, healer, cut, join } = make();
  cut();
  await clock.advance(600_000);
  join();
  healer.uplinkBack('wan');
  await clock.advance(1999);
  assert.equal(redialled, []);
  await clock.advance(1);
  assert.equal(redialled, [{ remote: REMOTE, atMs: 602_000 }]);
  await clock.advance(50);
  assert.ok(peerings[0]!.up);
});
dialling('leaves alone what is up, inbound, or found by multicast', async () => {
  for (const more of [{ up: true }, { inbound: true, up: false }, { origin: 'multicast', up: false }]) {
    const { clock, redialled, healer, cut, last } = make({ more });
    cut();
    healer.uplinkBack('wan');
    await clock.advance(60_000);
    assert.equal(redialled, []);
    assert.is(last(), undefined);
  }
});
dialling('dials one after the other, at most 32, those that went down last first', async () => {
  const remotes = Array.from({ length: 100 }, (_, n) => `tcp://192.0.2.1:${n + 1000}`);
  const { clock, redialled, peerings, healer, cut } = make({ remotes });
  for (const [n, peering] of peerings.entries()) peering.more.state_ago_ms = 1e6 - n;
  Object.assign(peerings[0]!, { more: { state_ago_ms: 1e6 } });
  cut();
  healer.uplinkBack('wan');
  await clock.advance(11_000);
  assert.is(redialled.length, 32);
  for (const [n, { atMs }] of redialled.entries()) assert.is(atMs, 2000 + n * 100);
});
dialling('takes several uplinks in a row for one, and heals at most every ten seconds', async () => {
  const { clock, redialled, healer, cut } = make({ more: { last_error: 'connection refused' } });
  cut();
  for (let i = 0; i < 10; i++) {
    healer.uplinkBack('wan');
    await clock.advance(500);
  }
  assert.is(redialled.length, 0, '~> it keeps coming');
  await clock.advance(1500);
  assert.is(redialled.length, 1);
  for (let i = 0; i < 30; i++) {
    healer.uplinkBack('wan6');
    await clock.advance(3000);
  }
  assert.ok(redialled.length > 5, `~> ${redialled.length}`);
  for (const [n, { atMs }] of redialled.entries()) assert.ok(n === 0 || atMs - redialled[n - 1]!.atMs >= 10_000);
});
dialling('tries once more where this router was not ready, and only there', async () => {
  for (const [last_error, times] of [
    [UNREACHABLE, 2],
    ['lookup peer.example.org on 127.0.0.1:53: server misbehaving', 2],
    ['dial tcp 192.0.2.1:1: connect: no route to host', 2],
    ['dial tcp 192.0.2.1:1: connect: connection refused', 1],
    ['dial tcp 192.0.2.1:1: i/o timeout', 1],
  ] as const) {
    const { clock, redialled, healer, cut } = make({ more: { last_error } });
    cut();
    healer.uplinkBack('wan');
    await clock.advance(120_000);
    assert.is(redialled.length, times, `~> ${last_error}`);
  }
});
dialling('does not dial a second time what came up', async () => {
  const { clock, redialled, healer, cut, join } = make();
  cut();
  await clock.advance(600_000);
  join();
  healer.uplinkBack('wan');
  await clock.advance(120_000);
  assert.is(redialled.length, 1);
});
dialling('passes over a node that cannot be asked', async () => {
  const { clock, redialled, node, healer, cut, last } = make();
  cut();
  node.broken = true;
  healer.uplinkBack('wan');
  await clock.advance(60_000);
  assert.equal([redialled, last()], [[], undefined]);
});
dialling('ends with stop', async () => {
  const { clock, redialled, healer, cut } = make({ remotes: ['tcp://a:1', 'tcp://b:1', 'tcp://c:1'] });
  cut();
  healer.uplinkBack('wan');
  await clock.advance(2050);
  healer.stop();
  await clock.advance(60_000);
  assert.is(redialled.length, 1);
});
dialling.run();

// ---

const telling = suite('Healer: what was saved');
telling('tells once what came of it, and keeps it', async () => {
  const { clock, told, healer, cut, join, last } = make({ remotes: ['tcp://a:1', 'tcp://b:1'] });
  cut();
  await clock.advance(600_000);
  join();
  healer.uplinkBack('wan');
  await clock.advance(60_000);
  assert.is(told.length, 1);
  const { uplink, dialled, healed } = told[0]!;
  assert.equal({ uplink, dialled, healed }, { uplink: 'wan', dialled: 2, healed: 2 });
  await clock.advance(600_000);
  assert.is(told.length, 1);
  assert.is(last()!.ago_s, 658);
});
telling('waits a while for those that are slow', async () => {
  const { clock, told, peerings, healer, cut } = make({ remotes: ['tcp://a:1', 'tcp://b:1'] });
  cut();
  await clock.advance(600_000);
  peerings[0]!.reachable = true;
  healer.uplinkBack('wan');
  await clock.advance(16_000);
  assert.equal(told, []);
  await clock.advance(4000);
  assert.equal([told.length, told[0]?.dialled, told[0]?.healed], [1, 2, 1]);
});
telling('tells of nothing where nothing came back', async () => {
  const { clock, told, healer, cut, last } = make();
  cut();
  await clock.advance(600_000);
  healer.uplinkBack('wan');
  await clock.advance(58_000);
  assert.equal(told, []);
  assert.equal([last()!.dialled, last()!.healed, last()!.saved_s], [1, 0, 0]);
});
telling('takes a second uplink soon after the first for the same heal', async () => {
  const { clock, told, peerings, healer, cut } = make({ remotes: ['tcp://a:1', 'tcp://b:1'] });
  cut();
  await clock.advance(600_000);
  peerings[0]!.reachable = true;
  healer.uplinkBack('wan');
  await clock.advance(6000);
  peerings[1]!.reachable = true;
  healer.uplinkBack('wan6');
  await clock.advance(20_000);
  assert.is(told.length, 1);
  assert.equal([told[0]!.uplink, told[0]!.dialled, told[0]!.healed], ['wan', 2, 2]);
});
telling('counts only what is up now', async () => {
  const { clock, healer, cut, join, last } = make();
  cut();
  await clock.advance(600_000);
  join();
  healer.uplinkBack('wan');
  await clock.advance(10_000);
  assert.is(last()!.healed, 1);
  cut();
  await clock.advance(10_000);
  assert.is(last()!.healed, 0);
});

/** Cuts for a while and heals. @returns seconds that were said to be saved, and those that truly were. */
async function save(given: Given, cutForMs: number): Promise<{ said: number; true: number }> {
  const { clock, peerings, healer, cut, join, last } = make(given);
  await clock.advance(10_000);
  cut();
  await clock.advance(cutForMs);
  join();
  healer.uplinkBack('wan');
  await clock.advance(1999);
  const { dueMs } = peerings[0]!;
  await clock.advance(60_000);
  assert.ok(peerings[0]!.up);
  // it may have come up by itself just before
  return { said: last()?.saved_s ?? 0, true: Math.max(0, (dueMs - 12_000 - cutForMs) / 1000) };
}
telling('never says more than the truth', async () => {
  for (const [pollMs, mostMs] of [
    [2000, 150_000],
    [30_000, 2_000_000],
  ] as const)
    for (const dialMs of [0, 900, 5000, 14_000])
      for (const longestMs of [4_096_000, 90_000])
        for (let cutForMs = 7000; cutForMs < mostMs; cutForMs *= 1.57) {
          const more = { last_error: dialMs === 0 ? UNREACHABLE : 'i/o timeout' };
          const saved = await save({ pollMs, dialMs, longestMs, more }, Math.round(cutForMs));
          const what = `polled each ${pollMs}, dialling ${dialMs}, at most ${longestMs}, cut for ${cutForMs}`;
          assert.ok(saved.said <= saved.true, `~> ${what}: ${saved.said} of ${saved.true}`);
        }
});
telling('says nearly the truth after an outage that was watched', async () => {
  for (const [cutForMs, least] of [
    [100_000, 10],
    [600_000, 400],
    [1_300_000, 700],
  ] as const) {
    const saved = await save({ pollMs: 30_000 }, cutForMs);
    assert.ok(saved.said >= saved.true - 40, `~> ${saved.said} of ${saved.true}`);
    assert.ok(saved.said >= least, `~> ${saved.said}`);
  }
});
telling('follows the longest wait that is configured', async () => {
  const saved = await save({ longestMs: 300_000, pollMs: 30_000 }, 1_000_000);
  assert.ok(saved.said <= 300, `~> ${saved.said}`);
});
telling('remembers the failures of a bounded number of peers', async () => {
  const remotes = Array.from({ length: 600 }, (_, n) => `tcp://192.0.2.1:${n}`);
  const { clock, healer, cut, join, last } = make({ remotes });
  cut();
  await clock.advance(10_000);
  join();
  healer.uplinkBack('wan');
  await clock.advance(10_000);
  assert.is(last()!.healed, 32);
});
telling.run();
