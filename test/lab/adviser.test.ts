// The adviser on real Yggdrasil nodes over loopback, with a pace of seconds: each public peer is a relay on a network of its own.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { Relay } from '../../src/dev/lab/relay.ts';
import { type Lab, startLab } from '../../src/dev/lab.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { SILENT } from '../../src/log.ts';
import { Node } from '../../src/mesh/node.ts';
import { Peering } from '../../src/mesh/peering.ts';
import { Trials } from '../../src/mesh/trial.ts';
import { AdviserSource } from '../../src/source/adviser.ts';
import { YggdrasilSource } from '../../src/source/yggdrasil.ts';
import { AdviserFile } from '../../src/system/adviser-file.ts';
import { TrialFile } from '../../src/system/trial-file.ts';
import type { Streams } from '../../src/transport/host.ts';
import { YggdrasilClient } from '../../src/yggdrasil/client.ts';
import { sleep } from '../support/sleep.ts';
import { until } from './router.ts';

const PACE = {
  firstMs: 100,
  roundMs: 120_000,
  againMs: 1000,
  trialMs: 2500,
  steadyMs: 1000,
  downMs: 3000,
  refusedMs: 120_000,
  stepMs: 200,
  gapMs: 20,
  timeoutMs: 500,
  mayDial: () => true,
};
const LIMIT_MS = 30_000;

/** A daemon as far as the adviser needs one; `latencies` is added to each dial, for loopback has none. */
class Home {
  readonly adviser: AdviserSource;
  private readonly client: YggdrasilClient;
  private readonly source: YggdrasilSource;
  private readonly trials: Trials;
  private readonly node: Node;

  constructor(socket: string, directory: string, latencies: ReadonlyMap<string, number>) {
    const host = nodeHost({ args: [], signals: false, exit: () => {} });
    const { clock, files, names, streams } = host;
    const nowMs = () => clock.monotonicMs();
    const far: Pick<Streams, 'dial'> = {
      dial(to, events) {
        const late = 'host' in to ? (latencies.get(to.host) ?? 0) : 0;
        return streams.dial(to, { ...events, onOpen: () => clock.after(late, () => events.onOpen?.()) });
      },
    };
    this.node = new Node(
      'ygg0',
      'config',
      { configured: () => [], dialledHere: () => undefined, nameOf: () => undefined },
      () => {},
    );
    this.client = new YggdrasilClient({
      streams,
      clock,
      random: Math.random,
      endpoint: { path: socket },
      log: SILENT,
      name: 'ygg0',
      onChange: (up, error) => {
        this.source.onLink(up, error);
        if (!up) return;
        void peering.undoTrials();
        this.adviser.linkUp('ygg0');
      },
    });
    const pace = { briskMs: 1000, idleMs: 5000, probe: false };
    const after = { nameless: () => undefined, learnName: async () => {}, polled: () => {} };
    this.source = new YggdrasilSource(this.node, this.client, clock, SILENT, pace, after);
    this.node.source = this.source;
    this.trials = new Trials(new TrialFile(files, directory, SILENT), clock, () => void peering.undoTrials());
    const config = {
      peers: () => [],
      options: () => undefined,
      keep: async () => 'added' as const,
      forget: async () => 'absent' as const,
    };
    const peering: Peering = new Peering(this.node, this.source, config, this.trials, nowMs);
    this.adviser = new AdviserSource({
      host: { clock, files, names, streams: far },
      random: Math.random,
      view: { members: () => [{ node: this.node, peering }], configured: () => [], isOnline: () => true },
      store: new AdviserFile(files, `${directory}/adviser.json`, SILENT),
      list: join(directory, 'publicnodes.json'),
      log: SILENT,
      pace: PACE,
    });
    this.client.start();
  }

  /** URIs of Yggdrasil's outgoing peerings. */
  async peerings(): Promise<string[]> {
    await this.source.refresh('peers');
    const { peers } = this.node.view('peers')!.value;
    return peers.filter(({ inbound }) => !inbound).map(({ remote = '' }) => remote);
  }

  add(uri: string): Promise<void> {
    return this.source.add({ uri });
  }

  roles(role: string): string[] {
    return this.adviser.status().candidates.flatMap((c) => (c.role === role ? [c.uri] : []));
  }

  /** Ends without tidying up, as a kill does. */
  kill(): void {
    this.adviser.stop();
    this.trials.stop();
    this.source.stop();
    this.client.stop();
  }
}

interface Context {
  lab: Lab;
  directory: string;
  relays: Relay[];
  stranger: Server;
  latencies: Map<string, number>;
  /** By the third number of its address. */
  uris: Record<number, string>;
  home: Home;
}

const adviser = suite<Context>('the adviser on real nodes');
let yggdrasil: string | undefined;
try {
  yggdrasil = await ensureYggdrasil((line) => console.log(line));
} catch (error) {
  console.log(`skipped: the adviser on real nodes: ${(error as Error).message}`);
}

adviser.before(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'meshbridge-adviser-'));
  const directory = join(context.directory, 'lab');
  mkdirSync(directory);
  context.lab = await startLab({
    nodes: 6,
    links: [],
    directory,
    yggdrasil: yggdrasil!,
    namespaces: false,
    log: (line) => console.log(line),
  });
  const portOf = (name: string): number => {
    const text = readFileSync(join(directory, `${context.lab.node(name).iface}.conf`), 'utf8');
    return Number(new URL((JSON.parse(text) as { Listen: string[] }).Listen[0]!).port);
  };
  // answers to TCP and is no Yggdrasil
  context.stranger = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => context.stranger.listen(0, '127.0.0.1', resolve));
  const { port } = context.stranger.address() as { port: number };
  context.relays = [];
  context.latencies = new Map();
  context.uris = {};
  const list: Record<string, Record<string, { up: boolean; key?: string }>> = {};
  const open = async (network: number, target: number, latencyMs: number, key?: string, host = 1): Promise<void> => {
    const address = `127.0.${network}.${host}`;
    const relay = await Relay.open(target, address);
    context.relays.push(relay);
    context.latencies.set(address, latencyMs);
    const uri = `tcp://${address}:${relay.port}`;
    if (host === 1) context.uris[network] = uri;
    list[`region${'abcdefg'[network]}.md`] = {
      ...list[`region${'abcdefg'[network]}.md`],
      [uri]: { up: true, ...(key !== undefined && { key }) },
    };
  };
  const { lab } = context;
  await open(1, portOf('b'), 30, lab.node('b').key);
  await open(1, portOf('c'), 60, lab.node('c').key, 2);
  await open(2, portOf('d'), 90, lab.node('d').key);
  await open(3, portOf('e'), 120, lab.node('e').key);
  await open(4, portOf('b'), 60); // the same node again, which the list does not tell
  await open(5, port, 0);
  await open(6, portOf('f'), 200, lab.node('f').key);
  mkdirSync(join(context.directory, 'state'));
  writeFileSync(join(context.directory, 'state', 'publicnodes.json'), JSON.stringify(list));
  context.home = newHome(context);
});
adviser.after(async ({ home, relays, stranger, lab, directory }) => {
  home?.kill();
  for (const relay of relays ?? []) await relay.close();
  stranger?.close();
  await lab?.close();
  rmSync(directory, { recursive: true, force: true });
});

function newHome({ lab, directory, latencies }: Context): Home {
  return new Home(lab.node('a').socket, join(directory, 'state'), latencies);
}

adviser('keeps the nearest of different operators and keys, and nothing else', async (context) => {
  const { home, uris } = context;
  home.adviser.setEnabled(true);
  const ms = await until('three are kept', () => home.roles('kept').length === 3, LIMIT_MS);
  console.log(`measured: adviser: three of seven kept after ${(ms / 1000).toFixed(1)} s of trials of 2.5 s`);
  assert.equal(home.roles('kept'), [uris[1], uris[2], uris[3]]);
  assert.equal((await home.peerings()).sort(), [uris[1], uris[2], uris[3]].sort());
  const problems = home.adviser.status().candidates.flatMap((c) => (c.problem ? [c.uri] : []));
  assert.equal(problems.sort(), [uris[4], uris[5]].sort());
});
adviser('adds them again when Yggdrasil starts anew', async ({ home, lab, uris }) => {
  await lab.node('a').restart();
  await until('they are back', async () => (await home.peerings()).length === 3, LIMIT_MS);
  assert.equal(home.roles('kept'), [uris[1], uris[2], uris[3]]);
});
adviser('replaces one that stays down, and a killed daemon leaves nothing of the trial behind', async (context) => {
  const { lab, uris } = context;
  await lab.node('e').kill();
  await until('another is tried', () => context.home.roles('trial').length === 1, LIMIT_MS);
  assert.equal(context.home.roles('trial'), [uris[6]]);
  context.home.kill();
  context.home = newHome(context);
  context.home.adviser.setEnabled(true);
  await until('the trial is undone', async () => !(await context.home.peerings()).includes(uris[6]!), LIMIT_MS);
  await until('it is tried again', () => context.home.roles('trial').includes(uris[6]!), LIMIT_MS);
  await until('it is kept', () => context.home.roles('kept').includes(uris[6]!), LIMIT_MS);
  await until('the other is gone', async () => !(await context.home.peerings()).includes(uris[3]!), LIMIT_MS);
});
adviser('removes what it added, and nothing else, when it is undone', async ({ home, uris }) => {
  await home.add(uris[5]!);
  const message = await home.adviser.undo();
  assert.match(message, /^3 peerings removed; /);
  assert.equal(await home.peerings(), [uris[5]]);
  await sleep(3 * PACE.stepMs);
  assert.equal(await home.peerings(), [uris[5]]);
  assert.is(home.adviser.status().state, 'off');
});
if (yggdrasil !== undefined) {
  adviser.run();
}
