// The nodes that were enrolled: whose key each has, where it belongs, and how the broker knows it.

import { InputError } from '../errors.ts';
import { Failure } from './failure.ts';
import type { Home } from './home.ts';

/** One enrolled node. */
export interface Pin {
  /** Its id: made of its key. */
  node: string;
  /** 64 hex digits: what signs its messages. */
  key: string;
  site: string;
  /** What the operator calls it. */
  name?: string;
  /** The gateways with which it shares what is decided on homes. */
  group?: string;
  /** Unix seconds. */
  enrolled_at: number;
  /** Until when its code counts; absent: its first signed message was seen. */
  code_expires_at?: number;
  /** Hash of its password as mosquitto's password file has it; absent: the broker knows it otherwise. */
  password_hash?: string;
}

/** By node id. */
export type Pins = Map<string, Pin>;

const FILE = 'pins.json';
const NODE = /^[a-z2-7]{13}$/;
export const SITE = /^[a-z0-9-]{1,32}$/;
/** Names of sites that mean something else. */
const TAKEN_SITES = ['all', 'doctor'];

/** @throws InputError on what is no name of a site. */
export function checkSite(text: string): string {
  if (!SITE.test(text)) throw new InputError(`site: expected 1 to 32 of a-z, 0-9 and -, got ${JSON.stringify(text)}`);
  if (TAKEN_SITES.includes(text)) throw new InputError(`site: expected another name than ${TAKEN_SITES.join(' and ')}`);
  return text;
}

/** Whether a text may be the id of a node. */
export function isNodeId(text: string): boolean {
  return NODE.test(text);
}

/** All of them. @throws Failure when the file does not do. */
export function readPins(home: Home): Pins {
  const value = home.read(FILE) as { v?: unknown; nodes?: unknown } | undefined;
  if (value === undefined) return new Map();
  const nodes = value?.v === 1 && Array.isArray(value.nodes) ? (value.nodes as Partial<Pin>[]) : undefined;
  const isPin = (pin: Partial<Pin>): pin is Pin =>
    isNodeId(String(pin?.node)) && /^[0-9a-f]{64}$/.test(String(pin.key)) && SITE.test(String(pin.site));
  if (!nodes?.every(isPin))
    throw new Failure('failed', `${home.file(FILE)}: expected enrolled nodes of version 1, it has something else`);
  return new Map(nodes.map((pin) => [pin.node, pin as Pin]));
}

/** Changes them, one meshctl at a time; `change` may alter the map. Answers what `change` does. */
export function changePins<T>(home: Home, change: (pins: Pins) => T): Promise<T> {
  return home.locked(() => {
    const pins = readPins(home);
    const result = change(pins);
    home.write(FILE, { v: 1, nodes: [...pins.values()] });
    return result;
  });
}

/**
 * The one node that is meant by its id, the beginning of it (4 characters or more), or its name.
 * @throws InputError when there is none, or more than one.
 */
export function findPin(pins: Pins, text: string): Pin {
  const exact = pins.get(text);
  if (exact) return exact;
  const found = [...pins.values()].filter(
    ({ node, name, site }) =>
      name === text ||
      `${site}/${name}` === text ||
      `${site}/${node}` === text ||
      (text.length >= 4 && node.startsWith(text)),
  );
  if (found.length === 1) return found[0]!;
  if (pins.size === 0)
    throw new InputError(`${JSON.stringify(text)}: no node is enrolled yet; meshctl enroll new --help tells how`);
  if (found.length === 0)
    throw new InputError(`${JSON.stringify(text)}: no enrolled node is called so; meshctl enroll list shows them all`);
  throw new InputError(
    `${JSON.stringify(text)}: ${found.length} nodes are called so: ${found
      .slice(0, 5)
      .map(({ node }) => node)
      .join(', ')}`,
  );
}
