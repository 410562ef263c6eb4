// What homes are kept to, as text for nft: how fast they are, how many connections they have, by which ports they leave.
//
// What a home is kept to bears its slot in its name, and is made so that it may be there already or not: nothing has to be asked for before.
// A speed is one bucket for both families and is held by dropping, which works for every kind of tunnel; a bucket holds what passes in a second.

import type { PortRange } from '../mesh/pool.ts';
import type { GatewayLack, TunnelLimits } from '../mesh/tunnel.ts';
import { addElements, CLIENT_TABLE, removeAny } from './client-set.ts';
import type { Machine } from './machine.ts';

/** Bytes that a bucket holds beyond a second's: what the kernel carries as one packet has to fit. */
const BURST = 65_536;
const BYTES_PER_KBIT = 125;
/** Homes that a set of connections knows. */
const MOST = 65_536;
const FAMILIES = [4, 6] as const;
/** Names of a home's limits on the machine: where it sends, and where it gets. */
const WAYS = ['up', 'down'] as const;
type Way = (typeof WAYS)[number];

/** Maps from inner addresses to what a home is kept to. */
export const LIMIT_MAPS = `
  map up4 { type ipv4_addr : limit; }
  map up6 { type ipv6_addr : limit; }
  map down4 { type ipv4_addr : limit; }
  map down6 { type ipv6_addr : limit; }
  map flows4 { type ipv4_addr : verdict; }
  map flows6 { type ipv6_addr : verdict; }
  map ports4 { type ipv4_addr : verdict; }
  map ports6 { type ipv6_addr : verdict; }`;

/** What of that a machine can do. */
export interface LimitAbility {
  readonly rates: boolean;
  readonly flows: boolean;
  /** What it cannot. */
  readonly lacks: readonly GatewayLack[];
}

/** The rules by which they count, each for the chain that it belongs to. Homes that are in no map are kept to nothing. */
export function limitRules({ rates }: Pick<LimitAbility, 'rates'>): { fromHome: string; toHome: string } {
  const kept = (way: Way, field: string): string =>
    rates
      ? `limit name ip ${field} map @${way}4 drop
    limit name ip6 ${field} map @${way}6 drop`
      : '# this kernel keeps nobody to a speed';
  return {
    fromHome: `ct state new ip saddr vmap @flows4
    ct state new ip6 saddr vmap @flows6
    ${kept('up', 'saddr')}`,
    toHome: kept('down', 'daddr'),
  };
}

/** How packets of homes leave: by ports of their own, where they have some. */
export const LEAVING = `ip saddr vmap @ports4
    ip6 saddr vmap @ports6
    masquerade`;

/** A home by its addresses. */
export interface LimitedHome {
  readonly slot: number;
  readonly home4: string;
  readonly home6: string;
}

const PROBES = {
  rates: `map m { type ipv4_addr : limit; }
  limit l { rate over 1000 bytes/second burst ${BURST} bytes }
  chain c {
    limit name ip saddr map @m drop
  }`,
  flows: `set s { type ipv4_addr; size 16; flags dynamic; }
  chain c {
    add @s { ip saddr ct count over 1 } drop
  }`,
} as const;

const PROBLEMS: Readonly<Record<keyof typeof PROBES, string>> = {
  rates: 'the kernel keeps nobody to a speed, so homes are as fast as the line (nft_limit; OpenWrt: kmod-nft-core)',
  flows:
    'the kernel does not count connections, so homes may have any number of them (nft_connlimit; OpenWrt: kmod-nft-connlimit)',
};

/** What this machine can do: found out by a table that is gone in the same transaction. */
export async function findLimitAbility(machine: Machine): Promise<LimitAbility> {
  const takes = async (...texts: string[]): Promise<boolean> => {
    const tables = texts.map((text, at) => `table inet mbprobe${at} {\n  ${text}\n}\ndelete table inet mbprobe${at}\n`);
    return (await machine.run('nft', ['-f', '-'], { stdin: tables.join('') })).code === 0;
  };
  if (await takes(PROBES.rates, PROBES.flows)) return { rates: true, flows: true, lacks: [] };
  const [rates, flows] = [await takes(PROBES.rates), await takes(PROBES.flows)];
  const lacks = [...(rates ? [] : (['rates'] as const)), ...(flows ? [] : (['flows'] as const))];
  return { rates, flows, lacks: lacks.map((what) => ({ what, problem: PROBLEMS[what] })) };
}

/** Has homes kept to what they may use from now on, whatever they were kept to before; connections that are counted stay so. */
export function limitScript(
  homes: readonly (LimitedHome & { readonly limits: TunnelLimits })[],
  able: Pick<LimitAbility, 'rates' | 'flows'>,
): string {
  let script = '';
  if (able.rates) {
    for (const way of WAYS) {
      const kbitsOf = ({ downKbits, upKbits }: TunnelLimits): number | undefined =>
        way === 'up' ? upKbits : downKbits;
      const kept = homes.flatMap((home) => {
        const kbits = kbitsOf(home.limits);
        return kbits === undefined ? [] : { home, kbits };
      });
      script += clearRates(homes, way);
      script += kept.map(({ home, kbits }) => bucket(home.slot, way, kbits)).join('');
      script += rateElements(
        kept.map(({ home }) => home),
        way,
        addElements,
      );
    }
  }
  if (!able.flows) return script;
  const counted = homes.filter(({ limits }) => limits.flows !== undefined);
  const sizes = [...new Set(counted.map(({ limits }) => limits.flows!))];
  // the set bears the number, so that nobody goes on with another one
  for (const size of sizes)
    for (const family of FAMILIES)
      script += `add set ${CLIENT_TABLE} ${openSet(size, family)} { type ipv${family}_addr; size ${MOST}; flags dynamic; }\n`;
  script += clearFlows(homes.filter(({ limits }) => limits.flows === undefined));
  for (const { slot, limits } of counted) {
    const [chain, size] = [name('flows', slot), limits.flows!];
    script += emptyChain(chain);
    for (const family of FAMILIES)
      script += `add rule ${CLIENT_TABLE} ${chain} add @${openSet(size, family)} { ip${family === 6 ? '6' : ''} saddr ct count over ${size} } goto refuse\n`;
  }
  return script + chainElements(counted, 'flows', 'jump', addElements);
}

/** Has homes leave by ports of their own. */
export function portScript(homes: readonly (LimitedHome & { readonly ports: PortRange })[]): string {
  const chains = homes.map(({ slot, ports: { first, last } }) => {
    const chain = name('ports', slot);
    const rule = (words: string): string => `add rule ${CLIENT_TABLE} ${chain} ${words}\n`;
    const mapped = ['tcp', 'udp'].map((protocol) => rule(`meta l4proto ${protocol} masquerade to :${first}-${last}`));
    // what has no ports leaves all the same
    return emptyChain(chain) + mapped.join('') + rule('masquerade');
  });
  return chains.join('') + chainElements(homes, 'ports', 'goto', addElements);
}

/** Forgets what homes were kept to. */
export function unlimitScript(homes: readonly LimitedHome[], able: Pick<LimitAbility, 'rates'>): string {
  const rates = able.rates ? WAYS.map((way) => clearRates(homes, way)).join('') : '';
  return rates + clearFlows(homes) + clearChains(homes, 'ports', 'goto');
}

/** Nobody has ports of his own any more. */
export const CLEAR_PORTS = FAMILIES.map((family) => `flush map ${CLIENT_TABLE} ports${family}\n`).join('');

function name(what: Way | 'flows' | 'ports', slot: number): string {
  return `${what}${slot.toString(16).padStart(4, '0')}`;
}

/** Connections of homes that may have so many. */
function openSet(size: number, family: 4 | 6): string {
  return `open${size}_${family}`;
}

function bucket(slot: number, way: Way, kbits: number): string {
  const rate = `rate over ${kbits * BYTES_PER_KBIT} bytes/second burst ${BURST} bytes`;
  return `add limit ${CLIENT_TABLE} ${name(way, slot)} { ${rate} }\n`;
}

function clearRates(homes: readonly LimitedHome[], way: Way): string {
  // whatever is there already stays when it is added
  const there = homes.map(({ slot }) => bucket(slot, way, 1)).join('');
  const gone = homes.map(({ slot }) => `delete limit ${CLIENT_TABLE} ${name(way, slot)}\n`).join('');
  return there + rateElements(homes, way, removeAny) + gone;
}

function clearFlows(homes: readonly LimitedHome[]): string {
  return clearChains(homes, 'flows', 'jump');
}

function clearChains(homes: readonly LimitedHome[], what: 'flows' | 'ports', verdict: 'jump' | 'goto'): string {
  const empty = homes.map(({ slot }) => emptyChain(name(what, slot))).join('');
  const gone = homes.map(({ slot }) => `delete chain ${CLIENT_TABLE} ${name(what, slot)}\n`).join('');
  return empty + chainElements(homes, what, verdict, removeAny) + gone;
}

function emptyChain(chain: string): string {
  return `add chain ${CLIENT_TABLE} ${chain}\nflush chain ${CLIENT_TABLE} ${chain}\n`;
}

type Act = (set: string, items: readonly string[]) => string;

/** Both addresses of a home, whether it uses the second or not: nobody else sends from there. */
function elements(homes: readonly LimitedHome[], map: string, of: (slot: number) => string, act: Act): string {
  return FAMILIES.map((family) =>
    act(
      `${map}${family}`,
      homes.map(({ slot, home4, home6 }) => `${family === 4 ? home4 : home6} : ${of(slot)}`),
    ),
  ).join('');
}

function rateElements(homes: readonly LimitedHome[], way: Way, act: Act): string {
  return elements(homes, way, (slot) => `"${name(way, slot)}"`, act);
}

function chainElements(
  homes: readonly LimitedHome[],
  what: 'flows' | 'ports',
  verdict: 'jump' | 'goto',
  act: Act,
): string {
  return elements(homes, what, (slot) => `${verdict} ${name(what, slot)}`, act);
}
