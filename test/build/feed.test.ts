import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeFeed, type FeedEntry } from '../../build/feed.ts';
import { inProject } from '../../build/project.ts';
import { isSignedBy, makeKey } from '../../build/usign.ts';

const fixture = (name: string): Buffer => readFileSync(inProject(`test/fixtures/packaging/${name}`));

/** The control file of the golden package, as GNU tar takes it out. */
function goldenControl(): string {
  const take = (archive: Uint8Array, name: string): Buffer =>
    spawnSync('tar', ['-xzOf', '-', name], { input: archive }).stdout;
  return take(take(fixture('meshdemo_1.0.0-r1_all.ipk'), './control.tar.gz'), './control').toString();
}

const GOLDEN: FeedEntry = {
  file: 'meshdemo_1.0.0-r1_all.ipk',
  control: goldenControl(),
  bytes: fixture('meshdemo_1.0.0-r1_all.ipk'),
};
const text = (files: Map<string, Uint8Array>, name: string): string => Buffer.from(files.get(name)!).toString();

const feed = suite('encodeFeed');
feed('makes the golden index, byte by byte', () => {
  const files = encodeFeed([GOLDEN], makeKey());
  assert.equal([...files.keys()].sort(), ['Packages', 'Packages.gz', 'Packages.manifest', 'Packages.sig']);
  for (const name of ['Packages', 'Packages.manifest'])
    assert.is(text(files, name), fixture(name).toString(), `~> ${name}`);
  assert.is(gunzipSync(files.get('Packages.gz')!).toString(), fixture('Packages').toString());
});
feed('signs the list that is not compressed', () => {
  const key = makeKey();
  const files = encodeFeed([GOLDEN], key);
  assert.ok(isSignedBy(text(files, 'Packages.sig'), files.get('Packages')!, key));
});
feed('sorts by file, with an empty line after each record', () => {
  const named = (file: string): FeedEntry => ({
    file,
    control: 'Package: x\nDescription:  X\n',
    bytes: Buffer.from('x'),
  });
  const sum = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
  const record = (file: string): string =>
    `Package: x\nFilename: ${file}\nSize: 1\nSHA256sum: ${sum}\nDescription:  X\n\n`;
  const files = encodeFeed([named('b.ipk'), named('a.ipk')], makeKey());
  assert.is(text(files, 'Packages'), record('a.ipk') + record('b.ipk'));
});
feed('refuses a control file that has no place for the file', () =>
  assert.throws(() => encodeFeed([{ ...GOLDEN, control: 'Package: x\n' }], makeKey()), /no Description/),
);
feed('never makes a list of a length that old usigns cannot verify', () => {
  let padded = 0;
  for (let extra = 0; extra < 128; extra++) {
    const control = `Package: ${'x'.repeat(extra + 1)}\nDescription:  X\n`;
    const list = encodeFeed([{ ...GOLDEN, control }], makeKey()).get('Packages')!;
    assert.not.ok([110, 111].includes((64 + list.length) % 128), `~> ${list.length} bytes`);
    if (Buffer.from(list).toString().endsWith('\n\n\n\n')) padded++;
  }
  assert.is(padded, 2);
});
feed.run();
