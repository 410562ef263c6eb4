// A router, its client and a broker at the end of a wire over whole days, on a clock that the test moves.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dayOfTraffic, Reporting } from '../support/reporting.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const day = suite('a day of telemetry');
day('of 20 peers takes at most 0.40 MB of the line', async () => {
  const { wireBytes, mqttBytes, messages, pings } = await dayOfTraffic();
  console.log(
    `measured: a day, 20 peers: ${wireBytes} bytes, ${mqttBytes} of MQTT, ${messages} messages, ${pings} pings`,
  );
  assert.ok(wireBytes <= 400_000, `~> ${wireBytes}`);
  assert.ok(messages > 280, '~> it was a day');
});
day('takes at most 0.10 MB where the line is metered', async () => {
  const { wireBytes, mqttBytes, messages, pings } = await dayOfTraffic({ metered: true });
  console.log(
    `measured: a metered day: ${wireBytes} bytes, ${mqttBytes} of MQTT, ${messages} messages, ${pings} pings`,
  );
  assert.ok(wireBytes <= 100_000, `~> ${wireBytes}`);
  assert.ok(messages > 90, '~> it was a day');
});
day.run();

const outage = suite('a broker that is gone for 24 hours');
outage('gets all that happened, in order and once, at most five a second, and first what happens now', async () => {
  const it = new Reporting();
  const { clock, broker, queue } = it;
  await clock.advance(HOUR);
  const before = broker.messages.length;
  broker.setUp(false);
  for (let hour = 0; hour < 24; hour++) {
    await clock.advance(HOUR);
    it.flap(hour);
  }
  assert.is(broker.messages.length, before);
  const waiting = queue.size;
  assert.ok(waiting >= 287 + 48, `~> ${waiting} wait`);
  assert.is(queue.dropped, 0);
  console.log(`measured: a day without the broker: ${waiting} reports wait, ${queue.queuedBytes} bytes`);

  broker.setUp(true);
  await clock.advance(20 * MINUTE);
  assert.equal(it.surface.queue(), { queued: 0, dropped: 0 });
  const after = broker.messages.slice(before).filter(({ topic }) => /tele|evt/.test(topic));
  const all = broker.messages.map(({ topic, text }) => ({ topic, ...(text.startsWith('{') ? JSON.parse(text) : {}) }));
  const seqs = all.filter(({ topic }) => /\/(tele|state)$/.test(topic)).map(({ seq }) => seq);
  const eseqs = all.filter(({ topic }) => /\/evt\//.test(topic)).map(({ eseq }) => eseq);
  assert.is(new Set(seqs).size, seqs.length, '~> nothing twice');
  assert.is(new Set(eseqs).size, eseqs.length);
  assert.equal(
    [...seqs].sort((a, b) => a - b),
    seqs.map((_, i) => i + 1),
    '~> nothing missing',
  );
  assert.equal(
    eseqs,
    eseqs.map((_, i) => i + 1),
  );
  const replayed = after.filter(({ qos, topic }) => qos === 1 || /evt/.test(topic));
  const monos = replayed.map(({ text }) => JSON.parse(text).mono);
  assert.equal(
    monos,
    [...monos].sort((a, b) => a - b),
    '~> in order',
  );
  for (const { atMs } of replayed)
    assert.ok(replayed.filter((one) => one.atMs >= atMs && one.atMs < atMs + 1000).length <= 5, '~> five a second');
  const [first] = broker.messages.slice(before);
  assert.match(first!.topic, /status$/, '~> first of all, that it is back');
  it.stop();
  await clock.advance(1000);
  assert.is(clock.pending, 0, '~> no timer is left');
});
outage('loses heartbeats and no event where there is no room for all, and says how many', async () => {
  const it = new Reporting({ intervalMs: 60_000 });
  const { clock, broker } = it;
  await clock.advance(HOUR);
  broker.setUp(false);
  for (let hour = 0; hour < 24; hour++) {
    await clock.advance(HOUR);
    it.flap(hour);
  }
  const { dropped } = it.surface.queue();
  assert.ok(dropped > 0);
  assert.ok(it.queue.queuedBytes <= 131_072);
  broker.setUp(true);
  await clock.advance(30 * MINUTE);
  const events = broker.messages.filter(({ topic }) => /evt/.test(topic));
  assert.is(events.length, 48);
  const states = broker.messages.filter(({ topic }) => /state$/.test(topic));
  assert.ok(JSON.parse(states.at(-1)!.text).own.dropped >= dropped);
  it.stop();
});
outage.run();
