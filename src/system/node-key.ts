// The router's own key (ed25519): what it is known by to brokers and operators, and signs its answers with. It is not Yggdrasil's, of which a
// router may have several or none.
//
// Root makes it when brokers are first wanted, and keeps it: a router with another key is another node. The daemon gets a copy in a
// directory where it can replace nothing (see published-config.ts), for as long as brokers are wanted.

import { fromHex, toHex } from '../lib/bytes.ts';
import { keyIdOf, nodeIdOf } from '../lib/node-id.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Crypto, Files } from '../transport/host.ts';
import { type DirectoryHost, writeWithDirectory } from './directory.ts';

const SEED_BYTES = 32;
const MAX_BYTES = 256;
const KEPT_MODE = 0o600;
const PUBLISHED_MODE = 0o440;

/** Paths of files, each with the seed as a line of 64 hex digits. */
export interface NodeKeyPaths {
  /** Root's; its directory is made where it is missing. */
  readonly kept: string;
  /** The daemon's copy. */
  readonly published: string;
}

/** The part of the port that is needed here. */
export interface NodeKeyHost extends DirectoryHost {
  readonly files: Pick<Files, 'read' | 'write' | 'remove'>;
  randomBytes(count: number): Uint8Array;
}

/** A node, and its signature under bytes. */
export interface NodeIdentity {
  /** Its id. */
  readonly node: string;
  /** 64 hex digits. */
  readonly publicKey: string;
  /** The id of that, in signatures. */
  readonly key: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/** The seed in a file; `undefined` when there is none. @throws Error when the file cannot be read, or is something else. */
export function readSeed(files: Pick<Files, 'read'>, path: string): Uint8Array | undefined {
  const bytes = files.read(path, MAX_BYTES);
  if (!bytes) return undefined;
  const line = decodeUtf8(bytes).trim();
  if (!/^[0-9a-f]{64}$/.test(line)) throw new Error(`${path}: expected a line of 64 hex digits, the key of this node`);
  return fromHex(line);
}

/** The seed that root keeps, made when there is none. @throws Error (rejects) as `readSeed`, or when it cannot be kept. */
export async function keepNodeKey(host: NodeKeyHost, path: string): Promise<Uint8Array> {
  const known = readSeed(host.files, path);
  if (known) return known;
  const seed = host.randomBytes(SEED_BYTES);
  await writeWithDirectory(host, path, lineOf(seed), KEPT_MODE);
  return seed;
}

/**
 * Hands the key to the daemon where it is wanted, and takes it back where it is not. A key that cannot be had is no reason not to start:
 * then there is no copy, and the daemon says so.
 */
export async function publishNodeKey(host: NodeKeyHost, paths: NodeKeyPaths, wanted: boolean): Promise<void> {
  try {
    if (wanted) {
      host.files.write(paths.published, lineOf(await keepNodeKey(host, paths.kept)), PUBLISHED_MODE);
      return;
    }
  } catch {
    // an older copy would be another node's, should the key have been made anew
  }
  host.files.remove(paths.published);
}

/** Who has this seed. */
export function identityOf(crypto: Crypto, seed: Uint8Array): NodeIdentity {
  const bytes = crypto.ed25519Public(seed);
  const publicKey = toHex(bytes);
  return {
    node: nodeIdOf((data) => crypto.sha512(data), bytes),
    publicKey,
    key: keyIdOf(publicKey),
    sign: (data) => crypto.ed25519Sign(seed, data),
  };
}

function lineOf(seed: Uint8Array): Uint8Array {
  return encodeUtf8(`${toHex(seed)}\n`);
}
