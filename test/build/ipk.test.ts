import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { controlFiles, formatControl } from '../../build/control.ts';
import { encodeData, encodeIpk } from '../../build/ipk.ts';
import { PACKAGES, type Package } from '../../build/packages.ts';
import { inProject } from '../../build/project.ts';
import type { TreeEntry } from '../../build/tar.ts';

const TIME = 1_764_000_000;
const GOLDEN = readFileSync(inProject('test/fixtures/packaging/meshdemo_1.0.0-r1_all.ipk'));
/** What the golden package is, in our terms. */
const DEMO: Package = {
  name: 'meshdemo',
  version: '1.0.0-r1',
  architecture: 'all',
  section: 'net',
  source: 'openwrt-feed/meshdemo',
  sourceName: 'meshdemo',
  title: '',
  description: 'Golden test package',
  depends: ['libc'],
  provides: [],
  conflicts: [],
  conffiles: ['/etc/config/meshdemo'],
  user: 'meshdemo=480:meshdemo=480',
  files: [],
  scripts: {},
};

function take(archive: Uint8Array, name: string): Buffer {
  return spawnSync('tar', ['-xzOf', '-', name], { input: archive }).stdout;
}

function names(archive: Uint8Array): string[] {
  return spawnSync('tar', ['-tzf', '-'], { input: archive }).stdout.toString().trimEnd().split('\n');
}

const control = suite('controlFiles');
control("writes the golden package's, but for what is ours", () => {
  const files = controlFiles(DEMO, { architecture: 'all', installedBytes: 10240, time: TIME });
  const golden = take(GOLDEN, './control.tar.gz');
  assert.equal(
    files.map(({ name }) => `./${name}`),
    names(golden).slice(1),
  );
  for (const { name, text } of files) {
    const theirs = take(golden, `./${name}`).toString();
    const expected =
      name === 'control'
        ? theirs
            .replace('License: MIT', 'License: Apache-2.0')
            .replace(/URL: .*\n/, '')
            .replace(/Maintainer: .*/, 'Maintainer: The meshbridge authors')
        : theirs;
    assert.is(text, expected, `~> ${name}`);
  }
});
control("adds a package's own scripts where OpenWrt's defaults look for them", () => {
  const scripts = { postinst: 'one\n', prerm: 'two\n', postrm: 'three\n' };
  const files = controlFiles({ ...DEMO, scripts }, { architecture: 'all', installedBytes: 0, time: 0 });
  const own = files.filter(({ name }) => /-pkg$|^postrm$/.test(name));
  assert.equal(own, [
    { name: 'postinst-pkg', mode: 0o755, text: 'one\n' },
    { name: 'postrm', mode: 0o755, text: '#!/bin/sh\nthree\n' },
    { name: 'prerm-pkg', mode: 0o755, text: 'two\n' },
  ]);
});
control('has no list of conffiles where there are none', () => {
  const files = controlFiles({ ...DEMO, conffiles: [] }, { architecture: 'all', installedBytes: 0, time: 0 });
  assert.not.ok(files.some(({ name }) => name === 'conffiles'));
});
control.run();

const format = suite('formatControl');
format('joins lists, and begins every line of a description with a space', () => {
  const pkg: Package = {
    ...DEMO,
    depends: ['libc', 'b'],
    conflicts: ['c', 'd'],
    provides: ['e', 'f'],
    description: 'One.\nTwo.',
  };
  const text = formatControl(pkg, { architecture: 'mips_24kc', installedBytes: 7, time: 8 });
  for (const line of ['Depends: libc, b', 'Conflicts: c, d', 'Provides: e, f', 'Architecture: mips_24kc'])
    assert.ok(text.includes(`\n${line}\n`), `~> ${line}`);
  assert.ok(text.endsWith('\nInstalled-Size: 7\nDescription:  One.\n Two.\n'));
});
for (const pkg of PACKAGES) {
  format(`of ${pkg.name} has a version that opkg and apk order alike`, () =>
    assert.match(pkg.version, /^\d+\.\d+\.\d+-r[1-9]\d*$/),
  );
  format(`of ${pkg.name} has one field a line and no empty one`, () => {
    const text = formatControl(pkg, { architecture: 'all', installedBytes: 1, time: 1 });
    for (const line of text.trimEnd().split('\n')) assert.match(line, /^(?:[A-Z][A-Za-z-]+: \S?| \S)/, `~> ${line}`);
  });
}
format.run();

const FILES: TreeEntry[] = [
  { name: '/etc/config/x', mode: 0o600, content: Buffer.from('1') },
  { name: '/usr/y', mode: 0o777, content: { link: 'z' } },
];
const ipk = suite('encodeIpk');
ipk("has OpenWrt's name, parts and sizes", () => {
  const data = encodeData(FILES, TIME);
  const { file, bytes, control } = encodeIpk(DEMO, 'mips_24kc', data, TIME);
  assert.is(file, 'meshdemo_1.0.0-r1_mips_24kc.ipk');
  assert.equal(names(bytes), ['./debian-binary', './data.tar.gz', './control.tar.gz']);
  assert.is(take(bytes, './debian-binary').toString(), '2.0\n');
  assert.is(take(take(bytes, './control.tar.gz'), './control').toString(), control);
  assert.ok(control.includes(`\nInstalled-Size: ${gunzipSync(take(bytes, './data.tar.gz')).length}\n`));
  assert.equal(names(take(bytes, './data.tar.gz')), [
    './',
    './etc/',
    './etc/config/',
    './etc/config/x',
    './usr/',
    './usr/y',
  ]);
});
ipk('is the same bytes each time, without the time of the day', () => {
  const make = (): string => Buffer.from(encodeIpk(DEMO, 'all', encodeData(FILES, TIME), TIME).bytes).toString('hex');
  assert.is(make(), make());
  assert.is(make().slice(8, 16), '00000000', '~> the time in the header of gzip');
});
ipk.run();
