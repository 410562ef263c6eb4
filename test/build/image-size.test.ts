import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatRow, formatTable, needOf, ROUTERS, type Router, withTable } from '../../build/image-size.ts';
import { ARCHITECTURES } from '../../build/packages.ts';
import { inProject } from '../../build/project.ts';

const MADE: Router = {
  target: 'made',
  architecture: 'mips_24kc',
  yggdrasil: { unpacked: 17_000_000, squashed: 4_300_000 },
};

const need = suite('needOf');
need('adds up what lies in flash, and takes the next chip', () => {
  assert.equal(needOf(MADE, 400_000), { ours: 400_000, added: 4_700_000, flash: 16, ram: 128 });
  const most = 16 * 1024 * 1024 - 8_000_000 - 1_500_000 - 4_300_000;
  assert.is(needOf(MADE, most).flash, 16);
  assert.is(needOf(MADE, most + 1).flash, 32);
});
need('takes more RAM where half of it is gone already', () => {
  assert.is(needOf({ ...MADE, freeOf128: 60 }, 0).ram, 128);
  assert.is(needOf({ ...MADE, freeOf128: 20 }, 0).ram, 256);
});
need.run();

const table = suite('formatTable');
table('names architectures that there are packages for', () => {
  const served: string[] = Object.values(ARCHITECTURES).flat();
  for (const { architecture } of ROUTERS) assert.ok(served.includes(architecture), architecture);
});
table('takes the place of the old one', () => {
  assert.is(
    withTable('a\n\n| target | x |\n|---|---|\n| y | z |\n\nb\n', '| target |\n| new |'),
    'a\n\n| target |\n| new |\n\nb\n',
  );
  assert.throws(() => withTable('nothing', ''), 'expected a table');
  assert.match(
    formatTable(() => 1),
    /^\| target \|/,
  );
});
table('is the one in the README, by the sizes that are told there', () => {
  const rows = readFileSync(inProject('openwrt-feed/image/README.md'), 'utf8')
    .match(/^\| .*\|$/gm)!
    .slice(1);
  assert.is(rows.length, ROUTERS.length);
  ROUTERS.forEach((router, at) => {
    const ours = Number(rows[at]!.split('|')[5]) * 1e6;
    assert.is(rows[at], formatRow(router, needOf(router, ours)));
  });
});
table.run();
