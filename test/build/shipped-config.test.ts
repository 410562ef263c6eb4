import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { MAX_INTERFACES, MEANINGS, OPTIONS, type OptionSpec, parseConfig } from '../../src/config.ts';
import { parseUci } from '../../src/lib/uci.ts';

const TEXT = readFileSync(inProject('openwrt-feed/meshbridge/files/meshbridge.config'), 'utf8');
/** As it is when everything that is commented out counts. */
const COMPLETE = TEXT.replace(/^(\s*)# (?=(?:config|option|list) \S+ ')/gm, '$1');

/** What the comment above an option must say. */
function explanation(meaning: string, { takes, default: normal }: OptionSpec<unknown>): string {
  return `${meaning} Takes ${takes}. ${normal === undefined ? 'Must be given.' : `Default: ${normal}.`}`;
}

/** The comment lines above a line, joined. */
function commentAbove(lines: readonly string[], at: number): string {
  let from = at;
  while (/^\t# /.test(lines[from - 1] ?? '')) from--;
  return lines
    .slice(from, at)
    .map((line) => line.slice(3))
    .join(' ');
}

const shipped = suite('the shipped configuration');
shipped('sets nothing but the defaults', () => assert.equal(parseConfig(TEXT), parseConfig(undefined)));
shipped('shows every option of the table with its default, and nothing else', () => {
  for (const [type, specs] of Object.entries(OPTIONS)) {
    const sections = parseUci(COMPLETE).sections.filter((section) => section.type === type);
    assert.is(sections.length, 1);
    const shown = [...sections[0]!.options].map(([name, { value }]) => [name, value]);
    const wanted = Object.entries<OptionSpec<unknown>>(specs).map(([name, spec]) => [
      name,
      spec.default ?? 'unix:///tmp/yggdrasil/ygg0.sock',
    ]);
    assert.equal(shown, wanted);
  }
  assert.is(parseUci(COMPLETE).sections.length, Object.keys(OPTIONS).length);
});
shipped('parses with everything that it shows', () => {
  assert.equal(parseConfig(COMPLETE), {
    ...parseConfig(undefined),
    interfaces: [{ name: 'ygg0', endpoint: { path: '/tmp/yggdrasil/ygg0.sock' } }],
  });
});
for (const [type, specs] of Object.entries(OPTIONS))
  for (const [name, spec] of Object.entries<OptionSpec<unknown>>(specs))
    shipped(`explains ${name} as the table does`, () => {
      const lines = COMPLETE.split('\n');
      const at = lines.findIndex((line) => line.startsWith(`\toption ${name} '`));
      assert.is(
        commentAbove(lines, at),
        explanation((MEANINGS as Record<string, Record<string, string>>)[type]![name]!, spec),
      );
    });
shipped('names the most interfaces', () => assert.match(TEXT, `at most ${MAX_INTERFACES}.`));
shipped('keeps its lines short', () => {
  for (const line of TEXT.split('\n')) assert.ok(line.length <= 110, `~> ${line}`);
});
shipped.run();
