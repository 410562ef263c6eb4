// What a node tells of itself (its node info): its name, and the services that it offers. Read from strangers with care; written so that it arrives.
//
// OpenWrt's start script of Yggdrasil passes the text through words of a shell and through awk: a blank loses it, `&` and `\` spoil it.
// So it is written without them, and blanks in names and descriptions travel as U+00A0, which looks like a blank to whoever does not
// turn it back. In pages, too: no more than ES2020. Source: yggdrasil.sh of OpenWrt's packages feed.

import { InputError } from '../errors.ts';
import { replaceInvisible } from './text.ts';
import { encodeUtf8 } from './utf8.ts';

/** Something to use in the mesh. */
export interface Service {
  name: string;
  /** `scheme://host[:port][/path]`, as `servicePlace` takes it. */
  url: string;
  description?: string;
}

/** What a node shall tell; `null`: nothing any more; absent: what it tells now. */
export interface Announcement {
  name?: string | null;
  services?: Service[] | null;
}

/** Yggdrasil's own limit, in bytes. */
export const MAX_NODE_INFO = 16_384;
/** The least that Yggdrasil adds of itself: names and values of buildname, buildversion, buildplatform and buildarch. */
export const OWN_NODE_INFO = 80;

export const MAX_SERVICES = 16;
const MAX_NAME = 64;
const MAX_URL = 256;
const MAX_DESCRIPTION = 200;
/** How a blank travels. */
const BLANK = '\u00a0';
const FIELDS = ['name', 'url', 'description'];
/** Schemes that run or read something where they are opened, instead of going to a host. */
const LOCAL_SCHEMES = ['javascript', 'vbscript', 'data', 'blob', 'file', 'filesystem', 'about'];

/**
 * The text of an announcement, every part of it checked; blanks in it may be plain ones.
 * @throws InputError whose field is the part at fault: `name`, `services[1].url`.
 */
export function parseAnnouncement(text: string): Announcement {
  const given = nodeInfoTable(text);
  if (typeof given !== 'object') throw noTable('', given ?? 'it is null');
  for (const field of Object.keys(given))
    if (field !== 'name' && field !== 'services') throw fault(short(field), 'only name and services', 'that');
  const { name, services } = given as { name?: unknown; services?: unknown };
  const announcement: Announcement = {};
  if (name !== undefined) announcement.name = name === null ? null : checkText(name, 'name', MAX_NAME);
  if (services !== undefined) announcement.services = services === null ? null : checkServices(services);
  return announcement;
}

/**
 * A node's own info with an announcement in it, written so that it arrives; its other members keep their place and what they say. Empty when
 * nothing is left.
 * @throws InputError when the old text is no JSON of a table, a member of it cannot be written so, or it becomes too long.
 */
export function mergeNodeInfo(old: string, { name, services }: Announcement = {}): string {
  const known = old === '' ? {} : nodeInfoTable(old);
  if (typeof known === 'string') throw noTable(' in the configuration', known);
  const all = { ...known, ...(name !== undefined && { name }), ...(services !== undefined && { services }) };
  const kept = Object.entries(all).filter(
    ([key, value]) => !((key === 'name' || key === 'services') && (value === null || isEmpty(value))),
  );
  for (const [key, value] of kept) {
    const mark = /[\\&]/.exec(JSON.stringify([key, value]))?.[0];
    if (mark) throw fault(`node_info.${short(key)}`, 'no text that is written with & or \\', mark);
  }
  if (kept.length === 0) return '';
  const table = Object.fromEntries(kept);
  const bytes = nodeInfoBytes(table) + OWN_NODE_INFO;
  if (bytes > MAX_NODE_INFO) throw fault('node_info', `at most ${MAX_NODE_INFO} bytes in all`, `${bytes}`);
  return JSON.stringify(table).replace(/ /g, BLANK);
}

/** The table that a node info's text is, `undefined` for null, or why it is none: without its words, which may be anybody's. */
export function nodeInfoTable(text: string): object | undefined | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it cannot be read';
  }
  if (value === null) return undefined;
  if (Array.isArray(value)) return 'it is a list';
  return typeof value === 'object' ? value : `it is a ${typeof value}`;
}

/** Bytes of a node info as Go writes it, which escapes these characters with six. */
export function nodeInfoBytes(table: object): number {
  const json = JSON.stringify(table);
  return (
    encodeUtf8(json).length + 5 * (json.match(/[<>&]/g)?.length ?? 0) + 3 * (json.match(/[\u2028\u2029]/g)?.length ?? 0)
  );
}

/** What a node calls itself; `undefined` when it does not say. */
export function readName(nodeInfo: unknown): string | undefined {
  return readText(memberOf(nodeInfo, 'name'), MAX_NAME);
}

/** What a node offers, as far as it can be shown: entries without a name or with no proper URL are left out, and what exceeds MAX_SERVICES. */
export function readServices(nodeInfo: unknown): Service[] {
  const list = memberOf(nodeInfo, 'services');
  const services: Service[] = [];
  for (const entry of Array.isArray(list) ? list.slice(0, MAX_SERVICES) : []) {
    const name = readText(memberOf(entry, 'name'), MAX_NAME);
    const url = memberOf(entry, 'url');
    const description = readText(memberOf(entry, 'description'), MAX_DESCRIPTION);
    if (name === undefined || typeof url !== 'string' || !servicePlace(url)) continue;
    services.push(description === undefined ? { name, url } : { name, url, description });
  }
  return services;
}

/** A text with the blanks that it was written with. */
export function withBlanks(text: string): string {
  return text.replace(/\u00a0/g, ' ');
}

const HOST = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_.])?)$/i;
/** What a URI may be written with (RFC 3986), but `&`. */
const FOREIGN = /[^\w!#$%'()*+,./:;=?@~[\]-]/u;

/** Scheme, host and port with its colon. */
const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*?)(:\d*)?(?:[/?#]|$)/i;

/** Where a service's URL leads; the host stands in no brackets. */
export interface ServicePlace {
  scheme: string;
  host: string;
  /** Where the URL names one. */
  port?: number;
}

/** Where `scheme://host[:port][/path]` leads; `undefined`: it is none, or runs something where it is opened. */
export function servicePlace(url: unknown): ServicePlace | undefined {
  if (typeof url !== 'string' || url.length > MAX_URL || FOREIGN.test(url)) return undefined;
  const [, scheme = '', host = '', port] = URL_PARTS.exec(url) ?? [];
  const known = scheme.toLowerCase();
  if (LOCAL_SCHEMES.includes(known) || !HOST.test(host) || !isPort(port)) return undefined;
  const place = { scheme: known, host: host.replace(/[[\]]/g, '') };
  return port === undefined ? place : { ...place, port: Number(port.slice(1)) };
}

function isPort(port: string | undefined): boolean {
  return port === undefined || (/^:[1-9]\d{0,4}$/.test(port) && Number(port.slice(1)) <= 65_535);
}

/** Why `servicePlace` takes a URL for none: what was expected, and what was seen. */
function urlProblem(url: string): [expected: string, seen: string] | undefined {
  if (servicePlace(url)) return undefined;
  if (url.length > MAX_URL) return [`at most ${MAX_URL} characters`, `${url.length}`];
  const foreign = FOREIGN.exec(url)?.[0];
  if (foreign !== undefined)
    return ["letters, digits and !#$%'()*+,-./:;=?@[]_~ (others are written %XX)", quoted(foreign)];
  const [, scheme, host = '', port = ''] = URL_PARTS.exec(url) ?? [];
  if (scheme === undefined) return ['scheme://host, or scheme://host:port/path', quoted(url)];
  if (LOCAL_SCHEMES.includes(scheme.toLowerCase())) return ['a scheme that goes to a host', scheme];
  if (!HOST.test(host)) return ['a host: an address, in brackets where it has colons, or a name', quoted(host)];
  return ['a port from 1 to 65535', quoted(port.slice(1))];
}

function checkServices(value: unknown): Service[] {
  if (!Array.isArray(value)) throw fault('services', 'a list', kindOf(value));
  if (value.length > MAX_SERVICES) throw fault('services', `at most ${MAX_SERVICES}`, `${value.length}`);
  return value.map((entry: unknown, i) => checkService(entry, `services[${i}]`));
}

function checkService(entry: unknown, place: string): Service {
  if (kindOf(entry) !== 'object') throw fault(place, 'a table', kindOf(entry));
  for (const field of Object.keys(entry as object))
    if (!FIELDS.includes(field)) throw fault(`${place}.${short(field)}`, `only ${FIELDS.join(', ')}`, 'that');
  const { name, url, description } = entry as Record<string, unknown>;
  const service: Service = { name: checkText(name, `${place}.name`, MAX_NAME), url: checkUrl(url, `${place}.url`) };
  if (description !== undefined && description !== '')
    service.description = checkText(description, `${place}.description`, MAX_DESCRIPTION);
  return service;
}

function checkUrl(value: unknown, field: string): string {
  if (typeof value !== 'string') throw fault(field, 'a text', kindOf(value));
  const url = value.trim();
  const problem = urlProblem(url);
  if (problem) throw fault(field, ...problem);
  return url;
}

function checkText(value: unknown, field: string, most: number): string {
  if (typeof value !== 'string') throw fault(field, 'a text', kindOf(value));
  const text = value.trim();
  if (text === '' || text.length > most) throw fault(field, `1 to ${most} characters`, `${text.length}`);
  // a lone half of a pair is written as an escape, with `\`
  const bad = [...text].find((char) => /["&\\\u2028\u2029\ud800-\udfff]/u.test(char) || isInvisible(char));
  if (bad !== undefined) throw fault(field, 'no " & \\ and no invisible characters', quoted(bad));
  return text.replace(/ /g, BLANK);
}

/** A text of a stranger, cleaned and cut; `undefined` when nothing of it can be seen. */
function readText(value: unknown, most: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = withBlanks(replaceInvisible(value.slice(0, 4 * most), ''))
    .trim()
    .slice(0, most);
  return text === '' ? undefined : text;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function isInvisible(char: string): boolean {
  return replaceInvisible(char, '') === '';
}

function kindOf(value: unknown): string {
  return value === undefined ? 'none' : value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

function quoted(text: string): string {
  const [char = '', ...more] = text;
  if (more.length === 0 && char !== '' && isInvisible(char))
    return `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  return `"${short(text)}"`;
}

function short(text: string): string {
  return replaceInvisible(text.length > 40 ? `${text.slice(0, 40)}…` : text, '·');
}

function noTable(where: string, problem: string): InputError {
  return new InputError(`node_info: expected the JSON of a table${where}, but ${problem}`, 'node_info');
}

function fault(field: string, expected: string, got: string): InputError {
  return new InputError(`${field}: expected ${expected}, got ${got}`, field);
}
