import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { type Log, SILENT } from '../../src/log.ts';
import type { CommandState } from '../../src/mesh/command.ts';
import { CommandFile, openCommands } from '../../src/system/command-journal.ts';
import { MemoryFiles } from '../support/files.ts';

const DIRECTORY = '/var/run/meshbridge';
const PATH = `${DIRECTORY}/commands.json`;
const EMPTY: CommandState = { counters: {}, records: [] };
const STATE: CommandState = {
  counters: { '0123456789abcdef': 7 },
  records: [
    { cid: 'a', key: '0123456789abcdef', ctr: 6, op: 'look', st: 'done', out: { x: [1] }, at_ms: 12, t: 1_800_000_000 },
    { cid: 'b', key: '0123456789abcdef', ctr: 7, op: 'act', st: 'failed', code: 'failed', error: 'no', at_ms: 13 },
  ],
};

const file = suite('CommandFile');
file('gives back what was saved, to the same session alone', () => {
  const files = new MemoryFiles();
  const journal = new CommandFile(files, DIRECTORY, 'one');
  assert.equal(journal.load(), EMPTY);
  journal.save(STATE);
  assert.equal(journal.load(), STATE);
  assert.equal(new CommandFile(files, DIRECTORY, 'one').load(), STATE);
  assert.equal(new CommandFile(files, DIRECTORY, 'two').load(), EMPTY);
  assert.is(files.all.get(PATH)!.mode, 0o600);
});
for (const text of [
  '',
  'null',
  '[]',
  '{"sid":"one"}',
  '{"sid":"one","counters":{},"records":[{}]}',
  '{"sid":"one","counters":{"a":"7"},"records":[]}',
  '{"sid":"one","counters":{},"records":[{"cid":"a","key":"k","op":"o","ctr":1,"at_ms":1,"st":"lost"}]}',
  '{"sid":1,"counters":{},"records":[]}',
])
  file(`refuses ${text || 'nothing'}`, () => {
    const files = new MemoryFiles();
    files.all.set(PATH, { bytes: encodeUtf8(text), mode: 0o600 });
    assert.throws(() => new CommandFile(files, DIRECTORY, 'one').load(), /expected what meshbridge wrote/);
  });
file.run();

function make() {
  const files = new MemoryFiles();
  const warnings: string[] = [];
  const log: Log = { ...SILENT, warn: (event) => void warnings.push(event) };
  let count = 0;
  const host = { files, randomBytes: (length: number) => new Uint8Array(length).fill(++count) };
  return { files, warnings, open: () => openCommands(host, DIRECTORY, log) };
}

const opened = suite('openCommands');
opened('goes on with the session and what was done in it', () => {
  const { open, warnings } = make();
  const first = open();
  first.journal.save(STATE);
  const next = open();
  assert.equal([next.sid, next.journal.load(), warnings], [first.sid, STATE, []]);
});
opened('begins another session where it is not known what was done', () => {
  const { files, open, warnings } = make();
  const first = open();
  files.all.set(PATH, { bytes: encodeUtf8('{"sid'), mode: 0o600 });
  const next = open();
  assert.is.not(next.sid, first.sid);
  assert.equal([next.journal.load(), warnings], [EMPTY, ['session begun anew']]);
  next.journal.save(STATE);
  const third = open();
  assert.equal([third.sid, third.journal.load()], [next.sid, STATE]);
});
opened.run();
