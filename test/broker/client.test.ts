// The MQTT client over real sockets, on each host, against a real mosquitto with MQTT 5 and 3.1.1, and against a broker that a test scripts.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Arrival, Session } from '../../src/fleet/session.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { CONNECT, PUBLISH, SUBSCRIBE, type Version } from '../../src/mqtt/packet.ts';
import { makeCertificate } from '../support/certificate.ts';
import { clientHosts, type RunningClient } from '../support/client-host.ts';
import { Delay } from '../support/delay.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { broker as packets } from '../support/mqtt.ts';
import { obey, ScriptedBroker, waitFor } from '../support/scripted-broker.ts';
import type { ClientOrder, Deed } from './remote-client.ts';

const { hosts, close } = await clientHosts();
const VERSIONS: readonly Version[] = [5, 4];
const NAMES = { 5: 'MQTT 5', 4: 'MQTT 3.1.1' };

let count = 0;
/** All that runs for a test, and is ended with it. */
class Desk {
  private readonly ends: (() => Promise<unknown>)[] = [];
  readonly id = `client-${++count}`;
  readonly heard: Arrival[] = [];

  constructor(
    private readonly start: (order: ClientOrder) => Promise<RunningClient>,
    private readonly port: number,
  ) {}

  /** A client with an id of its own that is connected, and whose subscriptions are there. */
  async client(order: Partial<ClientOrder> & Pick<ClientOrder, 'endpoint'>): Promise<RunningClient> {
    const { clientId = this.id } = order;
    const client = await this.lone(order);
    await client.next('up');
    const other = await this.other();
    await waitFor('it is subscribed', async () => {
      await other.publish(`do/${clientId}`, JSON.stringify({ tell: 'ready' }), { qos: 1 });
      return client.happenings.some((one) => 'told' in one);
    });
    return client;
  }

  /** The same, which need not come to be connected. */
  async lone(order: Partial<ClientOrder> & Pick<ClientOrder, 'endpoint'>): Promise<RunningClient> {
    const client = await this.start({ clientId: this.id, ...order });
    this.ends.push(() => client.kill());
    return client;
  }

  /** Somebody else at the broker, who hears these topics. */
  async other(filters: readonly string[] = [], clientId?: string): Promise<Session> {
    const session = await Session.open({
      broker: { url: `mqtt://127.0.0.1:${this.port}` },
      env: {},
      ...(clientId !== undefined && { clientId }),
      onMessage: (message) => this.heard.push(message),
    });
    this.ends.push(() => session.close());
    if (filters.length > 0) await session.subscribe(filters);
    return session;
  }

  /** Orders the client about. */
  order(session: Session, deed: Deed): Promise<unknown> {
    return session.publish(`do/${this.id}`, JSON.stringify(deed));
  }

  /** Texts that came, once there are so many. */
  async texts(number: number): Promise<string[]> {
    await waitFor(`${number} messages`, () => this.heard.length >= number);
    return this.heard.map(({ payload }) => decodeUtf8(payload));
  }

  async end(): Promise<void> {
    for (const end of this.ends.reverse()) await end();
  }
}

const client = suite('MqttClient at a real broker');
const reason = await whyNoMosquitto();
if (reason !== undefined) console.log(`skipped: the MQTT client at a real broker: ${reason}`);
else {
  const authority = makeCertificate({ name: 'authority', isAuthority: true });
  const own = makeCertificate({ name: 'broker.example', issuer: authority });
  const mine = makeCertificate({ name: 'client', issuer: authority });
  const files = ['cafile ca.pem', 'certfile own.pem', 'keyfile own.key'];
  const open = await Mosquitto.start({
    config: ['persistence true', 'max_inflight_messages 2'],
    listeners: { tls: files, mutual: [...files, 'require_certificate true'] },
    files: {
      'ca.pem': authority.pem,
      'own.pem': own.pem,
      'own.key': own.keyPem,
      'mine.pem': mine.pem,
      'mine.key': mine.keyPem,
    },
  });
  const closed = await Mosquitto.start({ users: { node: 'secret' } });
  client.after(async () => {
    await open.stop();
    await closed.stop();
  });
  const { endpoint } = open;
  const tls = (more: object, listener = 'tls') => ({
    host: '127.0.0.1',
    port: open.port(listener),
    tls: { serverName: 'broker.example', ...more },
  });

  for (const { name, start } of hosts) {
    const test = (what: string, run: (desk: Desk) => Promise<void>): void =>
      client(`${name}: ${what}`, async () => {
        const desk = new Desk(start, open.port());
        try {
          await run(desk);
        } finally {
          await desk.end();
        }
      });

    for (const version of VERSIONS) {
      test(`${NAMES[version]}: QoS 0 and 1, both ways`, async (desk) => {
        const { id } = desk;
        const other = await desk.other([`up/${id}`]);
        const it = await desk.client({ endpoint, version, subscribe: [[`down/${id}/+`, 1]] });
        assert.is((await it.next('up')).protocol, version);
        for (const qos of [0, 1] as const) {
          await other.publish(`down/${id}/${qos}`, `down ${qos}`, { qos });
          const { text } = await it.next('message', ({ message }) => message === `down/${id}/${qos}`);
          assert.is(text, `down ${qos}`);
          await desk.order(other, { publish: { topic: `up/${id}`, text: `up ${qos}`, qos } });
          assert.is((await it.next('published', ({ published }) => published === `up ${qos}`)).error, undefined);
        }
        assert.equal(await desk.texts(2), ['up 0', 'up 1']);
      });
      test(`${NAMES[version]}: many at once, in order, within what each side takes`, async (desk) => {
        const { id } = desk;
        const other = await desk.other([`up/${id}`]);
        const it = await desk.client({
          endpoint,
          version,
          subscribe: [[`down/${id}`, 1]],
          receiveMaximum: 3,
          // before MQTT 5 a broker cannot be told how many; mosquitto has two under way
          holdMs: 20,
        });
        const texts = Array.from({ length: 30 }, (_, i) => `${i}`);
        await Promise.all(texts.map((text) => other.publish(`down/${id}`, text, { qos: 1 })));
        await it.next('message', ({ text }) => text === '29');
        const came = it.happenings.flatMap((one) => ('message' in one ? [one.text] : []));
        assert.equal(came, texts);
        for (const text of texts)
          await desk.order(other, { publish: { topic: `up/${id}`, text, qos: 1, alias: true } });
        assert.equal(await desk.texts(30), texts);
        assert.is(it.happenings.filter((one) => 'down' in one).length, 0);
      });
      test(`${NAMES[version]}: the will, when it is told to leave without a word`, async (desk) => {
        const { id } = desk;
        const other = await desk.other([`will/${id}`]);
        const will = { topic: `will/${id}`, text: 'gone', qos: 1, retain: false, delayS: 1 } as const;
        await desk.client({ endpoint, version, will });
        await desk.order(other, { stop: 'will' });
        assert.equal(await desk.texts(1), ['gone']);
      });
      test(`${NAMES[version]}: no will, when it leaves in order; the will, when it is killed`, async (desk) => {
        const { id } = desk;
        const other = await desk.other([`will/${id}`, `after/${id}`]);
        const will = { topic: `will/${id}`, text: 'gone', qos: 1, retain: false, delayS: 0 } as const;
        const it = await desk.client({ endpoint, version, will });
        await desk.order(other, { stop: 'quiet' });
        await it.next('down');
        const again = await desk.client({ endpoint, version, will, clientId: `${id}-b` });
        await other.publish(`after/${id}`, 'after');
        assert.equal(await desk.texts(1), ['after']);
        await again.kill();
        assert.equal(await desk.texts(2), ['after', 'gone']);
      });
      test(`${NAMES[version]}: is taken over, and comes back`, async (desk) => {
        const it = await desk.client({ endpoint, version });
        const rival = await desk.other([], desk.id);
        await it.next('down');
        await it.next('up', undefined, it.happenings.length);
        await rival.close();
      });
      test(`${NAMES[version]}: is not let in, says so and does not knock again`, async (desk) => {
        const it = await desk.lone({ endpoint: closed.endpoint, version, username: 'node', password: 'wrong' });
        const { alarm, why } = await it.next('alarm');
        assert.is(alarm, 'not-authorised');
        assert.match(why!, /^connect: (not authorised|bad user name or password)/);
        assert.not.match(JSON.stringify(it.happenings), 'wrong');
        const good = await desk.lone({
          endpoint: closed.endpoint,
          version,
          clientId: `${desk.id}-b`,
          username: 'node',
          password: 'secret',
        });
        await good.next('up');
      });
      test(`${NAMES[version]}: over a unix socket`, async (desk) => {
        const { id } = desk;
        const it = await desk.client({ endpoint: { path: open.socket }, version, subscribe: [[`down/${id}`, 1]] });
        const other = await desk.other();
        await other.publish(`down/${id}`, 'x');
        await it.next('message');
      });
    }
    test('MQTT 5: messages that expire', async (desk) => {
      const { id } = desk;
      const other = await desk.other();
      const it = await desk.client({ endpoint, subscribe: [[`down/${id}`, 1]] });
      await other.publish(`down/${id}`, 'x', { expiry_s: 60 });
      const { expiryS } = await it.next('message');
      assert.ok(expiryS! > 0 && expiryS! <= 60, String(expiryS));
      await desk.order(other, { publish: { topic: `up/${id}`, text: 'kept', qos: 1, retain: true, expiryS: 30 } });
      await it.next('published');
      await desk.other([`up/${id}`]);
      await desk.texts(1);
      const { expires_in_s: leftS, isRetained } = desk.heard[0]!;
      assert.ok(isRetained && leftS! > 0 && leftS! <= 30, String(leftS));
    });
    test('TLS: by authority and name', async (desk) => {
      await desk.client({ endpoint: tls({ caFile: open.path('ca.pem') }) });
      const other = await desk.lone({
        clientId: `${desk.id}-b`,
        endpoint: tls({ caFile: open.path('ca.pem'), serverName: 'elsewhere.example' }),
      });
      assert.match((await other.next('lost')).lost, /another name/);
    });
    test('TLS: by the key that it must have', async (desk) => {
      await desk.client({ endpoint: tls({ pins: [own.pin] }) });
      const other = await desk.lone({ clientId: `${desk.id}-b`, endpoint: tls({ pins: [mine.pin] }) });
      await other.next('lost');
      assert.is(other.happenings.filter((one) => 'up' in one).length, 0);
    });
    test('TLS: with a certificate of its own, and not without', async (desk) => {
      const caFile = open.path('ca.pem');
      const certified = { caFile, certFile: open.path('mine.pem'), keyFile: open.path('mine.key') };
      await desk.client({ endpoint: tls(certified, 'mutual') });
      const other = await desk.lone({ clientId: `${desk.id}-b`, endpoint: tls({ caFile }, 'mutual') });
      await other.next('lost');
      assert.is(other.happenings.filter((one) => 'up' in one).length, 0);
    });
  }
  const together = (what: string, run: (desks: Desk[]) => Promise<void>): void =>
    client(what, async () => {
      const desks = hosts.map(({ start }) => new Desk(start, open.port()));
      try {
        await run(desks);
      } finally {
        for (const desk of desks) await desk.end();
      }
    });
  client(
    'keeps a connection that is silent for longer than its keepalive, on all hosts, in both versions',
    async () => {
      const desks = hosts.flatMap(({ start }) =>
        VERSIONS.map((version) => ({ version, desk: new Desk(start, open.port()) })),
      );
      const run = async ({ version, desk }: (typeof desks)[number]): Promise<void> => {
        const { id } = desk;
        const it = await desk.client({ endpoint, version, keepaliveS: 1, subscribe: [[`down/${id}`, 0]] });
        // a broker waits for half as long again
        await new Promise((resolve) => setTimeout(resolve, 4000));
        const other = await desk.other();
        await other.publish(`down/${id}`, 'still there');
        await it.next('message');
        assert.is(it.happenings.filter((one) => 'down' in one).length, 0);
      };
      try {
        await Promise.all(desks.map(run));
      } finally {
        for (const { desk } of desks) await desk.end();
      }
    },
  );
  for (const version of VERSIONS) {
    together(`${NAMES[version]}: sessions outlive the line: what came meanwhile comes`, async (desks) => {
      const line = await Delay.open(open.port(), 0);
      try {
        const over = { host: '127.0.0.1', port: line.port };
        const clients = await Promise.all(
          desks.map((desk) => desk.client({ endpoint: over, version, subscribe: [[`down/${desk.id}`, 1]] })),
        );
        const before = clients.map(({ happenings }) => happenings.length);
        line.isOpen = false;
        line.cut();
        await Promise.all(clients.map((one) => one.next('down')));
        for (const desk of desks) {
          const other = await desk.other();
          await other.publish(`down/${desk.id}`, 'meanwhile', { qos: 1 });
        }
        line.isOpen = true;
        for (const [i, one] of clients.entries()) {
          assert.is((await one.next('up', undefined, before[i])).session, 'resumed');
          await one.next('message', ({ text }) => text === 'meanwhile');
        }
      } finally {
        await line.close();
      }
    });
    together(`${NAMES[version]}: comes back to a broker that was killed, and subscribes anew`, async (desks) => {
      const clients = await Promise.all(
        desks.map((desk) => desk.client({ endpoint, version, subscribe: [[`down/${desk.id}`, 1]] })),
      );
      const before = clients.map(({ happenings }) => happenings.length);
      await open.kill();
      await Promise.all(clients.map((one) => one.next('down')));
      await open.restart();
      for (const [i, one] of clients.entries()) {
        await one.next('up', undefined, before[i]);
        const desk = desks[i]!;
        const other = await desk.other();
        // until its subscription is there
        await waitFor('it hears again', async () => {
          await other.publish(`down/${desk.id}`, 'again', { qos: 1 });
          return one.happenings.some((happening) => 'message' in happening);
        });
      }
    });
  }
}
client.run();

// ---

const scripted = suite('MqttClient at a broker that a test scripts');
for (const { name, start } of hosts) {
  const test = (what: string, run: (broker: ScriptedBroker, it: RunningClient) => Promise<void>): void =>
    scripted(`${name}: ${what}`, async () => {
      const broker = await ScriptedBroker.start();
      const it = await start({ clientId: `scripted-${++count}`, endpoint: broker.endpoint });
      try {
        await it.next('up');
        await broker.connection(1, SUBSCRIBE);
        await run(broker, it);
      } finally {
        await it.kill();
        await broker.stop();
      }
    });
  test('is taken over twice, says so and stays away', async (broker, it) => {
    broker.live.send(packets.disconnect(0x8e));
    await broker.connection(2, SUBSCRIBE);
    broker.live.send(packets.disconnect(0x8e));
    const { alarm, why } = await it.next('alarm');
    assert.is(alarm, 'duplicate-id');
    assert.match(why!, /session taken over$/);
    assert.is(broker.connections.length, 2);
  });
  test('has used up its quota, and says so', async (broker, it) => {
    broker.live.send(packets.disconnect(0x97));
    assert.is((await it.next('alarm')).alarm, 'quota');
  });
  test('sends no more at a time than the broker takes, no packet that is too long, and a topic once', async (broker, it) => {
    const held: number[] = [];
    broker.answer = (packet, connection) => {
      if (packet.type === CONNECT)
        return packets.connack(5, { receiveMaximum: 2, maximumPacketBytes: 200, topicAliasMaximum: 1 });
      if (packet.type !== PUBLISH) return obey(packet, connection);
      held.push(packet.id!);
      return undefined;
    };
    const from = it.happenings.length;
    broker.live.end();
    await it.next('up', undefined, from);
    await broker.connection(2, SUBSCRIBE);
    const { live } = broker;
    const topic = `do/scripted-${count}`;
    const order = (text: string): boolean =>
      live.send(
        packets.publish(5, {
          topic,
          payload: encodeUtf8(JSON.stringify({ publish: { topic: 'up', text, qos: 1, alias: true } })),
        }),
      );
    for (const text of ['1', '2', '3', 'x'.repeat(300), '4']) order(text);
    for (let taken = 0; taken < 4; taken++) {
      await waitFor(`message ${taken + 1}`, () => held.length > taken);
      assert.ok(held.length <= taken + 2, `${held.length} with ${taken} acknowledged`);
      live.send(packets.puback(5, held[taken]!));
    }
    assert.match(
      (await it.next('published', ({ error }) => error !== undefined)).error!,
      /the broker takes at most 200/,
    );
    await it.next('published', ({ published }) => published === '4');
    const sent = live.of(PUBLISH);
    assert.equal(
      sent.map(({ topic, payload }) => `${topic} ${decodeUtf8(payload)}`),
      ['up 1', 'up 2', 'up 3', 'up 4'],
    );
    assert.ok(sent.every(({ properties }) => properties.topicAlias === 1));
  });
}
scripted.after(close);
scripted.run();
