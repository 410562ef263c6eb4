// meshctl in a directory of a test's own: command lines in, exit code and what was printed out.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../src/fleet/failure.ts';
import { Home } from '../../src/fleet/home.ts';
import { meshctl } from '../../src/fleet/meshctl.ts';
import type { Terminal } from '../../src/fleet/table.ts';

/** What one command line did. */
export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** What surrounds one command line. */
export interface Around {
  env?: Record<string, string>;
  /** Default: no terminal. */
  terminal?: Terminal;
  /** What the person at the terminal answers, in turn; default: there is none. */
  answers?: string[];
  /** Ends the command as Ctrl-C does. */
  ended?: AbortSignal;
  /** Told what is printed, as it is. */
  onOut?(text: string): void;
}

const PLAIN: Terminal = { width: undefined, isColoured: false };

/** One operator. */
export class Operator {
  private readonly directory = mkdtempSync(join(tmpdir(), 'meshbridge-meshctl-'));
  readonly home = new Home(join(this.directory, 'home'));

  /** A file of the operator's, by name; answers its path. */
  file(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Runs words; those with blanks are given as a list. */
  async run(words: string | readonly string[], around: Around = {}): Promise<Ran> {
    const { env = {}, terminal = PLAIN, answers = [], ended = new AbortController().signal, onOut } = around;
    const ran: Ran = { code: -1, out: '', err: '' };
    const answer = async (): Promise<string> => {
      const next = answers.shift();
      if (next === undefined) throw new Failure('usage', 'there is no terminal to ask at');
      return next;
    };
    ran.code = await meshctl(typeof words === 'string' ? words.split(' ') : words, {
      streams: {
        out: (text) => {
          ran.out += text;
          onOut?.(text);
        },
        err: (text) => {
          ran.err += text;
        },
        terminal,
        isErrTerminal: false,
      },
      prompt: { secret: answer, confirm: async () => (await answer()) === 'yes' },
      env: { MESHCTL_HOME: this.home.path, ...env },
      ended,
    });
    return ran;
  }

  /** Runs words that must do; answers what `--json` prints. */
  async json<T = Record<string, unknown>>(words: string | readonly string[], around: Around = {}): Promise<T> {
    const list = typeof words === 'string' ? words.split(' ') : words;
    const { code, out, err } = await this.run([...list, '--json'], around);
    if (code !== 0) throw new Error(`meshctl ${list.join(' ')}: exit code ${code}: ${out}${err}`);
    return JSON.parse(out) as T;
  }

  /** Removes all that is the operator's. */
  end(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Lends an operator to a test. */
export async function withOperator(use: (operator: Operator) => void | Promise<void>): Promise<void> {
  const operator = new Operator();
  try {
    await use(operator);
  } finally {
    operator.end();
  }
}
