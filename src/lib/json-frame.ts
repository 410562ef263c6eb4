// Finds the JSON objects and arrays in a stream of bytes that has no lengths and no separators.
//
// Only nesting and strings are looked at; whether a frame is JSON is for the parser to say. Engines without a JIT spend about 50 ns on
// each step of a loop, so the search steps from mark to mark (quote or bracket) by `indexOf` and never from byte to byte.

import { WireError } from '../errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const BRACKETS = [OPEN_BRACE, 0x7d, OPEN_BRACKET, 0x5d] as const;

const EMPTY = new Uint8Array(0);

export interface JsonFramerOptions {
  /** Largest frame, bytes. */
  maxBytes: number;
  /** Deepest nesting; default 64. */
  maxDepth?: number;
}

/** Cuts a byte stream into JSON objects and arrays; any white space may stand between them. After a throw it is of no more use. */
export class JsonFramer {
  /** The frame that is not complete lies in `pending[0, pendingBytes)`; the array grows by doubling. */
  private pending = EMPTY;
  private pendingBytes = 0;
  private depth = 0;
  private inString = false;
  /** Inside a string: the bytes so far end in an odd number of backslashes. */
  private escaped = false;
  /** Bytes of the stream before the present chunk, for error offsets. */
  private passed = 0;
  private readonly maxDepth: number;

  constructor(private readonly options: JsonFramerOptions) {
    this.maxDepth = options.maxDepth ?? 64;
  }

  /** A frame has begun and is not complete. */
  get inFrame(): boolean {
    return this.depth > 0;
  }

  /**
   * Takes the next bytes and answers the frames that they complete, in order; a frame may share memory with `bytes`.
   * @throws WireError on anything but white space between frames, on a frame that is too large and on one nested too deeply; offsets count from the start of the stream.
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    const marks = new Marks(bytes);
    let at = 0;
    while (at < bytes.length) {
      if (this.depth === 0) {
        at = this.skipSpace(bytes, at);
        if (at === bytes.length) break;
      }
      const room = this.options.maxBytes - this.pendingBytes;
      const end = this.findEnd(bytes, at, at + room, marks);
      const part = bytes.subarray(at, end);
      if (part.length > room)
        throw new WireError(
          `json: frame too large, expected at most ${this.options.maxBytes} bytes`,
          this.passed + at + room,
        );
      if (this.depth > 0) this.keep(part);
      else if (this.pendingBytes === 0) frames.push(part);
      else {
        this.keep(part);
        frames.push(this.pending.subarray(0, this.pendingBytes));
        this.pending = EMPTY;
        this.pendingBytes = 0;
      }
      at = end;
    }
    this.passed += bytes.length;
    return frames;
  }

  private keep(part: Uint8Array): void {
    const total = this.pendingBytes + part.length;
    if (total > this.pending.length) {
      const grown = new Uint8Array(Math.max(total, 2 * this.pending.length));
      grown.set(this.pending.subarray(0, this.pendingBytes));
      this.pending = grown;
    }
    this.pending.set(part, this.pendingBytes);
    this.pendingBytes = total;
  }

  private skipSpace(bytes: Uint8Array, from: number): number {
    let at = from;
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) break;
      if (byte !== 0x0a && byte !== 0x20 && byte !== 0x0d && byte !== 0x09)
        throw new WireError(
          `json: expected { or [, got byte 0x${byte.toString(16).padStart(2, '0')}`,
          this.passed + at,
        );
    }
    return at;
  }

  /** Where the frame ends, or the end of `bytes`; behind `limit`, where the frame is too large, any position. */
  private findEnd(bytes: Uint8Array, from: number, limit: number, marks: Marks): number {
    let at = from;
    for (;;) {
      if (this.inString) {
        at = this.skipString(bytes, at);
        if (this.inString) return at;
      }
      const quote = marks.quote(at);
      const bracket = marks.bracket(at);
      if (quote < bracket) {
        this.inString = true;
        at = quote + 1;
        continue;
      }
      if (bracket === bytes.length) return bracket;
      at = bracket + 1;
      const byte = bytes[bracket];
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (++this.depth <= this.maxDepth) continue;
        if (bracket >= limit) return at; // the first fault counts, however the bytes were cut
        throw new WireError(`json: nested deeper than ${this.maxDepth} levels`, this.passed + bracket);
      } else if (--this.depth === 0) return at;
    }
  }

  /** Goes on in a string that `bytes[from]` belongs to; answers where it ends, behind its quote. */
  private skipString(bytes: Uint8Array, from: number): number {
    let start = from;
    for (;;) {
      const quote = bytes.indexOf(QUOTE, start);
      const end = quote < 0 ? bytes.length : quote;
      let run = end;
      while (run > start && bytes[run - 1] === BACKSLASH) run--;
      const odd = (end - run) % 2 === 1;
      const escaped = run === start ? odd !== this.escaped : odd;
      if (quote < 0) {
        this.escaped = escaped;
        return end;
      }
      this.escaped = false;
      start = quote + 1;
      if (!escaped) {
        this.inString = false;
        return start;
      }
    }
  }
}

/** Where the next quote and the next bracket of a chunk are. Asked with growing positions, it searches each byte once a mark at most: linear whatever the content. */
class Marks {
  private nextQuote = -1;
  private nextBracket = -1;
  private readonly nextOf = BRACKETS.map(() => -1);

  constructor(private readonly bytes: Uint8Array) {}

  /** Position of the first quote not before `at`; the chunk's length when there is none. */
  quote(at: number): number {
    if (this.nextQuote < at) this.nextQuote = this.find(QUOTE, at);
    return this.nextQuote;
  }

  /** The same for any bracket. */
  bracket(at: number): number {
    if (this.nextBracket >= at) return this.nextBracket;
    let nearest = this.bytes.length;
    for (let i = 0; i < BRACKETS.length; i++) {
      if (this.nextOf[i]! < at) this.nextOf[i] = this.find(BRACKETS[i]!, at);
      if (this.nextOf[i]! < nearest) nearest = this.nextOf[i]!;
    }
    this.nextBracket = nearest;
    return nearest;
  }

  private find(byte: number, at: number): number {
    const found = this.bytes.indexOf(byte, at);
    return found < 0 ? this.bytes.length : found;
  }
}
