import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { type Log, SILENT } from '../../src/log.ts';
import type { Trial } from '../../src/mesh/trial.ts';
import { TrialFile } from '../../src/system/trial-file.ts';
import { MemoryFiles } from '../support/files.ts';

const PATH = '/var/run/meshbridge/trials.json';
const TRIALS: Trial[] = [
  { interface: 'ygg0', uri: 'tls://höme.example:1?password=x' },
  { interface: 'ygg1', uri: 'tcp://[fe80::1]:2', device: 'eth0' },
];

function make() {
  const files = new MemoryFiles();
  const lines: string[] = [];
  const log: Log = { ...SILENT, warn: (event, fields) => lines.push(`${event}: ${fields?.error}`) };
  const put = (text: string) => files.all.set(PATH, { bytes: encodeUtf8(text), mode: 0o600 });
  return { files, lines, put, store: new TrialFile(files, '/var/run/meshbridge', log) };
}

const file = suite('TrialFile');
file('gives back what it was given, to nobody but its owner', () => {
  const { files, lines, store } = make();
  store.save(TRIALS);
  assert.is(files.all.get(PATH)!.mode, 0o600);
  assert.equal(JSON.parse(decodeUtf8(files.all.get(PATH)!.bytes)), TRIALS);
  assert.equal(store.load(), TRIALS);
  assert.equal(lines, []);
});
file('is not there while nothing is on trial', () => {
  const { files, lines, store } = make();
  assert.equal(store.load(), []);
  store.save(TRIALS);
  store.save([]);
  assert.is(files.all.size, 0);
  assert.equal(store.load(), []);
  assert.equal(lines, []);
});
for (const text of ['', '{', 'null', '7', '"x"', '{"uri":"a","interface":"b"}'])
  file(`counts as empty when it holds ${text || 'nothing'}`, () => {
    const { put, store } = make();
    put(text);
    assert.equal(store.load(), []);
  });
file('is read past entries that are none', () => {
  const { put, store } = make();
  put(
    JSON.stringify([
      null,
      7,
      'x',
      [],
      { uri: 'a' },
      { interface: 'b', uri: 7 },
      { ...TRIALS[0], device: 7 },
      TRIALS[1],
    ]),
  );
  assert.equal(store.load(), [TRIALS[1]]);
});
file('that breaks is told of once, and does not stop anything', () => {
  const { files, lines, put, store } = make();
  put('[');
  store.load();
  assert.is(lines.length, 1);
  assert.match(lines[0]!, /^trials not read: /);
  put(' '.repeat(262_145));
  assert.equal(store.load(), []);
  assert.is(lines[1], `trials not read: read ${PATH}: larger than 262144 bytes`);
  files.write = () => {
    throw new Error(`write ${PATH}: no space left`);
  };
  store.save(TRIALS);
  assert.is(lines[2], `trials not saved: write ${PATH}: no space left`);
});
file.run();
