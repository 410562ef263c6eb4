// Gateways of one operator that share what is decided on homes: which they are, and the list that counts at all of them, as it is remembered here.

import type { Limits } from '../api/lease.ts';
import { InputError } from '../errors.ts';
import { type ListedHome, MAX_GROUP } from '../lib/home-list.ts';
import { Failure } from './failure.ts';
import type { Home } from './home.ts';
import { checkSite, type Pin, type Pins } from './pin.ts';

/** What is done to homes of a group. */
export type GroupDeed = 'admit' | 'suspend' | 'refuse' | 'forget' | 'limit';

/** What a deed says beside its homes. */
export interface GroupTerms {
  readonly reason?: string;
  /** Unix seconds. */
  readonly until_s?: number;
  readonly limits?: Limits;
  /** Limits that are not named are as the configuration has them. */
  readonly clear?: boolean;
}

/** A list. */
export interface GroupList {
  readonly gen: number;
  readonly homes: readonly ListedHome[];
}

const STANDINGS = { admit: 'admitted', suspend: 'suspended', refuse: 'refused' } as const;

/** @throws InputError on what is no name of a group; they are as those of sites. */
export function checkGroup(text: string): string {
  try {
    return checkSite(text);
  } catch (error) {
    throw new InputError((error as Error).message.replace(/^site/, 'group'));
  }
}

/** The groups that there are, with their gateways by name. */
export function groupsOf(pins: Pins): Map<string, Pin[]> {
  const groups = new Map<string, Pin[]>();
  for (const pin of pins.values())
    if (pin.group !== undefined) groups.set(pin.group, [...(groups.get(pin.group) ?? []), pin]);
  for (const members of groups.values()) members.sort((a, b) => ((a.name ?? a.node) < (b.name ?? b.node) ? -1 : 1));
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The gateways of a group. @throws InputError where there are none */
export function membersOf(pins: Pins, group: string): Pin[] {
  const groups = groupsOf(pins);
  const members = groups.get(checkGroup(group));
  if (members) return members;
  const known = [...groups.keys()];
  throw new InputError(
    `${JSON.stringify(group)}: no gateway is of such a group${known.length > 0 ? `, there are ${known.join(', ')}` : ''}; meshctl group set --help tells how`,
  );
}

/** Makes these the gateways of a group, and no others. @throws InputError */
export function setMembers(pins: Pins, group: string, members: readonly Pin[]): void {
  if (members.length > MAX_GROUP) throw new InputError(`expected at most ${MAX_GROUP} gateways, got ${members.length}`);
  for (const [node, pin] of pins) {
    const { group: old, ...rest } = pin;
    if (members.some((one) => one.node === node)) pins.set(node, { ...rest, group });
    else if (old === group) pins.set(node, rest);
  }
}

const fileOf = (group: string): string => `groups/${group}.json`;

/** The list that was sent last from here. @throws Failure when the file does not do */
export function readGroup(home: Home, group: string): GroupList | undefined {
  const value = home.read(fileOf(group)) as (Partial<GroupList> & { v?: unknown }) | undefined;
  if (value === undefined) return undefined;
  if (value.v !== 1 || !Number.isSafeInteger(value.gen) || !Array.isArray(value.homes))
    throw new Failure(
      'failed',
      `${home.file(fileOf(group))}: expected a list of homes of version 1, it has something else`,
    );
  return { gen: value.gen!, homes: value.homes };
}

/** Remembers a list, unless another meshctl did meanwhile. @param before the generation that was remembered. @throws (rejects) Failure */
export function keepGroup(home: Home, group: string, before: number, list: GroupList): Promise<void> {
  return home.locked(() => {
    if ((readGroup(home, group)?.gen ?? 0) !== before)
      throw new Failure('failed', `group ${group}: another meshctl changed the list meanwhile; nothing was sent`);
    home.write(fileOf(group), { v: 1, ...list });
  });
}

/** A list in which something was done to homes; the others stay. */
export function changeHomes(
  homes: readonly ListedHome[],
  deed: GroupDeed,
  addresses: readonly string[],
  { reason, until_s, limits, clear = false }: GroupTerms,
): ListedHome[] {
  const all = new Map(homes.map((home) => [home.address, home]));
  for (const address of addresses) {
    const old = all.get(address);
    if (deed === 'forget') {
      all.delete(address);
      continue;
    }
    const merged = { ...(clear ? undefined : old?.limits), ...limits };
    const more = Object.keys(merged).length > 0 && { limits: merged };
    if (deed === 'limit') {
      const { limits: _, ...rest } = old ?? { address, standing: 'admitted' as const, reason: '' };
      all.set(address, { ...rest, ...(reason !== undefined && { reason }), ...more });
    } else
      all.set(address, {
        ...{ address, standing: STANDINGS[deed], reason: reason ?? '' },
        ...(until_s !== undefined && { until_s }),
        ...more,
      });
  }
  return [...all.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}
