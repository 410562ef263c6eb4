// The port over `Native`: everything between the machine's few calls and what the core asks for, once for every host.

import type { ChildlessHost, Clock, Files, Host } from '../transport/host.ts';
import { resolveName } from './dial.ts';
import { type Native, SIGNALS } from './native.ts';
import { NativeProcesses } from './process.ts';
import { NativeStreams } from './stream.ts';
import { Timers } from './timer.ts';

/** The port on top of one machine; one per `native`, for it takes its callbacks. */
export function createHost(native: Native): Host {
  const host = createChildlessHost(native);
  return { ...host, processes: new NativeProcesses(native, host.clock) };
}

/** The same for a program that starts no others. */
export function createChildlessHost(native: Native): ChildlessHost {
  const timers = new Timers(native);
  const clock: Clock = {
    monotonicMs: () => Math.floor(native.monotonicMs()),
    unixMs: () => native.unixMs(),
    after: (delayMs, callback) => timers.after(delayMs, callback),
  };
  return {
    clock,
    streams: new NativeStreams(native, clock),
    names: { resolve: (name, done) => resolveName(native, clock, name, done) },
    files: createFiles(native),
    onSignal: createSignals(native),
    randomBytes: (count) => new Uint8Array(native.randomBytes(count)),
    log: (line) => native.log(line),
    print: (text) => native.print(text),
    args: native.args(),
    exit: (code) => native.exit(code),
  };
}

function createFiles(native: Native): Files {
  /** Natives end a path at a zero byte, which would make it another path. */
  const checked = (call: string, path: string): string => {
    if (!path.startsWith('/')) throw new Error(`${call} ${path}: expected an absolute path`);
    if (path.includes('\0')) throw new Error(`${call} ${JSON.stringify(path)}: a zero byte in the path`);
    return path;
  };
  return {
    read(path, maxBytes) {
      const buffer = native.readFile(checked('read', path), maxBytes);
      return buffer && new Uint8Array(buffer);
    },
    write(path, bytes, mode) {
      native.writeFile(checked('write', path), bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length, mode);
    },
    list: (path) => (native.listDirectory(checked('list', path)) ?? []).sort(),
    remove: (path) => native.removeFile(checked('remove', path)),
  };
}

/** Taking one signal takes all four from the kernel; those that nobody asked for end the program as they would have. */
function createSignals(native: Native): Host['onSignal'] {
  const callbacks = new Map<number, () => void>();
  return (name, callback) => {
    if (callbacks.size === 0)
      native.onSignal((signal) => {
        const wanted = callbacks.get(signal);
        if (wanted) wanted();
        else native.exit(128 + signal);
      });
    callbacks.set(SIGNALS[name], callback);
  };
}
