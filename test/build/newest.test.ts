import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keepNewest, touch } from '../../build/newest.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-newest-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

/** A file that was used so many seconds after 1970. */
function used(name: string, seconds: number): string {
  const path = join(directory, name);
  writeFileSync(path, '');
  utimesSync(path, seconds, seconds);
  return path;
}

const newest = suite('keepNewest');
newest('removes what was used longest ago, among names that begin alike', () => {
  used('main-a.o', 30);
  used('main-b.o', 10);
  used('main-c.o', 20);
  used('mainly-d.o', 1);
  keepNewest(directory, 'main-', 2);
  assert.equal(readdirSync(directory).sort(), ['main-a.o', 'main-c.o', 'mainly-d.o']);
});
newest('keeps an old file that was used just now', () => {
  touch(used('main-old.o', 1));
  keepNewest(directory, 'main-', 1);
  assert.equal(readdirSync(directory).sort(), ['main-old.o', 'mainly-d.o']);
});
newest.run();

const mark = suite('touch');
mark('does not make a file', () => assert.throws(() => touch(join(directory, 'none')), /ENOENT/));
mark.run();
