import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Fleet } from '../../src/fleet/fleet.ts';
import { findOdd } from '../../src/fleet/fleet-finding.ts';
import type { Pins } from '../../src/fleet/pin.ts';
import { changePins } from '../../src/fleet/pin.ts';
import { Session } from '../../src/fleet/session.ts';
import { withOperator } from '../support/meshctl.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { PlayedNode, publishKept } from '../support/played-node.ts';

const reason = await whyNoMosquitto();
const NOW = 1_800_000_000_000;
const WEEK_S = 7 * 86_400;
const HERE = new PlayedNode('here', 'elm');
const NEXT = new PlayedNode('next', 'elm');

type Told = readonly [topic: string, payload: Uint8Array | string, expires_in_s?: number];

/** Ids of what is found, of nodes that told these things, which the broker kept. */
function found(
  told: readonly Told[],
  more: { cut?: number; keptCommands?: string[]; live?: readonly Told[] } = {},
): string[] {
  const pins: Pins = new Map([HERE, NEXT].map((one) => [one.node, one.pin]));
  const fleet = new Fleet(pins);
  const take =
    (isRetained: boolean) =>
    ([topic, payload, expires_in_s]: Told): void =>
      void fleet.take(
        {
          topic,
          payload: new Uint8Array(Buffer.from(payload as string)),
          isRetained,
          ...(expires_in_s !== undefined && { expires_in_s }),
        },
        NOW,
      );
  told.forEach(take(true));
  more.live?.forEach(take(false));
  const { cut = 0, keptCommands = [] } = more;
  return findOdd(fleet, { cut, keptCommands, nowMs: NOW }).map(({ id, level }) => `${level} ${id}`);
}
const WELL: Told[] = [...HERE.kept(), ...NEXT.kept()].map(
  ([topic, payload]) => [topic, payload, topic.endsWith('/state') ? WEEK_S : undefined] as unknown as Told,
);

const odd = suite('findOdd');
odd('finds nothing odd about nodes that are well', () => {
  assert.equal(found(WELL), ['ok fleet']);
  assert.equal(
    found(WELL, {
      live: [
        [HERE.topic('status'), HERE.status('offline')],
        [HERE.topic('status'), HERE.status('online', 2)],
      ],
    }),
    ['ok fleet'],
  );
});
for (const [what, told, more, expected] of [
  ['a forgery', [[HERE.topic('info'), NEXT.info()]], {}, 'error forged'],
  ['a command that was kept', WELL, { keptCommands: [HERE.topic('cmd')] }, 'error kept-commands'],
  [
    'two routers with one key',
    WELL,
    { live: [[HERE.topic('status'), HERE.status().replace(HERE.sid, 'another')]] },
    'error copies',
  ],
  ['a node in two sites', [...WELL, [`mb/1/oak/${HERE.node}/status`, HERE.status()]], {}, 'warning two-sites'],
  [
    'a clock that is wrong',
    [...WELL, [HERE.topic('state'), HERE.state({ t: NOW / 1000 + 3600 }), WEEK_S]],
    {},
    'warning clocks',
  ],
  [
    'a node that holds its connection and is silent',
    [
      ...WELL.filter(([topic]) => topic !== HERE.topic('state')),
      [HERE.topic('state'), HERE.state({ t: NOW / 1000 - 7200 }), WEEK_S - 7200],
    ],
    {},
    'warning silent',
  ],
  ['a node that nobody enrolled', [...WELL, [`mb/1/oak/aaaaaaaaaaaaa/status`, HERE.status()]], {}, 'note strangers'],
  ['that the broker cuts', WELL, { cut: 3 }, 'error cut'],
] as [string, Told[], Parameters<typeof found>[1], string][])
  odd(`finds ${what}`, () => assert.equal(found(told, more), [expected]));
odd('does not take a clock for wrong that is not said to be right, nor an old state', () => {
  for (const [t, clk, left] of [
    [5, 'none', WEEK_S],
    [5, 'file', WEEK_S],
    [NOW / 1000 - 600, 'ntp', WEEK_S - 600],
  ] as const)
    assert.equal(found([...WELL, [HERE.topic('state'), HERE.state({ t, clk }), left]]), ['ok fleet']);
});
odd('finds nothing at all where there are no nodes', () =>
  assert.equal(findOdd(new Fleet(new Map()), { cut: 0, keptCommands: [], nowMs: NOW }), []),
);
odd.run();

// ---

const doctor = suite('meshctl doctor with nodes');
if (reason !== undefined) console.log(`skipped: nodes at mosquitto: ${reason}`);
else
  doctor('tells what is odd about them beside what is wrong with the broker', () =>
    withOperator(async (it) => {
      const broker = await Mosquitto.start();
      try {
        const url = `mqtt://127.0.0.1:${broker.port()}`;
        const writer = await Session.open({ broker: { url }, env: {} });
        const kept = new Map([...HERE.kept(), ...NEXT.kept(), [HERE.topic('cmd'), '{"op":"restart"}']]);
        await publishKept(writer, kept);
        await writer.close();
        await changePins(it.home, (pins) => pins.set(HERE.node, HERE.pin));
        await it.json(`broker set --url ${url}`);
        const { code, out } = await it.run('doctor --retained 10 --listen 1');
        assert.is(code, 1);
        assert.match(out, `error    the broker keeps commands: ${HERE.topic('cmd')}`);
        assert.match(out, 'note     not enrolled here: elm/next');
      } finally {
        await broker.stop();
      }
    }),
  );
doctor.run();
