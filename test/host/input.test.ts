import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleProgram } from '../../build/bundle.ts';
import { buildNative, findCompiler } from '../../build/native.ts';
import { inProject } from '../../build/project.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-input-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

/** Runs the program with a file, or with a pipe into which pieces are written with pauses; answers with what it printed. */
async function told(argv: readonly string[], input: { file: string } | { pieces: readonly string[] }): Promise<string> {
  const stdin = 'file' in input ? openSync(input.file, 'r') : 'pipe';
  const child = spawn(argv[0]!, argv.slice(1), { cwd: inProject(''), stdio: [stdin, 'pipe', 'inherit'] });
  let printed = '';
  child.stdout!.on('data', (bytes: Buffer) => {
    printed += bytes.toString();
  });
  child.stdin?.on('error', () => {}); // it has read enough
  const end = new Promise((resolve) => child.once('close', resolve));
  for (const piece of 'pieces' in input ? input.pieces : []) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    child.stdin!.write(piece);
  }
  child.stdin?.end();
  assert.is(await end, 0);
  return printed;
}

async function engine(): Promise<string[]> {
  const bundle = join(directory, 'input.js');
  await bundleProgram(inProject('test/host/input-engine.ts'), bundle, join(directory, 'meta.json'));
  await buildNative({ bundle, out: join(directory, 'input'), debug: true });
  return [join(directory, 'input')];
}

const PROGRAMS: [string, () => string[] | Promise<string[]>][] = [
  ['Node', () => [process.execPath, 'build/run.mjs', 'test/host/input-node.ts']],
];
if (findCompiler()) PROGRAMS.push(['the C host', engine]);
else console.log('skipped: standard input on the C host: no C compiler (install gcc)');

for (const [name, make] of PROGRAMS) {
  const input = suite(`readInput on ${name}`);
  let argv: string[];
  input.before(async () => {
    argv = await make();
  });
  input('takes a pipe to its end, however the bytes come', async () => {
    assert.is(await told(argv, { pieces: [] }), '0 bytes, sum 0\n');
    assert.is(await told(argv, { pieces: ['a', 'bc', 'd'] }), '4 bytes, sum 394\n');
    assert.is(await told(argv, { pieces: ['a'.repeat(99_999), 'a'] }), '100000 bytes, sum 9700000\n');
  });
  input('takes a file, and what is empty', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, 'abc');
    assert.is(await told(argv, { file }), '3 bytes, sum 294\n');
    assert.is(await told(argv, { file: '/dev/null' }), '0 bytes, sum 0\n');
  });
  input('refuses what is too long, and does not wait for its end', async () => {
    const large = 'Error: read standard input: larger than 100000 bytes\n';
    assert.is(await told(argv, { pieces: ['a'.repeat(100_000), 'a'] }), large);
    assert.is(await told(argv, { file: '/dev/zero' }), large);
  });
  input.run();
}
