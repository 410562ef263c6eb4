// The MQTT client at a broker that refuses MQTT 5: what it falls back to, on each host.

import { createServer } from 'node:net';
import { Aedes, type AedesPublishPacket, type Client } from 'aedes';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clientHosts } from '../support/client-host.ts';
import { freePort } from '../support/mosquitto.ts';
import { waitFor } from '../support/scripted-broker.ts';

const aedes = suite('MqttClient at aedes');
const { hosts, close } = await clientHosts();
aedes.after(close);

for (const { name, start } of hosts)
  aedes(`${name}: falls back to MQTT 3.1.1, and does all it does there`, async () => {
    const broker = await Aedes.createBroker();
    const heard: string[] = [];
    const refused: string[] = [];
    broker.on('publish', (packet: AedesPublishPacket, client: Client | null) => {
      if (client) heard.push(`${packet.topic} ${packet.qos} ${packet.retain} ${packet.payload}`);
    });
    broker.on('connectionError', (_: Client, error: Error) => refused.push(error.message));
    const port = await freePort();
    const server = createServer(broker.handle).listen(port, '127.0.0.1');
    const send = (topic: string, payload: string): Promise<void> =>
      new Promise((resolve, reject) => {
        broker.publish({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false }, (error) =>
          error ? reject(error) : resolve(),
        );
      });
    const it = await start({
      clientId: 'node',
      endpoint: { host: '127.0.0.1', port },
      subscribe: [['down/+', 1]],
      will: { topic: 'will', text: 'gone', qos: 1, retain: false, delayS: 90 },
    });
    try {
      const { protocol } = await it.next('up');
      assert.is(protocol, 4);
      assert.match(refused.join(), /protocol version/i, 'MQTT 5 was tried before');
      // until its subscription is there
      await waitFor('it hears', async () => {
        await send('down/a', 'hello');
        return it.happenings.some((one) => 'message' in one && one.message === 'down/a' && one.text === 'hello');
      });
      for (const qos of [0, 1] as const) {
        const publish = { topic: 'up', text: `up ${qos}`, qos, retain: qos === 1, expiryS: 60, alias: true };
        await send('do/node', JSON.stringify({ publish }));
        assert.is((await it.next('published', ({ published }) => published === `up ${qos}`)).error, undefined);
      }
      await it.kill();
      await waitFor('the will', () => heard.includes('will 1 false gone'));
      assert.equal(heard.slice(0, 2), ['up 0 false up 0', 'up 1 true up 1']);
    } finally {
      await it.kill();
      await new Promise<void>((resolve) => broker.close(() => server.close(() => resolve())));
    }
  });
aedes.run();
