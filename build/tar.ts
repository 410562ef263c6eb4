// Tar archives with GNU headers, which is what opkg reads without losing files: no pax records, a directory before what is in it.
//
// Header of 512 bytes, numbers in octal digits: name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8 (six digits, NUL, space;
// summed with spaces in its place), type 1 (0 file, 2 link, 5 directory), link target 100, magic "ustar  \0". Contents are padded to 512
// bytes; two empty blocks end the archive, which is padded to records of 10240. A longer name is the content of an entry of type L before
// its own, which has as much of it as fits. Source: GNU tar's manual, "Basic Tar Format".

const BLOCK = 512;
const RECORD = 20 * BLOCK;
const NAME_BYTES = 100;
/** Linux' limit for a path. */
const LONG_NAME_BYTES = 4096;

/** An entry of an archive. The owner is always root. */
export interface TarEntry {
  /** As the archive names it (`./etc/config/x`); of a directory with `/` at its end. */
  name: string;
  /** Permission bits. */
  mode: number;
  /** Bytes of a file, the target of a symbolic link, or neither for a directory. */
  content: Uint8Array | { link: string } | undefined;
}

function text(block: Buffer, at: number, bytes: number, value: string): void {
  if (Buffer.byteLength(value) > bytes)
    throw new Error(`tar: ${JSON.stringify(value)}: ${Buffer.byteLength(value)} bytes, at most ${bytes} fit`);
  block.write(value, at);
}

function octal(block: Buffer, at: number, bytes: number, value: number): void {
  const digits = value.toString(8);
  if (!Number.isInteger(value) || value < 0 || digits.length > bytes - 1)
    throw new Error(`tar: ${value}: expected a whole number of at most ${bytes - 1} octal digits`);
  block.write(digits.padStart(bytes - 1, '0'), at);
}

function header({ name, mode, content }: TarEntry, time: number, type?: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const isFile = content instanceof Uint8Array;
  Buffer.from(name).copy(block, 0, 0, NAME_BYTES);
  octal(block, 100, 8, mode);
  octal(block, 108, 8, 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, isFile ? content.length : 0);
  octal(block, 136, 12, time);
  block.fill(' ', 148, 156);
  block.write(type ?? (isFile ? '0' : content ? '2' : '5'), 156);
  if (content && !isFile) text(block, 157, NAME_BYTES, content.link);
  block.write('ustar  ', 257);
  octal(
    block,
    148,
    7,
    block.reduce((sum, byte) => sum + byte, 0),
  );
  block[154] = 0;
  return block;
}

/** What stands before an entry whose name its header has no room for. */
function longName(name: string): Uint8Array[] {
  const content = Buffer.from(`${name}\0`);
  if (content.length <= NAME_BYTES + 1) return [];
  if (content.length > LONG_NAME_BYTES)
    throw new Error(`tar: ${JSON.stringify(name)}: ${content.length - 1} bytes, at most ${LONG_NAME_BYTES - 1} fit`);
  return [header({ name: '././@LongLink', mode: 0o644, content }, 0, 'L'), content, padding(content.length, BLOCK)];
}

const padding = (size: number, unit: number): Buffer => Buffer.alloc((unit - (size % unit)) % unit);

/**
 * An archive of these entries, in this order.
 * @param time Unix seconds, the same for all.
 * @throws Error for a name, number or content that the format has no room for.
 */
export function encodeTar(entries: readonly TarEntry[], time: number): Buffer {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    parts.push(...longName(entry.name), header(entry, time));
    if (entry.content instanceof Uint8Array) parts.push(entry.content, padding(entry.content.length, BLOCK));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([...parts, padding(bytes, RECORD)]);
}

/** A file or link of a tree: an entry with an absolute path as its name. */
export type TreeEntry = TarEntry & { content: Uint8Array | { link: string } };

/** The entries of a tree from its files: `./` first, each directory (0755) before what it holds, sorted by name in each. */
export function treeEntries(files: readonly TreeEntry[]): TarEntry[] {
  const entries = new Map<string, TarEntry>([['./', { name: './', mode: 0o755, content: undefined }]]);
  for (const file of files) {
    const segments = file.name.split('/');
    for (let depth = 2; depth < segments.length; depth++) {
      const name = `.${segments.slice(0, depth).join('/')}/`;
      entries.set(name, { name, mode: 0o755, content: undefined });
    }
    entries.set(`.${file.name}`, { ...file, name: `.${file.name}` });
  }
  // By segment, as a walk that sorts each directory meets them: `a`, `a/b`, `a-b`.
  const key = (name: string): string => name.replace(/\/$/, '').replaceAll('/', '\0');
  return [...entries.values()].sort((a, b) => Buffer.compare(Buffer.from(key(a.name)), Buffer.from(key(b.name))));
}
