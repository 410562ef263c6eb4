// The brokers that the suite runs on: our own, and OpenWrt's ubusd where it is on PATH.

import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { startBroker } from '../../src/dev/broker/broker.ts';
import { SILENT } from '../../src/log.ts';
import { RawClient } from './raw.ts';

const START_MS = 5000;

/** A way to run a broker. */
export interface BrokerKind {
  readonly name: string;
  /** Starts one on a socket; answers, once it accepts connections, with what stops it. */
  start(path: string): Promise<() => Promise<void>>;
}

export const OURS: BrokerKind = {
  name: 'meshbridge broker',
  async start(path) {
    const broker = await startBroker({ path, log: SILENT });
    return () => broker.close();
  },
};

/** The real one. */
export function ubusdAt(program: string): BrokerKind {
  return {
    name: 'ubusd',
    async start(path) {
      const child = spawn(program, ['-s', path], { stdio: 'ignore' });
      const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
      await answering(path);
      return () => {
        child.kill('SIGKILL');
        return exited;
      };
    },
  };
}

/** The path of a program, searched as a shell would. */
export function findProgram(name: string): string | undefined {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return join(directory, name);
    } catch {
      // not there
    }
  }
  return undefined;
}

/** A broker of one test, and its clients. */
export class Bus {
  readonly path: string;
  private readonly directory = mkdtempSync(join(tmpdir(), 'meshbridge-bus-'));
  private readonly clients: RawClient[] = [];
  private stopBroker: (() => Promise<void>) | undefined;

  constructor(readonly kind: BrokerKind) {
    this.path = join(this.directory, 'ubus.sock');
  }

  async start(): Promise<void> {
    this.stopBroker = await this.kind.start(this.path);
  }

  /** Ends the broker, as a crash would. */
  async kill(): Promise<void> {
    await this.stopBroker?.();
    this.stopBroker = undefined;
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.open(this.path);
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** One test. */
export type Case = readonly [name: string, run: (bus: Bus) => Promise<void>];

async function answering(path: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await answers(path))) {
    if (Date.now() > deadline) throw new Error(`ubusd does not answer on ${path} after ${START_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}
