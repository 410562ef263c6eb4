// What the daemon tells its next run of the same session, in a file in RAM: how many runs there were, and that the clock was set.

import { errorText } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { Files } from '../transport/host.ts';

const FILE = 'runs.json';
const MODE = 0o600;
const MAX_BYTES = 1024;

interface Kept {
  sid: string;
  /** Runs before this one. */
  runs: number;
  /** The clock was set over the network. */
  set: boolean;
}

function isKept(value: unknown): value is Kept {
  const { sid, runs, set } = (value ?? {}) as Partial<Record<keyof Kept, unknown>>;
  return typeof sid === 'string' && Number.isSafeInteger(runs) && (runs as number) >= 0 && typeof set === 'boolean';
}

/** This run of the daemon in a session. A file that cannot be read or written is logged: then this counts as the first run. */
export class RunFile {
  private readonly kept: Kept;

  /** @param directory best in RAM. */
  constructor(
    private readonly files: Pick<Files, 'read' | 'write'>,
    private readonly directory: string,
    sid: string,
    private readonly log: Log,
  ) {
    const before = this.read();
    this.kept = before?.sid === sid ? { ...before, runs: before.runs + 1 } : { sid, runs: 0, set: false };
    this.write();
  }

  /** How often the daemon was started before in this session. */
  get runs(): number {
    return this.kept.runs;
  }

  /** Whether the clock was set over the network since the router started, as far as anybody said so. */
  get isClockSet(): boolean {
    return this.kept.set;
  }

  /** Somebody said whether the clock is set. */
  clockSet(set: boolean): void {
    if (this.kept.set === set) return;
    this.kept.set = set;
    this.write();
  }

  private get path(): string {
    return `${this.directory}/${FILE}`;
  }

  private read(): Kept | undefined {
    try {
      const bytes = this.files.read(this.path, MAX_BYTES);
      const kept: unknown = bytes && JSON.parse(decodeUtf8(bytes));
      return isKept(kept) ? kept : undefined;
    } catch (error) {
      this.log.warn('runs not read', { error: errorText(error) });
      return undefined;
    }
  }

  private write(): void {
    try {
      this.files.write(this.path, encodeUtf8(JSON.stringify(this.kept)), MODE);
    } catch (error) {
      this.log.warn('runs not kept', { error: errorText(error) });
    }
  }
}
