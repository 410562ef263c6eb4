// The session of a router: random, the same from one start of the router to the next, also when the daemon is ended by force meanwhile.
//
// A command names the session that it is for, so one of yesterday is worth nothing. The file is best in RAM; where it outlives a start, the
// kernel's id of the start tells.

import { errorText } from '../errors.ts';
import { encodeBase32 } from '../lib/base32.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { Files } from '../transport/host.ts';

const FILE = 'session';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const MAX_BYTES = 256;
const MODE = 0o600;
/** 60 bits: 12 characters of base32. */
const RANDOM_BYTES = 8;
const CHARACTERS = 12;

/** The part of the port that is needed here. */
export interface SessionHost {
  readonly files: Pick<Files, 'read' | 'write'>;
  randomBytes(count: number): Uint8Array;
}

/** The session, 12 characters of base32. A file that cannot be read or written is logged: then the session ends with the daemon. */
export function readSession(host: SessionHost, directory: string, log: Log): string {
  const boot = textOf(host.files, BOOT_ID, log) ?? '';
  const [knownBoot, known = ''] = textOf(host.files, `${directory}/${FILE}`, log)?.split('\n') ?? [];
  return knownBoot === boot && /^[a-z2-7]{12}$/.test(known) ? known : renewSession(host, directory, log);
}

/** Begins another session, in the place of the one before. */
export function renewSession(host: SessionHost, directory: string, log: Log): string {
  const boot = textOf(host.files, BOOT_ID, log) ?? '';
  const made = encodeBase32(host.randomBytes(RANDOM_BYTES)).slice(0, CHARACTERS);
  try {
    host.files.write(`${directory}/${FILE}`, encodeUtf8(`${boot}\n${made}\n`), MODE);
  } catch (error) {
    log.warn('session not kept', { error: errorText(error) });
  }
  return made;
}

function textOf(files: Pick<Files, 'read'>, path: string, log: Log): string | undefined {
  try {
    const bytes = files.read(path, MAX_BYTES);
    return bytes && decodeUtf8(bytes).trimEnd();
  } catch (error) {
    log.warn('session not known', { error: errorText(error) });
    return undefined;
  }
}
