// Keeps the invites of a gateway, in one file beside what was decided on homes.

import { errorText } from '../errors.ts';
import { JsonFields } from '../lib/json-field.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import { readLimits } from '../mesh/client-limit.ts';
import { type InviteRecord, type InviteStore, MAX_INVITES } from '../mesh/invite.ts';
import type { Files } from '../transport/host.ts';

const FILE = 'invites.json';
const MAX_BYTES = 262_144;
const MAX_TEXT = 128;
const MODE = 0o600;
const MOST = Number.MAX_SAFE_INTEGER;

/** The file; what is broken in it is no invite, and is logged. */
export class InviteFile implements InviteStore {
  private readonly path: string;

  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'remove'>,
    directory: string,
    private readonly log: Log,
  ) {
    this.path = `${directory}/${FILE}`;
  }

  load(): InviteRecord[] {
    const records: InviteRecord[] = [];
    try {
      const bytes = this.files.read(this.path, MAX_BYTES);
      const list: unknown = bytes ? JSON.parse(decodeUtf8(bytes)) : [];
      for (const one of Array.isArray(list) ? list.slice(0, MAX_INVITES) : []) {
        try {
          records.push(readInvite(one));
        } catch (error) {
          this.log.error('invite not read', { error: errorText(error) });
        }
      }
    } catch (error) {
      this.log.error('invites not read', { path: this.path, error: errorText(error) });
    }
    return records;
  }

  save(records: readonly InviteRecord[]): void {
    if (records.length === 0) this.files.remove(this.path);
    else this.files.write(this.path, encodeUtf8(`${JSON.stringify(records)}\n`), MODE);
  }
}

function readInvite(value: unknown): InviteRecord {
  const fields = new JsonFields('invite', value);
  const hash = fields.match('hash', /^[a-z2-7]{32}$/, 'a hash');
  return {
    id: hash.slice(0, 8),
    hash,
    left: fields.whole('left', 0, MOST),
    used: fields.whole('used', 0, MOST),
    made_s: fields.whole('made_s', 0, MOST),
    until_s: fields.whole('until_s', 0, MOST),
    ...(fields.has('access_s') && { access_s: fields.whole('access_s', 1, MOST) }),
    ...(fields.has('site') && { site: fields.text('site', MAX_TEXT) }),
    ...readLimits(fields),
    note: fields.text('note', MAX_TEXT, ''),
  };
}
