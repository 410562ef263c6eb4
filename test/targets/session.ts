// A scripted session of the daemon: our broker, two played nodes, everything that may be asked, and what it answers. Where the daemon
// runs does not matter, and neither does how fast: each step waits for what it caused, and values that move with time are masked.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HELPER_METHODS, HELPER_OBJECT } from '../../src/api/helper.ts';
import { YGGDRASIL_METHODS } from '../../src/api/objects.ts';
import { type Broker, startBroker } from '../../src/dev/broker/broker.ts';
import { Child } from '../../src/dev/child.ts';
import { routerConfig } from '../../src/dev/router-config.ts';
import { type Outcome, PlayedNode, type PlayedRequest } from '../../src/dev/standin/node.ts';
import { AdminSocket } from '../../src/dev/standin/socket.ts';
import type { RawPeer } from '../../src/dev/standin/transcript.ts';
import { errorText } from '../../src/errors.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { SILENT } from '../../src/log.ts';
import { UbusClient } from '../../src/ubus/client.ts';
import type { UbusObject } from '../../src/ubus/object.ts';
import { sleep } from '../support/sleep.ts';

/** What was done, and what came of it, as JSON. */
export interface Step {
  what: string;
  result: unknown;
}

const VERSION = '0.5.12';
/** Far beyond what a step takes in an emulator on a busy machine. */
const PATIENCE_MS = 120_000;
/** A URI that no played node knows: the peering stays down. */
const STRANGER = 'tcp://192.0.2.7:7000';
/** These move with the daemon's own clock; the clocks of the played nodes stand still. */
const MOVING = ['age_ms', 'since_s', 'state_ago_ms', 'proven_ago_ms', 'reverts_in_s', 'samples'];

/** Waits until `test` gives something, and returns it. @throws Error naming `what`, and why not. */
async function until<T>(what: string, test: () => T | Promise<T>): Promise<NonNullable<T>> {
  const endMs = performance.now() + PATIENCE_MS;
  for (let last = 'no'; ; await sleep(20)) {
    try {
      const value = await test();
      if (value) return value;
    } catch (error) {
      last = errorText(error);
    }
    if (performance.now() > endMs) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}: ${last}`);
  }
}

/** Peers whose numbers lie at the ends of what fits. */
const EXTREMES: RawPeer[] = [
  { bytes_recvd: Number.MAX_SAFE_INTEGER, bytes_sent: 2 ** 32, port: 65_535, cost: 2 ** 31 - 1, uptime: 1e9 + 0.123 },
  { bytes_recvd: 2 ** 31, bytes_sent: 2 ** 31 - 1, port: 256, cost: 65_536, uptime: 0.001, latency: 123_456_789 },
  { bytes_recvd: 0, bytes_sent: 1, port: 0, cost: 0, uptime: 0, latency: 1, rate_recvd: 2 ** 33, rate_sent: 255 },
].map((values, i) => ({
  remote: `quic://[2001:db8::${i + 1}]:${i + 1}`,
  up: true,
  inbound: false,
  address: `200:${i}::1`,
  key: `${i + 1}`.repeat(64),
  priority: 255 - i,
  ...values,
}));

class ExtremeNode extends PlayedNode {
  override async answer(request: PlayedRequest): Promise<Outcome> {
    const outcome = await super.answer(request);
    if (request.name.toLowerCase() !== 'getpeers' || outcome === 'crash' || 'error' in outcome) return outcome;
    const { peers } = outcome.response as { peers: RawPeer[] };
    return { response: { peers: [...peers, ...EXTREMES] } };
  }
}

/** The helper as rpcd would serve it: the real one works on the machine's own files. */
const HELPER: UbusObject = {
  path: HELPER_OBJECT,
  methods: {
    network_read: {
      ...HELPER_METHODS.network_read,
      handle: () => ({ interfaces: [{ interface: 'ygg0', peers: [{ uri: 'tls://10.99.0.2:4001' }] }] }),
    },
    peer_keep: { ...HELPER_METHODS.peer_keep, handle: () => ({ result: 'added' }) },
    peer_forget: { ...HELPER_METHODS.peer_forget, handle: () => ({ result: 'removed' }) },
    config_publish: { ...HELPER_METHODS.config_publish, handle: () => ({}) },
    lint: { ...HELPER_METHODS.lint, handle: () => ({ findings: [] }) },
  },
};

/** Lets a unix socket be reached by TCP, on a free port of 127.0.0.1. */
async function relay(path: string): Promise<Server> {
  const server = createServer((near) => {
    const far = connect(path);
    near.pipe(far).pipe(near);
    for (const socket of [near, far])
      socket.on('error', () => {
        near.destroy();
        far.destroy();
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

class Session {
  readonly steps: Step[] = [];
  private readonly directory = mkdtempSync(join(tmpdir(), 'meshbridge-session-'));
  private readonly socket = join(this.directory, 'ubus.sock');
  private readonly state = join(this.directory, 'state');
  private readonly config = join(this.directory, 'meshbridge');
  /** Of the played nodes, in milliseconds; it moves when the script says so. */
  private now = 1e9;
  private readonly near = new ExtremeNode('a', VERSION, () => this.now);
  private readonly far = new PlayedNode('b', VERSION, () => this.now);
  private readonly heard: string[] = [];
  private readonly observer = this.client();
  private readonly closing: (() => unknown)[] = [];
  private broker!: Broker;
  private daemon!: Child;
  private port = 0;

  constructor(private readonly argv: readonly string[]) {}

  async play(): Promise<void> {
    await this.open();
    await this.readAll();
    await this.refuse();
    await this.command();
    await this.loseNode();
    await this.reload();
    await this.loseBroker();
    this.daemon.kill('SIGTERM');
    this.note('SIGTERM', await this.daemon.ended);
  }

  async close(): Promise<void> {
    this.observer.stop();
    await this.daemon?.stop();
    await this.broker?.close();
    for (const close of this.closing) await close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The last words of the daemon. */
  get tail(): string {
    return this.daemon?.tail.join('\n') ?? '';
  }

  private client(): UbusClient {
    const { streams, clock } = nodeHost({ args: [], signals: false, exit: () => {} });
    return new UbusClient({ streams, clock, random: Math.random, path: this.socket, log: SILENT });
  }

  private async open(): Promise<void> {
    mkdirSync(this.state);
    const [near, far] = ['ygg0', 'ygg1'].map((name) => join(this.directory, `${name}.sock`)) as [string, string];
    for (const [path, node] of [
      [near, this.near],
      [far, this.far],
    ] as const) {
      const admin = await AdminSocket.open(path, node, () => {});
      this.closing.push(() => admin.close());
    }
    const server = await relay(far);
    this.closing.push(() => server.close());
    this.port = (server.address() as AddressInfo).port;
    this.configure('info');
    this.broker = await startBroker({ path: this.socket, log: SILENT });
    this.observer.listen('*', (id, data) => this.hear(id, data));
    this.observer.subscribe('yggdrasil', (type, data) => this.hear(`notification ${type}`, data));
    this.observer.publish(HELPER);
    this.observer.start();
    await until('the helper is there', async () => (await this.observer.lookup(HELPER_OBJECT)).length);
    this.daemon = await Child.start([...this.argv, '--config', this.config]);
    await this.ready();
  }

  /** The second node is reached by a name, which takes a child process. */
  private configure(level: string): void {
    const nodes = [{ iface: 'ygg0', socket: join(this.directory, 'ygg0.sock'), peers: [] }];
    const { meshbridge } = routerConfig(nodes, { ubusSocket: this.socket, stateDirectory: this.state });
    const more = `config interface 'ygg1'\n\toption socket 'tcp://localhost:${this.port}'\n`;
    writeFileSync(this.config, meshbridge.replace("'main'", `'main'\n\toption log_level '${level}'`) + more);
  }

  /** Both nodes have told of their peers, and the helper of those that are configured. */
  private async ready(): Promise<void> {
    for (const [iface, origin] of [
      ['ygg0', 'configured'],
      ['ygg1', 'inbound'],
    ] as const)
      await until(`the peers of ${iface}`, async () => {
        if (!this.daemon.isRunning) throw new Error('the daemon has ended');
        const [reply] = await this.observer.call('yggdrasil', 'peers', { interface: iface });
        return (reply as unknown as { peers: { origin: string }[] }).peers.some((peer) => peer.origin === origin);
      });
  }

  private hear(what: string, data: object): void {
    this.heard.push(`${what} ${JSON.stringify(this.masked(data))}`);
  }

  /** Waits for an event and a notification of one kind. */
  private async hears(kind: string): Promise<void> {
    const found = (prefix: string): string | undefined => this.heard.find((line) => line.startsWith(`${prefix} `));
    const event = await until(kind, () => found(`yggdrasil.${kind}`));
    this.note(kind, [event, await until(`notification of ${kind}`, () => found(`notification ${kind}`))]);
    this.heard.length = 0;
  }

  private note(what: string, result: unknown): void {
    this.steps.push({ what, result: this.masked(result) });
  }

  /** As JSON, with what differs from session to session replaced. */
  private masked(value: unknown): unknown {
    const text = JSON.stringify(value, (name, member) => {
      if (MOVING.includes(name)) return 'moves';
      return typeof member === 'bigint' ? `${member}n` : member;
    });
    return JSON.parse(text.replaceAll(this.directory, 'DIR').replaceAll(`localhost:${this.port}`, 'localhost:PORT'));
  }

  private async call(
    path: string,
    method: string,
    args: Record<string, string | number | boolean> = {},
  ): Promise<unknown> {
    const result = await this.observer
      .call(path, method, args, { timeoutMs: PATIENCE_MS })
      .catch((error: Error) => String(error));
    this.note(`call ${path} ${method} ${JSON.stringify(args)}`, result);
    return result;
  }

  private async readAll(): Promise<void> {
    const objects = await this.observer.lookup('*');
    this.note(
      'lookup',
      objects.map(({ path, signature }) => ({ path, signature })),
    );
    for (const iface of ['ygg0', 'ygg1'])
      for (const [method, contract] of Object.entries(YGGDRASIL_METHODS))
        if (!('writes' in contract))
          await this.call('yggdrasil', method, {
            interface: iface,
            ...('key' in contract.args && { key: iface === 'ygg0' ? this.far.key : this.near.key }),
          });
    await this.status('status', (status) => status.config_errors.length === 0);
  }

  /** The daemon's status, once it is as wanted. */
  private async status(what: string, isWanted: (status: Status) => boolean): Promise<void> {
    const wanted = await until(what, async () => {
      const [reply] = (await this.observer.call('meshbridge', 'status')) as unknown as Status[];
      return isWanted(reply!) ? reply : undefined;
    });
    this.note(what, { ...wanted, uptime_s: typeof wanted.uptime_s });
  }

  private async refuse(): Promise<void> {
    await this.call('yggdrasil', 'peers', { interface: 'ygg7' });
    await this.call('yggdrasil', 'peers', { interface: 7 });
    await this.call('yggdrasil', 'node_info', { key: 'abc' });
    await this.call('yggdrasil', 'peer_add', { uri: 'gopher://[::1]' });
    await this.call('yggdrasil', 'nothing');
    await this.call('meshbridge', 'log_level', { level: 'loud' });
  }

  private async command(): Promise<void> {
    this.heard.length = 0;
    const peering = { interface: 'ygg0', uri: STRANGER };
    await this.call('yggdrasil', 'peer_add', peering);
    await this.hears('peer_added');
    await this.call('yggdrasil', 'peer_retry', peering);
    await this.call('yggdrasil', 'peer_remove', peering);
    await this.hears('peer_removed');
    await this.call('yggdrasil', 'peer_try', { ...peering, seconds: 3600 });
    await this.hears('peer_added');
    const records = (): string[] => readdirSync(this.state).map((name) => readFileSync(join(this.state, name), 'utf8'));
    this.note(
      'record of the trial',
      records()
        .join('')
        .replace(/\d{4,}/g, 'N'),
    );
    await this.call('yggdrasil', 'peer_confirm', peering);
    this.note('record after the trial', records());
    await this.call('yggdrasil', 'peer_keep', peering);
    await this.call('yggdrasil', 'peer_remove', { ...peering, forget: true });
    await this.hears('peer_removed');
  }

  private async loseNode(): Promise<void> {
    this.near.cut(this.far.key, false);
    this.now += 5000;
    await this.hears('peer_down');
    await this.call('yggdrasil', 'peers', { interface: 'ygg0' });
    this.near.restore(this.far.key);
    this.now += 5000;
    await this.hears('peer_up');
    await this.call('yggdrasil', 'peers', { interface: 'ygg0' });
  }

  private async reload(): Promise<void> {
    const level = async (): Promise<unknown> => (await this.observer.call('meshbridge', 'log_level'))[0]?.level;
    this.configure('warn');
    this.daemon.kill('SIGHUP');
    await until('the level of the new configuration', async () => (await level()) === 'warn');
    this.configure('loud');
    this.daemon.kill('SIGHUP');
    await this.status('status after a bad reload', ({ config_errors }) => /log_level/.test(config_errors.join()));
    this.configure('info');
    this.daemon.kill('SIGHUP');
    await until('the level of the first configuration', async () => (await level()) === 'info');
    await this.call('meshbridge', 'log_level', { level: 'debug' });
    await this.call('meshbridge', 'log_level');
    await this.ready();
  }

  private async loseBroker(): Promise<void> {
    await this.broker.close();
    await until('the observer is alone', () => !this.observer.up);
    this.broker = await startBroker({ path: this.socket, log: SILENT });
    await this.ready();
    await this.call('meshbridge', 'reload');
    // the daemon may have been faster than the helper
    await this.status(
      'status on the second broker',
      ({ config_errors, links }) => config_errors.length === 0 && links.every(({ state }) => state === 'up'),
    );
    await this.call('meshbridge', 'lint');
  }
}

interface Status {
  uptime_s: number;
  config_errors: unknown[];
  links: { state: string }[];
}

/** Plays the session with the daemon that `argv` starts. @throws Error naming what never came, with the daemon's last words. */
export async function playSession(argv: readonly string[]): Promise<Step[]> {
  const session = new Session(argv);
  try {
    await session.play();
    return session.steps;
  } catch (error) {
    throw new Error(`${errorText(error)}\n${session.tail}`);
  } finally {
    await session.close();
  }
}
