// Fuzz targets of MQTT: any bytes are packets or end in a WireError, whatever chunks they come in, and no broker ends the client.

import { WireError } from '../../src/errors.ts';
import { joinBytes, toHex } from '../../src/lib/bytes.ts';
import { PacketReader } from '../../src/mqtt/decode.ts';
import type { Version } from '../../src/mqtt/packet.ts';
import { bytesOf, PACKETS } from '../fixtures/mqtt/packets.ts';
import { Played } from '../support/mqtt.ts';

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

/** A client that is greeted, publishes and listens: whatever comes, it goes on or drops the link, and keeps no timer after `stop`. */
function runClient(version: Version, bytes: Uint8Array): void {
  const it = new Played({ version });
  it.client.subscribe('a', 1);
  it.greet({ ...(version === 5 && { topicAliasMaximum: 2 }) });
  // with QoS 0: the run is synchronous, and promises would pile up in it
  it.client.publish({ topic: 'b', payload: bytes, qos: 0, alias: true });
  it.far.send(bytes);
  if (it.client.queuedBytes > 100_000) throw new Error(`too much waits: ${toHex(bytes)}`);
  it.client.stop();
  if (it.clock.pending > 0) throw new Error(`timers left behind: ${toHex(bytes)}`);
}

/** What `npm run fuzz` runs; each throws on a defect. */
export const targets: { name: string; run(bytes: Uint8Array): void }[] = [
  { name: 'mqtt 5 stream', run: (bytes) => runStream(5, bytes) },
  { name: 'mqtt 3.1.1 stream', run: (bytes) => runStream(4, bytes) },
  { name: 'mqtt 5 client', run: (bytes) => runClient(5, bytes) },
  { name: 'mqtt 3.1.1 client', run: (bytes) => runClient(4, bytes) },
];
