import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../../build/project.ts';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import type { NodeView } from '../../src/dev/screen.ts';

/** Three times what `npm start` promises. */
const LIMIT_MS = 15_000;

const yggdrasil = await ensureYggdrasil((line) => console.log(line)).catch((error: Error) => {
  console.log(`skipped: the desk router with real nodes: ${error.message}`);
  return undefined;
});
const cache = mkdtempSync(join(tmpdir(), 'meshbridge-start-'));

interface Run {
  /** Standard output, and standard error. */
  output: string;
  error: string;
  code: number | null;
}

/** Runs `npm start` with a cache of its own; `onLine` sees each line of standard output and may end the run. */
function start(args: string[], onLine: (line: string, end: () => void) => void = () => {}): Promise<Run> {
  const env = { ...process.env, MESHBRIDGE_CACHE: cache, ...(yggdrasil && { MESHBRIDGE_YGGDRASIL: yggdrasil }) };
  const child = spawn(process.execPath, ['build/run.mjs', 'src/dev/start.ts', ...args], { cwd: ROOT, env });
  const run: Run = { output: '', error: '', code: null };
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    run.output += text;
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line, () => child.kill('SIGINT'));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    run.error += text;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...run, code })));
}

/** Runs until every node has a peer that is up. */
async function untilUp(...args: string[]): Promise<{ run: Run; upAfterMs: number | undefined }> {
  const beganMs = performance.now();
  let upAfterMs: number | undefined;
  const run = await start(['--json', '--for', String(LIMIT_MS / 1000), ...args], (line, end) => {
    const message = JSON.parse(line) as { type: string; nodes?: NodeView[] };
    // once: the second time, whoever waits does not wait any more
    if (upAfterMs === undefined && message.nodes?.every(({ peers }) => peers?.some((peer) => peer.state === 'up'))) {
      upAfterMs = performance.now() - beganMs;
      end();
    }
  });
  return { run, upAfterMs };
}

const desk = suite('npm start');
const real = yggdrasil ? desk : desk.skip;

real('shows the peers of real nodes, and leaves nothing behind', async () => {
  const { run, upAfterMs } = await untilUp();
  assert.is(run.code, 0, run.error);
  assert.ok(upAfterMs !== undefined, `~> no peers after ${LIMIT_MS} ms: ${run.error}\n${run.output.slice(-2000)}`);
  console.log(`\nmeasured: desk router up after ${Math.round(upAfterMs)} ms`);
  assert.equal(readdirSync(join(cache, 'desk')), ['yggdrasil']);
  assert.equal(readdirSync(join(cache, 'desk/yggdrasil')), ['keys.json']);
});

desk('plays the nodes when asked to, and says so', async () => {
  const { run, upAfterMs } = await untilUp('--embedded');
  assert.is(run.code, 0, run.error);
  assert.ok(upAfterMs !== undefined, `~> no peers after ${LIMIT_MS} ms: ${run.error}\n${run.output.slice(-2000)}`);
  assert.match(run.output, /stand-in/);
});

desk('refuses a second one, and leaves the first alone', async () => {
  let second: Promise<Run> | undefined;
  const first = await start(['--embedded', '--plain', '--for', String(LIMIT_MS / 1000)], (_, end) => {
    second ??= start(['--embedded', '--plain', '--for', '1']).finally(end);
  });
  const refused = await second;
  assert.is(refused?.code, 1);
  assert.match(refused?.error ?? '', /\nmeshbridge: a desk router of .* is running already: .*\n$/);
  assert.is(first.code, 0, first.error);
});

desk('refuses unknown options in one line', async () => {
  const run = await start(['--bogus']);
  assert.is(run.code, 1);
  assert.match(run.error, /^meshbridge: Unknown option '--bogus'.*\n$/);
});

desk('tells its options', async () => {
  const run = await start(['--help']);
  assert.is(run.code, 0);
  for (const option of ['--embedded', '--native', '--plain', '--json', '--for'])
    assert.match(run.output, `  ${option} `);
  assert.not.ok(existsSync(join(cache, 'desk/ubus.sock')));
});

desk.after(() => rmSync(cache, { recursive: true, force: true }));
desk.run();
