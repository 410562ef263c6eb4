// The index of a feed: what `opkg update` fetches to know which packages there are, and believes if the signature fits.

import { createHash } from 'node:crypto';
import { gzipFile } from './gzip.ts';
import { type SecretKey, signMessage } from './usign.ts';

/** An ipk file of a feed. */
export interface FeedEntry {
  /** Name of the file, in the directory of the feed. */
  file: string;
  /** Text of its control file. */
  control: string;
  bytes: Uint8Array;
}

/** Fields that only the full list has. */
const LEFT_OUT = /^(?:Maintainer|LicenseFiles|Source|Require).*\n/gm;

function record({ file, control, bytes }: FeedEntry): string {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const found = `Filename: ${file}\nSize: ${bytes.length}\nSHA256sum: ${sha256}\n`;
  if (!/^Description:/m.test(control)) throw new Error(`${file}: its control file has no Description`);
  return `${control.replace(/^Description:/m, `${found}$&`)}\n`;
}

/** Signatures by older usigns of a text of such a length do not verify. Source: OpenWrt's package/Makefile. */
function pad(text: string): string {
  const rest = (64 + Buffer.byteLength(text)) % 128;
  return rest === 110 || rest === 111 ? `${text}\n\n` : text;
}

/** The files of the index, by name: `Packages.manifest` in full, `Packages`, the same compressed, and the signature of `Packages`. */
export function encodeFeed(entries: readonly FeedEntry[], key: SecretKey): Map<string, Uint8Array> {
  const sorted = [...entries].sort((a, b) => (a.file < b.file ? -1 : 1));
  const manifest = sorted.map(record).join('');
  const packages = Buffer.from(pad(manifest.replace(LEFT_OUT, '')));
  return new Map<string, Uint8Array>([
    ['Packages.manifest', Buffer.from(manifest)],
    ['Packages', packages],
    ['Packages.gz', gzipFile(packages)],
    ['Packages.sig', Buffer.from(signMessage(packages, key))],
  ]);
}
