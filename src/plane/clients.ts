// A gateway's tunnels on a Linux machine, by iproute2, nftables and wireguard-tools: many homes at once, one batch and one transaction for all.
//
// The kernel is the memory: what stands is asked there, so that a daemon that starts finds the tunnels of the one before it and touches none
// that fits. Rules are there before devices: a home that nobody knows yet gets nowhere.

import { formatPrefix } from '../lib/ip.ts';
import type { PortRange } from '../mesh/pool.ts';
import type {
  ClientChange,
  ClientFlow,
  ClientPlane,
  ClientProblems,
  ClientTunnel,
  GatewayAbility,
  TunnelAbility,
} from '../mesh/tunnel.ts';
import { batchProblems, buildLines, deviceOf, dropLines, shownDevices } from './client-device.ts';
import {
  CLEAR_PORTS,
  findLimitAbility,
  type LimitAbility,
  limitScript,
  portScript,
  unlimitScript,
} from './client-limit.ts';
import {
  addScript,
  clearScript,
  clientDevice,
  deviceScript,
  type GatewayRules,
  gatewayScript,
  HOME_SETS,
  type Inner,
  type RuleClient,
  readBytes,
  readElements,
  readPackets,
  removeScript,
  slotOfDevice,
  suspendScript,
  WIREGUARD_DEVICE,
} from './client-rules.ts';
import { CLIENT_TABLE, removeElements } from './client-set.ts';
import {
  CLEAR_SHARES,
  isByLine,
  LineShare,
  readShares,
  removeShares,
  shareScript,
  unshareScript,
} from './client-share.ts';
import type { ShownDevice } from './ip.ts';
import { firstLine, type Machine, readKnob, runWell } from './machine.ts';
import { WireguardPeers } from './wireguard-peers.ts';

/** How long programs may take that are told of many homes. */
const MANY_MS = 60_000;
/** Of our addresses on `lo`: by it they are known, for others put some there, too. */
const OWN_METRIC = 430;
/** So many devices are looked at and made with one batch: what is said of them has to fit. */
const BATCH = 256;
const DEVICES = '/sys/class/net';
const KNOBS = '/proc/sys/net';

/** Inner addresses and numbers of slots, as Pool has them. */
export interface SlotAddresses {
  home4(slot: number): string;
  home6(slot: number): string;
  vni(slot: number): number;
  slotOf(address: string): number | undefined;
  /** Blocks of ports; 0: homes have none of their own. */
  readonly blocks: number;
  ports(block: number): PortRange;
}

/** What a gateway's plane is made of. */
export interface KernelClientsOptions {
  readonly machine: Machine;
  readonly rules: GatewayRules;
  readonly pool: SlotAddresses;
  /** Which kinds of tunnels the machine makes, and its key of WireGuard. */
  ability(): Promise<Pick<TunnelAbility, 'kinds' | 'wireguardKey'>>;
  /** File of the private key of WireGuard. */
  readonly wireguardKeyPath: string;
}

interface MeshDevice {
  readonly name: string;
  readonly mtu: number;
}

/** Whose bytes a set counts. */
const COUNTS = [
  ['from4', 'rxBytes'],
  ['from6', 'rxBytes'],
  ['to4', 'txBytes'],
  ['to6', 'txBytes'],
] as const;

/** A gateway's tunnels on this machine. */
export class KernelClients implements ClientPlane {
  private readonly machine: Machine;
  private readonly wireguard: WireguardPeers | undefined;
  /** Devices that the rules were last told of. */
  private told = '';
  spoofed: number | undefined;
  private limits: LimitAbility | undefined;
  private readonly share: LineShare;

  constructor(private readonly options: KernelClientsOptions) {
    const { machine, rules, wireguardKeyPath } = options;
    this.machine = machine;
    this.share = new LineShare(machine, rules.share ?? {});
    if (rules.wireguardPort !== undefined)
      this.wireguard = new WireguardPeers(machine, rules.wireguardPort, wireguardKeyPath);
  }

  async ability(): Promise<GatewayAbility> {
    const known = await this.options.ability();
    const { name, mtu } = await this.mesh();
    const lacks = [...(await this.limitAbility()).lacks, ...(await this.share.lacks(name, await this.lines()))];
    return { ...known, meshMtu: mtu, ipv6: (await this.lines(6)).length > 0, lacks };
  }

  async restore(clients: readonly ClientTunnel[]): Promise<ClientProblems> {
    await this.expectFreePool();
    await this.begin(
      clients,
      clients.map(({ slot }) => slot),
    );
    await this.forgetCounts(clients);
    const wanted = new Set(clients.map(deviceOf));
    await this.drop(this.devices().filter((name) => slotOfDevice(name) !== undefined && !wanted.has(name)));
    await this.keepPeers(clients);
    return this.build(clients);
  }

  /**
   * As `restore`, where homes are told afterwards by `change`: makes this machine a gateway, and takes every home out but these. What stands of
   * these goes on.
   */
  async retain(slots: readonly number[]): Promise<void> {
    const { pool } = this.options;
    const wanted = new Set(slots);
    const isWanted = (slot: number | undefined): boolean => slot !== undefined && wanted.has(slot);
    const numbers = new Set(slots.map((slot) => pool.vni(slot)));
    await this.expectFreePool();
    await this.begin(undefined, slots);
    let stale = '';
    const left = new Set<number>();
    for (const set of HOME_SETS) {
      const gone = (await this.elements(set)).filter(({ key }) => {
        const last = key.split(' . ').at(-1)!;
        if (set === 'outer') return !numbers.has(Number(last));
        const slot = pool.slotOf(last);
        if (slot !== undefined && !isWanted(slot)) left.add(slot);
        return !isWanted(slot);
      });
      stale += removeElements(
        set,
        gone.map(({ key }) => key),
      );
    }
    await this.load(stale + (await this.unlimitText([...left])));
    await this.drop(this.devices().filter((name) => slotOfDevice(name) !== undefined && !isWanted(slotOfDevice(name))));
    if (!this.devices().includes(WIREGUARD_DEVICE)) return;
    if (slots.length === 0 || !this.wireguard) await runWell(this.machine, 'ip', ['link', 'del', WIREGUARD_DEVICE]);
    else await this.wireguard.prune((_, addresses) => addresses.some((address) => isWanted(pool.slotOf(address))));
  }

  async change({ add, remove, suspend, resume, limit = [] }: ClientChange): Promise<ClientProblems> {
    const present = new Set(this.devices());
    const touched = new Set([...remove, ...add.map(({ slot }) => slot)]);
    const stale = touched.size === 0 ? [] : await this.outerOf(touched);
    const free = [...resume, ...add.filter(({ suspended }) => !suspended).map(({ slot }) => slot)];
    const limits = touched.size + limit.length === 0 ? '' : await this.limitText(remove, [...add, ...limit], add);
    await this.load(
      removeScript(remove.map(this.inner), stale) +
        suspendScript(suspend.map(this.inner), true) +
        suspendScript(free.map(this.inner), false) +
        limits +
        addScript(add.map(ruleClient)),
    );
    if (this.share.isWanted && touched.size > 0)
      await this.share.change(
        (await this.mesh()).name,
        await this.lines(),
        add.map(({ slot }) => slot),
        remove,
      );
    // a home may come another way than before
    const left = [...remove, ...add.filter(({ kind }) => kind === 'wireguard').map(({ slot }) => slot)];
    await this.drop(left.map(clientDevice).filter((name) => present.has(name)));
    const peers = add.filter(({ kind }) => kind === 'wireguard');
    if (present.has(WIREGUARD_DEVICE))
      await this.wireguard?.prune((key, addresses) => {
        const slots = addresses.map((address) => this.options.pool.slotOf(address));
        return !slots.some(
          (slot) => slot !== undefined && touched.has(slot) && !peers.some((one) => one.wireguardKey === key),
        );
      });
    await this.addPeers(peers);
    return this.build(add);
  }

  async use(): Promise<ReadonlyMap<number, ClientFlow>> {
    await this.follow();
    const bySlot = new Map<number, { rxBytes: number; txBytes: number }>();
    const counter = ['list', 'counter', ...CLIENT_TABLE.split(' '), 'spoofed'];
    this.spoofed = readPackets(await runWell(this.machine, 'nft', counter));
    for (const [set, way] of COUNTS) {
      for (const { key, bytes } of await this.elements(set)) {
        const slot = this.options.pool.slotOf(key);
        if (slot === undefined) continue;
        const flow = bySlot.get(slot) ?? { rxBytes: 0, txBytes: 0 };
        flow[way] += bytes;
        bySlot.set(slot, flow);
      }
    }
    return bySlot;
  }

  /** @throws (rejects) Error while no device has the gateway's address in the mesh */
  async expectMesh(): Promise<void> {
    await this.mesh();
  }

  async isWhole(): Promise<boolean> {
    const { code } = await this.machine.run('nft', ['list', 'set', ...CLIENT_TABLE.split(' '), 'mesh']);
    return code === 0;
  }

  // rules

  private async limitAbility(): Promise<LimitAbility> {
    this.limits ??= await findLimitAbility(this.machine);
    return this.limits;
  }

  /** What homes are kept to, and by which ports those that come leave. @param remove slots. */
  private async limitText(
    remove: readonly number[],
    limit: readonly Pick<ClientTunnel, 'slot' | 'limits'>[],
    add: readonly ClientTunnel[],
  ): Promise<string> {
    const { pool } = this.options;
    const able = await this.limitAbility();
    const ports = add.flatMap(({ slot, block }) =>
      block === undefined ? [] : { ...this.inner(slot), ports: pool.ports(block) },
    );
    const shares = add.map(({ slot, outer }) => ({ ...this.inner(slot), outer }));
    return (
      (await this.unlimitText(remove)) +
      (this.share.isWanted ? shareScript(shares) : '') +
      limitScript(
        limit.map(({ slot, limits = {} }) => ({ ...this.inner(slot), limits })),
        able,
      ) +
      portScript(ports)
    );
  }

  /** Makes the table be, for exactly these homes; without a list, for those that it holds. @param slots of homes that stay. */
  private async begin(clients: readonly ClientTunnel[] | undefined, slots: readonly number[]): Promise<void> {
    const { rules } = this.options;
    const [mesh, lines] = [await this.mesh(), await this.lines()];
    await this.ownAddresses();
    const homes = clients
      ? clearScript() + CLEAR_SHARES + (await this.limitText([], clients, clients)) + addScript(clients.map(ruleClient))
      : '';
    const ports = this.options.pool.blocks === 0 ? CLEAR_PORTS : '';
    const shares = this.share.isWanted ? '' : CLEAR_SHARES;
    const script = gatewayScript(rules, mesh.name, lines, await this.limitAbility()) + ports + shares + homes;
    try {
      await this.load(script);
    } catch (error) {
      // a table of a version whose sets were others goes, with its counts
      await this.load(`table ${CLIENT_TABLE}\ndelete table ${CLIENT_TABLE}\n${script}`).catch(() => {
        throw error;
      });
    }
    // not before it is said what may be handed on
    await this.switchForwarding(lines);
    await this.lookByLine();
    await this.share.keep(mesh.name, lines, async () => slots);
    this.told = JSON.stringify([mesh.name, lines]);
  }

  /** Has the rules mean the devices that there are now: a line may have come, or Yggdrasil started anew. */
  private async follow(): Promise<void> {
    const [mesh, lines] = [await this.mesh(), await this.lines()];
    const now = JSON.stringify([mesh.name, lines]);
    // Yggdrasil that starts anew has another device of the same name
    await this.lookByLine();
    await this.share.keep(mesh.name, lines, () => this.slots(), true);
    if (now === this.told) return;
    await this.switchForwarding(lines);
    await this.load(deviceScript(mesh.name, lines));
    this.told = now;
  }

  /** Drops what was counted of homes that are none any more. */
  private async forgetCounts(clients: readonly ClientTunnel[]): Promise<void> {
    const { pool } = this.options;
    const kept = new Set(clients.map(({ slot }) => slot));
    const gone = new Set<number>();
    for (const [set] of COUNTS) {
      for (const { key } of await this.elements(set)) {
        const slot = pool.slotOf(key);
        if (slot === undefined) await this.load(`delete element ${CLIENT_TABLE} ${set} { ${key} }\n`);
        else if (!kept.has(slot)) gone.add(slot);
      }
    }
    await this.load(removeScript([...gone].map(this.inner), []) + (await this.unlimitText([...gone])));
  }

  /** Forgets what homes were kept to. */
  private async unlimitText(slots: readonly number[]): Promise<string> {
    if (slots.length === 0) return '';
    const homes = slots.map(this.inner);
    const text = unlimitScript(homes, await this.limitAbility());
    if (!this.share.isWanted) return text;
    const gone = new Set(slots);
    const args = ['list', 'map', ...CLIENT_TABLE.split(' '), 'shares'];
    const shares = readShares(await runWell(this.machine, 'nft', args, { timeoutMs: MANY_MS }));
    return (
      text +
      unshareScript(
        homes,
        shares.flatMap(({ outer, slot }) => (gone.has(slot) ? outer : [])),
      )
    );
  }

  /** Looks whether homes are reached by the line that they share. */
  private async lookByLine(): Promise<void> {
    if (!this.share.isWanted) return;
    const bytes = async (counter: string): Promise<number> =>
      readBytes(await runWell(this.machine, 'nft', ['list', 'counter', ...CLIENT_TABLE.split(' '), counter]));
    this.share.byLine = isByLine({ lines: await bytes('own_lines'), mesh: await bytes('own_mesh') });
  }

  /** Of homes that are in. */
  private async slots(): Promise<number[]> {
    return (await this.elements('from4')).flatMap(({ key }) => this.options.pool.slotOf(key) ?? []);
  }

  /** What `outer` holds of some slots. */
  private async outerOf(slots: ReadonlySet<number>): Promise<string[]> {
    const numbers = new Set([...slots].map((slot) => this.options.pool.vni(slot)));
    const elements = await this.elements('outer');
    return elements.map(({ key }) => key).filter((key) => numbers.has(Number(key.split(' . ')[1])));
  }

  private async elements(set: string): Promise<{ key: string; bytes: number }[]> {
    const args = ['list', 'set', ...CLIENT_TABLE.split(' '), set];
    return readElements(await runWell(this.machine, 'nft', args, { timeoutMs: MANY_MS }));
  }

  private async load(script: string): Promise<void> {
    if (script !== '') await runWell(this.machine, 'nft', ['-f', '-'], { stdin: script, timeoutMs: MANY_MS });
  }

  private readonly inner = (slot: number): Inner => {
    const { pool } = this.options;
    return { slot, home4: pool.home4(slot), home6: pool.home6(slot) };
  };

  // devices

  private devices(): string[] {
    return this.machine.files.list(DEVICES);
  }

  /** Makes tunnels be; of those that fit, nothing is touched. */
  private async build(clients: readonly ClientTunnel[]): Promise<ClientProblems> {
    const problems = new Map<number, string>();
    for (let at = 0; at < clients.length; at += BATCH)
      for (const [slot, why] of await this.buildSome(clients.slice(at, at + BATCH))) problems.set(slot, why);
    return problems;
  }

  private async buildSome(clients: readonly ClientTunnel[]): Promise<ClientProblems> {
    const { rules } = this.options;
    const present = new Set(this.devices());
    const shown = new Map<string, ShownDevice>();
    const known = clients.filter(({ kind }) => kind !== 'wireguard').map(deviceOf);
    const asked = known.filter((name) => present.has(name)).map((name) => `link show dev ${name}`);
    if (asked.length > 0) {
      const { stdout } = await this.ip(asked, ['-d', '-j']);
      for (const device of shownDevices(stdout)) shown.set(device.name, device);
    }
    const lines = clients.flatMap((client) =>
      buildLines(client, rules, shown.get(deviceOf(client))).map((text) => ({ text, slot: client.slot })),
    );
    const { code, stderr } = await this.ip(lines.map(({ text }) => text));
    const problems = new Map<number, string>();
    if (code === 0) return problems;
    for (const [line, why] of batchProblems(stderr)) {
      const { slot, text } = lines[line] ?? {};
      if (slot !== undefined && !problems.has(slot)) problems.set(slot, `ip ${text}: ${why}`);
    }
    // what was complained of may have been too much to be read
    const made = new Set(this.devices());
    for (const client of clients)
      if (!made.has(deviceOf(client)) && !problems.has(client.slot))
        problems.set(client.slot, 'its device is not there');
    return problems;
  }

  private async drop(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.ip(dropLines(names));
  }

  private ip(lines: readonly string[], flags: readonly string[] = []): ReturnType<Machine['run']> {
    const stdin = `${lines.join('\n')}\n`;
    return this.machine.run('ip', [...flags, '-force', '-batch', '-'], { stdin, timeoutMs: MANY_MS });
  }

  // WireGuard

  private async keepPeers(clients: readonly ClientTunnel[]): Promise<void> {
    const peers = clients.filter(({ kind }) => kind === 'wireguard');
    const keys = new Map(peers.map((peer) => [peer.wireguardKey, peer]));
    if (this.devices().includes(WIREGUARD_DEVICE)) {
      if (peers.length === 0) return void (await runWell(this.machine, 'ip', ['link', 'del', WIREGUARD_DEVICE]));
      await this.wireguard?.prune((key, addresses) => addresses.includes(keys.get(key)?.home4 ?? ''));
    }
    await this.addPeers(peers);
  }

  private async addPeers(peers: readonly ClientTunnel[]): Promise<void> {
    if (peers.length === 0) return;
    if (!this.wireguard) throw new Error('wireguard: this gateway does not make it');
    await this.wireguard.start();
    await this.wireguard.add(peers);
  }

  // the machine

  /** The device of Yggdrasil: the one that has its address. @throws (rejects) Error while there is none */
  private async mesh(): Promise<MeshDevice> {
    const { address } = this.options.rules;
    const text = await runWell(this.machine, 'ip', ['-j', 'addr', 'show', 'to', address]);
    const rows = JSON.parse(text.trim() || '[]') as { ifname?: string; mtu?: number }[];
    const found = rows.find(({ ifname, mtu }) => ifname !== undefined && mtu !== undefined);
    if (!found) throw new Error(`no device has the address of Yggdrasil, ${address}`);
    return { name: found.ifname!, mtu: found.mtu! };
  }

  /** Devices by which the Internet is reached. */
  private async lines(...families: readonly (4 | 6)[]): Promise<string[]> {
    const names = new Set<string>();
    for (const family of families.length > 0 ? families : ([4, 6] as const)) {
      const text = await runWell(this.machine, 'ip', ['-j', `-${family}`, 'route', 'show', 'default']);
      for (const route of JSON.parse(text.trim() || '[]') as DefaultRoute[])
        for (const { dev } of [route, ...(route.nexthops ?? [])])
          if (dev !== undefined && route.type !== 'unreachable' && route.type !== 'blackhole') names.add(dev);
    }
    return [...names].sort();
  }

  /** Homes cannot have addresses that this machine uses for others. @throws (rejects) Error */
  private async expectFreePool(): Promise<void> {
    const { pool4, gateway4 } = this.options.rules;
    const pool = formatPrefix(pool4);
    const text = await runWell(this.machine, 'ip', ['-j', 'addr', 'show', 'to', pool]);
    for (const { ifname, addr_info = [] } of JSON.parse(text.trim() || '[]') as ShownAddresses[])
      for (const { local, metric } of addr_info)
        if (local !== undefined && local !== gateway4 && metric !== OWN_METRIC)
          throw new Error(`pool4: ${pool} is in use: ${ifname} has ${local}; another one has to be chosen`);
  }

  /** The gateway's inner addresses: on `lo`, for no device of a home stays. Resolvers take homes for neighbours by the length of the prefix. */
  private async ownAddresses(): Promise<void> {
    const { gateway4, gateway6, pool4, pool6 } = this.options.rules;
    const own = [`${gateway4}/${pool4.length}`, `${gateway6}/${pool6.length}`];
    const old = (await loopbackAddresses(this.machine)).filter((one) => !own.includes(one));
    const lines = [
      ...old.map((one) => `addr del ${one} dev lo`),
      ...own.map((one) => `addr replace ${one} dev lo noprefixroute metric ${OWN_METRIC}`),
    ];
    const { code, stderr } = await this.ip(lines);
    if (code !== 0) throw new Error(`inner address: ${firstLine(stderr)}`);
  }

  /** Makes this machine hand packets on; a line that learns its routes from others goes on with that. */
  private async switchForwarding(lines: readonly string[]): Promise<void> {
    const { files } = this.machine;
    const is = (name: string, value: string): boolean =>
      readKnob(files, `${KNOBS}/${name.replaceAll('.', '/')}`) === value;
    const wanted = [
      ...lines
        .filter((line) => !line.includes('.') && is(`ipv6.conf.${line}.accept_ra`, '1'))
        .map((line) => [`ipv6.conf.${line}.accept_ra`, '2']),
      ['ipv4.ip_forward', '1'],
      ['ipv6.conf.all.forwarding', '1'],
    ].filter(([name, value]) => !is(name!, value!));
    if (wanted.length === 0) return;
    await runWell(this.machine, 'sysctl', ['-q', '-w', ...wanted.map(([name, value]) => `net.${name}=${value}`)]);
  }
}

interface DefaultRoute {
  readonly dev?: string;
  readonly type?: string;
  readonly nexthops?: readonly { readonly dev?: string }[];
}

interface ShownAddresses {
  readonly ifname?: string;
  readonly addr_info?: readonly {
    readonly local?: string;
    readonly prefixlen?: number;
    readonly metric?: number;
  }[];
}

function ruleClient(tunnel: ClientTunnel): RuleClient {
  const { home4, home6, suspended, kind, outer, vni } = tunnel;
  return {
    ...{ device: deviceOf(tunnel), home4, suspended },
    ...(home6 !== undefined && { home6 }),
    ...(kind === 'vxlan' && vni !== undefined && { outer: { address: outer, vni } }),
  };
}

/** Addresses on `lo` that a gateway put there. */
async function loopbackAddresses(machine: Machine): Promise<string[]> {
  const text = await runWell(machine, 'ip', ['-j', 'addr', 'show', 'dev', 'lo']);
  const rows = JSON.parse(text.trim() || '[]') as ShownAddresses[];
  return rows.flatMap(({ addr_info = [] }) =>
    addr_info.flatMap(({ local, prefixlen, metric }) => (metric === OWN_METRIC ? [`${local}/${prefixlen}`] : [])),
  );
}

/** Takes everything of a gateway away, whatever is left of it. @throws (rejects) Error */
export async function releaseClients(machine: Machine): Promise<void> {
  const ours = machine.files
    .list(DEVICES)
    .filter((name) => slotOfDevice(name) !== undefined || name === WIREGUARD_DEVICE);
  const lines = [
    ...dropLines(ours),
    ...(await loopbackAddresses(machine)).map((address) => `addr del ${address} dev lo`),
  ];
  if (lines.length > 0)
    await machine.run('ip', ['-force', '-batch', '-'], { stdin: `${lines.join('\n')}\n`, timeoutMs: MANY_MS });
  await removeShares(machine);
  await runWell(machine, 'nft', ['-f', '-'], { stdin: `table ${CLIENT_TABLE}\ndelete table ${CLIENT_TABLE}\n` });
}
