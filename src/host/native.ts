// The seam between TypeScript and the machine: one small set of calls, provided by the C host and, for Node, by host/node/native.ts.
//
// No policy lives below this line: no reconnect, no framing, no queue, no timer beyond "call me at T".
// Errors are thrown as Error with the text `call subject: reason` (`connect /run/x.sock: Connection refused`).
// Descriptors (`fd`) are small positive integers, non-blocking and closed on exec.

/** Bits for `watch` and its callback. */
export const READABLE = 1;
export const WRITABLE = 2;

export interface Native {
  // streams
  /** Starts to connect to a unix socket; wait for WRITABLE, then ask `socketError`. */
  connectUnix(path: string): number;
  /** Starts to connect to a numeric IPv4 or IPv6 address (zone allowed). Throws on anything that is not numeric. */
  connectTcp(address: string, port: number): number;
  /** Binds a unix socket (an existing socket file that nobody answers on is replaced; mode 0600). */
  listenUnix(path: string): number;
  listenTcp(address: string, port: number): number;
  /** The next waiting connection, or `undefined`. */
  accept(fd: number): number | undefined;
  /** Why connecting failed, `undefined` when it stands. */
  socketError(fd: number): string | undefined;
  /** Up to `maxBytes`; `undefined`: nothing now; `null`: the other side is done. */
  read(fd: number, maxBytes: number): ArrayBuffer | undefined | null;
  /** Bytes taken, 0 when the kernel's buffer is full. */
  write(fd: number, buffer: ArrayBuffer, offset: number, length: number): number;
  /** Unwatches and closes. */
  close(fd: number): void;
  /** Replaces what is watched for; `events` 0 ends it. The callback gets READABLE | WRITABLE bits; hang-up and error set both. */
  watch(fd: number, events: number, callback?: (events: number) => void): void;
  /** Starts a child that resolves a name; its output is numeric addresses, one a line, then end; nothing when the name is unknown. */
  resolve(name: string): number;

  // time
  monotonicMs(): number;
  unixMs(): number;
  /** Calls the `onWake` callback once at this monotonic time; replaces the earlier one; Infinity means never. */
  wakeAt(monotonicMs: number): void;
  onWake(callback: () => void): void;

  // files
  /** `undefined` when it does not exist. */
  readFile(path: string, maxBytes: number): ArrayBuffer | undefined;
  /** By temporary file in the same directory, fsync, rename. */
  writeFile(path: string, buffer: ArrayBuffer, offset: number, length: number, mode: number): void;
  /** Unsorted, without `.` and `..`; `undefined` when it does not exist. */
  listDirectory(path: string): string[] | undefined;
  removeFile(path: string): void;

  // processes and signals
  /** PATH is searched; no shell. */
  spawn(argv: readonly string[]): { pid: number; stdin: number; stdout: number; stderr: number };
  /** Called once per child: exit code, or 256 + signal. */
  onChildExit(callback: (pid: number, status: number) => void): void;
  kill(pid: number, signal: number): void;
  /** Called with the signal's number for HUP 1, INT 2, USR1 10, TERM 15. */
  onSignal(callback: (signal: number) => void): void;

  // the rest
  randomBytes(count: number): ArrayBuffer;
  /** One line to standard error. */
  log(line: string): void;
  /** To standard output. */
  print(text: string): void;
  args(): string[];
  exit(code: number): void;
}
