// The routing of a home, by the device that packets come from: no host routes, and no marks but for devices that keep the own line. So what
// this machine itself sends, Yggdrasil's packets above all, never enters a tunnel, whatever peers and lines there are.

import type { Terms } from '../api/lease.ts';
import { BYPASS_MARK, type HomeFacts, tunnelsOf } from './home-rules.ts';
import type { Family, ShownRoute, ShownRule } from './ip.ts';

/** The way of the LAN. Those that follow are the ways of packets that this machine sends from the inner address of a tunnel. */
export const HOME_ROUTES = 430;
/** All of them. */
export const ROUTE_TABLES = [HOME_ROUTES, HOME_ROUTES + 1, HOME_ROUTES + 2] as const;
/** Of rules. Ours are in 1000–1099; others may be, too. */
export const PREFERENCE = { inner: 1000, bypass: 1004, near: 1005, lan: 1010 } as const;
/** The last way: none. The metric is as far down as netifd's own. */
const LAST_METRIC = 4_278_198_272;
const METRIC = 10;
/** Where packets are handed to that have no gateway inside the tunnel. */
const NEXT_HOP = { 4: '169.254.43.1', 6: 'fe80::4d47' } as const;

const tableOf = (slot: number): number => HOME_ROUTES + 1 + slot;

/** Whom packets are handed to at the other end of a tunnel. */
export function nextHop(terms: Terms, family: Family): string {
  return (family === 4 ? terms.gateway4 : terms.gateway6) ?? NEXT_HOP[family];
}

/** The address of this end; `undefined`: the tunnel does not carry this family. */
export function innerOf(terms: Terms, family: Family): string | undefined {
  return family === 4 ? terms.home4 : terms.home6;
}

/** Rules that a home is to have. */
export function wantedRules(facts: HomeFacts, family: Family): ShownRule[] {
  const inner = tunnelsOf(facts).flatMap(({ slot, terms }) => {
    const from = innerOf(terms, family);
    // before what is near: the other end may have an address as this machine's own networks have
    return from === undefined
      ? []
      : [{ priority: PREFERENCE.inner + slot, from, iif: 'lo', table: String(tableOf(slot)) }];
  });
  if (!facts.blocked) return inner;
  const { bypass, near, lan } = PREFERENCE;
  const mark = `${BYPASS_MARK}/${BYPASS_MARK}`;
  return [
    ...inner,
    ...(facts.bypass.length > 0 ? [{ priority: bypass, table: 'main', mark }] : []),
    // LAN, mesh, and whatever else is known but the default route
    { priority: near, table: 'main', suppress: 0 },
    ...facts.lan.map((iif, at) => ({ priority: lan + at, iif, table: String(HOME_ROUTES) })),
  ];
}

/** Routes that a home is to have in one of its tables. */
export function wantedRoutes(facts: HomeFacts, family: Family, table: number): ShownRoute[] {
  const tunnel = tunnelsOf(facts).find(({ slot }) =>
    table === HOME_ROUTES ? slot === facts.used : table === tableOf(slot),
  );
  const isOurs = table === HOME_ROUTES ? facts.blocked : tunnel !== undefined;
  if (!isOurs) return [];
  const last: ShownRoute = { type: 'unreachable', to: 'default', metric: LAST_METRIC };
  if (!tunnel || innerOf(tunnel.terms, family) === undefined) return [last];
  const { device, terms } = tunnel;
  const via = terms.kind === 'vxlan' ? { via: nextHop(terms, family) } : {};
  return [{ to: 'default', ...via, device, metric: METRIC }, last];
}

/** Whether a rule is one that a home has, or had. */
export function isOurRule({ priority, table, from, iif, mark, suppress }: ShownRule): boolean {
  if (priority < 1000 || priority > 1099) return false;
  if (ROUTE_TABLES.some((one) => table === String(one))) return true;
  if (table !== 'main' || from !== undefined || iif !== undefined) return false;
  return priority === PREFERENCE.near ? suppress === 0 : priority === PREFERENCE.bypass && mark !== undefined;
}

/** Commands that turn the rules that are there into those that are wanted; of others they touch none. */
export function ruleCommands(wanted: readonly ShownRule[], shown: readonly ShownRule[]): string[] {
  const text = (rules: readonly ShownRule[]): string[] => rules.map(ruleWords);
  const [want, have] = [text(wanted), text(shown.filter(isOurRule))];
  return [
    ...want.filter((rule) => !have.includes(rule)).map((rule) => `rule add ${rule}`),
    // one that is there twice, too
    ...have.filter((rule, at) => !want.includes(rule) || have.indexOf(rule) < at).map((rule) => `rule del ${rule}`),
  ];
}

/** Commands that turn the routes of a table into those that are wanted. */
export function routeCommands(table: number, wanted: readonly ShownRoute[], shown: readonly ShownRoute[]): string[] {
  const words = shown.map((route) => routeWords(route));
  const isPlace = (a: ShownRoute, b: ShownRoute): boolean => a.to === b.to && a.metric === b.metric;
  return [
    ...wanted
      .filter((route) => !words.includes(routeWords(route)))
      .map((route) => `route replace ${routeWords(route)} table ${table}`),
    ...shown
      .filter((route) => !wanted.some((one) => isPlace(one, route)))
      .map((route) => `route del ${routeWords(route)} table ${table}`),
  ];
}

function ruleWords({ priority, from, iif, mark, suppress, table }: ShownRule): string {
  const words = [
    ...(from === undefined ? [] : ['from', from]),
    ...(iif === undefined ? [] : ['iif', iif]),
    ...(mark === undefined ? [] : ['fwmark', mark]),
    ...['lookup', table],
    ...(suppress === undefined ? [] : ['suppress_prefixlength', String(suppress)]),
    ...['pref', String(priority)],
  ];
  return words.join(' ');
}

function routeWords({ type, to, via, device, metric }: ShownRoute): string {
  const words = [
    ...(type === undefined ? [] : [type]),
    to,
    ...(via === undefined ? [] : ['via', via]),
    ...(device === undefined ? [] : ['dev', device]),
    ...(metric === undefined ? [] : ['metric', String(metric)]),
    // nobody else need know the way to it
    ...(via === undefined ? [] : ['onlink']),
  ];
  return words.join(' ');
}
