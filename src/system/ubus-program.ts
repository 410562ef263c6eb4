// Calls on ubus by the program `ubus`: the helper lives for one verb, and has no connection of its own.

import { joinBytes } from '../lib/bytes.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import type { Clock, Process, Processes } from '../transport/host.ts';

/** netifd's dump of a hundred interfaces is a tenth of it. */
const MAX_REPLY_BYTES = 1024 * 1024;
const TIMEOUT_MS = 5000;
const SIGKILL = 9;

/** The part of the port that is needed here. */
export interface UbusProgramHost {
  readonly processes: Processes;
  readonly clock: Pick<Clock, 'after'>;
}

/**
 * Calls a method, for at most 5 s. @returns what the program printed: each reply as JSON over several lines, which alone start and end
 * with a brace at the very left. @throws (rejects) Error when it cannot be started, ends with a failure, says more than 1 MiB, or nothing in time.
 */
export function callUbus(
  { processes, clock }: UbusProgramHost,
  path: string,
  method: string,
  args?: object,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`ubus call ${path} ${method}: ${why}`));
    const parts: Uint8Array[] = [];
    let length = 0;
    let child: Process | undefined;
    const giveUp = (why: string): void => {
      child?.kill(SIGKILL);
      fail(why);
    };
    const cancel = clock.after(TIMEOUT_MS, () => giveUp(`no answer in ${TIMEOUT_MS / 1000} s`));
    const argv = ['ubus', '-t', String(TIMEOUT_MS / 1000), 'call', path, method];
    try {
      child = processes.spawn(args ? [...argv, JSON.stringify(args)] : argv, {
        onStdout(bytes) {
          length += bytes.length;
          if (length <= MAX_REPLY_BYTES) parts.push(bytes);
          else giveUp(`more than ${MAX_REPLY_BYTES} bytes`);
        },
        onExit(status) {
          cancel();
          if (!('code' in status)) fail(`killed by signal ${status.signal}`);
          else if (status.code !== 0) fail(`ended with ${status.code}`);
          else if (length <= MAX_REPLY_BYTES) resolve(decodeUtf8(joinBytes(parts)));
        },
      });
      child.write(undefined);
    } catch {
      cancel();
      fail('the program ubus cannot be started');
    }
  });
}
