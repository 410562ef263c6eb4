// Keeps who had which addresses when, in small pieces beside what was decided on homes.

import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { LeaseLogStore, LeasePiece } from '../mesh/lease-log.ts';
import type { Files } from '../transport/host.ts';

const PIECE = /^held-(\d{5})-(\d{4})\.log$/;
const MAX_BYTES = 65_536;
const MODE = 0o600;

/** The pieces, in a directory that may hold other files, too. */
export class LeaseLogFile implements LeaseLogStore {
  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'list' | 'remove'>,
    private readonly directory: string,
  ) {}

  pieces(): LeasePiece[] {
    return this.files.list(this.directory).flatMap((name) => {
      const [, day, number] = PIECE.exec(name) ?? [];
      return day === undefined ? [] : [{ day: Number(day), number: Number(number) }];
    });
  }

  read(piece: LeasePiece): string {
    const bytes = this.files.read(this.path(piece), MAX_BYTES);
    return bytes ? decodeUtf8(bytes) : '';
  }

  write(piece: LeasePiece, text: string): void {
    this.files.write(this.path(piece), encodeUtf8(text), MODE);
  }

  remove(piece: LeasePiece): void {
    this.files.remove(this.path(piece));
  }

  private path({ day, number }: LeasePiece): string {
    return `${this.directory}/held-${String(day).padStart(5, '0')}-${String(number).padStart(4, '0')}.log`;
  }
}
