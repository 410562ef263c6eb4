// A router and its operator over TLS, from the card on: what meshctl is told of the broker is what the router checks the broker by.

import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { brokerEndpoint, parseConfig } from '../../src/config.ts';
import { crypto } from '../../src/fleet/crypto.ts';
import { SimulatedRouter, seedOf } from '../../src/fleet/simulator/router.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { makeCard } from '../../src/lib/enrolment.ts';
import { Enrolment } from '../../src/system/enrolment.ts';
import { makeCertificate } from '../support/certificate.ts';
import { Operator } from '../support/meshctl.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { MemoryRouter } from '../support/router.ts';

const reason = await whyNoMosquitto();
const NAME = 'broker.example';
const OPERATOR_PASSWORD = 'of the operator';
const UP_MS = 60_000;

interface Context {
  it: Operator;
  broker: Mosquitto;
  host: ReturnType<typeof nodeHost>;
  /** As its owner has it once the code is pasted. */
  router: SimulatedRouter;
  /** How often it called. */
  dials: number;
  env: Record<string, string>;
}

const authority = makeCertificate({ name: 'authority', isAuthority: true });
const own = makeCertificate({ name: NAME, issuer: authority });
const others = makeCertificate({ name: 'authority', isAuthority: true });
/** Another key, vouched for by the same authority, for the same name. */
const taken = makeCertificate({ name: NAME, issuer: authority });

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + UP_MS; !holds(); await new Promise((resolve) => setTimeout(resolve, 50)))
    if (Date.now() > end) throw new Error(`not within ${UP_MS / 1000} s: ${what}`);
}

const tls = suite<Context>('a fleet over TLS');
tls.before(async (context) => {
  context.it = new Operator();
  context.env = { MESHCTL_PASSWORD: OPERATOR_PASSWORD, MESHCTL_NEW_PASSWORD: OPERATOR_PASSWORD };
  context.host = nodeHost({ args: [], signals: false, exit: () => {} });
  context.broker = await Mosquitto.start({
    config: ['acl_file acl', 'password_file passwords', 'allow_anonymous false'],
    files: { acl: '', passwords: '', 'cert.pem': own.pem, 'key.pem': own.keyPem },
    listeners: { tls: ['certfile cert.pem', 'keyfile key.pem'] },
  });
  const { it, broker, env } = context;
  const port = broker.port('tls');
  const ca = it.file('ca.pem', authority.pem);
  await it.json(`broker set --url mqtts://localhost:${port} --node-url mqtts://[200:db8::1]:${port} --ca-file ${ca}`);
  await it.json(`broker set --user operator --server-name ${NAME}`);
  const { pin } = await it.json<{ pin: string }>('broker pin');
  assert.is(pin, own.pin);
  await it.json(['broker', 'set', '--pin', pin]);
  const { public: key } = await it.json<{ public: string }>('keys new otto --scope configure');

  // the owner's part: a card, a code, a configuration
  const seed = seedOf('house');
  const card = makeCard(crypto, seed, new Uint8Array(randomBytes(12)));
  const { code } = await it.json<{ code: string }>(['enroll', 'new', card, '--site', 'elm-street', '--name', 'anna']);
  const machine = new MemoryRouter();
  machine.clock.bootUnixMs = Date.now();
  new Enrolment(machine, '/etc/config', seed, () => {}).accept(code);
  const config = parseConfig(machine.text('/etc/config/meshbridge'));
  const [fleet] = config.brokers;
  const endpoint = brokerEndpoint(fleet!);
  if (!('host' in endpoint)) throw new Error('expected a host');
  assert.equal(endpoint.tls, { serverName: NAME, pins: [own.pin] });
  context.dials = 0;
  const { streams } = context.host;
  const counting: typeof streams = {
    listen: (...args) => streams.listen(...args),
    dial: (...args) => {
      context.dials++;
      return streams.dial(...args);
    },
  };
  context.router = new SimulatedRouter({
    host: { streams: counting },
    clock: context.host.clock,
    endpoint: { ...endpoint, host: '127.0.0.1' },
    site: config.site!,
    name: 'house',
    keys: [key],
    eventS: 0,
    password: fleet!.password!,
  });
  await it.json(`enroll acl --write ${broker.path('acl')}`);
  await it.json(`enroll passwords --write ${broker.path('passwords')} --add operator`, { env });
  broker.reload();
});
tls.after(async ({ router, broker, host, it }) => {
  await router?.stop();
  host?.exit(0);
  await broker?.stop();
  it?.end();
});

tls('brings a router in, and its operator to it', async ({ it, env, router }) => {
  router.start();
  const finished = await it.json<{ joined: boolean; node: string }>('enroll finish anna --wait 90', { env });
  assert.equal([finished.joined, finished.node], [true, router.node]);
  assert.is((await it.json('do anna keyframe', { env })).st, 'done');
  const { nodes } = await it.json<{ nodes: { trust: string; state: string }[] }>('nodes', { env });
  assert.equal(
    nodes.map(({ trust, state }) => [trust, state]),
    [['pinned', 'online']],
  );
});
for (const [what, words, said] of [
  ['of other authorities', (it: Operator) => ['--pin', '', '--ca-file', it.file('other.pem', others.pem)], 'TLS: '],
  ['with another name', () => ['--pin', '', '--server-name', 'other.example'], 'TLS: '],
  ['with an address that it does not vouch for', () => ['--pin', '', '--server-name', '127.0.0.1'], 'TLS: '],
  ['with another key', () => ['--pin', `${'A'.repeat(43)}=`], 'expected a server with one of the pinned keys'],
] as const)
  tls(`gives no password to a broker ${what}`, async ({ it, env }) => {
    const before = (await it.json<{ broker: Record<string, unknown> }>('broker show')).broker;
    await it.json(['broker', 'set', ...words(it)]);
    const ran = await it.run('nodes', { env });
    it.home.write('config.json', { v: 1, broker: before });
    assert.is(ran.code, 5, ran.err);
    assert.match(ran.err, said);
    assert.not.match(ran.err, OPERATOR_PASSWORD);
  });
tls('stays away from whoever takes the place of the broker, and so does the router', async (context) => {
  const { it, env, broker, router } = context;
  await broker.kill();
  broker.write('cert.pem', taken.pem);
  broker.write('key.pem', taken.keyPem);
  await until('the router has lost its broker', () => !router.isUp);
  await broker.restart();
  const { code, err } = await it.run('nodes', { env });
  assert.is(code, 5, err);
  assert.match(err, 'Somebody else may be answering there');
  // once it dials again, the time before came to nothing
  const { dials } = context;
  await until('the router has tried', () => context.dials > dials + 1);
  assert.is(router.isUp, false);
  // the rightful one is believed again
  await broker.kill();
  broker.write('cert.pem', own.pem);
  broker.write('key.pem', own.keyPem);
  await broker.restart();
  await until('the router is back', () => router.isUp);
});
if (reason !== undefined) console.log(`skipped: a fleet over TLS: ${reason}`);
else {
  tls.run();
}
