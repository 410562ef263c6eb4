import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { MAX_BROKERS, MAX_INTERFACES, MAX_KEYS, MEANINGS, OPTIONS, parseConfig } from '../../src/config.ts';
import { MAX_CLIENTS, MAX_GATEWAYS } from '../../src/lease-option.ts';
import { parseUci } from '../../src/lib/uci.ts';
import type { ListSpec, OptionSpec } from '../../src/option.ts';

const TEXT = readFileSync(inProject('openwrt-feed/meshbridge/files/meshbridge.config'), 'utf8');
/** As it is when everything that is commented out counts. */
const COMPLETE = TEXT.replace(/^(\s*)# (?=(?:config|option|list) \S+ ')/gm, '$1');

type Spec = OptionSpec<unknown> | ListSpec<unknown>;

/** What is shown of options without a default, or in the place of nothing. */
const EXAMPLES: Record<string, string> = {
  socket: 'unix:///tmp/yggdrasil/ygg0.sock',
  url: 'mqtts://broker.example.org',
  pin: 'y8F2MnPcmmRVR0vZ8dhMmUhCAXrzBTCzrKJVKuu4n0c=',
  public: '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0',
  scope: 'operate',
  key: '5f834fd742aa1172a88edd5c5fd17b9ed797d051c00ac0247254db85aa992419',
  bypass: '02:11:22:33:44:55',
  dns: '9.9.9.9',
  reach: '192.0.2.0/24',
  asks_for: 'name',
  desk_tells: 'name',
};

/** The statements by which an option is shown. */
function shown(name: string, spec: Spec): string[] {
  if (!('items' in spec)) return [`option ${name} '${spec.default || (EXAMPLES[name] ?? '')}'`];
  return (spec.items.length > 0 ? spec.items : [EXAMPLES[name]]).map((item) => `list ${name} '${item}'`);
}

/** What the comment above an option must say. */
function explanation(meaning: string, spec: Spec): string {
  const normal = 'items' in spec ? spec.items.join(', ') : spec.default;
  const takes = 'items' in spec ? `a list; an item is ${spec.takes}` : spec.takes;
  return `${meaning} Takes ${takes}. ${normal === undefined ? 'Must be given.' : `Default: ${normal || 'none'}.`}`;
}

/** The lines of the one section of a type. */
function linesOf(type: string): string[] {
  const blocks = COMPLETE.split(/^(?=config )/m).filter((block) => block.startsWith(`config ${type} '`));
  assert.is(blocks.length, 1, type);
  return blocks[0]!.split('\n').slice(1);
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
    const statements = linesOf(type).filter((line) => /^\t(option|list) /.test(line));
    const wanted = Object.entries<Spec>(specs).flatMap(([name, spec]) => shown(name, spec));
    assert.equal(
      statements.map((line) => line.trim()),
      wanted,
    );
  }
  assert.is(parseUci(COMPLETE).sections.length, Object.keys(OPTIONS).length);
});
shipped('parses with everything that it shows', () => {
  const { interfaces, brokers, keys, lease, gateways, registrar, clients, ...main } = parseConfig(COMPLETE);
  const normal = parseConfig("config lease 'home'\nconfig registrar 'registrar'\n");
  assert.equal(
    {
      ...{ ...main, interfaces: [], brokers: [], keys: [], gateways: [], clients: [] },
      lease: { ...lease!, bypass: [] },
      registrar: { ...registrar!, dns: [], reach: [], asksFor: [], deskTells: [] },
    },
    normal,
  );
  const address = '201:81f2:c0a2:f557:ba35:5dc4:8a8e:80ba';
  assert.equal(
    [...gateways, ...clients].map((one) => [one.name, one.address]),
    [
      ['boston', address],
      ['ann', address],
    ],
  );
  assert.equal([lease!.bypass, registrar!.dns, registrar!.asksFor], [[EXAMPLES.bypass], [EXAMPLES.dns], ['name']]);
  assert.equal(interfaces, [{ name: 'ygg0', endpoint: { path: '/tmp/yggdrasil/ygg0.sock' } }]);
  assert.equal(
    brokers.map(({ name, url, pins }) => [name, url, pins]),
    [['fleet', { endpoint: { host: 'broker.example.org', port: 8883 }, secure: true }, [EXAMPLES.pin]]],
  );
  assert.equal(keys, [{ name: 'operator', public: EXAMPLES.public!, scope: 'operate' }]);
});
for (const [type, specs] of Object.entries(OPTIONS))
  for (const [name, spec] of Object.entries<Spec>(specs))
    shipped(`explains ${name} of ${type} as the table does`, () => {
      const lines = linesOf(type);
      const at = lines.findIndex((line) => new RegExp(`^\t(option|list) ${name} '`).test(line));
      assert.is(
        commentAbove(lines, at),
        explanation((MEANINGS as Record<string, Record<string, string>>)[type]![name]!, spec),
      );
    });
shipped('names the most of each section', () => {
  for (const [what, most] of [
    ['A Yggdrasil that is not found by itself', MAX_INTERFACES],
    ['A broker of MQTT', MAX_BROKERS],
    ['A key', MAX_KEYS],
    ['A gateway', MAX_GATEWAYS],
    ['What the operator of this gateway decided on a home', MAX_CLIENTS],
  ] as const)
    assert.match(TEXT, new RegExp(`^# ${what}.* at most ${most}\\.`, 'm'));
});
shipped('keeps its lines short', () => {
  for (const line of TEXT.split('\n')) assert.ok(line.length <= 110, `~> ${line}`);
});
shipped.run();
