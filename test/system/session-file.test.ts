import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { type Log, SILENT } from '../../src/log.ts';
import { readSession } from '../../src/system/session-file.ts';
import { MemoryFiles } from '../support/files.ts';

const PATH = '/var/run/meshbridge/session';

function make() {
  const files = new MemoryFiles();
  let count = 0;
  const warnings: string[] = [];
  const log: Log = { ...SILENT, warn: (event, fields) => void warnings.push(`${event}: ${fields?.error}`) };
  const host = { files, randomBytes: (length: number) => new Uint8Array(length).fill(++count) };
  const boot = (id: string): void => {
    files.all.set('/proc/sys/kernel/random/boot_id', { bytes: encodeUtf8(`${id}\n`), mode: 0o444 });
  };
  const read = (): string => readSession(host, '/var/run/meshbridge', log);
  return { files, warnings, boot, read };
}

const session = suite('readSession');
session('is 12 characters, the same for every daemon of a start', () => {
  const { files, boot, read } = make();
  boot('one');
  const first = read();
  assert.match(first, /^[a-z2-7]{12}$/);
  assert.is(read(), first);
  assert.is(files.all.get(PATH)!.mode, 0o600);
});
session('is another one after the next start, also where the file stays', () => {
  const { files, boot, read } = make();
  boot('one');
  const first = read();
  boot('two');
  const second = read();
  assert.is.not(second, first);
  files.remove(PATH);
  assert.is.not(read(), second);
});
session('is one without the kernel, too', () => {
  const { read } = make();
  assert.is(read(), read());
});
session('is made anew where the file is broken', () => {
  for (const text of ['', 'one', 'one\n', 'one\nshort\n', `one\n${'A'.repeat(12)}\n`, `one\n${'a'.repeat(13)}\n`]) {
    const { files, boot, read } = make();
    boot('one');
    files.all.set(PATH, { bytes: encodeUtf8(text), mode: 0o600 });
    assert.match(read(), /^[a-z2-7]{12}$/);
    assert.is(read(), read());
  }
});
session('ends with the daemon where nothing can be kept', () => {
  const { files, warnings, read } = make();
  files.write = () => {
    throw new Error('write /var/run/meshbridge/session: No space left on device');
  };
  assert.is.not(read(), read());
  assert.is(warnings[0], 'session not kept: write /var/run/meshbridge/session: No space left on device');
  files.read = () => {
    throw new Error('read: Permission denied');
  };
  assert.match(read(), /^[a-z2-7]{12}$/);
  assert.is(warnings.at(-2), 'session not known: read: Permission denied');
});
session.run();
