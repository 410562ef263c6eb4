// JSON of the command line to blobmsg, and back to the JSON that libubox prints.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatDouble, formatMember, formatTable } from '../../src/dev/cli/format.ts';
import { encodeJson } from '../../src/dev/cli/json.ts';
import { members } from '../../src/dev/member.ts';
import { fromHex, joinBytes } from '../../src/lib/bytes.ts';
import { encodeTable } from '../../src/ubus/blobmsg.ts';

const encode = suite('encodeJson');
for (const [json, table] of [
  ['{}', {}],
  [' { "a" : [ ] } trailing', { a: [] }],
  ['{"a":2147483647,"b":-2147483648}', { a: 2147483647, b: -2147483648 }],
  ['{"a":2147483648,"b":9007199254740993}', { a: 2147483648, b: 9007199254740993n }],
  ['{"a":99999999999999999999,"b":-99999999999999999999}', { a: 2n ** 63n - 1n, b: -(2n ** 63n) }],
  ['{"a":1.5,"b":-2e-3}', { a: 1.5, b: -0.002 }],
  ['{"a":true,"b":false,"c":null}', { a: true, b: false, c: null }],
  ['{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00"}', { a: '"\\/\b\f\n\r\té😀' }],
  ["{'a':'it is \"x\"'}", { a: 'it is "x"' }],
  ['{"10":1,"2":{"x":[1,"y",{}]}}', { '2': { x: [1, 'y', {}] }, '10': 1 }],
] as [string, object][]) {
  encode(`reads ${json}`, () => {
    // members of the expected table are compared by name: JavaScript moves "2" before "10"
    const found = [...members(encodeJson(json))].map(({ encoded }) => [...encoded].join());
    const expected = [...members(encodeTable(table))].map(({ encoded }) => [...encoded].join());
    assert.equal(found.sort(), expected.sort());
  });
}
encode('keeps the order of members', () =>
  assert.is(formatTable(encodeJson('{"10":1,"2":2,"a":3}')), '{"10":1,"2":2,"a":3}'),
);
encode('makes a whole number with a fraction or an exponent a double', () =>
  assert.is(formatTable(encodeJson('{"a":1.0,"b":1e3}')), '{"a":1.000000,"b":1000.000000}'),
);
for (const [json, text] of [
  ['', 'json: expected a value at character 0, got the end'],
  ['[1]', 'json: expected an object'],
  ['{"a":}', 'json: expected a value at character 5, got "}"'],
  ['{"a" 1}', 'json: expected ":" at character 5, got "1"'],
  ['{"a":1 "b":2}', 'json: expected "," or "}" at character 7, got "\\""'],
  ['{"a":[1 2]}', 'json: expected "," or "]" at character 8, got "2"'],
  ['{"a":"b', 'json: expected the end of the string at character 7, got the end'],
  ['{"a":"\\x"}', 'json: expected the end of the string at character 6, got "\\\\"'],
  ['{a:1}', 'json: expected a string at character 1, got "a"'],
  [`${'{"a":'.repeat(33)}1`, 'json: nested deeper than 32 at character 160'],
] as const)
  encode(`refuses ${json.slice(0, 20)}`, () =>
    assert.throws(
      () => encodeJson(json),
      (error: Error) => error.message === text,
    ),
  );
encode('refuses a name that blobmsg cannot carry', () =>
  assert.throws(() => encodeJson(`{"${'x'.repeat(65_536)}":1}`), /name of 65536 bytes/),
);
encode.run();

const format = suite('formatTable');
format('indents with tabs', () =>
  assert.is(
    formatTable(encodeTable({ a: 1, b: [true, {}], c: {} }), { indent: true }),
    '{\n\t"a": 1,\n\t"b": [\n\t\ttrue,\n\t\t{\n\t\t\t\n\t\t}\n\t],\n\t"c": {\n\t\t\n\t}\n}',
  ),
);
format('indents no deeper than 16 tabs', () => {
  const deep = formatTable(encodeJson(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`), { indent: true });
  assert.is(Math.max(...[...deep.matchAll(/\t+/g)].map(([tabs]) => tabs.length)), 16);
});
format('leaves the comma of what is no blobmsg', () => {
  const notBlobmsg = fromHex('0300000800000003');
  assert.is(formatTable(joinBytes([notBlobmsg, encodeTable({ a: 1 })])), '{,"a":1}');
});
format('ends at what does not add up', () =>
  assert.is(formatTable(joinBytes([encodeTable({ a: 1 }), fromHex('83000040')])), '{"a":1}'),
);
format('prints int16', () => assert.is(formatTable(fromHex('8600000a00016e00fffe0000')), '{"n":-2}'));
format('does not follow values without end', () => {
  let inner: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < 5000; i++) {
    const head = fromHex('8100000000000000');
    new DataView(head.buffer).setUint32(0, 0x81000000 + 8 + inner.length);
    inner = joinBytes([head, inner]);
  }
  assert.match(formatTable(inner), /\[null\]/);
});
format.run();

const member = suite('formatMember');
member('prints the name, and values as told', () => {
  const [only] = members(encodeTable({ m: { a: 3, b: 'x' } }));
  assert.is(formatMember(only!), '"m":{"a":3,"b":"x"}');
  assert.is(formatMember(only!, { value: ({ name }) => (name === 'a' ? 'A' : undefined) }), '"m":{"a":A,"b":"x"}');
});
member.run();

const double = suite('formatDouble');
for (const [value, text] of [
  [0, '0.000000'],
  [-0, '-0.000000'],
  [1.5, '1.500000'],
  [0.1, '0.100000'],
  [0.0078125, '0.007812'],
  [0.0234375, '0.023438'],
  [-0.0078125, '-0.007812'],
  [1e21, '1000000000000000000000.000000'],
  [1.7976931348623157e308, `${BigInt(1.7976931348623157e308)}.000000`],
  [Number.POSITIVE_INFINITY, 'inf'],
  [Number.NEGATIVE_INFINITY, '-inf'],
  [Number.NaN, 'nan'],
] as const)
  double(`prints ${text.slice(0, 20)}`, () => assert.is(formatDouble(value), text));
double.run();
