import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleProgram, bundleTests } from '../../build/bundle.ts';
import { engineSources } from '../../build/engine.ts';
import { tlsLibrary } from '../../build/mbedtls.ts';
import { buildNative, findCompiler } from '../../build/native.ts';
import { inProject } from '../../build/project.ts';
import { BUDGETS, C_FLAGS, C_WARNINGS, THIS_MACHINE } from '../../build/targets.ts';
import { signatureLibrary } from '../../build/tinyssh.ts';
import { findDebianProgram } from '../support/debian-program.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-native-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const MIB = 1024 * 1024;
const PROGRAM = join(directory, 'program');

interface Outcome {
  stdout: string;
  stderr: string;
  /** Exit code, or the name of the signal. */
  end: number | string | null;
}

/** Runs a program made by `buildNative` to its end. */
function run(program: string, ...args: string[]): Outcome {
  const { stdout, stderr, status, signal } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  return { stdout, stderr, end: signal ?? status };
}

async function buildTests(name: string, file: string): Promise<string> {
  const out = join(directory, name);
  await bundleTests({ files: [file], out: `${out}.js`, platform: 'quickjs' });
  await buildNative({ bundle: `${out}.js`, out, debug: true });
  return out;
}

const host = suite('the C host');
host.before(async () => {
  await bundleProgram(inProject('test/host/programs.ts'), join(directory, 'program.js'), join(directory, 'meta.json'));
  const limits = { heapBytes: 4 * MIB, stackBytes: 256 * 1024 };
  await buildNative({ bundle: join(directory, 'program.js'), out: PROGRAM, debug: true, limits });
});

host('honours the contract of the port', async () => {
  const { stdout, stderr, end } = run(await buildTests('port', inProject('test/host/port-guest.ts')), directory);
  assert.is(end, 0, stdout + stderr);
  assert.match(stdout, /Passed:\D+[4-9]\d\b/, '~> and it did run');
});

host('ends when there is nothing left to wait for', () => {
  assert.equal(run(PROGRAM, 'nothing'), { stdout: 'done\n', stderr: '', end: 0 });
});

const DEADLY: [string, RegExp][] = [
  ['throws in a callback', /^meshbridge: uncaught: TypeError: wrong\n\s+at \S+ \(program\.js/],
  ['throws at the top', /^meshbridge: unhandled rejection: Error: at once\n\s+at /],
  ['rejects unheard', /^meshbridge: unhandled rejection: Error: unheard\n/],
  ['throws what is no error', /^meshbridge: uncaught: a text\n$/],
  ['waits for ever', /^meshbridge: main module: awaits what can no longer come\n$/],
  ['takes too much memory', /^meshbridge: heap: out of memory\n$/],
  ['takes too much memory at once', /^meshbridge: unhandled rejection: InternalError: out of memory\n/],
];
for (const [name, expected] of DEADLY) {
  host(`ends with code 70 and says why when a program ${name}`, () => {
    const { stderr, end } = run(PROGRAM, name);
    assert.match(stderr, expected);
    assert.is(end, 70);
  });
}

host('lets a rejection be heard until no job is left', () => {
  assert.equal(run(PROGRAM, 'rejects and is heard'), { stdout: 'heard\n', stderr: '', end: 0 });
});

host('throws when the stack is used up, and goes on', () => {
  const { stdout, end } = run(PROGRAM, 'recurses without end');
  const lines = stdout.trimEnd().split('\n');
  assert.is(end, 0);
  assert.is(lines.at(-1), 'alive');
  assert.match(lines[0]!, /stack overflow/);
  assert.match(lines[1]!, /stack overflow/);
});

host('compiles no text', () => {
  const { stdout } = run(PROGRAM, 'compiles text');
  assert.match(stdout, /^(TypeError|ReferenceError): .*\nTypeError: .*\n$/);
});

host('ends at once on exit, with its code', () => {
  assert.equal(run(PROGRAM, 'exits'), { stdout: '', stderr: '', end: 7 });
});

host('never takes the number of a standard descriptor', () => {
  const path = join(directory, 'closed');
  const { status } = spawnSync('sh', ['-c', `exec "${PROGRAM}" 'opens a socket' "${path}" <&- >&- 2>&-`]);
  assert.is(status, 0);
  assert.ok(Number(readFileSync(`${path}.fd`, 'utf8')) > 2);
  assert.is(statSync(path).mode & 0o777, 0o600, '~> and the socket is its owner’s alone');
});

/** Starts a program and sends it signals once it has said that it is ready. */
async function signalled(name: string, ...signals: NodeJS.Signals[]): Promise<Outcome> {
  const child = spawn(PROGRAM, [name]);
  let stdout = '';
  child.stdout.on('data', (bytes: Buffer) => {
    if (stdout === '') for (const signal of signals) child.kill(signal);
    stdout += bytes.toString();
  });
  const end = await new Promise<number | string | null>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  return { stdout, stderr: '', end };
}

host('leaves signals their meaning until somebody listens', async () => {
  assert.is((await signalled('waits for a signal', 'SIGTERM')).end, 'SIGTERM');
});

host('hands over the signals of the contract', async () => {
  const { stdout, end } = await signalled('answers signals', 'SIGHUP', 'SIGINT', 'SIGUSR1', 'SIGTERM');
  assert.equal([stdout, end], ['ready\n1,2,10,15\n', 0]);
});

host('survives that nobody reads what it prints', () => {
  const { stderr } = spawnSync('sh', ['-c', `("${PROGRAM}" 'prints to nobody'; echo "end $?" >&2) | true`], {
    encoding: 'utf8',
  });
  assert.is(stderr, 'Error: print to standard output: Broken pipe\nend 0\n');
});

host('refuses what the contract does not allow', () => {
  const { stdout, stderr, end } = run(PROGRAM, 'misuses descriptors');
  assert.equal([stderr, end], ['', 0]);
  assert.equal(stdout.trimEnd().split('\n'), [
    'Error: read: Bad file descriptor',
    'Error: close: Bad file descriptor',
    'RangeError: watch: events: 4, expected 0 to 3',
    'TypeError: watch: no callback',
    'RangeError: write: 5 bytes at 4 of 8',
    'RangeError: write: 1 bytes at -1 of 8',
    'TypeError: ArrayBuffer object expected',
    'RangeError: read: bytes: 0, expected 1 to 2147483647',
    'Error: close: Bad file descriptor',
    'Error: write: Broken pipe',
    'Error: connect :1: not a numeric address',
    'Error: connect localhost:1: not a numeric address',
    'RangeError: port: 0, expected 1 to 65535',
    'Error: read /etc/passwd: longer than 4095 bytes, or a NUL in it',
    'Error: spawn undefined: No such file or directory',
    'TypeError: toPrimitive',
    'RangeError: wakeAt: not a number',
    'RangeError: exit: 256, expected 0 to 255',
  ]);
});

host('does not call back for what is closed, hung up and unwatched, or was another’s', () => {
  const { stdout } = run(PROGRAM, 'counts callbacks of what is closed');
  assert.is(stdout, 'hang-up 3\nsame number true\n1 1 0\n');
});

host('tells on each turn of what is left to read', () => {
  assert.equal(run(PROGRAM, 'tells of each turn while data waits'), { stdout: 'abc\n', stderr: '', end: 0 });
});

host('tells of a child that ended before anybody asked', () => {
  assert.is(run(PROGRAM, 'hears of a child that has ended').stdout, 'true 5\n');
});

host('gives a child three descriptors and fresh signals', () => {
  const lines = run(PROGRAM, 'shows what a child inherits').stdout.trimEnd().split('\n');
  const [blocked, ignored] = lines.splice(-2);
  assert.ok(lines.length >= 3);
  assert.not.ok(
    lines.some((line) => /socket|anon_inode/.test(line)),
    lines.join(),
  );
  assert.is(Number(`0x${blocked}`), 0);
  assert.is(Number(`0x${ignored}`) & (1 << 12), 0, '~> SIGPIPE is not ignored');
});

host('bounds the children, and takes back those that nobody waits for', () => {
  assert.is(run(PROGRAM, 'abandons names').stdout, 'Error: resolve localhost: Resource temporarily unavailable\n');
  assert.is(run(PROGRAM, 'abandons names and waits').stdout, 'done\n');
});
host.run();

// ---

const tests = suite('bundleTests');
tests('makes a program that fails when a test fails, and says which', async () => {
  const file = join(directory, 'failing.test.ts');
  writeFileSync(
    file,
    `import { suite } from '${inProject('node_modules/uvu/dist/index.mjs')}';
    const sums = suite('sums');
    sums('hold', () => {});
    sums('fail', () => { throw new Error('not today'); });
    sums.run();`,
  );
  const { stdout, end } = run(await buildTests('failing', file));
  assert.is(end, 1);
  assert.match(stdout, /FAIL[\s\S]*not today[\s\S]*Total: {5}2[\s\S]*Passed: {4}1/);
});
tests.run();

// ---

const native = suite('buildNative');
native('does nothing when nothing changed', async () => {
  const bundle = join(directory, 'small.js');
  const out = join(directory, 'small');
  writeFileSync(bundle, "import native from 'native'; native.print(native.args().join());");
  assert.is(await buildNative({ bundle, out, debug: false }), true);
  assert.is(await buildNative({ bundle, out, debug: false }), false);
  assert.is(run(out, 'a', 'ü b').stdout, 'a,ü b');
  writeFileSync(bundle, "import native from 'native'; native.print('changed');");
  assert.is(await buildNative({ bundle, out, debug: false }), true);
  assert.is(run(out).stdout, 'changed');
});
native('carries more programs, chosen by name, first argument or option', async () => {
  const [bundle, other] = [join(directory, 'usual.js'), join(directory, 'other.js')];
  writeFileSync(bundle, "import native from 'native'; native.print('usual ' + native.args().join());");
  writeFileSync(other, "import native from 'native'; native.print('other ' + native.args().join());");
  const out = join(directory, 'both');
  await buildNative({ bundle, others: [{ names: ['both.helper', '--other'], bundle: other }], out, debug: false });
  symlinkSync(out, join(directory, 'both.helper'));
  const said = (program: string, ...args: string[]): string =>
    spawnSync(join(directory, program), args, { encoding: 'utf8' }).stdout;
  assert.is(said('both', 'a'), 'usual a');
  assert.is(said('both', 'both.helper', 'a'), 'other both.helper,a');
  assert.is(said('both', 'a', 'both.helper'), 'usual a,both.helper', '~> a name without -- is no option');
  assert.is(said('both', 'a', '--other'), 'other a,--other');
  assert.is(said('both.helper', 'a'), 'other a');
});
native('shares modules among programs, and loads one only when it is wanted', async () => {
  const place = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const shared = place('part-shared.js', 'export const word = "shared";');
  const late = place('part-late.js', "import { word } from './part-shared.js'; export const text = 'late, ' + word;");
  const begin = "import native from 'native'; import { word } from './part-shared.js'; native.print(word + ';');";
  const bundle = place(
    'wants.js',
    `${begin} const { text } = await globalThis.load('./part-late.js'); native.print(text);`,
  );
  const other = place('lacks.js', `${begin} globalThis.load('./part-none.js').catch((e) => native.print(e.message));`);
  const out = join(directory, 'sharing');
  for (const debug of [false, true]) {
    await buildNative({ bundle, others: [{ names: ['--other'], bundle: other }], parts: [shared, late], out, debug });
    const said = (...args: string[]): string => spawnSync(out, args, { encoding: 'utf8' }).stdout;
    assert.is(said(), 'shared;late, shared');
    assert.is(said('--other'), 'shared;part-none.js: no such module');
  }
});
const strace = await findDebianProgram({
  name: 'strace',
  libraries: ['libunwind8'],
  path: 'usr/bin/strace',
  proof: ['true'],
});
if (typeof strace === 'string') console.log(`skipped: in which order files reach the disk: ${strace}`);
else
  native('has a file on the disk, and its name, before it goes on', async () => {
    const bundle = join(directory, 'writes.js');
    const out = join(directory, 'writes');
    const path = join(directory, 'written');
    writeFileSync(
      bundle,
      "import native from 'native'; native.writeFile(native.args()[0], new ArrayBuffer(3), 0, 3, 0o600);",
    );
    await buildNative({ bundle, out, debug: false });
    const argv = ['-y', '-e', 'trace=fsync,rename', out, path];
    const { stderr } = spawnSync(strace.path, argv, { encoding: 'utf8', env: strace.env });
    const calls = stderr.split('\n').filter((line) => line.endsWith('= 0'));
    assert.is(calls.length, 3, `~> ${stderr}`);
    assert.match(calls[0]!, new RegExp(`^fsync\\(\\d+<${path}~\\w{6}>\\)`));
    assert.match(calls[1]!, new RegExp(`^rename\\("${path}~\\w{6}", "${path}"\\)`));
    assert.match(calls[2]!, new RegExp(`^fsync\\(\\d+<${directory}>\\)`));
  });
native('says where a bundle does not parse', async () => {
  const bundle = join(directory, 'bad.js');
  writeFileSync(bundle, 'let a = 1;\nlet a = 2;');
  const error = await buildNative({ bundle, out: join(directory, 'bad'), debug: false }).catch((e: Error) => e);
  assert.match(String(error), /bad\.js: SyntaxError: .*\n\s+at bad\.js:2/);
});
native('says that there is no compiler', async () => {
  const target = { cc: ['no-such-compiler'], flags: [] };
  assert.is(findCompiler(target), undefined);
  const bundle = join(directory, 'small.js');
  const error = await buildNative({ bundle, out: join(directory, 'none'), debug: false, target }).catch(
    (e: Error) => e,
  );
  assert.match(String(error), /needs a C compiler, and "no-such-compiler" does not run/);
});
native('keeps the C host small', () => {
  const host = inProject('src/host/quickjs/');
  const files = readdirSync(host).filter((name) => /\.[ch]$/.test(name));
  const lines = files.flatMap((name) => readFileSync(host + name, 'utf8').split('\n'));
  const code = lines.filter((line) => !/^\s*(\/\/.*)?$/.test(line));
  assert.ok(code.length > 0 && code.length <= BUDGETS.hostLines, `~> ${code.length} lines`);
});
native('compiles our own C without a warning', async () => {
  const host = inProject('src/host/quickjs/');
  const files = readdirSync(host).filter((name) => name.endsWith('.c'));
  const engine = await engineSources(() => {});
  const libraries = [await signatureLibrary(() => {}), await tlsLibrary(() => {})];
  const flags = [
    ...C_FLAGS,
    ...C_WARNINGS,
    '-Wconversion',
    '-Wno-sign-conversion',
    '-fsyntax-only',
    '-isystem',
    engine,
    ...libraries.flatMap(({ flags }) => flags),
  ];
  const { cc } = THIS_MACHINE;
  const paths = [...files.map((name) => host + name), inProject('build/bytecode.c')];
  const { stderr, status } = spawnSync(cc[0]!, [...cc.slice(1), ...flags, ...paths], { encoding: 'utf8' });
  assert.equal([stderr, status], ['', 0]);
});
native.run();
