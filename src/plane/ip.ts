// Devices, addresses, routes and rules by the program `ip` of iproute2: what is there as JSON, changes as batches.

import { errorText, WireError } from '../errors.ts';
import { firstLine, type Machine } from './machine.ts';

/** Of IP. */
export type Family = 4 | 6;
export const FAMILIES: readonly Family[] = [4, 6];

/** A device with its addresses, as far as planes look at it. Source: `ip -j -d addr show`. */
export interface ShownDevice {
  readonly name: string;
  readonly mtu: number;
  readonly isUp: boolean;
  /** MAC address; absent where it has none. */
  readonly mac?: string;
  /** `vxlan`, `ip6gre`, `wireguard`, …; absent of real ones. */
  readonly kind?: string;
  /** What belongs to its kind, by iproute2's names. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly addresses: readonly { readonly address: string; readonly bits: number }[];
}

/** A rule of routing. Source: `ip -j rule show`. */
export interface ShownRule {
  readonly priority: number;
  readonly table: string;
  /** Source prefix; absent: all. */
  readonly from?: string;
  /** Device of origin. */
  readonly iif?: string;
  readonly mark?: string;
  readonly suppress?: number;
}

/** A route. Source: `ip -j route show table all`. */
export interface ShownRoute {
  /** Absent: unicast. */
  readonly type?: string;
  readonly to: string;
  readonly via?: string;
  readonly device?: string;
  readonly metric?: number;
}

/** An entry of the neighbour table. */
export interface ShownNeighbour {
  readonly address: string;
  readonly device: string;
  readonly mac?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** iproute2 of one machine. */
export class Ip {
  constructor(private readonly machine: Machine) {}

  /** Every device. @throws (rejects) Error */
  async devices(): Promise<ShownDevice[]> {
    return (await this.ask(['-d', 'addr', 'show'])).map(deviceOf);
  }

  /** Routing rules of one family, in their order. @throws (rejects) Error */
  async rules(family: Family): Promise<ShownRule[]> {
    return (await this.ask([`-${family}`, 'rule', 'show'])).map(ruleOf);
  }

  /** Routes of one family in some tables, by table. @throws (rejects) Error */
  async routes(family: Family, tables: readonly number[]): Promise<Map<number, ShownRoute[]>> {
    const rows = await this.ask([`-${family}`, 'route', 'show', 'table', 'all']);
    const of = (table: number): Fields[] => rows.filter((row) => String(row.table) === String(table));
    return new Map(tables.map((table) => [table, of(table).map(routeOf)]));
  }

  /** Neighbours that were set by hand. @throws (rejects) Error */
  async neighbours(): Promise<ShownNeighbour[]> {
    return (await this.ask(['neigh', 'show', 'nud', 'permanent'])).map(
      ({ dst, dev, lladdr }): ShownNeighbour => ({
        address: String(dst),
        device: String(dev),
        ...(typeof lladdr === 'string' && { mac: lladdr }),
      }),
    );
  }

  /**
   * Carries out commands, one after the other up to the first that fails; of the family where it does not follow from their addresses.
   * @throws (rejects) Error with the command that failed.
   */
  async batch(commands: readonly string[], family?: Family): Promise<void> {
    if (commands.length === 0) return;
    const args = [...(family === undefined ? [] : [`-${family}`]), '-batch', '-'];
    const { code, stderr } = await this.machine.run('ip', args, { stdin: `${commands.join('\n')}\n` });
    if (code === 0) return;
    const at = /Command failed -:(\d+)/.exec(stderr)?.[1];
    const command = at === undefined ? undefined : commands[Number(at) - 1];
    throw new Error(`ip${command === undefined ? '' : ` ${command}`}: ${firstLine(stderr) || `ended with ${code}`}`);
  }

  /** Whether a command succeeds. @throws (rejects) Error when `ip` cannot be run. @returns why not; `undefined`: it did. */
  async attempt(args: readonly string[]): Promise<string | undefined> {
    const { code, stderr } = await this.machine.run('ip', args);
    return code === 0 ? undefined : firstLine(stderr) || `ended with ${code}`;
  }

  private async ask(args: readonly string[]): Promise<Fields[]> {
    const { code, stdout, stderr } = await this.machine.run('ip', ['-j', ...args]);
    if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${firstLine(stderr) || `ended with ${code}`}`);
    let rows: unknown;
    try {
      rows = JSON.parse(stdout.trim() || '[]');
    } catch (cause) {
      throw new WireError(`ip ${args.join(' ')}: expected JSON: ${errorText(cause)}`, -1, { cause });
    }
    if (!Array.isArray(rows)) throw new WireError(`ip ${args.join(' ')}: expected a list`);
    // of devices that vanished meanwhile, iproute2 shows empty ones
    return rows.filter((row): row is Fields => isFields(row) && Object.keys(row).length > 0);
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function deviceOf(row: Fields): ShownDevice {
  const info = isFields(row.linkinfo) ? row.linkinfo : {};
  const addresses = Array.isArray(row.addr_info) ? row.addr_info.filter(isFields) : [];
  const { address: mac, link_type: type } = row;
  return {
    name: String(row.ifname),
    mtu: Number(row.mtu),
    isUp: Array.isArray(row.flags) && row.flags.includes('UP'),
    ...(type === 'ether' && typeof mac === 'string' && { mac }),
    ...(typeof info.info_kind === 'string' && { kind: info.info_kind }),
    data: isFields(info.info_data) ? info.info_data : {},
    addresses: addresses.map(({ local, prefixlen }) => ({ address: String(local), bits: Number(prefixlen) })),
  };
}

function ruleOf(row: Fields): ShownRule {
  const { priority, table, src, srclen, iif, fwmark, fwmask, suppress_prefixlen: suppress } = row;
  const mark = textIn(fwmark);
  return {
    priority: Number(priority),
    table: String(table),
    ...(typeof src === 'string' && src !== 'all' && { from: srclen === undefined ? src : `${src}/${srclen}` }),
    ...(typeof iif === 'string' && { iif }),
    ...(mark !== undefined && { mark: `${mark}/${textIn(fwmask) ?? '0xffffffff'}` }),
    ...(typeof suppress === 'number' && { suppress }),
  };
}

function routeOf(row: Fields): ShownRoute {
  const { type, dst, gateway, dev, metric } = row;
  return {
    ...(typeof type === 'string' && type !== 'unicast' && { type }),
    to: String(dst),
    ...(typeof gateway === 'string' && { via: gateway }),
    // iproute2 says that IPv6's unreachable routes are on `lo`
    ...(typeof dev === 'string' && !(typeof type === 'string' && type !== 'unicast') && { device: dev }),
    ...(typeof metric === 'number' && { metric }),
  };
}
