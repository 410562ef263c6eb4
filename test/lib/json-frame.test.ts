import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WireError } from '../../src/errors.ts';
import { joinBytes } from '../../src/lib/bytes.ts';
import { JsonFramer } from '../../src/lib/json-frame.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import peers from '../fixtures/yggdrasil/0.5.12-a-getPeers-after-traffic.json';
import pipelined from '../fixtures/yggdrasil/0.5.12-keepalive-pipelined.json';

/** Feeds a text in the given parts and answers the frames as texts. */
function frames(...parts: (string | Uint8Array)[]): string[] {
  const framer = new JsonFramer({ maxBytes: 1 << 20 });
  return parts.flatMap((part) =>
    framer.push(typeof part === 'string' ? encodeUtf8(part) : part).map((f) => decodeUtf8(f)),
  );
}

const GOOD: [string, string[]][] = [
  ['', []],
  [' \r\n\t ', []],
  ['{}', ['{}']],
  ['{}{}', ['{}', '{}']],
  ['  {"a":1}\n\n[2] ', ['{"a":1}', '[2]']],
  ['{"a":{"b":[{},[]]}}', ['{"a":{"b":[{},[]]}}']],
  ['{"}":"{[\\"]}"}{}', ['{"}":"{[\\"]}"}', '{}']],
  ['{"a":"\\\\"}{}', ['{"a":"\\\\"}', '{}']],
  ['{"a":"\\\\\\""}{}', ['{"a":"\\\\\\""}', '{}']],
  ['["ü€😀","\\u007d"][]', ['["ü€😀","\\u007d"]', '[]']],
  ['{"a":"x"', []],
  ['{"a":"}', []],
];

const push = suite('JsonFramer');
for (const [text, expected] of GOOD) {
  push(`finds ${expected.length} in ${JSON.stringify(text)}, whole, in two parts everywhere, and byte by byte`, () => {
    assert.equal(frames(text), expected);
    const bytes = encodeUtf8(text);
    for (let at = 0; at <= bytes.length; at++)
      assert.equal(frames(bytes.subarray(0, at), bytes.subarray(at)), expected, `~> split at ${at}`);
    assert.equal(frames(...[...bytes].map((byte) => Uint8Array.of(byte))), expected);
  });
}

push('finds three captured answers whatever the size of the parts', () => {
  const bytes = encodeUtf8(pipelined.response);
  const whole = frames(bytes);
  assert.is(whole.length, 3);
  assert.equal(
    whole.map((frame) => JSON.parse(frame).request.request),
    ['getSelf', 'getTun', 'getSessions'],
  );
  for (let size = 1; size < 64; size++) {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
    assert.equal(frames(...parts), whole, `~> parts of ${size}`);
  }
});

push('hands out bytes that later parts do not change', () => {
  const framer = new JsonFramer({ maxBytes: 1000 });
  const first = [...framer.push(encodeUtf8('{"a"')), ...framer.push(encodeUtf8(':1} {"b"'))];
  framer.push(encodeUtf8(':2222222222222222222222}'));
  assert.equal(
    first.map((frame) => decodeUtf8(frame)),
    ['{"a":1}'],
  );
});

push('says whether a frame has begun', () => {
  const framer = new JsonFramer({ maxBytes: 1000 });
  assert.is(framer.inFrame, false);
  framer.push(encodeUtf8('{"a":'));
  assert.is(framer.inFrame, true);
  framer.push(encodeUtf8('1} \n'));
  assert.is(framer.inFrame, false);
});

push('finds an answer of 400 kB that comes in small parts', () => {
  const one = JSON.parse(peers.response).response.peers;
  const text = JSON.stringify({ peers: Array.from({ length: 1000 }, (_, i) => one[i % one.length]) }, null, 2);
  const bytes = encodeUtf8(text);
  assert.ok(bytes.length > 300_000);
  const framer = new JsonFramer({ maxBytes: 1 << 20 });
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 97) found.push(...framer.push(bytes.subarray(at, at + 97)));
  assert.is(found.length, 1);
  assert.is(decodeUtf8(joinBytes(found)), text);
});

const BAD: [string, RegExp, number][] = [
  ['hello', /expected { or \[, got byte 0x68/, 0],
  ['{}x', /got byte 0x78/, 2],
  [' \n5', /got byte 0x35/, 2],
  ['"a"', /got byte 0x22/, 0],
  ['}', /got byte 0x7d/, 0],
  ['{}]', /got byte 0x5d/, 2],
  ['null', /got byte 0x6e/, 0],
  ['{} ,{}', /got byte 0x2c/, 3],
  ['\ufeff{}', /got byte 0xef/, 0],
  ['\0', /got byte 0x00/, 0],
  ['HTTP/1.1 200 OK', /got byte 0x48/, 0],
  ['['.repeat(65), /deeper than 64/, 64],
  [`{"a":${'['.repeat(64)}`, /deeper than 64/, 68],
  [`{${' '.repeat(1000)}${'['.repeat(64)}`, /too large, expected at most 1000 bytes/, 1000],
];
for (const [text, message, offset] of BAD) {
  push(`refuses ${JSON.stringify(text.slice(0, 20))}, naming byte ${offset}`, () => {
    const bytes = encodeUtf8(text);
    for (const size of [bytes.length, 1, 3]) {
      const framer = new JsonFramer({ maxBytes: 1000 });
      try {
        for (let at = 0; at < bytes.length; at += size) framer.push(bytes.subarray(at, at + size));
        assert.unreachable('~> accepted');
      } catch (error) {
        assert.instance(error, WireError);
        assert.match((error as Error).message, message);
        assert.is((error as WireError).offset, offset, `~> parts of ${size}`);
      }
    }
  });
}

push('takes 64 levels', () => {
  const text = '['.repeat(64) + ']'.repeat(64);
  assert.equal(frames(text), [text]);
});

push('takes a frame of the largest size and none above it, keeping no more than that', () => {
  const framer = (text: string, size: number): number => {
    const one = new JsonFramer({ maxBytes: 100 });
    let found = 0;
    const bytes = encodeUtf8(text);
    for (let at = 0; at < bytes.length; at += size) found += one.push(bytes.subarray(at, at + size)).length;
    return found;
  };
  for (const size of [1, 7, 1000]) {
    assert.is(framer(`["${'x'.repeat(96)}"]`, size), 1);
    assert.throws(() => framer(`["${'x'.repeat(97)}"]`, size), /at most 100 bytes at byte 100$/);
    assert.throws(() => framer(`["${'x'.repeat(5000)}`, size), /at most 100 bytes at byte 100$/);
  }
});
push.run();
