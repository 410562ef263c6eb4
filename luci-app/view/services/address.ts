// Where a service's URL leads: which host and port, and whether that is the node that announces it.

/** Where a URL leads. */
export interface Place {
  scheme: string;
  /** Without brackets. */
  host: string;
  /** Absent where neither the URL nor its scheme tells. */
  port?: number;
}

const PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ftp: 21,
  ssh: 22,
  sftp: 22,
  gemini: 1965,
  gopher: 70,
  irc: 6667,
  ircs: 6697,
  mqtt: 1883,
  mqtts: 8883,
  mumble: 64738,
  rtsp: 554,
  xmpp: 5222,
};

/** Where a URL leads that `isServiceUrl` takes. */
export function placeOf(url: string): Place {
  const [, scheme = '', bracketed, name = '', port] =
    /^([^:]+):\/\/(?:\[([^\]]*)\]|([^/:?#]*))(?::(\d+))?/.exec(url) ?? [];
  const known = scheme.toLowerCase();
  const number = port === undefined ? PORTS[known] : Number(port);
  return { scheme: known, host: bracketed ?? name, ...(number !== undefined && { port: number }) };
}

/** The eight groups of an IPv6 address; `undefined`: it is none. */
function groupsOf(address: string): number[] | undefined {
  const halves = address.split('::');
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return undefined;
  const groups = [...head, ...new Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...tail];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((g) => Number.parseInt(g, 16))
    : undefined;
}

/** Whether a host is an address of Yggdrasil's (200::/7). */
export function isMeshAddress(host: string): boolean {
  const first = groupsOf(host)?.[0];
  return first !== undefined && first >> 9 === 1;
}

/** Whether a host is a node itself or something in its own /64, which has the node's address with the lowest bit of the first byte set. */
export function belongsTo(host: string, address: string): boolean {
  const [a, b] = [groupsOf(host), groupsOf(address)];
  if (!a || !b) return false;
  if (a.every((group, i) => group === b[i])) return true;
  return a[0] === (b[0]! | 0x100) && a.slice(1, 4).every((group, i) => group === b[i + 1]);
}
