// What a lint looks at: the router's files as trees, and how the programs that these files are for read an option.
//
// Four readers, four habits. netifd's handler of Yggdrasil (yggdrasil.sh) joins a list where it wants one value, and sees no list where
// `option` stands instead of `list`; its booleans are numbers (`true` is 0). fw4 splits a text where it wants a list, takes the beginning of
// a policy for the whole (`acc`), and skips a section with one value that it does not know. Sources: openwrt/packages net/yggdrasil,
// openwrt lib/functions.sh, openwrt/firewall4 fw4.uc.

import type { UciPackage, UciSection } from '../lib/uci.ts';

/** A file of /etc/config as it was found. */
export type FileFact =
  | { state: 'read'; tree: UciPackage }
  | { state: 'absent' }
  /** No UCI file: whoever reads it gets nothing at all. */
  | { state: 'broken'; line: number; column: number }
  /** It could not be looked at. */
  | { state: 'unread'; reason: string };

/** The files that are looked at. */
export const LINTED_FILES = ['network', 'firewall', 'meshbridge'] as const;

/** Files of programs that send the LAN's packets by rules of their own. */
export const OTHER_ROUTERS = ['pbr', 'mwan3'] as const;
/** Files that are looked at beside a lease alone. */
export const LEASE_FILES = [...OTHER_ROUTERS, 'dhcp'] as const;

/** What is known of a router. Everything may be missing; what is missing is not checked. */
export interface LintFacts
  extends Record<(typeof LINTED_FILES)[number], FileFact>,
    Partial<Record<(typeof LEASE_FILES)[number], FileFact>> {
  /** The answer of netifd's `network.interface dump`. */
  dump?: unknown;
}

/** A section, and where people find it: `network.ygg0`, `firewall.@zone[1]`. */
export interface Placed extends UciSection {
  place: string;
}

/** The sections of a file by type, each type in the file's order. A file that was not read has none. */
export function placedSections(file: string, fact: FileFact): Map<string, Placed[]> {
  const byType = new Map<string, Placed[]>();
  for (const section of fact.state === 'read' ? fact.tree.sections : []) {
    const { type, name, anonymous } = section;
    const same = byType.get(type) ?? [];
    same.push({ ...section, place: anonymous ? `${file}.@${type}[${same.length}]` : `${file}.${name}` });
    byType.set(type, same);
  }
  return byType;
}

/** One value, as the handler reads it: a list is joined by blanks, absent is empty. */
export function textOf(section: UciSection, option: string): string {
  const value = section.options.get(option)?.value ?? '';
  return typeof value === 'string' ? value : value.join(' ');
}

/** A list, as the handler reads it: a plain option is none. */
export function itemsOf(section: UciSection, option: string): readonly string[] {
  const value = section.options.get(option)?.value ?? [];
  return typeof value === 'string' ? [] : value;
}

/** A list, as fw4 reads it: a plain option is split at blanks. */
export function wordsOf(section: UciSection, option: string): readonly string[] {
  const value = section.options.get(option)?.value ?? [];
  return typeof value === 'string' ? value.split(/[ \t]+/).filter((word) => word !== '') : value;
}

/** True for a flag of the handler that is on. */
export function isOn(section: UciSection, option: string): boolean {
  return /^\s*[+-]?0*[1-9]/.test(textOf(section, option));
}

/** A policy of fw4; `undefined` when fw4 does not know it. An option that is not set has the policy `unset`. */
export function policyOf(section: UciSection, option: string, unset: Policy): Policy | undefined {
  const value = section.options.get(option)?.value;
  if (value === undefined) return unset;
  if (typeof value !== 'string' || value === '') return undefined;
  return POLICIES.find((policy) => policy.startsWith(value.toLowerCase()));
}

const POLICIES = ['accept', 'reject', 'drop'] as const;
export type Policy = (typeof POLICIES)[number];

/** Whether fw4 takes a section for switched on; `undefined` when it does not know the value. */
export function isEnabled(section: UciSection): boolean | undefined {
  const value = section.options.get('enabled')?.value ?? '1';
  if (typeof value !== 'string') return undefined;
  if (/^(1|on|true|yes)$/.test(value)) return true;
  return /^(0|off|false|no)$/.test(value) ? false : undefined;
}

/** Which addresses a section of fw4 is for; `undefined` when fw4 does not know the value. */
export function familyOf(section: UciSection): 'any' | 'ipv4' | 'ipv6' | undefined {
  const value = section.options.get('family')?.value ?? 'any';
  if (typeof value !== 'string') return undefined;
  if (/^(any|all|\*)$/.test(value)) return 'any';
  if (value === 'inet' || value.includes('4')) return 'ipv4';
  return value.includes('6') ? 'ipv6' : undefined;
}
