// What a measurement needs around it: the native client, a broker, a played Yggdrasil, the daemon on the C host.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inProject } from '../../build/project.ts';
import { Child } from '../../src/dev/child.ts';
import { AdminSocket } from '../../src/dev/standin/socket.ts';
import { type BrokerKind, findProgram, OURS, ubusdAt } from '../conformance/broker.ts';
import { CrowdedNode } from './node.ts';

const run = promisify(execFile);
/** Time to be up, in milliseconds; a valgrind takes long. */
const UP_MS = 60_000;

/** What the client prints; times in nanoseconds. */
export interface Timing {
  count: number;
  totalNs: number;
  medianNs: number;
  p99Ns: number;
  bytes: number;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A broker, and a directory with the sockets, files and programs of the run. */
export class World {
  readonly directory = mkdtempSync(join(tmpdir(), 'meshbridge-bench-'));
  readonly ubus = this.path('ubus.sock');
  readonly admin = this.path('ygg0.sock');
  readonly broker: BrokerKind;
  private stopBroker = async (): Promise<void> => {};

  constructor() {
    const ubusd = findProgram('ubusd');
    // without access lists, which root alone may write, ubusd denies everything to everybody else
    this.broker = ubusd && process.getuid?.() === 0 ? ubusdAt(ubusd) : OURS;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Compiles the client and starts the broker. */
  async open(): Promise<void> {
    await run('cc', ['-O2', '-o', this.path('client'), inProject('test/bench/client.c')]);
    this.stopBroker = await this.broker.start(this.ubus);
  }

  async close(): Promise<void> {
    await this.stopBroker();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Runs the client to its end. */
  async time(...args: (string | number)[]): Promise<Timing> {
    const { stdout } = await run(this.path('client'), args.map(String));
    const [count, totalNs, medianNs, p99Ns, bytes] = stdout.split(' ').map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { count, totalNs, medianNs, p99Ns, bytes };
  }

  /** Publishes an object that does nothing: from C, or from `program` on the C host. */
  async provide(path: string, program?: string): Promise<Child> {
    const argv = program ? [program] : [this.path('client'), 'provide'];
    const child = await Child.start([...argv, this.ubus, path]);
    await this.answering(path, 'noop', 0);
    return child;
  }

  playNode(peers: number): Promise<AdminSocket> {
    return AdminSocket.open(this.admin, new CrowdedNode(peers), () => {});
  }

  /** Starts the daemon, `wrapper` before it; `yggdrasil: false` leaves it without an interface. `mqtt`: URL of a broker that it reports to. */
  async startDaemon(
    program: string,
    { wrapper = [], yggdrasil = true, mqtt }: { wrapper?: string[]; yggdrasil?: boolean; mqtt?: string } = {},
  ): Promise<Child> {
    const config = this.path('meshbridge');
    const lines = [
      "config meshbridge 'main'",
      `option ubus_socket '${this.ubus}'`,
      `option state_dir '${this.path('state')}'`,
      "option discover '0'",
      ...(mqtt === undefined ? [] : ["option mqtt '1'"]),
      ...(yggdrasil ? ["config interface 'ygg0'", `option socket 'unix://${this.admin}'`] : []),
      ...(mqtt === undefined ? [] : ["config mqtt 'home'", "option profile 'home'", `option url '${mqtt}'`]),
    ];
    // the helper would have handed it over
    if (mqtt !== undefined) writeFileSync(this.path('node.key'), `${'5a'.repeat(32)}\n`);
    writeFileSync(config, `${lines.join('\n')}\n`);
    return Child.start([...wrapper, program, '--config', config]);
  }

  /** Waits until a call is answered with at least so many bytes. */
  async answering(path: string, method: string, bytes: number): Promise<void> {
    const until = Date.now() + UP_MS;
    for (;;) {
      const timing = await this.time('call', this.ubus, path, method, 1).catch((error: Error) => error);
      if (!(timing instanceof Error) && timing.bytes >= bytes) return;
      if (Date.now() > until)
        throw new Error(
          `${path} ${method}: ${timing instanceof Error ? timing.message : `${timing.bytes} bytes, expected ${bytes}`}`,
        );
      await sleep(20);
    }
  }
}
