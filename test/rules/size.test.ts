import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatGrowth, moduleBytes } from '../../build/growth.ts';
import { overweight, weighBundle } from '../../build/size.ts';

const size = suite('router bundle');

size('keeps its budgets', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-size-'));
  try {
    for (const { what, value, budget } of await weighBundle(join(directory, 'meshbridge.js')))
      assert.ok(value! > 1000 && value! <= budget!, `~> ${what}: ${value} bytes, budget ${budget}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

size('is told when it does not', () => {
  const weight = { what: 'bundle', unit: 'bytes', budget: 100 } as const;
  assert.equal(overweight([{ ...weight, value: 100 }]), []);
  assert.is(overweight([{ ...weight, value: 101 }]).length, 1);
  assert.equal(
    overweight([
      { ...weight, budget: undefined, value: 101 },
      { ...weight, value: undefined },
    ]),
    [],
  );
});

size.run();

const growth = suite('formatGrowth');

growth('tells of each module that differs, what grew most first', () => {
  const before = new Map([
    ['gone', 5],
    ['same', 3],
    ['grown', 10],
    ['shrunk', 10],
  ]);
  const now = new Map([
    ['same', 3],
    ['grown', 14],
    ['shrunk', 9],
    ['new', 100],
  ]);
  assert.equal(
    formatGrowth(before, now).map((line) => line.trim().split(/ +/)),
    [
      ['100', '+100', 'new'],
      ['14', '+4', 'grown'],
      ['9', '-1', 'shrunk'],
      ['0', '-5', 'gone'],
      ['+98', 'all', 'together'],
    ],
  );
  assert.equal(formatGrowth(now, now), []);
});

growth('lists the most, and sums up the rest', () => {
  const now = new Map(Array.from({ length: 30 }, (_, at) => [`module ${at}`, 100 - at]));
  const lines = formatGrowth(new Map(), now);
  assert.is(lines.length, 22);
  assert.match(lines[20]!, /^ +\+755 {2}10 more$/);
  assert.match(lines[21]!, /^ +\+2565 {2}all together$/);
});

growth('takes the bytes of modules from a metafile', () => {
  const outputs = {
    x: { bytes: 9, inputs: { a: { bytesInOutput: 4 }, b: { bytesInOutput: 5 } }, imports: [], exports: [] },
  };
  assert.equal(
    moduleBytes({ outputs }),
    new Map([
      ['a', 4],
      ['b', 5],
    ]),
  );
});

growth.run();
