// The daemon on the C host and the broker of a home, with somebody in the place of Home Assistant: all that it says is what the contract
// names, and nothing is left when it is switched off.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TableLayout } from '../../src/api/model.ts';
import { EVENT_KINDS, type EventKind, PAYLOADS, TOPICS, type TopicName } from '../../src/api/topics.ts';
import { startStandin } from '../../src/dev/standin.ts';
import { Router, until } from '../lab/router.ts';
import { layoutFaults } from '../support/layout.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';

const LIMIT_MS = 30_000;
/** Between two heartbeats, with room for a busy machine. */
const PACE_MS = 65_000;

interface Context {
  router: Router;
  broker: Mosquitto;
  home: MqttClient;
  directory: string;
  standin: Awaited<ReturnType<typeof startStandin>>;
  /** What came, oldest first. */
  heard: { topic: string; text: string; retain: boolean }[];
}

const home = suite<Context>('the daemon and the broker of a home');
home.before(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'meshbridge-home-'));
  context.standin = await startStandin({ directory: context.directory });
  context.router = new Router([{ iface: 'ygg0', socket: context.standin.node('a').socket, peers: [] }]);
  context.broker = await Mosquitto.start();
  const { router, broker } = context;
  await router.startBroker();
  const text = readFileSync(router.config, 'utf8');
  writeFileSync(
    router.config,
    `${text.replace("config meshbridge 'main'\n", "config meshbridge 'main'\n\toption mqtt '1'\n")}
config mqtt 'home'
	option profile 'home'
	option url 'mqtt://127.0.0.1:${broker.port()}'
	option discovery '1'
	option interval '60'
`,
  );
  context.heard = [];
  context.home = await connectAsync(`mqtt://127.0.0.1:${broker.port()}`, { protocolVersion: 5 });
  context.home.on('message', (topic, payload, { retain }) => {
    context.heard.push({ topic, text: payload.toString(), retain });
  });
  await context.home.subscribeAsync(['mb/1/#', 'homeassistant/#'], { qos: 1 });
  await router.startDaemon();
});
home.after(async ({ router, broker, home: client, standin, directory }) => {
  await client?.endAsync(true);
  await router?.close();
  await broker?.stop();
  await standin?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The newest message of the router on a topic, below its own level. */
function newest({ heard }: Context, name: string): string | undefined {
  return heard.filter(({ topic }) => topic.split('/').slice(4).join('/') === name).at(-1)?.text;
}

home('says that it is there, what it is and how it is', async (context) => {
  for (const name of ['status', 'info', 'state', 'evt/started'])
    await until(`${name} comes`, () => newest(context, name) !== undefined, LIMIT_MS);
  const status = JSON.parse(newest(context, 'status')!);
  assert.equal([status.state, status.n], ['online', 1]);
  const state = JSON.parse(newest(context, 'state')!);
  assert.is(state.yggdrasil[0].id, 'ygg0');
  assert.ok(state.system.memory_kb > 0);
  assert.is(state.sid, status.sid);
});
home('is a device of Home Assistant, which reads what it says', async (context) => {
  // the first one may come before Yggdrasil was asked
  const description = () =>
    context.heard.find(({ topic, text }) => topic.startsWith('homeassistant/') && JSON.parse(text).cmps.peers_up);
  await until('its description comes', () => description() !== undefined, 2 * PACE_MS);
  const { topic, text } = description()!;
  assert.match(topic, /^homeassistant\/device\/mb-[a-z2-7]{13}\/config$/);
  assert.ok(Buffer.byteLength(text) < 2000);
  const { cmps, stat_t, avty } = JSON.parse(text);
  assert.ok(cmps.peers_up && cmps.load);
  const node = /mb-(\w+)/.exec(topic)![1];
  assert.equal([stat_t, avty[0].t], [`mb/1/home/${node}/tele`, `mb/1/home/${node}/status`]);
});
home('is found good by the test of its broker, at the same time', async (context) => {
  const { ok, steps } = (await context.router.call('meshbridge', 'broker_test', { name: 'home' })) as {
    ok: boolean;
    steps: { step: string; state: string; sentence: string }[];
  };
  assert.is(ok, true, JSON.stringify(steps));
  assert.is(steps.length, 6);
  const { brokers } = (await context.router.call('meshbridge', 'telemetry')) as { brokers: { ups: number }[] };
  assert.is(brokers[0]!.ups, 1, '~> its own connection stays');
});
home('sends heartbeats at its pace', async (context) => {
  await until('a heartbeat tells of peers', () => JSON.parse(newest(context, 'tele') ?? '{}').peers >= 0, 2 * PACE_MS);
});
home('says nothing that the contract does not name', (context) => {
  const own = context.heard.filter(({ topic, text }) => topic.startsWith('mb/1/') && text !== '');
  assert.ok(own.length >= 5);
  for (const { topic, text } of own) {
    const [, , , , name, kind] = topic.split('/') as [string, string, string, string, TopicName, EventKind];
    const layout: TableLayout = { ...PAYLOADS[name], ...(name === 'evt' && EVENT_KINDS[kind]) };
    // the test of the broker writes to the log, too
    assert.equal(layoutFaults(layout, JSON.parse(text)), [], topic);
    assert.ok(Buffer.byteLength(text) <= TOPICS[name].maxBytes, topic);
  }
});
home('leaves nothing behind at Home Assistant when it is switched off', async (context) => {
  const { router, heard } = context;
  writeFileSync(router.config, readFileSync(router.config, 'utf8').replace("option mqtt '1'", "option mqtt '0'"));
  await router.reload();
  await until('it says goodbye', () => JSON.parse(newest(context, 'status')!).state === 'bye', LIMIT_MS);
  await until('its description is taken back', () =>
    heard.some(({ topic, text }) => topic.startsWith('homeassistant/') && text === ''),
  );
});

const reason = await whyNoMosquitto();
if (reason !== undefined) console.log(`skipped: the daemon and the broker of a home: ${reason}`);
else {
  home.run();
}
