// What stands of a group of gateways: the list that the broker keeps, and what each gateway says that it has.

import { ALL_NODES, type Payload, topicOf } from '../api/topics.ts';
import { splitEnvelope } from '../lib/envelope.ts';
import { type HomeListHead, type ListedHome, MAX_LIST_PARTS, partHash, readHead, readPart } from '../lib/home-list.ts';
import { crypto } from './crypto.ts';
import { Gather } from './gather.ts';
import type { Pin } from './pin.ts';
import type { Arrival, Session } from './session.ts';
import { openSigned } from './trust.ts';

export type Held = Payload<'held'>;

/** How far a gateway is with the list of its group. */
export interface GroupProgress {
  readonly pin: Pin;
  /** Signed by it. */
  readonly held: Held | undefined;
  /** As `held` has it; `silent`: nothing was heard, `elsewhere`: its section registrar names another group, or none. */
  readonly st: string;
}

/** Where a list is. */
export const headTopic = (group: string): string => topicOf(group, ALL_NODES, 'homes');
export const partTopic = (group: string, index: number | '+'): string =>
  topicOf(group, ALL_NODES, 'part', String(index));

/** Of one group, while it is looked at; it must be handed every message that arrives. */
export class GroupStanding {
  /** The newest list that the broker gave and one of our keys signed. */
  head: HomeListHead | undefined;
  /** Ids of keys that are none of ours, by which another one is signed that the broker keeps. */
  strangers: readonly string[] = [];
  /** Messages that are not signed by whom they must be. */
  forged = 0;
  /** Parts that the broker keeps, by their place. */
  readonly parts = new Map<number, Uint8Array>();
  private readonly helds = new Map<string, Held>();
  private readonly gather = new Gather();
  private readonly byTopic: ReadonlyMap<string, Pin>;
  private readonly partHead: string;

  /** @param keys public keys of this operator. */
  constructor(
    readonly group: string,
    readonly pins: readonly Pin[],
    private readonly keys: readonly string[],
  ) {
    this.byTopic = new Map(pins.map((pin) => [topicOf(pin.site, pin.node, 'held'), pin]));
    this.partHead = partTopic(group, '+').slice(0, -1);
  }

  take(message: Arrival): void {
    if (this.gather.take(message)) return;
    const { topic, payload } = message;
    const pin = this.byTopic.get(topic);
    if (pin) this.takeHeld(pin, payload);
    else if (topic === headTopic(this.group)) this.takeHead(payload);
    else if (topic.startsWith(this.partHead)) this.takePart(topic.slice(this.partHead.length), payload);
  }

  /** Waits until all that the broker keeps is there. */
  async look(session: Session): Promise<void> {
    await this.gather.begin(session);
    await this.gather.portion(session, [headTopic(this.group), partTopic(this.group, '+'), ...this.byTopic.keys()]);
  }

  /** The homes of the broker's list; `undefined`: there is none, or not all of it is there as it was signed. */
  homes(): ListedHome[] | undefined {
    const { head } = this;
    if (!head) return undefined;
    const homes: ListedHome[] = [];
    for (const [index, hash] of head.parts.entries()) {
      const bytes = this.parts.get(index);
      if (!bytes || partHash((data) => crypto.sha512(data), bytes) !== hash) return undefined;
      homes.push(...readPart(bytes));
    }
    return homes;
  }

  /** The highest generation that a gateway says it has. */
  get held(): number {
    return Math.max(0, ...this.pins.map((pin) => this.progressOf(pin).held?.gen ?? 0));
  }

  progressOf(pin: Pin): GroupProgress {
    const held = this.helds.get(pin.node);
    if (!held) return { pin, held, st: 'silent' };
    return held.group === this.group ? { pin, held, st: held.st } : { pin, held: undefined, st: 'elsewhere' };
  }

  /** Whether a gateway has made a list its own, or said that it cannot. */
  isSettled(pin: Pin, gen: number): boolean {
    const { held } = this.progressOf(pin);
    return held !== undefined && ((held.st === 'applied' && (held.gen ?? 0) >= gen) || isRejected(held, gen));
  }

  private takeHead(payload: Uint8Array): void {
    if (payload.length === 0) return;
    const said = openSigned('homes', payload, this.keys);
    if (said) {
      const { sigs: _, ...body } = said;
      try {
        const head = readHead(JSON.stringify(body));
        // the broker may give an older one at any time
        if (head.group === this.group && head.gen >= (this.head?.gen ?? 0)) this.head = head;
      } catch {
        this.forged++;
      }
      return;
    }
    try {
      this.strangers = splitEnvelope('homes', payload)
        .signatures.map(({ key }) => key)
        .filter((key) => !this.keys.some((one) => one.startsWith(key)));
    } catch {
      // no signatures at all
    }
    if (this.strangers.length === 0) this.forged++;
  }

  private takePart(name: string, payload: Uint8Array): void {
    if (!/^\d{1,2}$/.test(name) || Number(name) >= MAX_LIST_PARTS) return;
    if (payload.length === 0) this.parts.delete(Number(name));
    else this.parts.set(Number(name), payload);
  }

  private takeHeld(pin: Pin, payload: Uint8Array): void {
    if (payload.length === 0) return;
    const held = openSigned('held', payload, [pin.key]);
    if (!held) {
      this.forged++;
      return;
    }
    // what the broker held back, or kept for later, takes nobody back
    const known = this.helds.get(pin.node);
    if (!known || !isOlder(held, known)) this.helds.set(pin.node, held);
  }
}

/** Whether a gateway says that it could not make this list its own. */
export function isRejected({ st, error = '' }: Held, gen: number): boolean {
  return st === 'rejected' && error.startsWith(`generation ${gen}:`);
}

function isOlder(one: Held, other: Held): boolean {
  if (one.group === other.group && (one.gen ?? 0) !== (other.gen ?? 0)) return (one.gen ?? 0) < (other.gen ?? 0);
  return one.t !== undefined && other.t !== undefined && one.t < other.t;
}
