// Keeps the peerings on trial in a file in RAM, so that they are undone even when the daemon died meanwhile.

import { errorText } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { Trial, TrialStore } from '../mesh/trial.ts';
import type { Files } from '../transport/host.ts';

const MAX_BYTES = 262_144;
/** The addresses may hold passwords. */
const MODE = 0o600;

function isTrial(value: unknown): value is Trial {
  const { interface: iface, uri, device, before } = (value ?? {}) as Record<string, unknown>;
  const isText = (one: unknown): boolean => typeof one === 'string';
  return isText(iface) && isText(uri) && [device, before].every((one) => one === undefined || isText(one));
}

/** The file `trials.json` in a directory. A broken file counts as empty; a file that cannot be written is logged, and trials go on. */
export class TrialFile implements TrialStore {
  private readonly path: string;

  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'remove'>,
    directory: string,
    private readonly log: Log,
  ) {
    this.path = `${directory}/trials.json`;
  }

  load(): Trial[] {
    try {
      const bytes = this.files.read(this.path, MAX_BYTES);
      const list: unknown = bytes ? JSON.parse(decodeUtf8(bytes)) : [];
      return Array.isArray(list) ? list.filter(isTrial) : [];
    } catch (error) {
      this.log.warn('trials not read', { error: errorText(error) });
      return [];
    }
  }

  save(trials: readonly Trial[]): void {
    try {
      if (trials.length === 0) this.files.remove(this.path);
      else this.files.write(this.path, encodeUtf8(JSON.stringify(trials)), MODE);
    } catch (error) {
      this.log.warn('trials not saved', { error: errorText(error) });
    }
  }
}
