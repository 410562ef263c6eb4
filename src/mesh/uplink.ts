// The uplinks of this router: the interfaces that hold a default route, or should, as netifd's `network.interface dump` shows them.

import type { Uplink } from '../api/model.ts';
import type { SetupFact } from './verdict.ts';

/** Uplinks of one router, and addresses, routes, servers, errors of one uplink; what is beyond is left out. */
const MAX_UPLINKS = 16;
const MAX_ITEMS = 8;
/** Protocols that are there to reach the Internet. */
const DIALLING =
  /^(dhcp|dhcpv6|ppp|pppoe|pppoa|pptp|l2tp|3g|4g|qmi|mbim|ncm|wwan|modemmanager|6in4|6rd|6to4|464xlat|map|dslite)$/;
const WAN = /^w?wan/;
const NAME = /^[\w.@-]{1,32}$/;
const ADDRESS = /^[0-9a-f:.]{2,45}$/i;
const ERROR_CODE = /^\w{1,40}$/;
/** The table `main`: other tables' default routes are not the router's own way out. */
const MAIN_TABLE = 254;
const ANY = ['0.0.0.0', '::'];

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

function texts(values: readonly unknown[], pattern: RegExp): string[] {
  const found = values.filter((value): value is string => typeof value === 'string' && pattern.test(value));
  return [...new Set(found)].slice(0, MAX_ITEMS);
}

function toUplink(entry: Fields, name: string): Uplink {
  const { device, l3_device, proto, uptime } = entry;
  const up = entry.up === true;
  const defaults = listOf(entry.route).filter(
    ({ target, mask, table = MAIN_TABLE, type }) =>
      ANY.includes(target as string) && mask === 0 && table === MAIN_TABLE && type === undefined,
  );
  const uplink: Uplink = {
    interface: name,
    up,
    pending: entry.pending === true,
    addresses: texts(
      [...listOf(entry['ipv4-address']), ...listOf(entry['ipv6-address'])].map(({ address }) => address),
      ADDRESS,
    ),
    default_route: up && defaults.length > 0,
    next_hops: texts(
      defaults.map(({ nexthop }) => nexthop),
      ADDRESS,
    ).filter((hop) => !ANY.includes(hop)),
    dns_servers: texts(Array.isArray(entry['dns-server']) ? entry['dns-server'] : [], ADDRESS),
    errors: texts(
      listOf(entry.errors).map(({ code }) => code),
      ERROR_CODE,
    ),
  };
  const [on] = texts([device, l3_device], NAME);
  if (on !== undefined) uplink.device = on;
  if (typeof proto === 'string' && NAME.test(proto)) uplink.proto = proto;
  if (up && typeof uptime === 'number' && uptime >= 0) uplink.uptime_s = Math.floor(uptime);
  return uplink;
}

/** Whether an interface without a default route is there to have one. */
function isMeant({ up, proto, autostart }: Fields, name: string): boolean {
  if (WAN.test(name)) return true;
  // switched off by hand, or up as it is meant to be without one
  return typeof proto === 'string' && DIALLING.test(proto) && autostart !== false && up !== true;
}

/** What an uplink is by its device, where netifd was asked: whether there is a signal. */
export type Carriers = ReadonlyMap<string, boolean>;

/** The uplinks as netifd showed them last. */
export class Uplinks {
  private known: { list: readonly Uplink[]; atMs: number } | undefined;
  /** Those that once had a default route. */
  private readonly held = new Set<string>();
  /** What netifd says of Yggdrasil's interfaces. */
  private setups = new Map<string, SetupFact>();

  /** As of `nowMs`, in netifd's order; `undefined`: netifd was not asked yet, or does not answer. */
  list(nowMs: number): Uplink[] | undefined {
    const { known } = this;
    if (!known) return undefined;
    const laterS = Math.floor((nowMs - known.atMs) / 1000);
    return known.list.map((uplink) =>
      uplink.uptime_s === undefined ? uplink : { ...uplink, uptime_s: uplink.uptime_s + laterS },
    );
  }

  /** What netifd said of an interface of Yggdrasil. */
  setup(iface: string): SetupFact | undefined {
    return this.setups.get(iface);
  }

  /** The uplinks of a dump; nothing of a bad one is taken. Signals are not in it: `device` names where to ask. */
  read(dump: unknown): Uplink[] {
    const list: Uplink[] = [];
    this.setups = new Map();
    for (const entry of listOf(fieldsOf(dump).interface)) {
      const { interface: name, proto } = entry;
      if (typeof name !== 'string' || !NAME.test(name)) continue;
      const uplink = toUplink(entry, name);
      if (proto === 'yggdrasil') {
        const { up, pending, errors } = uplink;
        if (this.setups.size < MAX_UPLINKS) this.setups.set(name, { up, pending, errors });
        continue;
      }
      if (uplink.device === 'lo' || list.length >= MAX_UPLINKS) continue;
      if (uplink.default_route && this.held.size < MAX_UPLINKS) this.held.add(name);
      if (uplink.default_route || this.held.has(name) || isMeant(entry, name)) list.push(uplink);
    }
    return list;
  }

  /** Takes the newest list. @returns those that came back: they have a default route now, and had none, or went down and up in between. */
  update(list: readonly Uplink[], carriers: Carriers, nowMs: number): Uplink[] {
    const before = this.known && new Map(this.known.list.map((uplink) => [uplink.interface, uplink]));
    const now = list.map((uplink) => {
      const carrier = carriers.get(uplink.device ?? '');
      return carrier === undefined ? uplink : { ...uplink, carrier };
    });
    this.known = { list: now, atMs: nowMs };
    return now.filter((uplink) => {
      if (!before || !uplink.default_route) return false;
      const old = before.get(uplink.interface);
      return !old?.default_route || (uplink.uptime_s ?? 0) < (old.uptime_s ?? 0);
    });
  }

  /** netifd does not answer. */
  lose(): void {
    this.known = undefined;
    this.setups = new Map();
  }
}
