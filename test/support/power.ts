// A disk whose power fails: files over files in memory that stop for ever at the nth thing that they are about to do.

import type { Files } from '../../src/transport/host.ts';
import type { MemoryFiles } from './files.ts';

/** Where a write may be cut: nothing yet, half of the temporary file, all of it (after fsync, before rename), everything. */
const PARTS = [undefined, 0.5, 1] as const;

/** One stretch of power over a disk. */
export class PoweredFiles implements Files {
  /** Points that were passed. */
  passed = 0;
  private dead = false;

  /** @param lasts points that are passed before the power fails. */
  constructor(
    private readonly disk: MemoryFiles,
    private readonly lasts = Number.POSITIVE_INFINITY,
  ) {}

  /** Whether the power failed. */
  get isCut(): boolean {
    return this.dead;
  }

  read(path: string, maxBytes: number): Uint8Array | undefined {
    this.needPower();
    return this.disk.read(path, maxBytes);
  }

  write(path: string, bytes: Uint8Array, mode: number, keeps?: boolean): void {
    const temporary = `${path}~aB3d5f`;
    for (const part of PARTS)
      this.point(() => {
        if (part !== undefined) this.disk.write(temporary, bytes.subarray(0, Math.floor(bytes.length * part)), mode);
      });
    this.disk.remove(temporary);
    this.disk.write(path, bytes, mode, keeps);
    this.point(() => {});
  }

  list(path: string): string[] {
    this.needPower();
    return this.disk.list(path);
  }

  remove(path: string): void {
    this.point(() => {});
    this.disk.remove(path);
    this.point(() => {});
  }

  /** @param atCut what the disk still sees when it ends here. */
  private point(atCut: () => void): void {
    this.needPower();
    if (this.passed++ < this.lasts) return;
    this.dead = true;
    atCut();
    this.needPower();
  }

  private needPower(): void {
    if (this.dead) throw new Error('no power');
  }
}
