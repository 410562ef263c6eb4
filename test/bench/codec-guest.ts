// What our codec costs on the C host, next to mqtt-packet on the same engine. Its command line: whose codec, and how many messages; prints `ms`
// for all of them as one line of JSON. A message is a PUBLISH of MQTT 5 that is encoded, and decoded as it would come from a broker.

import { generate, parser, writeToStream } from 'mqtt-packet';
import native from 'native';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { PacketReader } from '../../src/mqtt/decode.ts';
import { encodePublish } from '../../src/mqtt/encode.ts';
import type { Packet } from '../../src/mqtt/packet.ts';

const PAYLOAD_BYTES = 500;
const TOPIC = 'mb/1/elm-street/abcdefghij234/state';
const EXPIRY_S = 604_800;
const MAX_PACKET = 16_384;

/** Encodes and decodes one message with this packet id; answers the bytes of its payload. */
type Codec = (id: number) => number;

function ours(): Codec {
  const payload = encodeUtf8('7'.repeat(PAYLOAD_BYTES));
  const reader = new PacketReader(5, MAX_PACKET);
  let last: Packet | undefined;
  const take = (packet: Packet): void => {
    last = packet;
  };
  return (id) => {
    const properties = { messageExpiryS: EXPIRY_S };
    reader.push(encodePublish({ topic: TOPIC, payload, qos: 1, retain: true, dup: false, id, properties }, 5), take);
    return last && 'payload' in last && last.id === id ? last.payload.length : 0;
  };
}

/** Its types speak of Node's Buffer; on the engine, the package `buffer` stands for that. */
function theirs(): Codec {
  // it keeps a buffer of each number of 16 bits otherwise, more than a router's heap holds
  writeToStream.cacheNumbers = false;
  const payload = generate({ cmd: 'pingreq' }).constructor as unknown as {
    from(text: string): Parameters<ReturnType<typeof parser>['parse']>[0];
  };
  const text = payload.from('7'.repeat(PAYLOAD_BYTES));
  const options = { protocolVersion: 5 as const };
  const reader = parser(options);
  let found = 0;
  let foundId: number | undefined;
  reader.on('packet', (packet) => {
    foundId = packet.messageId;
    found = packet.cmd === 'publish' ? packet.payload.length : 0;
  });
  return (messageId) => {
    const properties = { messageExpiryInterval: EXPIRY_S };
    const packet = { cmd: 'publish', topic: TOPIC, payload: text, qos: 1, retain: true, dup: false } as const;
    reader.parse(generate({ ...packet, messageId, properties }, options));
    return foundId === messageId ? found : 0;
  };
}

const [whose, times = '1'] = native.args();
const codec = whose === 'ours' ? ours() : theirs();
const count = Number(times);
function pass(messages: number): void {
  for (let i = 0; i < messages; i++)
    if (codec(1 + (i % 60_000)) !== PAYLOAD_BYTES) throw new Error(`${whose}: another message came out than went in`);
}

// what is made at the first message alone does not count
pass(1);
const begunMs = native.monotonicMs();
pass(count);
native.print(`${JSON.stringify({ ms: native.monotonicMs() - begunMs })}\n`);
native.exit(0);
