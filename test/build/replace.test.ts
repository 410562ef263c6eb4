import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { replaceFile } from '../../build/replace.ts';

const replace = suite('replaceFile');
replace('makes a file, changes it by another one in its place, and leaves the same alone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-replace-'));
  try {
    const path = join(directory, 'a', 'b.js');
    const inode = (): number => statSync(path).ino;
    replaceFile(path, 'ä');
    const first = inode();
    replaceFile(path, new TextEncoder().encode('ä'));
    assert.is(inode(), first);
    replaceFile(path, 'ab');
    assert.is.not(inode(), first, '~> who reads the old one reads it to its end');
    assert.is(readFileSync(path, 'utf8'), 'ab');
    assert.equal(readdirSync(join(directory, 'a')), ['b.js']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
replace('leaves nothing behind where it cannot', () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-replace-'));
  try {
    assert.throws(() => replaceFile(directory, 'a'));
    assert.equal(readdirSync(directory), []);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
replace.run();
