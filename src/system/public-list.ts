// The list of public peers that root keeps, and the copy of it that the daemon may read.
//
// One that was handed in goes before one that a package brought. Either is checked and made short first; what the daemon gets is in a
// directory where it can replace nothing (see published-config.ts).

import { InputError } from '../errors.ts';
import { formatPublicPeers, MAX_KEPT_BYTES, parsePublicPeers } from '../lib/public-peers.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Files, Processes } from '../transport/host.ts';
import { writeWithDirectory } from './directory.ts';

/** A package may bring the public list as it is. */
const MAX_DELIVERED_BYTES = 1_000_000;
const KEPT_MODE = 0o644;
const PUBLISHED_MODE = 0o440;

/** Paths of files. */
export interface PublicListPaths {
  /** What was handed in; its directory is made where it is missing. */
  kept: string;
  /** What a package brought, if any. */
  delivered: string;
  /** The daemon's copy. */
  published: string;
}

/** The part of the port that is needed here. */
export interface PublicListHost {
  readonly files: Pick<Files, 'read' | 'write' | 'remove'>;
  readonly processes: Processes;
}

/**
 * Keeps a list, the text of publicnodes.json, in place of the one before, and hands it to the daemon; an empty text removes both.
 * @returns how many of its entries can be measured.
 * @throws InputError (field `list`) when it is no list, when none can be measured, or when it is too long; Error of the files.
 */
export async function keepPublicList(host: PublicListHost, paths: PublicListPaths, text: string): Promise<number> {
  const { files } = host;
  if (text.trim() === '') {
    files.remove(paths.kept);
    files.remove(paths.published);
    return 0;
  }
  const { bytes, count } = shorten(text);
  if (count === 0) throw new InputError('list: expected a peer of tcp, tls, ws or wss that is up, got none', 'list');
  await writeWithDirectory(host, paths.kept, bytes, KEPT_MODE);
  files.write(paths.published, bytes, PUBLISHED_MODE);
  return count;
}

/** Hands the daemon the list that there is; where there is none that does, there will be no copy. @throws Error of the files. */
export function publishPublicList(
  files: PublicListHost['files'],
  { kept, delivered, published }: PublicListPaths,
): void {
  const bytes = usable(files, kept, MAX_KEPT_BYTES) ?? usable(files, delivered, MAX_DELIVERED_BYTES);
  if (bytes) files.write(published, bytes, PUBLISHED_MODE);
  else files.remove(published);
}

/** A file is no reason not to start: one that cannot be used counts as missing. */
function usable(files: Pick<Files, 'read'>, path: string, maxBytes: number): Uint8Array | undefined {
  try {
    const bytes = files.read(path, maxBytes);
    return bytes && shorten(decodeUtf8(bytes)).bytes;
  } catch {
    return undefined;
  }
}

function shorten(text: string): { bytes: Uint8Array; count: number } {
  const peers = parsePublicPeers(text);
  const bytes = encodeUtf8(formatPublicPeers(peers));
  if (bytes.length <= MAX_KEPT_BYTES) return { bytes, count: peers.length };
  throw new InputError(`list: expected at most ${MAX_KEPT_BYTES} bytes of addresses, got ${bytes.length}`, 'list');
}
