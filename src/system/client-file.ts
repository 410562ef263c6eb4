// Keeps what a gateway decided on homes, on flash and at once, and its leases, in RAM and now and then.
//
// Decisions lie in 64 small files, each replaced as a whole: a power cut leaves the old decision or the new one, and one decision costs one block.

import { TUNNEL_KINDS } from '../api/lease.ts';
import { errorText } from '../errors.ts';
import { JsonFields, knownWords } from '../lib/json-field.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import type { Log } from '../log.ts';
import type { ClientStore, LeaseRecord, Standing, StandingRecord } from '../mesh/client.ts';
import { readLimits } from '../mesh/client-limit.ts';
import type { PortRange } from '../mesh/pool.ts';
import type { Files } from '../transport/host.ts';
import { type RecordKind, readRecords, writeRecords } from './record-file.ts';

const SHARDS = 64;
const MAX_TEXT = 256;
const MAX_PORT = 65_535;
const STANDINGS: readonly Standing[] = ['admitted', 'suspended', 'refused'];
const MOST = Number.MAX_SAFE_INTEGER;
const MAX_RECORDS = 65_536;
const STANDING: RecordKind<StandingRecord> = {
  ...{ name: 'decision', bytes: 256 * 1024, most: MAX_RECORDS, read: readStanding },
};
const LEASE: RecordKind<LeaseRecord> = { name: 'lease', bytes: 4 * 1024 * 1024, most: MAX_RECORDS, read: readLease };

/** Which file a home's decision lies in: its last two hex digits are as random as its key. */
function shardOf(address: string): number {
  return Number.parseInt(address.slice(-2).replace(':', '0'), 16) % SHARDS;
}

function readStanding(value: unknown): StandingRecord {
  const fields = new JsonFields('standing', value);
  return {
    address: fields.read('address', nodeAddress, 'an address of a node'),
    standing: fields.read('standing', knownWords(STANDINGS), 'a standing'),
    reason: fields.text('reason', MAX_TEXT, ''),
    since_s: fields.whole('since_s', 0, MOST, 0),
    ...(fields.has('until_s') && { until_s: fields.whole('until_s', 0, MOST) }),
    ...readLimits(fields),
    ...(fields.has('vouched_by') && { vouched_by: fields.match('vouched_by', /^[0-9a-f]{64}$/, 'a key') }),
  };
}

function readPorts(fields: JsonFields): PortRange {
  const first = fields.whole('first', 0, MAX_PORT);
  return { first, last: fields.whole('last', first, MAX_PORT) };
}

function readLease(value: unknown): LeaseRecord {
  const fields = new JsonFields('lease', value);
  const told: Record<string, string> = {};
  if (fields.has('told')) {
    const members = fields.fields('told');
    for (const name of ['name', 'email', 'phone', 'site', 'captain_key'])
      if (members.has(name)) told[name] = members.text(name, MAX_TEXT);
  }
  return {
    address: fields.read('address', nodeAddress, 'an address of a node'),
    slot: fields.whole('slot', 0, MAX_RECORDS),
    ...(fields.has('ports') && { ports: readPorts(fields.fields('ports')) }),
    kind: fields.read('kind', knownWords(TUNNEL_KINDS), 'a kind of tunnel'),
    mtu: fields.whole('mtu', 576, 65_535),
    ...(fields.has('wireguard_key') && { wireguard_key: fields.text('wireguard_key', 64) }),
    ...(fields.flag('legacy', false) && { legacy: true }),
    key: fields.match('key', /^[0-9a-f]{64}$/, 'a key'),
    ...(Object.keys(told).length > 0 && { told }),
    since_s: fields.whole('since_s', 0, MOST, 0),
    rx_bytes: fields.whole('rx_bytes', 0, MOST, 0),
    tx_bytes: fields.whole('tx_bytes', 0, MOST, 0),
    ...(fields.has('flow_rx_bytes') && { flow_rx_bytes: fields.whole('flow_rx_bytes', 0, MOST) }),
    ...(fields.has('flow_tx_bytes') && { flow_tx_bytes: fields.whole('flow_tx_bytes', 0, MOST) }),
  };
}

export interface ClientFileOptions {
  readonly files: Files;
  /** Of decisions. */
  readonly directory: string;
  /** Path of the leases. */
  readonly leases: string;
  readonly log: Log;
}

/** What is broken counts as not there, and is logged: one record of a file costs no other. */
export class ClientFile implements ClientStore {
  private readonly shards = new Map<number, Map<string, StandingRecord>>();

  constructor(private readonly options: ClientFileOptions) {}

  standings(): StandingRecord[] {
    const { files, directory, log } = this.options;
    let names: string[] = [];
    try {
      names = files.list(directory);
    } catch (error) {
      log.error('decisions not read', { error: errorText(error) });
    }
    const all: StandingRecord[] = [];
    for (const name of names) {
      const number = /^([0-9]{2})\.json$/.exec(name)?.[1];
      if (number === undefined || Number(number) >= SHARDS) continue;
      for (const record of readRecords(files, log, `${directory}/${name}`, STANDING)) {
        this.shard(record.address).set(record.address, record);
        all.push(record);
      }
    }
    return all;
  }

  saveStandings(changes: ReadonlyMap<string, StandingRecord | undefined>): void {
    const shards = new Map<number, Map<string, StandingRecord>>();
    for (const [address, record] of changes) {
      const number = shardOf(address);
      const next = shards.get(number) ?? new Map(this.shards.get(number));
      if (record) next.set(address, record);
      else if (!next.delete(address)) continue;
      shards.set(number, next);
    }
    for (const [number, next] of shards) {
      const path = `${this.options.directory}/${String(number).padStart(2, '0')}.json`;
      writeRecords(this.options.files, path, [...next.values()]);
      // only now, for what was not written does not count
      this.shards.set(number, next);
    }
  }

  leases(): LeaseRecord[] {
    const { files, leases: path, log } = this.options;
    return readRecords(files, log, path, LEASE);
  }

  saveLeases(leases: readonly LeaseRecord[]): void {
    const { files, leases: path, log } = this.options;
    try {
      writeRecords(files, path, leases);
    } catch (error) {
      log.warn('leases not saved', { error: errorText(error) });
    }
  }

  private shard(address: string): Map<string, StandingRecord> {
    const number = shardOf(address);
    const shard = this.shards.get(number) ?? new Map<string, StandingRecord>();
    this.shards.set(number, shard);
    return shard;
  }
}
