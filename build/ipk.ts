// An ipk, the package file of opkg: a gzipped tar of `debian-binary`, `data.tar.gz` (the files) and `control.tar.gz` (what it is).

import { controlFiles } from './control.ts';
import { gzipFile } from './gzip.ts';
import type { Package } from './packages.ts';
import { encodeTar, type TreeEntry, treeEntries } from './tar.ts';

/** The files of a package, packed: the same for every architecture that they serve. */
export interface Data {
  /** `data.tar.gz`. */
  compressed: Uint8Array;
  /** Bytes of the archive within. */
  unpackedBytes: number;
}

/** Packs the files of a package. @param time Unix seconds that they bear. */
export function encodeData(files: readonly TreeEntry[], time: number): Data {
  const archive = encodeTar(treeEntries(files), time);
  return { compressed: gzipFile(archive), unpackedBytes: archive.length };
}

/** A package file. */
export interface Ipk {
  /** `<name>_<version>_<architecture>.ipk` */
  file: string;
  bytes: Uint8Array;
  /** Text of its control file. */
  control: string;
}

/**
 * Makes the package file for one architecture.
 * @param architecture as OpenWrt names it, or `all`.
 * @param time Unix seconds that everything in it bears.
 */
export function encodeIpk(pkg: Package, architecture: string, data: Data, time: number): Ipk {
  const texts = controlFiles(pkg, { architecture, installedBytes: data.unpackedBytes, time });
  const control = texts.map(
    ({ name, mode, text }): TreeEntry => ({ name: `/${name}`, mode, content: Buffer.from(text) }),
  );
  const parts: [string, Uint8Array][] = [
    ['./debian-binary', Buffer.from('2.0\n')],
    ['./data.tar.gz', data.compressed],
    ['./control.tar.gz', gzipFile(encodeTar(treeEntries(control), time))],
  ];
  return {
    file: `${pkg.name}_${pkg.version}_${architecture}.ipk`,
    bytes: gzipFile(
      encodeTar(
        parts.map(([name, content]) => ({ name, mode: 0o644, content })),
        time,
      ),
    ),
    control: texts.find(({ name }) => name === 'control')!.text,
  };
}
