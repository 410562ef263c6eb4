// The daemon of the desk router: the router's own bundle, on QuickJS in WebAssembly or on the C host.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleDaemon, bundleRouter, type RouterBundles } from '../../build/bundle.ts';
import { buildNative } from '../../build/native.ts';
import { DIST } from '../../build/project.ts';
import { ROUTER, ROUTER_LIMITS } from '../../build/targets.ts';
import { createNodeNative } from '../host/node/native.ts';
import { runBundle } from '../host/node/vm.ts';
import { Child } from './child.ts';

export interface DaemonOptions {
  /** On the C host, which is built first; else in WebAssembly. */
  native: boolean;
  /** Path of the daemon's configuration file. */
  config: string;
  /** Takes a line for people, while it is built. */
  say(line: string): void;
  /** Takes each line of its log. */
  onLine(line: string): void;
}

/** A running daemon. */
export interface Daemon {
  /** What it runs on, for people. */
  engine: string;
  /** Resolves with the reason when it has ended. */
  ended: Promise<string>;
  close(): Promise<void>;
}

/** Builds the daemon where it changed, and starts it. @throws Error when it cannot be built or started. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  return options.native ? startNative(await bundleRouter(), options) : startVm((await bundleDaemon()).bundle, options);
}

async function startNative(bundles: RouterBundles, { config, say, onLine }: DaemonOptions): Promise<Daemon> {
  const program = join(DIST, 'native', 'meshbridge');
  await buildNative({ ...bundles, out: program, debug: false, log: say });
  const child = await Child.start([program, '--config', config], onLine);
  return {
    engine: 'C host',
    ended: child.ended.then((end) => ('code' in end ? `exit code ${end.code}` : end.signal)),
    close: () => child.stop(),
  };
}

async function startVm(bundle: string, { config, onLine }: DaemonOptions): Promise<Daemon> {
  let end: (reason: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const vm = await runBundle({
    bundle: readFileSync(bundle, 'utf8'),
    native: createNodeNative({
      args: ['--config', config],
      log: onLine,
      print: (text) => onLine(text.trimEnd()),
      exit: (code) => end(`exit code ${code}`),
      signals: false,
    }),
    memoryLimitBytes: ROUTER_LIMITS.heapBytes,
    name: ROUTER.out,
    onCrash: (error) => end(error.stack ?? error.message),
  });
  return {
    engine: 'QuickJS (wasm)',
    ended,
    async close() {
      vm.dispose();
    },
  };
}
