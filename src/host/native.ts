// The seam between TypeScript and the machine: one small set of calls, provided by the C host and, for Node, by host/node/native.ts.
//
// No policy lives below this line: no reconnect, no framing, no queue, no timer beyond "call me at T".
// Errors are thrown as Error with the text `call subject: reason` (`connect /run/x.sock: Connection refused`),
// the call being the first word of the function's name.
// A subject is a path (`@name` for the abstract name space), `address:port`, `[v6 address]:port`, a name or a program; calls on
// a descriptor name none, for the caller knows it (`read: Connection reset by peer`). Reasons are strerror's.
// Descriptors (`fd`) are small positive integers, non-blocking and closed on exec; sockets of TCP have TCP_NODELAY, listening ones
// SO_REUSEADDR. Writing to what is closed on the other side throws and never raises SIGPIPE, on pipes too.
//
// Callbacks come from the loop only, never from inside a call; all pending promise jobs run after each. What a callback throws is a
// bug: the host reports it with its stack and ends the program with code 70 (EX_SOFTWARE).
// Readiness that was gathered before `close` or `watch` is not delivered afterwards, nor to a new owner of the same number.

/** Bits for `watch` and its callback. */
export const READABLE = 1;
export const WRITABLE = 2;

/** For `writeFile`, beside the mode. */
export const KEEPS = 0o10000;

/** Bits of what may speak against a server's certificate; numbered as by mbedtls (MBEDTLS_X509_BADCERT_…), which has more of them. */
export const TLS_EXPIRED = 1;
export const TLS_OTHER_NAME = 4;
export const TLS_UNTRUSTED = 8;
export const TLS_NOT_YET = 0x200;

/** Signals as this contract numbers them; a machine may number USR1 otherwise (16 on MIPS). */
export const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGUSR1: 10, SIGTERM: 15 } as const;

export interface Native {
  // streams
  /** Starts to connect to a unix socket; wait for WRITABLE, then ask `socketError`. */
  connectUnix(path: string): number;
  /** Starts to connect to a numeric IPv4 or IPv6 address (zone allowed), from a local one where it is given. Throws on anything that is not numeric. */
  connectTcp(address: string, port: number, from?: string): number;
  /** Binds a unix socket (an existing socket file that nobody answers on is replaced; mode 0600). */
  listenUnix(path: string): number;
  listenTcp(address: string, port: number): number;
  /** The next waiting connection; `undefined` when none waits (one that went away again is skipped). Throws when out of descriptors. */
  accept(fd: number): number | undefined;
  /** The numeric address of the other side of a TCP connection, without zone; empty on a unix socket. Throws when it is gone. */
  peerAddress(fd: number): string;
  /** Why connecting failed, `undefined` when it stands. */
  socketError(fd: number): string | undefined;
  /** Up to `maxBytes`, in an array that is the caller's and no larger; `undefined`: nothing now; `null`: the other side is done. */
  read(fd: number, maxBytes: number): ArrayBuffer | undefined | null;
  /** Bytes taken (a copy), fewer than `length` when the kernel's buffer is full, then 0. */
  write(fd: number, buffer: ArrayBuffer, offset: number, length: number): number;
  /** Unwatches and closes; what `write` took is still delivered. Of a `resolve`, ends its child. */
  close(fd: number): void;
  /**
   * Replaces what is watched for and who is told; `events` 0 ends it, otherwise `callback` is given. Told on each turn of the loop
   * while it lasts (level-triggered), with READABLE | WRITABLE bits; hang-up and error set both, watched for or not.
   */
  watch(fd: number, events: number, callback?: (events: number) => void): void;
  /**
   * Starts a child that resolves a name; its output, read from the descriptor, is numeric addresses in order of preference, each once,
   * one a line, then end; nothing when the name is unknown. `onChildExit` does not tell of it.
   */
  resolve(name: string): number;
  /** Standard input, which may block: `read` it once each time it is READABLE. */
  stdin(): number;

  // TLS, as a client; both are absent in a program that was built without it
  /**
   * Puts TLS (1.2 or 1.3) between a connected socket, which nobody watches, and its `read`, `write` and `close`. The server is asked for
   * by `serverName`, and its certificate is compared with it, unless it is empty; `authorities` is PEM with a zero byte behind, or empty;
   * so is `identity`, our own certificate, those between it and an authority, and its key.
   * From then on `read` wants room for 16384 bytes or more, gives `null` only for an orderly end and throws when bytes may be missing;
   * `write` that has taken nothing must be given the same bytes again; `close` says so to the other side.
   */
  tlsStart?(fd: number, serverName: string, authorities: ArrayBuffer, identity: ArrayBuffer): void;
  /**
   * Goes on with the handshake: what to wait for (READABLE or WRITABLE) before the next call, or what was found out about the server:
   * the bits that hold of `TLS_EXPIRED` and those beside it, as a Uint32, then SHA-256 of its public key (SubjectPublicKeyInfo). Decides nothing.
   */
  tlsHandshake?(fd: number): number | ArrayBuffer;

  // time
  monotonicMs(): number;
  unixMs(): number;
  /**
   * Calls the `onWake` callback once at this monotonic time or as soon as possible after it; replaces the earlier one; Infinity means
   * never. A time that has passed means the next turn of the loop, with what is readable or writable told before or after, not never.
   */
  wakeAt(monotonicMs: number): void;
  onWake(callback: () => void): void;

  // files
  /** `undefined` when it does not exist. Throws `read PATH: larger than N bytes`. */
  readFile(path: string, maxBytes: number): ArrayBuffer | undefined;
  /**
   * By temporary file in the same directory, fsync, rename, fsync of the directory (where it can be); `mode` counts as it is, whatever the
   * umask, but with KEEPS of a file that is there its own does, and its owner; nothing is left behind on failure.
   */
  writeFile(path: string, buffer: ArrayBuffer, offset: number, length: number, mode: number): void;
  /** Unsorted, without `.` and `..`; `undefined` when it does not exist. */
  listDirectory(path: string): string[] | undefined;
  /** One that is not there is no error. */
  removeFile(path: string): void;

  // processes and signals
  /** PATH is searched; no shell; signals as by default. Throws when the program cannot be started (`spawn foo: No such file or directory`). */
  spawn(argv: readonly string[]): { pid: number; stdin: number; stdout: number; stderr: number };
  /** Called once per child, whatever its pipes still hold: exit code, or 256 + signal. A child that ended before is told of too. */
  onChildExit(callback: (pid: number, status: number) => void): void;
  kill(pid: number, signal: number): void;
  /** From now on those of `SIGNALS` do not end the program: the callback gets the number. */
  onSignal(callback: (signal: number) => void): void;

  // hashes and signatures (ed25519, RFC 8032); a seed and a public key are 32 bytes, a signature is 64, anything else throws
  /** 64 bytes. */
  sha512(bytes: ArrayBuffer): ArrayBuffer;
  ed25519Public(seed: ArrayBuffer): ArrayBuffer;
  ed25519Sign(seed: ArrayBuffer, bytes: ArrayBuffer): ArrayBuffer;
  /** By the equation without the cofactor; false for a scalar that is not the least. */
  ed25519Verify(publicKey: ArrayBuffer, bytes: ArrayBuffer, signature: ArrayBuffer): boolean;

  // the rest
  randomBytes(count: number): ArrayBuffer;
  /** One line to standard error. */
  log(line: string): void;
  /** To standard output. */
  print(text: string): void;
  args(): string[];
  /** Ends the program with this code: at once, or when the running callback returns; no callback comes after it. */
  exit(code: number): void;
}
