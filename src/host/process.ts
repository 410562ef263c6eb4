// Child processes of the port: pipes drained, the end told once, after everything.

import type { Cancel, Clock, Process, ProcessEvents, Processes } from '../transport/host.ts';
import { type Native, READABLE, WRITABLE } from './native.ts';
import { Outbox } from './outbox.ts';
import { READ_BYTES, READS_AT_ONCE } from './stream.ts';

/** How long pipes may outlive the child: a grandchild that inherited them must not hold up the end. */
export const PIPE_GRACE_MS = 1000;

class Child implements Process {
  private readonly outbox = new Outbox();
  private stdin: number | undefined;
  private readonly pipes = new Set<number>();
  private status: number | undefined;
  private stdinEnding = false;
  private over = false;
  private cancelGrace: Cancel | undefined;
  readonly pid: number;

  constructor(
    private readonly native: Native,
    private readonly clock: Clock,
    spawned: ReturnType<Native['spawn']>,
    private readonly events: ProcessEvents,
  ) {
    this.pid = spawned.pid;
    this.stdin = spawned.stdin;
    this.drain(spawned.stdout, (bytes) => events.onStdout?.(bytes));
    this.drain(spawned.stderr, (bytes) => events.onStderr?.(bytes));
  }

  write(bytes: Uint8Array | undefined): void {
    if (this.stdin === undefined || this.stdinEnding) return;
    if (bytes) this.outbox.push(bytes);
    else this.stdinEnding = true;
    this.feed();
  }

  kill(signal: number): void {
    // once reaped, the number may be another process
    if (this.status === undefined) this.native.kill(this.pid, signal);
  }

  /** The child was reaped. */
  onExit(status: number): void {
    this.status = status;
    this.closeStdin();
    this.cancelGrace = this.clock.after(PIPE_GRACE_MS, () => {
      for (const fd of [...this.pipes]) this.closePipe(fd);
      this.settle();
    });
    this.settle();
  }

  private drain(fd: number, onBytes: (bytes: Uint8Array) => void): void {
    this.pipes.add(fd);
    this.native.watch(fd, READABLE, () => {
      for (let i = 0; i < READS_AT_ONCE && this.pipes.has(fd); i++) {
        const bytes = this.readPipe(fd);
        if (bytes === undefined) return;
        if (bytes === null) {
          this.closePipe(fd);
          return this.settle();
        }
        onBytes(new Uint8Array(bytes));
      }
    });
  }

  /** An error on a pipe is its end: there is no more to read. */
  private readPipe(fd: number): ArrayBuffer | undefined | null {
    try {
      return this.native.read(fd, READ_BYTES);
    } catch {
      return null;
    }
  }

  private closePipe(fd: number): void {
    if (this.pipes.delete(fd)) this.native.close(fd);
  }

  private feed(): void {
    if (this.stdin === undefined) return;
    try {
      const done = this.outbox.flush(this.native, this.stdin);
      if (done && this.stdinEnding) this.closeStdin();
      else this.native.watch(this.stdin, done ? 0 : WRITABLE, () => this.feed());
    } catch {
      this.closeStdin(); // the child reads no more, which is its right
    }
  }

  private closeStdin(): void {
    if (this.stdin === undefined) return;
    this.outbox.clear();
    this.native.close(this.stdin);
    this.stdin = undefined;
  }

  private settle(): void {
    if (this.over || this.status === undefined || this.pipes.size > 0) return;
    this.over = true;
    this.cancelGrace?.();
    const { status } = this;
    this.events.onExit(status < 256 ? { code: status } : { signal: status - 256 });
  }
}

/** The port's child processes over `native`. */
export class NativeProcesses implements Processes {
  /** By pid, until reaped. */
  private readonly children = new Map<number, Child>();
  private listening = false;

  constructor(
    private readonly native: Native,
    private readonly clock: Clock,
  ) {}

  spawn(argv: readonly string[], events: ProcessEvents): Process {
    if (!argv[0]) throw new Error('spawn: no program given');
    if (argv.some((argument) => argument.includes('\0')))
      throw new Error(`spawn ${argv[0]}: a zero byte in an argument`);
    if (!this.listening) {
      this.listening = true;
      this.native.onChildExit((pid, status) => {
        const child = this.children.get(pid);
        this.children.delete(pid);
        child?.onExit(status);
      });
    }
    const child = new Child(this.native, this.clock, this.native.spawn(argv), events);
    this.children.set(child.pid, child);
    return child;
  }
}
