// The port over `Native`: everything between the machine's few calls and what the core asks for, once for every host.

import { isWeakKey } from '../lib/weak-key.ts';
import type { ChildlessHost, Clock, Crypto, Files, Host } from '../transport/host.ts';
import { resolveName } from './dial.ts';
import { KEEPS, type Native, SIGNALS } from './native.ts';
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
    crypto: createCrypto(native),
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
    write(path, bytes, mode, keeps = false) {
      const how = keeps ? mode | KEEPS : mode;
      native.writeFile(checked('write', path), bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length, how);
    },
    list: (path) => (native.listDirectory(checked('list', path)) ?? []).sort(),
    remove: (path) => native.removeFile(checked('remove', path)),
  };
}

/** Hashes and signatures on top of one machine. */
export function createCrypto(native: Native): Crypto {
  /** A copy that begins and ends where the bytes do. */
  const own = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer as ArrayBuffer;
  return {
    sha512: (bytes) => new Uint8Array(native.sha512(own(bytes))),
    ed25519Public: (seed) => new Uint8Array(native.ed25519Public(own(seed))),
    ed25519Sign: (seed, bytes) => new Uint8Array(native.ed25519Sign(own(seed), own(bytes))),
    ed25519Verify: (publicKey, bytes, signature) =>
      publicKey.length === 32 &&
      signature.length === 64 &&
      !isWeakKey(publicKey) &&
      native.ed25519Verify(own(publicKey), own(bytes), own(signature)),
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
