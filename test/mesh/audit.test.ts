import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuditEntry } from '../../src/api/client-object.ts';
import { Logger } from '../../src/log.ts';
import { AuditLog, type AuditStore } from '../../src/mesh/audit.ts';
import { AuditFile } from '../../src/system/audit-file.ts';
import { crypto } from '../support/crypto.ts';
import { MemoryFiles } from '../support/files.ts';
import { nodeOf } from '../support/node-key.ts';

class Lines implements AuditStore {
  constructor(readonly lines: string[] = []) {}
  load(): string[] {
    return [...this.lines];
  }
  append(line: string): void {
    this.lines.push(line);
  }
}

const open = (store: AuditStore, most = 1000): AuditLog => new AuditLog(store, (bytes) => crypto.sha512(bytes), most);
const act = (more: Partial<AuditEntry> = {}): Omit<AuditEntry, 'n'> => ({
  ...{ at_s: 1_800_000_000, by: 'ann', did: 'suspend', reason: 'not paid' },
  clients: [{ address: nodeOf(1).address, was: 'admitted' }],
  ...more,
});
/** A log of some entries, as its lines. */
function written(count: number): string[] {
  const store = new Lines();
  const log = open(store);
  for (let i = 0; i < count; i++) log.append(act({ reason: `reason ${i}` }));
  return store.lines;
}

const chain = suite('AuditLog');
chain('numbers entries, gives the newest first, and goes on after a restart', () => {
  const store = new Lines();
  const first = open(store);
  for (const reason of ['a', 'b', 'c']) first.append(act({ reason }));
  const log = open(store);
  assert.is(log.head, first.head);
  assert.is(log.append(act({ reason: 'd' })).n, 4);
  assert.equal(
    log.newest(Number.MAX_SAFE_INTEGER, 2).map(({ n, reason }) => [n, reason]),
    [
      [4, 'd'],
      [3, 'c'],
    ],
  );
  assert.equal(
    log.newest(3, 10).map(({ n }) => n),
    [2, 1],
  );
  assert.is(log.brokenAt, undefined);
  assert.is(open(store).brokenAt, undefined);
});
chain('notices every byte that was changed by hand, and where', () => {
  const lines = written(4);
  for (const [at, line] of lines.entries())
    for (let i = 0; i < line.length; i++) {
      const changed = [...lines];
      changed[at] = `${line.slice(0, i)}${line[i] === 'x' ? 'y' : 'x'}${line.slice(i + 1)}`;
      const { brokenAt } = open(new Lines(changed));
      assert.ok(brokenAt !== undefined && brokenAt <= at + 2, `line ${at + 1}, character ${i}: ${brokenAt}`);
    }
});
chain('notices a line that was taken out, put in, or moved', () => {
  const lines = written(5);
  const without = (at: number): string[] => lines.filter((_, i) => i !== at);
  for (const at of [1, 2, 3]) assert.is(open(new Lines(without(at))).brokenAt, at + 2, `without ${at + 1}`);
  assert.is(open(new Lines([lines[0]!, lines[2]!, lines[1]!])).brokenAt, 3);
  assert.is(open(new Lines([...lines.slice(0, 2), ...written(5).slice(1, 2), ...lines.slice(2)])).brokenAt, 2);
});
chain('does not take it for broken that the oldest are not kept any more', () => {
  const lines = written(5).slice(2);
  const log = open(new Lines(lines));
  assert.is(log.brokenAt, undefined);
  assert.is(log.append(act()).n, 6);
});
chain('goes on after what is broken, and still says so', () => {
  const store = new Lines([...written(2), 'nonsense']);
  const log = open(store);
  assert.is(log.brokenAt, 3);
  log.append(act());
  assert.is(open(store).brokenAt, 3);
});
chain('keeps what strangers wrote from doing anything on a terminal', () => {
  const store = new Lines();
  open(store).append(act({ by: 'ann\u001b[2J', reason: 'a\nb\u202e' }));
  assert.is(store.lines.length, 1);
  const entry = open(store).act(1)[0]!;
  assert.equal([entry.by, entry.reason], ['ann·[2J', 'a·b·']);
});
chain('remembers as many as it is told', () => {
  const log = open(new Lines(), 3);
  for (let i = 0; i < 9; i++) log.append(act());
  assert.equal(
    log.newest(100, 100).map(({ n }) => n),
    [9, 8, 7],
  );
});
chain.run();

const DIRECTORY = '/etc/meshbridge/clients';
const SILENT = new Logger(() => {}).scope('registrar');
const file = suite('AuditFile');
file('keeps lines in pieces, of which the oldest go', () => {
  const files = new MemoryFiles();
  const store = new AuditFile(files, DIRECTORY, SILENT);
  const log = open(store, 10_000);
  for (let i = 0; i < 2000; i++) log.append(act({ reason: 'r'.repeat(200) }));
  const names = files.list(DIRECTORY);
  assert.is(names.length, 128);
  for (const name of names) assert.ok(files.all.get(`${DIRECTORY}/${name}`)!.bytes.length < 3000, name);
  const again = open(new AuditFile(files, DIRECTORY, SILENT));
  assert.is(again.brokenAt, undefined);
  assert.is(again.head, log.head);
  assert.is(again.append(act()).n, 2001);
});
file('does not count what could not be written', () => {
  const files = new MemoryFiles();
  const log = open(new AuditFile(files, DIRECTORY, SILENT));
  log.append(act());
  const { write } = files;
  files.write = () => {
    throw new Error('No space left on device');
  };
  assert.throws(() => log.append(act()), /No space left/);
  files.write = write;
  assert.is(log.append(act({ reason: 'again' })).n, 2);
  const again = open(new AuditFile(files, DIRECTORY, SILENT));
  assert.is(again.brokenAt, undefined);
  assert.is(again.act(2)[0]!.reason, 'again');
});
file('goes on beside a piece that cannot be read, which shows as broken and stays as it is', () => {
  const files = new MemoryFiles();
  const lines: string[] = [];
  const store = () => new AuditFile(files, DIRECTORY, new Logger((line) => lines.push(line)).scope('registrar'));
  const log = open(store());
  for (let i = 0; i < 100; i++) log.append(act({ reason: 'r'.repeat(200) }));
  const [first, ...others] = files.list(DIRECTORY).map((name) => `${DIRECTORY}/${name}`);
  for (const path of [first!, others.at(-1)!]) {
    const before = files.all.get(path)!;
    // larger than a piece can be
    files.all.set(path, { ...before, bytes: new Uint8Array(70_000) });
    const broken = open(store());
    assert.ok(broken.brokenAt !== undefined, path);
    broken.append(act({ reason: 'after' }));
    assert.is(files.all.get(path)!.bytes.length, 70_000, '~> not written over');
    assert.is(open(store()).newest(10_000, 1)[0]!.reason, 'after');
    assert.is(open(store()).brokenAt, broken.brokenAt);
  }
  assert.match(lines.join(), /a piece of the log of what was decided is not read/);
});
file('leaves other files of its directory alone', () => {
  const files = new MemoryFiles();
  for (const name of ['07.json', 'audit-1.log', 'audit-000001.log~abc123'])
    files.write(`${DIRECTORY}/${name}`, new Uint8Array([120]), 0o600);
  assert.equal(new AuditFile(files, DIRECTORY, SILENT).load(), []);
});
file.run();
