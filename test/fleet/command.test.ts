import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleMeshctl } from '../../build/meshctl.ts';
import { version } from '../../package.json';
import { COMMON } from '../../src/fleet/command.ts';
import { COMMANDS } from '../../src/fleet/meshctl.ts';
import { withOperator } from '../support/meshctl.ts';

const table = suite('commands');
table('have words of their own', () => {
  const words = COMMANDS.map((command) => command.words);
  assert.is(new Set(words).size, words.length);
  for (const one of words) {
    assert.match(one, /^[a-z]+( [a-z]+)?$/);
    assert.not.ok(
      words.some((other) => other.startsWith(`${one} `)),
      `~> ${one} hides others`,
    );
  }
});
for (const command of COMMANDS)
  table(`explain themselves: ${command.words}`, () =>
    withOperator(async (it) => {
      const { code, out, err } = await it.run(`${command.words} --help`);
      assert.equal([code, err], [0, '']);
      assert.ok(out.startsWith(`usage: meshctl ${command.words}`));
      for (const name of [...Object.keys(command.options), ...Object.keys(COMMON)]) assert.match(out, `--${name}`);
      for (const line of out.split('\n')) assert.ok(line.length <= 110, `~> ${line}`);
      assert.not.match(command.summary, /\.$/);
    }),
  );
table.run();

// ---

const words = suite('meshctl');
words('lists all commands without any word', () =>
  withOperator(async (it) => {
    for (const line of ['--help', 'help', '-h']) {
      const { code, out } = await it.run(line);
      assert.is(code, 0);
      for (const command of COMMANDS) assert.match(out, command.words);
      for (const row of out.split('\n')) assert.ok(row.length <= 110, `~> ${row}`);
    }
    assert.is((await it.run([])).code, 0);
  }),
);
words('tells its version', () =>
  withOperator(async (it) => assert.is((await it.run('--version')).out, `meshctl ${version}\n`)),
);
words('lists the commands of a group', () =>
  withOperator(async (it) => {
    const { code, out } = await it.run('keys');
    assert.is(code, 0);
    assert.match(out, 'keys list');
    assert.not.match(out, 'broker set');
  }),
);
for (const [line, expected] of [
  ['kyes', '"kyes": no such command, did you mean keys?'],
  ['keys lst', '"keys lst": no such command, did you mean keys list?'],
  ['frobnicate', '"frobnicate": no such command, there are'],
  ['keys new', 'keys new: expected NAME, something is missing'],
  ['keys list x', 'keys list: expected no arguments, "x" is one too many'],
  ['keys new a --scop operate', '--scop: unknown option, did you mean --scope?'],
  ['keys new a --scope', '--scope: expected SCOPE behind it'],
  ['keys new a --scope --json', '--scope: expected SCOPE behind it'],
  ['keys list --help=5', '--help: it takes no value'],
  ['-v', '"-v": no such command'],
  ['show anna', '"anna": no node is enrolled yet; meshctl enroll new --help tells how'],
  [
    'keys new a --scope everything',
    'scope: expected one of observe, diagnose, operate, configure, desk, got "everything"',
  ],
  ['keys show otto', 'key: there is none called otto'],
] as const)
  words(`refuses ${line}`, () =>
    withOperator(async (it) => {
      const { code, out, err } = await it.run(line);
      assert.equal([code, line.includes('--json') ? '' : out], [2, '']);
      assert.ok(err.startsWith(`meshctl: ${expected}`), err);
    }),
  );
words('helps with one command, however it is asked', () =>
  withOperator(async (it) => {
    const { out } = await it.run('keys new --help');
    for (const line of ['help keys new', '--help keys new', '-h keys new', 'keys new -h'])
      assert.equal(await it.run(line), { code: 0, out, err: '' }, line);
    assert.match((await it.run('help keys')).out, 'keys list');
    assert.is((await it.run('help kyes')).code, 2);
  }),
);
words('fails in JSON for programs', () =>
  withOperator(async (it) => {
    const { code, out } = await it.run('keys show otto --json');
    assert.is(code, 2);
    const { error, ending, exit } = JSON.parse(out);
    assert.match(error, 'there is none called otto');
    assert.equal([ending, exit], ['usage', 2]);
  }),
);
words.run();

// ---

const file = suite('dist/meshctl.mjs');
file('runs alone, from any directory', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-one-'));
  try {
    const path = await bundleMeshctl(join(directory, 'meshctl.mjs'));
    const run = (...args: string[]) =>
      spawnSync(path, args, { cwd: directory, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: directory } });
    assert.is(run('--version').stdout, `meshctl ${version}\n`);
    const made = run('keys', 'new', 'anna', '--json');
    assert.is(made.status, 0, made.stderr);
    assert.is(JSON.parse(made.stdout).file, join(directory, '.config/meshctl/keys/anna.json'));
    const doctor = run('doctor');
    assert.is(doctor.status, 2);
    assert.match(doctor.stderr, 'no broker is set');
    run('broker', 'set', '--url', 'mqtt://127.0.0.1:1');
    const refused = run('doctor');
    assert.equal(
      [refused.status, refused.stderr],
      [3, 'meshctl: mqtt://127.0.0.1:1: connection: nothing listens there\n'],
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});
file('ends without a word when whoever reads has seen enough', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-one-'));
  try {
    const path = await bundleMeshctl(join(directory, 'meshctl.mjs'));
    const { stderr } = spawnSync('sh', ['-c', `${path} --help | true`], { encoding: 'utf8' });
    assert.is(stderr, '');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
file.run();
