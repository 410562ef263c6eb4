// The native calls over Node: for the developer's programs, for tests, and for the bundle in WebAssembly (vm.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { constants as systemConstants } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Native, SIGNALS } from '../native.ts';
import { nodeCrypto } from './crypto.ts';
import {
  type Descriptor,
  InputDescriptor,
  LookupDescriptor,
  ServerDescriptor,
  SocketDescriptor,
} from './descriptor.ts';
import { errorCode, reasonOf } from './errno.ts';
import { nodeFiles } from './file.ts';
import { kernelPath, listenTcp, listenUnix } from './listen.ts';
import { TlsDescriptor } from './tls.ts';

export interface NodeNativeOptions {
  /** Default: those of the process. */
  args?: readonly string[];
  /** One line; default: standard error. */
  log?(line: string): void;
  /** Default: standard output. */
  print?(text: string): void;
  /** What happens after everything was closed; default: the process ends. */
  exit?(code: number): void;
  /** False: the process's signals are not touched; default true. */
  signals?: boolean;
}

export interface NodeNative extends Required<Native> {
  /** Closes every descriptor, stops the timer, kills the children; no callback comes afterwards. */
  dispose(): void;
}

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** One machine's calls, with its own descriptors, timer and children; several live side by side in one process. */
export function createNodeNative(options: NodeNativeOptions = {}): NodeNative {
  const descriptors = new Map<number, Descriptor>();
  const children = new Map<number, ChildProcess>();
  const signalHandlers: [keyof typeof SIGNALS, () => void][] = [];
  let nextFd = 3; // numbers are never used twice
  let disposed = false;
  let childExit: ((pid: number, status: number) => void) | undefined;
  /** Ends of children that nobody has asked about yet: pid and status. */
  const early: [number, number][] = [];
  let wake: () => void = () => {};
  let timeout: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;

  function add(descriptor: Descriptor): number {
    const fd = nextFd++;
    descriptors.set(fd, descriptor);
    return fd;
  }

  /** @throws Error when `fd` is not open, or not of that kind. */
  function get<T extends Descriptor>(call: string, fd: number, ...kinds: (abstract new (...args: never[]) => T)[]): T {
    const descriptor = descriptors.get(fd);
    for (const kind of kinds) if (descriptor instanceof kind) return descriptor;
    throw new Error(`${call}: Bad file descriptor`);
  }

  function ensureAlive(call: string, subject: string): void {
    if (disposed) throw new Error(`${call} ${subject}: the host has ended`);
  }

  function stopTimer(): void {
    clearTimeout(timeout);
    clearImmediate(immediate);
  }

  function wakeAt(atMs: number): void {
    stopTimer();
    if (disposed || atMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.ceil(atMs - performance.now());
    if (delayMs <= 0) immediate = setImmediate(() => wake());
    else
      timeout = setTimeout(
        () => {
          // Node's timers may be early by a fraction, and end at 24 days
          if (performance.now() < atMs) wakeAt(atMs);
          else wake();
        },
        Math.min(delayMs, LONGEST_TIMEOUT_MS),
      );
  }

  function dispose(): void {
    disposed = true;
    stopTimer();
    for (const descriptor of descriptors.values()) descriptor.close();
    descriptors.clear();
    for (const child of children.values()) {
      child.kill('SIGKILL');
      child.unref();
    }
    children.clear();
    for (const [name, handler] of signalHandlers) process.off(name, handler);
  }

  return {
    ...nodeFiles,
    ...nodeCrypto,
    dispose,

    connectUnix(path) {
      ensureAlive('connect', path);
      return add(new SocketDescriptor(connect({ path: kernelPath(path), allowHalfOpen: true })));
    },
    connectTcp(host, port, from) {
      ensureAlive('connect', host);
      const not = [host, from ?? host].find((address) => isIP(address) === 0);
      if (not !== undefined) throw new Error(`connect ${not}:${port}: not a numeric address`);
      const local = from === undefined ? {} : { localAddress: from };
      return add(new SocketDescriptor(connect({ host, port, ...local, allowHalfOpen: true, noDelay: true })));
    },
    listenUnix(path) {
      ensureAlive('listen', path);
      return add(new ServerDescriptor(listenUnix(path)));
    },
    listenTcp(host, port) {
      ensureAlive('listen', host);
      return add(new ServerDescriptor(listenTcp(host, port)));
    },
    accept(fd) {
      const socket = get('accept', fd, ServerDescriptor).accept();
      return socket && add(socket);
    },
    peerAddress: (fd) => get('peer', fd, SocketDescriptor).peerAddress(),
    socketError: (fd) => get('socketError', fd, SocketDescriptor).socketError(),
    read: (fd, maxBytes) =>
      get<SocketDescriptor | LookupDescriptor>('read', fd, SocketDescriptor, LookupDescriptor).read(maxBytes),
    write: (fd, buffer, offset, length) =>
      get('write', fd, SocketDescriptor).write(new Uint8Array(buffer, offset, length)),
    close(fd) {
      const descriptor = descriptors.get(fd);
      if (descriptor) descriptor.close();
      else if (!disposed) throw new Error('close: Bad file descriptor');
      descriptors.delete(fd);
    },
    watch(fd, events, callback) {
      const descriptor = descriptors.get(fd);
      if (descriptor) descriptor.watch(events, callback);
      else if (!disposed) throw new Error('watch: Bad file descriptor');
    },
    resolve(name) {
      ensureAlive('resolve', name);
      return add(new LookupDescriptor(name));
    },

    stdin: () => add(new InputDescriptor(process.stdin as Socket)),

    tlsStart(fd, serverName, authorities, identity) {
      const under = get('tls', fd, SocketDescriptor);
      descriptors.set(fd, new TlsDescriptor(under, serverName, authorities, identity));
    },
    tlsHandshake: (fd) => get('tls', fd, TlsDescriptor).handshake(),

    monotonicMs: () => performance.now(),
    unixMs: () => Date.now(),
    wakeAt,
    onWake(callback) {
      wake = callback;
    },

    spawn(argv) {
      const program = argv[0] ?? '';
      ensureAlive('spawn', program);
      const child = start(program, argv.slice(1));
      const { pid } = child;
      if (pid === undefined) throw new Error(`spawn ${program}: could not be started`);
      children.set(pid, child);
      child.on('exit', (code, signal) => {
        children.delete(pid);
        const status = code ?? 256 + systemConstants.signals[signal!];
        if (!childExit) early.push([pid, status]);
        else if (!disposed) childExit(pid, status);
      });
      const [stdin, stdout, stderr] = [child.stdin, child.stdout, child.stderr].map((pipe) =>
        add(new SocketDescriptor(pipe as unknown as Socket)),
      );
      return { pid, stdin: stdin!, stdout: stdout!, stderr: stderr! };
    },
    onChildExit(callback) {
      childExit = callback;
      for (const [pid, status] of early.splice(0)) setImmediate(() => !disposed && callback(pid, status));
    },
    kill(pid, signal) {
      try {
        if (children.has(pid)) process.kill(pid, signal);
      } catch (error) {
        // reaped, and about to be told
        if (errorCode(error) !== 'ESRCH') throw new Error(`kill ${pid}: ${reasonOf(error)}`);
      }
    },
    onSignal(callback) {
      if (options.signals === false) return;
      for (const name of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]) {
        const handler = (): void => callback(SIGNALS[name]);
        signalHandlers.push([name, handler]);
        process.on(name, handler);
      }
    },

    randomBytes: (count) => randomFillSync(new Uint8Array(count)).buffer,
    log: options.log ?? ((line) => void process.stderr.write(`${line}\n`)),
    print: options.print ?? ((text) => void process.stdout.write(text)),
    args: () => [...(options.args ?? process.argv.slice(2))],
    exit(code) {
      dispose();
      (options.exit ?? process.exit)(code);
    },
  };
}

/** Node tells of a missing program only later; the contract wants it at once. */
function start(program: string, args: string[]): ChildProcess {
  const candidates = program.includes('/')
    ? [program]
    : (process.env.PATH ?? '/usr/bin:/bin').split(delimiter).map((folder) => join(folder || '.', program));
  const found = candidates.filter((path) => holds(() => statSync(path).isFile()));
  if (found.length === 0) throw new Error(`spawn ${program}: No such file or directory`);
  try {
    const path = found.find((path) => holds(() => accessSync(path, constants.X_OK) === undefined));
    if (!path) throw new Error(`spawn ${program}: Permission denied`);
    const child = spawn(path, args, { argv0: program, stdio: 'pipe' });
    child.on('error', () => {}); // no pid says it already
    return child;
  } catch (error) {
    throw errorCode(error) ? new Error(`spawn ${program}: ${reasonOf(error)}`, { cause: error }) : error;
  }
}

function holds(condition: () => boolean): boolean {
  try {
    return condition();
  } catch {
    return false;
  }
}
