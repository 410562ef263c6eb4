import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
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
