// What runs in the lab: the daemon on the C host and the agent, built where they changed; Yggdrasil and the programs of networks, fetched.

import { join } from 'node:path';
import { findCompiler } from '../../../build/native.ts';
import { ensureNetworkPrograms } from '../../../build/network-programs.ts';
import { DIST, inProject } from '../../../build/project.ts';
import { ensureYggdrasil } from '../../../build/yggdrasil.ts';
import { namespaceProblem } from '../../../src/dev/lab/namespace.ts';
import type { WorldOptions } from './world.ts';

const DAEMON = join(DIST, 'native', 'meshbridge');
const AGENT = join(DIST, 'test', 'lab-agent.mjs');
/** The lab as one file, for machines on which nothing is built. */
export const LAB_BUNDLE = join(DIST, 'test', 'internet-lab.mjs');

/** Why there can be no lab on this machine; `undefined`: there can. */
export async function labProblem(): Promise<string | undefined> {
  return findCompiler() ? namespaceProblem() : 'no C compiler (install gcc)';
}

/** Builds it all. @throws Error */
export async function buildPrograms(): Promise<void> {
  // what builds is not there where the lab runs as one file
  const [{ build }, { bundleRouter }, { buildNative }] = await Promise.all([
    import('esbuild'),
    import('../../../build/bundle.ts'),
    import('../../../build/native.ts'),
  ]);
  await buildNative({ ...(await bundleRouter()), out: DAEMON, debug: false });
  for (const [entry, outfile] of [
    ['agent', AGENT],
    ['main', LAB_BUNDLE],
  ] as const)
    await build({
      entryPoints: [inProject(`test/lab/internet/${entry}.ts`)],
      ...{ outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external' },
      logLevel: 'error',
    });
}

/** Where they are; fetches what is to be fetched. @throws Error with one line that says why it is not there. */
export async function findPrograms(print: (line: string) => void): Promise<Omit<WorldOptions, 'directory' | 'kind'>> {
  const path = await ensureNetworkPrograms(print);
  return { path, yggdrasil: await ensureYggdrasil(print), daemon: DAEMON, agent: AGENT };
}
