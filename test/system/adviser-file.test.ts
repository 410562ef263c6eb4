import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { AdviserFile } from '../../src/system/adviser-file.ts';
import { MemoryFiles } from '../support/files.ts';

const PATH = '/run/adviser.json';
const NOTHING = { kept: [], leaving: [] };
const RECORD = {
  kept: [{ interface: 'ygg0', uri: 'tls://a.example:1' }],
  leaving: [{ interface: 'ygg1', uri: 'tls://b.example:1' }],
  round_ms: 7,
};

function make(text?: string) {
  const files = new MemoryFiles();
  const lines: string[] = [];
  if (text !== undefined) files.all.set(PATH, { bytes: encodeUtf8(text), mode: 0o600 });
  const file = new AdviserFile(files, '/run/adviser.json', new Logger((line) => lines.push(line)).scope('adviser'));
  return { files, lines, file };
}

const file = suite('AdviserFile');
file('remembers what was saved', () => {
  const { files, file } = make();
  file.save(RECORD);
  assert.is(files.all.get(PATH)!.mode, 0o600);
  assert.equal(new AdviserFile(files, '/run/adviser.json', new Logger(() => {}).scope('x')).load(), RECORD);
});
file('writes only what changed', () => {
  const { files, file } = make(JSON.stringify(RECORD));
  file.load();
  file.save(RECORD);
  file.save({ ...RECORD });
  assert.equal(files.writes, []);
  file.save({ ...RECORD, round_ms: 8 });
  assert.equal(files.writes, [PATH]);
});
file('is removed when there is nothing to remember', () => {
  const { files, file } = make();
  file.save(RECORD);
  file.save(NOTHING);
  assert.is(files.all.size, 0);
  file.save({ ...NOTHING, round_ms: 1 });
  assert.is(files.all.size, 1);
});
for (const text of [
  '',
  'x',
  'null',
  '7',
  '[]',
  '{"kept":7,"leaving":null,"round_ms":"1"}',
  '{"kept":[null,{"uri":1}]}',
])
  file(`takes ${text || 'an empty file'} for nothing`, () => assert.equal(make(text).file.load(), NOTHING));
file('takes a missing file for nothing, and does not say so', () => {
  const { file, lines } = make();
  assert.equal([file.load(), lines], [NOTHING, []]);
});
file('goes on when it cannot be read or written, and says so', () => {
  const { file, files, lines } = make(' '.repeat(70_000));
  assert.equal(file.load(), NOTHING);
  files.write = () => {
    throw new Error('write: No space left on device');
  };
  file.save(RECORD);
  assert.is(lines.length, 2);
  assert.match(lines[1]!, 'record not saved error="write: No space left on device"');
});
file.run();
