// How fast a tunnel is: takes blocks of bytes from a gateway's end of it, or gives them, for a few seconds.
//
// Several requests are on their way at once, for else a long way would look like a slow one.

import { SPEED_BLOCK, SPEED_PATH } from '../api/lease.ts';
import { LinkDownError, RemoteError, TimeoutError } from '../errors.ts';
import { encodeRequest } from '../http/message.ts';
import { joinBytes } from '../lib/bytes.ts';
import { shown } from '../lib/words.ts';
import type { Clock, Endpoint, Streams } from '../transport/host.ts';

/** What is measured. */
export interface SpeedCall {
  readonly to: Extract<Endpoint, { host: string }>;
  /** As the home sees it. */
  readonly direction: 'down' | 'up';
  /** Blocks at most, and milliseconds from the first byte on. */
  readonly blocks: number;
  readonly forMs: number;
  /** Called after each block, with the share that is done: 0 to 1. */
  onProgress?(share: number): void;
}

/** What was measured. */
export interface SpeedResult {
  readonly bytes: number;
  readonly ms: number;
}

/** Requests that are on their way at once. */
const WINDOW = 16;
const DIAL_MS = 3000;
/** Without any byte for so long, nothing comes any more. */
const STALL_MS = 4000;
const MAX_HEAD = 1024;
/** Of a reason. */
const MAX_REASON = 200;

/**
 * Measures one direction. Rejects with RemoteError (its status is that of HTTP) when the gateway refuses, TimeoutError when nothing comes
 * through, LinkDownError when there is no connection.
 */
export function measureSpeed(
  streams: Pick<Streams, 'dial'>,
  clock: Pick<Clock, 'after' | 'monotonicMs'>,
  call: SpeedCall,
): Promise<SpeedResult> {
  const { to, direction, blocks, forMs, onProgress } = call;
  const isDown = direction === 'down';
  // of what leaves, nothing is heard before a whole block has arrived
  const stallMs = isDown ? STALL_MS : Math.max(STALL_MS, forMs);
  const answers = new AnswerReader(isDown ? 200 : 204, isDown ? SPEED_BLOCK : 0);
  return new Promise((resolve, reject) => {
    let [sent, firstMs, lastMs, open] = [0, 0, 0, true];
    const host = to.host.includes(':') ? `[${to.host}]` : to.host;
    const request = encodeRequest(
      isDown ? 'GET' : 'POST',
      SPEED_PATH,
      { Host: `${host}:${to.port}` },
      isDown ? undefined : new Uint8Array(SPEED_BLOCK),
    );

    const end = (error?: Error): void => {
      if (!open) return;
      open = false;
      cancelStall();
      cancelWhole();
      stream.close();
      const { bytes } = progress();
      // of what came before it stopped a speed follows, too, unless that is nothing
      if (error && bytes === 0) reject(error);
      else if (error instanceof RemoteError) reject(error);
      // of what stopped early, the silence counts, too
      else resolve({ bytes, ms: Math.max(1, (error ? clock.monotonicMs() : lastMs) - firstMs) });
    };
    const progress = (): { bytes: number } => ({
      bytes: isDown ? answers.bodyBytes : answers.complete * SPEED_BLOCK,
    });
    const stalled = (): void =>
      end(new TimeoutError(`nothing came through for ${stallMs / 1000} s after ${answers.bodyBytes} bytes`));
    const restart = (): void => {
      cancelStall();
      cancelStall = clock.after(stallMs, stalled);
    };
    const fill = (): void => {
      let flows = true;
      while (open && flows && sent < blocks && sent - answers.complete < WINDOW) {
        sent++;
        flows = stream.write(request);
      }
    };

    let cancelStall = clock.after(DIAL_MS, () => end(new TimeoutError(`not connected after ${DIAL_MS / 1000} s`)));
    let cancelWhole = (): void => {};
    const stream = streams.dial(to, {
      onOpen: () => {
        // what is given away counts from the first byte that leaves
        firstMs = clock.monotonicMs();
        lastMs = firstMs;
        cancelWhole = clock.after(forMs, () => end(new TimeoutError(`no block in ${forMs / 1000} s`)));
        restart();
        fill();
      },
      onData: (bytes) => {
        if (!open) return;
        lastMs = clock.monotonicMs();
        if (isDown && answers.bodyBytes === 0) firstMs = lastMs;
        restart();
        try {
          answers.push(bytes);
        } catch (error) {
          end(error as Error);
          return;
        }
        if (answers.complete > sent) {
          end(new RemoteError('it answers what was not asked', 0));
          return;
        }
        onProgress?.(Math.min(1, Math.max(answers.complete / blocks, (lastMs - firstMs) / forMs)));
        if (answers.complete >= blocks) end();
        else fill();
      },
      onDrain: fill,
      onClose: (error) => end(new LinkDownError(error?.message ?? 'the gateway ended the connection')),
    });
  });
}

/** Counts answers that are all alike, and takes no other. */
class AnswerReader {
  complete = 0;
  bodyBytes = 0;
  private head: Uint8Array = new Uint8Array(0);
  /** Bytes of a body that are still to come. */
  private left = 0;

  constructor(
    private readonly status: number,
    private readonly length: number,
  ) {}

  /** @throws RemoteError where an answer is another one. */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.left > 0) {
        const taken = Math.min(this.left, rest.length);
        this.left -= taken;
        this.bodyBytes += taken;
        rest = rest.subarray(taken);
        if (this.left === 0) this.complete++;
        continue;
      }
      const all = this.head.length > 0 ? joinBytes([this.head, rest]) : rest;
      const text = String.fromCharCode(...all.subarray(0, MAX_HEAD));
      const at = text.indexOf('\r\n\r\n');
      if (at < 0) {
        if (all.length >= MAX_HEAD) throw new RemoteError(`expected a head of at most ${MAX_HEAD} bytes`, 0);
        this.head = all.slice();
        return;
      }
      this.head = new Uint8Array(0);
      this.check(text.slice(0, at), text.slice(at + 4));
      rest = all.subarray(at + 4);
      this.left = this.length;
      if (this.length === 0) this.complete++;
    }
  }

  private check(head: string, body: string): void {
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
    if (status !== this.status) {
      const reason = shown(body, MAX_REASON);
      throw new RemoteError(`expected status ${this.status}, got ${status}${reason && `: ${reason}`}`, status);
    }
    const length = /\r\ncontent-length: *(\d{1,8})(\r\n|$)/i.exec(head)?.[1];
    if (this.length > 0 && Number(length) !== this.length)
      throw new RemoteError(`expected ${this.length} bytes, got ${length ?? 'no length'}`, status);
  }
}
