// Where the desk router (`npm start`) keeps its sockets and configuration.

import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE } from '../../build/project.ts';

/** A unix socket's path has at most 107 bytes; this leaves room for `/yggdrasil/ygg25.sock`. */
const MAX_DIRECTORY = 85;

function deskDirectory(): string {
  const usual = join(CACHE, 'desk');
  if (Buffer.byteLength(usual) <= MAX_DIRECTORY) return usual;
  const name = createHash('sha256').update(usual).digest('hex').slice(0, 12);
  return join(tmpdir(), `meshbridge-desk-${name}`);
}

/** The desk router's directory: in the project's cache, or a short one of its own where that path is too long for sockets. */
export const DESK_DIRECTORY = deskDirectory();

/** The socket of the desk router's broker; the file exists while a desk router runs. */
export const DESK_SOCKET = join(DESK_DIRECTORY, 'ubus.sock');
