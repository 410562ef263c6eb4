// Listening sockets that are bound, or have failed, when the call returns; Node's own `listen` tells later.

import { spawnSync } from 'node:child_process';
import { lstatSync, unlinkSync } from 'node:fs';
import net, { type Server } from 'node:net';
import { dirname } from 'node:path';
import { named, reasonOf } from './errno.ts';

/** What Node's cluster module binds with: a handle, or a negative error number. Not documented, in every release since 0.12. */
const { _createServerHandle: bind } = net as unknown as {
  _createServerHandle(address: string, port: number, addressType: -1 | 4 | 6): { close(): void } | number;
};

/** A socket's path as Node wants it: a zero byte in front of abstract names. */
export function kernelPath(path: string): string {
  return path.startsWith('@') ? `\0${path.slice(1)}` : path;
}

/** Binds a unix socket, mode 0600; replaces a file that nobody answers on. @throws Error `listen PATH: reason`. */
export function listenUnix(path: string): Server {
  if (path.startsWith('/')) makeRoom(path);
  const umask = process.umask(0o177);
  try {
    const server = createServer().listen({ path: kernelPath(path) });
    if (server.listening) return server;
    // Node tells why only later; a second try tells at once
    const again = bind(kernelPath(path), -1, -1);
    if (typeof again !== 'number') again.close();
    throw new Error(`listen ${path}: ${typeof again === 'number' ? reasonOf(again) : 'Address already in use'}`);
  } finally {
    process.umask(umask);
  }
}

/** Binds a numeric address. @throws Error `listen ADDRESS:PORT: reason`. */
export function listenTcp(host: string, port: number): Server {
  const family = net.isIP(host);
  if (family === 0) throw new Error(`listen ${host}:${port}: not a numeric address`);
  const subject = family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
  const handle = bind(host, port, family === 6 ? 6 : 4);
  if (typeof handle === 'number') throw new Error(`listen ${subject}: ${reasonOf(handle)}`);
  const server = createServer().listen(handle);
  // libuv keeps this one error of bind back until it listens
  if (!server.listening) throw new Error(`listen ${subject}: Address already in use`);
  return server;
}

function createServer(): Server {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  return server.on('error', () => {}); // told by the caller; of a single accept that failed, nobody needs to know
}

function makeRoom(path: string): void {
  named('listen', path, () => lstatSync(dirname(path))); // libuv would report EACCES
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats?.isSocket() || isAnswered(path)) return; // bind says what is in the way
  named('listen', path, () => unlinkSync(path));
}

/** Whether somebody listens on a socket file; asked by a process of its own, for Node cannot wait. */
function isAnswered(path: string): boolean {
  const script =
    'require("node:net").connect(process.argv[1]).on("error", (e) => process.exit(e.code === "ECONNREFUSED" ? 1 : 0)).on("connect", () => process.exit(0))';
  return spawnSync(process.execPath, ['-e', script, path], { stdio: 'ignore' }).status !== 1;
}
