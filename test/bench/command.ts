// What signed commands cost on the C host: signatures, a flood, memory; and instructions on this machine and on MIPS, where those can be counted.

import { execFile, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleProgram } from '../../build/bundle.ts';
import { buildNative } from '../../build/native.ts';
import { DIST, inProject } from '../../build/project.ts';
import { TARGETS } from '../../build/targets.ts';
import { zigTarget } from '../../build/zig.ts';
import { findProgram } from '../../src/dev/child.ts';
import { errorText } from '../../src/errors.ts';
import { findQemu } from '../support/qemu.ts';
import type { Report } from './report.ts';

const run = promisify(execFile);
const FLOOD = 10_000;
const ROUNDS = 6;

/** Measures it all. @param program as `buildCommandGuest` made it. */
export async function benchCommands(report: Report, program: string): Promise<void> {
  const guest = async (what: string, count: number): Promise<Record<string, number>> =>
    JSON.parse((await run(program, [what, `${count}`])).stdout);
  for (const what of ['verify', 'sign']) {
    const [few, many] = [await guest(what, 20), await guest(what, 220)];
    report.add({ what: `${what} a signature`, value: (many.ms! - few.ms!) / 200, unit: 'ms' });
  }
  // the machine's own moments do not count
  const floods: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) floods.push(await guest('flood', FLOOD));
  const least = (name: string): number => Math.min(...floods.map((flood) => flood[name]!));
  report.add({
    what: `flood of ${FLOOD} commands in a second`,
    value: least('ms'),
    unit: 'ms',
    note: `${floods[0]!.checked} signatures checked`,
  });
  report.add({ what: 'worst stall by one message of it', value: least('longest_ms'), unit: 'ms' });
  const [nothing, desk] = [await guest('nothing', 1), await guest('desk', 64)];
  report.add({
    what: 'resident, grown by a desk and 64 commands',
    value: desk.rss_kb! - nothing.rss_kb!,
    unit: 'KiB',
    note: `from ${nothing.rss_kb}, its code in both`,
  });
  await instructions(report, 'x86_64', () => callgrind(program));
  await instructions(report, 'mips', () => emulated());
}

/** The guest on the C host, for this machine. */
export async function buildCommandGuest(log: (line: string) => void): Promise<string> {
  const out = join(DIST, 'bench', 'command');
  await bundleProgram(inProject('test/bench/command-guest.ts'), `${out}.js`, `${out}.meta.json`);
  await buildNative({ bundle: `${out}.js`, out, debug: false, log });
  return out;
}

async function instructions(report: Report, machine: string, count: () => Promise<number>): Promise<void> {
  const figure = { what: `verify a signature, ${machine}`, unit: 'M instr' };
  try {
    report.add({ ...figure, value: (await count()) / 1e6 });
  } catch (error) {
    report.add({ ...figure, value: undefined, note: `skipped: ${errorText(error)}` });
  }
}

async function callgrind(program: string): Promise<number> {
  if (!findProgram('valgrind')) throw new Error('no valgrind');
  const out = `${program}.callgrind`;
  const count = async (times: number): Promise<number> => {
    await run('valgrind', ['--tool=callgrind', `--callgrind-out-file=${out}`, program, 'verify', `${times}`]);
    const total = /^(?:summary|totals): (\d+)/m.exec(readFileSync(out, 'utf8'));
    rmSync(out);
    return Number(total![1]);
  };
  return ((await count(11)) - (await count(1))) / 10;
}

/** By the emulator, an instruction at a time, each of which it tells of. */
async function emulated(): Promise<number> {
  const qemu = await findQemu(TARGETS.mips.qemu);
  const out = join(DIST, 'bench', 'command-mips');
  const bundle = join(DIST, 'bench', 'command.js');
  const log = (line: string): void => console.error(`bench: ${line}`);
  await buildNative({ bundle, out, debug: false, target: await zigTarget(TARGETS.mips, log), log });
  const count = (times: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const argv = ['-singlestep', '-d', 'exec,nochain', out, 'verify', `${times}`];
      const child = spawn(qemu, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
      let lines = 0;
      child.stderr.on('data', (bytes: Buffer) => {
        for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
      });
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve(lines) : reject(new Error(`qemu ended with ${code}`))));
    });
  return (await count(2)) - (await count(1));
}
