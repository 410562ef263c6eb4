// What the daemon needs while it runs, as the budgets count it: memory of the static x86 program when nobody looks, and instructions of
// the static x86_64 program until its first object is there. As a program it prints both as JSON, for `npm run size`.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundlePrograms } from '../../build/bundle.ts';
import { buildNative } from '../../build/native.ts';
import { DIST, inProject } from '../../build/project.ts';
import { TARGETS } from '../../build/targets.ts';
import { zigTarget } from '../../build/zig.ts';
import { Child, findProgram } from '../../src/dev/child.ts';
import { errorText } from '../../src/errors.ts';
import { FakeBroker } from '../lab/fake-broker.ts';
import { findDebianProgram } from '../support/debian-program.ts';
import { runsI386 } from '../support/i386.ts';
import { residentKb } from './process.ts';
import { sleep, World } from './world.ts';

/** Peers of an idle daemon, and bytes of each in a reply, at the least: tells that Yggdrasil's answer has arrived. */
export const IDLE_PEERS = 20;
export const PEER_BYTES = 200;
/** After the look that found the daemon up, its polls are slow again and its garbage is collected. */
const SETTLE_MS = 15_000;

/**
 * Kilobytes of resident memory of an idle daemon with `IDLE_PEERS` peers.
 * @param then what else is asked of it, by its process id. @param mqtt URL of a broker that it reports to.
 */
export async function idleResidentKb(
  world: World,
  program: string,
  then: (pid: number) => Promise<void> = async () => {},
  mqtt?: string,
): Promise<number> {
  const node = await world.playNode(IDLE_PEERS);
  try {
    const daemon = await world.startDaemon(program, mqtt === undefined ? {} : { mqtt });
    try {
      await world.answering('yggdrasil', 'peers', IDLE_PEERS * PEER_BYTES);
      await sleep(SETTLE_MS);
      const resident = residentKb(daemon.pid);
      await then(daemon.pid);
      return resident;
    } finally {
      await daemon.stop();
    }
  } finally {
    await node.close();
  }
}

/** The command of valgrind: this machine's, else Debian's. @throws Error when there is none. */
export async function findValgrind(): Promise<string[]> {
  const own = findProgram('valgrind');
  if (own) return [own];
  const found = await findDebianProgram({ name: 'valgrind', path: 'usr/bin/valgrind', proof: ['--version'] });
  if (typeof found === 'string') throw new Error(found);
  return ['env', `VALGRIND_LIB=${join(found.path, '../../libexec/valgrind')}`, found.path];
}

/** Instructions from the start until the broker has the first object. @throws Error when there is no valgrind, or it tells nothing. */
export async function startInstructions(world: World, program: string): Promise<number> {
  const out = world.path('callgrind');
  const [socket, config] = [world.path('first.sock'), world.path('first')];
  let come = (): void => {};
  const first = new Promise<void>((resolve) => {
    come = resolve;
  });
  // without an answer the daemon has nothing more to do, however long it takes to end it
  const broker = await FakeBroker.open(socket, (peer) => {
    peer.sendLast(new Uint8Array());
    come();
  });
  writeFileSync(config, `config meshbridge 'main'\n\toption ubus_socket '${socket}'\n\toption discover '0'\n`);
  try {
    const valgrind = [...(await findValgrind()), '--tool=callgrind', `--callgrind-out-file=${out}`];
    const daemon = await Child.start([...valgrind, program, '--config', config]);
    await Promise.race([first, daemon.ended]);
    // the daemon knows nothing of this signal: so it ends without a word, and callgrind tells what it has
    daemon.kill('SIGUSR1');
    await daemon.ended;
    const total = /^(?:summary|totals): (\d+)/m.exec(readFileSync(out, 'utf8'))?.[1];
    if (!total) throw new Error(`valgrind told nothing: ${daemon.tail.join(' ')}`);
    return Number(total);
  } finally {
    await broker.close();
  }
}

/** Makes the static program for a kind of router that this machine runs without an emulator, whatever its size; its path. @throws Error */
export async function staticProgram(target: 'x86' | 'x86_64', log: (line: string) => void): Promise<string> {
  const directory = join(DIST, 'footprint');
  const out = join(directory, target, 'meshbridge');
  const bundles = await bundlePrograms(join(directory, 'router'));
  await buildNative({ ...bundles, out, debug: false, target: await zigTarget(TARGETS[target], log), log });
  return out;
}

/** Both figures; `undefined`: not measured here, of which `log` was told. */
export interface Footprint {
  idleBytes: number | undefined;
  startInstructions: number | undefined;
}

/** Measures both, in about half a minute. @param log takes lines for people. */
export async function measureFootprint(log: (line: string) => void): Promise<Footprint> {
  const world = new World();
  const measure = async (what: string, work: () => Promise<number>): Promise<number | undefined> => {
    try {
      return await work();
    } catch (error) {
      log(`${what}: not measured: ${errorText(error)}`);
      return undefined;
    }
  };
  try {
    await world.open();
    return {
      idleBytes: await measure('memory', async () => {
        // before minutes are spent on making it
        if (!runsI386()) throw new Error('this kernel runs no programs of i386');
        return 1024 * (await idleResidentKb(world, await staticProgram('x86', log)));
      }),
      startInstructions: await measure('start', async () =>
        startInstructions(world, await staticProgram('x86_64', log)),
      ),
    };
  } catch (error) {
    log(`memory and start: not measured: ${errorText(error)}`);
    return { idleBytes: undefined, startInstructions: undefined };
  } finally {
    await world.close();
  }
}

if (process.argv[1] === inProject('test/bench/footprint.ts'))
  console.log(JSON.stringify(await measureFootprint((line) => console.error(line))));
