// One connection of the broker: frames in, frames out, both bounded.
//
// ubusd drops frames for a client that does not read. This broker holds the senders back instead: while more than HOLD_BYTES wait for a slow
// client, whoever just sent to it is not read from. A client that has not caught up after a while, or has MAX_BYTES waiting, is disconnected.

import type { Socket } from 'node:net';
import { WireError } from '../../errors.ts';
import { FrameReader } from '../../ubus/message.ts';

/** ubusd's own bound (UBUS_CLIENT_MAX_TXQ_LEN); below it nothing is lost there either. */
const HOLD_BYTES = 1_048_576;
const MAX_BYTES = 16 * HOLD_BYTES;

/** What a connection tells the broker. */
export interface ClientEvents {
  onFrame(frame: Uint8Array): void;
  /** The connection is gone; called once, last. `reason` says why the broker ended it. */
  onGone(reason: string | undefined): void;
}

/** One connection. */
export class Client {
  private readonly reader = new FrameReader();
  /** Frames that arrived while this client was held back. */
  private inbox: Uint8Array[] = [];
  /** Slow clients that this one has to wait for. */
  private readonly heldBy = new Set<Client>();
  /** Clients that wait for this one. */
  private readonly holding = new Set<Client>();
  private stall: NodeJS.Timeout | undefined;
  private gone = false;

  /** @param stallMs how long it may be slow. */
  constructor(
    readonly id: number,
    private readonly socket: Socket,
    private readonly stallMs: number,
    private readonly events: ClientEvents,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('drain', () => this.caughtUp());
    // its state goes at once; what is still queued for it goes out behind that
    socket.on('end', () => this.leave(undefined));
    socket.on('close', () => this.leave(undefined));
    socket.on('error', () => this.leave(undefined));
  }

  /** More waits for it than it should. */
  get isSlow(): boolean {
    return !this.gone && this.socket.writableLength > HOLD_BYTES;
  }

  /** Queues one frame; the bytes are not to be changed afterwards. */
  send(frame: Uint8Array): void {
    if (this.gone) return;
    this.socket.write(frame);
    if (this.socket.writableLength > MAX_BYTES)
      this.drop(`does not read: ${this.socket.writableLength} bytes wait, at most ${MAX_BYTES}`);
    else if (this.isSlow)
      this.stall ??= setTimeout(() => this.drop(`does not read: not caught up in ${this.stallMs} ms`), this.stallMs);
  }

  /** Reads no further from this client until `slow` has caught up or is gone. */
  waitFor(slow: Client): void {
    if (this.gone || slow.gone) return;
    this.heldBy.add(slow);
    slow.holding.add(this);
    this.socket.pause();
  }

  /** Ends the connection, for a reason that the log shows. */
  drop(reason: string): void {
    this.leave(reason);
    this.socket.destroy();
  }

  private receive(chunk: Uint8Array): void {
    try {
      this.reader.push(chunk, (frame) => {
        this.inbox.push(frame);
      });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.work();
      this.drop(`bad frame: ${error.message}`);
      return;
    }
    this.work();
  }

  private work(): void {
    while (this.inbox.length > 0 && this.heldBy.size === 0 && !this.gone) this.events.onFrame(this.inbox.shift()!);
  }

  private caughtUp(): void {
    clearTimeout(this.stall);
    this.stall = undefined;
    const waiting = [...this.holding];
    this.holding.clear();
    for (const client of waiting) client.release(this);
  }

  private release(slow: Client): void {
    this.heldBy.delete(slow);
    this.work();
    if (this.heldBy.size === 0 && !this.gone) this.socket.resume();
  }

  private leave(reason: string | undefined): void {
    if (this.gone) return;
    this.gone = true;
    this.reader.stop();
    this.inbox = [];
    for (const slow of this.heldBy) slow.holding.delete(this);
    this.heldBy.clear();
    // a client can be dropped while a frame for it and others is on its way; the broker's state must not change under that
    setImmediate(() => {
      this.events.onGone(reason);
      this.caughtUp();
    });
  }
}
