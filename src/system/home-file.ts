// Keeps what a home has on trial, or which lease it uses, in a file in RAM: a daemon that starts undoes the one and goes on with the other.

import type { Terms } from '../api/lease.ts';
import { errorText } from '../errors.ts';
import { JsonFields, knownWords } from '../lib/json-field.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import type { Log } from '../log.ts';
import type { HomeRecord } from '../mesh/home-act.ts';
import { readTerms } from '../mesh/lease-message.ts';
import type { Slot } from '../mesh/tunnel.ts';
import type { Files } from '../transport/host.ts';

const MAX_BYTES = 16_384;
const MODE = 0o600;
const MODES: readonly HomeRecord['mode'][] = ['asking', 'trial', 'kept'];

function readRecord(value: unknown): HomeRecord {
  const fields = new JsonFields('record', value);
  const mode = fields.read('mode', knownWords(MODES), 'a mode');
  if (!fields.has('lease')) return { mode };
  const lease = fields.fields('lease');
  const terms: Terms = readTerms(lease.fields('terms'));
  return {
    mode,
    lease: {
      address: lease.read('address', nodeAddress, 'an address of a node'),
      slot: lease.whole('slot', 0, 1) as Slot,
      lease_s: lease.whole('lease_s', 0, 86_400),
      terms,
    },
  };
}

/** The file of a path. A file that is broken means that something may be left: it counts as a trial, which is undone. */
export class HomeFile {
  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'remove'>,
    private readonly path: string,
    private readonly log: Log,
  ) {}

  load(): HomeRecord | undefined {
    try {
      const bytes = this.files.read(this.path, MAX_BYTES);
      return bytes && readRecord(JSON.parse(decodeUtf8(bytes)));
    } catch (error) {
      this.log.warn('record not read', { error: errorText(error) });
      return { mode: 'trial' };
    }
  }

  save(record: HomeRecord | undefined): void {
    try {
      if (record) this.files.write(this.path, encodeUtf8(JSON.stringify(record)), MODE);
      else this.files.remove(this.path);
    } catch (error) {
      this.log.warn('record not saved', { error: errorText(error) });
    }
  }
}
