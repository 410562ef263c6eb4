// Files in memory.

import type { Files } from '../../src/transport/host.ts';

export class MemoryFiles implements Files {
  /** Content and mode by path; tests may change it as another program would. */
  readonly all = new Map<string, { bytes: Uint8Array; mode: number }>();
  /** Paths in the order in which they were written. */
  readonly writes: string[] = [];
  /** Called before each read. */
  onRead: ((path: string) => void) | undefined;

  read(path: string, maxBytes: number): Uint8Array | undefined {
    this.onRead?.(path);
    const file = this.all.get(path);
    if (!file) return undefined;
    if (file.bytes.length > maxBytes) throw new Error(`read ${path}: larger than ${maxBytes} bytes`);
    return file.bytes.slice();
  }

  write(path: string, bytes: Uint8Array, mode: number, keeps = false): void {
    this.writes.push(path);
    const old = keeps ? this.all.get(path) : undefined;
    this.all.set(path, { bytes: bytes.slice(), mode: old?.mode ?? mode });
  }

  list(path: string): string[] {
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const names = [...this.all.keys()].filter((p) => p.startsWith(prefix)).map((p) => p.slice(prefix.length));
    return [...new Set(names.map((name) => name.split('/')[0]!))].sort();
  }

  remove(path: string): void {
    this.all.delete(path);
  }
}
