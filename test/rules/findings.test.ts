import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FINDINGS } from '../../src/mesh/lint-finding.ts';
import { read } from './source.ts';

const findings = suite('findings of the lint');
findings('are in the README, each with a row', () => {
  const table = /### Safety lint\n[\s\S]*?\n## /.exec(read('README.md'))?.[0] ?? '';
  const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]!);
  assert.equal([...rows].sort(), Object.keys(FINDINGS).sort());
});
findings.run();
