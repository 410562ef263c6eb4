// The real daemon in a machine of the lab, as on plain Linux: its configuration, its log, and its objects behind a socket.

import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Child } from '../../../src/dev/child.ts';
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
/** In the directory of its state. */
const CONTROL_SOCKET = 'control.sock';

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
  private readonly config: string;
  private readonly state: string;

  constructor(
    private readonly place: Place,
    private readonly program: string,
    private readonly node: MeshNode,
  ) {
    this.config = join(place.directory, 'meshbridge.conf');
    this.state = join(place.directory, 'state');
    for (const name of ['state', 'clients']) mkdirSync(join(place.directory, name), { recursive: true });
  }

  /** Writes its configuration. @param main more options of its first section. */
  configure(sections: readonly Section[], main: Section['options'] = {}): void {
    const own: Section[] = [
      {
        type: 'meshbridge',
        name: 'main',
        options: { ubus_socket: 'none', state_dir: this.state, discover: 0, log_level: 'debug', ...main },
      },
      { type: 'interface', name: MESH_DEVICE, options: { socket: `unix://${this.node.socket}` } },
    ];
    writeFileSync(this.config, [...own, ...sections].map(sectionText).join('\n'));
  }

  async start(): Promise<void> {
    this.child = await this.place.start([this.program, '--config', this.config], (line) => {
      this.lines.push(line);
    });
  }

  /** Its program with the name of its configuration, for questions. */
  get command(): string[] {
    return [this.program, '--config', this.config];
  }

  /** By which it is asked. */
  get socket(): string {
    return join(this.state, CONTROL_SOCKET);
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
  call(object: string, method: string, args: object = {}): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(this.socket);
      const timer = setTimeout(() => socket.destroy(new Error(`${object} ${method}: no answer`)), patient(CALL_MS));
      socket.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      socket.once('error', reject);
      socket.once('close', () => {
        clearTimeout(timer);
        try {
          const { data, error } = JSON.parse(text) as { data?: Record<string, unknown>[]; error?: string };
          if (error !== undefined) reject(new Error(error));
          else resolve(data?.[0] ?? {});
        } catch {
          reject(new Error(`${object} ${method}: answered ${text.slice(0, 100)}`));
        }
      });
      socket.write(`${JSON.stringify({ object, method, args })}\n`);
    });
  }

  /** Waits until it logs something that it had not when this was called. */
  async logged(pattern: RegExp, since = this.lines.length): Promise<string> {
    await until(`the daemon in ${this.place.name} logs ${pattern}`, () =>
      this.lines.slice(since).some((line) => pattern.test(line)),
    );
    return this.lines.slice(since).find((line) => pattern.test(line))!;
  }

  async close(): Promise<void> {
    await this.child?.stop();
  }
}
