// One connection to ubusd, from its HELLO to its end: frames, requests with their answers and time-outs, replies, back-pressure.
//
// ubusd never blocks on a client: to one that does not read it drops frames beyond 1 MiB, without a word. So we read on while we write, and
// stop only while more than HIGH_WATER of ours waits. That is the case only while ubusd does not read, so little comes to be held back: short
// INVOKEs, which wait in ubusd's queue, thousands of them, and not as long replies in ours.

import { LinkDownError, TimeoutError, WireError } from '../errors.ts';
import { joinBytes } from '../lib/bytes.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock, Stream } from '../transport/host.ts';
import type { LinkSession } from '../transport/link.ts';
import {
  type Attributes,
  decodeMessage,
  encodeAnswer,
  encodeMessage,
  FrameReader,
  type Message,
  UBUS_MSG_DATA,
  UBUS_MSG_HELLO,
  UBUS_MSG_STATUS,
} from './message.ts';
import type { EncodedReply } from './object.ts';

/** Output that waits beyond this many bytes stops our reading. */
export const HIGH_WATER = 1_048_576;
/** Requests are refused while more than this waits: they are ours to repeat, unlike replies. */
const MAX_QUEUED = 4 * HIGH_WATER;
/** Requests that wait for their answer; far below 65,536, so that a sequence number is always free. */
const MAX_IN_FLIGHT = 1024;
/** Longest answer, all its DATA together. */
const MAX_ANSWER = 4 * 1_048_576;
const NOTHING = new Uint8Array(0);

/** What a connection tells the client. */
export interface ConnectionEvents {
  /** ubusd has greeted us: requests may be sent. */
  onHello(id: number): void;
  /** A frame that answers nothing. */
  onMessage(message: Message): void;
  /** The connection cannot be used any more. */
  onBroken(error: Error): void;
}

/** A request to ubusd or to an object. */
export interface Request {
  /** For error texts: `call network.interface dump`. */
  what: string;
  type: number;
  /** Whom the answer will come from: the object's id, 0 for ubusd. */
  peer: number;
  attributes: Attributes;
  timeoutMs: number;
  onData?(message: Message): void;
  /** The STATUS, whatever it says, or why none came; called once, synchronously with the frame, perhaps before `request` returns. */
  onDone(result: Message | Error): void;
  /** Sees every STATUS with our sequence number, from whomever, and tells whether it was the last; without it, the first from `peer` is. */
  onStatus?(message: Message): boolean;
}

interface Pending {
  request: Request;
  cancelTimer: Cancel;
  bytes: number;
}

/** One connection's frames, requests and replies. */
export class Connection implements LinkSession {
  private readonly reader = new FrameReader();
  private readonly pending = new Map<number, Pending>();
  /** Replies held back while too much output waits; their DATA are shared with whoever encoded them. */
  private held: { invoke: Message; reply: EncodedReply }[] = [];
  /** Bytes that came and wait until output has drained. */
  private backlog: Uint8Array = NOTHING;
  private paused = false;
  private greeted = false;
  private down = false;
  private seq = 0;

  constructor(
    private readonly stream: Stream,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly events: ConnectionEvents,
  ) {}

  /** Sends a request; at once refused when the link is down or too much waits already. */
  request(request: Request): void {
    const refused = this.refusal(request.what);
    if (refused) {
      request.onDone(refused);
      return;
    }
    const seq = this.nextSeq();
    let frame: Uint8Array;
    try {
      frame = encodeMessage({ type: request.type, seq, peer: request.peer, attributes: request.attributes });
    } catch (error) {
      request.onDone(error as Error);
      return;
    }
    const cancelTimer = this.clock.after(request.timeoutMs, () => {
      this.pending.delete(seq);
      request.onDone(new TimeoutError(`${request.what}: no answer within ${request.timeoutMs} ms`));
    });
    this.pending.set(seq, { request, cancelTimer, bytes: 0 });
    this.stream.write(frame);
  }

  /** Sends a frame that nobody answers. @throws LinkDownError when the link is down or too much waits already. */
  post(what: string, type: number, peer: number, attributes: Attributes): void {
    const refused = this.refusal(what);
    if (refused) throw refused;
    this.stream.write(encodeMessage({ type, seq: this.nextSeq(), peer, attributes }));
  }

  /** Answers an INVOKE: all DATA and the STATUS in one write. Held back while too much output waits. */
  reply(invoke: Message, reply: EncodedReply): void {
    if (this.down) return;
    if (this.congested) this.held.push({ invoke, reply });
    else this.writeReply(invoke, reply);
  }

  /** It has ended; nothing is sent any more. */
  get isDown(): boolean {
    return this.down;
  }

  /** Gives the connection up. */
  drop(error: Error): void {
    if (!this.down) this.events.onBroken(error);
  }

  onData(bytes: Uint8Array): void {
    this.backlog = this.backlog.length === 0 ? bytes : joinBytes([this.backlog, bytes]);
    this.read();
  }

  onDrain(): void {
    while (this.held.length > 0 && !this.congested) {
      const { invoke, reply } = this.held.shift()!;
      this.writeReply(invoke, reply);
    }
    if (!this.paused || this.congested) return;
    this.paused = false;
    this.stream.setReading(true);
    this.read();
  }

  onDown(error: Error): void {
    this.down = true;
    this.reader.stop();
    this.backlog = NOTHING;
    this.held = [];
    const lost = [...this.pending.values()];
    this.pending.clear();
    for (const { request, cancelTimer } of lost) {
      cancelTimer();
      request.onDone(new LinkDownError(`${request.what}: connection lost: ${error.message}`, { cause: error }));
    }
  }

  private get congested(): boolean {
    return this.stream.queuedBytes > HIGH_WATER;
  }

  private refusal(what: string): Error | undefined {
    if (this.down) return new LinkDownError(`${what}: not connected`);
    if (this.pending.size >= MAX_IN_FLIGHT)
      return new LinkDownError(`${what}: ${this.pending.size} requests wait for an answer, at most ${MAX_IN_FLIGHT}`);
    const queued = this.stream.queuedBytes;
    if (queued > MAX_QUEUED)
      return new LinkDownError(`${what}: ${queued} bytes wait to be sent, at most ${MAX_QUEUED}`);
    return undefined;
  }

  private nextSeq(): number {
    do this.seq = (this.seq + 1) & 0xffff;
    while (this.pending.has(this.seq));
    return this.seq;
  }

  private writeReply({ seq, peer, attributes }: Message, { status, data }: EncodedReply): void {
    this.stream.write(encodeAnswer(seq, peer, attributes.objectId!, data, status));
  }

  private read(): void {
    if (this.paused || this.down) return;
    const bytes = this.backlog;
    this.backlog = NOTHING;
    try {
      const taken = this.reader.push(bytes, this.onFrame);
      if (this.paused) this.backlog = bytes.subarray(taken);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.drop(error);
    }
  }

  private readonly onFrame = (frame: Uint8Array): boolean => {
    const message = decodeMessage(frame);
    if (!this.greeted) this.greet(message);
    else if (message.type === UBUS_MSG_STATUS || message.type === UBUS_MSG_DATA) this.onAnswer(message, frame.length);
    else this.events.onMessage(message);
    if (!this.down && this.congested) {
      this.paused = true;
      this.stream.setReading(false);
    }
    return !this.paused;
  };

  private greet({ type, peer }: Message): void {
    if (type !== UBUS_MSG_HELLO) throw new WireError(`ubus: message type ${type} before HELLO`, 1);
    if (peer <= 1) throw new WireError(`ubus: HELLO gives us the id ${peer}, expected more than 1`, 4);
    this.greeted = true;
    this.events.onHello(peer);
  }

  /** Answers are matched on sequence number and sender: any provider can send us any number, but only in its own name. */
  private onAnswer(message: Message, size: number): void {
    const pending = this.pending.get(message.seq);
    if (!pending) {
      this.log.debug('answer without a request', { seq: message.seq, peer: message.peer });
      return;
    }
    const { request } = pending;
    if (message.type === UBUS_MSG_DATA) {
      if (message.peer === request.peer) this.onAnswerData(pending, message, size);
    } else if (request.onStatus ? request.onStatus(message) : message.peer === request.peer)
      this.settle(message.seq, message);
  }

  private onAnswerData(pending: Pending, message: Message, size: number): void {
    pending.bytes += size;
    try {
      if (pending.bytes > MAX_ANSWER)
        throw new WireError(`${pending.request.what}: answer of more than ${MAX_ANSWER} bytes`);
      pending.request.onData?.(message);
    } catch (error) {
      // what is inside DATA comes from another client, not from ubusd: the stream is intact, only this call has failed
      if (!(error instanceof WireError)) throw error;
      this.settle(message.seq, error);
    }
  }

  private settle(seq: number, result: Message | Error): void {
    const pending = this.pending.get(seq);
    if (!pending) return;
    this.pending.delete(seq);
    pending.cancelTimer();
    pending.request.onDone(result);
  }
}
