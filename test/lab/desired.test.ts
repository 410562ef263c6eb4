// A desired state of peerings, with real Yggdrasil nodes and a real mosquitto: what cuts the router off is undone, what does not is kept.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { type Lab, startLab } from '../../src/dev/lab.ts';
import { Session } from '../../src/fleet/session.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { NODE, NODE_SEED, OPERATOR, SITE, seal, wantBody } from '../support/signed.ts';
import { sleep } from '../support/sleep.ts';
import { Router, until } from './router.ts';

const TOPIC = `mb/1/${SITE}/${NODE}`;
const CONFIRM_S = 30;
const LIMIT_MS = 90_000;

interface Have {
  st: string;
  node_gen?: number;
  error?: string;
}

const lacking = await ensureYggdrasil((line) => console.log(line)).then(
  whyNoMosquitto,
  (error: Error) => error.message,
);
if (lacking !== undefined) console.log(`skipped: a desired state of peerings: ${lacking}`);

const desired = suite('a desired state of peerings');
const directory = mkdtempSync(join(tmpdir(), 'meshbridge-desired-'));
let lab: Lab;
let broker: Mosquitto;
let router: Router;
let session: Session;
const haves: Have[] = [];

/** The peerings that the node of the router dials, by address; whether they are up. */
async function dialled(): Promise<Record<string, boolean>> {
  const { peers } = (await router.call('yggdrasil', 'peers')) as {
    peers: { remote: string; up: boolean; inbound: boolean }[];
  };
  return Object.fromEntries(peers.filter(({ inbound }) => !inbound).map(({ remote, up }) => [remote, up]));
}

async function want(gen: number, changes: readonly object[]): Promise<Have> {
  const body = wantBody(gen, { confirm_s: CONFIRM_S, changes });
  await session.publish(`${TOPIC}/want`, decodeUtf8(seal('want', body)), { retain: true });
  const isDecided = (): boolean => haves.at(-1)?.node_gen === gen && haves.at(-1)?.st !== 'pending';
  await until(`generation ${gen} is decided: ${router.lines.slice(-5).join('; ')}`, isDecided, LIMIT_MS);
  return haves.at(-1)!;
}

desired.before(async () => {
  const yggdrasil = await ensureYggdrasil(() => {});
  const links = [
    { from: 'a', to: 'b', kind: 'tcp' },
    { from: 'c', to: 'b', kind: 'tcp' },
  ] as const;
  lab = await startLab({ nodes: 3, links, directory, yggdrasil, namespaces: false, log: () => {} });
  broker = await Mosquitto.start();
  router = new Router([lab.node('a')]);
  const managed = `
config meshbridge 'main'
	option mqtt '1'
	option site '${SITE}'
	option manage_cap 'configure'

config mqtt 'fleet'
	option url 'mqtt://127.0.0.1:${broker.port()}'

config key 'operator'
	option public '${OPERATOR.public}'
	option scope 'configure'
`;
  router.configure([lab.node('a')], managed);
  writeFileSync(join(router.directory, 'node.key'), `${NODE_SEED}\n`);
  await router.startBroker();
  await router.startDaemon();
  await router.published();
  session = await Session.open({
    broker: { url: `mqtt://127.0.0.1:${broker.port()}` },
    env: {},
    onMessage: ({ payload }) => haves.push(JSON.parse(Buffer.from(payload).toString())),
  });
  await session.subscribe([`${TOPIC}/have`]);
  await until('the daemon is at the broker', () => haves.length > 0, LIMIT_MS);
  await until('its peer is up', async () => Object.values(await dialled()).includes(true), LIMIT_MS);
});
desired.after(async () => {
  await session?.close();
  await router?.close();
  await broker?.stop();
  await lab?.close();
  rmSync(directory, { recursive: true, force: true });
});

const path = (): string => `network.yggdrasil_${lab.node('a').iface}_peer.address`;

desired('that takes the last peer away is undone, in Yggdrasil and in the file', async () => {
  const [only] = lab.node('a').peers;
  const before = readFileSync(router.network, 'utf8');
  const wanted = want(1, [{ remove: path(), value: only }]);
  await until('the peering is gone', async () => Object.keys(await dialled()).length === 0, LIMIT_MS);
  assert.not.match(readFileSync(router.network, 'utf8'), only!);
  const startedMs = performance.now();
  const { st, error } = await wanted;
  assert.equal([st, error], ['rolled-back', 'no peer showed itself alive after the change, 1 were up before']);
  console.log(
    `measured: undone ${((performance.now() - startedMs) / 1000).toFixed(1)} s after the last peer was gone, confirm_s ${CONFIRM_S}`,
  );
  await until('the peering is back', async () => (await dialled())[only!] === true, LIMIT_MS);
  assert.is(readFileSync(router.network, 'utf8').trim().split('\n').length, before.trim().split('\n').length);
});
desired('that adds a peer is kept, and comes to be configured', async () => {
  const [only] = lab.node('a').peers;
  const [other] = lab.node('c').peers;
  const { st, error } = await want(2, [{ add: path(), value: other }]);
  assert.is(st, 'applied', error);
  await until('both are up', async () => Object.values(await dialled()).filter(Boolean).length === 2, LIMIT_MS);
  assert.match(readFileSync(router.network, 'utf8'), other!);
  await sleep(1000);
  const { peers } = (await router.call('yggdrasil', 'peers')) as { peers: { remote: string; origin: string }[] };
  assert.equal(
    peers.filter(({ remote }) => remote === other || remote === only).map(({ origin }) => origin),
    ['configured', 'configured'],
  );
});
desired('that takes one of two peers away is kept', async () => {
  const [only] = lab.node('a').peers;
  const { st, error } = await want(3, [{ remove: path(), value: only }]);
  assert.is(st, 'applied', error);
  assert.not.ok(only! in (await dialled()));
  assert.not.match(readFileSync(router.network, 'utf8'), only!);
});
if (lacking === undefined) {
  desired.run();
}
