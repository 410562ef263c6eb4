import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TOPICS } from '../../src/api/topics.ts';
import { WireError } from '../../src/errors.ts';
import { encodeBase64 } from '../../src/lib/base64.ts';
import { type EnvelopeSigner, MAX_DEPTH, MAX_PAYLOAD, sealEnvelope, splitEnvelope } from '../../src/lib/envelope.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';

/** Signs by a byte: what the signature is made of does not matter here. */
function signer(byte: number, seen: string[] = []): EnvelopeSigner {
  return {
    key: byte.toString(16).padStart(2, '0').repeat(8),
    sign: (bytes) => {
      seen.push(decodeUtf8(bytes));
      return new Uint8Array(64).fill(byte);
    },
  };
}

const BODY = '{"cid":"a","args":{"x":[1,"},\\"sigs\\":["]}}';
const A = `"${'0a'.repeat(8)}:${encodeBase64(new Uint8Array(64).fill(10))}"`;
const B = `"${'0b'.repeat(8)}:${encodeBase64(new Uint8Array(64).fill(11))}"`;

const seal = suite('sealEnvelope');
seal('puts signatures last into what stays JSON', () => {
  const seen: string[] = [];
  const payload = decodeUtf8(sealEnvelope('cmd', BODY, [signer(10, seen), signer(11, seen)]));
  assert.is(payload, `${BODY.slice(0, -1)},"sigs":[${A},${B}]}`);
  assert.equal(seen, [`mb/1 cmd\n${BODY}`, `mb/1 cmd\n${BODY}`]);
  const { sigs, ...rest } = JSON.parse(payload);
  assert.equal(rest, JSON.parse(BODY));
  assert.is(sigs.length, 2);
});
seal('refuses what it cannot seal', () => {
  for (const body of ['', '{}', '[]', '{"a":1', '"a":1}', '1'])
    assert.throws(() => sealEnvelope('cmd', body, [signer(1)]), /^cmd: expected the JSON of a table/);
  assert.throws(() => sealEnvelope('cmd', BODY, []), /expected 1 to 4 signers, got 0/);
  const five = [1, 2, 3, 4, 5].map((byte) => signer(byte));
  assert.throws(() => sealEnvelope('cmd', BODY, five), /expected 1 to 4 signers, got 5/);
  const long = JSON.stringify({ text: 'x'.repeat(8192) });
  assert.throws(() => sealEnvelope('cmd', long, [signer(1)]), /^cmd: 83\d\d bytes, expected at most 8192/);
  assert.ok(sealEnvelope('want', long, [signer(1)]).length > 8192);
});
seal('has the limits of the topics', () => {
  for (const kind of ['cmd', 'want', 'res', 'have', 'info', 'homes', 'held', 'use'] as const)
    assert.is(MAX_PAYLOAD[kind], TOPICS[kind].maxBytes);
});
seal.run();

const split = suite('splitEnvelope');
split('gives back what was sealed', () => {
  for (const count of [1, 2, 3, 4])
    for (const body of [
      BODY,
      '{"name":"Käthe 🦊","t":1}',
      `{"a":${'['.repeat(MAX_DEPTH - 1)}${']'.repeat(MAX_DEPTH - 1)}}`,
    ]) {
      const signers = Array.from({ length: count }, (_, i) => signer(i + 1));
      const envelope = splitEnvelope('want', sealEnvelope('want', body, signers));
      assert.is(envelope.body, body);
      assert.is(decodeUtf8(envelope.signed), `mb/1 want\n${body}`);
      assert.equal(
        envelope.signatures,
        signers.map(({ key, sign }) => ({ key, signature: sign(new Uint8Array()) })),
      );
    }
});
split('takes the longest, and nothing longer', () => {
  const fitting = (extra: number): string => {
    const empty = sealEnvelope('cmd', '{"a":""}', [signer(1)]).length;
    return `{"a":"${'x'.repeat(8192 - empty + extra)}"}`;
  };
  const longest = sealEnvelope('cmd', fitting(0), [signer(1)]);
  assert.is(longest.length, 8192);
  assert.ok(splitEnvelope('cmd', longest));
  assert.throws(
    () => splitEnvelope('cmd', sealEnvelope('want', fitting(1), [signer(1)])),
    'cmd: 8193 bytes, expected at most 8192',
  );
});

const open = `${BODY.slice(0, -1)},"sigs":[`;
const REFUSED: [string, string | Uint8Array][] = [
  ['nothing', ''],
  ['a brace', '}'],
  ['an end alone', ']}'],
  ['no signatures', BODY],
  ['an empty list', `${open}]}`],
  ['signatures alone', `{"sigs":[${A}]}`],
  ['nothing but signatures', `{,"sigs":[${A}]}`],
  ['a signature alone', `${A}]}`],
  ['no brace before', `"cid":"a","sigs":[${A}]}`],
  ['a list', `[1,"sigs":[${A}]}`],
  ['two tables', `{"a":1},{"b":2,"sigs":[${A}]}`],
  ['what stands before it', `x${open}${A}]}`],
  ['what stands behind it', `${open}${A}]} `],
  ['a line end behind it', `${open}${A}]}\n`],
  ['a member behind them', `${open}${A}],"x":1}`],
  ['a blank before the list', `${BODY.slice(0, -1)},"sigs": [${A}]}`],
  ['a blank between two', `${open}${A}, ${B}]}`],
  ['a comma too many', `${open}${A},]}`],
  ['a comma before the first', `${open},${A}]}`],
  ['another name', `${BODY.slice(0, -1)},"sigz":[${A}]}`],
  ['five signatures', `${open}${[1, 2, 3, 4, 5].map((i) => A.replace('0a', `0${i}`)).join()}]}`],
  ['two of one key', `${open}${A},${A}]}`],
  ['a key in capitals', `${open}${A.replace('0a0a', '0A0a')}]}`],
  ['a short key', `${open}${A.replace('0a0a', '0a')}]}`],
  ['a signature without padding', `${open}${A.replace('==', '')}]}`],
  ['a signature that says more than its bytes', `${open}${A.replace(/.==/, 'h==')}]}`],
  ['a signature with blanks', `${open}${A.replace(':Cg', ': g')}]}`],
  ['no quote', `${open}${A.slice(1)}]}`],
  ['a text that does not end', `{"a":"b,"sigs":[${A}]}`],
  ['a text that ends in the signatures', `{"a":"b\\,"sigs":[${A}]}`],
  ['a bracket that is not closed', `{"a":[1,"sigs":[${A}]}`],
  ['a bracket closed by another', `{"a":{"b":[1}],"c":1,"sigs":[${A}]}`],
  ['a bracket too many', `{"a":1]},"sigs":[${A}]}`],
  ['too deep a list', `{"a":${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)},"sigs":[${A}]}`],
  ['thousands of brackets', `{"a":${'['.repeat(8000)},"sigs":[${A}]}`],
  ['a line end', `{"a":\n1,"sigs":[${A}]}`],
  ['a zero byte', `{"a":"\0","sigs":[${A}]}`],
  ['bytes that are no text', Uint8Array.from([...encodeUtf8('{"a":"'), 0xff, ...encodeUtf8(`","sigs":[${A}]}`)])],
  ['an overlong sign', Uint8Array.from([...encodeUtf8('{"a":"'), 0xc0, 0xa2, ...encodeUtf8(`","sigs":[${A}]}`)])],
];
for (const [what, payload] of REFUSED)
  split(`refuses ${what}`, () => {
    const bytes = typeof payload === 'string' ? encodeUtf8(payload) : payload;
    assert.throws(
      () => splitEnvelope('want', bytes),
      (error: unknown) => error instanceof WireError,
    );
  });

split('reads every payload in one way', () => {
  const payload = sealEnvelope('cmd', BODY, [signer(10), signer(11)]);
  // what is cut off at either end, or one byte of it missing, is refused or is another body
  for (let at = 1; at < payload.length; at++) {
    for (const cut of [
      payload.subarray(0, at),
      payload.subarray(at),
      Uint8Array.from([...payload.subarray(0, at - 1), ...payload.subarray(at)]),
    ])
      try {
        assert.is.not(splitEnvelope('cmd', cut).body, BODY);
      } catch (error) {
        assert.instance(error, WireError);
      }
  }
});
split.run();
