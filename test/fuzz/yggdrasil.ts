// Fuzz targets of the Yggdrasil side: whatever comes in, only the errors that are promised come out.

import { InputError, RemoteError, WireError } from '../../src/errors.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { JsonFramer } from '../../src/lib/json-frame.ts';
import { identityOf, redact } from '../../src/lib/peer-text.ts';
import { parsePeerUri } from '../../src/lib/peer-uri.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { type AdminResponse, decodeAnswer, isObject } from '../../src/yggdrasil/admin.ts';
import {
  toMulticast,
  toNodeInfo,
  toNodePeers,
  toPaths,
  toPeers,
  toSelf,
  toSessions,
  toTree,
  toTun,
} from '../../src/yggdrasil/entries.ts';

/** Runs what may throw these errors and no others. */
function only(classes: readonly (new (...args: never[]) => Error)[], run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!classes.some((one) => error instanceof one)) throw error;
  }
}

/** The frames that come before the first fault, as text. */
function framesOf(bytes: Uint8Array, size: number): string {
  const framer = new JsonFramer({ maxBytes: 512, maxDepth: 8 });
  let found = '';
  try {
    for (let at = 0; at < bytes.length; at += size)
      for (const frame of framer.push(bytes.subarray(at, at + size))) found += `${toHex(frame)} `;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return `fault at ${error.offset}`;
  }
  return found;
}

const KEY = '0'.repeat(64);
const READERS: readonly ((response: AdminResponse) => unknown)[] = [
  toSelf,
  toPeers,
  toSessions,
  toPaths,
  toTree,
  toTun,
  toMulticast,
  toNodePeers,
  (response) => toNodeInfo(response, KEY),
];

/** Each takes any bytes and throws when something is found. */
export const targets: { name: string; run(bytes: Uint8Array): void }[] = [
  {
    name: 'json-frame',
    run(bytes) {
      const whole = framesOf(bytes, bytes.length || 1);
      for (const size of [1, 3])
        if (framesOf(bytes, size) !== whole) throw new Error(`parts of ${size} give another result than the whole`);
    },
  },
  {
    name: 'yggdrasil-answer',
    run(bytes) {
      only([WireError, RemoteError], () => {
        const response = decodeAnswer(bytes, 'getpeers');
        for (const read of READERS) only([WireError], () => read(response));
      });
    },
  },
  {
    name: 'yggdrasil-entries',
    run(bytes) {
      let value: unknown;
      only([SyntaxError], () => {
        value = JSON.parse(decodeUtf8(bytes));
      });
      for (const name of ['peers', 'sessions', 'paths', 'tree', 'multicast_interfaces', KEY])
        for (const read of READERS) only([WireError], () => read({ [name]: value }));
      if (isObject(value)) for (const read of READERS) only([WireError], () => read(value as AdminResponse));
    },
  },
  {
    name: 'peer-uri',
    run(bytes) {
      const text = decodeUtf8(bytes);
      identityOf(text);
      redact(text);
      only([InputError], () => {
        const { uri, identity } = parsePeerUri(text);
        if (parsePeerUri(uri).uri !== uri) throw new Error(`"${uri}" is not taken as it is`);
        if (identityOf(text) !== identity) throw new Error(`"${identity}" is not "${identityOf(text)}"`);
      });
      const secret = `tls://${text}?password=hunter2`;
      only([InputError], () => parsePeerUri(secret));
      if (redact(secret).includes('hunter2') && !text.includes('hunter2')) throw new Error(`shown: ${redact(secret)}`);
    },
  },
];
