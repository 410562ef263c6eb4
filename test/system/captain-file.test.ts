import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import type { CaptainRecord } from '../../src/mesh/captain.ts';
import type { ReportRecord } from '../../src/mesh/report.ts';
import { CaptainFile } from '../../src/system/captain-file.ts';
import { removeLeftovers } from '../../src/system/leftover.ts';
import { ReportFile } from '../../src/system/report-file.ts';
import { MemoryFiles } from '../support/files.ts';
import { nodeOf } from '../support/node-key.ts';

const DIRECTORY = '/etc/meshbridge/clients';
const HOSTILE = '"]}\\<script>\u2028\u{1f600}';

function make(files = new MemoryFiles()) {
  const lines: string[] = [];
  const log = new Logger((line) => lines.push(line)).scope('registrar');
  return {
    files,
    lines,
    captains: new CaptainFile(files, DIRECTORY, log),
    reports: new ReportFile(files, DIRECTORY, log),
  };
}
const captain: CaptainRecord = {
  ...{ key: nodeOf(1).key, name: HOSTILE, site: 'hill', may_vouch: true, max_homes: 3, added_s: 7 },
  said: [{ digest: 'a'.repeat(32), at_s: 8 }],
};
const report = (id: number, more: Partial<ReportRecord> = {}): ReportRecord => ({
  ...{ id, at_s: 7, address: nodeOf(id).address, captain_key: nodeOf(1).key, reason: HOSTILE, state: 'open' },
  digest: 'b'.repeat(32),
  ...more,
});

const captains = suite('CaptainFile');
captains('keeps captains, readable by its user alone, and no file when there are none', () => {
  const { files, captains: file } = make();
  file.save([captain]);
  const path = `${DIRECTORY}/captains.json`;
  assert.equal([make(files).captains.load(), files.all.get(path)!.mode], [[captain], 0o600]);
  file.save([]);
  assert.equal([files.list(DIRECTORY), make(files).captains.load()], [[], []]);
});
captains('leaves out what is broken, and says so', () => {
  for (const text of [
    '{',
    '[7]',
    '[{"key":"short"}]',
    `[{"key":"${'a'.repeat(64)}","name":"x","may_vouch":1,"max_homes":1}]`,
  ]) {
    const { files, captains: file, lines } = make();
    files.write(`${DIRECTORY}/captains.json`, encodeUtf8(text), 0o600);
    assert.equal([file.load(), lines.length], [[], 1], text);
  }
});
captains.run();

const reports = suite('ReportFile');
reports('keeps reports in small files, each of which is there while it holds some', () => {
  const { files, reports: file } = make();
  const decided = report(2, { state: 'upheld', decided_s: 9, note: 'n', evidence: 'e', contact: 'c' });
  file.save(new Map([1, 33, 34].map((id) => [id, report(id)])));
  file.save(new Map([[2, decided]]));
  assert.equal(files.list(DIRECTORY), ['reports-01.json', 'reports-02.json']);
  assert.equal(
    make(files)
      .reports.load()
      .sort((a, b) => a.id - b.id),
    [report(1), decided, report(33), report(34)],
  );
  file.save(new Map([1, 33].map((id) => [id, undefined])));
  assert.equal(files.list(DIRECTORY), ['reports-02.json']);
});
reports('holds the longest ones', () => {
  const { files, reports: file, lines } = make();
  // what costs most in a file: each character is written as six
  const [reason, evidence] = ['\u0001'.repeat(256), '\u0001'.repeat(1024)];
  for (let id = 32; id <= 32 * 17; id += 32)
    file.save(new Map([[id, report(id, { reason, evidence, contact: reason, note: reason })]]));
  assert.equal([make(files).reports.load().length, lines], [17, []]);
});
reports('leaves out what is broken, or lies in another file than it belongs to, and says so', () => {
  const { files, reports: file, lines } = make();
  const text = JSON.stringify([report(1), { ...report(33), state: 'odd' }, report(2), null]);
  files.write(`${DIRECTORY}/reports-01.json`, encodeUtf8(text), 0o600);
  files.write(`${DIRECTORY}/reports-03.json`, encodeUtf8('nope'), 0o600);
  assert.equal([file.load(), lines.length], [[report(1)], 3]);
});
reports.run();

const leftovers = suite('removeLeftovers');
leftovers('removes what was being written when the power failed, and nothing else', () => {
  const files = new MemoryFiles();
  for (const name of ['07.json', '07.json~aB3d5f', 'use.json~000000', 'a~b', 'held-20833-0000.log', 'x~aB3d5fg'])
    files.write(`${DIRECTORY}/${name}`, encodeUtf8('x'), 0o600);
  removeLeftovers(files, DIRECTORY);
  assert.equal(files.list(DIRECTORY), ['07.json', 'a~b', 'held-20833-0000.log', 'x~aB3d5fg']);
});
leftovers.run();
