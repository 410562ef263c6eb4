import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WireError } from '../../src/errors.ts';
import { decodeTable } from '../../src/ubus/blobmsg.ts';
import { decodeMessage, FrameReader, type Message } from '../../src/ubus/message.ts';
import { malformedFrames } from '../fixtures/ubus/malformed.ts';

const all = malformedFrames();

function read(bytes: Uint8Array, chunk: number): Message[] {
  const messages: Message[] = [];
  const reader = new FrameReader();
  for (let at = 0; at < bytes.length; at += chunk)
    reader.push(bytes.subarray(at, at + chunk), (frame) => messages.push(decodeMessage(frame)));
  return messages;
}

function assertWireError(run: () => unknown, offset: number, text: string): void {
  try {
    run();
  } catch (error) {
    assert.instance(error, WireError);
    assert.is((error as WireError).offset, offset);
    assert.ok((error as WireError).message.includes(text), `"${(error as WireError).message}" says "${text}"`);
    return;
  }
  assert.unreachable('no error');
}

const decode = suite('malformed frames');
decode('are at least 60', () => assert.ok(all.length >= 60, `${all.length}`));
for (const { name, outcome, bytes, offset, text, attributes } of all) {
  for (const [how, chunk] of [
    ['whole', bytes.length],
    ['byte by byte', 1],
  ] as const)
    decode(`${outcome}: ${name}, ${how}`, () => {
      if (outcome === 'drop') {
        assertWireError(() => read(bytes, chunk), offset, text);
        return;
      }
      const messages = read(bytes, chunk);
      if (outcome === 'wait') {
        assert.is(messages.length, 0);
        return;
      }
      assert.is(messages.length, 1);
      const found = messages[0]!.attributes;
      assert.is(found.objectId, 0x90853354);
      assert.is(found.method, 'peers');
      if (outcome === 'refuse') assertWireError(() => decodeTable(found.data!), offset, text);
      for (const attribute of attributes)
        if (attribute.startsWith('!')) assert.not.ok(attribute.slice(1) in found, `${attribute.slice(1)} is read`);
        else assert.ok(attribute in found, `${attribute} is missing`);
    });
}
decode.run();
