import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { HomeFile } from '../../src/system/home-file.ts';
import { MemoryFiles } from '../support/files.ts';
import { GATEWAY_ADDRESS, TERMS } from '../support/gateway.ts';

const PATH = '/var/run/meshbridge/lease.json';

function make(files = new MemoryFiles()) {
  const lines: string[] = [];
  return { files, lines, file: new HomeFile(files, PATH, new Logger((line) => lines.push(line)).scope('lease')) };
}

const file = suite('HomeFile');
file('keeps a record, and removes one that is not needed any more', () => {
  const one = make();
  assert.is(one.file.load(), undefined);
  const record = { mode: 'kept', lease: { address: GATEWAY_ADDRESS, slot: 1, lease_s: 3600, terms: TERMS } } as const;
  one.file.save(record);
  assert.equal(make(one.files).file.load(), record);
  one.file.save({ mode: 'trial' });
  assert.equal(make(one.files).file.load(), { mode: 'trial' });
  one.file.save(undefined);
  assert.is(one.files.read(PATH, 1e6), undefined);
});
for (const text of ['', '{', '[]', '{"mode":"x"}', '{"mode":"kept","lease":{}}', '{"mode":"kept","lease":{"slot":2}}'])
  file(`takes what is broken for a trial, for something may be left of it: ${text}`, () => {
    const { file, files, lines } = make();
    files.write(PATH, encodeUtf8(text), 0o600);
    assert.equal(file.load(), { mode: 'trial' });
    assert.match(lines[0]!, /record not read/);
  });
file('says that it could not be written, and goes on', () => {
  const { file, files, lines } = make();
  files.write = () => {
    throw new Error('write: No space left on device');
  };
  file.save({ mode: 'trial' });
  assert.match(lines[0]!, /record not saved/);
});
file.run();
