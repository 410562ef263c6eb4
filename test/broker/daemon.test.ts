// The whole way: the daemon on the C host, the helper, a real mosquitto with passwords and an access list, and meshctl at the other end.

import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Session } from '../../src/fleet/session.ts';
import { Router, until } from '../lab/router.ts';
import { Operator } from '../support/meshctl.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';

const LIMIT_MS = 60_000;
const reason = await whyNoMosquitto();
if (reason !== undefined) console.log(`skipped: the daemon at a real broker: ${reason}`);

interface Context {
  router: Router;
  broker: Mosquitto;
  it: Operator;
  node: string;
}

/** What goes over a topic of the node while something is done. */
async function listening<T>(
  { it, broker, node }: Context,
  name: string,
  act: (heard: string[]) => Promise<T>,
): Promise<T> {
  const heard: string[] = [];
  const session = await Session.open({
    broker: { url: `mqtt://127.0.0.1:${broker.port()}`, username: 'operator', password_file: it.path('password') },
    env: {},
    onMessage: ({ payload }) => heard.push(Buffer.from(payload).toString()),
  });
  try {
    await session.subscribe([`mb/1/elm-street/${node}/${name}`]);
    return await act(heard);
  } finally {
    await session.close();
  }
}

const daemon = suite<Context>('the daemon at a real broker');
daemon.before(async (context) => {
  context.it = new Operator();
  context.router = new Router([{ iface: 'ygg0', socket: '/nowhere/ygg0.sock', peers: ['tls://192.0.2.1:443'] }]);
  context.broker = await Mosquitto.start({
    config: ['acl_file acl', 'password_file passwords', 'allow_anonymous false', 'persistence true'],
    files: { acl: '', passwords: '' },
  });
  const { it, router, broker } = context;
  await router.startBroker();
  await router.startDaemon();
  await router.published();
  const password = it.file('password', 'of the operator\n');
  const url = `mqtt://127.0.0.1:${broker.port()}`;
  const login = ['--user', 'operator', '--password-file', password];
  await it.json(['broker', 'set', '--url', url, '--node-url', 'mqtt://[200:db8::1]', ...login]);
  await it.json('keys new otto --scope configure');
  await it.json(`enroll passwords --write ${broker.path('passwords')} --add operator`, {
    env: { MESHCTL_NEW_PASSWORD: 'of the operator' },
  });
});
daemon.after(async ({ router, broker, it }) => {
  await router?.close();
  await broker?.stop();
  it?.end();
});

daemon('tells nobody anything before it is enrolled', async ({ router }) => {
  const { enabled, brokers } = (await router.call('meshbridge', 'telemetry')) as {
    enabled: boolean;
    brokers: unknown[];
  };
  assert.equal([enabled, brokers], [false, []]);
});
daemon('joins by card and code, and is known by its own key', async (context) => {
  const { router, it, broker } = context;
  const { card, node } = (await router.call('meshbridge.helper', 'enroll_card')) as { card: string; node: string };
  context.node = node;
  const { code } = await it.json<{ code: string }>(['enroll', 'new', card, '--site', 'elm-street', '--name', 'anna']);
  await it.json(`enroll acl --write ${broker.path('acl')}`);
  await it.json(`enroll passwords --write ${broker.path('passwords')}`);
  broker.reload();
  const accepted = await router.call('meshbridge.helper', 'enroll', { code, cap: 'configure' });
  assert.is(accepted.node, node, JSON.stringify(accepted));
  // mqtt://[200:db8::1] is nowhere here
  const text = readFileSync(router.config, 'utf8');
  writeFileSync(router.config, text.replace('mqtt://[200:db8::1]', `mqtt://127.0.0.1:${broker.port()}`));
  await router.reload();
  const { joined, info } = await it.json<{ joined: boolean; info: { sid: string; ops: string[] } }>(
    'enroll finish anna',
  );
  assert.ok(joined);
  assert.match(info.sid, /^[a-z2-7]{12}$/);
  for (const op of ['peers', 'ping', 'reload', 'config_set']) assert.ok(info.ops.includes(op), op);
});
daemon('tells how it is, as nodes and show have it', async ({ it, node }) => {
  await until(
    'its state is kept',
    async () => (await it.json<{ measured?: object }>('show anna')).measured !== undefined,
    LIMIT_MS,
  );
  const { nodes } = await it.json<{ nodes: { node: string; state: string; trust: string }[] }>('nodes');
  assert.equal(
    nodes.map((one) => [one.node, one.state, one.trust]),
    [[node, 'online', 'pinned']],
  );
});
daemon('does what is signed, and shows who asked for it', async ({ it, router }) => {
  const { st, out } = await it.json<{ st: string; out: { own: object } }>('do anna snapshot');
  assert.is(st, 'done');
  assert.ok(out.own);
  const refused = await it.run('do anna peers');
  assert.is(refused.code, 1);
  const { commands } = (await router.call('meshbridge', 'commands')) as {
    commands: { op: string; by: string; state: string }[];
  };
  assert.equal(
    commands.slice(0, 2).map(({ op, by, state }) => [op, by, state]),
    [
      ['peers', 'otto', 'failed'],
      ['snapshot', 'otto', 'done'],
    ],
  );
});
daemon('does nothing twice: whatever is sent again is answered, and not done', async (context) => {
  const { it, router, broker, node } = context;
  const sent = await listening(context, 'cmd', async (heard) => {
    await it.json('do anna keyframe');
    await until('the command is heard', () => heard.length > 0);
    return heard[0]!;
  });
  const count = async (): Promise<number> =>
    ((await router.call('meshbridge', 'commands')).commands as unknown[]).length;
  const before = await count();
  const login = { username: 'operator', password: 'of the operator' };
  const again = await Session.open({ broker: { url: `mqtt://127.0.0.1:${broker.port()}` }, env: {}, login });
  await listening(context, 'res', async (heard) => {
    await again.publish(`mb/1/elm-street/${node}/cmd`, sent);
    const { cid } = JSON.parse(sent);
    // what became of it is told once more
    await until('it is answered', () => heard.some((text) => JSON.parse(text).cid === cid));
  });
  await again.publish(`mb/1/elm-street/${node}/cmd`, sent.replace('keyframe', 'restart'));
  await again.publish(`mb/1/elm-street/${node}/cmd`, sent, { retain: true });
  await again.publish(`mb/1/elm-street/${node}/cmd`, '', { retain: true });
  await again.close();
  await it.json('do anna keyframe');
  assert.is(await count(), before + 1);
  const { refused } = (await router.call('meshbridge', 'commands')) as { refused: { code: string; count: number }[] };
  const counts = Object.fromEntries(refused.map(({ code, count }) => [code, count]));
  assert.ok(counts.dup! >= 1, JSON.stringify(refused));
});
daemon('changes what is on the list, on trial, and reads it back', async ({ it, router }) => {
  const { values } = (await it.json<{ out: { values: Record<string, string> } }>('do anna config_get')).out;
  assert.ok(
    Object.keys(values).every((path) => !/password|url|public|site/.test(path)),
    Object.keys(values).join(),
  );
  const set = await it.run('want set anna meshbridge.main.poll_idle=77 --confirm 30 --wait 60');
  assert.is(set.code, 0, set.out + set.err);
  assert.match(readFileSync(router.config, 'utf8'), /option poll_idle '77'/);
  const show = await it.run('want show anna');
  assert.match(show.out, /applied/);
});
daemon('is the same after kill -9: session, key and what it has', async (context) => {
  const { it, router } = context;
  const before = await it.json<{ info: { sid: string } }>('show anna');
  await router.killDaemon();
  await router.startDaemon();
  await router.published();
  await until(
    'it is back at the broker',
    async () => ((await router.call('meshbridge', 'telemetry')).brokers as { state: string }[])[0]?.state === 'up',
    LIMIT_MS,
  );
  const { st } = await it.json<{ st: string }>('do anna keyframe');
  assert.is(st, 'done');
  const after = await it.json<{ info: { sid: string }; have: { node_gen: number } }>('show anna');
  assert.is(after.info.sid, before.info.sid);
  assert.is(after.have.node_gen, 1);
});
daemon('shows what left the house', async ({ router, node }) => {
  const { brokers } = (await router.call('meshbridge', 'telemetry')) as {
    brokers: { state: string; messages: number; sent: { topic: string; bytes: number }[] }[];
  };
  const [one] = brokers;
  assert.ok(one!.messages > 0);
  for (const { topic } of one!.sent) assert.ok(topic.startsWith(`mb/1/elm-street/${node}/`), topic);
  const { links } = await router.status();
  assert.ok(links.some(({ name, state }) => name === 'mqtt.fleet' && state === 'up'));
});
daemon('shows what a message says to who looks', async ({ router }) => {
  const look = async () => {
    const { brokers, management } = (await router.call('meshbridge', 'telemetry', { look: true })) as {
      brokers: { sent: { topic: string; text?: string }[] }[];
      management: { cap: string };
    };
    assert.is(management.cap, 'configure');
    return brokers[0]!.sent.find(({ topic, text }) => topic.endsWith('/state') && text !== undefined)?.text;
  };
  await look();
  const { message } = await router.call('meshbridge', 'telemetry_send');
  assert.is(message, 'measured and told to a broker');
  await until('it is told', async () => (await look()) !== undefined, LIMIT_MS);
  assert.match((await look())!, /^\{"sid":"[a-z2-7]{12}","seq":\d+,/);
});
daemon('goes away when it is switched off, and says so', async (context) => {
  const { router } = context;
  await listening(context, 'status', async (heard) => {
    const text = readFileSync(router.config, 'utf8');
    writeFileSync(router.config, text.replace("option mqtt '1'", "option mqtt '0'"));
    await router.reload();
    await until('it says goodbye', () => heard.some((one) => JSON.parse(one).state === 'bye'));
  });
  const { enabled, brokers } = (await router.call('meshbridge', 'telemetry')) as {
    enabled: boolean;
    brokers: unknown[];
  };
  assert.equal([enabled, brokers], [false, []]);
});
if (reason === undefined) {
  daemon.run();
}
