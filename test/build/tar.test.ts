import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { encodeTar, type TarEntry, type TreeEntry, treeEntries } from '../../build/tar.ts';

const TIME = 1_764_000_000;
const GOLDEN = gunzipSync(readFileSync(inProject('test/fixtures/packaging/meshdemo_1.0.0-r1_all.ipk')));

/** The content of one entry, as GNU tar reads it. */
function extract(archive: Uint8Array, name: string): Buffer {
  const { stdout, status, stderr } = spawnSync('tar', ['-xOf', '-', name], { input: archive });
  assert.is(status, 0, stderr?.toString());
  return stdout;
}

/** What GNU tar lists of an archive. */
function list(archive: Uint8Array): string[] {
  const run = spawnSync('tar', ['--numeric-owner', '--utc', '--full-time', '-tvf', '-'], { input: archive });
  assert.is(run.status, 0, run.stderr.toString());
  return run.stdout.toString().trimEnd().split('\n');
}

const file = (name: string, content = '', mode = 0o644): TreeEntry => ({ name, mode, content: Buffer.from(content) });

const encode = suite('encodeTar');
encode('makes the archives of the golden package, byte by byte', () => {
  const outer = ['./debian-binary', './data.tar.gz', './control.tar.gz'].map(
    (name): TarEntry => ({ name, mode: 0o644, content: extract(GOLDEN, name) }),
  );
  assert.ok(encodeTar(outer, TIME).equals(GOLDEN), '~> the outer archive');
  const data = gunzipSync(extract(GOLDEN, './data.tar.gz'));
  const files: TreeEntry[] = [
    ['/usr/share/meshdemo/v1/readme', 0o644],
    ['/etc/config/meshdemo', 0o600],
    ['/usr/sbin/meshdemo', 0o755],
    ['/etc/init.d/meshdemo', 0o755],
  ].map(([name, mode]) => ({ name: name as string, mode: mode as number, content: extract(data, `.${name}`) }));
  files.push({ name: '/usr/share/meshdemo/current', mode: 0o777, content: { link: 'v1' } });
  assert.ok(encodeTar(treeEntries(files), TIME).equals(data), '~> the files');
  const control = gunzipSync(extract(GOLDEN, './control.tar.gz'));
  const texts = ['conffiles', 'control', 'postinst', 'prerm'].map((name) => ({
    ...file(`/${name}`, '', name.startsWith('p') ? 0o755 : 0o644),
    content: extract(control, `./${name}`),
  }));
  assert.ok(encodeTar(treeEntries(texts), TIME).equals(control), '~> the control files');
});
encode('is read by GNU tar: modes, owner, time, link', () => {
  const link: TreeEntry = { name: '/usr/b', mode: 0o777, content: { link: '../a' } };
  assert.equal(list(encodeTar(treeEntries([file('/usr/a', 'abc', 0o600), link]), 86_400)), [
    'drwxr-xr-x 0/0               0 1970-01-02 00:00:00 ./',
    'drwxr-xr-x 0/0               0 1970-01-02 00:00:00 ./usr/',
    '-rw------- 0/0               3 1970-01-02 00:00:00 ./usr/a',
    'lrwxrwxrwx 0/0               0 1970-01-02 00:00:00 ./usr/b -> ../a',
  ]);
});
for (const size of [0, 1, 511, 512, 513, 9000])
  encode(`keeps ${size} bytes, and ends at a record`, () => {
    const archive = encodeTar([{ name: './x', mode: 0o644, content: Buffer.alloc(size, 'x') }], 0);
    assert.is(archive.length % 10240, 0);
    assert.is(extract(archive, './x').toString(), 'x'.repeat(size));
  });
const NO_ROOM: [string, TarEntry, number][] = [
  ['a name of 4096 bytes', { name: `./${'ä'.repeat(2047)}`, mode: 0o644, content: undefined }, 0],
  ['a target of 101 bytes', { name: './x', mode: 0o777, content: { link: 'x'.repeat(101) } }, 0],
  ['a time before 1970', { name: './x', mode: 0o644, content: undefined }, -1],
  ['a time with a fraction', { name: './x', mode: 0o644, content: undefined }, 0.5],
  ['a mode of 8 digits', { name: './x', mode: 0o10000000, content: undefined }, 0],
];
for (const [what, entry, time] of NO_ROOM)
  encode(`refuses ${what}`, () =>
    assert.throws(() => encodeTar([entry], time), /tar: .*(bytes, at most|octal digits)/),
  );
for (const bytes of [99, 100, 101, 511, 512, 1000])
  encode(`keeps a name of ${bytes} bytes`, () => {
    const name = `./${'d/'.repeat((bytes - 3) >> 1)}`.padEnd(bytes, 'x');
    const archive = encodeTar([file(name, 'y'), file('./z', 'z')], TIME);
    assert.is(extract(archive, name).toString(), 'y');
    assert.is(extract(archive, './z').toString(), 'z');
    assert.is(list(archive).length, 2);
  });
encode.run();

const tree = suite('treeEntries');
tree('puts each directory before what it holds, once', () => {
  const names = treeEntries([file('/b/c/2'), file('/b/c/1'), file('/a')]).map(({ name }) => name);
  assert.equal(names, ['./', './a', './b/', './b/c/', './b/c/1', './b/c/2']);
});
tree('sorts by directory, as a walk meets them', () => {
  const names = treeEntries([file('/a-b'), file('/a/x'), file('/a.b'), file('/B')]).map(({ name }) => name);
  assert.equal(names, ['./', './B', './a/', './a/x', './a-b', './a.b']);
});
tree.run();
