// A gateway on the kernel of this machine: real tunnels, rules and traffic between namespaces, a bridge for the mesh.

import { execFileSync } from 'node:child_process';
import { inProject } from '../../build/project.ts';
import { Child } from '../../src/dev/child.ts';
import { Namespace } from '../../src/dev/lab/namespace.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { parsePrefix } from '../../src/lib/ip.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Pool, pool6Of } from '../../src/mesh/pool.ts';
import type { ClientTunnel } from '../../src/mesh/tunnel.ts';
import type { GatewayRules } from '../../src/plane/client-rules.ts';
import { KernelClients } from '../../src/plane/clients.ts';
import { vxlanMac } from '../../src/plane/device.ts';
import { HostMachine, type Machine } from '../../src/plane/machine.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';

const TRAFFIC = inProject('test/lab/traffic.mjs');
export const WEB4 = '203.0.113.80';
export const WEB6 = '2001:db8:80::80';
export const LINE4 = '203.0.113.2';
export const LINE6 = '2001:db8:80::2';
export const LAN4 = '192.168.9.9';
/** Public, and yet the operator's own. */
export const LAN6 = '2001:db8:9::9';
export const PORT = 8080;
export const VXLAN_PORT = 4790;
export const MTU = 1430;
export const SLOTS = [2, 3] as const;

export const pool = new Pool(parsePrefix('10.43.0.0/16')!, pool6Of(GATEWAY_KEY), GATEWAY_KEY, 1024);
export const RULES: GatewayRules = {
  address: GATEWAY_ADDRESS,
  gateway4: pool.gateway4,
  gateway6: pool.gateway6,
  pool4: parsePrefix('10.43.0.0/16')!,
  pool6: pool6Of(GATEWAY_KEY),
  port: PORT,
  vxlanPort: VXLAN_PORT,
  wireguardPort: undefined,
  closedPorts: [25],
  isolate: true,
  reach: [],
  resolver: true,
};

/** The machine as it is inside a namespace. */
export function machineIn(space: Namespace): Machine {
  const host = nodeHost();
  const machine = new HostMachine(host);
  const inside = (...argv: string[]): string => {
    const [program, ...args] = space.command(argv);
    return execFileSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  };
  return {
    clock: host.clock,
    files: {
      ...host.files,
      list: () => [...inside('ip', '-o', 'link').matchAll(/^\d+: ([^:@]+)/gm)].map((match) => match[1]!),
      read: (path) => {
        try {
          return encodeUtf8(inside('cat', path));
        } catch {
          return undefined;
        }
      },
    },
    run: (program, args, options) => {
      const [first, ...rest] = space.command([program, ...args]);
      return machine.run(first!, rest, options);
    },
  };
}

export function tunnelOf(slot: number, more: Partial<ClientTunnel> = {}): ClientTunnel {
  return {
    ...{ slot, kind: 'vxlan', outer: nodeOf(slot).address, home4: pool.home4(slot), home6: pool.home6(slot) },
    ...{ mtu: MTU, vni: pool.vni(slot), suspended: false, ...more },
  };
}

export interface Got {
  from: string;
  /** Of whoever asked, as the server saw it. */
  port: number;
  bytes: number;
  ms: number;
  error?: string;
}

/** A namespace with a process in it that makes traffic. */
export class Place {
  private readonly waiting = new Map<number, (result: unknown) => void>();
  private count = 0;

  private constructor(
    readonly space: Namespace,
    private agent: Child | undefined,
  ) {}

  static async open(): Promise<Place> {
    const place = new Place(await Namespace.open(), undefined);
    place.agent = await Child.start(place.space.command([process.execPath, TRAFFIC]), (line) => place.heard(line));
    return place;
  }

  private heard(line: string): void {
    const { id, result } = JSON.parse(line) as { id: number; result: unknown };
    this.waiting.get(id)?.(result);
    this.waiting.delete(id);
  }

  private tell<T>(act: string, ...args: unknown[]): Promise<T> {
    const id = ++this.count;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, resolve as (result: unknown) => void);
      void this.agent!.ended.then(() => reject(new Error(`it ended: ${this.agent!.tail.join(' ')}`)));
      this.agent!.write(`${JSON.stringify({ id, act, args })}\n`);
    });
  }

  serve(...ports: number[]): Promise<void> {
    return this.tell('serve', ports);
  }

  get(host: string, port = 80, bytes = 0, from = ''): Promise<Got> {
    return this.tell('get', host, port, bytes, from);
  }

  put(host: string, bytes: number): Promise<Omit<Got, 'from' | 'port'>> {
    return this.tell('put', host, bytes);
  }

  hold(host: string, port: number, count: number): Promise<{ stand: number; error?: string }> {
    return this.tell('hold', host, port, count);
  }

  drop(): Promise<void> {
    return this.tell('drop');
  }

  startEcho(host: string): Promise<void> {
    return this.tell('startEcho', host);
  }

  endEcho(): Promise<{ sent: number; lost: number }> {
    return this.tell('endEcho');
  }

  ip(commands: readonly string[]): Promise<void> {
    return this.space.ip(commands);
  }

  run(...argv: string[]): string {
    const [program, ...args] = this.space.command(argv);
    return execFileSync(program!, args, { encoding: 'utf8' });
  }

  async close(): Promise<void> {
    this.agent?.kill('SIGKILL');
    await this.space.close();
  }
}

/** The gateway, the Internet, the operator's own network, and homes in the order of SLOTS. */
export async function openWorld(): Promise<{ gateway: Place; web: Place; lan: Place; first: Place; second: Place }> {
  const [gateway, web, lan, first, second] = (await Promise.all([0, 1, 2, 3, 4].map(() => Place.open()))) as [
    ...[Place, Place, Place, Place, Place],
  ];
  await gateway.ip([
    'link add ygg0 mtu 9000 type bridge',
    'link set ygg0 up',
    `addr add ${GATEWAY_ADDRESS}/7 dev ygg0 nodad`,
    `link add wan0 type veth peer name eth0 netns ${web.space.pid}`,
    'link set wan0 up',
    `addr add ${LINE4}/24 dev wan0`,
    `addr add ${LINE6}/64 dev wan0 nodad`,
    `route add default via ${WEB4}`,
    `route add default via ${WEB6}`,
    `link add lan0 type veth peer name eth0 netns ${lan.space.pid}`,
    'link set lan0 up',
    'addr add 192.168.9.1/24 dev lan0',
    'addr add 2001:db8:9::1/64 dev lan0 nodad',
  ]);
  // what arrives by a line within a moment is few packets, not 64 KiB at once
  await web.ip([
    'link set eth0 gso_max_segs 4 up',
    `addr add ${WEB4}/24 dev eth0`,
    `addr add ${WEB6}/64 dev eth0 nodad`,
  ]);
  await lan.ip([
    ...['link set eth0 up', `addr add ${LAN4}/24 dev eth0`, `addr add ${LAN6}/64 dev eth0 nodad`],
    ...['route add default via 192.168.9.1', 'route add default via 2001:db8:9::1'],
  ]);
  for (const [at, home] of [first, second].entries()) {
    const slot = SLOTS[at]!;
    await gateway.ip([
      `link add port${slot} mtu 9000 type veth peer name ygg0 mtu 9000 netns ${home.space.pid}`,
      `link set port${slot} master ygg0 up`,
    ]);
    await home.ip([
      'link set ygg0 gso_max_segs 4 up',
      `addr add ${nodeOf(slot).address}/7 dev ygg0 nodad`,
      ...homeEnd('mbt0', slot, pool.vni(slot)),
      `addr add ${pool.home4(slot)}/32 dev mbt0`,
      `addr add ${pool.home6(slot)}/128 dev mbt0 nodad`,
      `route add ${pool.gateway4} dev mbt0`,
      `route add ${pool.gateway6} dev mbt0`,
      `route add default via ${pool.gateway4} src ${pool.home4(slot)}`,
      `route add default via ${pool.gateway6} src ${pool.home6(slot)}`,
    ]);
  }
  await Promise.all([web, lan, first, second].map((place) => place.serve(80, 25)));
  // the operator's own services, and a resolver
  await gateway.serve(22, 53);
  return { gateway, web, lan, first, second };
}

/** A home's end of a tunnel; `slot` is the home that makes it. */
export function homeEnd(name: string, slot: number, vni: number): string[] {
  const mac = vxlanMac('gateway', vni);
  return [
    `link add ${name} address ${vxlanMac('home', vni)} type vxlan id ${vni} local ${nodeOf(slot).address} remote ${GATEWAY_ADDRESS} dstport ${VXLAN_PORT} nolearning`,
    `link set ${name} mtu ${MTU} up`,
    `neigh add ${pool.gateway4} lladdr ${mac} dev ${name} nud permanent`,
    `neigh add ${pool.gateway6} lladdr ${mac} dev ${name} nud permanent`,
  ];
}

/** The plane of the gateway. */
export function planeOf(gateway: Place, more: Partial<GatewayRules> = {}): KernelClients {
  return new KernelClients({
    machine: machineIn(gateway.space),
    rules: { ...RULES, ...more },
    pool,
    ability: async () => ({ kinds: [{ kind: 'vxlan' }] }),
    wireguardKeyPath: '/nonexistent',
  });
}
