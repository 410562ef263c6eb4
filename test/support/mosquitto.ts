// A real mosquitto for a test: on free ports of the loopback device and a unix socket, in a directory of its own, ended with its test.

import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureMosquitto } from '../../build/mosquitto.ts';
import { Child } from '../../src/dev/child.ts';
import { errorText } from '../../src/errors.ts';
import type { Endpoint } from '../../src/transport/host.ts';

/** What a broker is to be like. Without any option it lets everybody do everything, and forgets it all when it ends. */
export interface MosquittoOptions {
  /** Lines of mosquitto.conf before the listeners. It runs in its directory, so relative paths are those of `files`. */
  config?: readonly string[];
  /** Files in its directory, by path: access lists, certificates. */
  files?: Readonly<Record<string, string>>;
  /** Passwords by user name; given, nobody else may come in. */
  users?: Readonly<Record<string, string>>;
  /** More TCP listeners by a name of the test's choice: lines of mosquitto.conf that follow `listener`. */
  listeners?: Readonly<Record<string, readonly string[]>>;
}

const UP_MS = 10_000;
const LOOK_MS = 20;
/** Lines of its log that are kept. */
const MAX_LINES = 2000;
/** As mosquitto_passwd does it. */
const PASSWORD_ROUNDS = 101;

/** Why there is no mosquitto on this machine; `undefined` when there is one. For tests that print it behind `skipped: `. */
export async function whyNoMosquitto(): Promise<string | undefined> {
  try {
    await ensureMosquitto((line) => console.log(line));
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** A line of its password file, by PBKDF2 with SHA-512. */
function passwordLine(user: string, password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, PASSWORD_ROUNDS, 64, 'sha512');
  return `${user}:$7$${PASSWORD_ROUNDS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** A TCP port of the loopback device that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** One broker, whose ports and directory stay the same when it is started again. */
export class Mosquitto {
  /** Its log, oldest line first. */
  readonly lines: string[] = [];
  private child: Child | undefined;

  /** Starts one and waits until it listens. @throws Error with its last lines when it does not. */
  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const { config = [], files = {}, users, listeners = {} } = options;
    const directory = mkdtempSync(join(tmpdir(), 'meshbridge-mosquitto-'));
    const ports: Record<string, number> = { tcp: await freePort() };
    for (const name of Object.keys(listeners)) ports[name] = await freePort();
    const lines = [
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      'log_dest stdout',
      'log_type all',
      'connection_messages true',
      ...(users ? ['allow_anonymous false', 'password_file passwords'] : ['allow_anonymous true']),
      ...config,
      `listener ${ports.tcp} 127.0.0.1`,
      `listener 0 ${join(directory, 'mqtt.sock')}`,
      ...Object.entries(listeners).flatMap(([name, more]) => [`listener ${ports[name]} 127.0.0.1`, ...more]),
    ];
    const passwords = Object.entries(users ?? {}).map(([user, password]) => passwordLine(user, password));
    const all = { ...files, passwords: `${passwords.join('\n')}\n`, 'mosquitto.conf': `${lines.join('\n')}\n` };
    const broker = new Mosquitto(directory, ports);
    for (const [name, text] of Object.entries(all)) broker.write(name, text);
    await broker.restart();
    return broker;
  }

  private constructor(
    readonly directory: string,
    /** By the names of the listeners; `tcp` is the plain one. */
    private readonly ports: Readonly<Record<string, number>>,
  ) {}

  get pid(): number {
    return this.child!.pid;
  }

  /** The port of the plain listener, or of the one with this name. */
  port(listener = 'tcp'): number {
    return this.ports[listener]!;
  }

  /** The path of its unix socket. */
  get socket(): string {
    return this.path('mqtt.sock');
  }

  /** Its plain listener, as our client takes it. */
  get endpoint(): Endpoint {
    return { host: '127.0.0.1', port: this.port() };
  }

  /** A path in its directory. */
  path(name: string): string {
    return join(this.directory, name);
  }

  /** Replaces a file in its directory; `reload` makes it read access lists, passwords and certificates again. */
  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text, { mode: 0o600 });
  }

  reload(): void {
    this.child?.kill('SIGHUP');
  }

  /** Ends it, by SIGKILL unless told otherwise, and leaves its directory: a `persistence_file` outlives only an end in order. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.child?.kill(signal);
    await this.child?.ended;
  }

  /** Starts it again. @throws Error with its last lines when it does not listen. */
  async restart(): Promise<void> {
    await this.kill();
    rmSync(this.socket, { force: true });
    const program = await ensureMosquitto((line) => console.log(line));
    const argv = ['env', '-C', this.directory, ...libraries(program.env), program.path, '-c', 'mosquitto.conf'];
    this.child = await Child.start(argv, (line) => {
      this.lines.push(line);
      if (this.lines.length > MAX_LINES) this.lines.shift();
    });
    for (const until = Date.now() + UP_MS; !(await isAnswering(this.socket)); ) {
      if (!this.child.isRunning || Date.now() > until) {
        await this.stop();
        throw new Error(`mosquitto does not listen: ${this.child.tail.join('; ')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Ends it and removes its directory. */
  async stop(): Promise<void> {
    await this.child?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What `env` is told so that the program finds its libraries. */
function libraries({ LD_LIBRARY_PATH }: Record<string, string>): string[] {
  return LD_LIBRARY_PATH === undefined ? [] : [`LD_LIBRARY_PATH=${LD_LIBRARY_PATH}`];
}
