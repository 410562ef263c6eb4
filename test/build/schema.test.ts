import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { SCHEMAS, schemaFiles, schemas } from '../../build/schema.ts';
import { TOPICS } from '../../src/api/topics.ts';

const published = suite('the published schemas');
const made = schemas();
published('are those of the contract, no more and no fewer', () =>
  assert.equal(schemaFiles().sort(), [...made.keys()].sort()),
);
for (const [path, text] of made)
  published(`say what the contract says: ${path}, else npm run schema`, () =>
    assert.is(readFileSync(inProject(`${SCHEMAS}/${path}`), 'utf8'), text),
  );
published('refuse what a router was not meant to be told, and pass over what it may tell some day', () => {
  const schemaOf = (path: string): Record<string, unknown> => JSON.parse(made.get(path)!);
  for (const name of ['cmd', 'want', 'homes']) assert.is(schemaOf(`${name}.json`).additionalProperties, false);
  for (const name of ['state', 'tele', 'res']) assert.is(schemaOf(`${name}.json`).additionalProperties, undefined);
  assert.equal(schemaOf('tele.json').required, ['sid', 'seq', 'mono', 'clk']);
  assert.is((schemaOf('part.json').items as { items: unknown }).items, false);
});
published('have a line each in README', () => {
  const readme = readFileSync(inProject('README.md'), 'utf8').split(/^## MQTT$/m)[1]!;
  for (const [name, { qos, retain, maxBytes, direction }] of Object.entries(TOPICS)) {
    const row = new RegExp(`^\\| \`${name}(/<\\w+>)?\` \\|.*$`, 'm').exec(readme)?.[0];
    assert.ok(row, `~> ${name}`);
    const cells = row!.split('|').map((cell) => cell.trim());
    assert.equal(cells.slice(2, 6), [direction, String(qos), retain ? 'yes' : 'no', String(maxBytes)], name);
  }
});
published.run();
