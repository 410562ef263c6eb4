// Keeps what captains reported of homes: in 32 small files beside what was decided on homes, so that one report costs one block or a few.

import { REPORT_STATES } from '../api/client-object.ts';
import { JsonFields, knownWords } from '../lib/json-field.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import type { Log } from '../log.ts';
import type { ReportRecord, ReportStore } from '../mesh/report.ts';
import type { Files } from '../transport/host.ts';
import { type RecordKind, readRecords, writeRecords } from './record-file.ts';

const SHARDS = 32;
const MAX_TEXT = 1024;
const MOST = 2 ** 31 - 1;
const MOST_S = Number.MAX_SAFE_INTEGER;
/** A file of sixteen reports of 2 KB, each character of which may be four bytes. */
const KIND: RecordKind<ReportRecord> = { name: 'report', bytes: 262_144, most: 64, read: readReport };

/** The files; what is broken in them is no report, and is logged. */
export class ReportFile implements ReportStore {
  private readonly shards = new Map<number, Map<number, ReportRecord>>();

  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'remove'>,
    private readonly directory: string,
    private readonly log: Log,
  ) {}

  load(): ReportRecord[] {
    const all: ReportRecord[] = [];
    for (let number = 0; number < SHARDS; number++) {
      const records = this.read(number);
      if (records.length > 0) this.shards.set(number, new Map(records.map((record) => [record.id, record])));
      all.push(...records);
    }
    return all;
  }

  save(changes: ReadonlyMap<number, ReportRecord | undefined>): void {
    const shards = new Map<number, Map<number, ReportRecord>>();
    for (const [id, record] of changes) {
      const number = id % SHARDS;
      const next = shards.get(number) ?? new Map(this.shards.get(number));
      if (record) next.set(id, record);
      else next.delete(id);
      shards.set(number, next);
    }
    for (const [number, next] of shards) {
      writeRecords(this.files, this.path(number), [...next.values()]);
      // only now, for what was not written does not count
      this.shards.set(number, next);
    }
  }

  private read(number: number): ReportRecord[] {
    const records = readRecords(this.files, this.log, this.path(number), KIND);
    return records.filter(({ id }) => id % SHARDS === number);
  }

  private path(number: number): string {
    return `${this.directory}/reports-${String(number).padStart(2, '0')}.json`;
  }
}

function readReport(value: unknown): ReportRecord {
  const fields = new JsonFields('report', value);
  const texts: { -readonly [N in 'evidence' | 'contact' | 'note']?: string } = {};
  for (const name of ['evidence', 'contact', 'note'] as const)
    if (fields.has(name)) texts[name] = fields.text(name, MAX_TEXT);
  return {
    id: fields.whole('id', 1, MOST),
    at_s: fields.whole('at_s', 0, MOST_S),
    address: fields.read('address', nodeAddress, 'an address of a node'),
    captain_key: fields.match('captain_key', /^[0-9a-f]{64}$/, 'a key'),
    reason: fields.text('reason', MAX_TEXT),
    state: fields.read('state', knownWords(REPORT_STATES), 'a state'),
    ...(fields.has('decided_s') && { decided_s: fields.whole('decided_s', 0, MOST_S) }),
    ...texts,
    digest: fields.match('digest', /^[a-z2-7]{32}$/, 'a digest'),
  };
}
