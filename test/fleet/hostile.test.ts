// meshctl at a broker that forges, repeats, holds back and floods: whoever can publish anything in a node's name stands for it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Payload } from '../../src/api/topics.ts';
import { clean } from '../../src/fleet/display.ts';
import { changePins } from '../../src/fleet/pin.ts';
import { type Arrival, Session } from '../../src/fleet/session.ts';
import { Operator, type Ran } from '../support/meshctl.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { PlayedNode } from '../support/played-node.ts';

const reason = await whyNoMosquitto();

/** What an operator, one router and a broker that lies need of one another. */
interface Context {
  broker: Mosquitto;
  it: Operator;
  anna: PlayedNode;
  bert: PlayedNode;
  /** The broker itself, as far as nodes and operators can tell. */
  liar: Session;
  /** Called with each command on its way to anna, before she answers. */
  onCommand: (payload: Uint8Array) => Promise<void> | void;
  onWant: (payload: Uint8Array) => Promise<void> | void;
}

type Result = Omit<Payload<'res'>, 'sigs'>;
const ESCAPES = 'a\u001b[2J\u001b]0;owned\u0007\u009b31m\u202eb\r\nc';

const hostile = suite<Context>('meshctl at a hostile broker');
hostile.before(async (context) => {
  context.it = new Operator();
  context.anna = new PlayedNode('anna', 'elm-street');
  context.bert = new PlayedNode('bert', 'elm-street');
  context.broker = await Mosquitto.start();
  const { it, anna, bert, broker } = context;
  const url = `mqtt://127.0.0.1:${broker.port()}`;
  await it.json(`broker set --url ${url}`);
  const { public: key } = await it.json<{ public: string }>('keys new otto --scope configure');
  await changePins(it.home, (pins) => {
    for (const one of [anna, bert]) pins.set(one.node, { ...one.pin, name: one.name });
  });
  context.onCommand = context.onWant = () => {};
  context.liar = await Session.open({
    broker: { url },
    env: {},
    onMessage: ({ topic, payload }: Arrival) => {
      if (payload.length === 0) return;
      void (topic.endsWith('/cmd') ? context.onCommand(payload) : context.onWant(payload));
    },
  });
  await context.liar.subscribe([anna.topic('cmd'), anna.topic('want')]);
  await anna.join(broker, [key]);
});
hostile.after(async ({ liar, anna, broker, it }) => {
  await liar?.close();
  await anna?.leave();
  await broker?.stop();
  it?.end();
});
hostile.before.each((context) => {
  context.onCommand = context.onWant = () => {};
  context.anna.seal = PlayedNode.prototype.seal;
  context.anna.applies = () => ({ st: 'applied' });
});

/** What the command that a message holds is known by. */
function cidOf(payload: Uint8Array): string {
  return (JSON.parse(Buffer.from(payload).toString()) as Payload<'cmd'>).cid;
}

function tell({ liar, anna }: Context, name: 'res' | 'info' | 'have' | 'want', payload: Uint8Array | string) {
  return liar.publish(anna.topic(name), payload, { retain: name !== 'res' });
}

/** Neither stream has anything that moves a cursor, hides or reorders. */
function isHarmless({ out, err }: Ran): void {
  for (const text of [out, err]) assert.is(clean(text.replaceAll('\n', '')), text.replaceAll('\n', ''));
}

/** Anna does not hear what is sent to her: the broker holds it back. */
async function withheld(context: Context, use: () => Promise<void>): Promise<void> {
  await context.anna.leave();
  try {
    await use();
  } finally {
    const key = (await context.it.json<{ keys: { public: string }[] }>('keys list')).keys[0]!.public;
    await context.anna.join(context.broker, [key]);
  }
}

/** What a broker may make of an answer that it once saw, or make up: none of it is the answer. */
const ANSWERS: [what: string, make: (context: Context, cid: string, old: Uint8Array) => Uint8Array | string][] = [
  ['an answer to an earlier command', (_, __, old) => old],
  ['an answer of another node', ({ bert }, cid) => bert.seal('res', { cid, sid: bert.sid, st: 'done' })],
  ['an answer without a signature', (_, cid) => JSON.stringify({ cid, sid: 'x', st: 'done', sigs: [] })],
  [
    'an answer whose command was changed',
    (_, cid, old) =>
      Buffer.from(old)
        .toString()
        .replace(/"cid":"\w+"/, `"cid":"${cid}"`),
  ],
  ['a have as an answer', ({ anna }, cid) => anna.seal('have', { cid, sid: anna.sid, st: 'done', hash: '' })],
  ['a mark of good will', () => '{"st":"done"}'],
  ['200 kB of brackets', () => '['.repeat(200_000)],
  ['200 kB of bytes', () => new Uint8Array(200_000).fill(0xff)],
  ['nothing', () => ''],
  ['null', () => 'null'],
];
for (const [what, make] of ANSWERS)
  hostile(`takes ${what} for no answer`, async (context) => {
    const { it, anna } = context;
    let old: Uint8Array = new Uint8Array(0);
    const { seal } = anna;
    anna.seal = (kind, body) => {
      const sealed = seal.call(anna, kind, body);
      if (kind === 'res') old = sealed;
      return sealed;
    };
    assert.is((await it.json('do anna ping')).st, 'done');
    // the true one wins, whatever comes before it
    context.onCommand = (payload) => tell(context, 'res', make(context, cidOf(payload), old));
    assert.is((await it.json('do anna ping')).st, 'done');
    await withheld(context, async () => {
      const ran = await it.run('do anna reload --wait 2');
      assert.ok([4, 5].includes(ran.code), `~> ${ran.code} ${ran.err}`);
      assert.not.match(ran.out, 'done');
      assert.match(ran.err, /no answer within 2 s/);
      isHarmless(ran);
    });
  });
hostile('says that somebody interferes where all it hears is forged', (context) =>
  withheld(context, async () => {
    const { it, bert } = context;
    context.onCommand = (payload) =>
      tell(context, 'res', bert.seal('res', { cid: cidOf(payload), sid: bert.sid, st: 'done' }));
    const { code, out } = await it.run('do anna reload --wait 2 --json');
    const { ending, exit } = JSON.parse(out) as { ending: string; exit: number };
    assert.equal([code, ending, exit], [5, 'untrusted', 5]);
  }),
);
hostile('goes by the last answer, however the others are ordered and repeated', async (context) => {
  const { it, anna } = context;
  const states: Result['st'][] = ['running', 'done', 'accepted', 'running', 'failed', 'accepted'];
  await withheld(context, async () => {
    context.onCommand = async (payload) => {
      for (const st of states)
        for (let i = 0; i < 200; i++)
          await tell(context, 'res', anna.seal('res', { cid: cidOf(payload), sid: anna.sid, st }));
    };
    const result = await it.json<{ st: string; states: string[] }>('do anna reload');
    assert.is(result.st, 'done');
    assert.is(result.states.at(-1), 'done');
    assert.ok(result.states.length <= 65, `~> ${result.states.length}`);
  });
});
hostile('finds the session behind one that is repeated from an earlier start', async (context) => {
  const { it, anna } = context;
  const old = anna.info();
  const { sid } = anna;
  anna.sid = 'started34567';
  try {
    await tell(context, 'info', old);
    context.onCommand = () => tell(context, 'info', old);
    const { st } = await it.json<{ st: string }>('do anna ping');
    assert.is(st, 'done');
    assert.is(anna.commands.at(-1)!.aud.sid, 'started34567');
  } finally {
    anna.sid = sid;
    await anna.publish(anna.topic('info'), anna.info());
  }
});
hostile('prints nothing of a node that a terminal would obey', async (context) => {
  const { it, anna, liar } = context;
  await withheld(context, async () => {
    context.onCommand = async (payload) => {
      const body = { cid: cidOf(payload), sid: anna.sid, code: ESCAPES, error: ESCAPES, out: { [ESCAPES]: ESCAPES } };
      await tell(context, 'res', anna.seal('res', { ...body, st: 'running' }));
      await tell(context, 'res', anna.seal('res', { ...body, st: 'failed' }));
    };
    const ran = await it.run('do anna ping');
    assert.is(ran.code, 1);
    isHarmless(ran);
    isHarmless(await it.run('do anna ping --json'));
    anna.more = { name: ESCAPES, model: ESCAPES, os: ESCAPES, version: ESCAPES, ops: [ESCAPES], cap: ESCAPES };
    await tell(context, 'info', anna.info());
    const rejected = [{ path: ESCAPES, reason: ESCAPES }];
    const have = { sid: ESCAPES, hash: ESCAPES, st: ESCAPES, error: ESCAPES, rejected };
    await tell(context, 'have', anna.seal('have', have));
    const alarm = JSON.stringify({ sid: ESCAPES, mono: 1, clk: 'none', sev: ESCAPES, since_s: 1, msg: ESCAPES });
    await liar.publish(anna.topic('alarm', 'mesh'), alarm, { retain: true });
    const state = anna.state({
      yggdrasil: [{ id: ESCAPES, connected: true, peers: [{ id: ESCAPES, state: ESCAPES }] }],
      uplink: [{ id: ESCAPES, up: true, default_route: true }],
    });
    await liar.publish(anna.topic('state'), state, { retain: true });
    await liar.publish(anna.topic('status'), anna.status(ESCAPES), { retain: true });
    for (const words of ['show anna', 'nodes', 'want show anna', 'enroll finish anna --wait 2']) {
      const shown = await it.run(words);
      assert.is(shown.code, 0, `${words} ~> ${shown.err}`);
      isHarmless(shown);
      const json = await it.run(`${words} --json`);
      isHarmless(json);
      JSON.parse(json.out);
    }
    anna.more = {};
    for (const topic of [anna.topic('alarm', 'mesh'), anna.topic('have')])
      await liar.publish(topic, '', { retain: true });
  });
});
hostile('shows what it believed before a forgery, and says that there is one', async (context) => {
  const { it, anna, bert } = context;
  await tell(context, 'info', bert.info());
  const { code, out } = await it.run('show anna --json');
  const shown = JSON.parse(out) as { trust: string; info?: unknown };
  assert.equal([code, shown.trust, shown.info], [0, 'forged', undefined]);
  assert.match((await it.run('show anna')).out, 'FORGED');
  await anna.publish(anna.topic('info'), anna.info());
});
hostile('believes no other want than those of its own keys, and tells of an old one', async (context) => {
  const { it } = context;
  let first: Uint8Array = new Uint8Array(0);
  context.onWant = (payload) => {
    if (first.length === 0) first = payload;
  };
  const { gen } = await it.json<{ gen: number }>('want set anna meshbridge.main.poll_idle=60');
  const next = await it.json<{ gen: number }>('want set anna meshbridge.main.poll_idle=90');
  assert.is(next.gen, gen + 1);
  // the broker goes back to the first one
  context.onWant = () => {};
  await tell(context, 'want', first);
  const old = await it.run('want show anna');
  assert.match(old.err, `the broker does not keep generation ${next.gen}`);
  const foreign = Buffer.from(first).toString().replace('"60"', '"61"');
  await tell(context, 'want', foreign);
  const forged = await it.run('want show anna --json');
  assert.is(JSON.parse(forged.out).wanted, null);
  assert.match(forged.err, 'not signed by whom they must be');
  await tell(
    context,
    'want',
    Buffer.from(first)
      .toString()
      .replace(/"sigs":\["[0-9a-f]{16}/, '"sigs":["0123456789abcdef'),
  );
  assert.equal(JSON.parse((await it.run('want show anna --json')).out).strangers, ['0123456789abcdef']);
  // what is sent next counts more than what the broker would like
  assert.is((await it.json<{ gen: number }>('want set anna meshbridge.main.poll_idle=75')).gen, next.gen + 1);
});

/** What a broker may say of a generation that the router never saw. */
const HAVES: [what: string, code: number, words: RegExp, have: (gen: number) => object][] = [
  [
    'an earlier generation',
    4,
    /without generation/,
    (gen) => ({ node_gen: gen - 1, node_st: 'applied', st: 'applied' }),
  ],
  ['a later one', 1, /a later generation than/, (gen) => ({ node_gen: gen + 5, node_st: 'applied', st: 'applied' })],
  [
    'a refusal of long ago',
    4,
    /without generation/,
    (gen) => ({ node_gen: gen - 1, st: 'rejected', error: 'gen: expected 9', t: 1_700_000_000 }),
  ],
  ['one for the site', 4, /without generation/, (gen) => ({ site_gen: gen, site_st: 'applied', st: 'applied' })],
];
for (const [what, code, words, make] of HAVES)
  hostile(`takes what a node said of ${what} for no answer to a want`, (context) =>
    withheld(context, async () => {
      const { it, anna } = context;
      context.onWant = async (payload) => {
        const { gen } = JSON.parse(Buffer.from(payload).toString()) as { gen: number };
        await tell(context, 'have', anna.seal('have', { sid: anna.sid, hash: '0', ...make(gen) }));
      };
      const ran = await it.run('want set anna meshbridge.main.poll_idle=60 --wait 3 --confirm 30');
      assert.is(ran.code, code, ran.out + ran.err);
      assert.match(ran.err, words);
      context.onWant = () => {};
      await context.liar.publish(anna.topic('have'), '', { retain: true });
      await context.liar.publish(anna.topic('want'), '', { retain: true });
    }),
  );
hostile('takes no refusal that the broker had kept for an answer', (context) =>
  withheld(context, async () => {
    const { it, anna } = context;
    const kept = anna.seal('have', { sid: anna.sid, hash: '0', st: 'rejected', error: 'scope: expected configure' });
    await tell(context, 'have', kept);
    context.onWant = () => tell(context, 'have', kept);
    const { code, err } = await it.run('want set anna meshbridge.main.poll_idle=60 --wait 2 --confirm 30');
    assert.is(code, 4, err);
    context.onWant = () => {};
    await context.liar.publish(anna.topic('have'), '', { retain: true });
    await context.liar.publish(anna.topic('want'), '', { retain: true });
  }),
);
hostile('is not taken back by an answer that the broker held back', async (context) => {
  const { it, anna } = context;
  let seen = 0;
  context.onWant = (payload) => {
    seen = (JSON.parse(Buffer.from(payload).toString()) as { gen: number }).gen;
  };
  const seal = anna.seal.bind(anna);
  anna.seal = (kind, body) => {
    // behind the true answer an older one comes, which undoes nothing
    if (kind === 'have')
      void tell(context, 'have', seal('have', { sid: anna.sid, hash: '0', st: 'rolled-back', node_gen: seen - 1 }));
    return seal(kind, body);
  };
  const result = await it.json<{ nodes: { st: string; gen: number }[] }>(
    'want set anna meshbridge.main.poll_idle=61 --confirm 30',
  );
  assert.equal([result.nodes[0]!.st, result.nodes[0]!.gen], ['applied', seen]);
});
hostile('watches through a flood of garbage, and tells how much it passed over', async (context) => {
  const { it, anna, liar } = context;
  const watching = it.run('watch anna --for 4', { env: {} });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const topics = ['info', 'have', 'status'].map((name) => anna.topic(name as 'info'));
  for (let i = 0; i < 600; i++) await liar.publish(topics[i % 3]!, `{"sid":"${ESCAPES}${i}`, { qos: 0 });
  await liar.publish(
    anna.topic('evt', 'peer-up'),
    JSON.stringify({ sid: 'x', mono: 1, clk: 'none', eseq: 1, x: ESCAPES }),
  );
  const ran = await watching;
  assert.is(ran.code, 0);
  assert.match(ran.out, 'FORGED');
  assert.match(ran.err, /lines passed over: more than 200 a second/);
  isHarmless(ran);
});
if (reason !== undefined) console.log(`skipped: meshctl at a hostile broker: ${reason}`);
else {
  hostile.run();
}
