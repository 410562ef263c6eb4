// The UCI paths that may be changed from afar, and which values each takes: one list for the daemon, its helper and whoever signs.
//
// Nothing here names a file, a script, a command, a URL to be fetched, or who may do what. Whether a section exists, and is of the type
// that is named here, only the router knows.

import { InputError } from '../errors.ts';
import { identityOf } from './peer-text.ts';
import { parsePeerUri } from './peer-uri.ts';

/** One wanted change, as a message has it. The path is `package.section.option`. */
export type Change =
  | { readonly set: string; readonly to: string | readonly string[] }
  | { readonly unset: string }
  | { readonly add: string; readonly value: string }
  | { readonly remove: string; readonly value: string };

/** What an option takes. */
export interface OptionRule {
  /** Completes "expected …". */
  readonly takes: string;
  readonly isList?: boolean;
  /** It must have a value: it cannot be unset. */
  readonly isNeeded?: boolean;
  fits(text: string): boolean;
}

/** An option that may be changed. */
export interface OptionPlace {
  readonly package: 'meshbridge' | 'wireless';
  readonly section: string;
  /** Type that the section must have. */
  readonly type: string;
  readonly option: string;
  readonly rule: OptionRule;
}

/** The peerings of an interface of protocol yggdrasil, of which single ones are added and removed. */
export interface PeerPlace {
  readonly package: 'network';
  readonly interface: string;
}

/** Most changes of one message. */
export const MAX_CHANGES = 64;
/** Of a list; none has so many words to choose from. */
const MAX_ITEMS = 16;
/** Longest path; names are at most 64 characters each. */
const MAX_PATH = 160;
const MAX_VALUE = 2048;

const flag: OptionRule = { takes: '1 or 0', fits: (text) => text === '0' || text === '1' };

function whole(least: number, most: number): OptionRule {
  const fits = (text: string): boolean =>
    /^(0|[1-9]\d{0,5})$/.test(text) && Number(text) >= least && Number(text) <= most;
  return { takes: `${least} to ${most}`, fits };
}

function oneOf(...words: string[]): OptionRule {
  return { takes: `one of ${words.join(', ')}`, fits: (text) => words.includes(text) };
}

function someOf(...words: string[]): OptionRule {
  return { takes: `a list of ${words.join(', ')}`, isList: true, fits: (text) => words.includes(text) };
}

type Rules = Readonly<Record<string, OptionRule>>;

/** What may be changed of `/etc/config/meshbridge`, by type of section. config.ts says the same of these options; a test compares. */
export const MESHBRIDGE_RULES: Readonly<Record<'meshbridge' | 'mqtt', Rules>> = {
  meshbridge: {
    log_level: oneOf('error', 'warn', 'info', 'debug'),
    discover: flag,
    poll_brisk: whole(1, 60),
    poll_idle: whole(5, 3600),
    probe: flag,
    adviser: flag,
  },
  mqtt: {
    interval: whole(60, 3600),
    metered: flag,
    metrics: someOf('own', 'yggdrasil', 'uplink', 'radio', 'system', 'internet', 'gateway'),
    send: someOf('state', 'tele', 'evt', 'alarm', 'log'),
    discovery: flag,
  },
};

const channel = whole(1, 233);

const WIRELESS_RULES: Rules = {
  channel: { takes: 'auto or 1 to 233', isNeeded: true, fits: (text) => text === 'auto' || channel.fits(text) },
  txpower: whole(0, 30),
  disabled: flag,
};

/** The one section of type `meshbridge`. */
const MAIN = 'main';

/** Where a path leads; `undefined`: it is not on the list. */
export function placeOf(path: string): OptionPlace | PeerPlace | undefined {
  if (path.length > MAX_PATH) return undefined;
  const [, iface] = /^network\.yggdrasil_([A-Za-z0-9_]{1,15})_peer\.address$/.exec(path) ?? [];
  if (iface !== undefined) return { package: 'network', interface: iface };
  const [, file, section, option] = /^(meshbridge|wireless)\.([A-Za-z0-9_]{1,64})\.([a-z_]{1,64})$/.exec(path) ?? [];
  if (file === undefined || section === undefined || option === undefined) return undefined;
  const type = file === 'wireless' ? 'wifi-device' : section === MAIN ? 'meshbridge' : 'mqtt';
  const rules = type === 'wifi-device' ? WIRELESS_RULES : MESHBRIDGE_RULES[type as 'meshbridge' | 'mqtt'];
  if (!Object.hasOwn(rules, option)) return undefined;
  return { package: file as 'meshbridge' | 'wireless', section, type, option, rule: rules[option]! };
}

/** Every option of a section of this type that may be changed. */
export function optionsOf(file: string, type: string): readonly string[] {
  if (file === 'wireless') return type === 'wifi-device' ? Object.keys(WIRELESS_RULES) : [];
  return file === 'meshbridge' && (type === 'meshbridge' || type === 'mqtt') ? Object.keys(MESHBRIDGE_RULES[type]) : [];
}

/** The path of a change. */
export function pathOf(change: Change): string {
  if ('set' in change) return change.set;
  if ('unset' in change) return change.unset;
  return 'add' in change ? change.add : change.remove;
}

/** What a change is about: its path, and of a peering which one. Two changes of one message never have the same. Holds no secret. */
export function subjectOf(change: Change): string {
  return 'value' in change
    ? `${pathOf(change)} ${identityOf(change.value).replace(/\/\/[^@]*@/, '//')}`
    : pathOf(change);
}

/**
 * Why a change may not be made, in words for whoever asked for it; `undefined`: it may. No value that may be a secret is quoted. A text that
 * is meant as a list of one may be given as it is.
 */
export function problemOf(change: Change): string | undefined {
  const place = placeOf(pathOf(change));
  if (!place) return 'not on the list of what may be changed from afar';
  if (place.package === 'network') return peerProblem(change);
  const { rule } = place;
  if ('unset' in change) return rule.isNeeded ? `expected ${rule.takes}, it cannot be unset` : undefined;
  if (!('set' in change)) return 'expected set or unset: it is no list of peerings';
  const { to } = change;
  if (typeof to !== 'string' && !rule.isList) return `expected ${rule.takes}, got a list`;
  const items = typeof to === 'string' ? [to] : to;
  if (items.length === 0) return `expected ${rule.takes}, got none: unset gives it its default`;
  if (items.length > MAX_ITEMS) return `expected at most ${MAX_ITEMS} items, got ${items.length}`;
  const bad = items.find((item) => !rule.fits(item));
  if (bad !== undefined) return `expected ${rule.takes}, got ${shown(bad)}`;
  return new Set(items).size < items.length ? `expected ${rule.takes}, each once` : undefined;
}

function peerProblem(change: Change): string | undefined {
  if (!('value' in change)) return 'expected add or remove: peerings are changed one by one';
  // the handler that starts Yggdrasil is a shell script
  if (!/^[\w:/?[\]@&=+%.~,-]*$/.test(change.value))
    return 'uri: expected letters, digits and : / ? [ ] @ & = + % . ~ , _ - alone; others are written %XX';
  try {
    const { scheme } = parsePeerUri(change.value);
    // a program of the router behind a socket, and a login at somebody's proxy, are nothing to be set from afar
    if (scheme === 'unix') return 'uri: expected an address of the network, got unix://';
    const hasUser = /^[a-z]+:\/\/[^/?]*@/i.test(change.value);
    return hasUser ? `uri: expected ${scheme} without a user` : undefined;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

/**
 * The changes of a message, checked for their form alone: `problemOf` says of each whether it may be made.
 * @throws InputError (field `changes`) on what is no list of at most 64, or changes one thing twice.
 */
export function parseChanges(value: unknown): Change[] {
  if (!Array.isArray(value)) throw new InputError('changes: expected a list', 'changes');
  if (value.length > MAX_CHANGES)
    throw new InputError(`changes: expected at most ${MAX_CHANGES}, got ${value.length}`, 'changes');
  const changes = value.map(parseChange);
  const subjects = changes.map(subjectOf);
  const twice = subjects.findIndex((subject, i) => subjects.indexOf(subject) < i);
  if (twice >= 0)
    throw new InputError(
      `changes[${twice}]: expected each option once, ${shown(subjects[twice]!)} is there before`,
      'changes',
    );
  return changes;
}

function parseChange(value: unknown, at: number): Change {
  const fail = (expected: string): never => {
    throw new InputError(`changes[${at}]: expected ${expected}`, 'changes');
  };
  const isText = (one: unknown, most: number): one is string => typeof one === 'string' && one.length <= most;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('a table');
  const given = value as Record<string, unknown>;
  const names = Object.keys(given).sort().join(' ');
  if (names === 'unset') return isText(given.unset, MAX_PATH) ? { unset: given.unset } : fail('the path of an option');
  if (names === 'set to') {
    const { set, to } = given;
    const isList = Array.isArray(to) && to.length <= MAX_VALUE && to.every((item) => isText(item, MAX_VALUE));
    if (isText(set, MAX_PATH) && (isText(to, MAX_VALUE) || isList)) return { set, to: to as string | string[] };
    return fail('a path and a text, or a list of texts');
  }
  for (const verb of ['add', 'remove'] as const) {
    if (names !== `${verb} value`) continue;
    const { [verb]: path, value: uri } = given;
    if (!isText(path, MAX_PATH) || !isText(uri, MAX_VALUE)) return fail('a path and a text');
    return verb === 'add' ? { add: path, value: uri } : { remove: path, value: uri };
  }
  return fail('{set, to}, {unset}, {add, value} or {remove, value}');
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
