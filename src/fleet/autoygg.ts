// What a gateway of autoygg becomes here: its server.yaml, access list and database, as sections of our configuration. Decides, writes nothing.

import { InputError } from '../errors.ts';
import { replaceInvisible } from '../lib/text.ts';
import { addressOf, nodeAddress } from '../lib/yggdrasil-address.ts';
import { parseYaml, type YamlTable, type YamlValue } from './yaml.ts';

/** Sections `client` that one configuration takes. */
const MAX_CLIENTS = 1000;
const MAX_TEXT = 256;
/** Lease seconds that a registrar takes. */
const LEASE_S = { least: 600, most: 86_400, usual: 14_400 } as const;
const USUAL_MAX_CLIENTS = 100;

/** A row of autoygg's table `registrations`, as far as it is of use. */
export interface Registered {
  readonly state: string;
  readonly key: string;
  readonly address: string;
  readonly isDeleted: boolean;
}

export interface AutoyggFiles {
  /** Text of server.yaml, and of the access list where there is one. */
  readonly server: string;
  readonly accessList: string | undefined;
  /** `undefined`: the database was not read. */
  readonly registered: readonly Registered[] | undefined;
  /** Who gets a lease here; absent: as it was. */
  readonly admission?: 'open' | 'ask' | 'closed' | undefined;
}

/** One home that is decided on. */
export interface ImportedClient {
  readonly name: string;
  readonly address: string;
  readonly access: 'admit' | 'refuse';
  readonly reason: string;
  /** Why: the access list, or that it held a lease. */
  readonly from: 'accesslist' | 'database';
}

/** What it comes to. */
export interface AutoyggImport {
  /** Options of `config registrar 'registrar'`, lists as lists. */
  readonly registrar: Readonly<Record<string, string | readonly string[]>>;
  readonly clients: readonly ImportedClient[];
  /** What could not be taken over, or is other here: sentences. */
  readonly notes: readonly string[];
}

/** @throws InputError naming file and line */
export function planImport(files: AutoyggFiles): AutoyggImport {
  const notes: string[] = [];
  const server = new Server(parseYaml(files.server, 'server.yaml'));
  const isListed = server.flag('AccessListEnabled', true);
  const asksFor = server.flag('RequireRegistration', true) ? ['name', 'email', 'phone'] : [];
  const admission = files.admission ?? (isListed ? 'ask' : 'open');
  const registrar = { ...registrarOf(server, notes), admission, ...(asksFor.length > 0 && { asks_for: asksFor }) };
  const clients = new Map<string, ImportedClient>();
  if (isListed) for (const client of listed(files.accessList, notes)) clients.set(client.address, client);
  for (const one of files.registered ?? []) {
    const client = registeredClient(one, notes);
    if (client && admission === 'ask' && !isListed && !clients.has(client.address)) clients.set(client.address, client);
  }
  if (!isListed && files.accessList !== undefined)
    notes.push('the access list is left out: AccessListEnabled is false, so it did not count there either');
  if (files.registered === undefined)
    notes.push('the database was not read: nothing of it is needed where the access list decides');
  const all = [...clients.values()];
  if (all.length > MAX_CLIENTS)
    notes.push(
      `${all.length - MAX_CLIENTS} homes are left out: a configuration takes ${MAX_CLIENTS}; let them in at the desk`,
    );
  const kept = all.slice(0, MAX_CLIENTS).map((client, at) => ({ ...client, name: `autoygg_${at + 1}` }));
  notes.push(
    'homes get other inner addresses: those here follow from their keys, and their programs ask for them by themselves',
  );
  if (asksFor.length > 0)
    notes.push('names, addresses and numbers of people are not taken over: homes tell them when they register again');
  return { registrar, clients: kept, notes };
}

/** The sections as text. Values of strangers are quoted, and have no line ends. */
export function formatImport({ registrar, clients }: Pick<AutoyggImport, 'registrar' | 'clients'>): string {
  const quote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
  const option = (name: string, value: string): string => `\toption ${name} ${quote(value)}`;
  const sections = [
    [
      "config registrar 'registrar'",
      ...Object.entries(registrar).flatMap(([name, value]) =>
        typeof value === 'string' ? option(name, value) : value.map((one) => `\tlist ${name} ${quote(one)}`),
      ),
    ],
    ...clients.map(({ name, address, access, reason }) => [
      `config client '${name}'`,
      ...[option('address', address), option('access', access)],
      ...(reason === '' ? [] : [option('reason', reason)]),
    ]),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Values of server.yaml; names are those of autoygg, in any case. */
class Server {
  private readonly values = new Map<string, string>();

  constructor(values: ReadonlyMap<string, YamlValue>) {
    for (const [name, value] of values) if (typeof value === 'string') this.values.set(name.toLowerCase(), value);
  }

  text(name: string): string {
    return shown(this.values.get(name.toLowerCase()) ?? '');
  }

  flag(name: string, normal: boolean): boolean {
    const value = this.values.get(name.toLowerCase());
    return value === undefined || value === '' ? normal : flagOf(value, `server.yaml: ${name}`);
  }

  whole(name: string, normal: number): number {
    const value = this.values.get(name.toLowerCase());
    if (value === undefined || value === '') return normal;
    if (!/^\d{1,9}$/.test(value))
      throw new InputError(`server.yaml: ${name}: expected a whole number, got ${JSON.stringify(value)}`);
    return Number(value);
  }
}

function registrarOf(server: Server, notes: string[]): Record<string, string | readonly string[]> {
  const leaseS = server.whole('LeaseTimeoutSeconds', LEASE_S.usual);
  const lease = Math.min(LEASE_S.most, Math.max(LEASE_S.least, leaseS));
  if (lease !== leaseS)
    notes.push(
      `a lease lasts ${lease} s: LeaseTimeoutSeconds ${leaseS} is not between ${LEASE_S.least} and ${LEASE_S.most}`,
    );
  const max = server.whole('MaxClients', 10);
  notes.push(`MaxClients ${max} never counted at autoygg: max_clients is ${USUAL_MAX_CLIENTS}, change it as you like`);
  const texts = {
    ...{ name: server.text('GatewayDescription'), operator: server.text('GatewayOwner') },
    ...{ place: server.text('GatewayLocation'), website: server.text('GatewayInfoURL') },
    ask: server.text('GatewayOwner'),
  };
  const wan = server.text('GatewayWanInterface');
  if (wan !== '')
    notes.push(`GatewayWanInterface ${wan} is not needed: homes may leave by every device with a default route`);
  return {
    enabled: '1',
    port: String(server.whole('ListenPort', 8080)),
    max_clients: String(USUAL_MAX_CLIENTS),
    lease: String(lease),
    // its homes know no other
    kinds: ['gre6', 'wireguard', 'vxlan'],
    ...poolOf(server, notes),
    ...Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== '')),
  };
}

function poolOf(server: Server, notes: string[]): { pool4?: string } {
  const [gateway, bits] = [server.text('GatewayTunnelIP') || '10.42.0.1', server.whole('GatewayTunnelNetMask', 16)];
  const network = bits >= 8 && bits <= 24 ? networkOf(gateway, bits) : undefined;
  if (network === undefined) {
    notes.push(`GatewayTunnelIP ${gateway}/${bits} is left out: expected a prefix of 8 to 24 bits`);
    return {};
  }
  return { pool4: network };
}

/** The prefix that an address lies in; `undefined` of no IPv4 address. */
function networkOf(address: string, bits: number): string | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  const number = parts.reduce((sum, part) => sum * 256 + part, 0);
  const size = 2 ** (32 - bits);
  const start = Math.floor(number / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.')}/${bits}`;
}

function listed(text: string | undefined, notes: string[]): ImportedClient[] {
  if (text === undefined) {
    notes.push('there is no access list: nobody was let in by one, and homes wait for you');
    return [];
  }
  const [entries] = [...parseYaml(text, 'accesslist.yaml')]
    .filter(([name]) => name.toLowerCase() === 'accesslist')
    .map(([, value]) => value);
  if (!Array.isArray(entries)) throw new InputError('accesslist.yaml: expected AccessList and a list');
  return entries.flatMap((entry, at) => listedClient(entry, at, notes) ?? []);
}

function listedClient(entry: YamlTable, at: number, notes: string[]): ImportedClient | undefined {
  const of = (name: string): string => Object.entries(entry).find(([one]) => one.toLowerCase() === name)?.[1] ?? '';
  const address = nodeAddress(of('yggip'));
  if (address === undefined) {
    notes.push(
      `entry ${at + 1} of the access list is left out: expected an address of a node (200::/8), got ${JSON.stringify(shown(of('yggip')).slice(0, 60))}`,
    );
    return undefined;
  }
  const isAllowed = flagOf(of('access') || 'false', `accesslist.yaml: entry ${at + 1}: access`);
  // the comment was for the operator; a reason would be told to the home
  const reason = isAllowed ? '' : 'the operator refuses this home';
  return { name: '', address, access: isAllowed ? 'admit' : 'refuse', reason, from: 'accesslist' };
}

function registeredClient(one: Registered, notes: string[]): ImportedClient | undefined {
  const address = nodeAddress(one.address);
  if (one.isDeleted || !/^(open|success)$/.test(one.state)) return undefined;
  if (address === undefined || addressOf(one.key) !== address) {
    const key = shown(one.key).slice(0, 16);
    notes.push(
      `a row of the database is left out: key ${key}… does not belong to ${shown(one.address).slice(0, 60)}; somebody took that lease over`,
    );
    return undefined;
  }
  return { name: '', address, access: 'admit', reason: '', from: 'database' };
}

function flagOf(text: string, what: string): boolean {
  if (/^(true|yes|on)$/i.test(text)) return true;
  if (/^(false|no|off)$/i.test(text)) return false;
  throw new InputError(`${what}: expected true or false, got ${JSON.stringify(text.slice(0, 40))}`);
}

const shown = (text: string): string => replaceInvisible(text, '·').slice(0, MAX_TEXT);
