// Keeps the list of what is decided on homes at all gateways of a group: the one that counts, and one that is to count, beside what was decided.

import { errorText } from '../errors.ts';
import { type HomeListHead, packHomes, partHash, readHead, readPart } from '../lib/home-list.ts';
import { JsonFields } from '../lib/json-field.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { HomeListStore, KeptList } from '../mesh/shared-homes.ts';
import type { Crypto, Files } from '../transport/host.ts';

const FILES = { list: 'group.json', next: 'group-next.json' } as const;
/** Of the parts of a list in one text. */
const MAX_BYTES = 2 * 1024 * 1024;
const MODE = 0o600;

/** The files; one that is broken is none, and is logged. */
export class HomeListFile implements HomeListStore {
  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'remove'>,
    private readonly directory: string,
    private readonly crypto: Pick<Crypto, 'sha512'>,
    private readonly log: Log,
  ) {}

  load(which: keyof typeof FILES): KeptList | undefined {
    const path = this.path(which);
    try {
      const bytes = this.files.read(path, MAX_BYTES);
      return bytes && this.readList(decodeUtf8(bytes));
    } catch (error) {
      this.log.error('list of homes not read', { path, error: errorText(error) });
      return undefined;
    }
  }

  save(which: keyof typeof FILES, list: KeptList | undefined): void {
    const path = this.path(which);
    if (!list) {
      this.files.remove(path);
      return;
    }
    const { homes, by, ...rest } = list;
    const parts = packHomes(homes);
    const head: HomeListHead = { ...rest, homes: homes.length, parts: parts.map((part) => this.hash(part)) };
    const lines = [JSON.stringify({ by, head }), ...parts.map((part) => decodeUtf8(part))];
    this.files.write(path, encodeUtf8(`${lines.join('\n')}\n`), MODE);
  }

  /** Lines: whose it is with its head, as it is signed, and its parts. @throws WireError */
  private readList(text: string): KeptList {
    const [first = '', ...parts] = text.trimEnd().split('\n');
    const fields = new JsonFields('list', JSON.parse(first));
    const { homes: count, parts: hashes, ...rest } = readHead(headText(JSON.parse(first)));
    const bytes = parts.map((part) => encodeUtf8(part));
    if (bytes.length !== hashes.length || bytes.some((part, at) => this.hash(part) !== hashes[at]))
      throw fields.fault('', 'the parts that its head names');
    const homes = bytes.flatMap(readPart);
    if (homes.length !== count) throw fields.fault('homes', `${count} of them`);
    return { ...rest, homes, by: fields.text('by', 64) };
  }

  private hash(part: Uint8Array): string {
    return partHash((bytes) => this.crypto.sha512(bytes), part);
  }

  private path(which: keyof typeof FILES): string {
    return `${this.directory}/${FILES[which]}`;
  }
}

/** A head as it is signed, of one as it is kept. */
function headText(value: { head?: unknown }): string {
  const { group, again, ...rest } = (value.head ?? {}) as Record<string, unknown>;
  return JSON.stringify({ ...rest, aud: { group }, ...(again === true && { again }) });
}
