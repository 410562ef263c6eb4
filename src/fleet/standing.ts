// What stands of a desired state: the want that the broker keeps, and what each node says that it has.

import { ALL_NODES, type Payload, topicOf } from '../api/topics.ts';
import { splitEnvelope } from '../lib/envelope.ts';
import type { Target } from './desired.ts';
import { Gather } from './gather.ts';
import { readTopic } from './message.ts';
import type { Pin } from './pin.ts';
import type { Arrival, Session } from './session.ts';
import { openSigned } from './trust.ts';

export type Have = Payload<'have'>;

/** Filters that are asked for at once: each has one message. */
const PORTION = 500;
/** So much a clock of a router may be behind ours. */
const SKEW_S = 60;
/** Most messages that are remembered as old. */
const MAX_OLD = 10_000;
/** States after which nothing comes any more. */
const SETTLED = ['applied', 'rolled-back', 'rejected'];

/** How far a node is with the desired state of one audience. */
export interface Progress {
  pin: Pin;
  /** Absent: it has told nothing that it signed. */
  have: Have | undefined;
  /** The generation that it decided last, and how. */
  gen: number | undefined;
  /** `silent`: nothing was heard. */
  st: string;
}

/** Where a target's want is kept. */
export function topicFor(target: Target): string {
  return 'pin' in target ? topicOf(target.pin.site, target.pin.node, 'want') : topicOf(target.site, ALL_NODES, 'want');
}

/** Of one target, while it is looked at; it must be handed every message that arrives. */
export class Standing {
  /** The want that the broker keeps, if one of our keys signed it. */
  want: Payload<'want'> | undefined;
  /** Ids of keys that are none of ours, by which another one is signed that the broker keeps. */
  strangers: readonly string[] = [];
  /** Messages that are not signed by whom they must be. */
  forged = 0;
  /** Since when answers may come to what was sent, Unix seconds; absent: nothing was sent. */
  private sent_s: number | undefined;
  private readonly haves = new Map<string, { have: Have; text: string }>();
  /** What nodes had said before something was sent; the broker may say it again. */
  private readonly old = new Set<string>();
  private readonly gather = new Gather();
  private readonly byTopic: ReadonlyMap<string, Pin>;

  /** @param keys public keys of this operator. */
  constructor(
    readonly target: Target,
    readonly pins: readonly Pin[],
    private readonly keys: readonly string[],
  ) {
    this.byTopic = new Map(pins.map((pin) => [topicOf(pin.site, pin.node, 'have'), pin]));
  }

  take(message: Arrival): void {
    if (this.gather.take(message)) return;
    const { topic, payload } = message;
    if (topic === topicFor(this.target)) this.takeWant(payload);
    else if (readTopic(topic)?.kind === 'have' && payload.length > 0) this.takeHave(topic, payload);
  }

  /** Waits until all that the broker keeps is there. */
  async look(session: Session): Promise<void> {
    await this.gather.begin(session);
    const filters = [topicFor(this.target), ...this.byTopic.keys()];
    for (let at = 0; at < filters.length; at += PORTION)
      await this.gather.portion(session, filters.slice(at, at + PORTION));
  }

  /** The highest generation that a node or one of us has signed. */
  get highest(): number {
    return Math.max(0, this.want?.gen ?? 0, ...this.pins.map((pin) => this.progressOf(pin).gen ?? 0));
  }

  progressOf(pin: Pin): Progress {
    const have = this.haves.get(pin.node)?.have;
    if (!have) return { pin, have, gen: undefined, st: 'silent' };
    const [gen, st] = 'pin' in this.target ? [have.node_gen, have.node_st] : [have.site_gen, have.site_st];
    // what is under way may be of the other audience
    return { pin, have, gen, st: have.st === 'pending' ? 'pending' : (st ?? (gen === undefined ? 'none' : have.st)) };
  }

  /** Something is sent at this moment, Unix seconds: what was said before it is no answer. */
  sent(now_s: number): void {
    this.sent_s = now_s;
  }

  /** Whether a node has decided about a generation. */
  isSettled(pin: Pin, gen: number): boolean {
    const { gen: has, st, have } = this.progressOf(pin);
    if (has !== undefined && has >= gen && SETTLED.includes(st)) return true;
    // one that it refuses at once it does not count as decided
    return have?.st === 'rejected' && have.error !== undefined && (has ?? 0) < gen && this.isNew(pin.node);
  }

  /** Whether what a node said last may be an answer to what was sent. */
  private isNew(node: string): boolean {
    const { have, text } = this.haves.get(node)!;
    return !this.old.has(text) && (have.t === undefined || have.t >= (this.sent_s ?? 0) - SKEW_S);
  }

  private takeWant(payload: Uint8Array): void {
    const want = payload.length === 0 ? undefined : openSigned('want', payload, this.keys);
    this.want = want;
    this.strangers = [];
    if (want || payload.length === 0) return;
    try {
      const signers = splitEnvelope('want', payload).signatures.map(({ key }) => key);
      this.strangers = signers.filter((key) => !this.keys.some((one) => one.startsWith(key)));
    } catch {
      // no signatures at all
    }
    if (this.strangers.length === 0) this.forged++;
  }

  private takeHave(topic: string, payload: Uint8Array): void {
    const pin = this.byTopic.get(topic);
    if (!pin) return;
    const have = openSigned('have', payload, [pin.key]);
    if (!have) {
      this.forged++;
      return;
    }
    const text = Buffer.from(payload).toString('utf8');
    if (this.sent_s === undefined && this.old.size < MAX_OLD) this.old.add(text);
    // what the broker held back, or kept for later, takes nobody back
    const known = this.haves.get(pin.node)?.have;
    if (!known || !isOlder(have, known)) this.haves.set(pin.node, { have, text });
  }
}

/** Generations of a node only rise, and so does the time of its clock. */
function isOlder(one: Have, other: Have): boolean {
  const [node, site] = [(one.node_gen ?? 0) - (other.node_gen ?? 0), (one.site_gen ?? 0) - (other.site_gen ?? 0)];
  if (node !== 0 || site !== 0) return node < 0 || site < 0;
  return one.t !== undefined && other.t !== undefined && one.t < other.t;
}
