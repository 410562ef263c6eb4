import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDownError, RemoteError, TimeoutError } from '../../src/errors.ts';
import { askName, countRecords, encodeQuestion } from '../../src/source/name-question.ts';
import { ManualClock } from '../support/clock.ts';
import { MemoryStreams } from '../support/stream.ts';

const TO = { host: '10.43.0.1', port: 53, from: '10.43.7.9' };

function ask() {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const outcomes: unknown[] = [];
  askName(streams, clock, TO, 'example.org', 5000).then(
    () => outcomes.push('found'),
    (error) => outcomes.push(error),
  );
  return { clock, far: streams.last(), outcomes };
}
/** An answer without the records that it tells of: they are not read. */
const answer = (code: number, records: number, id = 0): Uint8Array =>
  Uint8Array.of(0, 12, id >> 8, id & 255, 0x81, 0x80 | code, 0, 1, 0, records, 0, 0, 0, 0);

const question = suite('encodeQuestion');
question('asks as RFC 1035 has it', () => {
  const bytes = encodeQuestion('example.org', 0x1234);
  assert.equal(
    [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    '001d12340100000100000000000007' + '6578616d706c65' + '03' + '6f7267' + '0000010001',
  );
});
question.run();

const records = suite('countRecords');
records('counts', () => assert.is(countRecords(answer(0, 3).subarray(2), 0), 3));
for (const [what, bytes, message] of [
  ['another id', answer(0, 1, 7).subarray(2), /no answer to the question/],
  ['a question', answer(0, 1).subarray(2).fill(0, 2, 3), /no answer to the question/],
  ['nothing', new Uint8Array(0), /no answer to the question/],
  ['a name that is not there', answer(3, 0).subarray(2), /there is no such name/],
  ['a code that nobody knows', answer(9, 0).subarray(2), /code 9/],
] as const)
  records(`refuses ${what}`, () => assert.throws(() => countRecords(bytes, 0), message));
records.run();

const name = suite('askName');
name('asks from the address that it is told, and takes an answer in pieces', async () => {
  const { far, outcomes, clock } = ask();
  assert.equal(far.endpoint, TO);
  far.accept();
  assert.is(far.take().length, 31);
  for (const byte of answer(0, 1)) far.send(Uint8Array.of(byte));
  await clock.advance(0);
  assert.equal([outcomes, far.closed, clock.pending], [['found'], true, 0]);
});
for (const [what, bytes, kind, message] of [
  ['an answer without an address', answer(0, 0), RemoteError, 'it knows no address of that name'],
  ['a refusal', answer(5, 0), RemoteError, 'it refused'],
  ['an answer without end', Uint8Array.of(255, 255), RemoteError, 'expected an answer of at most 4096 bytes'],
] as const)
  name(`rejects ${what}`, async () => {
    const { far, outcomes, clock } = ask();
    far.accept().send(bytes);
    await clock.advance(0);
    assert.instance(outcomes[0], kind);
    assert.is((outcomes[0] as Error).message, message);
  });
name('rejects silence, and an end', async () => {
  const silent = ask();
  silent.far.accept();
  await silent.clock.advance(5000);
  assert.instance(silent.outcomes[0], TimeoutError);
  const ended = ask();
  ended.far.accept().end();
  await ended.clock.advance(0);
  assert.instance(ended.outcomes[0], LinkDownError);
});
name.run();
