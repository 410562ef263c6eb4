import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HelperVerb } from '../../src/api/helper.ts';
import { BusyError, errorText, InputError, LinkDownError, TimeoutError } from '../../src/errors.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { openWant, type Trust, verifyWant } from '../../src/lib/want.ts';
import { SILENT } from '../../src/log.ts';
import { type DesiredClock, DesiredDesk } from '../../src/mesh/desired.ts';
import type { ChangeEnd, DesiredRoot } from '../../src/mesh/probation.ts';
import { desiredRoot } from '../../src/system/desired-root.ts';
import type { HelperArguments, HelperCaller, HelperReply } from '../../src/system/helper.ts';
import { answer, ROUTER } from '../../src/verb.ts';
import { settle } from '../support/clock.ts';
import { MemoryRouter } from '../support/router.ts';
import { NODE, NODE_SEED, OPERATOR, SECOND, SITE, STRANGER, seal, wantBody } from '../support/signed.ts';

const OWN = '/etc/config/meshbridge';
const WIRELESS = '/etc/config/wireless';
const CONFIG = `config meshbridge 'main'
	option mqtt '1'
	option site '${SITE}'
	option manage_cap 'configure'

config key 'operator'
	option public '${OPERATOR.public}'
	option scope 'configure'

config key 'second'
	option public '${SECOND.public}'
	option scope 'operate'
`;
const RADIO = "config wifi-device 'radio0'\n\toption channel '1'\n";
const TRUST: Trust = {
  keys: [
    { public: OPERATOR.public, mayConfigure: true },
    { public: SECOND.public, mayConfigure: false },
  ],
  node: NODE,
  site: SITE,
};

const STEP_MS = 500;

/** A desk over the helper's own code, on a router in memory. */
class Bench {
  readonly router: MemoryRouter;
  readonly haves: Record<string, unknown>[] = [];
  /** Verbs that change something. */
  readonly asked: string[] = [];
  heard = true;
  alive = ['ygg0 a'];
  trusted = true;
  /** Thrown instead of an answer, or after it. */
  before: ((verb: string) => Error | undefined) | undefined;
  after: ((verb: string) => Error | undefined) | undefined;
  desk: DesiredDesk;

  constructor(router = new MemoryRouter().write(OWN, CONFIG).write(WIRELESS, RADIO)) {
    this.router = router;
    router.write('/etc/meshbridge/node.key', `${NODE_SEED}\n`);
    router.program = () => ({ code: 0 });
    this.desk = this.start();
  }

  /** A new daemon. */
  start(): DesiredDesk {
    const { clock, crypto } = this.router;
    const time: DesiredClock = {
      monotonicMs: () => clock.monotonicMs(),
      unixMs: () => clock.unixMs(),
      after: (ms, callback) => clock.after(ms, callback),
      isTrusted: () => this.trusted,
    };
    this.desk = new DesiredDesk({
      sid: 'session',
      root: this.root(),
      effects: {
        reload: () => {},
        changePeers: async () => {},
        alivePeers: async () => this.alive,
        isHeard: async () => this.heard,
      },
      gate: {
        open: (payload) => openWant(payload, TRUST),
        verify: (signed) => verifyWant(signed, TRUST, crypto.ed25519Verify),
      },
      clock: time,
      log: SILENT,
      sendHave: (body) => this.haves.push(JSON.parse(body)),
    });
    this.desk.start();
    return this.desk;
  }

  want(gen: number, more: object = {}, signers = [OPERATOR]): void {
    const body = wantBody(gen, { changes: [{ set: 'meshbridge.main.poll_idle', to: String(100 + gen) }], ...more });
    this.desk.take(seal('want', body, signers), 'aud' in more ? 'site' : 'node');
  }

  /** Lets time pass, in steps: what a helper does takes more turns than one step of the clock waits for. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; ; left -= STEP_MS) {
      for (let turn = 0; turn < 5; turn++) await settle();
      if (left <= 0) break;
      await this.router.clock.advance(Math.min(STEP_MS, left));
    }
  }

  /** What is told last, without what is always there. */
  get have(): Record<string, unknown> {
    const { sid: _, hash: __, t: ___, ...rest } = this.haves.at(-1) ?? {};
    return rest;
  }

  private root(): DesiredRoot {
    const call = async <V extends HelperVerb>(verb: V, args: HelperArguments<V>): Promise<HelperReply<V>> => {
      const { router } = this;
      if (verb !== 'desired_read') this.asked.push(verb.replace('desired_', ''));
      const early = this.before?.(verb);
      if (early) throw early;
      const reply = (await answer({ machine: router, ...ROUTER }, verb, JSON.stringify(args))) as Record<
        string,
        string
      >;
      const late = this.after?.(verb);
      if (late) throw late;
      if ('error' in reply) throw reply.field ? new InputError(reply.error!, reply.field) : new Error(reply.error);
      return reply as HelperReply<V>;
    };
    return desiredRoot({ call } as HelperCaller);
  }
}

const wants = suite('DesiredDesk');
wants('says that there is nothing', async () => {
  const bench = new Bench();
  await bench.pass(0);
  assert.equal(bench.have, { st: 'none' });
  assert.equal(bench.haves[0], { sid: 'session', hash: bench.haves[0]!.hash, st: 'none', t: 1_800_000_000 });
  assert.match(bench.haves[0]!.hash as string, /^[0-9a-f]{16}$/);
  assert.is(bench.router.clock.pending, 0);
});
wants('makes what is wanted, tells of it, and writes no more', async () => {
  const bench = new Bench();
  bench.want(1);
  await bench.pass(1000);
  assert.equal(bench.have, { st: 'pending' });
  await bench.pass(60_000);
  assert.equal(bench.have, { node_gen: 1, node_st: 'applied', st: 'applied' });
  assert.match(bench.router.text(OWN), "poll_idle '101'");
  assert.equal(bench.asked, ['apply', 'confirm']);
  const { length } = bench.router.files.writes;
  for (let i = 0; i < 10; i++) {
    bench.want(1);
    bench.desk.brokerUp();
    await bench.pass(60_000);
  }
  assert.is(bench.router.files.writes.length, length, '~> a retained message comes with each connection');
});
wants('rolls back in time, and does not try that again, neither does the next daemon', async () => {
  const bench = new Bench();
  bench.heard = false;
  const before = bench.router.text(WIRELESS);
  const startedMs = bench.router.clock.monotonicMs();
  bench.want(1, { changes: [{ set: 'wireless.radio0.disabled', to: '1' }] });
  await bench.pass(1000);
  assert.match(bench.router.text(WIRELESS), "disabled '1'");
  let tookMs = 0;
  for (; bench.router.text(WIRELESS) !== before; tookMs = bench.router.clock.monotonicMs() - startedMs)
    await bench.pass(100);
  console.log(`measured: rolled back ${tookMs / 1000} s after the message came, without a broker (target: 120 s)`);
  assert.ok(tookMs > 60_000 && tookMs <= 120_000, `~> ${tookMs}`);
  await bench.pass(1000);
  const error = 'no broker answered after the change';
  assert.equal(bench.have, { node_gen: 1, node_st: 'rolled-back', st: 'rolled-back', error });
  bench.heard = true;
  bench.want(1);
  await bench.pass(200_000);
  bench.desk.stop();
  bench.start();
  bench.want(1);
  await bench.pass(200_000);
  assert.is(bench.router.text(WIRELESS), before);
  assert.equal(bench.asked, ['apply', 'undo']);
  bench.want(2);
  await bench.pass(60_000);
  assert.equal(bench.have, { node_gen: 2, node_st: 'applied', st: 'applied' });
});
wants('takes the site before the node, and the newest of each', async () => {
  const bench = new Bench();
  const site = { aud: { site: SITE }, changes: [{ set: 'meshbridge.main.poll_idle', to: '300' }] };
  bench.want(3);
  await bench.pass(10);
  // the first is on trial by now
  bench.want(4);
  bench.want(5);
  bench.want(1, site);
  await bench.pass(60_000);
  assert.match(bench.router.text(OWN), "poll_idle '105'");
  assert.equal(bench.have, { node_gen: 5, node_st: 'applied', site_gen: 1, site_st: 'applied', st: 'applied' });
  const { node, site: own } = JSON.parse(bench.router.text('/etc/meshbridge/desired.json'));
  assert.equal([node.gen, own.gen], [5, 1]);
});
wants('names what it rejects', async () => {
  const bench = new Bench();
  bench.want(1, {
    changes: [
      { set: 'meshbridge.main.manage_cap', to: 'configure' },
      { set: 'wireless.radio7.channel', to: '1' },
      { set: 'meshbridge.main.probe', to: '0' },
    ],
  });
  await bench.pass(60_000);
  assert.equal(bench.have, {
    node_gen: 1,
    node_st: 'applied',
    st: 'applied',
    rejected: [
      { path: 'meshbridge.main.manage_cap', reason: 'not on the list of what may be changed from afar' },
      { path: 'wireless.radio7.channel', reason: 'section radio7: this router has none' },
    ],
  });
  bench.want(2, { changes: [{ set: 'wireless.radio7.channel', to: '1' }] });
  await bench.pass(60_000);
  assert.is(bench.have.st, 'rejected');
});
wants('refuses what it should, and counts it', async () => {
  const bench = new Bench();
  bench.want(5);
  await bench.pass(60_000);
  bench.asked.length = 0;
  bench.desk.take(new Uint8Array(20_000), 'node');
  bench.desk.take(new Uint8Array(3), 'node');
  bench.want(9, {}, [STRANGER]);
  bench.want(4);
  bench.desk.take(seal('want', wantBody(9)), 'site');
  bench.desk.take(seal('want', wantBody(9, { aud: { node: 'abcdefghijklm' } })), 'node');
  await bench.pass(60_000);
  assert.equal(bench.asked, []);
  assert.equal(Object.fromEntries(bench.desk.refused), {
    oversize: 1,
    malformed: 1,
    'unknown-key': 1,
    generation: 1,
    audience: 2,
  });
  assert.equal(
    bench.have,
    { node_gen: 5, node_st: 'applied', st: 'applied' },
    '~> whoever did not sign is not answered',
  );
});
wants('answers a key that may not configure', async () => {
  const bench = new Bench();
  await bench.pass(0);
  bench.want(1, {}, [SECOND]);
  await bench.pass(10);
  assert.equal(bench.have, {
    st: 'rejected',
    error: 'scope: the owner of this router lets none of these keys configure it',
  });
  bench.want(1);
  await bench.pass(60_000);
  assert.equal(bench.have, { node_gen: 1, node_st: 'applied', st: 'applied' });
});
wants('checks a few signatures a second', async () => {
  const bench = new Bench();
  await bench.pass(0);
  for (let gen = 1; gen <= 10; gen++) {
    const text = decodeUtf8(seal('want', wantBody(gen)));
    const forged = text.replace('"debug"', '"error"');
    bench.desk.take(new Uint8Array([...forged].map((c) => c.charCodeAt(0))), 'node');
  }
  assert.equal(Object.fromEntries(bench.desk.refused), { signature: 4, busy: 6 });
  await bench.pass(1000);
  bench.want(1);
  await bench.pass(60_000);
  assert.is(bench.have.st, 'applied');
});
wants('does nothing whose time is over, and waits for what is to come', async () => {
  const bench = new Bench();
  const nowS = Math.floor(bench.router.clock.unixMs() / 1000);
  bench.want(1, { exp: nowS - 1 });
  await bench.pass(1000);
  assert.equal(bench.have, { st: 'rejected', error: `exp: expected a time to come, got ${nowS - 1}` });
  bench.want(2, { not_before: nowS + 3600, exp: nowS + 7200 });
  await bench.pass(3_500_000);
  assert.equal([bench.asked, bench.have.st], [[], 'pending']);
  await bench.pass(200_000);
  assert.equal(bench.have, { node_gen: 2, node_st: 'applied', st: 'applied' });
  bench.want(1);
  assert.is(bench.desk.refused.get('generation'), 1);
});
wants('does not go back behind what was signed once, though its time was over', async () => {
  const bench = new Bench();
  await bench.pass(0);
  bench.want(9, { exp: 1 });
  await bench.pass(1000);
  bench.want(8);
  await bench.pass(60_000);
  assert.equal([bench.asked, bench.desk.refused.get('generation')], [[], 1]);
});
wants('judges no time by a clock that is not trusted', async () => {
  const bench = new Bench();
  bench.trusted = false;
  bench.want(1, { exp: 1 });
  await bench.pass(60_000);
  assert.equal(bench.have, { node_gen: 1, node_st: 'applied', st: 'applied' });
  assert.not('t' in bench.haves.at(-1)!);
  const nowS = Math.floor(bench.router.clock.unixMs() / 1000);
  bench.want(2, { not_before: nowS - 10 });
  await bench.pass(300_000);
  assert.is(bench.have.st, 'pending');
  bench.trusted = true;
  await bench.pass(120_000);
  assert.equal([bench.have.node_gen, bench.have.st], [2, 'applied']);
});
wants.run();

// ---

const restart = suite('DesiredDesk after a restart of the daemon');
restart('goes on with the trial that it finds', async () => {
  for (const [heard, st] of [
    [true, 'applied'],
    [false, 'rolled-back'],
  ] as const) {
    const bench = new Bench();
    bench.heard = false;
    bench.want(1);
    await bench.pass(30_000);
    bench.desk.stop();
    await bench.pass(5000);
    bench.heard = heard;
    bench.start();
    await bench.pass(0);
    assert.is(bench.have.st, 'pending');
    await bench.pass(120_000);
    assert.is(bench.have.st, st);
    assert.is(bench.router.text(OWN).includes('poll_idle'), heard);
  }
});
restart('undoes what it finds after a boot', async () => {
  const bench = new Bench();
  bench.heard = false;
  bench.want(1);
  await bench.pass(5000);
  bench.desk.stop();
  bench.router.write('/proc/sys/kernel/random/boot_id', 'another\n');
  bench.start();
  await bench.pass(1000);
  assert.equal([bench.asked, bench.have.st], [['apply', 'undo'], 'rolled-back']);
});
restart('tries again for a helper that does not answer', async () => {
  const bench = new Bench();
  let missing = true;
  bench.before = () => (missing ? new LinkDownError('meshbridge.helper: not on ubus') : undefined);
  bench.want(1);
  await bench.pass(100_000);
  assert.equal(bench.have, { st: 'pending', error: 'meshbridge.helper: not on ubus' });
  missing = false;
  await bench.pass(200_000);
  assert.equal(bench.have, { node_gen: 1, node_st: 'applied', st: 'applied' });
});
restart('undoes what was made by a helper whose answer was lost', async () => {
  const bench = new Bench();
  let lost = 1;
  bench.after = (verb) =>
    verb === 'desired_apply' && lost-- > 0 ? new TimeoutError('ended without a reply') : undefined;
  bench.want(1);
  await bench.pass(60_000);
  assert.equal(bench.asked, ['apply', 'undo']);
  const error = 'what made the change was interrupted';
  assert.equal(bench.have, { node_gen: 1, node_st: 'rolled-back', st: 'rolled-back', error });
  assert.not.match(bench.router.text(OWN), 'poll_idle');
});
restart('makes a change later that the helper never heard of', async () => {
  const bench = new Bench();
  await bench.pass(0);
  let lost = 1;
  bench.before = (verb) => (verb === 'desired_apply' && lost-- > 0 ? new TimeoutError('no answer') : undefined);
  bench.want(1);
  await bench.pass(1000);
  assert.equal(bench.have, { st: 'pending', error: 'no answer' });
  await bench.pass(60_000);
  assert.equal(bench.have, { node_gen: 1, node_st: 'applied', st: 'applied' });
});
restart('says what root refuses', async () => {
  const bench = new Bench();
  await bench.pass(0);
  bench.router.write(OWN, CONFIG.replace("manage_cap 'configure'", "manage_cap 'observe'"));
  bench.want(1);
  await bench.pass(60_000);
  assert.equal(bench.have, {
    st: 'rejected',
    error: 'scope: the owner of this router lets none of these keys configure it',
  });
});
restart.run();

// ---

const commands = suite('DesiredDesk set');
const command = (ctr: number, to: string): string =>
  decodeUtf8(
    seal('cmd', {
      cid: `c${ctr}`,
      op: 'config_set',
      args: { changes: [{ set: 'wireless.radio0.channel', to }], confirm_s: 60 },
      aud: { node: NODE, sid: 'session' },
      ctr,
    }),
  );
/** The end of a change, once there is one. */
function change(bench: Bench, text: string): { end?: ChangeEnd; error?: string } {
  const seen: { end?: ChangeEnd; error?: string } = {};
  bench.desk.set(text).then(
    (end) => {
      seen.end = end;
    },
    (error) => {
      seen.error = errorText(error);
    },
  );
  return seen;
}
commands('makes the changes of a command, and ends when they are kept', async () => {
  const bench = new Bench();
  const seen = change(bench, command(1, '6'));
  await bench.pass(1000);
  assert.equal([seen, bench.have.st], [{}, 'pending']);
  await bench.pass(60_000);
  assert.equal(seen.end, { st: 'applied', rejected: [] });
  assert.match(bench.router.text(WIRELESS), "channel '6'");
  assert.equal(bench.have, { st: 'none' });
});
commands('ends when they are undone, and takes nothing twice', async () => {
  const bench = new Bench();
  bench.heard = false;
  const seen = change(bench, command(1, '6'));
  await bench.pass(60_000);
  assert.equal(seen.end, { st: 'rolled-back', rejected: [], error: 'no broker answered after the change' });
  const again = change(bench, command(1, '6'));
  await bench.pass(60_000);
  assert.equal(again.end, { st: 'rejected', rejected: [], error: 'ctr: expected more than 1, got 1' });
});
commands('waits for nobody', async () => {
  const bench = new Bench();
  const first = change(bench, command(1, '6'));
  const second = change(bench, command(2, '7'));
  await bench.pass(60_000);
  assert.is(first.end?.st, 'applied');
  assert.is(second.error, new BusyError('another change is on trial').message);
  bench.want(1);
  await bench.pass(1000);
  const third = change(bench, command(3, '7'));
  await bench.pass(0);
  assert.is(third.error, 'another change is on trial');
});
commands('tells what was interrupted', async () => {
  const bench = new Bench();
  bench.after = (verb) => (verb === 'desired_apply' ? new TimeoutError('ended without a reply') : undefined);
  const seen = change(bench, command(1, '6'));
  await bench.pass(60_000);
  assert.equal(seen.end, { st: 'rejected', rejected: [], error: 'ended without a reply' });
  assert.match(bench.router.text(WIRELESS), "channel '1'");
});
commands.run();

// ---

const options = suite('DesiredDesk get');
options('tells the options that may be changed, and what is not set', async () => {
  const { desk } = new Bench();
  assert.equal(await desk.get(), { values: { 'wireless.radio0.channel': '1' } });
  assert.equal(await desk.get(['meshbridge.main.probe', 'wireless.radio0.channel']), {
    values: { 'meshbridge.main.probe': null, 'wireless.radio0.channel': '1' },
  });
  assert.equal(await desk.get([]), { values: {} });
});
options('tells no other', async () => {
  const { desk } = new Bench();
  for (const path of ['network.ygg0.private_key', 'meshbridge.fleet.password', 'wireless.mesh0.key', '']) {
    let told: unknown;
    await desk.get([path]).catch((error) => {
      told = error;
    });
    assert.instance(told, InputError, path);
  }
});
options.run();
