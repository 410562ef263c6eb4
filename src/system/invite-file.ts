// Keeps the invites of a gateway, in one file beside what was decided on homes.

import { JsonFields } from '../lib/json-field.ts';
import type { Log } from '../log.ts';
import { readLimits } from '../mesh/client-limit.ts';
import { type InviteRecord, type InviteStore, MAX_INVITES } from '../mesh/invite.ts';
import type { Files } from '../transport/host.ts';
import { type RecordKind, readRecords, writeRecords } from './record-file.ts';

const FILE = 'invites.json';
const MAX_TEXT = 128;
const MOST = Number.MAX_SAFE_INTEGER;
const KIND: RecordKind<InviteRecord> = { name: 'invite', bytes: 262_144, most: MAX_INVITES, read: readInvite };

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
    return readRecords(this.files, this.log, this.path, KIND);
  }

  save(records: readonly InviteRecord[]): void {
    writeRecords(this.files, this.path, records);
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
