// A home that moves from one gateway of a group to another: a real home with a LAN, two real gateways, real traffic, a real mosquitto.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientView } from '../../src/api/client-object.ts';
import { INTERNET } from '../lab/internet/address.ts';
import { choose, untilExit } from '../lab/internet/home-check.ts';
import { buildPrograms, findPrograms, labProblem } from '../lab/internet/program.ts';
import { until } from '../lab/internet/until.ts';
import { type LabGateway, World } from '../lab/internet/world.ts';
import { BROKER_MAIN, BROKER_MS, brokerSections, enrol, startBroker, writeAccess } from '../support/gateway-scene.ts';
import { Operator } from '../support/meshctl.ts';
import { type Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';

const GROUP = 'east';
const MB = 1_000_000;
const QUOTA_MB = 100;
/** What is counted of a home is looked at now and then, and told now and then. */
const COUNTED_MS = 120_000;

interface Context {
  it: Operator;
  world: World;
  broker: Mosquitto;
  home: string;
}

const reason = (await labProblem()) ?? (await whyNoMosquitto());
if (reason !== undefined) console.log(`skipped: a home that moves in a group of gateways: ${reason}`);

const move = suite<Context>('a home that moves in a group of gateways');
move.before(async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-group-'));
  context.it = new Operator();
  await buildPrograms();
  const programs = await findPrograms((line) => console.log(line));
  context.world = await World.build({ ...programs, directory, kind: 'vxlan' });
  const { world, it } = context;
  context.home = world.homeNode.address;
  const { broker, key } = await startBroker(it);
  context.broker = broker;
  const gateways = [...world.gateways.values()];
  const configured: [LabGateway, string][] = [];
  for (const gateway of gateways) {
    const seed = new Uint8Array(randomBytes(32));
    configured.push([gateway, await enrol(it, gateway.name, gateway.place.directory, seed)]);
  }
  await it.json(['group', 'set', GROUP, ...gateways.map(({ name }) => name)]);
  await writeAccess(it, broker);
  for (const [{ name, daemon }, password] of configured) {
    const registrar = world.registrar(name);
    const options = { ...registrar.options, admission: 'ask', group: GROUP, desk_cap: 'desk', slow_rate: 400 };
    daemon.configure([...brokerSections(broker, password, key), { ...registrar, options }], BROKER_MAIN);
    await daemon.start();
  }
  await world.home.start();
});
move.after(async ({ it, world, broker }) => {
  await world?.close();
  await broker?.stop();
  it.end();
  if (world) rmSync(world.options.directory, { recursive: true, force: true });
});

/** What a gateway knows of the home. */
async function known({ it, home }: Context, gateway: string): Promise<ClientView> {
  const { clients } = await it.json<{ clients: ClientView[] }>(['client', 'list', gateway, '--search', home]);
  if (!clients[0]) throw new Error(`${gateway} knows nothing of the home`);
  return clients[0];
}

/** The LAN loads so much from the Internet. */
async function load({ world }: Context, mb: number): Promise<number> {
  const got = await world.host.do('get', {
    ...{ host: INTERNET.web4, path: `/load?bytes=${mb * MB}`, timeoutMs: 120_000 },
  });
  assert.equal([got.status, got.error], [200, undefined]);
  return got.ms;
}

move('is let in at both by one word', async (context) => {
  const { it, world, home } = context;
  await until(
    'both gateways are at the broker',
    async () => {
      const { gateways } = JSON.parse((await it.run(['group', 'show', GROUP, '--json'])).out) as {
        gateways: { st: string }[];
      };
      return gateways.every(({ st }) => st === 'none');
    },
    BROKER_MS,
  );
  await it.json(['group', 'admit', GROUP, home, '--quota', String(QUOTA_MB / 1000)]);
  await choose(world, 'g1');
  assert.equal((await known(context, 'g1')).limits, { quota_mb: QUOTA_MB });
});
move('takes its standing, its limits and what it used along when its gateway is drained', async (context) => {
  const { it, world } = context;
  await load(context, 85);
  await until('g1 counted it', async () => (await known(context, 'g1')).month.rx_bytes > 85 * MB, COUNTED_MS);
  const startMs = performance.now();
  await it.json('gateway drain g1 10');
  await untilExit(world, 'g2', 60_000);
  const movedMs = performance.now() - startMs;
  await until(
    'g2 knows it',
    async () => ((await known(context, 'g2')).elsewhere?.rx_bytes ?? 0) >= 85 * MB,
    COUNTED_MS,
  );
  const knownMs = performance.now() - startMs;
  console.log(
    `measured: drained in 10 s, the home moved after ${(movedMs / 1000).toFixed(1)} s, what it used was known there after ${(knownMs / 1000).toFixed(1)} s`,
  );
  const { standing, limits, quota } = await known(context, 'g2');
  assert.equal([standing, limits, quota?.state], ['admitted', { quota_mb: QUOTA_MB }, 'near']);
});
move('is slowed where both together are its volume', async (context) => {
  const { world } = context;
  await load(context, 15);
  await until('g2 counted it', async () => (await known(context, 'g2')).quota?.state === 'over', COUNTED_MS);
  await until(
    'the home reads it',
    async () => JSON.stringify(await world.home.call('meshbridge.lease', 'status')).includes('"over"'),
    COUNTED_MS,
  );
  // half a megabyte at 400 kbit/s
  const tookMs = await load(context, 0.5);
  assert.ok(tookMs > 4000, `~> ${tookMs} ms`);
});
if (reason === undefined) {
  move.run();
}
