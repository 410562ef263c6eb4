// Keeps the captains of a gateway, in one file beside what was decided on homes.

import { errorText } from '../errors.ts';
import { JsonFields } from '../lib/json-field.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import { type CaptainRecord, type CaptainStore, MAX_CAPTAINS, MAX_SAID } from '../mesh/captain.ts';
import type { Files } from '../transport/host.ts';

const FILE = 'captains.json';
/** A hundred of 4 KB. */
const MAX_BYTES = 524_288;
const MAX_TEXT = 128;
const MODE = 0o600;
const MOST = Number.MAX_SAFE_INTEGER;

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
    const records: CaptainRecord[] = [];
    try {
      const bytes = this.files.read(this.path, MAX_BYTES);
      const list: unknown = bytes ? JSON.parse(decodeUtf8(bytes)) : [];
      for (const one of Array.isArray(list) ? list.slice(0, MAX_CAPTAINS) : []) {
        try {
          records.push(readCaptain(one));
        } catch (error) {
          this.log.error('captain not read', { error: errorText(error) });
        }
      }
    } catch (error) {
      this.log.error('captains not read', { path: this.path, error: errorText(error) });
    }
    return records;
  }

  save(records: readonly CaptainRecord[]): void {
    if (records.length === 0) this.files.remove(this.path);
    else this.files.write(this.path, encodeUtf8(`${JSON.stringify(records)}\n`), MODE);
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
