// Fuzz targets of the MQTT decoder: any bytes are packets or end in a WireError, whatever chunks they come in.

import { WireError } from '../../src/errors.ts';
import { joinBytes, toHex } from '../../src/lib/bytes.ts';
import { PacketReader } from '../../src/mqtt/decode.ts';
import type { Version } from '../../src/mqtt/packet.ts';
import { bytesOf, PACKETS } from '../fixtures/mqtt/packets.ts';

const MAX_BYTES = 512;

/** Packets of both versions, each alone and all in a row. */
export function mqttCorpus(): Uint8Array[] {
  const packets = PACKETS.map(([, , hex]) => bytesOf(hex));
  return [...packets, joinBytes(packets)];
}

/** Packets found in one chunk, and in chunks whose sizes the bytes give. */
function runStream(version: Version, bytes: Uint8Array): void {
  const found = (sizes: (at: number) => number): string => {
    const texts: string[] = [];
    const reader = new PacketReader(version, MAX_BYTES);
    try {
      for (let at = 0; at < bytes.length; ) {
        const end = at + sizes(at);
        reader.push(bytes.subarray(at, end), (packet) => {
          if ('payload' in packet && packet.payload.length > MAX_BYTES) throw new Error(`too long: ${toHex(bytes)}`);
          texts.push(JSON.stringify(packet));
        });
        at = end;
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      texts.push(error.message);
    }
    return texts.join();
  };
  if (found(() => bytes.length) !== found((at) => 1 + (bytes[at]! & 15)))
    throw new Error(`packets depend on chunks: ${toHex(bytes)}`);
}

/** What `npm run fuzz` runs; each throws on a defect. */
export const targets: { name: string; run(bytes: Uint8Array): void }[] = [
  { name: 'mqtt 5 stream', run: (bytes) => runStream(5, bytes) },
  { name: 'mqtt 3.1.1 stream', run: (bytes) => runStream(4, bytes) },
];
