// A child process that never outlives us: killed at our exit, and by the kernel when we are killed ourselves (setpriv, where present).

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** How a child ended. */
export type ChildEnd = { code: number } | { signal: string };

const TAIL_LINES = 20;
const LINE_MAX = 4096;
const running = new Set<ChildProcess>();
let exitHook = false;

/** The path of a program on PATH (system directories included, which an ordinary user's PATH lacks); `undefined`: not there. */
export function findProgram(name: string): string | undefined {
  for (const directory of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']) {
    const path = join(directory || '.', name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this one
    }
  }
  return undefined;
}

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** One running program; its output goes, line by line, to `onLine`, and the last lines are kept. */
export class Child {
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<ChildEnd>;
  private endedBy: ChildEnd | undefined;
  private readonly lines: string[] = [];

  /**
   * @param argv program (a path, or looked up on PATH) and arguments.
   * @param onLine takes each line of standard output and standard error.
   */
  static start(argv: readonly string[], onLine: (line: string) => void = () => {}): Promise<Child> {
    const setpriv = findProgram('setpriv');
    const tied = setpriv ? [setpriv, '--pdeathsig', 'KILL', '--', ...argv] : argv;
    // A process group of its own: Ctrl-C is for us, who end our children in order.
    const child = spawn(tied[0]!, tied.slice(1), { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    return new Promise((resolve, reject) => {
      child.once('spawn', () => resolve(new Child(child, onLine)));
      child.once('error', (error) => reject(new Error(`cannot run ${argv[0]}: ${error.message}`)));
    });
  }

  private constructor(
    private readonly child: ChildProcess,
    onLine: (line: string) => void,
  ) {
    if (!exitHook) process.on('exit', killAll);
    exitHook = true;
    running.add(child);
    for (const stream of [child.stdout!, child.stderr!]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!.slice(0, LINE_MAX);
        for (const line of lines) this.keep(line, onLine);
      });
      stream.on('end', () => rest && this.keep(rest, onLine));
    }
    child.stdin!.on('error', () => {}); // it ended before it read everything
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(child);
        this.endedBy = signal ? { signal } : { code: code ?? 0 };
        resolve(this.endedBy);
      });
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  get isRunning(): boolean {
    return this.endedBy === undefined;
  }

  /** The last lines that it printed. */
  get tail(): readonly string[] {
    return this.lines;
  }

  write(text: string): void {
    this.child.stdin!.write(text);
  }

  /** Writes the last of its standard input. */
  end(text: string): void {
    this.child.stdin!.end(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Asks it to end, insists after `graceMs`, and waits. */
  async stop(graceMs = 2000): Promise<void> {
    if (!this.isRunning) return;
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  private keep(line: string, onLine: (line: string) => void): void {
    this.lines.push(line);
    if (this.lines.length > TAIL_LINES) this.lines.shift();
    onLine(line);
  }
}
