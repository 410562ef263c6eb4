import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import { RunFile } from '../../src/system/run-file.ts';
import { MemoryFiles } from '../support/files.ts';

const DIRECTORY = '/var/run/meshbridge';
const PATH = `${DIRECTORY}/runs.json`;

function machine() {
  const files = new MemoryFiles();
  return { files, run: (sid = 'abcdefghijkl') => new RunFile(files, DIRECTORY, sid, SILENT) };
}

const runs = suite('RunFile');
runs('counts the runs of a session', () => {
  const { run } = machine();
  assert.equal([run().runs, run().runs, run().runs], [0, 1, 2]);
  assert.equal([run('mnopqrstuvwx').runs, run('mnopqrstuvwx').runs], [0, 1]);
});
runs('remembers for a session that the clock was set', () => {
  const { run, files } = machine();
  const first = run();
  assert.is(first.isClockSet, false);
  const { length } = files.writes;
  first.clockSet(true);
  first.clockSet(true);
  assert.is(files.writes.length, length + 1);
  assert.is(run().isClockSet, true);
  assert.is(run('mnopqrstuvwx').isClockSet, false);
});
for (const text of ['', '{', 'null', '{"sid":7}', '{"sid":"abcdefghijkl","runs":-1,"set":true}'])
  runs(`begins anew where ${JSON.stringify(text)} is kept`, () => {
    const { files, run } = machine();
    files.all.set(PATH, { bytes: encodeUtf8(text), mode: 0o600 });
    assert.is(run().runs, 0);
  });
runs('goes on where nothing can be kept', () => {
  const { files, run } = machine();
  files.write = () => {
    throw new Error('write: No space left on device');
  };
  const one = run();
  one.clockSet(true);
  assert.is(one.isClockSet, true);
});
runs("is nobody else's to read", () => {
  const { files, run } = machine();
  run();
  const { bytes, mode } = files.all.get(PATH)!;
  assert.is(mode, 0o600);
  assert.is(decodeUtf8(bytes), '{"sid":"abcdefghijkl","runs":0,"set":false}');
});
runs.run();
