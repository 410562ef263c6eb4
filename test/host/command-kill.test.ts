// The desk of signed commands on the C host, killed for real again and again: nothing is done twice, and nothing that was told as done is lost.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleProgram } from '../../build/bundle.ts';
import { buildNative, findCompiler } from '../../build/native.ts';
import { inProject } from '../../build/project.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { command, NODE } from '../support/command.ts';
import { seededRandom } from '../support/random.ts';

const COMMANDS = 120;
/** Far beyond what a command takes: reaching it means that nothing comes any more. */
const PATIENCE_MS = 20_000;

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-kill-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const PROGRAM = join(directory, 'desk');

/** One life of the program. */
class Life {
  readonly lines: Record<string, string>[] = [];
  private readonly child: ChildProcess;
  private wake: () => void = () => {};

  constructor(state: string, effects: string) {
    this.child = spawn(PROGRAM, [state, effects], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdin!.on('error', () => {}); // it was killed
    createInterface(this.child.stdout!).on('line', (line) => {
      this.lines.push(JSON.parse(line));
      this.wake();
    });
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error(`never: ${what}: ${JSON.stringify(this.lines)}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 50);
      });
    }
  }

  give(payload: Uint8Array): void {
    this.child.stdin!.write(`${decodeUtf8(payload)}\n`);
  }

  kill(): Promise<void> {
    return new Promise((resolve) => {
      this.child.on('close', () => resolve());
      this.child.kill('SIGKILL');
    });
  }
}

const kill = suite('signed commands and kill -9');
if (!findCompiler()) console.log('skipped: signed commands and kill -9: no C compiler (install gcc)');
else {
  kill(`does none of ${COMMANDS} twice, and none that it told of never`, async () => {
    await bundleProgram(inProject('test/host/command-guest.ts'), `${PROGRAM}.js`, `${PROGRAM}.json`);
    await buildNative({ bundle: `${PROGRAM}.js`, out: PROGRAM, debug: true });
    const [state, effects] = [join(directory, 'state'), join(directory, 'effects')];
    for (const path of [state, effects]) mkdirSync(path);
    const random = seededRandom(3);
    const told = new Map<string, Set<string>>();
    let life = new Life(state, effects);
    let sid = '';
    let kills = 0;
    const listen = (): void => {
      for (const { cid, st, code } of life.lines.splice(0))
        if (cid !== undefined) told.set(cid, (told.get(cid) ?? new Set()).add(code ?? st!));
    };
    const begin = async (): Promise<void> => {
      life = new Life(state, effects);
      await life.until('it is up', () => life.lines.length > 0);
      const found = life.lines[0]!.sid!;
      assert.ok(sid === '' || found === sid, '~> the session goes on');
      sid = found;
    };
    await life.kill();
    await begin();
    for (let i = 0; i < COMMANDS; i++) {
      const cid = `k${i}`;
      const payload = command({ cid, aud: { node: NODE, sid } });
      life.give(payload);
      if (random() < 0.5) {
        await new Promise((resolve) => setTimeout(resolve, random() * 8));
        await life.kill();
        kills++;
        listen();
        await begin();
        life.give(payload);
      }
      await life.until(`an end of ${cid}`, () => {
        listen();
        return [...(told.get(cid) ?? [])].some((word) => ['done', 'interrupted'].includes(word));
      });
    }
    await life.kill();
    const done = readdirSync(effects);
    const counts = { done: 0, interrupted: 0 };
    for (let i = 0; i < COMMANDS; i++) {
      const words = told.get(`k${i}`)!;
      assert.not.ok(existsSync(join(effects, `k${i}.1`)), `k${i} was done twice`);
      if (words.has('done')) assert.ok(done.includes(`k${i}.0`), `k${i} was told as done`);
      counts[words.has('done') ? 'done' : 'interrupted']++;
    }
    assert.ok(
      kills > COMMANDS / 4 && counts.done > COMMANDS / 2 && counts.interrupted > 0,
      JSON.stringify({ kills, ...counts }),
    );
  });
  kill.run();
}
