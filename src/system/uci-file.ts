// One file of /etc/config, edited in place: everything that an edit does not name stays as it was, byte for byte.
//
// The file is handled as raw text, one character a byte, so that what is no UTF-8 in it stays as it is.

import { WireError } from '../errors.ts';
import { MAX_UCI_LENGTH, parseUci, UciError, type UciPackage } from '../lib/uci.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Files } from '../transport/host.ts';

/** The part of the port that is needed here. */
export type UciFiles = Pick<Files, 'read' | 'write' | 'list' | 'remove'>;

/** As uci makes new files; these hold keys and passwords, and those who read them (netifd, fw4, rpcd, uci) are root. */
const MODE = 0o600;
/** Edits that start again because another program wrote meanwhile. */
const MAX_ATTEMPTS = 5;

/** A file of a directory. Its methods throw Error when it cannot be read, and WireError, quoting nothing of it, when it is no UCI file. */
export class UciFile {
  readonly path: string;

  constructor(
    private readonly files: UciFiles,
    private readonly directory: string,
    private readonly name: string,
  ) {
    this.path = `${directory}/${name}`;
  }

  /** Its tree, whose values are raw; `undefined` when there is no file. */
  read(): UciPackage | undefined {
    const text = this.readText();
    return text === undefined ? undefined : this.parse(text);
  }

  /** Its raw text; `undefined` when there is no file. */
  readText(): string | undefined {
    const bytes = this.files.read(this.path, MAX_UCI_LENGTH);
    return bytes && rawText(bytes);
  }

  /**
   * Replaces the file by what `change` makes of its raw text; a file that is missing is made. What another program wrote since is looked for
   * right before writing. uci's lock would be no help: it is on the file that is replaced, libuci lets go of it before it renames, and who
   * waited for it goes on with the file that is gone.
   * @returns whether it wrote.
   */
  edit(change: (text: string, tree: UciPackage) => string): boolean {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = this.files.read(this.path, MAX_UCI_LENGTH);
      const text = before ? rawText(before) : '';
      const result = change(text, this.parse(text));
      if (result === text) return false;
      if (!sameBytes(before, this.files.read(this.path, MAX_UCI_LENGTH))) continue;
      this.removeLeftovers();
      // a daemon without root may read its own, where that is no file of uci's
      this.files.write(this.path, rawBytes(result), MODE, true);
      return true;
    }
    throw new Error(`${this.path}: expected it to rest while it is edited, it changed ${MAX_ATTEMPTS} times`);
  }

  /** Those that were killed while they wrote leave secrets behind. Only one helper writes at a time. */
  removeLeftovers(): void {
    const leftover = new RegExp(`^${this.name}~[A-Za-z0-9]{6}$`);
    for (const name of this.files.list(this.directory))
      if (leftover.test(name)) this.files.remove(`${this.directory}/${name}`);
  }

  private parse(text: string): UciPackage {
    try {
      return parseUci(text);
    } catch (error) {
      if (!(error instanceof UciError)) throw error;
      // its message may quote a secret
      const where = `line ${error.line}, column ${error.column}`;
      throw new WireError(`${this.path}: expected a UCI file, it has an error in ${where}`, -1, { cause: error });
    }
  }
}

/** A text as the raw text that its bytes are. */
export function toRaw(text: string): string {
  return rawText(encodeUtf8(text));
}

/** The text of raw text; what is no UTF-8 becomes U+FFFD. */
export function fromRaw(text: string): string {
  return decodeUtf8(rawBytes(text));
}

const CHUNK = 1024;

function rawText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += String.fromCharCode.apply(null, [...bytes.subarray(at, at + CHUNK)]);
  return text;
}

function rawBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (!a || !b) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
