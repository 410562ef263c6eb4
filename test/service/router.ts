// A router on this machine for the service's tests: a root directory with a broker in it, netifd and the root helper played, and
// the daemon as the user that it has on a router.

import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleRouter } from '../../build/bundle.ts';
import { buildNative, findCompiler } from '../../build/native.ts';
import { DIST } from '../../build/project.ts';
import { HELPER_METHODS, HELPER_OBJECT, type HelperVerb } from '../../src/api/helper.ts';
import type { Broker } from '../../src/dev/broker/broker.ts';
import { startBroker } from '../../src/dev/broker/broker.ts';
import { Child } from '../../src/dev/child.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { SILENT } from '../../src/log.ts';
import type { Table } from '../../src/ubus/blobmsg.ts';
import { UbusClient } from '../../src/ubus/client.ts';
import { Failure, type UbusMethod } from '../../src/ubus/object.ts';
import { UBUS_STATUS_NO_DATA } from '../../src/ubus/status.ts';
import { sleep } from '../support/sleep.ts';
import { DAEMON_ID, RouterRoot, rootProblem } from './root.ts';

export const BUS = '/var/run/ubus/ubus.sock';
export const RUN = '/var/run/meshbridge';
/** A peering of `ygg0` that the played configuration holds. */
export const KEPT = 'tcp://192.0.2.1:1234';
const CONFIG = `${RUN}/config`;
const GATEWAY = "config gateway 'none'\n\toption address '200::1'\n";
const LIMIT_MS = 10_000;

/** Waits until `test` holds, which may throw meanwhile. @throws Error naming `what` and why not. */
export async function until(what: string, test: () => unknown): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  for (let last: unknown = 'no'; ; await sleep(20)) {
    try {
      if (await test()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() > endMs) throw new Error(`not within ${LIMIT_MS} ms: ${what}: ${last}`);
  }
}

/** Why there can be no such router here; `undefined`: there can. */
export async function routerProblem(): Promise<string | undefined> {
  return findCompiler() ? rootProblem() : 'no C compiler (install gcc)';
}

/** As `meshbridge status` shows it. */
export interface Status {
  links: { name: string; state: string; last_error?: string }[];
  interfaces: { interface: string; connected: boolean; found_by: string }[];
}

/** One router, from `open` to `close`. */
export class Router {
  /** What the daemon logged. */
  readonly lines: string[] = [];
  /** Calls that the played netifd and helper got, as `object method`. */
  readonly calls: string[] = [];
  /** Programs of the helper that run. */
  readonly helpers = new Set<Child>();
  /** A client of the bus who is root. */
  bus!: UbusClient;
  private broker: Broker | Child | undefined;
  private daemon: Child | undefined;
  private readonly clients: UbusClient[] = [];

  private constructor(readonly root: RouterRoot) {}

  /**
   * With the broker `ubusd` (a program), or our own, on `socket`; netifd knows the interface `ygg0`. The helper is played, or its program is
   * started for each call, as rpcd does.
   */
  static async open(ubusd?: string, socket = BUS, helper: 'played' | 'program' = 'played'): Promise<Router> {
    const router = new Router(await RouterRoot.open('busybox ash'));
    try {
      await router.begin(ubusd, socket);
      if (helper === 'program') router.serveHelper();
      else router.playHelper();
    } catch (error) {
      await router.close();
      throw error;
    }
    return router;
  }

  /** Starts the daemon as procd would after the init script; `wrap` runs it by another program. */
  async startDaemon(wrap: readonly string[] = []): Promise<void> {
    const argv = [...wrap, ...this.root.command(['/usr/sbin/meshbridge', '--config', CONFIG], DAEMON_ID)];
    this.daemon = await Child.start(argv, (line) => this.lines.push(line));
  }

  /** Ends the daemon, and with it the program that runs it. */
  async stopDaemon(): Promise<void> {
    const { daemon } = this;
    if (!daemon?.isRunning) return;
    const wrapped = readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8').trim();
    if (wrapped === '') return daemon.stop();
    process.kill(Number(wrapped), 'SIGTERM');
    await daemon.ended;
  }

  /** Ends the daemon as a lack of memory does. */
  async killDaemon(): Promise<void> {
    this.daemon?.kill('SIGKILL');
    await this.daemon?.ended;
  }

  /** A client of the bus, who is the user that we are while it connects. */
  async client(socket = BUS, user = 0): Promise<UbusClient> {
    const { streams, clock } = nodeHost({ args: [], signals: false, exit: () => {} });
    const client = new UbusClient({
      streams,
      clock,
      random: Math.random,
      path: this.root.path(socket),
      log: SILENT,
    });
    this.clients.push(client);
    process.setegid!(user);
    process.seteuid!(user);
    try {
      client.start();
    } finally {
      process.seteuid!(0);
      process.setegid!(0);
    }
    await until('a client of the bus is connected', () => client.up);
    return client;
  }

  /** Calls a method; the last answer. */
  async call(path: string, method: string, args: Table = {}): Promise<Table> {
    return (await this.bus.call(path, method, args, { timeoutMs: LIMIT_MS })).at(-1) ?? {};
  }

  async status(): Promise<Status> {
    return (await this.call('meshbridge', 'status')) as unknown as Status;
  }

  /** Waits until both objects are there, or those at `paths`. */
  async published(paths: readonly string[] = ['meshbridge', 'yggdrasil']): Promise<void> {
    for (const path of paths)
      await until(
        `${path} is published: ${this.lines.join('\n')}`,
        async () => (await this.bus.lookup(path)).length > 0,
      );
  }

  /** What netifd's handler makes, and who may read it. */
  makeSockets(): void {
    this.root.directoryAt('/tmp/yggdrasil', 0o700);
    this.root.write('/tmp/yggdrasil/ygg0.conf', '{"PrivateKey":"secret"}', 0o600);
  }

  /** Runs the hotplug script as the init script does. */
  lendSockets(): void {
    const env = { ACTION: 'start' };
    const { status, stderr } = this.root.run(['sh', '/etc/hotplug.d/iface/95-meshbridge'], { env });
    if (status !== 0 || stderr) throw new Error(`hotplug script: status ${status}: ${stderr}`);
  }

  /** Whether the daemon's user can read the private key. */
  isKeyReadable(): boolean {
    return this.root.run(['cat', '/tmp/yggdrasil/ygg0.conf'], { user: DAEMON_ID }).stdout !== '';
  }

  async close(): Promise<void> {
    await this.stopDaemon();
    for (const client of this.clients) client.stop();
    if (this.broker instanceof Child) await this.broker.stop();
    else await this.broker?.close();
    this.root.close();
  }

  /** Adds sections to what the helper has published; before the daemon starts. */
  configure(sections: string): void {
    const path = this.root.path(CONFIG);
    writeFileSync(path, `${readFileSync(path, 'utf8')}\n${sections}`);
  }

  private async begin(ubusd: string | undefined, socket: string): Promise<void> {
    const { root } = this;
    const out = join(DIST, 'native', 'meshbridge');
    const bundles = await bundleRouter();
    await buildNative({ ...bundles, out, debug: false });
    root.addProgram(out, '/usr/sbin/meshbridge');
    root.directoryAt('/var/run/ubus', 0o755);
    root.directoryAt(RUN, 0o3770, 0, DAEMON_ID);
    // as the helper publishes it; with a gateway, or there is no `meshbridge.lease`
    writeFileSync(root.path(CONFIG), `${root.read('/etc/config/meshbridge')}\n${GATEWAY}`);
    chownSync(root.path(CONFIG), 0, DAEMON_ID);
    chmodSync(root.path(CONFIG), 0o440);

    if (ubusd) {
      root.addProgram(ubusd, '/sbin/ubusd');
      this.broker = await Child.start(root.command(['/sbin/ubusd', '-s', socket]));
      await until('ubusd listens', () => existsSync(root.path(socket)));
    } else {
      this.broker = await startBroker({ path: root.path(socket), log: SILENT });
      chmodSync(root.path(socket), 0o666);
    }
    this.bus = await this.client(socket);
    // an uplink that is down: then its device is asked about, too
    const wan = { interface: 'wan', proto: 'dhcp', device: 'eth1', up: false };
    const ygg0 = { interface: 'ygg0', proto: 'yggdrasil', up: true };
    this.play('network.interface', { dump: () => ({ interface: [wan, ygg0] }) });
    this.play('network.device', { status: () => ({ carrier: false }) }, { status: { args: { 'name?': 'string' } } });
  }

  private playHelper(): void {
    const replies: Record<HelperVerb, () => Table> = {
      network_read: () => ({ interfaces: [{ interface: 'ygg0', peers: [{ uri: KEPT }] }] }),
      peer_keep: () => ({ result: 'added' }),
      peer_forget: () => ({ result: 'removed' }),
      config_publish: () => ({}),
      announce: () => ({ result: 'same' }),
      interface_restart: () => ({}),
      fix: () => ({ result: 'Nothing was done.' }),
      member_read: () => ({}),
      member_set: () => ({}),
      member_remove: () => ({}),
      public_peers_set: () => ({ entries: 0 }),
      enroll_card: () => ({ node: '', key: '', card: '' }),
      enroll_check: () => ({ node: '', key: '', site: '', url: '', keys: [], cap: '', expires_at: 0 }),
      enroll: () => ({ node: '', key: '' }),
      desired_read: () => ({ values: [], hash: '' }),
      desired_apply: () => ({ result: 'applied', left_s: 0, rejected: [], changed: [], peers: [] }),
      desired_confirm: () => ({ rejected: [] }),
      desired_undo: () => ({ changed: [], peers: [] }),
      tunnel_ability: () => ({ kinds: [], mesh_mtu: 0 }),
      tunnel_build: () => ({ device: 'mbt0' }),
      tunnel_drop: () => ({}),
      route_use: () => ({}),
      route_block: () => ({}),
      route_keep: () => ({}),
      route_restore: () => ({}),
      route_undo: () => ({}),
      clients_ability: () => ({ kinds: [], mesh_mtu: 0, ipv6: false, lacks: [] }),
      clients_restore: () => ({}),
      clients_change: () => ({ problems: [] }),
      clients_use: () => ({ flows: [] }),
      clients_check: () => ({ whole: true }),
      clients_release: () => ({}),
      lint: () => ({ findings: [] }),
    };
    this.play(HELPER_OBJECT, replies, HELPER_METHODS);
  }

  private serveHelper(): void {
    const method = (verb: string, args: object): UbusMethod => ({
      args: args as Record<string, 'string'>,
      handle: async (given) => {
        this.calls.push(`${HELPER_OBJECT} ${verb}`);
        const child = await Child.start(this.root.command(['/usr/libexec/rpcd/meshbridge.helper', 'call', verb]));
        this.helpers.add(child);
        child.end(JSON.stringify(given));
        await child.ended;
        this.helpers.delete(child);
        const [reply] = child.tail.filter((line) => line.startsWith('{'));
        return reply === undefined ? new Failure(UBUS_STATUS_NO_DATA, 'no data') : (JSON.parse(reply) as Table);
      },
    });
    const methods = Object.entries(HELPER_METHODS).map(([verb, { args }]) => [verb, method(verb, args)] as const);
    this.bus.publish({ path: HELPER_OBJECT, methods: Object.fromEntries(methods) });
  }

  /** Publishes an object of root's; each method gives one answer. */
  play(
    path: string,
    replies: Readonly<Record<string, () => Table>>,
    contract: Readonly<Record<string, { args: object }>> = {},
  ): void {
    const methods = Object.entries(replies).map(([method, reply]) => {
      const handle = (): Table => {
        this.calls.push(`${path} ${method}`);
        return reply();
      };
      return [method, { args: (contract[method]?.args ?? {}) as Record<string, 'string'>, handle }] as const;
    });
    this.bus.publish({ path, methods: Object.fromEntries(methods) });
  }
}
