// The port: all that the portable core may ask of the machine it runs on. Implemented over `Native` by host/host.ts.

/** How the server of a TLS connection (1.2 or 1.3) proves who it is, and how we do. */
export interface Tls {
  /** The name that its certificate must have, and that it is asked for by; default: the host. Needed where that is an address. */
  readonly serverName?: string;
  /** PEM file of the authorities that may vouch for it; default: the machine's own, but none where `pins` are given. */
  readonly caFile?: string;
  /**
   * SHA-256 of public keys (SubjectPublicKeyInfo), base64: it must have one of them. Without `caFile` they decide alone, whatever
   * the certificate's name and dates; with it, both must hold, but dates are passed over while the machine's clock is before 2026 or
   * `isClockRight` says no.
   */
  readonly pins?: readonly string[];
  /** Whether the machine's clock may be believed, asked with each connection; absent: as long as it is not before 2026. */
  isClockRight?(): boolean;
  /** PEM file of the certificate by which the server knows us, and of those between it and an authority; goes with `keyFile`. */
  readonly certFile?: string;
  /** PEM file of its key, which has no password. */
  readonly keyFile?: string;
}

/**
 * Where a stream goes: a unix socket (a leading `@` means the abstract name space), or a host name or numeric address with a TCP port,
 * through TLS or not. `from`: the numeric address of this machine that it comes from; without it, the kernel chooses.
 */
export type Endpoint =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly tls?: Tls; readonly from?: string };

/** Where connections are taken; never through TLS. */
export type ListenEndpoint = Endpoint & { readonly tls?: undefined; readonly from?: undefined };

/** Undoes what returned it; a second call does nothing. */
export type Cancel = () => void;

/** What a stream tells its owner. No method is called after `onClose`, or after the owner's own `close()`. */
export interface StreamEvents {
  /** The connection stands; called once, never from inside `dial`. Not called on accepted streams. */
  onOpen?(): void;
  /** Bytes arrived. The array belongs to the receiver. */
  onData(bytes: Uint8Array): void;
  /** Everything queued was handed to the kernel after a `write` that returned false. */
  onDrain?(): void;
  /** The stream ended by itself: `undefined` when the other side closed it in order, else why not. */
  onClose(error: Error | undefined): void;
}

/** One byte stream. Writes are queued without limit; the owner bounds them by `queuedBytes`, `write`'s answer and `onDrain`. */
export interface Stream {
  /** Queues bytes (not to be changed afterwards). False: not all of it went out at once, wait for `onDrain` before adding much more. */
  write(bytes: Uint8Array): boolean;
  /** Bytes queued and not yet handed to the kernel. */
  readonly queuedBytes: number;
  /** Stops or resumes reading; while stopped, the other side is held back by the kernel. */
  setReading(on: boolean): void;
  /** Ends at once; queued bytes are dropped, no further event comes. */
  close(): void;
}

/** Byte streams over unix sockets and TCP. */
export interface Streams {
  /** Starts to connect, TLS included. Never throws, and no event comes before it returns: failure arrives as `onClose`. */
  dial(to: Endpoint, events: StreamEvents): Stream;
  /**
   * Accepts connections; `accept` is given each stream, and the numeric address of its other side as the kernel knows it (empty on a
   * unix socket), and answers with its events. @throws Error when the endpoint cannot be bound.
   */
  listen(at: ListenEndpoint, accept: (stream: Stream, from: string) => StreamEvents): Cancel;
}

/** The machine's resolver. */
export interface Names {
  /**
   * Addresses of a host name, in the machine's order of preference, or why there are none: TimeoutError when nobody answered for 10 s,
   * which may also be told as an unknown name. `done` is called once, never from inside, and not after the name is cancelled.
   */
  resolve(name: string, done: (outcome: readonly string[] | Error) => void): Cancel;
}

/** Time. */
export interface Clock {
  /** Whole milliseconds since some fixed moment; never goes back, does not follow the wall clock. */
  monotonicMs(): number;
  /** Milliseconds since 1970 as the machine believes; may jump, may be decades off on a router without a battery. */
  unixMs(): number;
  /** Calls `callback` once, `delayMs` from now. */
  after(delayMs: number, callback: () => void): Cancel;
}

/** Files; paths are absolute. Every error names the path and the cause. */
export interface Files {
  /** The whole file; `undefined` when it does not exist. @throws Error when it cannot be read or is larger than `maxBytes`. */
  read(path: string, maxBytes: number): Uint8Array | undefined;
  /**
   * Replaces the file as a whole (temporary file, fsync, rename): a crash leaves the old or the new one, and maybe the temporary one, whose
   * name has `~` and six letters or digits at its end. What is written next is next in flash, too. `mode` as in chmod; with `keeps`, a file
   * that is there keeps the mode and the owner that it has (the owner where that may be given). @throws Error
   */
  write(path: string, bytes: Uint8Array, mode: number, keeps?: boolean): void;
  /** Names in a directory, sorted, without `.` and `..`; empty when it does not exist. @throws Error */
  list(path: string): string[];
  /** Removes a file; one that is not there is no error. @throws Error */
  remove(path: string): void;
}

/** Hashes and signatures: SHA-512, and ed25519 as RFC 8032 has it. */
export interface Crypto {
  /** 64 bytes. */
  sha512(bytes: Uint8Array): Uint8Array;
  /** The public key, 32 bytes, of a seed. @throws Error when the seed has not 32 bytes */
  ed25519Public(seed: Uint8Array): Uint8Array;
  /** The signature, 64 bytes, always the same of the same bytes. @throws Error when the seed has not 32 bytes */
  ed25519Sign(seed: Uint8Array, bytes: Uint8Array): Uint8Array;
  /**
   * Whether who has the seed of `publicKey` signed `bytes`. False for everything malformed, for a second signature made of a known one,
   * and for keys of small order, which sign anything.
   */
  ed25519Verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
}

/** What a child process tells its parent. */
export interface ProcessEvents {
  onStdout?(bytes: Uint8Array): void;
  onStderr?(bytes: Uint8Array): void;
  /** Once, last, when it has ended and both pipes are drained: exit code 0..255, or `signal` when it was killed. */
  onExit(status: { code: number } | { signal: number }): void;
}

/** A running child process. */
export interface Process {
  readonly pid: number;
  /** Writes to its standard input; `undefined` closes it. */
  write(bytes: Uint8Array | undefined): void;
  kill(signal: number): void;
}

/** Child processes. */
export interface Processes {
  /** Starts `argv[0]` (looked up on PATH) without a shell. @throws Error when it cannot be started. */
  spawn(argv: readonly string[], events: ProcessEvents): Process;
}

/** Signals that a daemon answers to. */
export type SignalName = 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'SIGUSR1';

/** Everything but child processes, as `app.ts` receives it: the daemon starts no program. */
export interface ChildlessHost {
  readonly streams: Streams;
  readonly names: Names;
  readonly clock: Clock;
  readonly files: Files;
  readonly crypto: Crypto;
  /** Cryptographically strong random bytes. */
  randomBytes(count: number): Uint8Array;
  onSignal(name: SignalName, callback: () => void): void;
  /** One line to standard error. */
  log(line: string): void;
  /** Text to standard output, as it is. */
  print(text: string): void;
  /** Command line arguments, without the program's name. */
  readonly args: readonly string[];
  /** Ends the process. */
  exit(code: number): void;
}

/** Everything together; most modules name only the part they use. */
export interface Host extends ChildlessHost {
  readonly processes: Processes;
}
