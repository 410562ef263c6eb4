// Keeps what homes used of a gateway, in one file beside what was decided on them.

import { errorText } from '../errors.ts';
import { JsonFields } from '../lib/json-field.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import type { Log } from '../log.ts';
import { LEDGER_DAYS, type LedgerRecord } from '../mesh/client-ledger.ts';
import type { Files } from '../transport/host.ts';

const FILE = 'use.json';
/** 8,192 homes of 120 bytes. */
const MAX_BYTES = 1_048_576;
const MODE = 0o600;
/** Received and sent, today and this month. */
const NUMBERS = 4;

/** The file; what is broken counts as not there, and is logged. */
export class LedgerFile {
  private readonly path: string;

  constructor(
    private readonly files: Pick<Files, 'read' | 'write'>,
    directory: string,
    private readonly log: Log,
  ) {
    this.path = `${directory}/${FILE}`;
  }

  load(): LedgerRecord | undefined {
    try {
      const bytes = this.files.read(this.path, MAX_BYTES);
      return bytes && readLedger(JSON.parse(decodeUtf8(bytes)));
    } catch (error) {
      this.log.error('use of homes not read', { path: this.path, error: errorText(error) });
      return undefined;
    }
  }

  save(record: LedgerRecord): void {
    try {
      this.files.write(this.path, encodeUtf8(JSON.stringify(record)), MODE);
    } catch (error) {
      this.log.warn('use of homes not kept', { error: errorText(error) });
    }
  }
}

function readLedger(value: unknown): LedgerRecord {
  const fields = new JsonFields('use', value);
  const days = fields.list('days', 2 * LEDGER_DAYS, countOf);
  const clients: Record<string, [number, number, number, number]> = {};
  const given = (value as { clients?: unknown }).clients;
  if (typeof given === 'object' && given !== null)
    for (const [name, numbers] of Object.entries(given)) {
      const address = nodeAddress(name);
      const counts = Array.isArray(numbers) ? numbers.map(countOf) : [];
      if (address !== undefined && counts.length === NUMBERS && counts.every((count) => count !== undefined))
        clients[address] = counts as [number, number, number, number];
    }
  return {
    ...(fields.has('day') && { day: fields.whole('day', 0, 1_000_000) }),
    days: days.length % 2 === 0 ? days : [],
    clients,
  };
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
