// Makes executables smaller than strip does: what no kernel loads goes, the table of sections included. Layout: elf(5).

import { readFileSync, writeFileSync } from 'node:fs';

/** Offsets of fields in the header of the file and in those of its segments, for 32 and 64 bits. */
const CLASSES = {
  1: { wordBytes: 4, phoff: 28, shoff: 32, phentsize: 42, offset: 4, filesz: 16 },
  2: { wordBytes: 8, phoff: 32, shoff: 40, phentsize: 54, offset: 8, filesz: 32 },
} as const;
const MAGIC = 0x7f454c46;

/** The bytes of an ELF executable up to the end of its last segment, without sections. @throws Error when it is none */
export function withoutSections(executable: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = executable;
  const view = new DataView(buffer, byteOffset, length);
  const layout = length > 64 && view.getUint32(0) === MAGIC ? CLASSES[view.getUint8(4) as 1 | 2] : undefined;
  if (!layout) throw new Error('expected an ELF executable');
  const isLittle = view.getUint8(5) === 1;
  const word = (at: number): number =>
    layout.wordBytes === 4 ? view.getUint32(at, isLittle) : Number(view.getBigUint64(at, isLittle));
  const first = word(layout.phoff);
  const size = view.getUint16(layout.phentsize, isLittle);
  const count = view.getUint16(layout.phentsize + 2, isLittle);
  let end = first + count * size;
  for (let at = first; at < first + count * size; at += size)
    end = Math.max(end, word(at + layout.offset) + word(at + layout.filesz));
  const kept = executable.slice(0, end);
  kept.fill(0, layout.shoff, layout.shoff + layout.wordBytes);
  // e_shnum and e_shstrndx
  kept.fill(0, layout.phentsize + 6, layout.phentsize + 10);
  return kept;
}

/** Applies `withoutSections` to a file. @throws Error */
export function dropSections(path: string): void {
  writeFileSync(path, withoutSections(readFileSync(path)));
}
