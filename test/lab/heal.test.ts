// A cable that comes back, with real Yggdrasil nodes: the router that is told of it is back long before the one that is not.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { type Lab, type LabNode, startLab } from '../../src/dev/lab.ts';
import type { Table } from '../../src/ubus/blobmsg.ts';
import { sleep } from '../support/sleep.ts';
import { Router, until } from './router.ts';

/** Failures after which Yggdrasil waits 16 s, and how fresh the last one has to be when the cable comes back. */
const FAILURES = 4;
const FRESH_MS = 3000;
const OUTAGE_LIMIT_MS = 120_000;
/** Two seconds until an uplink has settled, and the dial. */
const HEAL_LIMIT_MS = 6000;
const BACKOFF_LIMIT_MS = 30_000;

interface PeerEntry {
  remote: string;
  up: boolean;
  inbound: boolean;
  /** Nanoseconds ago. */
  last_error_time?: number;
}

/** The peerings that a node dials. */
function dialled(node: LabNode): Promise<PeerEntry[]> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(node.socket, () => socket.write('{"request":"getPeers"}'));
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.once('error', reject);
    socket.once('close', () => {
      const { response } = JSON.parse(text) as { response: { peers: PeerEntry[] } };
      resolve(response.peers.filter((peer) => !peer.inbound));
    });
  });
}

async function isUp(node: LabNode): Promise<boolean> {
  return (await dialled(node)).some((peer) => peer.up);
}

/** Counts the failures of a node's peering, from one look to the next. */
function countFailures(node: LabNode): () => Promise<{ count: number; agoMs: number }> {
  let count = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const [peer] = await dialled(node);
    const agoMs = (peer?.last_error_time ?? Number.POSITIVE_INFINITY) / 1e6;
    const atMs = performance.now() - agoMs;
    if (Number.isFinite(atMs) && atMs - lastMs > 1000) {
      count++;
      lastMs = atMs;
    }
    return { count, agoMs };
  };
}

/** netifd, as far as the daemon asks it: one uplink whose cable is in or out. */
async function playNetifd(router: Router): Promise<(up: boolean) => Promise<void>> {
  const DEFAULT = { target: '0.0.0.0', mask: 0, nexthop: '192.0.2.1' };
  let upSinceMs: number | undefined = performance.now() - 3_600_000;
  const wan = (): Table => ({
    ...{ interface: 'wan', proto: 'dhcp', device: 'eth1', up: upSinceMs !== undefined },
    ...(upSinceMs !== undefined && { uptime: Math.floor((performance.now() - upSinceMs) / 1000), route: [DEFAULT] }),
  });
  const bus = await router.observer();
  bus.publish({ path: 'network.interface', methods: { dump: { args: {}, handle: () => ({ interface: [wan()] }) } } });
  bus.publish({
    path: 'network.device',
    methods: { status: { args: { 'name?': 'string' }, handle: () => ({ carrier: upSinceMs !== undefined }) } },
  });
  await router.published(['network.interface', 'network.device']);
  return async (up) => {
    upSinceMs = up ? performance.now() : undefined;
    await bus.send('network.interface', { action: up ? 'ifup' : 'ifdown', interface: 'wan' });
  };
}

const yggdrasil = await ensureYggdrasil((line) => console.log(line)).catch((error: Error) => {
  console.log(`skipped: instant heal with real nodes: ${error.message}`);
  return undefined;
});

const heal = suite('instant heal');
const directory = mkdtempSync(join(tmpdir(), 'meshbridge-heal-'));
let lab: Lab | undefined;
let router: Router | undefined;

const test = yggdrasil ? heal : heal.skip;
test('brings a link back seconds after its cable, while Yggdrasil alone goes on waiting', async () => {
  const links = [
    { from: 'a', to: 'b', kind: 'tcp' },
    { from: 'c', to: 'b', kind: 'tcp' },
  ] as const;
  lab = await startLab({ nodes: 3, links, directory, yggdrasil: yggdrasil!, namespaces: false, log: () => {} });
  const [a, c] = [lab.node('a'), lab.node('c')];
  router = new Router([a]);
  await router.startBroker();
  const plug = await playNetifd(router);
  await router.startDaemon();
  await router.published();
  const told: Table[] = [];
  (await router.observer()).listen('meshbridge.healed', (_, data) => told.push(data));

  await plug(false);
  for (const { from } of links) await lab.cutLink(from, 'b');
  await Promise.all([a.restart(), c.restart()]);
  const counters = [countFailures(a), countFailures(c)];
  await until(
    `both failed ${FAILURES} times`,
    async () => {
      const seen = await Promise.all(counters.map((count) => count()));
      await sleep(200);
      return seen.every(({ count, agoMs }) => count >= FAILURES && agoMs < FRESH_MS);
    },
    OUTAGE_LIMIT_MS,
  );

  for (const { from } of links) await lab.joinLink(from, 'b');
  const startMs = performance.now();
  await plug(true);
  const healedMs = await until('the healed one is back', () => isUp(a), HEAL_LIMIT_MS);
  assert.not.ok(await isUp(c), '~> nobody told the other one');
  await until('the heal is told', () => told.length > 0, 10_000);
  const { uplink, dialled: count, healed, saved_s } = told[0]!;
  assert.equal({ uplink, count, healed }, { uplink: 'wan', count: 1, healed: 1 });
  await until('the other one is back', () => isUp(c), BACKOFF_LIMIT_MS);
  const aloneMs = performance.now() - startMs;
  assert.ok((saved_s as number) * 1000 <= aloneMs, `~> ${saved_s} s were not saved`);
  assert.ok(aloneMs > 2 * healedMs, `~> ${aloneMs}`);
  console.log(
    `measured: cable back: up after ${(healedMs / 1000).toFixed(1)} s, by itself after ${(aloneMs / 1000).toFixed(1)} s, said to have saved ${saved_s} s`,
  );
});
heal.after(async () => {
  await router?.close();
  await lab?.close();
  rmSync(directory, { recursive: true, force: true });
});
heal.run();
