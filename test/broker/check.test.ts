// The test of a broker, against real ones: what it says at which step.

import { createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BROKER_STEP } from '../../src/api/model.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { BrokerCheck, type BrokerTarget } from '../../src/source/broker-check.ts';
import { makeCertificate } from '../support/certificate.ts';
import { layoutFaults } from '../support/layout.ts';
import { freePort, Mosquitto, type MosquittoOptions, whyNoMosquitto } from '../support/mosquitto.ts';

const IDENTITY = { site: 'hill', node: 'abcdefghij234' };
const ACL = `user ${IDENTITY.node}
topic write mb/1/hill/${IDENTITY.node}/log
topic read mb/1/hill/${IDENTITY.node}/cmd
user other
topic write elsewhere
`;
const host = nodeHost({ args: [], signals: false, exit: () => {} });

/** `step state sentence` of each step; times as `N`. */
async function check(endpoint: BrokerTarget['endpoint'], more: Partial<BrokerTarget> = {}): Promise<string[]> {
  const target = { endpoint, username: undefined, password: undefined, identity: IDENTITY, manage: true, ...more };
  const steps = await new BrokerCheck(host, target).run();
  assert.equal(layoutFaults([BROKER_STEP], steps), []);
  return steps.map(({ step, state, sentence }) => `${step} ${state} ${sentence.replace(/\d+ ms/g, 'N ms')}`);
}

async function withBroker(options: MosquittoOptions, use: (broker: Mosquitto) => Promise<void>): Promise<void> {
  const broker = await Mosquitto.start(options);
  try {
    await use(broker);
  } finally {
    await broker.stop();
  }
}

/** Takes connections and says nothing. */
async function withSilence(use: (port: number) => Promise<void>): Promise<void> {
  const port = await freePort();
  const server: Server = createServer(() => {}).listen(port, '127.0.0.1');
  try {
    await use(port);
  } finally {
    server.close();
  }
}

const steps = suite('BrokerCheck');
const reason = await whyNoMosquitto();
if (reason !== undefined) console.log(`skipped: the test of brokers: ${reason}`);
else {
  steps('says of a broker that works what works, and ends its connection', () =>
    withBroker({ users: { [IDENTITY.node]: 'secret' }, config: ['acl_file acl'], files: { acl: ACL } }, async (it) => {
      const { port } = { port: it.port() };
      const place = `127.0.0.1:${port}`;
      assert.equal(await check(it.endpoint, { password: 'secret' }), [
        'dns unused The broker is given by its address: there is no name to look up.',
        `tcp good A connection to ${place} took N ms.`,
        'tls unused The connection is not encrypted. Within the mesh, Yggdrasil encrypts it.',
        'login good The broker let this router in, by MQTT 5.',
        'permission good This router may read its commands.',
        'publish good A message reached the broker after N ms.',
      ]);
      // its log comes as a whole when it ends
      await it.kill('SIGTERM');
      assert.match(it.lines.join(), new RegExp(`DISCONNECT from ${IDENTITY.node}-test`));
    }),
  );
  steps('tells a wrong password', () =>
    withBroker({ users: { [IDENTITY.node]: 'secret' } }, async (it) => {
      const all = await check(it.endpoint, { password: 'wrong' });
      assert.match(all.at(-1)!, /^login bad The broker does not let this router in: .*(user name|authorised)/);
      assert.is(all.length, 4);
      assert.not.match(all.join(), 'wrong');
    }),
  );
  steps('tells what an access list lacks', () =>
    withBroker({ users: { other: 'secret' }, config: ['acl_file acl'], files: { acl: ACL } }, async (it) => {
      const all = await check(it.endpoint, { username: 'other', password: 'secret' });
      const lacks = 'The access list of the broker lacks abcdefghij234.';
      assert.match(all.at(-1)!, /^publish bad This router may not send anything: .*not authorised\. /);
      assert.ok(all.at(-1)!.endsWith(lacks));
      // mosquitto grants a subscription whose messages it then keeps back
      assert.match(all.at(-2)!, /^permission (good|bad) /);
    }),
  );
  steps('leaves out what it cannot try', () =>
    withBroker({}, async (it) => {
      const anonymous = await check({ path: it.socket }, { identity: undefined });
      assert.equal(
        anonymous.map((one) => one.split(' ').slice(0, 2).join(' ')),
        ['dns unused', 'tcp good', 'tls unused', 'login good', 'permission unused', 'publish unused'],
      );
      const unmanaged = await check(it.endpoint, { manage: false });
      assert.is(unmanaged[4], 'permission unused Nothing is taken from this broker.');
      assert.match(unmanaged[5]!, /^publish good/);
    }),
  );
  const authority = makeCertificate({ name: 'authority', isAuthority: true });
  const own = makeCertificate({ name: 'localhost', issuer: authority });
  steps('tells whether the broker is who it should be', () =>
    withBroker(
      {
        listeners: { tls: ['certfile own.pem', 'keyfile own.key'] },
        files: { 'own.pem': own.pem, 'own.key': own.keyPem, 'ca.pem': authority.pem },
      },
      async (it) => {
        const at = (tls: object) => ({ host: 'localhost', port: it.port('tls'), tls });
        const good = await check(at({ caFile: it.path('ca.pem') }));
        assert.match(good[0]!, /^dns good localhost has the address (127\.0\.0\.1|::1)\.$/);
        assert.is(good[2], 'tls good The broker proved who it is.');
        assert.match(good[5]!, /^publish good/);
        assert.match((await check(at({ pins: [own.pin] })))[2]!, /^tls good/);
        const other = await check(at({ caFile: it.path('ca.pem'), serverName: 'broker.example.org' }));
        assert.match(other.at(-1)!, /^tls bad The broker did not prove who it is: .*another name/);
        assert.is(other.length, 3);
      },
    ),
  );
}
steps('says that MQTT 3.1.1 tells less', async () => {
  const aedes = await Aedes.createBroker();
  const port = await freePort();
  const server = createServer(aedes.handle).listen(port, '127.0.0.1');
  try {
    const all = await check({ host: '127.0.0.1', port });
    assert.is(all[3], 'login good The broker let this router in, by MQTT 3.1.1.');
    assert.match(all[5]!, /^publish unknown .*does not say whether it dropped it/);
  } finally {
    await new Promise<void>((resolve) => aedes.close(() => server.close(() => resolve())));
  }
});
steps('tells a name that there is none of', async () => {
  const all = await check({ host: 'no-such-broker.invalid', port: 1883 });
  assert.is(all.length, 1);
  assert.match(all[0]!, /^dns bad The name no-such-broker\.invalid cannot be found: /);
});
steps('tells a port on which nobody listens', async () => {
  const port = await freePort();
  const all = await check({ host: '127.0.0.1', port });
  assert.is(all.at(-1), `tcp bad Nothing listens at 127.0.0.1:${port}. Check the port, and whether the broker runs.`);
});
steps('tells somebody who is no broker', () =>
  withSilence(async (port) => {
    const all = await check({ host: '127.0.0.1', port });
    assert.match(all.at(-1)!, /^login bad (Something answers at 127\.0\.0\.1:\d+, but no broker|The broker does not)/);
  }),
);
steps.run();
