import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crypto } from '../../src/fleet/crypto.ts';
import { clean } from '../../src/fleet/display.ts';
import { makeCard, openCode, passwordOf, saltOf } from '../../src/lib/enrolment.ts';
import { Operator } from '../support/meshctl.ts';
import { freePort, Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { PlayedNode } from '../support/played-node.ts';

const reason = await whyNoMosquitto();
if (reason !== undefined) console.log(`skipped: meshctl at a real broker: ${reason}`);

interface Fleet {
  broker: Mosquitto;
  it: Operator;
  anna: PlayedNode;
  bert: PlayedNode;
  key: string;
  /** What anna and bert say that their options are. */
  options: Record<string, string | string[] | null>;
}

/** Lets an operator enrol a router as people do, and the router come in with the password of its own making. */
async function enroll({ it, broker }: Pick<Fleet, 'it' | 'broker'>, node: PlayedNode): Promise<string> {
  const card = makeCard(crypto, node.seed, new Uint8Array(randomBytes(12)));
  const made = await it.json<{ code: string }>(['enroll', 'new', card, '--site', node.site, '--name', node.name]);
  await it.json(`enroll acl --write ${broker.path('acl')}`);
  await it.json(`enroll passwords --write ${broker.path('passwords')}`);
  broker.reload();
  return passwordOf(crypto, node.seed, saltOf(openCode(crypto, made.code))!);
}

const fleet = suite<Fleet>('meshctl at a real broker');
fleet.before(async (context) => {
  context.it = new Operator();
  const { it } = context;
  context.broker = await Mosquitto.start({
    config: ['acl_file acl', 'password_file passwords', 'allow_anonymous false'],
    files: { acl: '', passwords: '' },
  });
  const { broker } = context;
  const url = `mqtt://127.0.0.1:${broker.port()}`;
  const password = it.file('password', 'of the operator\n');
  await it.json([
    'broker',
    'set',
    '--url',
    url,
    '--node-url',
    'mqtt://[200:db8::1]',
    '--user',
    'operator',
    '--password-file',
    password,
  ]);
  context.key = (await it.json<{ public: string }>('keys new otto --scope configure')).public;
  await it.json(`enroll passwords --write ${broker.path('passwords')} --add operator`, {
    env: { MESHCTL_NEW_PASSWORD: 'of the operator' },
  });
  context.options = {};
  context.anna = new PlayedNode('anna', 'elm-street');
  context.bert = new PlayedNode('bert', 'elm-street');
  context.anna.more = { name: 'Anna \u001b[31m\u202e家' };
  const passwords = [await enroll(context, context.anna), await enroll(context, context.bert)];
  for (const [at, node] of [context.anna, context.bert].entries())
    await node.join(
      broker,
      [context.key],
      ({ op, args }) => {
        if (op === 'ping')
          return [
            { st: 'accepted' },
            { st: 'running', out: { sent: 1 } },
            { st: 'done', out: { rtt_ms: 12, args: args ?? null } },
          ];
        if (op === 'client_list' || op === 'client_audit')
          return [
            { st: 'running', part: 2, out: { clients: [3] } },
            { st: 'running', part: 1, out: { clients: [1, 2] } },
            { st: 'running', part: 1, out: { clients: ['once more'] } },
            { st: 'done', parts: op === 'client_list' ? 2 : 3, out: { total: 3 } },
          ];
        if (op === 'config_get') return [{ st: 'done', out: { values: { ...context.options } } }];
        if (op === 'lease_status')
          return [{ st: 'done', out: { state: 'up', sentence: 'All is \u202ewell.', fix: '' } }];
        if (op === 'lease_test_status')
          return [
            { st: 'done', out: { running: false, steps: [{ id: 'dns', state: 'good', sentence: 'Names work.' }] } },
          ];
        if (op.startsWith('lease_')) return [{ st: 'done', out: { message: `${op} ${JSON.stringify(args ?? null)}` } }];
        return op === 'reload'
          ? [{ st: 'rejected', code: 'scope', error: 'scope: expected operate, got observe' }]
          : [{ st: 'done' }];
      },
      passwords[at],
    );
});
fleet.after(async ({ broker, it, anna, bert }) => {
  await anna?.leave();
  await bert?.leave();
  await broker?.stop();
  it?.end();
});

fleet('sees a router come in, by the key of its card', async ({ it, anna }) => {
  const { joined, info } = await it.json<{ joined: boolean; info: { node: string } }>('enroll finish anna');
  assert.equal([joined, info.node], [true, anna.node]);
  const { nodes } = await it.json<{ nodes: { node: string; joined: boolean }[] }>('enroll list');
  assert.equal(nodes.find(({ node }) => node === anna.node)?.joined, true);
});
fleet('lists the nodes, and no name gets through to the terminal', async ({ it, anna, bert }) => {
  const { nodes, cut } = await it.json<{
    nodes: { node: string; trust: string; state: string; peers_up: number }[];
    cut: number;
  }>('nodes');
  assert.equal(nodes.map(({ node }) => node).sort(), [anna.node, bert.node].sort());
  for (const { trust, state, peers_up } of nodes) assert.equal([trust, state, peers_up], ['pinned', 'online', 2]);
  assert.is(cut, 0);
  const { out, code } = await it.run('nodes', { terminal: { width: 100, isColoured: false } });
  assert.is(code, 0);
  assert.match(out, '2 nodes: 2 online');
  assert.is(clean(out.replaceAll('\n', '')), out.replaceAll('\n', ''));
  for (const line of out.split('\n')) assert.ok(line.length <= 100, `~> ${line}`);
});
fleet('shows one node whole', async ({ it, anna }) => {
  const { info, measured } = await it.json<{ info: { sid: string }; measured: object }>('show anna');
  assert.is(info.sid, anna.sid);
  assert.ok(measured);
  const { out, code } = await it.run('show anna');
  assert.is(code, 0);
  for (const word of [anna.node, 'pinned', 'played', 'OpenWrt 24.10.2', '5e4bedb1b171030d', '3.5 ms'])
    assert.match(out, word);
  assert.is(clean(out.replaceAll('\n', '')), out.replaceAll('\n', ''));
});
fleet('has a node do something, and tells each state', async ({ it, anna, key }) => {
  const result = await it.json<{ st: string; states: string[]; out: { rtt_ms: number; args: object } }>(
    'do anna ping target=bert count=3 deep:=[1]',
  );
  assert.equal([result.st, result.states, result.out.rtt_ms], ['done', ['accepted', 'running', 'done'], 12]);
  assert.equal(result.out.args, { target: 'bert', count: 3, deep: [1] });
  const command = anna.commands.at(-1)!;
  assert.equal(command.aud, { node: anna.node, sid: anna.sid });
  assert.equal(command.sigs, [key.slice(0, 16)]);
  const { out, code } = await it.run('do anna ping');
  assert.is(code, 0);
  assert.match(out, /^accepted\nrunning \{"sent":1\}\n\{\n/);
  assert.match(out, /\ndone\n$/);
});
fleet('ends with what a node refuses, in words and by its exit code', async ({ it }) => {
  const { out, err, code } = await it.run('do anna reload');
  assert.is(code, 1);
  assert.match(out, 'rejected scope: scope: expected operate, got observe');
  assert.match(err, /: reload rejected, scope/);
  const refused = await it.run('do anna reload --json');
  assert.equal([refused.code, JSON.parse(refused.out).code], [1, 'scope']);
});
fleet('joins an answer that came in parts, and believes none that is not whole', async ({ it }) => {
  const { st, out, states } = await it.json<{ st: string; out: unknown; states: string[] }>('do anna client_list');
  assert.equal([st, out, states], ['done', { total: 3, clients: [1, 2, 3] }, ['done']]);
  const { code, err } = await it.run('do anna client_audit');
  assert.is(code, 4);
  assert.match(err, ': 2 of 3 parts of its answer came');
});
fleet('shows the lease of a home in words, and has it changed', async ({ it, anna }) => {
  const { out, code } = await it.run('lease anna');
  assert.equal([code, out.split('\n')[0]], [0, 'All is ?well.']);
  assert.match(out, '"state": "up"');
  assert.match((await it.run('lease anna test-status')).out, /^good: Names work\.\n/);
  for (const [words, op, args] of [
    ['connect oak', 'lease_connect', { gateway: 'oak' }],
    ['connect', 'lease_connect', {}],
    ['choose oak', 'lease_choose', { gateway: 'oak' }],
    ['let-out 600', 'lease_let_out', { seconds: 600 }],
    ['release', 'lease_release', {}],
  ] as const) {
    assert.match((await it.run(`lease anna ${words}`)).out, op);
    const command = anna.commands.at(-1)!;
    assert.equal([command.op, command.args ?? {}], [op, args]);
  }
});
fleet('sends no lease command that cannot be meant', async ({ it, anna }) => {
  const before = anna.commands.length;
  for (const [words, reason] of [
    ['lease anna conect', 'expected one of status, gateways, connect'],
    ['lease anna let-out', 'expected seconds behind it'],
    ['lease anna let-out soon', 'expected a whole number'],
    ['lease anna release now', 'expected nothing behind it'],
  ] as const) {
    const { code, err } = await it.run(words);
    assert.is(code, 2);
    assert.match(err, reason);
  }
  assert.is(anna.commands.length, before);
});
fleet('raises its counter with each command', async ({ it, anna }) => {
  await it.json('do anna peers');
  await it.json('do anna peers');
  const [before, after] = anna.commands.slice(-2);
  assert.ok(after!.ctr > before!.ctr);
});
fleet('goes on past what somebody else says in the name of a node, and tells of it', async ({ it, anna, bert }) => {
  await anna.publish(anna.topic('info'), bert.info());
  const { code, err } = await it.run('do anna ping');
  assert.is(code, 0);
  assert.match(err, '1 messages in its name were not signed by its key');
  assert.is((await it.run('enroll finish anna --wait 1')).code, 5);
  await anna.publish(anna.topic('info'), anna.info());
  assert.is((await it.json<{ forged: number }>('do anna ping')).forged, 0);
});
fleet('believes no answer that the node did not sign', async ({ it, anna, bert }) => {
  const { seal } = anna;
  anna.seal = (kind, body) => bert.seal(kind, body);
  const { code, err } = await it.run('do anna ping --wait 2');
  anna.seal = seal;
  assert.is(code, 5);
  assert.match(err, 'are not signed by its key');
});
fleet('finds a node that started again since it told its session', async ({ it, anna }) => {
  const before = anna.sid;
  anna.sid = 'started23456';
  const { st } = await it.json<{ st: string }>('do anna ping');
  assert.is(st, 'done');
  anna.sid = before;
  await anna.publish(anna.topic('info'), anna.info());
});
fleet('sends a desired state to one node, and compares and takes it back', async (context) => {
  const { it, anna } = context;
  const seen: unknown[] = [];
  anna.applies = ({ changes }) => {
    seen.push(changes);
    return { st: 'applied' };
  };
  const first = await it.json<{ gen: number }>('want set anna meshbridge.main.poll_idle=60');
  const file = it.file('changes', '# of this street\nmeshbridge.main.poll_idle=60\nwireless.radio0.channel=11\n');
  const diff = await it.json<{ added: string[]; removed: string[] }>(['want', 'diff', 'anna', '--file', file]);
  assert.equal(diff.added, ['wireless.radio0.channel=11']);
  assert.equal(diff.removed, []);
  context.options = { 'meshbridge.main.poll_idle': '60', 'wireless.radio0.channel': '36' };
  const second = await it.json<{ gen: number }>(['want', 'set', 'anna', '--file', file]);
  const live = await it.json<{ differs: string[] }>('want diff anna --live');
  assert.equal(live.differs, ['wireless.radio0.channel: 36, wanted 11']);
  assert.is(second.gen, first.gen + 1);
  const third = await it.json<{ gen: number; nodes: { st: string }[] }>('want rollback anna');
  assert.equal([third.gen, third.nodes[0]!.st], [first.gen + 2, 'applied']);
  assert.equal(seen.at(-1), [
    { set: 'meshbridge.main.poll_idle', to: '60' },
    { set: 'wireless.radio0.channel', to: '36' },
  ]);
  const { out } = await it.run('want show anna');
  assert.match(out, `generation ${third.gen} for anna`);
});
fleet('asks before it changes a whole site, and says who has not got it', async ({ it, anna, bert }) => {
  const words = 'want set --site elm-street meshbridge.main.probe=0';
  const no = await it.run(words, { answers: ['no'] });
  assert.equal([no.code, no.err.includes('nothing was sent')], [2, true]);
  anna.applies = () => ({ st: 'applied' });
  bert.applies = () => ({ st: 'rolled-back', error: 'no peer came back' });
  const { code, out, err } = await it.run(words, { answers: ['yes'] });
  assert.is(code, 1);
  assert.match(out, /anna +\S+ +1 +applied/);
  assert.match(out, /bert +\S+ +1 +rolled-back +no peer came back/);
  assert.match(err, '1 node of 2 without generation 1');
});
fleet('refuses what routers would refuse, before anything is sent', async ({ it }) => {
  for (const [change, words] of [
    ['network.lan.ipaddr=10.0.0.1', 'not on the list'],
    ['wireless.radio0.channel=999', 'expected'],
    ['meshbridge.main.mqtt=0', 'not on the list'],
    ['nonsense', 'expected PATH=VALUE'],
  ] as const) {
    const { code, err } = await it.run(['want', 'set', 'anna', change]);
    assert.is(code, 2, change);
    assert.match(err, words);
  }
});
fleet('watches what happens', async ({ it, anna, bert }) => {
  const ended = new AbortController();
  let out = '';
  const watching = it.run('watch --site elm-street', {
    ended: ended.signal,
    onOut: (text) => {
      out += text;
    },
  });
  const sees = async (words: string | RegExp, act: () => Promise<void> | void): Promise<void> => {
    for (let i = 0; i < 100 && !(typeof words === 'string' ? out.includes(words) : words.test(out)); i++) {
      await act();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.match(out, words);
  };
  const alarm = JSON.stringify({
    sid: bert.sid,
    mono: 1,
    clk: 'none',
    sev: 'error',
    since_s: 120,
    msg: 'no \u001b[2Jmesh',
  });
  await sees(/bert {2}alarm mesh {2}no \?\[2Jmesh/, () => bert.publish(bert.topic('alarm', 'mesh'), alarm));
  await sees(/anna {2}FORGED/, () =>
    anna.publish(anna.topic('have'), bert.seal('have', { sid: 'x', hash: 'x', st: 'applied' })),
  );
  await sees(/anna {2}offline/, () => anna.cut());
  ended.abort();
  assert.is((await watching).code, 0);
  assert.is(clean(out.replaceAll('\n', '')), out.replaceAll('\n', ''));
});
if (reason === undefined) {
  fleet.run();
}

// ---

const alone = suite('meshctl without a broker');
alone('says which step fails', async () => {
  const it = new Operator();
  try {
    await it.json(`broker set --url mqtt://127.0.0.1:${await freePort()}`);
    const { code, err } = await it.run('nodes');
    assert.is(code, 3);
    assert.match(err, 'nothing listens there');
    assert.match(readFileSync(it.home.file('config.json'), 'utf8'), '"url"');
  } finally {
    it.end();
  }
});
alone.run();
