// A machine whose programs are played by a test: what they are told is kept, what they say is given.

import type { Ended, Machine, RunOptions } from '../../src/plane/machine.ts';
import { ManualClock } from './clock.ts';
import { MemoryFiles } from './files.ts';

/** One run: the command line, and what was given to its standard input. */
export interface PlayedRun {
  readonly line: string;
  readonly stdin: string | undefined;
}

export class PlayedMachine implements Machine {
  readonly files = new MemoryFiles();
  readonly clock = new ManualClock();
  readonly runs: PlayedRun[] = [];
  /** What programs say, by the beginning of their command line; the longest that fits counts. Default: nothing, and success. */
  readonly says = new Map<string, Partial<Ended> | ((run: PlayedRun) => Partial<Ended>)>();

  run(program: string, args: readonly string[], { stdin }: RunOptions = {}): Promise<Ended> {
    const run = { line: [program, ...args].join(' '), stdin };
    this.runs.push(run);
    const fitting = [...this.says.keys()].filter((start) => run.line.startsWith(start));
    const said = this.says.get(fitting.sort((a, b) => b.length - a.length)[0] ?? '') ?? {};
    const ended = typeof said === 'function' ? said(run) : said;
    return Promise.resolve({ code: 0, stdout: '', stderr: '', ...ended });
  }

  /** Command lines since the last call. */
  take(): string[] {
    return this.runs.splice(0).map(({ line, stdin }) => (stdin === undefined ? line : `${line} <<< ${stdin}`));
  }
}
