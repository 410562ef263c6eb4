import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Mosquitto, type MosquittoOptions, whyNoMosquitto } from '../support/mosquitto.ts';

const TOPIC = Buffer.from('\0\x04MQTT');

/** CONNECT of 3.1.1 by hand, so that nothing is proved by what it is to prove. */
function connectPacket(user?: string, password?: string): Buffer {
  const texts = ['client', ...(user === undefined ? [] : [user, password!])].map((text) => Buffer.from(text));
  const fields = texts.flatMap((text) => [Buffer.from([0, text.length]), text]);
  const body = Buffer.concat([TOPIC, Buffer.from([4, user === undefined ? 2 : 0xc2, 0, 60]), ...fields]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

/** The code of its CONNACK. */
function codeOf(to: { port: number } | { path: string }, packet: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', ...to }, () => socket.write(packet));
    socket.once('data', (bytes: Buffer) => {
      socket.destroy();
      resolve(bytes[3]!);
    });
    socket.once('error', reject);
  });
}

async function withBroker(options: MosquittoOptions, use: (broker: Mosquitto) => Promise<void>): Promise<void> {
  const broker = await Mosquitto.start(options);
  try {
    await use(broker);
  } finally {
    await broker.stop();
  }
}

const broker = suite('Mosquitto');
const reason = await whyNoMosquitto();
if (reason !== undefined) console.log(`skipped: mosquitto: ${reason}`);
else {
  broker('answers on TCP, on its unix socket and on listeners of the test', () =>
    withBroker({ listeners: { more: [] } }, async (it) => {
      for (const to of [{ port: it.port() }, { path: it.socket }, { port: it.port('more') }])
        assert.is(await codeOf(to, connectPacket()), 0);
    }),
  );
  broker('lets in whom it has a password for', () =>
    withBroker({ users: { node: 'secret' } }, async (it) => {
      assert.is(await codeOf({ port: it.port() }, connectPacket('node', 'secret')), 0);
      assert.is(await codeOf({ port: it.port() }, connectPacket('node', 'other')), 5);
      assert.is(await codeOf({ port: it.port() }, connectPacket()), 5);
    }),
  );
  broker('is back on its ports after it was killed, and gone with its directory in the end', async () => {
    let directory = '';
    await withBroker({}, async (it) => {
      directory = it.directory;
      const { pid } = it;
      await it.kill();
      await it.restart();
      assert.is.not(it.pid, pid);
      assert.is(await codeOf({ port: it.port() }, connectPacket()), 0);
    });
    assert.not.ok(existsSync(directory));
  });
  broker('says why it does not start', async () => {
    const failure = await Mosquitto.start({ config: ['no_such_option true'] }).catch((error: Error) => error);
    assert.match(String(failure), /mosquitto does not listen: .*no_such_option/);
  });
}
broker.run();
