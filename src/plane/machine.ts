// Programs and files of the machine whose tunnels, routes and rules are made: each run is bounded, and no shell is in between.

import { TimeoutError } from '../errors.ts';
import { joinBytes } from '../lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Clock, Files, Process, Processes } from '../transport/host.ts';

/** How long a program may take, and how much it may say. */
export const RUN_MS = 5000;
export const MAX_STDOUT = 4 * 1024 * 1024;
const MAX_STDERR = 16 * 1024;
const SIGKILL = 9;
/** Characters of what a program says of its failure. */
const MAX_SAID = 200;

/** A program that ended. */
export interface Ended {
  /** 128 and the signal's number where it was killed. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program is given beside its arguments. */
export interface RunOptions {
  /** For its standard input; default: nothing. */
  readonly stdin?: string;
  /** Default: `RUN_MS`. */
  readonly timeoutMs?: number;
}

/** The machine, as far as planes need it. */
export interface Machine {
  readonly files: Files;
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
  /**
   * Runs a program of PATH to its end.
   * @throws (rejects) Error when it cannot be started or says more than 4 MiB; TimeoutError when it does not end in time.
   */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Ended>;
}

/** The part of the port that is needed here. */
export interface MachineHost {
  readonly files: Files;
  readonly processes: Processes;
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
  /** By then this program is ended, whatever its programs do: they have to be done before. Absent: it is not. */
  readonly endsAtMs?: number | undefined;
}

/** The machine that this program runs on. */
export class HostMachine implements Machine {
  readonly files: Files;
  readonly clock: MachineHost['clock'];

  constructor(private readonly host: MachineHost) {
    this.files = host.files;
    this.clock = host.clock;
  }

  run(
    program: string,
    args: readonly string[],
    { stdin, timeoutMs: wanted = RUN_MS }: RunOptions = {},
  ): Promise<Ended> {
    const { endsAtMs = Number.POSITIVE_INFINITY, clock } = this.host;
    const timeoutMs = Math.min(wanted, endsAtMs - clock.monotonicMs());
    return new Promise((resolve, reject) => {
      if (timeoutMs <= 0) return reject(new TimeoutError(`${program}: not begun, there is no time left for it`));
      const said = new Said(MAX_STDOUT);
      const complained = new Said(MAX_STDERR);
      let child: Process | undefined;
      const giveUp = (error: Error): void => {
        cancel();
        child?.kill(SIGKILL);
        reject(error);
      };
      const cancel = clock.after(timeoutMs, () =>
        giveUp(new TimeoutError(`${program}: not done after ${Math.round(timeoutMs / 100) / 10} s`)),
      );
      try {
        child = this.host.processes.spawn([program, ...args], {
          onStdout: (bytes) => {
            if (!said.take(bytes)) giveUp(new Error(`${program}: says more than ${MAX_STDOUT} bytes`));
          },
          // what is too much of it is not looked at
          onStderr: (bytes) => void complained.take(bytes),
          onExit: (status) => {
            cancel();
            const code = 'code' in status ? status.code : 128 + status.signal;
            resolve({ code, stdout: said.text(), stderr: complained.text() });
          },
        });
        if (stdin !== undefined) child.write(encodeUtf8(stdin));
        child.write(undefined);
      } catch (cause) {
        cancel();
        reject(new Error(`${program}: cannot be started`, { cause }));
      }
    });
  }
}

/** Output of a program, up to so many bytes. */
class Said {
  private readonly parts: Uint8Array[] = [];
  private length = 0;

  constructor(private readonly most: number) {}

  take(bytes: Uint8Array): boolean {
    if (this.length + bytes.length > this.most) return false;
    this.length += bytes.length;
    this.parts.push(bytes);
    return true;
  }

  text(): string {
    return decodeUtf8(joinBytes(this.parts));
  }
}

/** Runs a program that has to succeed. @returns what it said. @throws (rejects) Error with what it complained of, too. */
export async function runWell(
  machine: Machine,
  program: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await machine.run(program, args, options);
  if (code !== 0) throw new Error(`${program}: ${firstLine(stderr) || `ended with ${code}`}`);
  return stdout;
}

/** What a program complained of, in short. */
export function firstLine(text: string): string {
  return text.trim().split('\n')[0]!.slice(0, MAX_SAID);
}

/** A small file of the kernel as text without its end of line; `undefined`: there is none, or it cannot be read. */
export function readKnob(files: Files, path: string): string | undefined {
  try {
    const bytes = files.read(path, 64 * 1024);
    return bytes && decodeUtf8(bytes).trim();
  } catch {
    return undefined;
  }
}
