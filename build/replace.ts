// Writes build outputs whole, so that another program that builds the same reads the old one or the new one, and never half of either.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Puts a file in the place of `path`; leaves one that has the same content alone. @throws Error as the file system's */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const bytes = Buffer.from(content);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  mkdirSync(dirname(path), { recursive: true });
  const made = `${path}.${process.pid}`;
  try {
    writeFileSync(made, bytes);
    renameSync(made, path);
  } finally {
    rmSync(made, { force: true });
  }
}
