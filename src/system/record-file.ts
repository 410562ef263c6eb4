// Files that hold a list of records as JSON, each replaced as a whole. What is broken counts as not there, and is logged: one record of a file
// costs no other.

import { errorText } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { Files } from '../transport/host.ts';

/** What a file holds. */
export interface RecordKind<R> {
  /** What one is called in the log. */
  readonly name: string;
  /** Bytes of a file, and records of it, at most. */
  readonly bytes: number;
  readonly most: number;
  /** @throws Error for what is none */
  read(value: unknown): R;
}

const MODE = 0o600;

/** The records of a file; none where it is not there. */
export function readRecords<R>(files: Pick<Files, 'read'>, log: Log, path: string, kind: RecordKind<R>): R[] {
  const records: R[] = [];
  try {
    const bytes = files.read(path, kind.bytes);
    const list: unknown = bytes ? JSON.parse(decodeUtf8(bytes)) : [];
    for (const one of Array.isArray(list) ? list.slice(0, kind.most) : []) {
      try {
        records.push(kind.read(one));
      } catch (error) {
        log.error(`${kind.name} not read`, { path, error: errorText(error) });
      }
    }
  } catch (error) {
    log.error(`${kind.name}s not read`, { path, error: errorText(error) });
  }
  return records;
}

/** Replaces a file; without records there is none. @throws Error when it cannot be written */
export function writeRecords(files: Pick<Files, 'write' | 'remove'>, path: string, records: readonly object[]): void {
  if (records.length === 0) files.remove(path);
  else files.write(path, encodeUtf8(`${JSON.stringify(records)}\n`), MODE);
}
