// Fuzz targets of the ubus decoders: any bytes either decode or end in a WireError, and what decodes survives being encoded again.

import { WireError } from '../../src/errors.ts';
import { fromHex, joinBytes, toHex } from '../../src/lib/bytes.ts';
import { decodeTable, encodeTable, type Value } from '../../src/ubus/blobmsg.ts';
import { decodeMessage, encodeMessage, FrameReader } from '../../src/ubus/message.ts';
import session from '../fixtures/ubus/session.json';
import { Ubusd } from '../support/ubusd.ts';

const frames = session.map(({ hex }) => fromHex(hex));
const tables = frames.flatMap((frame) => decodeMessage(frame).attributes.data ?? []);

/** Runs a decoder; `undefined` when it refused the bytes as it should. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** A captured sample, chosen and changed by the bytes: triples of position (two bytes) and new value. */
function mutated(samples: readonly Uint8Array[], bytes: Uint8Array): Uint8Array {
  const sample = samples[(bytes[0] ?? 0) % samples.length]!.slice();
  for (let i = 1; i + 2 < bytes.length; i += 3)
    sample[((bytes[i]! << 8) | bytes[i + 1]!) % sample.length] = bytes[i + 2]!;
  return sample;
}

function isSame(a: Value, b: Value): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return a === b || (Number.isNaN(a) && Number.isNaN(b));
  const names = Object.keys(a);
  const [left, right] = [a, b] as Record<string, Value>[];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSame(left![name]!, right![name]!))
  );
}

function runTable(bytes: Uint8Array): void {
  const table = decoded(() => decodeTable(bytes));
  if (table && !isSame(decodeTable(encodeTable(table)), table))
    throw new Error(`table changed by encoding: ${toHex(bytes)}`);
}

function runFrame(bytes: Uint8Array): void {
  const message = decoded(() => decodeMessage(bytes));
  if (!message) return;
  const again = encodeMessage(message);
  if (toHex(encodeMessage(decodeMessage(again))) !== toHex(again))
    throw new Error(`message changed by encoding: ${toHex(bytes)}`);
}

/** Frames found in one chunk, and in chunks whose sizes the bytes give. */
function runStream(bytes: Uint8Array): void {
  const found = (sizes: (at: number) => number): string => {
    const texts: string[] = [];
    const reader = new FrameReader();
    try {
      for (let at = 0; at < bytes.length; ) {
        const end = at + sizes(at);
        reader.push(bytes.subarray(at, end), (frame) => texts.push(toHex(frame)));
        at = end;
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      texts.push(error.message);
    }
    return texts.join();
  };
  if (found(() => bytes.length) !== found((at) => 1 + (bytes[at]! & 15)))
    throw new Error(`frames depend on chunks: ${toHex(bytes)}`);
}

/** A client that publishes and listens: whatever comes, it goes on or drops the link, and keeps no timer after `stop`. */
function runClient(bytes: Uint8Array): void {
  const ubusd = new Ubusd();
  ubusd.client.publish({ path: 'p', methods: { echo: { args: { 'msg?': 'string' }, handle: (args) => args } } });
  ubusd.client.listen('*', () => {});
  ubusd.connect();
  const [object, listener] = ubusd.take();
  ubusd.answer(object!, 0, { objectId: 0x90853354 });
  ubusd.answer(listener!, 0, { objectId: 0x4d569886 });
  ubusd.far.send(bytes);
  ubusd.client.stop();
  if (ubusd.clock.pending > 0) throw new Error(`timers left behind: ${toHex(bytes)}`);
}

/** What `npm run fuzz` runs; each throws on a defect. */
export const targets: { name: string; run(bytes: Uint8Array): void }[] = [
  { name: 'ubus table', run: runTable },
  { name: 'ubus table, captured and changed', run: (bytes) => runTable(mutated(tables, bytes)) },
  { name: 'ubus frame', run: runFrame },
  { name: 'ubus frame, captured and changed', run: (bytes) => runFrame(mutated(frames, bytes)) },
  { name: 'ubus stream', run: runStream },
  { name: 'ubus stream, captured and changed', run: (bytes) => runStream(mutated([joinBytes(frames)], bytes)) },
  { name: 'ubus client', run: runClient },
  { name: 'ubus client, captured and changed', run: (bytes) => runClient(mutated([joinBytes(frames)], bytes)) },
];
