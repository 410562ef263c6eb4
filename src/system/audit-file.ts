// Keeps the log of what operators did, on flash: in pieces, so that an entry costs no more than the newest of them, and the oldest can go.

import { errorText } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { AuditLine, AuditStore } from '../mesh/audit.ts';
import type { Files } from '../transport/host.ts';

/** A piece is full when it has so many bytes, about a page of flash, for an entry costs the piece that it is in; an entry has 26 KB at most. */
const FULL_BYTES = 2048;
const MAX_PIECE_BYTES = 65_536;
/** Pieces that are kept. */
const MAX_PIECES = 128;
/** Entries that they can hold: none has less than 100 bytes. */
export const AUDIT_ENTRIES = MAX_PIECES * 25;
const PIECE = /^audit-(\d{6})\.log$/;
const MODE = 0o600;
const UNREADABLE = '?';

/** The pieces, in a directory that may hold other files, too. */
export class AuditFile implements AuditStore {
  private numbers: number[] = [];
  /** Text of the newest piece; `undefined`: it cannot be read, and is left as it is. */
  private text: string | undefined;

  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'list' | 'remove'>,
    private readonly directory: string,
    private readonly log: Log,
  ) {}

  /** What cannot be read stands as one line that fits nothing: the chain is broken there, and the gateway goes on. */
  load(): AuditLine[] {
    this.numbers = this.files
      .list(this.directory)
      .flatMap((name) => Number(PIECE.exec(name)?.[1] ?? Number.NaN))
      .filter((number) => !Number.isNaN(number))
      .sort((a, b) => a - b);
    const lines: AuditLine[] = [];
    for (const number of this.numbers) {
      try {
        const bytes = this.files.read(this.path(number), MAX_PIECE_BYTES);
        this.text = bytes ? decodeUtf8(bytes) : '';
        lines.push(...this.text.split('\n').filter((line) => line !== ''));
      } catch (error) {
        this.log.error('a piece of the log of what was decided is not read', { error: errorText(error) });
        this.text = undefined;
        lines.push(UNREADABLE);
      }
    }
    return lines;
  }

  append(line: AuditLine): void {
    const last = this.numbers.at(-1);
    const kept = this.text !== undefined && this.text.length < FULL_BYTES ? this.text : '';
    const isNew = last === undefined || kept === '';
    const number = isNew ? (last ?? 0) + 1 : last;
    const text = `${kept}${line}\n`;
    this.files.write(this.path(number), encodeUtf8(text), MODE);
    // only now, for what was not written does not count
    this.text = text;
    if (!isNew) return;
    this.numbers.push(number);
    while (this.numbers.length > MAX_PIECES) this.files.remove(this.path(this.numbers.shift()!));
  }

  private path(number: number): string {
    return `${this.directory}/audit-${String(number).padStart(6, '0')}.log`;
  }
}
