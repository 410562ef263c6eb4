// The real daemon in a machine of the lab: its configuration, its log, and its objects on a bus of its own.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Broker, startBroker } from '../../../src/dev/broker/broker.ts';
import type { Child } from '../../../src/dev/child.ts';
import { nodeHost } from '../../../src/host/node/host.ts';
import { SILENT } from '../../../src/log.ts';
import type { Table } from '../../../src/ubus/blobmsg.ts';
import { UbusClient } from '../../../src/ubus/client.ts';
import type { MeshNode } from './mesh-node.ts';
import { MESH_DEVICE } from './mesh-node.ts';
import type { Place } from './place.ts';
import { patient, until } from './until.ts';

/** A section of the configuration: its type and name, and its options. */
export interface Section {
  type: string;
  name: string;
  options: Readonly<Record<string, string | number | readonly (string | number)[]>>;
}

const CALL_MS = 10_000;

function sectionText({ type, name, options }: Section): string {
  const lines = Object.entries(options).flatMap(([option, value]) =>
    typeof value === 'object' ? value.map((one) => `\tlist ${option} '${one}'`) : [`\toption ${option} '${value}'`],
  );
  return [`config ${type} '${name}'`, ...lines, ''].join('\n');
}

/** One daemon. */
export class LabDaemon {
  /** Its log. */
  readonly lines: string[] = [];
  private child: Child | undefined;
  private broker: Broker | undefined;
  private client: UbusClient | undefined;
  private readonly config: string;
  private readonly socket: string;

  constructor(
    private readonly place: Place,
    private readonly program: string,
    private readonly node: MeshNode,
  ) {
    this.config = join(place.directory, 'meshbridge.conf');
    this.socket = join(place.directory, 'ubus.sock');
    mkdirSync(join(place.directory, 'state'), { recursive: true });
  }

  /** Writes its configuration. */
  configure(sections: readonly Section[]): void {
    const own: Section[] = [
      {
        type: 'meshbridge',
        name: 'main',
        options: {
          ubus_socket: this.socket,
          state_dir: join(this.place.directory, 'state'),
          discover: 0,
          log_level: 'debug',
        },
      },
      { type: 'interface', name: MESH_DEVICE, options: { socket: `unix://${this.node.socket}` } },
    ];
    writeFileSync(this.config, [...own, ...sections].map(sectionText).join('\n'));
  }

  /** Gives it a bus, over which it can be asked. */
  async openBus(): Promise<void> {
    this.broker = await startBroker({ path: this.socket, log: SILENT });
    const host = nodeHost({ args: [], signals: false, exit: () => {} });
    const { streams, clock } = host;
    this.client = new UbusClient({ streams, clock, random: Math.random, path: this.socket, log: SILENT });
    this.client.start();
  }

  async start(): Promise<void> {
    this.child = await this.place.start([this.program, '--config', this.config], (line) => {
      this.lines.push(line);
    });
  }

  get pid(): number | undefined {
    return this.child?.isRunning ? this.child.pid : undefined;
  }

  /** Has it read its configuration again. */
  reload(): void {
    this.child?.kill('SIGHUP');
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.child?.ended;
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    await this.child?.stop();
  }

  /** Calls a method of one of its objects. @throws Error */
  async call(path: string, method: string, args: Table = {}): Promise<Table> {
    const { client } = this;
    if (!client) throw new Error('the daemon has no bus');
    const [answer] = await client.call(path, method, args, { timeoutMs: patient(CALL_MS) });
    return answer ?? {};
  }

  /** Waits until it logs something that it had not when this was called. */
  async logged(pattern: RegExp, since = this.lines.length): Promise<string> {
    await until(`the daemon in ${this.place.name} logs ${pattern}`, () =>
      this.lines.slice(since).some((line) => pattern.test(line)),
    );
    return this.lines.slice(since).find((line) => pattern.test(line))!;
  }

  async close(): Promise<void> {
    this.client?.stop();
    await this.child?.stop();
    if (existsSync(this.socket)) await this.broker?.close();
  }
}
