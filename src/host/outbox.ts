// Bytes that wait for a descriptor to take them, in order.

import type { Native } from './native.ts';

/** Written chunks are forgotten in batches: taking the first off an array moves all the others. */
const BATCH = 64;

/** The queue of one descriptor; whoever fills it bounds it. */
export class Outbox {
  private chunks: Uint8Array[] = [];
  /** Chunks written, and bytes written of the one after them. */
  private written = 0;
  private offset = 0;
  private waiting = 0;

  /** Bytes that wait. */
  get bytes(): number {
    return this.waiting;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.chunks.push(bytes);
    this.waiting += bytes.length;
  }

  clear(): void {
    this.chunks = [];
    this.written = this.offset = this.waiting = 0;
  }

  /** Writes what the descriptor takes. True: nothing waits any more. @throws Error as `native.write` does. */
  flush(native: Pick<Native, 'write'>, fd: number): boolean {
    while (this.waiting > 0) {
      const chunk = this.chunks[this.written]!;
      const start = chunk.byteOffset + this.offset;
      const taken = native.write(fd, chunk.buffer as ArrayBuffer, start, chunk.length - this.offset);
      if (taken === 0) break;
      this.waiting -= taken;
      this.offset += taken;
      if (this.offset === chunk.length) {
        this.written++;
        this.offset = 0;
      }
    }
    if (this.waiting === 0) this.clear();
    else if (this.written >= BATCH) {
      this.chunks.splice(0, this.written);
      this.written = 0;
    }
    return this.waiting === 0;
  }
}
