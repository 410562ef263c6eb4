// meshctl and a gateway: the real daemon with real tunnels and rules, a real mosquitto with passwords and an access list in between.

import { writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuditEntry, CaptainView, ClientView, ReportView } from '../../src/api/client-object.ts';
import { parseCsvLine } from '../../src/fleet/csv.ts';
import { until } from '../lab/internet/until.ts';
import { GatewayScene, homeOf, type SceneGateway, sceneProblem } from '../support/gateway-scene.ts';
import { nodeOf } from '../support/node-key.ts';

const MANY = 1000;
const [ANN, BOB, CAT] = [0, 1, 2].map((number) => homeOf(number).address) as [string, string, string];
/** Homes that never came. */
const strangers = Array.from({ length: MANY }, (_, n) => nodeOf(10_000 + n).address);

interface Context {
  scene: GatewayScene;
  boston: SceneGateway;
}

const reason = await sceneProblem();
if (reason !== undefined) console.log(`skipped: meshctl and a gateway: ${reason}`);

const desk = suite<Context>('meshctl and a gateway');
desk.before(async (context) => {
  context.scene = await GatewayScene.open(['boston'], { asks_for: ['name'], desk_tells: ['name', 'contact'] });
  context.boston = context.scene.gateway('boston');
});
desk.after(({ scene }) => scene?.close());

desk('is told what the gateway can be asked', async ({ scene }) => {
  const { joined, info } = await scene.it.json<{ joined: boolean; info: { ops: string[]; desk: string } }>(
    'enroll finish boston',
  );
  assert.ok(joined);
  for (const op of ['client_list', 'client_suspend', 'client_who']) assert.ok(info.ops.includes(op), op);
});
desk('sees who waits, and lets them in by their name, with limits', async ({ scene, boston }) => {
  const { it } = scene;
  const waiting = await boston.lease(0, { name: '=HYPERLINK("x") Ann \u001b[31m\u202e', site: 'elm-street' });
  assert.is(waiting.status, 202, JSON.stringify(waiting.json));
  await boston.lease(1, { name: 'Bob' });
  const { total, clients } = await it.json<{ total: number; clients: ClientView[] }>(
    'client list boston --state waiting',
  );
  assert.equal([total, clients.map(({ address }) => address)], [2, [ANN, BOB]]);
  const { out } = await it.run('client list boston', { terminal: { width: 120, isColoured: true } });
  assert.match(out, ANN);
  assert.not.ok(out.includes('\u202e') || out.includes('Ann \u001b[31m'));
  const done = await it.json<{ homes: number; entries: number[] }>(
    'client admit boston Bob --quota 2.5 --down 4000 --days 30',
  );
  assert.equal([done.homes, done.entries.length], [1, 1]);
  const granted = await boston.lease(1, { name: 'Bob' });
  assert.is(granted.status, 200, JSON.stringify(granted.json));
  const { client } = await it.json<{ client: ClientView }>(['client', 'show', 'boston', BOB]);
  assert.equal(
    [client.state, client.limits, client.standing],
    ['active', { quota_mb: 2500, down_kbits: 4000 }, 'admitted'],
  );
  const shown = await it.run(['client', 'show', 'boston', BOB.slice(0, 12)]);
  for (const word of ['2.5 GB a month', '4000 kbit/s down', 'admit  by key otto']) assert.match(shown.out, word);
});
desk('says so in the log, by whose key', async ({ scene }) => {
  const { entries } = await scene.it.json<{ entries: AuditEntry[] }>('gateway audit boston');
  assert.equal([entries[0]!.did, entries[0]!.by, entries[0]!.clients[0]!.address], ['admit', 'key otto', BOB]);
});
desk('turns one off with a reason that it reads at once, and takes that back', async ({ scene, boston }) => {
  const { it } = scene;
  const without = await it.run('client suspend boston Bob');
  assert.equal([without.code, /--reason: missing/.test(without.err)], [2, true]);
  const { entries } = await it.json<{ entries: number[] }>([
    'client',
    'suspend',
    'boston',
    'Bob',
    '--reason',
    'not paid',
  ]);
  assert.equal((await boston.asHome(1, 'GET', '/v1/lease')).json, {
    error: 'suspended',
    reason: 'not paid',
    retry_after_s: 60,
  });
  await it.json(`client undo boston ${entries[0]}`);
  assert.is((await boston.asHome(1, 'GET', '/v1/lease')).status, 200);
});
desk('exports what it lists as CSV, in which nothing is a formula, and takes such a file', async ({ scene }) => {
  const { it } = scene;
  const { out, code } = await it.run('client csv boston');
  assert.is(code, 0);
  const [head, ...lines] = out.trim().split('\n').map(parseCsvLine);
  const name = head!.indexOf('name');
  const ann = lines.find(([address]) => address === ANN)!;
  assert.match(ann[name]!, /^'=HYPERLINK/);
  assert.is(ann.length, head!.length);
  assert.not.ok(out.includes('\u001b') || out.includes('\u202e'));
  const file = it.file('homes.csv', out);
  const refused = await it.run(['client', 'refuse', 'boston', '--file', file, '--reason', 'x'], { answers: ['no'] });
  assert.equal([refused.code, /nothing was done/.test(refused.err)], [2, true]);
  const { homes } = await it.json<{ homes: number }>(['client', 'forget', 'boston', '--file', file, '--yes']);
  assert.is(homes, 2);
});
desk('decides on a thousand homes of a file, and lists, filters and undoes them', async ({ scene }) => {
  const { it } = scene;
  const file = it.file('many', `# homes of spring\n${strangers.join('\n')}\n`);
  const startMs = performance.now();
  const { homes, entries } = await it.json<{ homes: number; entries: number[] }>([
    'client',
    'suspend',
    'boston',
    '--file',
    file,
    '--reason',
    'spring',
    '--yes',
  ]);
  const doneMs = performance.now();
  assert.is(homes, MANY);
  const { total, clients } = await it.json<{ total: number; clients: ClientView[] }>(
    'client list boston --state suspended',
  );
  console.log(
    `measured: ${MANY} homes suspended by MQTT in ${((doneMs - startMs) / 1000).toFixed(1)} s, listed in ${((performance.now() - doneMs) / 1000).toFixed(1)} s`,
  );
  assert.is(total, MANY);
  assert.equal(new Set(clients.map(({ address }) => address)), new Set(strangers));
  const one = await it.json<{ total: number }>(['client', 'list', 'boston', '--search', strangers[7]!]);
  assert.is(one.total, 1);
  await it.json(['client', 'undo', 'boston', ...entries.map(String)]);
  assert.is((await it.json<{ total: number }>('client list boston --state suspended')).total, 0);
});
desk('does something to all in two steps, and not without a yes', async ({ scene, boston }) => {
  const { it } = scene;
  await it.json(['client', 'admit', 'boston', ANN, BOB]);
  for (const home of [0, 1]) assert.is((await boston.lease(home, { name: 'x' })).status, 200);
  const no = await it.run('client all boston suspend --reason works', { answers: ['no'] });
  assert.equal([no.code, /2 homes would be turned off/.test(no.err)], [2, true], no.err);
  assert.is((await boston.asHome(0, 'GET', '/v1/lease')).status, 200);
  const { homes, entry } = await it.json<{ homes: number; entry: number }>('client all boston suspend --reason works', {
    answers: ['yes'],
  });
  assert.is(homes, 2);
  assert.equal((await boston.asHome(0, 'GET', '/v1/lease')).json.reason, 'works');
  await it.json(`client undo boston ${entry}`);
  assert.is((await boston.asHome(0, 'GET', '/v1/lease')).status, 200);
});
desk('makes an invite of which gateway and broker know a hash alone', async ({ scene, boston }) => {
  const { it } = scene;
  const { code, gateways } = await it.json<{ code: string; gateways: { id: string }[] }>(
    'invite make boston --uses 2 --access-days 7 --quota 1 --note spring',
  );
  assert.match(code, /^([a-z2-7]{4}-){3}[a-z2-7]{4}$/);
  assert.not.ok(boston.daemon.lines.some((line) => line.includes(code)));
  const { status } = await boston.lease(2, { name: 'Cat', invite: code });
  assert.is(status, 200);
  const { invites } = await it.json<{ invites: { id: string; used: number; left: number; note: string }[] }>(
    'invite list boston',
  );
  assert.equal(
    invites.map(({ id, used, left, note }) => [id, used, left, note]),
    [[gateways[0]!.id, 1, 1, 'spring']],
  );
  // by the code itself
  await it.json(`invite revoke boston ${code}`);
  assert.is((await boston.lease(3, { name: 'Dan', invite: code })).status, 202);
});
desk('shows the gateway in short, and drains it', async ({ scene, boston }) => {
  const { it } = scene;
  const { out, code } = await it.run('gateway summary boston');
  assert.equal([code, /homes +3 of 2000 active/.test(out), /waiting +1 home/.test(out)], [0, true, true], out);
  await it.json(['gateway', 'drain', 'boston', '15m', '--reason', 'a new disk']);
  const { drain } = (await boston.asHome(0, 'GET', '/v1/lease')).json as { drain: { in_s: number; reason: string } };
  assert.equal([drain.in_s > 880, drain.reason], [true, 'a new disk']);
  await it.json('gateway undrain boston');
});
desk('takes what a captain signs in the mesh, lists it, and decides', async ({ scene, boston }) => {
  const { it } = scene;
  const { public: key } = await it.json<{ public: string }>('keys new cleo --scope observe');
  await boston.asHome(2, 'DELETE', '/v1/lease');
  assert.is((await boston.lease(2, { name: 'Cat', captain_key: key })).status, 200);
  const by = ['--key', 'cleo', '--json'];
  const words = [
    'report',
    'send',
    boston.node.key,
    CAT,
    '--reason',
    'sends\u001b[2J spam',
    '--contact',
    'cleo@example.org',
  ];
  const sent = await scene.meshctl(boston, [...words, ...by]);
  assert.is(sent.code, 0, sent.stderr + sent.stdout);
  const stranger = await scene.meshctl(boston, ['report', 'send', boston.node.key, ANN, '--reason', 'x', ...by]);
  assert.equal([stranger.code, /no home here names this key/.test(stranger.stderr)], [1, true], stranger.stderr);
  const { reports } = await it.json<{ reports: ReportView[] }>('report list boston --key otto');
  assert.equal(
    reports.map(({ address, captain_key, contact, state }) => [address, captain_key, contact, state]),
    [[CAT, key, 'cleo@example.org', 'open']],
  );
  const { out } = await it.run('report list boston --key otto', { terminal: { width: 120, isColoured: true } });
  assert.not.match(out, '\u001b[2J');
  await it.json(['report', 'decide', 'boston', String(reports[0]!.id), 'uphold', '--note', 'stop it', '--key', 'otto']);
  const { report } = (await boston.asHome(2, 'GET', '/v1/lease')).json as { report: { state: string; note: string } };
  assert.equal([report.state, report.note], ['upheld', 'stop it']);
});
desk('lets a captain whom the operator named vouch for homes, and no other', async ({ scene, boston }) => {
  const { it } = scene;
  const home = homeOf(4);
  const by = ['--key', 'cleo', '--json'];
  const before = await scene.meshctl(boston, ['vouch', boston.address, home.address, ...by]);
  assert.equal([before.code, /no captain who may vouch/.test(before.stderr)], [1, true], before.stderr);
  await it.json(['gateway', 'captain', 'boston', 'cleo', '--name', 'Cleo', '--max-homes', '1', '--key', 'otto']);
  const after = await scene.meshctl(boston, [
    'vouch',
    boston.address,
    home.address,
    homeOf(5).address,
    '--days',
    '9',
    ...by,
  ]);
  assert.equal([after.code, /1 of 2 homes did not get in/.test(after.stderr)], [1, true], after.stderr + after.stdout);
  assert.is((await boston.lease(4, { name: 'Eve' })).status, 200);
  const { captains } = await it.json<{ captains: CaptainView[] }>('gateway captain boston --key otto');
  assert.equal(
    captains.map(({ name, homes, max_homes, upheld }) => [name, homes, max_homes, upheld]),
    [['Cleo', 1, 1, 1]],
  );
});
desk('answers who had an inner address', async ({ scene, boston }) => {
  const { terms } = (await boston.asHome(0, 'GET', '/v1/lease')).json as { terms: { home4: string } };
  const { leases } = await scene.it.json<{ leases: { address: string }[] }>([
    'gateway',
    'who',
    'boston',
    '--address4',
    terms.home4,
    '--key',
    'otto',
  ]);
  assert.equal(
    leases.map(({ address }) => address),
    [ANN],
  );
});
desk(
  'is refused by who has another key, and where the operator of the gateway lets no key',
  async ({ scene, boston }) => {
    const { it } = scene;
    const observer = await it.run('client list boston --key cleo --wait 10');
    assert.is.not(observer.code, 0);
    await boston.daemon.stop();
    await scene.start(boston, { asks_for: ['name'], desk_cap: 'none' });
    const { code, err } = await it.run('client list boston --key otto');
    assert.is(code, 1);
    assert.match(err, /unknown-op|lets no key decide/);
  },
);
desk('asks the daemon of the machine itself, too, without any broker', async ({ scene, boston }) => {
  const { it } = scene;
  const program = it.path('meshbridge-here');
  // what `meshbridge` is on a gateway: it finds its configuration by itself
  writeFileSync(program, `#!/bin/sh\nexec ${boston.daemon.command.join(' ')} "$@"\n`, { mode: 0o755 });
  const env = { MESHBRIDGE: program };
  const { total } = await it.json<{ total: number }>('client list here --state active', { env });
  assert.is(total, 4);
  await it.json(['client', 'suspend', 'here', ANN, '--reason', "it's off"], { env });
  assert.is((await boston.asHome(0, 'GET', '/v1/lease')).json.reason, "it's off");
  // by ssh, whose other end is a shell
  const ssh = it.path('ssh');
  writeFileSync(
    ssh,
    `#!/bin/sh\n[ "$1" = -- ] || exit 9\n[ "$2" = root@boston ] || exit 8\nmeshbridge() { ${program} "$@"; }\neval "$3"\n`,
    { mode: 0o755 },
  );
  const { PATH } = process.env;
  process.env.PATH = `${it.path('.')}:${PATH}`;
  try {
    const reason = '$(touch /tmp/x) \'quoted\' "twice" `y`';
    await it.json(['client', 'suspend', 'ssh:root@boston', BOB, '--reason', reason]);
    assert.is((await boston.asHome(1, 'GET', '/v1/lease')).json.reason, reason);
    for (const host of ['ssh:-oProxyCommand=x', 'ssh:', 'ssh:a b'])
      assert.is((await it.run(['client', 'list', host])).code, 2, host);
  } finally {
    process.env.PATH = PATH;
  }
});
desk('keeps what was decided when it is killed, and goes on', async ({ scene, boston }) => {
  await boston.daemon.kill();
  await scene.start(boston, { asks_for: ['name'] });
  await until('it answers', async () => (await scene.it.run('client list boston --key otto')).code === 0);
  const { clients } = await scene.it.json<{ clients: ClientView[] }>('client list boston --state suspended --key otto');
  assert.equal(clients.map(({ address }) => address).sort(), [ANN, BOB].sort());
});
if (reason === undefined) {
  desk.run();
}
