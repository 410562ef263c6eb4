import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Fleet } from '../../src/fleet/fleet.ts';
import { changePins, type Pins } from '../../src/fleet/pin.ts';
import { Session } from '../../src/fleet/session.ts';
import { type Summary, summarize } from '../../src/fleet/summary.ts';
import { type Operator, withOperator } from '../support/meshctl.ts';
import { Mosquitto, type MosquittoOptions, whyNoMosquitto } from '../support/mosquitto.ts';
import { PlayedNode, publishKept } from '../support/played-node.ts';

const reason = await whyNoMosquitto();
const NOW = 1_800_000_000_000;
const HERE = new PlayedNode('here', 'elm');
const NEXT = new PlayedNode('next', 'elm');
const AWAY = new PlayedNode('away', 'oak');

function pinsOf(...nodes: readonly PlayedNode[]): Pins {
  return new Map(nodes.map((one) => [one.node, one.pin]));
}

/** A fleet that was told some things, each kept by the broker. */
function fleetOf(pins: Pins, ...told: readonly (readonly [topic: string, payload: Uint8Array | string])[]): Fleet {
  const fleet = new Fleet(pins);
  for (const [topic, payload] of told)
    fleet.take({ topic, payload: new Uint8Array(Buffer.from(payload as string)), isRetained: true }, NOW);
  return fleet;
}
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

const fleet = suite('Fleet');
fleet('believes what an enrolled node signed', () => {
  const it = fleetOf(pinsOf(HERE), ...HERE.kept());
  const [one] = it.nodes();
  assert.equal([it.nodes().length, one!.trust, one!.info!.name, it.dropped], [1, 'pinned', 'here', 0]);
  assert.equal(summarize(one!), {
    node: HERE.node,
    site: 'elm',
    name: 'here',
    enrolled: true,
    trust: 'pinned',
    state: 'online',
    version: '0.1.0',
    verdict: 'good',
    peers_up: 2,
    peers: 3,
    alarms: [],
  });
});
fleet('lists enrolled nodes that nothing was heard of', () => {
  const [one] = new Fleet(pinsOf(HERE)).nodes();
  assert.equal([summarize(one!).state, summarize(one!).trust], ['never', 'unsigned']);
});
fleet('tells nodes that nobody enrolled from those that are forged', () => {
  const it = fleetOf(pinsOf(), [HERE.topic('info'), HERE.info()], [NEXT.topic('info'), HERE.info()]);
  assert.equal(
    it.nodes().map(({ node, trust }) => [node, trust]),
    [
      [HERE.node, 'new'],
      [NEXT.node, 'forged'],
    ],
  );
});

/** What a broker could tell in the name of an enrolled node. */
const FORGERIES: [what: string, topic: string, payload: () => Uint8Array | string][] = [
  ["another node's info", HERE.topic('info'), () => NEXT.info()],
  ['info of this node from another site', `mb/1/oak/${HERE.node}/info`, () => HERE.info()],
  [
    'info without a signature',
    HERE.topic('info'),
    () =>
      Buffer.from(HERE.info())
        .toString()
        .replace(/,"sigs".*/, '}'),
  ],
  [
    'info with a name changed',
    HERE.topic('info'),
    () => Buffer.from(HERE.info()).toString().replace('"here"', '"hers"'),
  ],
  ['an answer as info', HERE.topic('info'), () => HERE.seal('res', JSON.parse(Buffer.from(HERE.info()).toString()))],
  [
    'info with the signature of another key',
    HERE.topic('info'),
    () => NEXT.seal('info', JSON.parse(Buffer.from(HERE.info()).toString())),
  ],
  ['no JSON', HERE.topic('info'), () => 'x'],
];
for (const [what, topic, payload] of FORGERIES)
  fleet(`believes no ${what}`, () => {
    const it = fleetOf(pinsOf(HERE), [topic, payload()]);
    const view = it.nodes().find(({ site }) => topic.includes(`/${site}/`))!;
    assert.equal([view.trust, view.info, it.dropped], ['forged', undefined, 1]);
    // what was believed before stays
    const after = fleetOf(pinsOf(HERE), [HERE.topic('info'), HERE.info()], [HERE.topic('info'), payload()]);
    assert.is(after.find('elm', HERE.node)!.trust, 'pinned');
  });
fleet('believes a have that the node signed, and no other', () => {
  const have = { sid: HERE.sid, hash: '00', st: 'applied', node_gen: 3 };
  assert.is(
    fleetOf(pinsOf(HERE), [HERE.topic('have'), HERE.seal('have', have)]).find('elm', HERE.node)!.have!.node_gen,
    3,
  );
  assert.is(
    fleetOf(pinsOf(HERE), [HERE.topic('have'), NEXT.seal('have', have)]).find('elm', HERE.node)!.have,
    undefined,
  );
});
for (const topic of [
  'mb/1',
  'mb/2/elm/aaaaaaaaaaaaa/info',
  'mb/1/elm/aaaaaaaaaaaaa',
  'mb/1/elm/aaaaaaaaaaaaa/info/more',
  'mb/1/elm/aaaaaaaaaaaaa/evt',
  'mb/1/elm/aaaaaaaaaaaaa/evt/A B',
  'mb/1/elm/aaaaaaaaaaaaa/constructor',
  'mb/1/elm/all/status',
  'mb/1/elm/AAAAAAAAAAAAA/info',
  'mb/1/Elm/aaaaaaaaaaaaa/info',
  'mb/1/elm/../info',
  'x',
  '',
])
  fleet(`passes over what is published to ${topic || 'nowhere'}`, () => {
    const it = fleetOf(pinsOf(), [topic, '{}']);
    assert.equal([it.nodes(), it.dropped], [[], 1]);
  });
fleet('passes over payloads that are too long, too deep, or no tables', () => {
  const payloads = [
    '',
    'null',
    '[]',
    '7',
    '"x"',
    '{"state":7}',
    `{"state":"online","sid":"x","n":1,"more":"${'x'.repeat(9000)}"}`,
    '['.repeat(400),
  ];
  for (const payload of payloads)
    assert.is(fleetOf(pinsOf(), [HERE.topic('status'), payload]).find('elm', HERE.node)!.status, undefined, payload);
});
fleet('keeps fields that fit and leaves out those that do not', () => {
  const state = HERE.state({
    own: { uptime_s: 'long', queued: 0, dropped: 0 },
    yggdrasil: [{ id: 'ygg0', connected: true, peers_up: 1e300, peers: [7, { id: 'x' }] }, null],
    uplink: 'none',
    system: { uptime_s: 5, load: null },
  });
  const view = fleetOf(pinsOf(), [HERE.topic('state'), state]).find('elm', HERE.node)!.state!;
  assert.equal(view.yggdrasil, [{ id: 'ygg0', connected: true, peers: [{ id: 'x' }] }]);
  assert.equal([view.own, view.uplink, view.system], [undefined, undefined, { uptime_s: 5 }]);
});
fleet('holds no more alarms and nodes than it may', () => {
  const alarm = JSON.stringify({ sid: 'a', mono: 1, clk: 'ntp', sev: 'error', since_s: 1, msg: 'no mesh' });
  const it = fleetOf(
    pinsOf(HERE),
    ...Array.from({ length: 100 }, (_, at) => [HERE.topic('alarm', `a${at}`), alarm] as const),
  );
  assert.is(it.find('elm', HERE.node)!.alarms.size, 32);
  it.take({ topic: HERE.topic('alarm', 'a0'), payload: bytes(''), isRetained: false }, NOW);
  assert.is(it.find('elm', HERE.node)!.alarms.size, 31);
});
fleet('knows when a node was last heard of, by what arrives and by what was kept', () => {
  const it = new Fleet(pinsOf(HERE));
  const take = (topic: string, text: string, isRetained: boolean, expires_in_s?: number): void =>
    void it.take({ topic, payload: bytes(text), isRetained, ...(expires_in_s !== undefined && { expires_in_s }) }, NOW);
  const seen = (): number | undefined => summarize(it.find('elm', HERE.node)!).seen_at;
  take(HERE.topic('status'), HERE.status(), true);
  assert.is(seen(), undefined);
  take(HERE.topic('state'), HERE.state(), true, 7 * 86_400 - 600);
  assert.is(seen(), NOW / 1000 - 600);
  // the broker says this one
  take(HERE.topic('status'), HERE.status('offline'), false);
  assert.is(seen(), NOW / 1000 - 600);
  take(HERE.topic('status'), HERE.status(), false);
  assert.is(seen(), NOW / 1000);
});
fleet.run();

// ---

async function withFleet(
  options: MosquittoOptions,
  use: (it: Operator, url: string, writer: Session) => Promise<void>,
): Promise<void> {
  await withOperator(async (it) => {
    const broker = await Mosquitto.start(options);
    try {
      const url = `mqtt://127.0.0.1:${broker.port()}`;
      const writer = await Session.open({ broker: { url }, env: {} });
      await it.json(`broker set --url ${url}`);
      await use(it, url, writer);
      await writer.close();
    } finally {
      await broker.stop();
    }
  });
}
interface Listed {
  nodes: Summary[];
  all: number;
  cut: number;
  dropped: number;
}

const nodes = suite('meshctl nodes');
if (reason !== undefined) console.log(`skipped: nodes at mosquitto: ${reason}`);
else {
  nodes('lists the fleet, what is wrong first if that is wanted', () =>
    withFleet({}, async (it, _, writer) => {
      const alarm = JSON.stringify({ sid: 'a', mono: 1, clk: 'ntp', sev: 'error', since_s: 1, msg: 'no mesh' });
      const kept = new Map([...HERE.kept(), ...NEXT.kept(), [HERE.topic('alarm', 'mesh'), alarm]]);
      kept.set(NEXT.topic('status'), NEXT.status('offline'));
      await publishKept(writer, kept);
      await changePins(it.home, (pins) => {
        for (const one of [HERE, NEXT, AWAY])
          pins.set(one.node, one === AWAY ? { ...one.pin, name: "Anna's roof" } : one.pin);
      });
      const names = async (words: string) => (await it.json<Listed>(`nodes${words}`)).nodes.map(({ name }) => name);
      assert.equal(await names(''), ['here', 'next', "Anna's roof"]);
      assert.equal(await names(' --sort state'), ['next', "Anna's roof", 'here']);
      assert.equal(await names(' --sort name --reverse'), ['next', 'here', "Anna's roof"]);
      assert.equal(await names(' --sort alarms'), ['here', 'next', "Anna's roof"]);
      assert.equal(await names(' --site oak'), ["Anna's roof"]);
      assert.equal(await names(' --trouble'), ['here', 'next', "Anna's roof"]);
      const { code, out, err } = await it.run('nodes');
      assert.equal([code, err], [0, '']);
      assert.equal(out.split('\n'), [
        'NAME         SITE  NODE           KEY     STATE    MESH  PEERS  SEEN  VERSION  ALARMS',
        `here         elm   ${HERE.node}  pinned  online   good    2/3     -  0.1.0    mesh`,
        `next         elm   ${NEXT.node}  pinned  offline  good    2/3     -  0.1.0    -`,
        `Anna's roof  oak   ${AWAY.node}  -       never    -         -     -  -        -`,
        '',
        '3 nodes: 1 online, 1 never, 1 offline; 1 alarm',
        '',
      ]);
      assert.is((await it.run('nodes --sort colour')).code, 2);
      assert.is((await it.run('nodes --site Elm')).code, 2);
    }),
  );
  nodes('says so when there are none', () =>
    withFleet({}, async (it) => {
      assert.is((await it.run('nodes')).out, '0 nodes\n');
      assert.equal(await it.json('nodes'), { nodes: [], all: 0, cut: 0, dropped: 0 });
    }),
  );
  nodes('lets no name touch the terminal', () =>
    withFleet({}, async (it, _, writer) => {
      HERE.more = { name: '\x1b[2J\x1b]0;owned\x07\u202eevil\u0000\n家', version: '\x9b31m1.0' };
      await publishKept(writer, HERE.kept());
      HERE.more = {};
      const terminal = { width: 100, isColoured: true };
      const { out, err } = await it.run('nodes', { terminal });
      // our own colours are all that is left
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      assert.not.match((out + err).replace(/\x1b\[\d+m/g, ''), /[^\P{C}\n]/u);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      for (const line of out.split('\n')) assert.ok(line.replace(/\x1b\[\d+m/g, '').length <= 101, line);
      const { out: json } = await it.run('nodes --json');
      assert.not.match(json, /[^\x20-\x7e\n\u5bb6]/);
      assert.match(JSON.parse(json).nodes[0].name, '\x1b[2J');
    }),
  );
  nodes('warns of strangers and of forgeries', () =>
    withFleet({}, async (it, _, writer) => {
      await publishKept(writer, new Map([...HERE.kept(), [NEXT.topic('info'), HERE.info()]]));
      await changePins(it.home, (pins) => pins.set(NEXT.node, NEXT.pin));
      const { out, err } = await it.run('nodes');
      assert.match(out, /FORGED/);
      assert.match(err, `warning: 1 node not signed by whom they say they are: elm/${NEXT.node}`);
      assert.match(err, `warning: 1 node that nobody enrolled: elm/${HERE.node}`);
      assert.match(err, /warning: \d messages? passed over/);
    }),
  );
  const many = Array.from({ length: 3000 }, (_, at) => new PlayedNode(`house ${at}`, at % 2 ? 'elm' : 'oak'));
  for (const [how, config, cut] of [
    ['where the broker keeps two thirds of them back', [], true],
    ['where it does not', ['max_queued_messages 100000'], false],
  ] as const)
    nodes(`finds all of 3,000 enrolled nodes, ${how}`, () =>
      withFleet({ config }, async (it, _, writer) => {
        await publishKept(writer, new Map(many.flatMap((one) => [...one.kept()])));
        await changePins(it.home, (pins) => {
          for (const one of many) pins.set(one.node, one.pin);
        });
        const started = performance.now();
        const { code, out, err } = await it.run('nodes --json');
        console.log(`measured: 3000 nodes ${how}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
        const listed = JSON.parse(out) as Listed;
        assert.equal([code, listed.nodes.length, listed.dropped], [0, 3000, 0]);
        assert.ok(
          listed.nodes.every(({ state, trust, peers }) => state === 'online' && trust === 'pinned' && peers === 3),
        );
        assert.is(listed.cut, cut ? 1980 : 0);
        assert.is(/the broker kept 1980 nodes back from a wildcard/.test(err), cut);
      }),
    );
}
nodes.run();
