// Whether an address is one of the mesh, and whether it belongs to the node that announces it; and the ports that schemes imply.

/** Ports of what people offer at home. */
export const PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ftp: 21,
  ssh: 22,
  gemini: 1965,
  irc: 6667,
  ircs: 6697,
  mqtt: 1883,
  mumble: 64738,
  rtsp: 554,
};

/** The eight groups of an IPv6 address; empty: it is none. */
function groupsOf(address: string): number[] {
  const [head = [], tail, ...more] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (more.length > 0 || (tail ? missing < 1 : missing !== 0)) return [];
  const groups = [...head, ...new Array<string>(missing).fill('0'), ...(tail ?? [])];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : [];
}

/** Whether a host is an address of Yggdrasil's (200::/7). */
export function isMeshAddress(host: string): boolean {
  return groupsOf(host)[0]! >> 9 === 1;
}

/** Whether a host is a node itself or something in its own /64, which is the node's address with one bit set in the first group. */
export function belongsTo(host: string, address: string): boolean {
  const [own, its] = [groupsOf(address), groupsOf(host)];
  const differs = (length: number, bit: number): boolean =>
    own.slice(0, length).some((group, i) => (i === 0 ? group | bit : group) !== its[i]);
  return own.length > 0 && !(differs(8, 0) && differs(4, 0x100));
}
