import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PAYLOADS } from '../../src/api/topics.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { type Device, describeDevice, HomeAssistant } from '../../src/surface/home-assistant.ts';
import { ManualClock } from '../support/clock.ts';

const HEAD = `mb/1/${'s'.repeat(32)}/abcdefghij234`;
const DEVICE: Device = {
  node: 'abcdefghij234',
  name: 'Hill 12 '.repeat(20),
  model: 'TP-Link Archer C7 v2 '.repeat(20),
  version: '0.1.0',
  statusTopic: `${HEAD}/status`,
  teleTopic: `${HEAD}/tele`,
};
const ALL = Object.keys(PAYLOADS.tele)
  .map((name) => name.replace('?', ''))
  .filter((name) => !['sid', 'seq', 'mono', 't', 'clk', 'base', 'd', 'peers', 'sessions', 'internet'].includes(name));

const describe = suite('describeDevice');
describe('is one message under 2 kB, with a component for each number', () => {
  const text = describeDevice(DEVICE, ALL);
  console.log(`measured: description for Home Assistant ${encodeUtf8(text).length} bytes`);
  assert.ok(encodeUtf8(text).length < 2000);
  const { dev, o, cmps, stat_t, avty } = JSON.parse(text);
  assert.equal(dev, {
    ids: ['mb-abcdefghij234'],
    name: DEVICE.name.slice(0, 32),
    mdl: DEVICE.model!.slice(0, 32),
  });
  assert.equal(o, { name: 'meshbridge', sw: '0.1.0' });
  assert.is(stat_t, DEVICE.teleTopic);
  assert.is(avty[0].t, DEVICE.statusTopic);
  assert.equal(Object.keys(cmps).sort(), [...ALL].sort());
  assert.equal(cmps.latency_ms, {
    p: 'sensor',
    name: 'Latency',
    uniq_id: 'abcdefghij234-latency_ms',
    val_tpl: '{{value_json.latency_ms}}',
    unit_of_meas: 'ms',
    stat_cla: 'measurement',
  });
  assert.is(cmps.verdict.val_tpl, "{{'ON' if value_json.verdict!='good' else 'OFF'}}");
  assert.is(cmps.online.val_tpl, "{{'ON' if value_json.online==true else 'OFF'}}");
});
describe('has no component for what is not measured, nor for what we do not know', () => {
  const { cmps } = JSON.parse(describeDevice(DEVICE, ['load', 'sid', 'constructor', '{{ 7*7 }}']));
  assert.equal(Object.keys(cmps), ['load']);
});
describe('puts no name into a template', () => {
  const name = '{{ states.person }}"}';
  const { dev, cmps, avty } = JSON.parse(describeDevice({ ...DEVICE, name, model: name }, ALL));
  assert.equal([dev.name, dev.mdl], [name, name]);
  assert.not.match(JSON.stringify([cmps, avty]), /states|person/);
});
describe.run();

function make(random = 0.5) {
  const clock = new ManualClock();
  const world = { fields: undefined as string[] | undefined, name: 'Hill 12', births: 0 };
  const published: string[] = [];
  const it = new HomeAssistant({
    after: (ms, callback) => clock.after(ms, callback),
    random: () => random,
    device: () => ({ ...DEVICE, name: world.name }),
    fields: () => world.fields,
    publish: (text) => published.push(text),
    onBirth: () => world.births++,
  });
  return { clock, it, world, published };
}

const assistant = suite('HomeAssistant');
assistant('is told once something was measured, and again only when that changed', () => {
  const { it, world, published } = make();
  it.connected();
  assert.equal(published, []);
  world.fields = ['load'];
  it.offer();
  it.offer();
  assert.is(published.length, 1);
  world.fields = ['load', 'temperature_c'];
  it.offer();
  assert.equal(Object.keys(JSON.parse(published[1]!).cmps), world.fields);
  it.connected();
  assert.is(published.length, 3);
});
assistant('is told again after its birth, some time within a minute, and then all numbers', async () => {
  const { clock, it, world, published } = make(0.5);
  world.fields = ['load'];
  it.connected();
  it.heard('online');
  it.heard('online');
  it.heard('offline');
  await clock.advance(29_999);
  assert.equal([published.length, world.births], [1, 0]);
  await clock.advance(1);
  assert.equal([published.length, world.births], [2, 1]);
  assert.is(clock.pending, 0);
});
assistant('forgets a router that is removed', async () => {
  const { clock, it, world, published } = make();
  world.fields = ['load'];
  it.connected();
  it.heard('online');
  it.remove();
  await clock.advance(100_000);
  assert.equal(published.slice(1), ['']);
});
assistant.run();
