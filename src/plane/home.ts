// A home on plain Linux: tunnels, routes, rules and resolver by ip, nft and dnsmasq. What it was told is kept in a file, and the machine is made
// to be that: what fits already is not touched, so every call may be repeated, by another process, too.

import type { Terms } from '../api/lease.ts';
import { formatPrefix, inPrefix, type Prefix, parseIp } from '../lib/ip.ts';
import { packetsOf } from '../lib/net-device.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import { isSameTerms } from '../mesh/home-act.ts';
import {
  type Flow,
  LEAST_MTU6,
  type RoutePlane,
  type Slot,
  type TunnelAbility,
  type TunnelPlane,
} from '../mesh/tunnel.ts';
import { GUARD } from '../system/lease-switch.ts';
import { findAbility } from './ability.ts';
import { deviceCommands, findMesh, isSameLink, type TunnelDevice } from './device.ts';
import { type ResolverFiles, setServers } from './dns.ts';
import type { HomePart } from './home-part.ts';
import {
  innerOf,
  nextHop,
  ROUTE_TABLES,
  routeCommands,
  ruleCommands,
  wantedRoutes,
  wantedRules,
} from './home-route.ts';
import { HOME_TABLE, type HomeFacts, homeDevice, homeDevices, homeRules } from './home-rules.ts';
import { type HomeState, HomeStateFile, noHome } from './home-state.ts';
import { FAMILIES, Ip, type ShownDevice } from './ip.ts';
import { type Machine, readKnob } from './machine.ts';
import { Nft } from './nft.ts';
import { Wireguard } from './wireguard.ts';

/** What a home is like, as configured. */
export interface HomeSettings {
  /** Devices whose traffic goes through the gateway. */
  readonly lan: readonly string[];
  /** MAC addresses, addresses and prefixes that keep the own line. */
  readonly bypass: readonly string[];
  /** Yggdrasil's device; absent: the first. */
  readonly mesh?: string;
  /** The machine uses leases whenever it starts. */
  readonly enabled?: boolean;
}

export interface KernelHomeOptions {
  readonly machine: Machine;
  /** Directory in RAM, and one that stays. */
  readonly run: string;
  readonly flash: string;
  settings(): HomeSettings | Promise<HomeSettings>;
  /** Absent: `ip` does all of it. */
  readonly part?: HomePart;
  /** Absent: the LAN's resolver is left alone. */
  readonly resolver?: ResolverFiles;
  /** Writes down whether leases are in use. */
  remember(enabled: boolean): void | Promise<void>;
}

const STATE = 'home.json';
/** So many prefixes of the LAN are remembered. */
const MAX_PREFIXES = 32;
const RESOLVER_USER = /^dnsmasq:[^:]*:(\d+):/m;

/** Tunnels and routes of a home, by ip and nft. */
export class KernelHome implements TunnelPlane, RoutePlane {
  private readonly machine: Machine;
  private readonly ip: Ip;
  private readonly nft: Nft;
  private readonly wireguard: Wireguard;
  private readonly file: HomeStateFile;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: KernelHomeOptions) {
    const { machine, run, flash } = options;
    this.machine = machine;
    this.ip = new Ip(machine);
    this.nft = new Nft(machine);
    this.wireguard = new Wireguard(machine, `${flash}/wireguard.key`, run);
    this.file = new HomeStateFile(machine.files, `${run}/${STATE}`);
  }

  ability(): Promise<TunnelAbility> {
    return this.inTurn(async () => {
      const { part } = this.options;
      await part?.expectPrograms();
      const ability = await findAbility(this.machine, this.wireguard, (await this.options.settings()).mesh);
      if (!part) return ability;
      const kinds: TunnelAbility['kinds'][number][] = [];
      for (const one of ability.kinds) {
        const problem = one.problem ?? (await part.problemOf(one.kind));
        kinds.push(problem === undefined ? one : { kind: one.kind, problem });
      }
      return { ...ability, kinds };
    });
  }

  build(slot: Slot, terms: Terms): Promise<void> {
    return this.inTurn(async () => {
      const state = await this.load();
      const devices = await this.ip.devices();
      const carried = carriedTerms(terms);
      expectFree(carried, state.tunnels[slot === 0 ? 1 : 0], devices);
      state.tunnels[slot] = carried;
      try {
        await this.apply(state, devices);
      } catch (error) {
        // what cannot be made is not tried again with everything that follows
        state.tunnels[slot] = undefined;
        this.file.save(state);
        throw error;
      }
    });
  }

  drop(slot: Slot): Promise<void> {
    return this.inTurn(async () => {
      const state = await this.load();
      state.tunnels[slot] = undefined;
      if (state.used === slot) state.used = undefined;
      await this.apply(state);
    });
  }

  flow(slot: Slot): Flow | undefined {
    const devices = readKnob(this.machine.files, '/proc/net/dev') ?? '';
    return homeDevices(slot).flatMap((name) => packetsOf(devices, name) ?? [])[0];
  }

  use(slot: Slot | undefined, terms: Terms | undefined): Promise<void> {
    return this.inTurn(async () => {
      const state = await this.load();
      if (slot !== undefined) {
        if (!terms) throw new Error(`tunnel ${slot}: used without terms`);
        // what was built was held against this machine's networks
        if (!isSameTerms(carriedTerms(terms), state.tunnels[slot]))
          throw new Error(`tunnel ${slot}: was not built by these terms`);
      }
      state.used = slot;
      const facts = await this.facts(state);
      this.file.save(state);
      // in a hurry: the LAN waits. The rest is looked after by who builds and restores
      try {
        await this.applyRoutes(facts);
      } catch {
        // somebody took the tunnel away since it was built
        await this.apply(state);
      }
      if (homeRules(facts) !== state.rules) await this.applyRules(facts, state);
      await this.applyServers(state, facts);
    });
  }

  block(on: boolean): Promise<void> {
    return this.inTurn(async () => {
      const state = await this.load();
      state.blocked = on;
      if (!on) state.used = undefined;
      await this.apply(state);
    });
  }

  keep(_terms: Terms): Promise<void> {
    return this.inTurn(async () => {
      const state = await this.load();
      await this.guard(state);
      await this.keepPart(state);
      await this.options.remember(true);
    });
  }

  undo(): Promise<void> {
    return this.inTurn(async () => {
      const { machine, options } = this;
      const failures: unknown[] = [];
      // each part, whatever becomes of the others; the line opens last
      const attempt = async (part: () => unknown): Promise<void> => {
        try {
          await part();
        } catch (error) {
          failures.push(error);
        }
      };
      // who restores meanwhile finds nothing to restore
      await attempt(() => this.file.save(noHome()));
      const nothing = factsOf(noHome(), { lan: [], bypass: [] }, undefined);
      await attempt(() => this.applyRoutingRules(nothing));
      await attempt(() => this.applyRoutes(nothing));
      await attempt(() => options.part?.undo());
      await attempt(async () => this.applyDevices(noHome(), await this.ip.devices()));
      await attempt(() => this.nft.remove(HOME_TABLE));
      await attempt(() => options.resolver && setServers(machine, options.resolver, 'line'));
      await attempt(() => machine.files.remove(`${options.flash}/${GUARD}`));
      await attempt(() => options.remember(false));
      await attempt(() => this.file.remove());
      if (failures.length > 0) throw failures[0];
    });
  }

  /** Makes the machine be again what it was told, whoever changed it. */
  restore(): Promise<void> {
    return this.inTurn(async () => {
      const state = await this.load();
      if (state.blocked || state.tunnels.some(Boolean)) await this.apply(state);
    });
  }

  /** What the machine was told last. Where nobody knows, a table of ours means that the LAN was kept from the line, and it stays so. */
  private async load(): Promise<HomeState> {
    return this.file.load() ?? { ...noHome(), blocked: (await this.nft.show(HOME_TABLE)) !== undefined };
  }

  private async apply(state: HomeState, shown?: readonly ShownDevice[]): Promise<void> {
    const devices = shown ?? (await this.ip.devices());
    const facts = await this.facts(state, devices);
    // on record before it is done
    this.file.save(state);
    await this.applyRules(facts, state);
    if (state.blocked && (await this.options.settings()).enabled) await this.guard(state);
    await this.applyDevices(state, devices);
    await this.applyRoutes(facts);
    await this.applyRoutingRules(facts);
    await this.applyServers(state, facts);
  }

  /** For the next start: the kill switch without any tunnel. */
  private async guard(state: HomeState): Promise<void> {
    const closed = { ...state, blocked: true, used: undefined, tunnels: noHome().tunnels };
    const text = `table ${HOME_TABLE} {\n${homeRules(await this.facts(closed))}}\n`;
    const path = `${this.options.flash}/${GUARD}`;
    if (readKnob(this.machine.files, path) !== text.trim()) this.machine.files.write(path, encodeUtf8(text), 0o600);
  }

  private async applyServers({ used, tunnels, blocked }: HomeState, facts: HomeFacts): Promise<void> {
    const { machine, options } = this;
    const terms = used === undefined ? undefined : tunnels[used];
    await options.part?.settle(facts);
    if (options.resolver) await setServers(machine, options.resolver, blocked ? (terms ?? 'none') : 'line');
  }

  private async facts(state: HomeState, shown?: readonly ShownDevice[]): Promise<HomeFacts> {
    const settings = await this.options.settings();
    for (const { name, kind, addresses } of shown ?? []) {
      const isLan = settings.lan.includes(name);
      if (findMesh([{ name, addresses, mtu: 0, isUp: true, data: {}, ...(kind !== undefined && { kind }) }]))
        remember(state.mesh, name);
      if (isLan) for (const { address, bits } of addresses) remember(state.prefixes, prefixOf(address, bits));
    }
    const uid = RESOLVER_USER.exec(readKnob(this.machine.files, '/etc/passwd') ?? '')?.[1];
    return { ...factsOf(state, settings, uid), deviceOf: (slot) => this.deviceName(slot, state.tunnels[slot]) };
  }

  private async applyRules(facts: HomeFacts, state: HomeState): Promise<void> {
    const body = homeRules(facts);
    const there = await this.nft.show(HOME_TABLE);
    if (body === undefined) {
      if (there !== undefined) await this.nft.remove(HOME_TABLE);
      state.rules = undefined;
      state.seal = undefined;
    } else {
      if (there !== undefined && body === state.rules && there === state.seal) return;
      await this.nft.replace(HOME_TABLE, body);
      state.rules = body;
      state.seal = await this.nft.show(HOME_TABLE);
    }
    this.file.save(state);
  }

  private async applyDevices(state: HomeState, devices: readonly ShownDevice[]): Promise<void> {
    const neighbours = state.tunnels.some((terms) => terms?.kind === 'vxlan') ? await this.ip.neighbours() : [];
    for (const slot of [0, 1] as const) {
      const terms = state.tunnels[slot];
      const { part } = this.options;
      const name = this.deviceName(slot, terms);
      const others = devices.filter((one) => homeDevices(slot).includes(one.name) && (!terms || one.name !== name));
      if (others.length > 0) await part?.remove(slot);
      for (const other of others) await this.ip.attempt(['link', 'del', other.name]);
      if (!terms) continue;
      const wanted = await this.deviceOf(name, terms, devices);
      const find = (all: readonly ShownDevice[]): ShownDevice | undefined => all.find((one) => one.name === name);
      let shown = find(devices);
      if (part && !(shown && isSameLink(wanted, shown)) && (await part.make(slot, wanted)))
        shown = find(await this.ip.devices());
      await this.ip.batch(deviceCommands(wanted, shown, neighbours));
      if (terms.kind === 'wireguard') {
        const allowed = FAMILIES.filter((family) => innerOf(terms, family)).map((family) =>
          family === 4 ? '0.0.0.0/0' : '::/0',
        );
        const endpoint = { address: terms.outer, port: terms.port! };
        await this.wireguard.set(name, [{ key: terms.wireguard_key!, endpoint, allowed }]);
      }
      await this.openPathCheck(name);
    }
  }

  private async keepPart(state: HomeState): Promise<void> {
    const { part } = this.options;
    if (!part) return;
    const devices = await this.ip.devices();
    const terms = state.used === undefined ? undefined : state.tunnels[state.used];
    const device = terms && (await this.deviceOf(this.deviceName(state.used!, terms), terms, devices));
    await part.keep(await this.facts({ ...state, blocked: true }, devices), device);
    // whoever read its files anew put some things in other places
    await this.apply(state);
  }

  /** What carries a tunnel. */
  deviceName(slot: Slot, terms: Terms | undefined): string {
    return this.options.part?.deviceName(slot, terms?.kind) ?? homeDevice(slot);
  }

  private async deviceOf(name: string, terms: Terms, devices: readonly ShownDevice[]): Promise<TunnelDevice> {
    const mesh = findMesh(devices, (await this.options.settings()).mesh);
    if (!mesh) throw new Error('Yggdrasil has no device with an address on this machine');
    const families = FAMILIES.filter((family) => innerOf(terms, family) !== undefined);
    return {
      ...{ name, kind: terms.kind, end: 'home', local: mesh.address, remote: terms.outer, mtu: terms.mtu },
      addresses: families.map((family) => innerOf(terms, family)!),
      neighbours: families.map((family) => nextHop(terms, family)),
      ...(terms.vni !== undefined && { vni: terms.vni }),
      ...(terms.port !== undefined && { port: terms.port }),
    };
  }

  /** Answers come from everywhere by the tunnel, where the kernel would expect them by the line. */
  private async openPathCheck(name: string): Promise<void> {
    const strict = readKnob(this.machine.files, `/proc/sys/net/ipv4/conf/${name}/rp_filter`);
    if (strict !== undefined && strict !== '0')
      await this.machine.run('sysctl', ['-q', '-w', `net.ipv4.conf.${name}.rp_filter=0`]).catch(() => {});
  }

  private async applyRoutes(facts: HomeFacts): Promise<void> {
    for (const family of FAMILIES) {
      const shown = await this.ip.routes(family, ROUTE_TABLES);
      const commands = [...shown].flatMap(([table, routes]) =>
        routeCommands(table, wantedRoutes(facts, family, table), routes),
      );
      await this.ip.batch(commands, family);
    }
  }

  private async applyRoutingRules(facts: HomeFacts): Promise<void> {
    for (const family of FAMILIES)
      await this.ip.batch(ruleCommands(wantedRules(facts, family), await this.ip.rules(family)), family);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }
}

function factsOf(state: HomeState, { lan, bypass }: HomeSettings, resolverUid: string | undefined): HomeFacts {
  const { prefixes, mesh, tunnels, used, blocked } = state;
  return {
    ...{ lan, bypass, prefixes, mesh, tunnels, used, blocked },
    ...(resolverUid !== undefined && { resolverUid: Number(resolverUid) }),
  };
}

/** Below the least MTU of IPv6 a tunnel carries none. */
function carriedTerms(terms: Terms): Terms {
  if (terms.mtu >= LEAST_MTU6 || terms.home6 === undefined) return terms;
  const { home6, gateway6, ...rest } = terms;
  if (rest.home4 === undefined)
    throw new Error(`mtu ${terms.mtu}: IPv6 needs ${LEAST_MTU6}, and the gateway gives nothing else`);
  return rest;
}

/**
 * A gateway may not name what this machine's networks are: packets of the machine itself, Yggdrasil's, too, would leave by the tunnel.
 * @throws Error
 */
function expectFree(terms: Terms, other: Terms | undefined, devices: readonly ShownDevice[]): void {
  for (const family of FAMILIES) {
    const inner = innerOf(terms, family);
    if (inner === undefined) continue;
    if (other && innerOf(other, family) === inner) throw new Error(`${inner}: the other tunnel has the same address`);
    const bytes = parseIp(inner)!;
    for (const { name, addresses } of devices.filter((device) => !/^(gre6-)?mbt[01]$/.test(device.name)))
      for (const { address, bits } of addresses) {
        const prefix = prefixBytes(address, bits);
        if (prefix && inPrefix(bytes, prefix)) throw new Error(`${inner}: belongs to the network of ${name}`);
      }
  }
}

function prefixBytes(address: string, bits: number): Prefix | undefined {
  const bytes = parseIp(address);
  return (
    bytes && {
      bytes: bytes.map((byte, at) => byte & ((0xff00 >> Math.max(0, Math.min(8, bits - 8 * at))) & 255)),
      length: bits,
    }
  );
}

/** The prefix of an address; `undefined` of one link's own. */
function prefixOf(address: string, bits: number): string | undefined {
  const prefix = /^fe[89ab]/i.test(address) ? undefined : prefixBytes(address, bits);
  return prefix && formatPrefix(prefix);
}

function remember(list: string[], item: string | undefined): void {
  if (item === undefined || list.includes(item)) return;
  list.push(item);
  if (list.length > MAX_PREFIXES) list.shift();
}
