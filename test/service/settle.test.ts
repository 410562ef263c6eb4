// The helper's program as root, in a root directory of its own: changes files, is killed at it, and settles at boot.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findProgram } from '../../src/dev/child.ts';
import { parseUci } from '../../src/lib/uci.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { read } from '../rules/source.ts';
import { CHANGES, CONFIG, contentOf, FILES, STATE } from '../support/change.ts';
import { NODE_SEED, OPERATOR, seal, wantBody } from '../support/signed.ts';
import type { RouterRoot } from './root.ts';
import { Router, routerProblem } from './router.ts';

const HELPER = '/usr/libexec/rpcd/meshbridge.helper';
const TRIES = 60;
/** The helper is killed within so many milliseconds of its start. */
const LATEST_MS = 900;

const MANAGED = FILES.meshbridge!.replace(
  "config meshbridge 'main'\n",
  (line) => `${line}\toption mqtt '1'\n\toption site 'hill'\n\toption manage_cap 'configure'\n`,
).replace(/option public .*/, `option public '${OPERATOR.public}'\n\toption scope 'configure'`);

/** The configuration of a router that is managed; nothing is on trial. */
function reset(root: RouterRoot): void {
  rmSync(root.path(STATE), { recursive: true, force: true });
  for (const [name, text] of Object.entries({ ...FILES, meshbridge: MANAGED }))
    root.write(`${CONFIG}/${name}`, text, 0o600);
  for (const name of readdirSync(root.path(CONFIG))) if (name.includes('~')) rmSync(root.path(`${CONFIG}/${name}`));
  root.write(`${STATE}/node.key`, `${NODE_SEED}\n`, 0o600);
}

function contents(root: RouterRoot): string {
  return JSON.stringify(Object.keys(FILES).map((name) => contentOf(root.read(`${CONFIG}/${name}`))));
}

const payload = (gen: number, changes = CHANGES): string =>
  JSON.stringify({ payload: decodeUtf8(seal('want', wantBody(gen, { changes }))), kind: 'want' });

function call(root: RouterRoot, verb: string, input: string): Record<string, unknown> {
  const { status, stdout, stderr } = root.run([HELPER, 'call', verb], { input });
  assert.is(status, 0, stderr);
  return JSON.parse(stdout);
}

/** Runs a verb and kills it after some milliseconds, unless it ends before. @returns whether it was killed. */
function killAfter(root: RouterRoot, args: readonly string[], input: string, ms: number): Promise<boolean> {
  const [program, ...argv] = root.command([HELPER, ...args]);
  const child = spawn(program!, argv, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  return new Promise((resolve) =>
    child.on('exit', (_, signal) => {
      clearTimeout(timer);
      resolve(signal === 'SIGKILL');
    }),
  );
}

/** What the real `uci` reads of a package, as `uci export` prints it; `undefined` where there is none on this machine. */
function exported(root: RouterRoot, name: string): string | undefined {
  if (!findProgram('uci')) return undefined;
  const { status, stdout } = spawnSync(
    'uci',
    ['-c', root.path(CONFIG), '-t', root.path('/tmp/deltas'), 'export', name],
    {
      encoding: 'utf8',
    },
  );
  assert.is(status, 0);
  return stdout.replace(/^package .*\n/, '');
}

const settle = suite('a change from afar, by the program itself');
const problem = await routerProblem();
if (problem) console.log(`skipped: a change from afar by the program itself: ${problem}`);
else {
  let router: Router;
  let root: RouterRoot;
  settle.before(async () => {
    router = await Router.open();
    root = router.root;
    root.write('/etc/rc.common', read('test/service/stub/rc.common'));
    // netifd, and whoever else is called, is told
    root.write('/bin/ubus', '#!/bin/sh\necho "$*" >> /tmp/asked\n', 0o755);
  });
  settle.after(() => router.close());

  settle('is made and kept', () => {
    reset(root);
    const applied = call(root, 'desired_apply', payload(1));
    assert.equal([applied.result, applied.changed], ['trial', ['meshbridge', 'network', 'wireless']]);
    assert.is(root.read('/tmp/asked'), '-t 5 call network reload\n');
    assert.is(root.read('/var/run/meshbridge/config'), root.read(`${CONFIG}/meshbridge`));
    assert.equal(root.entry(`${STATE}/trial.json`)?.mode, '100600');
    assert.equal(call(root, 'desired_confirm', JSON.stringify({ id: applied.id })), { rejected: [] });
    assert.equal(root.entry(`${STATE}/desired.json`)?.mode, '100600');
    assert.not.ok(root.entry(`${STATE}/trial.json`));
  });
  settle('is undone at boot by the init script', () => {
    reset(root);
    const before = contents(root);
    call(root, 'desired_apply', payload(1));
    assert.is.not(contents(root), before);
    const { status, stderr } = root.run(['sh', '/etc/rc.common', '/etc/init.d/meshbridge-settle', 'boot']);
    assert.equal([status, stderr], [0, 'meshbridge: a change from afar that nobody confirmed was undone\n']);
    assert.is(contents(root), before);
    assert.not.ok(root.entry(`${STATE}/trial.json`));
  });
  settle('is undone when the service is stopped', () => {
    reset(root);
    const before = contents(root);
    call(root, 'desired_apply', payload(1));
    assert.is(root.run(['sh', '/etc/rc.common', '/etc/init.d/meshbridge', 'stop']).status, 0);
    assert.is(contents(root), before);
  });
  settle('leaves old or new when the helper is killed at any moment', async () => {
    reset(root);
    const old = contents(root);
    const { id } = call(root, 'desired_apply', payload(1));
    call(root, 'desired_confirm', JSON.stringify({ id }));
    const changed = contents(root);
    let killed = 0;
    const states = new Set<string>();
    for (let i = 0; i < TRIES; i++) {
      reset(root);
      const ms = (LATEST_MS * ((i * 0.618) % 1)) | 0;
      let wasKilled = await killAfter(root, ['call', 'desired_apply'], payload(1), ms);
      states.add(`apply ${contents(root) === old ? 'old' : contents(root) === changed ? 'new' : 'between'}`);
      if (!wasKilled && i % 3 > 0) {
        const verb = i % 3 === 1 ? 'desired_confirm' : 'desired_undo';
        const args = i % 3 === 1 ? { id } : { id, why: 'unwell' };
        wasKilled = await killAfter(root, ['call', verb], JSON.stringify(args), ms % 150);
      }
      if (wasKilled) killed++;
      // and again while it settles
      await killAfter(root, ['settle'], '', (ms * 7) % 150);
      assert.is(root.run([HELPER, 'settle']).status, 0);
      const { node } = call(root, 'desired_read', '') as { node?: { st: string } };
      const now = contents(root);
      assert.is(now, node?.st === 'applied' ? changed : old, `~> killed after ${ms} ms, ${JSON.stringify(node)}`);
      assert.not.ok(root.entry(`${STATE}/trial.json`));
      assert.equal(
        readdirSync(root.path(CONFIG)).filter((name) => name.includes('~')),
        [],
      );
    }
    console.log(
      `measured: killed the helper ${killed} times in ${TRIES}, seen after it: ${[...states].sort().join(', ')}`,
    );
    assert.ok(killed > TRIES / 4, `~> ${killed}`);
  });

  if (!findProgram('uci')) console.log('skipped: what the real uci reads of a change: no `uci` on PATH');
  else {
    settle('reads to the real uci as it does to us', () => {
      reset(root);
      call(root, 'desired_apply', payload(1));
      for (const name of Object.keys(FILES)) {
        const text = root.read(`${CONFIG}/${name}`);
        assert.equal(contentOf(exported(root, name)!), contentOf(text), name);
        assert.ok(parseUci(text).sections.length > 0);
      }
    });
    settle('keeps what people commit meanwhile, and leaves alone what they have staged', () => {
      reset(root);
      const before = Object.fromEntries(
        Object.keys(FILES).map((name) => [name, contentOf(root.read(`${CONFIG}/${name}`))]),
      );
      const uci = (...args: string[]): void => {
        const own = ['-c', root.path(CONFIG), '-t', root.path('/tmp/.uci')];
        assert.is(spawnSync('uci', [...own, ...args], { encoding: 'utf8' }).status, 0);
      };
      mkdirSync(root.path('/tmp/.uci'), { recursive: true });
      call(root, 'desired_apply', payload(1));
      uci('set', 'wireless.mesh0.key=changed');
      uci('set', 'network.loopback.device=lo1');
      uci('commit', 'wireless');
      const staged = readFileSync(root.path('/tmp/.uci/network'), 'utf8');
      root.run([HELPER, 'settle']);
      assert.is(readFileSync(root.path('/tmp/.uci/network'), 'utf8'), staged);
      assert.equal(
        contentOf(root.read(`${CONFIG}/wireless`)),
        before.wireless!.map((line) => line.replace('"secret"', '"changed"')),
      );
      uci('commit', 'network');
      assert.equal(
        contentOf(root.read(`${CONFIG}/network`)),
        before.network!.map((line) => line.replace('"lo"', '"lo1"')),
      );
    });
    settle('is found again after commits of others at the same time', async () => {
      reset(root);
      const script = `i=0; while [ $i -lt 60 ]; do uci -c "$1" -t "$2" set wireless.mesh0.x$i=1; uci -c "$1" -t "$2" commit wireless; i=$((i+1)); done`;
      const deltas = root.path('/tmp/others');
      mkdirSync(deltas, { recursive: true });
      const others = spawn('sh', ['-c', script, 'sh', root.path(CONFIG), deltas], { stdio: 'ignore' });
      const ended = new Promise((resolve) => others.on('exit', resolve));
      const replies = [];
      for (let gen = 1; gen <= 5; gen++) {
        const changes = [{ set: 'wireless.radio0.channel', to: String(gen) }];
        const reply = call(root, 'desired_apply', payload(gen, changes));
        if (reply.id !== undefined)
          replies.push([gen, call(root, 'desired_confirm', JSON.stringify({ id: reply.id }))]);
        else assert.match(String(reply.error), /expected (it|its files) to rest|changed by somebody else/);
      }
      await ended;
      const last = replies.at(-1);
      assert.ok(last, '~> none was made at all');
      const channel = parseUci(root.read(`${CONFIG}/wireless`)).sections[0]!.options.get('channel')?.value;
      console.log(
        `measured: ${replies.length} of 5 changes made while another program committed 60 times, channel ${channel} at the end`,
      );
      assert.equal(last[1], { rejected: [] });
      assert.is(channel, String(last[0]));
    });
  }
}
settle.run();
