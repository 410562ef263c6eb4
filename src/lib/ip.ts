// IPv4 and IPv6 addresses and prefixes as bytes and as text. Source of the text: RFC 4291, section 2.2, and RFC 5952.

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** Addresses that have their first bits in common. */
export interface Prefix {
  /** 4 or 16 of them, those past `length` bits are zero. */
  readonly bytes: Uint8Array;
  /** Bits that count. */
  readonly length: number;
}

/** 4 bytes of a dotted IPv4 address without leading zeros, 16 of an IPv6 address without zone; `undefined` of anything else. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** The text of 4 or 16 bytes; IPv6 in lower case, its longest run of zeros as `::`. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at]! << 8) | bytes[at + 1]!).toString(16));
  const [from, to] = longestZeros(groups);
  return to - from < 2 ? groups.join(':') : `${groups.slice(0, from).join(':')}::${groups.slice(to).join(':')}`;
}

/** The one way to write an address, so that texts can be compared; `undefined` of what is none. */
export function canonicalIp(text: string): string | undefined {
  const bytes = parseIp(text);
  return bytes && formatIp(bytes);
}

/** `address/length`, or an address alone, which is a prefix of all its bits; `undefined` where bits past the length are set. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address = '', bits, more] = text.split('/');
  const bytes = parseIp(address);
  if (!bytes || more !== undefined || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined;
  const length = bits === undefined ? bytes.length * 8 : Number(bits);
  if (length > bytes.length * 8) return undefined;
  const prefix = { bytes, length };
  return bytes.some((byte, at) => (byte & ~maskAt(prefix, at)) !== 0) ? undefined : prefix;
}

/** The text of a prefix, as `parsePrefix` reads it. */
export function formatPrefix({ bytes, length }: Prefix): string {
  return `${formatIp(bytes)}/${length}`;
}

/** Whether an address belongs to a prefix; one of the other family never does. */
export function inPrefix(address: Uint8Array, prefix: Prefix): boolean {
  return (
    address.length === prefix.bytes.length &&
    address.every((byte, at) => (byte & maskAt(prefix, at)) === prefix.bytes[at])
  );
}

/** How many addresses a prefix holds, but at most `most`. */
export function countOf({ bytes, length }: Prefix, most: number): number {
  const bits = bytes.length * 8 - length;
  return bits > 30 ? most : Math.min(most, 2 ** bits);
}

/** The address of a number, the first one of a prefix being 0. @throws RangeError past its end. */
export function addressAt(prefix: Prefix, index: number): Uint8Array {
  if (!(index >= 0 && index < countOf(prefix, 2 ** 31)))
    throw new RangeError(`address ${index}: past the end of ${formatPrefix(prefix)}`);
  const bytes = prefix.bytes.slice();
  let rest = index;
  for (let at = bytes.length - 1; rest > 0; at--) {
    bytes[at]! |= rest & 255;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

function maskAt({ length }: Prefix, at: number): number {
  const bits = Math.max(0, Math.min(8, length - 8 * at));
  return (0xff00 >> bits) & 255;
}

function parseV4(text: string): Uint8Array | undefined {
  const parts = V4.exec(text)?.slice(1);
  // `010` is eight to some and ten to others
  if (!parts || parts.some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith('0')))) return undefined;
  return Uint8Array.from(parts, Number);
}

function parseV6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  let whole = text;
  const dotted = text.slice(text.lastIndexOf(':') + 1);
  if (dotted.includes('.')) {
    const last = parseV4(dotted);
    if (!last) return undefined;
    const hex = (at: number): string => ((last[at]! << 8) | last[at + 1]!).toString(16);
    whole = `${text.slice(0, -dotted.length)}${hex(0)}:${hex(2)}`;
  }
  const halves = whole.split('::');
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  if (!head || halves.length > 2) return undefined;
  const given = head.length + (tail?.length ?? 0);
  if (tail ? given > 7 : given !== 8) return undefined;
  const groups = tail ? [...head, ...Array<string>(8 - given).fill('0'), ...tail] : head;
  if (!groups.every((group) => GROUP.test(group))) return undefined;
  const bytes = new Uint8Array(16);
  groups.forEach((group, at) => {
    const value = Number.parseInt(group, 16);
    bytes[2 * at] = value >> 8;
    bytes[2 * at + 1] = value & 255;
  });
  return bytes;
}

/** The first of the longest runs of zero groups, from and to. */
function longestZeros(groups: readonly string[]): [number, number] {
  let best: [number, number] = [0, 0];
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (groups[to] === '0') to++;
    if (to - from > best[1] - best[0]) best = [from, to];
  }
  return best;
}
