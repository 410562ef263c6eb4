import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { projectFiles, read, sources } from './source.ts';

const isText = (path: string): boolean => !/\.(png|ipk|gz|sig|lmo)$/.test(path) && path !== 'package-lock.json';

const opening = suite('first lines');
for (const path of [...sources('src'), ...sources('luci-app'), ...sources('build'), ...sources('test')].filter(
  (p) => !p.endsWith('.test.ts'),
)) {
  opening(`say what a file is for: ${path}`, () => assert.match(read(path), /^\/\/ \S/));
}
opening.run();

// ---

const docs = suite('exported functions and classes');
for (const path of [...sources('src'), ...sources('luci-app')]) {
  docs(`have a doc comment: ${path}`, () => {
    const lines = read(path).split('\n');
    lines.forEach((line, i) => {
      if (!/^export (async function|function|abstract class|class) /.test(line)) return;
      assert.match(lines[i - 1] ?? '', /\*\/\s*$/, `~> ${path}:${i + 1} ${line}`);
    });
  });
}
docs.run();

// ---

const machine = suite('files');
// written in parts, so that this file does not name what it looks for
const FORBIDDEN: [RegExp, string][] = [
  [new RegExp(`(^|[\\s'"\`(=])/${'work'}/`), 'a path of one machine'],
  [new RegExp(`${'registry'}\\.npmjs|deb\\.${'debian'}\\.org|snapshot\\.${'debian'}`), "a registry's host"],
  [/\b(TODO|FIXME|XXX)\b|debugger;/, 'a left-over'],
];
for (const path of projectFiles().filter((p) => isText(p) && !p.startsWith('test/rules/'))) {
  machine(`belong to no machine and hold no left-overs: ${path}`, () => {
    const text = read(path);
    for (const [pattern, what] of FORBIDDEN) assert.not.match(text, pattern, `~> ${path} holds ${what}`);
  });
}
machine.run();

// ---

const suites = suite('suites');
const AREAS = [
  'lib api transport ubus yggdrasil mqtt http mesh source system plane surface bugs',
  'rules build host dev page-host luci service packages broker fleet lab conformance',
].flatMap((line) => line.split(' '));
for (const path of sources('test').filter((p) => p.endsWith('.test.ts'))) {
  suites(`all run: ${path}`, () => {
    const text = read(path);
    const area = path.split('/')[1]!;
    assert.ok(AREAS.includes(area), `~> no stage of build/test.ts runs test/${area}`);
    const made = [...text.matchAll(/^(?:const|let) (\w+) = suite(?:<[^\n]*>)?\(/gm)].map((match) => match[1]!);
    for (const name of made) assert.match(text, new RegExp(`^\\s*${name}\\.run\\(\\)`, 'm'), `~> ${name} never runs`);
    assert.not.match(text, /\.only\(/, '~> a test that runs alone');
  });
}
suites.run();

// ---

const dependencies = suite('dependencies');
dependencies('are pinned and have a line in ARCHITECTURE', () => {
  const { devDependencies, dependencies = {} } = JSON.parse(read('package.json'));
  const architecture = read('ARCHITECTURE.md');
  for (const [name, version] of Object.entries({ ...devDependencies, ...dependencies })) {
    assert.match(String(version), /^\d+\.\d+\.\d+$/, `~> ${name} is not pinned`);
    assert.ok(architecture.includes(`\`${name}\``), `~> ARCHITECTURE does not say why ${name} is there`);
  }
});
dependencies.run();
