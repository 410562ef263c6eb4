// A router on this machine for the fault tests: a broker, the daemon and whoever looks at them, each of which may be killed.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleRouter } from '../../build/bundle.ts';
import { buildNative, findCompiler } from '../../build/native.ts';
import { DIST, inProject } from '../../build/project.ts';
import { HELPER_OBJECT } from '../../src/api/helper.ts';
import { Child, findProgram } from '../../src/dev/child.ts';
import { type Daemon, startDaemon } from '../../src/dev/daemon.ts';
import { publish, serveHelper } from '../../src/dev/helper.ts';
import { type ConfiguredNode, routerConfig } from '../../src/dev/router-config.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { SILENT } from '../../src/log.ts';
import type { Table } from '../../src/ubus/blobmsg.ts';
import { UbusClient } from '../../src/ubus/client.ts';
import { sleep } from '../support/sleep.ts';

/** What a return is aimed at, and where a test fails. */
export const TARGET_MS = 3000;
export const LIMIT_MS = 3 * TARGET_MS;

/** Connections over which Yggdrasil was asked about other nodes stay open for so long. */
const POOL_IDLE_MS = 30_000;

/** Waits until `test` holds, which may throw meanwhile. @returns milliseconds. @throws Error naming `what` and why not. */
export async function until(what: string, test: () => unknown, limitMs = LIMIT_MS): Promise<number> {
  const startMs = performance.now();
  for (let last: unknown = 'no'; ; await sleep(10)) {
    try {
      if (await test()) return performance.now() - startMs;
    } catch (error) {
      last = error;
    }
    if (performance.now() - startMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}: ${last}`);
  }
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => {});
    socket.once('close', (failed) => resolve(!failed));
  });
}

/** What a process holds. */
export interface Holding {
  fds: number;
  rssKib: number;
  peakKib: number;
}

/** As `meshbridge status` shows it. */
export interface Status {
  log_level: string;
  config_errors: string[];
  links: { name: string; state: string; ups: number; last_error?: string }[];
  interfaces: { interface: string; connected: boolean; problem?: string }[];
}

/** A directory with a configuration; broker and daemon run on it from `startBroker` and `startDaemon` to `close`. */
export class Router {
  readonly directory = mkdtempSync(join(tmpdir(), 'meshbridge-fault-'));
  readonly socket = join(this.directory, 'ubus.sock');
  readonly config = join(this.directory, 'meshbridge');
  readonly network = join(this.directory, 'network');
  /** The daemon's log. */
  readonly lines: string[] = [];
  private broker: Child | undefined;
  private native: Child | undefined;
  private wasm: Daemon | undefined;
  private readonly observers: UbusClient[] = [];
  /** Where the helper copies the configuration to, for the daemon. */
  private readonly copy = { directory: this.directory, published: join(this.directory, 'state', 'config') };
  private stopHelper: () => void = () => {};

  constructor(nodes: readonly ConfiguredNode[]) {
    this.configure(nodes);
    mkdirSync(join(this.directory, 'state'));
  }

  /** Writes the configuration, with `more` lines of it at its end. */
  configure(nodes: readonly ConfiguredNode[], more = ''): void {
    const stateDirectory = join(this.directory, 'state');
    const texts = routerConfig(nodes, { ubusSocket: this.socket, stateDirectory });
    writeFileSync(this.config, texts.meshbridge + more);
    writeFileSync(this.network, texts.network);
  }

  /** Resolves when it accepts connections and the helper is on it. */
  async startBroker(): Promise<void> {
    const argv = await brokerCommand();
    this.broker = await Child.start([...argv, '-s', this.socket]);
    await until('the broker runs', () => isAnswering(this.socket));
    this.stopHelper = serveHelper({ socket: this.socket, ...this.copy }, () =>
      Promise.reject(new Error('nobody calls')),
    );
    await this.published([HELPER_OBJECT]);
  }

  async killBroker(): Promise<void> {
    this.stopHelper();
    this.broker?.kill('SIGKILL');
    await this.broker?.ended;
  }

  async startDaemon(): Promise<void> {
    const onLine = (line: string): void => {
      this.lines.push(line);
    };
    const config = this.copy.published;
    await publish(this.copy);
    const program = await nativeProgram();
    if (program) this.native = await Child.start([program, '--config', config], onLine);
    else this.wasm = await startDaemon({ native: false, config, say: () => {}, onLine });
  }

  /** Has the daemon read the configuration as the init script does: published first, then by signal. */
  async reload(): Promise<void> {
    await publish(this.copy);
    this.signal('SIGHUP');
  }

  signal(name: NodeJS.Signals): void {
    this.native?.kill(name);
  }

  async killDaemon(): Promise<void> {
    this.native?.kill('SIGKILL');
    await this.native?.ended;
  }

  /** What the daemon holds; `undefined` where it runs within this process. @throws Error with its last words when it has ended. */
  holding(): Holding | undefined {
    const { native } = this;
    if (!native) return undefined;
    if (!native.isRunning) throw new Error(`the daemon has ended: ${native.tail.join('\n')}`);
    const text = readFileSync(`/proc/${native.pid}/status`, 'utf8');
    const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
    return { fds: readdirSync(`/proc/${native.pid}/fd`).length, rssKib: of('VmRSS'), peakKib: of('VmHWM') };
  }

  /** As `holding`, once passing connections have ended: until no more than `fds` are left, else the least of a second. */
  async rest(fds = 0): Promise<Holding | undefined> {
    let least = this.holding();
    const limitMs = fds > 0 ? POOL_IDLE_MS + 5000 : 1000;
    for (const startMs = performance.now(); performance.now() - startMs < limitMs; await sleep(50)) {
      const now = this.holding();
      if (now && least && now.fds <= least.fds) least = now;
      if (least && least.fds <= fds) break;
    }
    return least;
  }

  /** A client of its own that is connected. */
  async observer(): Promise<UbusClient> {
    const host = nodeHost({ args: [], signals: false, exit: () => {} });
    const client = new UbusClient({
      streams: host.streams,
      clock: host.clock,
      random: Math.random,
      path: this.socket,
      log: SILENT,
    });
    this.observers.push(client);
    client.start();
    await until('the observer is connected', () => client.up);
    return client;
  }

  async call(path: string, method: string, args: Table = {}): Promise<Table> {
    const client = await this.observer();
    try {
      const [answer] = await client.call(path, method, args, { timeoutMs: LIMIT_MS });
      return answer ?? {};
    } catch (error) {
      this.holding();
      throw error;
    } finally {
      client.stop();
    }
  }

  async status(): Promise<Status> {
    return (await this.call('meshbridge', 'status')) as unknown as Status;
  }

  /** Waits until objects are there, the daemon's by default. @returns milliseconds. */
  async published(paths = ['yggdrasil', 'meshbridge'], limitMs = LIMIT_MS): Promise<number> {
    const startMs = performance.now();
    const client = await this.observer();
    try {
      for (const path of paths)
        await until(`${path} is published`, async () => (await client.lookup(path)).length === 1, limitMs);
    } finally {
      client.stop();
    }
    return performance.now() - startMs;
  }

  async close(): Promise<void> {
    for (const client of this.observers) client.stop();
    await this.native?.stop();
    await this.wasm?.close();
    await this.killBroker();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

let program: Promise<string | undefined> | undefined;

/** The daemon on the C host. */
function nativeProgram(): Promise<string | undefined> {
  program ??= (async () => {
    if (!findCompiler()) {
      console.log('skipped: the daemon on the C host, its memory and its descriptors: no C compiler (install gcc)');
      return undefined;
    }
    const out = join(DIST, 'native', 'meshbridge');
    const bundles = await bundleRouter();
    await buildNative({ ...bundles, out, debug: false });
    return out;
  })();
  return program;
}

let broker: Promise<string[]> | undefined;

/** The real broker where it is there, else our own, bundled once: it is started many times. */
function brokerCommand(): Promise<string[]> {
  broker ??= (async () => {
    const ubusd = process.getuid?.() === 0 ? findProgram('ubusd') : undefined;
    console.log(`measured: broker ${ubusd ? 'ubusd' : 'our own'}`);
    if (ubusd) return [ubusd];
    const directory = mkdtempSync(join(tmpdir(), 'meshbridge-broker-'));
    process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
    const outfile = join(directory, 'broker.mjs');
    await build({
      entryPoints: [inProject('src/dev/broker/main.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
    });
    return [process.execPath, outfile];
  })();
  return broker;
}
