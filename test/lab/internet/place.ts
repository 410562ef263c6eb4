// One machine of the lab: a network namespace with a view of the file system of its own, and what runs in it.

import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../../src/dev/child.ts';
import { Namespace } from '../../../src/dev/lab/namespace.ts';

/** How a program ended, and what it printed. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

const RUN_MS = 60_000;
/** Number of the user as whom resolvers run: OpenWrt's. */
const RESOLVER_USER = 453;

/** Joins lines into what a user reads of a failure. */
function said({ stdout, stderr }: Ended): string {
  return (stderr.trim() || stdout.trim()).split('\n').slice(0, 3).join('; ');
}

/** A machine; everything that was started in it ends with it. */
export class Place {
  private readonly children: Child[] = [];

  private constructor(
    readonly name: string,
    readonly directory: string,
    private readonly namespace: Namespace,
    private readonly path: string,
  ) {}

  /**
   * @param parent a directory in which it gets one of its own.
   * @param path PATH of what runs in it.
   * @param resolver the name server in its resolv.conf.
   */
  static async open(name: string, parent: string, path: string, resolver?: string): Promise<Place> {
    const directory = join(parent, name);
    mkdirSync(directory, { recursive: true });
    const etc = join(directory, 'etc');
    cpSync('/etc', etc, { recursive: true, verbatimSymlinks: true });
    rmSync(join(etc, 'resolv.conf'), { force: true });
    writeFileSync(join(etc, 'resolv.conf'), resolver ? `nameserver ${resolver}\noptions timeout:1 attempts:2\n` : '');
    appendFileSync(join(etc, 'passwd'), `dnsmasq:x:${RESOLVER_USER}:${RESOLVER_USER}::/:/bin/false\n`);
    appendFileSync(join(etc, 'group'), `dnsmasq:x:${RESOLVER_USER}:\n`);
    const mounts = [
      // it shows the devices of the namespace that it was mounted in
      'mount -t sysfs sysfs /sys',
      `mount --bind '${etc}' /etc`,
      'mount -t tmpfs tmpfs /run',
      'mkdir -p /run/meshbridge /run/dnsmasq /etc/meshbridge',
    ];
    return new Place(name, directory, await Namespace.open(mounts.join('\n')), path);
  }

  get pid(): number {
    return this.namespace.pid;
  }

  /** `argv` so that it runs in it. */
  command(argv: readonly string[]): string[] {
    return this.namespace.command(['env', `PATH=${this.path}`, ...argv]);
  }

  /** Runs a program to its end. Never rejects for what it does. */
  run(argv: readonly string[], input = '', timeoutMs = RUN_MS): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const [program = '', ...args] = this.command(argv);
      const child = spawn(program, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
      });
      const ended: Ended = { code: null, stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].setEncoding('utf8').on('data', (text: string) => {
          ended[stream] += text;
        });
      child.stdin.on('error', () => {});
      child.once('error', reject);
      child.once('close', (code) => resolve({ ...ended, code }));
      child.stdin.end(input);
    });
  }

  /** Runs a program that has to succeed. @returns what it printed. @throws Error with what it complained of. */
  async must(argv: readonly string[], input = ''): Promise<string> {
    const ended = await this.run(argv, input);
    if (ended.code !== 0)
      throw new Error(`${this.name}: ${argv.join(' ').slice(0, 120)}: ${said(ended) || ended.code}`);
    return ended.stdout;
  }

  /** Runs commands of ip(8), as one batch. */
  async ip(commands: readonly string[]): Promise<void> {
    if (commands.length > 0) await this.must(['ip', '-batch', '-'], `${commands.join('\n')}\n`);
  }

  /** Sets knobs below /proc/sys/net. */
  async knobs(values: Readonly<Record<string, string | number>>): Promise<void> {
    const lines = Object.entries(values).map(([path, value]) => `echo ${value} >/proc/sys/net/${path}`);
    await this.must(['sh', '-e', '-c', lines.join('\n')]);
  }

  /** Loads rules. */
  async nft(script: string): Promise<void> {
    await this.must(['nft', '-f', '-'], script);
  }

  /** Starts a program that runs on. */
  async start(argv: readonly string[], onLine?: (line: string) => void): Promise<Child> {
    const child = await Child.start(this.command(argv), onLine);
    this.children.push(child);
    return child;
  }

  /** Ends what runs in it, and then itself. */
  async close(): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop()));
    await this.namespace.close();
  }
}

/** Where a cable can end. */
type End = Pick<Place, 'pid' | 'ip'>;

/** A cable between two machines: a device in each. */
export async function plug(a: End, aDevice: string, b: End, bDevice: string): Promise<void> {
  await a.ip([`link add ${aDevice} type veth peer name ${bDevice} netns ${b.pid}`, `link set ${aDevice} up`]);
  await b.ip([`link set ${bDevice} up`]);
}
