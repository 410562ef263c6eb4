// Runs a bundle on QuickJS in WebAssembly, with Node's sockets behind `native`: the router's engine where no C compiler is.
//
// Handles of the engine are disposed by whoever made them; callbacks that the bundle gives are kept until replaced, closed or disposed.
// Bytes are copied both ways, for WebAssembly's memory moves when it grows. Unlike the C host it does not see rejected promises that
// nobody listens to, for its engine's interface does not tell of them; only that of the module's top level.

import { newQuickJSWASMModule, type QuickJSContext, type QuickJSHandle, type QuickJSRuntime } from 'quickjs-emscripten';
import type { NodeNative } from './native.ts';

export interface VmOptions {
  /** Source text of an ES module; its only import is the default of `native`. */
  bundle: string;
  /** The VM's own: disposed with it. */
  native: NodeNative;
  /** Bytes of the engine's heap; array buffers are not counted. */
  memoryLimitBytes: number;
  /** File name in stack traces. */
  name: string;
  /** The longest run from one event, milliseconds, before the bundle counts as hung; default 5000. */
  runLimitMs?: number;
  /**
   * Something was thrown that the bundle did not catch; the VM is disposed already. `stack` is the bundle's.
   * Default: it is thrown on, to Node.
   */
  onCrash?(error: Error): void;
}

export interface VM {
  /** False after `dispose`, the bundle's `exit`, or a crash. */
  readonly alive: boolean;
  /** Bytes that the engine has allocated; 0 once it has ended. */
  memoryBytes(): number;
  /** Ends the bundle and frees everything: sockets, timers, children, memory. From inside the bundle, as soon as it returns. */
  dispose(): void;
}

const RUN_LIMIT_MS = 5000;
const STACK_BYTES = 256 * 1024;
/** One `write` takes at most this: the engine copies the whole buffer out for each call. */
const WRITE_BYTES = 64 * 1024;

/** The module `native` inside: takes the calls over from the global object, where nobody finds them afterwards. */
const NATIVE_MODULE = `
const calls = globalThis.__native;
delete globalThis.__native;
const { write, writeFile } = calls;
calls.write = (fd, buffer, offset, length) => write(fd, buffer.slice(offset, offset + Math.min(length, ${WRITE_BYTES})));
calls.writeFile = (path, buffer, offset, length, mode) => writeFile(path, buffer.slice(offset, offset + length), mode);
export default calls;
`;

/** Starts a bundle; resolves when its top level has run. @throws Error what the top level threw, unless `onCrash` takes it. */
export async function runBundle(options: VmOptions): Promise<VM> {
  // a module instance of its own: memory that grew goes with the VM, and no VM can harm another
  const engine = await newQuickJSWASMModule();
  const runtime = engine.newRuntime();
  runtime.setMemoryLimit(options.memoryLimitBytes);
  runtime.setMaxStackSize(STACK_BYTES);
  runtime.setModuleLoader((name) =>
    name === 'native'
      ? NATIVE_MODULE
      : { error: new Error(`import ${name}: expected native, the only module there is`) },
  );
  const machine = new Machine(options, runtime, runtime.newContext());
  machine.start();
  return machine;
}

type Result = ReturnType<QuickJSContext['callFunction']>;
type Call = (...args: QuickJSHandle[]) => QuickJSHandle | undefined;

class Machine implements VM {
  private readonly callbacks = new Map<string | number, QuickJSHandle>();
  private depth = 0;
  private deadlineMs = 0;
  private ending: (() => void) | undefined;
  private readonly runLimitMs: number;
  private hung = false;
  private broken = false;
  /** The promise of the module's top level, until it is settled. */
  private main: QuickJSHandle | undefined;
  alive = true;

  constructor(
    private readonly options: VmOptions,
    private readonly runtime: QuickJSRuntime,
    private readonly context: QuickJSContext,
  ) {
    this.runLimitMs = options.runLimitMs ?? RUN_LIMIT_MS;
    runtime.setInterruptHandler(() => {
      this.hung = performance.now() > this.deadlineMs;
      return this.hung;
    });
  }

  start(): void {
    const { context } = this;
    const calls = context.newObject();
    for (const [name, call] of Object.entries(this.calls()))
      context.newFunction(name, call).consume((handle) => context.setProp(calls, name, handle));
    context.setProp(context.global, '__native', calls);
    calls.dispose();
    this.enter(() => {
      const result = context.evalCode(this.options.bundle, this.options.name, { type: 'module' });
      if (!result.error) this.main = result.value.dup();
      return result;
    });
  }

  memoryBytes(): number {
    if (!this.alive) return 0;
    return this.runtime.computeMemoryUsage().consume((usage) => this.context.dump(usage).memory_used_size);
  }

  dispose(): void {
    this.end(() => {});
  }

  /** Runs code of the bundle, then its promise jobs; ends the VM when that was asked for, or when something was thrown. */
  private enter(run: () => Result): void {
    if (!this.alive) return;
    this.deadlineMs = performance.now() + this.runLimitMs;
    this.depth++;
    let crash: Error | undefined;
    try {
      crash = this.errorOf(run());
      if (!crash && !this.ending) crash = this.errorOf(this.runtime.executePendingJobs());
      crash ??= this.mainError();
      // asked here too, for a promise job that is interrupted does no more than reject its promise
      if (this.hung) crash = this.hangError(crash);
    } catch (error) {
      // the engine itself broke down: nothing in it can be trusted to end in order
      this.broken = true;
      crash = error as Error;
    }
    this.depth--;
    if (crash) {
      const { onCrash } = this.options;
      const error = crash;
      this.end(() => {
        if (!onCrash) throw error;
        onCrash(error);
      });
    } else if (this.ending) this.end(this.ending);
  }

  /** What a result says went wrong; disposes it. */
  private errorOf(result: Result | ReturnType<QuickJSRuntime['executePendingJobs']>): Error | undefined {
    const error = result.error && this.toError(result.error);
    result.dispose();
    return error;
  }

  /** What the top level threw once it had awaited something. */
  private mainError(): Error | undefined {
    if (!this.main) return undefined;
    const state = this.context.getPromiseState(this.main);
    if (state.type === 'pending') return undefined;
    if (state.type === 'fulfilled' && !state.notAPromise) state.value.dispose();
    this.main.dispose();
    this.main = undefined;
    return state.type === 'rejected' ? state.error.consume((error) => this.toError(error)) : undefined;
  }

  /** An error of the bundle with the bundle's stack. */
  private toError(handle: QuickJSHandle): Error {
    const thrown: unknown = this.context.dump(handle);
    if (typeof thrown !== 'object' || thrown === null) return new Error(`thrown: ${thrown}`);
    const { name, message, stack } = thrown as { name?: string; message?: string; stack?: string };
    const error = new Error(message ?? JSON.stringify(thrown));
    error.name = name ?? 'Error';
    error.stack = `${error.name}: ${error.message}\n${stack ?? ''}`;
    return error;
  }

  private hangError(interrupted: Error | undefined): Error {
    const error = new Error(`${this.options.name}: still running after ${this.runLimitMs} ms`);
    if (interrupted?.stack) error.stack = interrupted.stack.replace(/^.*/, `Error: ${error.message}`);
    return error;
  }

  private end(then: () => void): void {
    if (!this.alive) return;
    if (this.depth > 0) {
      this.ending = then;
      return;
    }
    this.alive = false;
    this.options.native.dispose();
    if (!this.broken) {
      for (const handle of this.callbacks.values()) handle.dispose();
      this.main?.dispose();
      this.context.dispose();
      this.runtime.dispose();
    }
    this.callbacks.clear();
    then();
  }

  /** Keeps a callback of the bundle under `key`, in place of the one before. */
  private keep(key: string | number, callback: QuickJSHandle | undefined): void {
    this.callbacks.get(key)?.dispose();
    if (callback) this.callbacks.set(key, callback.dup());
    else this.callbacks.delete(key);
  }

  private call(key: string | number, ...numbers: number[]): void {
    const callback = this.callbacks.get(key);
    if (!callback) return;
    const { context } = this;
    this.enter(() => {
      // a callback may replace itself, and thus dispose its handle, while it runs
      const running = callback.dup();
      const args = numbers.map((number) => context.newNumber(number));
      try {
        return context.callFunction(running, context.undefined, args);
      } finally {
        for (const handle of [running, ...args]) handle.dispose();
      }
    });
  }

  /** Native's calls as the bundle sees them, but for the two that NATIVE_MODULE completes. */
  private calls(): Record<string, Call> {
    const { context } = this;
    const { native } = this.options;
    const number = (handle: QuickJSHandle | undefined): number => (handle ? context.getNumber(handle) : Number.NaN);
    const string = (handle: QuickJSHandle | undefined): string => (handle ? context.getString(handle) : '');
    const bytes = (handle: QuickJSHandle): ArrayBuffer =>
      context.getArrayBuffer(handle).consume(({ value }) => value.slice().buffer as ArrayBuffer);
    const fromNumber = (value: number | undefined) => (value === undefined ? undefined : context.newNumber(value));
    const fromString = (value: string | undefined) => (value === undefined ? undefined : context.newString(value));
    const fromBytes = (value: ArrayBuffer | undefined | null) =>
      value === undefined ? undefined : value === null ? context.null : context.newArrayBuffer(value);
    const fromStrings = (values: readonly string[]) => {
      const array = context.newArray();
      for (const [i, value] of values.entries())
        context.newString(value).consume((handle) => context.setProp(array, i, handle));
      return array;
    };
    const listener = (name: string, subscribe: () => void): Call => {
      return (callback) => {
        this.keep(name, callback);
        subscribe();
        return undefined;
      };
    };
    const nothing = (run: (...args: QuickJSHandle[]) => void): Call => {
      return (...args) => {
        run(...args);
        return undefined;
      };
    };
    return {
      connectUnix: (path) => fromNumber(native.connectUnix(string(path))),
      connectTcp: (address, port, from) => {
        const local = from && context.typeof(from) === 'string' ? string(from) : undefined;
        return fromNumber(native.connectTcp(string(address), number(port), local));
      },
      listenUnix: (path) => fromNumber(native.listenUnix(string(path))),
      listenTcp: (address, port) => fromNumber(native.listenTcp(string(address), number(port))),
      accept: (fd) => fromNumber(native.accept(number(fd))),
      peerAddress: (fd) => fromString(native.peerAddress(number(fd))),
      socketError: (fd) => fromString(native.socketError(number(fd))),
      read: (fd, maxBytes) => fromBytes(native.read(number(fd), number(maxBytes))),
      write: (fd, buffer) => {
        const copy = bytes(buffer!);
        return fromNumber(native.write(number(fd), copy, 0, copy.byteLength));
      },
      close: nothing((fd) => {
        this.keep(number(fd), undefined);
        native.close(number(fd));
      }),
      watch: nothing((fd, events, callback) => {
        const key = number(fd);
        const watched = number(events);
        this.keep(key, watched === 0 ? undefined : callback);
        native.watch(key, watched, watched === 0 ? undefined : (ready) => this.call(key, ready));
      }),
      resolve: (name) => fromNumber(native.resolve(string(name))),
      stdin: () => fromNumber(native.stdin()),

      tlsStart: nothing((fd, name, authorities, identity) =>
        native.tlsStart(number(fd), string(name), bytes(authorities!), bytes(identity!)),
      ),
      tlsHandshake: (fd) => {
        const found = native.tlsHandshake(number(fd));
        return typeof found === 'number' ? fromNumber(found) : fromBytes(found);
      },

      monotonicMs: () => fromNumber(native.monotonicMs()),
      unixMs: () => fromNumber(native.unixMs()),
      wakeAt: nothing((atMs) => native.wakeAt(number(atMs))),
      onWake: listener('wake', () => native.onWake(() => this.call('wake'))),

      readFile: (path, maxBytes) => fromBytes(native.readFile(string(path), number(maxBytes))),
      writeFile: nothing((path, buffer, mode) => {
        const copy = bytes(buffer!);
        native.writeFile(string(path), copy, 0, copy.byteLength, number(mode));
      }),
      listDirectory: (path) => {
        const list = native.listDirectory(string(path));
        return list && fromStrings(list);
      },
      removeFile: nothing((path) => native.removeFile(string(path))),

      spawn: (argv) => {
        const spawned = native.spawn(context.dump(argv!));
        const result = context.newObject();
        for (const [name, value] of Object.entries(spawned))
          context.newNumber(value).consume((handle) => context.setProp(result, name, handle));
        return result;
      },
      onChildExit: listener('child', () => native.onChildExit((pid, status) => this.call('child', pid, status))),
      kill: nothing((pid, signal) => native.kill(number(pid), number(signal))),
      onSignal: listener('signal', () => native.onSignal((signal) => this.call('signal', signal))),

      sha512: (data) => fromBytes(native.sha512(bytes(data!))),
      ed25519Public: (seed) => fromBytes(native.ed25519Public(bytes(seed!))),
      ed25519Sign: (seed, data) => fromBytes(native.ed25519Sign(bytes(seed!), bytes(data!))),
      ed25519Verify: (key, data, signature) =>
        native.ed25519Verify(bytes(key!), bytes(data!), bytes(signature!)) ? context.true : context.false,

      randomBytes: (count) => fromBytes(native.randomBytes(number(count))),
      log: nothing((line) => native.log(string(line))),
      print: nothing((text) => native.print(string(text))),
      args: () => fromStrings(native.args()),
      exit: nothing((code) => {
        const status = number(code);
        this.end(() => native.exit(status));
      }),
    };
  }
}
