// Keeps the captains of a gateway, in one file beside what was decided on homes.

import { JsonFields } from '../lib/json-field.ts';
import type { Log } from '../log.ts';
import { type CaptainRecord, type CaptainStore, MAX_CAPTAINS, MAX_SAID } from '../mesh/captain.ts';
import type { Files } from '../transport/host.ts';
import { type RecordKind, readRecords, writeRecords } from './record-file.ts';

const FILE = 'captains.json';
const MAX_TEXT = 128;
const MOST = Number.MAX_SAFE_INTEGER;
// a hundred of 4 KB
const KIND: RecordKind<CaptainRecord> = { name: 'captain', bytes: 524_288, most: MAX_CAPTAINS, read: readCaptain };

/** The file; what is broken in it is no captain, and is logged. */
export class CaptainFile implements CaptainStore {
  private readonly path: string;

  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'remove'>,
    directory: string,
    private readonly log: Log,
  ) {
    this.path = `${directory}/${FILE}`;
  }

  load(): CaptainRecord[] {
    return readRecords(this.files, this.log, this.path, KIND);
  }

  save(records: readonly CaptainRecord[]): void {
    writeRecords(this.files, this.path, records);
  }
}

function readCaptain(value: unknown): CaptainRecord {
  const fields = new JsonFields('captain', value);
  const said = fields.list('said', MAX_SAID, (item) => {
    const one = new JsonFields('said', item);
    return { digest: one.match('digest', /^[a-z2-7]{32}$/, 'a digest'), at_s: one.whole('at_s', 0, MOST) };
  });
  return {
    key: fields.match('key', /^[0-9a-f]{64}$/, 'a key'),
    name: fields.text('name', MAX_TEXT),
    ...(fields.has('site') && { site: fields.text('site', MAX_TEXT) }),
    may_vouch: fields.flag('may_vouch'),
    max_homes: fields.whole('max_homes', 0, MOST),
    added_s: fields.whole('added_s', 0, MOST, 0),
    ...(said.length > 0 && { said }),
  };
}
