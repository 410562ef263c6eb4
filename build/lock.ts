// A lock between programs of this machine that ends with its holder, even a killed one: an abstract unix socket named after a path.

import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

/** Gives the lock back. */
export type Release = () => Promise<void>;

function socketName(path: string): string {
  return `\0meshbridge-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
}

/** Takes the lock on `path` (any text; nothing is created there). `undefined`: somebody else holds it. */
export function tryLock(path: string): Promise<Release | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      waiting.add(socket);
      socket.once('close', () => waiting.delete(socket));
      socket.unref();
    });
    const waiting = new Set<import('node:net').Socket>();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(socketName(path), () => {
      server.unref();
      resolve(
        () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of waiting) socket.destroy();
          }),
      );
    });
  });
}

/** Resolves when the holder of the lock on `path` is gone, at once when there is none. */
function untilFree(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(socketName(path));
    socket.on('error', () => {});
    socket.once('close', () => resolve());
    socket.resume();
  });
}

/** Runs `work` while holding the lock on `path`; waits for it, calling `onWait` once when that is needed. */
export async function withLock<T>(path: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  let release = await tryLock(path);
  if (!release) onWait?.();
  while (!release) {
    await untilFree(path);
    release = await tryLock(path);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}
