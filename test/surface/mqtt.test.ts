import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { METRIC_GROUPS, OPTIONAL_TOPICS, PAYLOADS, TOPICS, type TopicName } from '../../src/api/topics.ts';
import { RemoteError } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import { ReportQueue } from '../../src/mesh/report-queue.ts';
import { type MqttFilter, MqttSurface } from '../../src/surface/mqtt.ts';
import { MemoryBroker } from '../support/broker.ts';
import { ManualClock } from '../support/clock.ts';
import { layoutFaults } from '../support/layout.ts';

const HEAD = 'mb/1/hill/abcdefghij234/';
const FILTER: MqttFilter = { send: OPTIONAL_TOPICS, groups: METRIC_GROUPS, manage: true, discovery: false };

function make(more: Partial<MqttFilter> = {}) {
  const clock = new ManualClock();
  const broker = new MemoryBroker(() => clock.monotonicMs());
  const queue = new ReportQueue(100_000);
  const world = {
    info: 'info' as string | undefined,
    have: undefined as string | undefined,
    alarms: [] as ['mesh' | 'flash', string][],
    fields: ['load'] as string[] | undefined,
    clk: 'ntp',
    connected: 0,
    asked: 0,
    taken: [] as string[],
    payload: undefined as Uint8Array | undefined,
  };
  const bytes = (text: string | undefined) => (text === undefined ? undefined : encodeUtf8(text));
  const surface = new MqttSurface(
    {
      site: 'hill',
      node: 'abcdefghij234',
      clock,
      random: () => 0.5,
      log: SILENT,
      moments: { sid: 'boot', now: () => ({ sid: 'boot', mono: clock.monotonicMs(), clk: world.clk }) },
      queue,
      connection: () => broker,
      info: () => bytes(world.info),
      have: () => bytes(world.have),
      alarms: () => world.alarms,
      alarmIds: ['mesh', 'flash', 'config'],
      onConnected: () => world.connected++,
      onAsked: () => world.asked++,
      onCommand: (payload, retained) => {
        world.payload = payload;
        world.taken.push(`cmd ${decodeUtf8(payload)} ${retained}`);
      },
      onWant: (payload, audience) => world.taken.push(`want ${decodeUtf8(payload)} ${audience}`),
      homeAssistant: {
        device: () => ({
          node: 'abcdefghij234',
          name: 'Hill',
          model: undefined,
          version: '1',
          statusTopic: `${HEAD}status`,
          teleTopic: `${HEAD}tele`,
        }),
        fields: () => world.fields,
      },
    },
    { ...FILTER, ...more },
  );
  surface.subscribe();
  /** As the client does it. */
  const connect = (): void => {
    surface.will();
    broker.up = true;
    surface.changed(true);
  };
  const lose = (): void => {
    broker.up = false;
    surface.changed(false);
  };
  const message = (topic: string, text: string, retain = false) =>
    surface.take({ topic, payload: encodeUtf8(text), qos: 1, retain, dup: false });
  return { clock, broker, queue, world, surface, connect, lose, message };
}

const connecting = suite('MqttSurface: connecting');
connecting('tells all that a broker should keep, each time anew', async () => {
  const { broker, world, connect, lose, clock } = make();
  world.have = 'have';
  world.alarms = [['flash', 'full']];
  for (const n of [1, 2]) {
    connect();
    await clock.advance(10);
    const told = broker.take(HEAD);
    assert.match(told[0]!, new RegExp(`^status {"state":"online","sid":"boot","n":${n},"mono":\\d+,"clk":"ntp"}$`));
    assert.equal(told.slice(1, 3), ['info info', 'have have']);
    // what an earlier run may have left behind is taken back once
    assert.equal(told.slice(3), n === 1 ? ['alarm/mesh ', 'alarm/flash full', 'alarm/config '] : ['alarm/flash full']);
    assert.is(world.connected, n);
    lose();
  }
});
connecting('leaves a will that says which connection is lost', () => {
  const { surface } = make();
  const [first, second] = [surface.will(), surface.will()];
  assert.is(decodeUtf8(first.payload), '{"state":"offline","sid":"boot","n":1}');
  assert.is(JSON.parse(decodeUtf8(second.payload)).n, 2);
  assert.equal([first.topic, first.qos, first.retain, first.delayS], [`${HEAD}status`, 1, true, 90]);
  assert.equal(layoutFaults(PAYLOADS.status, JSON.parse(decodeUtf8(first.payload))), []);
});
connecting('tells nothing of what is not known yet', async () => {
  const { broker, world, connect, surface } = make({ send: [] });
  world.info = undefined;
  connect();
  assert.is(broker.take(HEAD).length, 1);
  world.info = 'now';
  surface.tellInfo();
  assert.equal(broker.take(HEAD), ['info now']);
});
connecting('says when it goes, and when its clock is another', async () => {
  const { broker, connect, surface, world } = make();
  connect();
  broker.take();
  world.clk = 'none';
  surface.clockChanged();
  await surface.bye();
  assert.equal(
    broker.take(HEAD).map((one) => one.replace(/"mono":\d+/, '"mono":0')),
    [
      'status {"state":"online","sid":"boot","n":1,"mono":0,"clk":"none"}',
      'status {"state":"bye","sid":"boot","n":1,"mono":0,"clk":"none"}',
    ],
  );
  assert.match(broker.retained.get(`${HEAD}status`)!, '"bye"');
});
connecting('sends each topic as the contract has it', async () => {
  const { broker, connect, surface, world, clock } = make();
  world.have = 'have';
  connect();
  surface.keyframe('{}');
  surface.heartbeat('{}');
  surface.event('started', '{}');
  surface.alarm('mesh', '{}');
  surface.result(encodeUtf8('{}'));
  surface.lines('{}');
  surface.share('held', encodeUtf8('{}'));
  surface.share('use', encodeUtf8('{}'), '7');
  await clock.advance(10);
  const seen = new Set<string>();
  for (const { topic, qos, retain, expiryS } of broker.arrived) {
    const name = topic.slice(HEAD.length).split('/')[0] as TopicName;
    const contract = TOPICS[name] as { qos: number; retain: boolean; expiryS?: number };
    assert.equal([qos, retain, expiryS], [contract.qos, contract.retain, contract.expiryS], name);
    seen.add(name);
  }
  assert.equal(
    [...seen].sort(),
    Object.keys(TOPICS)
      .filter((name) => TOPICS[name as TopicName].direction === 'up')
      .sort(),
  );
});
connecting.run();

const taking = suite('MqttSurface: what comes');
taking('is taken from its own topics, and nowhere else', () => {
  const { message, world, surface } = make();
  message(`${HEAD}cmd`, 'c');
  message(`${HEAD}cmd`, 'kept', true);
  message(`${HEAD}want`, 'w', true);
  message('mb/1/hill/all/want', 's', true);
  for (const other of ['mb/1/hill/other/cmd', 'mb/1/all/want', 'mb/1/valley/all/want', `${HEAD}cmd/x`, ''])
    message(other, 'x');
  assert.equal(world.taken, ['cmd c false', 'cmd kept true', 'want w node', 'want s site']);
  assert.is(surface.received, 9);
});
taking('of a group is taken by whoever asked for it, as long as they do', async () => {
  const { broker, surface, message, connect } = make();
  const [homes, use] = ['mb/1/east/all/homes', 'mb/1/elm/bbbbbbbbbbbbb/use/+'];
  const taken: string[] = [];
  const before = [...broker.subscriptions.keys()];
  surface.follow([homes, use], (topic, payload) => taken.push(`${topic} ${decodeUtf8(payload)}`));
  assert.equal([...broker.subscriptions.keys()], [...before, homes, use]);
  assert.equal(broker.subscriptions.get(homes), { retainHandling: 0 });
  message(homes, '1', true);
  message(`${HEAD}cmd`, 'c');
  message(use.replace('+', '7'), '2');
  assert.equal(taken, [`${homes} 1`, 'mb/1/elm/bbbbbbbbbbbbb/use/7 2']);
  const asked = broker.subscriptions.get(homes);
  surface.follow([homes], (topic) => taken.push(`anew ${topic}`));
  assert.is(broker.subscriptions.get(homes), asked, '~> what was asked for is not asked for again');
  message(homes, '3');
  assert.equal([taken.at(-1), broker.subscriptions.has(use)], [`anew ${homes}`, false]);
  surface.follow([], () => {});
  assert.equal([...broker.subscriptions.keys()], before);
  // without a broker nothing is said, and nothing fails
  await surface.share('held', encodeUtf8('lost'));
  connect();
  await surface.share('held', encodeUtf8('kept'));
  assert.is(broker.retained.get(`${HEAD}held`), 'kept');
});
taking('is asked for with retained desired state, without retained commands', () => {
  const { broker } = make({ discovery: true });
  assert.equal(
    [...broker.subscriptions].map(([topic, { retainHandling }]) => `${topic} ${retainHandling}`),
    [`${HEAD}cmd 2`, `${HEAD}want 0`, 'mb/1/hill/all/want 0', 'homeassistant/status 2'],
  );
});
taking('is nothing where the broker may not manage, also from now on', () => {
  const { broker, surface } = make({ manage: false });
  assert.is(broker.subscriptions.size, 0);
  surface.setFilter(FILTER);
  assert.is(broker.subscriptions.size, 3);
  surface.setFilter({ ...FILTER, manage: false });
  assert.is(broker.subscriptions.size, 0);
});
taking("is a copy, for the bytes are the connection's", () => {
  const { surface, world } = make();
  const payload = encodeUtf8('ab');
  surface.take({ topic: `${HEAD}cmd`, payload, qos: 1, retain: false, dup: false });
  payload.fill(0);
  assert.is(decodeUtf8(world.payload!), 'ab');
});
taking.run();

const filters = suite('MqttSurface: filters');
for (const [send, wanted] of [
  [['evt'], ['evt/peer-up p', 'evt/started s']],
  [['alarm'], ['alarm/mesh m', 'alarm/flash f']],
  [['log'], ['log l']],
  [
    ['state', 'tele'],
    ['state k', 'tele h'],
  ],
] as const)
  filters(`let through ${send.join(', ')} alone`, async () => {
    const { broker, connect, surface, clock } = make({ send });
    connect();
    broker.take();
    surface.event('peer-up', 'p');
    surface.event('started', 's');
    surface.alarm('mesh', 'm');
    surface.alarm('flash', 'f');
    surface.lines('l');
    // whether these two are measured is the feed's to know
    if (send[0] === 'state') {
      surface.keyframe('k');
      surface.heartbeat('h');
    }
    await clock.advance(10);
    assert.equal(broker.take(HEAD), [...wanted]);
  });
filters('keep back events and alarms of groups that are kept back', async () => {
  const { broker, connect, surface, clock, world } = make({ groups: ['own'] });
  world.alarms = [['mesh', 'bad']];
  connect();
  broker.take();
  for (const kind of ['peer-up', 'link-down', 'uplink-up', 'verdict', 'healed', 'config', 'started'] as const)
    surface.event(kind, 'x');
  for (const id of ['mesh', 'flash', 'memory', 'config'] as const) surface.alarm(id, 'x');
  await clock.advance(10);
  assert.equal(broker.take(HEAD).sort(), ['alarm/config x', 'evt/config x', 'evt/started x']);
});
filters.run();

const waiting = suite('MqttSurface: a broker that is gone');
waiting('gets events and heartbeats later, in order, and nothing of what is old', async () => {
  const { broker, connect, surface, clock, queue } = make();
  surface.heartbeat('h1');
  surface.event('started', 'e1');
  surface.keyframe('k1');
  surface.alarm('mesh', 'a1');
  surface.lines('l1');
  surface.heartbeat('h2');
  await clock.advance(10);
  assert.equal([queue.size, broker.arrived.length], [3, 0]);
  connect();
  surface.heartbeat('h3');
  await clock.advance(5000);
  const tail = broker.arrived.filter(({ topic }) => /tele|evt/.test(topic));
  assert.equal(
    tail.map(({ text, qos, expiryS }) => [text, qos, expiryS]),
    [
      ['h3', 0, 600],
      ['h1', 1, undefined],
      ['e1', 1, 86_400],
      ['h2', 1, undefined],
    ],
    '~> what happens now first',
  );
});
waiting('loses nothing that the client could not take', async () => {
  const { broker, connect, surface, clock, queue } = make();
  connect();
  broker.refuse = ({ qos }) => (qos === 0 ? new Error('full') : undefined);
  surface.heartbeat('h');
  assert.is(queue.size, 1);
  await clock.advance(1000);
  assert.is(broker.take(HEAD).at(-1), 'tele h');
});
waiting('counts what the broker refuses', async () => {
  const { broker, connect, surface, clock, queue } = make();
  connect();
  broker.refuse = () => new RemoteError('not authorised', 0x87);
  surface.event('started', 'e');
  await clock.advance(10_000);
  assert.equal(surface.queue(), { queued: 0, dropped: 1 });
  assert.is(queue.size, 0);
});
waiting('gets no heartbeat later that it does not get now', () => {
  const { surface, queue } = make({ send: ['evt'] });
  surface.heartbeat('h');
  assert.is(queue.size, 0);
});
waiting.run();

const assistant = suite('MqttSurface: Home Assistant');
assistant('is told of the router at the broker of a home, and forgets it when that is switched off', async () => {
  const { broker, connect, surface } = make({ discovery: true });
  const topic = 'homeassistant/device/mb-abcdefghij234/config';
  connect();
  assert.ok(broker.retained.has(topic));
  surface.setFilter(FILTER);
  assert.not.ok(broker.retained.has(topic));
  surface.setFilter({ ...FILTER, discovery: true });
  assert.ok(broker.retained.has(topic));
  await surface.leave();
  assert.not.ok(broker.retained.has(topic));
});
assistant('forgets it with the next connection, where there was none', () => {
  const { broker, connect, lose, surface } = make({ discovery: true });
  connect();
  lose();
  surface.setFilter(FILTER);
  connect();
  assert.not.ok(broker.retained.has('homeassistant/device/mb-abcdefghij234/config'));
});
assistant('gets all numbers after its birth', async () => {
  const { clock, connect, message, world } = make({ discovery: true });
  connect();
  message('homeassistant/status', 'online');
  await clock.advance(60_000);
  assert.is(world.asked, 1);
});
assistant('is none of its business elsewhere', () => {
  const { broker, connect } = make();
  connect();
  assert.not.ok([...broker.retained.keys()].some((topic) => topic.startsWith('homeassistant')));
});
assistant.run();

const sent = suite('MqttSurface.sent');
sent('remembers the last twenty messages, and counts all', async () => {
  const { connect, surface, clock, broker } = make({ send: OPTIONAL_TOPICS });
  connect();
  for (let i = 0; i < 30; i++) surface.heartbeat('x'.repeat(i));
  await clock.advance(1);
  const recent = surface.sent.recent();
  assert.is(recent.length, 20);
  assert.equal([recent[0]!.topic, recent[0]!.bytes, recent[0]!.qos, recent[0]!.retain], [`${HEAD}tele`, 29, 0, false]);
  assert.is(surface.sent.messages, broker.arrived.length);
  assert.is(
    surface.sent.bytes,
    broker.arrived.reduce((n, { text }) => n + text.length, 0),
  );
});
sent.run();
