// Binds a server to a unix socket: replaces a dead socket file, refuses a live one, and leaves everything else alone.

import { lstatSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { InputError } from '../../errors.ts';

/** `sun_path` of Linux holds 108 bytes with the closing NUL; longer paths would be cut in silence. */
const MAX_PATH_BYTES = 107;
/** The broker has no access lists, so only its own user may connect: mode 0600. */
const PRIVATE = 0o177;
const PROBE_TIMEOUT_MS = 1000;

/** Starts to listen. @throws InputError when the path does not do or is in use, Error when the system refuses. */
export async function bindSocket(server: Server, path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES)
    throw new InputError(`socket ${path}: path has ${bytes} bytes, the system allows ${MAX_PATH_BYTES}`);
  if (isTaken(path)) {
    if (await answers(path)) throw new InputError(`socket ${path}: another broker listens there`);
    rmSync(path, { force: true });
  }
  await listen(server, path);
}

function isTaken(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return false;
  if (!found.isSocket()) throw new InputError(`socket ${path}: there is something else of that name`);
  return true;
}

/** Only a refused connection proves that nobody listens; anything else (a full backlog, say) counts as alive. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const done = (alive: boolean): void => {
      probe.destroy();
      resolve(alive);
    };
    probe.setTimeout(PROBE_TIMEOUT_MS, () => done(true));
    probe.on('connect', () => done(true));
    probe.on('error', (error: NodeJS.ErrnoException) => done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`socket ${path}: ${error.message}`, { cause: error })));
    // Node binds a unix socket inside listen(), so the mask is in force for this call alone
    const mask = process.umask(PRIVATE);
    try {
      server.listen(path, () => {
        server.removeAllListeners('error');
        resolve();
      });
    } finally {
      process.umask(mask);
    }
  });
}
