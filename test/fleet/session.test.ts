import { createServer, type Server, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BrokerSetting } from '../../src/fleet/broker.ts';
import type { Failure } from '../../src/fleet/failure.ts';
import { type Arrival, Session, type SessionOptions } from '../../src/fleet/session.ts';
import { makeCertificate } from '../support/certificate.ts';
import { withOperator } from '../support/meshctl.ts';
import { freePort, Mosquitto, type MosquittoOptions, whyNoMosquitto } from '../support/mosquitto.ts';

const reason = await whyNoMosquitto();

async function withBroker(options: MosquittoOptions, use: (broker: Mosquitto) => Promise<void>): Promise<void> {
  const broker = await Mosquitto.start(options);
  try {
    await use(broker);
  } finally {
    await broker.stop();
  }
}

function open(broker: BrokerSetting, more: Partial<SessionOptions> = {}): Promise<Session> {
  return Session.open({ broker, env: {}, ...more });
}

async function failure(promise: Promise<unknown>): Promise<Failure> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Failure) => error,
  );
}

/** A server that answers each connection with bytes, in hex. */
async function withServer(answers: readonly string[], use: (url: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const answer = answers[Math.min(count++, answers.length - 1)]!;
    socket.on('error', () => {});
    socket.once('data', () => (answer === 'close' ? socket.destroy() : socket.write(Buffer.from(answer, 'hex'))));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    await use(`mqtt://127.0.0.1:${port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const reach = suite('reaching a broker');
reach('says which step failed', async () => {
  const port = await freePort();
  const refused = await failure(open({ url: `mqtt://127.0.0.1:${port}` }));
  assert.equal(
    [refused.ending, refused.message],
    ['unreachable', `mqtt://127.0.0.1:${port}: connection: nothing listens there`],
  );
  const name = await failure(open({ url: 'mqtt://no-such-host.invalid' }));
  assert.is(name.ending, 'unreachable');
  assert.match(name.message, /^mqtt:\/\/no-such-host\.invalid: name no-such-host\.invalid: /);
  const socket = await failure(open({ url: 'unix:///nowhere/mqtt.sock' }));
  assert.is(socket.message, 'unix:///nowhere/mqtt.sock: connection: no such socket');
});
reach('falls back to 3.1.1 where 5 is refused, by a code or by silence', async () => {
  for (const first of ['20020001', '2003008400', 'close'])
    await withServer([first, '20020000'], async (url) => {
      const session = await open({ url });
      assert.is(session.version, 4);
      session.cut();
    });
});
reach('says why it was refused in 3.1.1', () =>
  withServer(['close', '20020005'], async (url) => {
    const { ending, message, hint } = await failure(open({ url }));
    assert.equal(
      [ending, message],
      ['unreachable', `${url}: login: not permitted to connect, or wrong user name or password`],
    );
    assert.match(hint!, 'meshctl broker show');
  }),
);
reach('ends with a broker that sends a message without end', () =>
  // a PUBLISH that says that it has 256 MB, and goes on and on
  withServer([`2003000000${'30ffffff7f'}${'00'.repeat(2_000_000)}`], async (url) => {
    const reason = new Promise<string>((onEnd) => void open({ url }, { onEnd }));
    assert.is(await reason, 'the broker sends a message of more than 1048576 bytes');
  }),
);
reach('refuses a broker that answers something else', () =>
  withServer(['485454502f312e3120343030'], async (url) => {
    const { ending } = await failure(open({ url }));
    assert.is(ending, 'unreachable');
  }),
);
reach.run();

// ---

const tls = suite('TLS');
const session = suite('Session');
if (reason !== undefined) console.log(`skipped: sessions with mosquitto: ${reason}`);
else {
  const authority = makeCertificate({ name: 'authority', isAuthority: true });
  const good = makeCertificate({ name: 'localhost', issuer: authority });
  const other = makeCertificate({ name: 'localhost' });
  const expired = makeCertificate({ name: 'localhost', issuer: authority, from: 0, to: 1000 });
  const withTls = (certificate: typeof good, use: (url: string, broker: Mosquitto) => Promise<void>): Promise<void> =>
    withBroker(
      {
        files: { 'cert.pem': certificate.pem, 'key.pem': certificate.keyPem },
        listeners: { tls: ['certfile cert.pem', 'keyfile key.pem'] },
      },
      (broker) => use(`mqtts://localhost:${broker.port('tls')}`, broker),
    );
  const CASES: [
    what: string,
    certificate: typeof good,
    setting: (ca: string) => Partial<BrokerSetting>,
    refused?: RegExp,
  ][] = [
    ['takes a certificate of the authority', good, (ca_file) => ({ ca_file })],
    ['takes a pinned key, whoever vouches for it', other, () => ({ pins: [good.pin, other.pin] })],
    ['takes a pinned key, however old its certificate', expired, () => ({ pins: [expired.pin] })],
    ['takes a pinned key that the authority vouches for', good, (ca_file) => ({ ca_file, pins: [good.pin] })],
    ['refuses who vouches for himself', other, () => ({}), /TLS: self-signed certificate/],
    ['refuses another authority', other, (ca_file) => ({ ca_file }), /TLS: self-signed certificate/],
    ['refuses what is out of date', expired, (ca_file) => ({ ca_file }), /TLS: certificate has expired/],
    ['refuses another key', good, () => ({ pins: [other.pin] }), /expected a server with one of the pinned keys, got /],
    [
      'refuses another key of the same authority',
      good,
      (ca_file) => ({ ca_file, pins: [other.pin] }),
      /one of the pinned keys/,
    ],
    [
      'refuses another name',
      good,
      (ca_file) => ({ ca_file, server_name: 'broker.example' }),
      /TLS: Hostname\/IP does not match/,
    ],
  ];
  for (const [what, certificate, setting, refused] of CASES)
    tls(what, () =>
      withOperator((it) =>
        withTls(certificate, async (url, broker) => {
          const options = { url, ...setting(it.file('ca.pem', authority.pem)) };
          if (!refused) {
            const session = await open(options);
            await session.close();
            return;
          }
          const before = broker.lines.length;
          const { ending, message } = await failure(open(options, { login: { username: 'u', password: 'secret' } }));
          assert.is(ending, 'untrusted');
          assert.match(message, refused);
          // our name and password did not go out
          for (const line of broker.lines.slice(before)) assert.not.match(line, /as .* \(p|u'u'/);
        }),
      ),
    );
  tls('shows the key of a broker, to be pinned', () =>
    withOperator((it) =>
      withTls(other, async (url) => {
        assert.equal(await it.json(`broker pin ${url}`), { url, pin: other.pin });
        await it.json(`broker set --url ${url} --pin ${other.pin}`);
        assert.is((await it.run('nodes')).code, 0);
        assert.is((await it.run('broker pin mqtt://127.0.0.1:1')).code, 2);
      }),
    ),
  );

  session('hands over what the broker keeps, whenever it comes', () =>
    withBroker({}, async (broker) => {
      const url = `mqtt://127.0.0.1:${broker.port()}`;
      const heard: Arrival[] = [];
      const writer = await open({ url });
      await writer.publish('a/1', 'x', { retain: true, expiry_s: 100 });
      const reader = await open({ url: `unix://${broker.socket}` }, { onMessage: (message) => heard.push(message) });
      assert.is(reader.version, 5);
      await reader.subscribe(['a/#']);
      await writer.publish('a/2', 'y');
      for (const until = Date.now() + 5000; heard.length < 2 && Date.now() < until; )
        await new Promise((resolve) => setTimeout(resolve, 10));
      const [first, second] = heard;
      assert.equal([first!.topic, first!.isRetained], ['a/1', true]);
      assert.ok(first!.expires_in_s! <= 100 && first!.expires_in_s! > 90);
      assert.equal([second!.topic, second!.isRetained, second!.expires_in_s], ['a/2', false, undefined]);
      await reader.close();
      await writer.close();
    }),
  );
  session('says what it is not permitted to write', () =>
    withBroker({ config: ['acl_file acl'], files: { acl: 'topic read #\n' } }, async (broker) => {
      const it = await open({ url: `mqtt://127.0.0.1:${broker.port()}` });
      const { ending, message } = await failure(it.publish('a', 'x'));
      assert.is(ending, 'failed');
      assert.match(message, /publishing to a: not permitted to write a$/);
      await it.close();
    }),
  );
  session('says why it ended, to whoever waits and to whoever asks later', () =>
    withBroker({}, async (broker) => {
      let told: string | undefined;
      const it = await open({ url: `mqtt://127.0.0.1:${broker.port()}` }, { onEnd: (words) => (told = words) });
      await broker.kill();
      for (const until = Date.now() + 5000; told === undefined && Date.now() < until; )
        await new Promise((resolve) => setTimeout(resolve, 10));
      assert.is(told, 'the connection was closed');
      assert.is(it.endedBy, told);
      assert.match((await failure(it.publish('a', 'x'))).message, /publishing to a: the connection was closed/);
    }),
  );
  session('logs in with the password of a file or a variable', () =>
    withOperator((it) =>
      withBroker({ users: { operator: 'pass word' } }, async (broker) => {
        const url = `mqtt://127.0.0.1:${broker.port()}`;
        const password_file = it.file('password', 'pass word\r\nmore\n');
        await (await open({ url, username: 'operator', password_file })).close();
        await (await open({ url, username: 'operator' }, { env: { MESHCTL_PASSWORD: 'pass word' } })).close();
        const wrong = await failure(open({ url, username: 'operator' }, { env: { MESHCTL_PASSWORD: 'hunter2' } }));
        assert.match(wrong.message, /login: .*wrong user name or password/);
        assert.not.match(wrong.message, 'hunter2');
        const missing = await failure(open({ url, username: 'operator', password_file: it.path('none') }));
        assert.equal([missing.ending, /^password file: /.test(missing.message)], ['usage', true]);
      }),
    ),
  );
}
tls.run();
session.run();
