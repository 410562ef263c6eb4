import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FindingLevel } from '../../src/api/model.ts';
import { FINDINGS, type FindingId } from '../../src/mesh/lint-finding.ts';
import { read } from './source.ts';

const findings = suite('findings of the lint');
/** Id, levels, and whether one click puts it right, as the README has them. */
const table = /### Safety lint\n[\s\S]*?\n## /.exec(read('README.md'))?.[0] ?? '';
const rows = [...table.matchAll(/^\| `(\w+)` \| ([\w, ]+) \|.*\| (yes)? \|$/gm)];
findings('are in the README, each with a row', () => {
  assert.equal(rows.map(([, id]) => id!).sort(), Object.keys(FINDINGS).sort());
});
findings('have the level there that they have', () => {
  for (const [, id, levels] of rows) {
    const { level }: { level: FindingLevel } = FINDINGS[id as FindingId];
    assert.ok(levels!.split(', ').includes(level), `~> ${id}: ${level}`);
  }
});
findings('are put right by one click where the README says so', () => {
  for (const [, id, , yes] of rows) assert.is('does' in FINDINGS[id as FindingId], yes !== undefined, id);
});
findings.run();
