// What LuCI's types of values let pass, as far as our forms use them, and what it says of the rest.
// Source: luci-base, resources/validation.js.

interface Type {
  /** @param args of a type with arguments. */
  fits(value: string, args: readonly number[]): boolean;
  expected(args: readonly number[], value: string): string;
}

function number(value: string, pattern: RegExp): number {
  return pattern.test(value) ? Number(value) : Number.NaN;
}
const integer = (value: string): number => number(value, /^-?\d+$/);
const decimal = (value: string): number => number(value, /^-?\d+(\.\d+)?$/);

function isIPv4(value: string): boolean {
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(value) && value.split('.').every((part) => Number(part) <= 255);
}

function isIPv6(value: string): boolean {
  const [, head, v4] = /^([0-9a-fA-F:]+:)(\d[\d.]+)$/.exec(value) ?? [];
  if (v4 !== undefined) return isIPv4(v4) && isIPv6(`${head}0:0`);
  const halves = value.split('::');
  if (!/^[0-9a-fA-F:]+$/.test(value) || halves.length > 2) return false;
  const [left, right] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...left!, ...(right ?? [])];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return right === undefined ? groups.length === 8 : groups.length <= 7;
}

function withPrefix(value: string, isAddress: (text: string) => boolean, most: number): boolean {
  const [, address, prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  return address !== undefined && isAddress(address) && (prefix === undefined || Number(prefix) <= most);
}
const isIPv4Net = (value: string): boolean => {
  const [address, mask, ...more] = value.split('/');
  return withPrefix(value, isIPv4, 32) || (more.length === 0 && isIPv4(address!) && isIPv4(mask ?? ''));
};
const isIPv6Net = (value: string): boolean => withPrefix(value, isIPv6, 128);

function isHostname(value: string): boolean {
  if (value.length > 253) return false;
  return /^\w+$/.test(value) || (/^\w[\w\-.]*[a-zA-Z0-9]\.?$/.test(value) && /[^0-9.]/.test(value));
}

function byteLength(value: string): number {
  return new Blob([value]).size;
}

const TYPES: Record<string, Type> = {
  string: { fits: () => true, expected: () => '' },
  integer: { fits: (v) => !Number.isNaN(integer(v)), expected: () => 'valid integer value' },
  uinteger: { fits: (v) => integer(v) >= 0, expected: () => 'positive integer value' },
  port: { fits: (v) => integer(v) >= 0 && integer(v) <= 65_535, expected: () => 'valid port value' },
  host: {
    fits: (v) => isHostname(v) || isIPv4(v) || isIPv6(v),
    expected: () => 'valid hostname or IP address',
  },
  hostname: { fits: isHostname, expected: () => 'valid hostname' },
  ipaddr: { fits: (v) => isIPv4Net(v) || isIPv6Net(v), expected: () => 'valid IP address or prefix' },
  ip4addr: { fits: isIPv4Net, expected: () => 'valid IPv4 address or network' },
  ip6addr: { fits: isIPv6Net, expected: () => 'valid IPv6 address or prefix' },
  uciname: { fits: (v) => /^[a-zA-Z0-9_]+$/.test(v), expected: () => 'valid UCI identifier' },
  netdevname: {
    fits: (v) => /^[^:/%\s]{1,15}$/.test(v) && v !== '.' && v !== '..',
    expected: (_args, v) =>
      /^\.\.?$/.test(v)
        ? 'valid network device name, not "." or ".."'
        : 'valid network device name between 1 and 15 characters not containing ":", "/", "%" or spaces',
  },
  range: {
    fits: (v, [min, max]) => decimal(v) >= min! && decimal(v) <= max!,
    expected: ([min, max]) => `value between ${min} and ${max}`,
  },
  min: { fits: (v, [min]) => decimal(v) >= min!, expected: ([min]) => `value greater or equal to ${min}` },
  max: { fits: (v, [max]) => decimal(v) <= max!, expected: ([max]) => `value smaller or equal to ${max}` },
  maxlength: {
    fits: (v, [most]) => byteLength(v) <= most!,
    expected: ([most]) => `value with at most ${most} characters`,
  },
  rangelength: {
    fits: (v, [least, most]) => byteLength(v) >= least! && byteLength(v) <= most!,
    expected: ([least, most]) => `value between ${least} and ${most} characters`,
  },
};

/** What is wrong with a value that is not empty; `undefined`: nothing. @throws Error on a type that is not there */
export function faultOf(datatype: string, value: string): string | undefined {
  const [, name, list] = /^(\w+)(?:\(([^)]*)\))?$/.exec(datatype) ?? [];
  const type = TYPES[name ?? ''];
  if (!type) throw new Error(`this stand-in has no datatype ${datatype}`);
  const args = list === undefined ? [] : list.split(',').map(Number);
  return type.fits(value, args) ? undefined : `Expecting: ${type.expected(args, value)}`;
}
