// A gateway on the C host with 1,000 homes: new leases with their tunnels on the kernel, renewals, memory. In a namespace, beside a real Yggdrasil.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleRouter } from '../../build/bundle.ts';
import { buildNative } from '../../build/native.ts';
import { DIST, inProject } from '../../build/project.ts';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { Child } from '../../src/dev/child.ts';
import { Namespace } from '../../src/dev/lab/namespace.ts';
import { networkProblem } from '../support/network.ts';
import { nodeOf } from '../support/node-key.ts';
import { benchFlash } from './flash.ts';
import { residentKb } from './process.ts';
import type { Report } from './report.ts';

const HOMES = 1000;
const CROWD = inProject('test/bench/lease-crowd.mjs');

interface Crowd {
  seconds: number;
  p50: number;
  p99: number;
  count: number;
  retries: number;
}

/** Measures it, and tells it as figures. */
export async function benchRegistrar(report: Report, log: (line: string) => void): Promise<void> {
  await benchFlash(report);
  const problem = await networkProblem();
  if (problem !== undefined)
    return report.add({ what: 'registrar with 1,000 homes', value: undefined, unit: '', note: `skipped: ${problem}` });
  const yggdrasil = await ensureYggdrasil(log);
  const program = join(DIST, 'native', 'meshbridge');
  await buildNative({ ...(await bundleRouter()), out: program, debug: false, log });
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-registrar-'));
  const space = await Namespace.open();
  const children: Child[] = [];
  try {
    const socket = join(directory, 'ygg0.sock');
    const path = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const node = path(
      'y.conf',
      JSON.stringify({ IfName: 'ygg0', AdminListen: `unix://${socket}`, MulticastInterfaces: [] }),
    );
    children.push(await Child.start(space.command([yggdrasil, '-useconffile', node])));
    const homes = Array.from({ length: HOMES }, (_, at) => nodeOf(at));
    const list = path('homes.json', JSON.stringify(homes));
    await space.ip(homes.map(({ address }) => `addr add ${address}/128 dev lo nodad`));
    await space.ip(['link add wan0 type veth peer name wan1', 'link set wan0 up', 'addr add 203.0.113.2/24 dev wan0']);
    await space.ip(['link set wan1 up', 'route add default via 203.0.113.1']);
    mkdirSync(join(directory, 'clients'));
    const config = path(
      'meshbridge.conf',
      `config meshbridge 'main'\n\toption ubus_socket 'none'\n\toption state_dir '${directory}'\n\toption discover '0'\n` +
        `config interface 'ygg0'\n\toption socket 'unix://${socket}'\n` +
        `config registrar 'registrar'\n\toption enabled '1'\n\toption admission 'open'\n\tlist kinds 'vxlan'\n` +
        `\toption max_clients '${HOMES}'\n\toption new_per_day '${HOMES}'\n\toption clients_dir '${directory}/clients'\n`,
    );
    const lines: string[] = [];
    const daemon = await Child.start(space.command([program, '--config', config]), (line) => lines.push(line));
    children.push(daemon);
    const serving = await until(
      () => lines.find((line) => line.includes('serving')),
      () => lines.join('\n'),
    );
    log(serving);
    const own = await run(space, ['ip', '-o', '-6', 'addr', 'show', 'dev', 'ygg0', 'scope', 'global']);
    const gateway = / inet6 (2[0-9a-f:]+)\//.exec(own)?.[1] ?? '';
    const crowd = async (atOnce: number): Promise<Crowd> =>
      JSON.parse(await run(space, [process.execPath, CROWD, gateway, '8080', list, String(atOnce)])) as Crowd;
    const beforeKb = residentKb(daemon.pid);
    const fresh = await crowd(40);
    const note = `${HOMES} homes, vxlan; at most 20/s and 40 at once are let in`;
    report.add({
      what: 'new leases with their tunnels',
      value: fresh.count / fresh.seconds,
      unit: '/s',
      target: { atLeast: 20 },
      note,
    });
    const renewed = await crowd(8);
    report.add({
      what: 'renewals, 1,000 leases',
      value: renewed.count / renewed.seconds,
      unit: '/s',
      target: { atLeast: 200 },
      note: '8 at once, a connection each',
    });
    report.add({
      what: 'renewal, 99th percentile',
      value: renewed.p99,
      unit: 'ms',
      target: { atMost: 50 },
      note: `median ${renewed.p50.toFixed(1)} ms`,
    });
    const grownKb = residentKb(daemon.pid) - beforeKb;
    report.add({
      what: 'memory of a lease',
      value: grownKb / HOMES,
      unit: 'KB',
      target: { atMost: 2 },
      note: `${grownKb} KB resident, 1,000 leases`,
    });
    report.add({
      what: 'memory of the daemon with 1,000 homes',
      value: residentKb(daemon.pid) / 1000,
      unit: 'MB',
      target: { atMost: 6 },
      note: 'resident, the C host',
    });
    await suspendAll(report, space, join(directory, 'control.sock'));
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.ended));
    await space.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Turns all homes off, in two steps as people do, and waits until the kernel refuses what each of them sends. */
async function suspendAll(report: Report, space: Namespace, socket: string): Promise<void> {
  const held = async (set: string): Promise<number> => {
    const text = await run(space, ['nft', 'list', 'set', 'inet', 'meshbridge_gw', set]);
    return text.match(/\b10\.43\.\d+\.\d+/g)?.length ?? 0;
  };
  const all = (args: object): Promise<{ confirm?: string }> => call(socket, 'meshbridge.client', 'all', args);
  for (const [what, wanted, title] of [
    ['suspend', HOMES, '1,000 homes turned off, flows that run too'],
    ['admit', 0, '1,000 homes let in again'],
  ] as const) {
    const words = { what, reason: 'a test', by: 'bench' };
    const { confirm } = await all(words);
    const startMs = performance.now();
    await all({ ...words, confirm });
    const decidedMs = performance.now() - startMs;
    while ((await held('suspended4')) !== wanted)
      if (performance.now() - startMs > 60_000) throw new Error(`${what}: not within a minute`);
    report.add({
      what: title,
      value: (performance.now() - startMs) / 1000,
      unit: 's',
      target: { atMost: 2 },
      note: `until the kernel does so, whatever stands; answered after ${decidedMs.toFixed(0)} ms`,
    });
  }
}

/** Calls a method of the daemon. @throws Error */
function call<R>(socket: string, object: string, method: string, args: object): Promise<R> {
  return new Promise((resolve, reject) => {
    let text = '';
    const asked = connect(socket);
    asked.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    asked.once('error', reject);
    asked.once('close', () => {
      try {
        const { data, error } = JSON.parse(text) as { data?: R[]; error?: string };
        if (error !== undefined || !data?.[0]) reject(new Error(`${method}: ${error ?? text}`));
        else resolve(data[0]);
      } catch (cause) {
        reject(new Error(`${method}: answered ${text.slice(0, 100)}`, { cause }));
      }
    });
    asked.write(`${JSON.stringify({ object, method, args })}\n`);
  });
}

function run(space: Namespace, argv: readonly string[]): Promise<string> {
  const [program, ...args] = space.command(argv);
  return new Promise((resolve, reject) => {
    execFile(program!, args, { encoding: 'utf8' }, (error, out, err) =>
      error ? reject(new Error(err)) : resolve(out),
    );
  });
}

async function until(test: () => string | undefined, why: () => string): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const found = test();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within a minute: ${why()}`);
}
