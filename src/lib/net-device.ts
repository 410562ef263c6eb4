// What the kernel counts of network devices: /proc/net/dev, which anybody may read.

/** Packets of a device, of the text of that file; `undefined`: there is no such device. */
export function packetsOf(text: string, device: string): { rxPackets: number; txPackets: number } | undefined {
  const line = text.split('\n').find((one) => one.trimStart().startsWith(`${device}:`));
  const [, rxPackets, , , , , , , , txPackets] = line?.split(':')[1]?.trim().split(/\s+/) ?? [];
  return txPackets === undefined ? undefined : { rxPackets: Number(rxPackets), txPackets: Number(txPackets) };
}
