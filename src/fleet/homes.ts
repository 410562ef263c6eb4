// Which homes are meant: named at the command line, in a file, or by what a gateway knows of them.

import { readFileSync } from 'node:fs';
import type { ClientView } from '../api/client-object.ts';
import { errorText, InputError } from '../errors.ts';
import { addressOf, nodeAddress } from '../lib/yggdrasil-address.ts';
import type { Options } from './command.ts';
import { parseCsvLine } from './csv.ts';
import { clean } from './display.ts';
import { Failure } from './failure.ts';
import type { GatewayDesk } from './gateway-desk.ts';

/** As many as a gateway shows at once, and in all. */
const PAGE = 200;
const MAX_HOMES = 20_000;
/** Addresses in one call: what is signed for a broker has to fit. */
export const PORTION = 150;
const MAX_LINES = 65_536;

/** Options by which homes are chosen. */
export const HOME_OPTIONS = {
  file: { takes: 'FILE', help: 'homes from FILE (- for standard input): one a line, or CSV with a column address' },
  state: { takes: 'STATE', help: 'all that are waiting, active, suspended, refused or away' },
  search: { takes: 'TEXT', help: 'all whose address, name, mail, site or key has TEXT in it' },
} as const;

/** An address or key of people as an address; `undefined`: it is neither. */
export function homeAddress(text: string): string | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return addressOf(text.toLowerCase());
  return nodeAddress(text);
}

/** Which homes an operator means. */
export interface Chosen {
  readonly addresses: readonly string[];
  /** Why it is these, where it was not said one by one. */
  readonly by?: string;
}

/** Homes of arguments, of a file, or by a filter. @throws (rejects) InputError, Failure */
export async function chooseHomes(
  words: readonly string[],
  options: Options,
  desk: Pick<GatewayDesk, 'ask' | 'name'>,
): Promise<Chosen> {
  const file = options.text('file');
  const [state, search] = [options.text('state'), options.text('search')];
  const isFiltered = state !== undefined || search !== undefined;
  const ways = [words.length > 0, file !== undefined, isFiltered].filter(Boolean).length;
  if (ways !== 1)
    throw new InputError(
      `${ways === 0 ? 'expected homes' : 'expected one of these alone'}: addresses, --file FILE, or --state and --search`,
    );
  if (file !== undefined) return { addresses: readHomes(file), by: file === '-' ? 'standard input' : file };
  if (!isFiltered) {
    const found: string[] = [];
    for (const word of words) found.push(homeAddress(word) ?? (await findHome(desk, word)).address);
    return { addresses: [...new Set(found)] };
  }
  const { clients } = await listHomes(desk, {
    ...(state !== undefined && { state }),
    ...(search !== undefined && { search }),
  });
  if (clients.length === 0) throw new Failure('failed', `${desk.name}: no home is like that`);
  const by = [state, search !== undefined && `with ${JSON.stringify(search)}`].filter(Boolean).join(' ');
  return { addresses: clients.map(({ address }) => address), by };
}

/** Addresses in a file. @throws InputError that names the line at fault */
export function readHomes(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new Failure('usage', `--file: ${errorText(error)}`);
  }
  return parseHomes(text);
}

/** Addresses or keys, one a line; lines that begin with `#` and empty ones are passed over. Of CSV the column `address` counts, else the first. @throws InputError */
export function parseHomes(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  if (lines.length > MAX_LINES)
    throw new InputError(`--file: expected at most ${MAX_LINES} lines, got ${lines.length}`);
  let column = 0;
  const found = new Set<string>();
  for (const [at, line] of lines.entries()) {
    const bare = line.trim();
    if (bare === '' || bare.startsWith('#')) continue;
    const cells = parseCsvLine(bare);
    const named = cells.findIndex((cell) => cell.toLowerCase() === 'address');
    if (found.size === 0 && named >= 0) {
      column = named;
      continue;
    }
    const cell = cells[column] ?? '';
    const address = homeAddress(cell);
    if (address === undefined)
      throw new InputError(
        `--file: line ${at + 1}: expected the address of a node (200::/8) or its key, got ${JSON.stringify(clean(cell).slice(0, 60))}`,
      );
    found.add(address);
  }
  if (found.size === 0) throw new InputError('--file: expected at least one home, got none');
  return [...found];
}

/** The one home that a text means: its address, its key, the beginning of an address, or what only it has told. @throws (rejects) InputError */
export async function findHome(desk: Pick<GatewayDesk, 'ask' | 'name'>, text: string): Promise<ClientView> {
  const address = homeAddress(text);
  const { clients, total } = await listHomes(desk, { search: address ?? text }, PAGE);
  const exact = clients.filter((one) => one.address === address);
  const named = clients.filter(({ name }) => name === text);
  const all = exact.length > 0 ? exact : named.length === 1 ? named : address === undefined ? clients : [];
  if (all.length === 1) return all[0]!;
  if (all.length === 0) throw new InputError(`${JSON.stringify(text)}: ${desk.name} knows no home like that`);
  const some = all.slice(0, 3).map((one) => one.address);
  throw new InputError(
    `${JSON.stringify(text)}: ${total} homes are like that: ${some.join(', ')}${total > 3 ? ' …' : ''}`,
  );
}

/** What of the homes of a gateway is asked for. */
export interface HomeFilter {
  readonly state?: string;
  readonly search?: string;
  readonly sort?: string;
}

/** Homes that a gateway knows, at most `most`. `total` is how many there are. @param told how many came so far. */
export async function listHomes(
  desk: Pick<GatewayDesk, 'ask'>,
  filter: HomeFilter,
  most = MAX_HOMES,
  told: (count: number, total: number) => void = () => {},
): Promise<{ clients: ClientView[]; total: number }> {
  const clients = new Map<string, ClientView>();
  let total = 0;
  for (let skip = 0; skip < most; ) {
    const count = Math.min(PAGE, most - skip);
    const reply = await desk.ask('list', { ...filter, skip, count });
    total = reply.total;
    // who comes and goes meanwhile may stand on two pages, or on none
    for (const client of reply.clients) clients.set(client.address, client);
    skip += reply.clients.length;
    told(clients.size, total);
    if (reply.clients.length === 0 || skip >= total) break;
  }
  return { clients: [...clients.values()], total };
}

/** Addresses in portions that fit into a call. */
export function portions(addresses: readonly string[]): string[][] {
  const all: string[][] = [];
  for (let at = 0; at < addresses.length; at += PORTION) all.push(addresses.slice(at, at + PORTION));
  return all;
}
