// Two small files in flash: `trial.json`, a change that is neither confirmed nor undone yet, and `desired.json`, what was decided last.
//
// A change is begun by writing the first, and decided by writing the second, which names it; only then the first is removed. So after any
// cut of power it is known what is to be done: nothing (no trial), undo it (not decided), or tidy up (decided). Both are root's alone.

import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Audience } from '../lib/want.ts';
import type { Files } from '../transport/host.ts';
import { type DirectoryHost, writeWithDirectory } from './directory.ts';
import type { Rejection, Step } from './uci-change.ts';

/** How a desired state ended. */
export type Outcome = 'applied' | 'rolled-back' | 'rejected';

/** Who asked for a change: a want by its generation, or a command by its key and counter. */
export type Origin =
  | { readonly audience: Audience; readonly gen: number; readonly subjects: readonly string[] }
  | { readonly key: string; readonly ctr: number };

/** A change on trial. */
export interface TrialRecord {
  readonly id: string;
  /** `begun`: some of its files may be written, others not. */
  readonly state: 'begun' | 'applied';
  /** The kernel's id of this boot, and its monotonic time. */
  readonly boot: string;
  readonly begun_ms: number;
  readonly confirm_s: number;
  readonly origin: Origin;
  readonly steps: readonly Step[];
  readonly rejected: readonly Rejection[];
}

/** The desired state of an audience as it was decided last. */
export interface Decided {
  readonly gen: number;
  readonly st: Outcome;
  readonly rejected?: readonly Rejection[];
  readonly error?: string;
  /** What it was about; see `subjectOf`. */
  readonly subjects: readonly string[];
}

/** Everything that was decided. */
export interface DesiredRecord {
  readonly node?: Decided;
  readonly site?: Decided;
  /** The highest counter of each key whose command changed something, by the key's id. */
  readonly counters?: Readonly<Record<string, number>>;
  /** The trial that was decided last. */
  readonly last?: { readonly id: string; readonly st: Outcome; readonly audience?: Audience };
}

/** The part of the port that is needed here. */
export interface JournalHost extends DirectoryHost {
  readonly files: Pick<Files, 'read' | 'write' | 'list' | 'remove'>;
}

/** A want has 16 KiB; what it replaces may be a multiple of that. */
const MAX_BYTES = 262_144;
const MODE = 0o600;

/** Name of the first. */
export const TRIAL_FILE = 'trial.json';

/** Both files in a directory. Its methods throw Error when one cannot be read or written, or is none of ours. */
export class ChangeJournal {
  constructor(
    private readonly host: JournalHost,
    private readonly directory: string,
  ) {}

  /** The change on trial, if any. */
  trial(): TrialRecord | undefined {
    const isText = (value: unknown): boolean => typeof value === 'string';
    return this.read(TRIAL_FILE, ({ id, boot, steps }) => isText(id) && isText(boot) && Array.isArray(steps));
  }

  /** What was decided; nothing, where there is no such file. */
  desired(): DesiredRecord {
    return this.read('desired.json', () => true) ?? {};
  }

  async setTrial(trial: TrialRecord): Promise<void> {
    await this.write(TRIAL_FILE, trial);
  }

  async setDesired(record: DesiredRecord): Promise<void> {
    await this.write('desired.json', record);
  }

  removeTrial(): void {
    this.host.files.remove(`${this.directory}/${TRIAL_FILE}`);
  }

  private read<T>(name: string, isOurs: (value: Record<string, unknown>) => boolean): T | undefined {
    const path = `${this.directory}/${name}`;
    const bytes = this.host.files.read(path, MAX_BYTES);
    if (!bytes) return undefined;
    try {
      const value: unknown = JSON.parse(decodeUtf8(bytes));
      if (typeof value === 'object' && value !== null && isOurs(value as Record<string, unknown>)) return value as T;
    } catch {
      // its words may quote a secret
    }
    // nothing that we write, or that a cut of power leaves, looks like this
    throw new Error(`${path}: expected what meshbridge wrote, got something else: remove it to begin anew`);
  }

  /** Leftovers of who was killed while he wrote hold passwords of peerings, maybe. */
  private async write(name: string, value: object): Promise<void> {
    const { files } = this.host;
    const leftover = new RegExp(`^${name.replace('.', '\\.')}~[A-Za-z0-9]{6}$`);
    for (const found of files.list(this.directory))
      if (leftover.test(found)) files.remove(`${this.directory}/${found}`);
    const bytes = encodeUtf8(JSON.stringify(value));
    if (bytes.length > MAX_BYTES)
      throw new Error(`${this.directory}/${name}: expected at most ${MAX_BYTES} bytes, got ${bytes.length}`);
    await writeWithDirectory(this.host, `${this.directory}/${name}`, bytes, MODE);
  }
}
