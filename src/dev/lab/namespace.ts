// Network namespaces without names: each is held by a small process of ours and ends with it, so nothing is left even after SIGKILL.

import { spawn } from 'node:child_process';
import { Child, findProgram } from '../child.ts';

/** In emulation everything takes its time. */
const READY_TIMEOUT_MS = 60_000;

/** Runs a program to its end with `input`. @throws Error with what it said when it fails. */
function run(argv: readonly string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.stdin.on('error', () => {});
    child.once('error', (error) => reject(new Error(`${argv[0]}: ${error.message}`)));
    child.once('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`${argv.at(-3)}: ${said.trim().split('\n')[0] || `status ${status}`}`));
    });
    child.stdin.end(input);
  });
}

/** One network namespace. */
export class Namespace {
  private constructor(
    private readonly holder: Child,
    private readonly hasMounts: boolean,
  ) {}

  /**
   * Makes one, with its loopback device up.
   * @param mounts commands of a shell that give it a view of the file system of its own; absent: it shares ours.
   * @throws Error when the machine does not let us.
   */
  static async open(mounts?: string): Promise<Namespace> {
    let ready: (() => void) | undefined;
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    // `cat` answers once the namespace stands, and ends when our end of its input closes, however we end.
    const hold = mounts === undefined ? ['cat'] : ['--mount', 'sh', '-e', '-c', `${mounts}\nexec cat`];
    const holder = await Child.start(['unshare', '--net', ...hold], (line) => {
      if (line === 'ready') ready?.();
    });
    holder.write('ready\n');
    const timer = setTimeout(() => holder.kill('SIGKILL'), READY_TIMEOUT_MS);
    await Promise.race([isReady, holder.ended]);
    clearTimeout(timer);
    if (!holder.isRunning) throw new Error(holder.tail.at(-1) ?? 'unshare --net: no answer');
    const namespace = new Namespace(holder, mounts !== undefined);
    try {
      await namespace.ip(['link set lo up']);
      // Without duplicate address detection an address is usable at once; a read-only /proc/sys only makes it slower.
      const knobs =
        'cd /proc/sys/net/ipv6/conf && echo 0 >all/disable_ipv6 && echo 0 >default/disable_ipv6 && echo 0 >default/accept_dad';
      await run(namespace.command(['sh', '-c', knobs]), '').catch(() => {});
    } catch (error) {
      await namespace.close();
      throw error;
    }
    return namespace;
  }

  /** The process that holds it: `nsenter -t <pid> -n` enters. */
  get pid(): number {
    return this.holder.pid;
  }

  /** `argv` so that it runs inside. */
  command(argv: readonly string[]): string[] {
    const of = (kind: string): string => `/proc/${this.pid}/ns/${kind}`;
    const mount = this.hasMounts ? [`--mount=${of('mnt')}`] : [];
    return ['nsenter', `--net=${of('net')}`, ...mount, '--', ...argv];
  }

  /** Runs commands of ip(8) inside, as one batch. */
  async ip(commands: readonly string[]): Promise<void> {
    const ip = findProgram('ip');
    if (!ip) throw new Error('ip: not on PATH (Debian package iproute2)');
    await run(this.command([ip, '-batch', '-']), `${commands.join('\n')}\n`);
  }

  /** Ends it; its devices vanish once nothing runs inside. */
  async close(): Promise<void> {
    this.holder.kill('SIGKILL');
    await this.holder.ended;
  }
}

/** Why namespaces, bridges and cables between them cannot be made here; `undefined`: they can. */
export async function namespaceProblem(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'not root';
  let namespace: Namespace | undefined;
  try {
    namespace = await Namespace.open();
    await namespace.ip(['link add b0 type bridge', 'link add v0 type veth peer name v1', 'link set v0 master b0']);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await namespace?.close();
  }
}
