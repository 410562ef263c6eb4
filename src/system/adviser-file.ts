// Keeps what the adviser added in a file in RAM, so that a daemon that starts takes care of it, whatever became of the one before.

import { errorText } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { AdviserRecord, Held } from '../mesh/adviser.ts';
import type { Files } from '../transport/host.ts';

const MAX_BYTES = 65_536;
const MODE = 0o600;

function isHeld(value: unknown): value is Held {
  const { interface: iface, uri } = (value ?? {}) as Record<string, unknown>;
  return typeof iface === 'string' && typeof uri === 'string';
}

/** The file of a path. A broken file counts as empty; one that cannot be written is logged, and the adviser goes on. */
export class AdviserFile {
  private saved = '';

  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'remove'>,
    private readonly path: string,
    private readonly log: Log,
  ) {}

  load(): AdviserRecord {
    let found: Record<string, unknown> = {};
    try {
      const bytes = this.files.read(this.path, MAX_BYTES);
      this.saved = bytes ? decodeUtf8(bytes) : '';
      found = (bytes ? JSON.parse(this.saved) : undefined) ?? {};
    } catch (error) {
      this.log.warn('record not read', { error: errorText(error) });
    }
    const held = (list: unknown): Held[] => (Array.isArray(list) ? list.filter(isHeld) : []);
    const { kept, leaving, round_ms: roundMs } = found;
    return {
      kept: held(kept),
      leaving: held(leaving),
      ...(typeof roundMs === 'number' && { round_ms: roundMs }),
    };
  }

  save(record: AdviserRecord): void {
    const { kept, leaving, round_ms: roundMs } = record;
    const isEmpty = kept.length + leaving.length === 0 && roundMs === undefined;
    const text = isEmpty ? '' : JSON.stringify(record);
    if (text === this.saved) return;
    try {
      if (isEmpty) this.files.remove(this.path);
      else this.files.write(this.path, encodeUtf8(text), MODE);
      this.saved = text;
    } catch (error) {
      this.log.warn('record not saved', { error: errorText(error) });
    }
  }
}
