// Whether this machine's kernel runs programs of i386, which not every x86_64 does.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BASE = 0x10000;
const HEADER = 52;
const SEGMENT = 32;
/** exit(0): mov eax, 1; xor ebx, ebx; int 0x80. */
const CODE = [0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80];

/** The smallest program there can be: it ends at once. Source: elf(5). */
function smallestProgram(): Uint8Array {
  const size = HEADER + SEGMENT + CODE.length;
  // this machine is little-endian, or it is none of those that are asked about
  const halves = (...values: number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer);
  const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
  return Buffer.concat([
    Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    // an executable, of i386; its entry
    ...[halves(2, 3), words(1, BASE + HEADER + SEGMENT, HEADER, 0, 0), halves(HEADER, SEGMENT, 1, 0, 0, 0)],
    // one segment that is loaded whole, to be read and run
    ...[words(1, 0, BASE, BASE, size, size, 5, 0x1000), Uint8Array.from(CODE)],
  ]);
}

/** Tries it. */
export function runsI386(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-i386-'));
  try {
    const path = join(directory, 'nothing');
    writeFileSync(path, smallestProgram(), { mode: 0o755 });
    return spawnSync(path).status === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
