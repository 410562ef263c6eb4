// One signed command to one node: sent within the session that the node itself published, answered by what the node itself signed.
//
// The broker may withhold, delay, repeat and forge. What counts is an answer to our own random id, signed by the pinned key; all else is
// counted as noise and told of.

import { randomBytes } from 'node:crypto';
import { type Payload, TOPICS, topicOf } from '../api/topics.ts';
import { encodeBase32 } from '../lib/base32.ts';
import { sealEnvelope } from '../lib/envelope.ts';
import { Failure } from './failure.ts';
import type { Signer } from './key.ts';
import { readPayload, readTopic } from './message.ts';
import type { Pin } from './pin.ts';
import type { Arrival, Session } from './session.ts';
import { openSigned } from './trust.ts';

/** What is wanted. */
export interface OrderRequest {
  op: string;
  args: Readonly<Record<string, unknown>>;
  /** Counter of the signers' keys; asked for at each attempt. */
  counter(): Promise<number>;
  signers: readonly Signer[];
  /** How long the node may take to be found, and then to answer at last. */
  timeoutMs: number;
}

/** An answer, as the node signed it. */
export type Result = Payload<'res'>;

/** States after which nothing comes any more. */
const FINAL = ['done', 'failed', 'rejected', 'dup', 'expired'];
/** Most states of one command that are told: the broker may repeat each. */
const MAX_STATES = 64;
/** Parts of one answer, at most; routers send no more. */
const MAX_PARTS = 256;
/** Parts that the broker sends behind the end are waited for so long. */
const PARTS_MS = 5000;
const FIND_MS = 8000;
/** Without any answer for so long, it is sent once more. */
const AGAIN_MS = 5000;

/** A command on its way; it is handed every message that arrives. */
export class Order {
  /** Messages that claimed to be the node's and were not signed by it. */
  forged = 0;
  /** What the broker says of the node; nobody signed it. */
  status: string | undefined;
  /** Told each state that the node signed, but for parts of an answer. */
  onState: ((result: Result) => void) | undefined;
  /** Told how many parts of a long answer came. */
  onPart: ((count: number) => void) | undefined;
  private sid: string | undefined;
  private guess: string | undefined;
  private cid: string | undefined;
  private result: Result | undefined;
  private readonly parts = new Map<number, unknown>();
  private states = 0;
  private wake: (() => void) | undefined;

  constructor(
    readonly pin: Pin,
    private readonly request: OrderRequest,
  ) {}

  /** The filters whose messages it needs. */
  get filters(): string[] {
    const { site, node } = this.pin;
    return (['res', 'info', 'status'] as const).map((name) => topicOf(site, node, name));
  }

  take({ topic, payload }: Arrival): void {
    const { site, node, key } = this.pin;
    const parts = readTopic(topic);
    if (parts?.site !== site || parts.node !== node) return;
    if (parts.kind === 'status') this.takeStatus(readPayload('status', payload));
    else if (parts.kind === 'info' && payload.length > 0) {
      const info = openSigned('info', payload, [key]);
      if (info?.node === node && info.site === site) this.sid = info.sid;
      else this.forged++;
    } else if (parts.kind === 'res') {
      const result = openSigned('res', payload, [key]);
      if (result) this.takeResult(result);
      else this.forged++;
    }
    this.wake?.();
  }

  /**
   * Sends it and waits for the last answer. A node that was started again since it published its session says so, signed, and is asked once more.
   * @throws Failure when the node is not found or does not answer in time.
   */
  async run(session: Session): Promise<Result> {
    await session.subscribe(this.filters);
    await this.comes(() => this.sid !== undefined, session, Math.min(FIND_MS, this.request.timeoutMs));
    for (let attempt = 0; ; attempt++) {
      const sid = this.sid ?? this.guess;
      if (sid === undefined) throw this.unknown();
      const result = await this.send(session, sid);
      if (attempt > 0 || result.st !== 'rejected' || result.code !== 'session' || result.sid === sid) return result;
      this.sid = result.sid;
    }
  }

  private async send(session: Session, sid: string): Promise<Result> {
    const { site, node } = this.pin;
    const { op, args, counter, signers, timeoutMs } = this.request;
    this.cid = encodeBase32(randomBytes(10));
    this.result = undefined;
    this.parts.clear();
    const body = {
      cid: this.cid,
      op,
      args,
      aud: { node, sid },
      ctr: await counter(),
      exp: Math.floor(Date.now() / 1000) + TOPICS.cmd.expiryS,
    };
    const payload = sealEnvelope('cmd', JSON.stringify(body), signers);
    const endsMs = Date.now() + timeoutMs;
    // a node that is just coming back may not have asked for commands yet; it does none twice
    do await session.publish(topicOf(site, node, 'cmd'), payload, { expiry_s: TOPICS.cmd.expiryS });
    while (
      !(await this.comes(() => this.result !== undefined, session, Math.min(AGAIN_MS, endsMs - Date.now()))) &&
      Date.now() < endsMs
    );
    const last = (): boolean => this.result !== undefined && FINAL.includes(this.result.st);
    if (!(await this.comes(last, session, endsMs - Date.now()))) throw this.silent();
    const result = this.result!;
    const { parts = 0 } = result;
    const isWhole = (): boolean => this.parts.size >= Math.min(parts, MAX_PARTS);
    if (!(await this.comes(isWhole, session, PARTS_MS)))
      throw new Failure(
        'silent',
        `${node}: ${this.parts.size} of ${parts} parts of its answer came`,
        [this.noise, 'The broker holds some back, or lost them: ask again.'].filter(Boolean).join('\n'),
      );
    return parts === 0
      ? result
      : {
          ...result,
          out: joinParts(
            result.out,
            [...this.parts].sort(([a], [b]) => a - b).map(([, out]) => out),
          ),
        };
  }

  private takeStatus(status: Payload<'status'> | undefined): void {
    this.status = status?.state;
    // nobody signed it, but a wrong session only makes the node say the right one
    this.guess = status?.sid;
  }

  private takeResult(result: Result): void {
    if (this.cid === undefined || result.cid !== this.cid) return;
    if (result.part !== undefined) {
      if (result.part < 1 || result.part > MAX_PARTS || this.parts.has(result.part)) return;
      this.parts.set(result.part, result.out);
      this.onPart?.(this.parts.size);
      return;
    }
    // a state that was held back by the broker comes too late
    if (this.result && (FINAL.includes(this.result.st) || result.st === 'accepted')) return;
    this.result = result;
    const isFinal = FINAL.includes(result.st);
    if (isFinal || ++this.states <= MAX_STATES) this.onState?.(result);
  }

  private async comes(holds: () => boolean, session: Session, ms: number): Promise<boolean> {
    for (const until = Date.now() + ms; !holds(); ) {
      const left = until - Date.now();
      if (session.endedBy !== undefined) throw new Failure('unreachable', `the broker: ${session.endedBy}`);
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 1000));
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  private get noise(): string | undefined {
    return this.forged > 0
      ? `${this.forged} messages in its name are not signed by its key: the broker or somebody at it interferes.`
      : undefined;
  }

  private unknown(): Failure {
    const { node, site } = this.pin;
    if (this.forged > 0)
      return new Failure('untrusted', `${node}: what is published in its name is not signed by its key`, this.noise);
    return new Failure(
      'silent',
      `${node}: it has not told ${site} who it is`,
      this.status === undefined
        ? 'Has its owner pasted the code? meshctl enroll list shows until when it counts.'
        : `The broker says that it is ${this.status}.`,
    );
  }

  private silent(): Failure {
    const { node } = this.pin;
    const seconds = Math.round(this.request.timeoutMs / 1000);
    const reached = this.result ? `it said ${this.result.st}, and then nothing for` : 'no answer within';
    const hint = [
      this.noise,
      this.status !== undefined && this.status !== 'online' && `The broker says that it is ${this.status}.`,
      'What was asked for may still happen, or have happened: look before you ask again.',
    ];
    return new Failure(
      this.forged > 0 && !this.result ? 'untrusted' : 'silent',
      `${node}: ${reached} ${seconds} s`,
      hint.filter(Boolean).join('\n'),
    );
  }
}

/** An answer of several parts as one: lists of the same name stand behind one another. */
function joinParts(last: unknown, parts: readonly unknown[]): NonNullable<Result['out']> {
  const whole: Record<string, unknown> = { ...(isTable(last) ? last : {}) };
  for (const part of parts.filter(isTable))
    for (const [name, items] of Object.entries(part)) {
      const before = whole[name];
      whole[name] = Array.isArray(items) && Array.isArray(before) ? [...before, ...items] : items;
    }
  return whole as NonNullable<Result['out']>;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
