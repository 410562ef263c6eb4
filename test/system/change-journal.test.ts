import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { ChangeJournal, type TrialRecord } from '../../src/system/change-journal.ts';
import { STATE, textOf } from '../support/change.ts';
import { MemoryFiles } from '../support/files.ts';

const TRIAL: TrialRecord = {
  id: '1',
  state: 'begun',
  boot: 'b',
  begun_ms: 7,
  confirm_s: 60,
  origin: { key: 'k', ctr: 1 },
  steps: [{ file: 'wireless', section: 'radio0', option: 'channel', was: '1', to: '2' }],
  rejected: [],
};

function make() {
  const files = new MemoryFiles();
  const started: string[] = [];
  const processes = {
    spawn: (argv: readonly string[], { onExit }: { onExit(status: { code: number }): void }) => {
      started.push(argv.join(' '));
      void Promise.resolve().then(() => onExit({ code: 0 }));
      return { pid: 1, write() {}, kill() {} };
    },
  };
  return { files, started, journal: new ChangeJournal({ files, processes }, STATE) };
}

const journal = suite('ChangeJournal');
journal('keeps a trial and what was decided, for root alone', async () => {
  const { files, journal } = make();
  assert.is(journal.trial(), undefined);
  assert.equal(journal.desired(), {});
  await journal.setTrial(TRIAL);
  await journal.setDesired({ last: { id: '1', st: 'applied' } });
  assert.equal(journal.trial(), TRIAL);
  assert.equal(journal.desired(), { last: { id: '1', st: 'applied' } });
  for (const name of ['trial.json', 'desired.json']) assert.is(files.all.get(`${STATE}/${name}`)?.mode, 0o600);
  journal.removeTrial();
  assert.is(journal.trial(), undefined);
});
journal('makes its directory where that is missing', async () => {
  const { files, started, journal } = make();
  const { write } = files;
  files.write = function (this: MemoryFiles, ...args) {
    if (started.length === 0) throw new Error('no such directory');
    write.apply(this, args);
  };
  await journal.setTrial(TRIAL);
  assert.equal(started, [`mkdir -p -m 0755 ${STATE}`]);
  assert.equal(journal.trial(), TRIAL);
});
journal('clears away what a cut of power left of its own files', async () => {
  const { files, journal } = make();
  for (const name of ['trial.json~aB3d5f', 'desired.json~aB3d5f', 'publicnodes.json~aB3d5f'])
    files.all.set(`${STATE}/${name}`, { bytes: new Uint8Array(), mode: 0o600 });
  await journal.setTrial(TRIAL);
  assert.equal(files.list(STATE), ['desired.json~aB3d5f', 'publicnodes.json~aB3d5f', 'trial.json']);
});
for (const text of [
  '',
  'secret',
  '[]',
  'null',
  '7',
  '{"id":"1"}',
  '{"id":1,"boot":"b","steps":[]}',
  '{"id":"1","boot":"b"}',
])
  journal(`does not take ${JSON.stringify(text)} for a trial, nor quote it`, () => {
    const { files, journal } = make();
    files.all.set(`${STATE}/trial.json`, { bytes: encodeUtf8(text), mode: 0o600 });
    let told = '';
    try {
      journal.trial();
    } catch (error) {
      told = (error as Error).message;
    }
    assert.is(told, `${STATE}/trial.json: expected what meshbridge wrote, got something else: remove it to begin anew`);
    assert.is(textOf(files, `${STATE}/trial.json`), text);
  });
journal('writes nothing that it would not read', async () => {
  const { files, journal } = make();
  const long = { ...TRIAL, id: 'x'.repeat(300_000) };
  let told = '';
  await journal.setTrial(long).catch((error: Error) => {
    told = error.message;
  });
  assert.match(told, /trial\.json: expected at most 262144 bytes, got 300\d{3}/);
  assert.equal(files.writes, []);
});
journal.run();
