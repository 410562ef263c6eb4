// The wiring of what gateways of a group share to brokers: whose lists count, in which order what comes is looked at, what is told when. In memory
// while this machine is one of a group and has a broker.

import { topicOf } from './api/topics.ts';
import { errorText, InputError, WireError } from './errors.ts';
import { fromHex } from './lib/bytes.ts';
import { type EnvelopeKind, splitEnvelope } from './lib/envelope.ts';
import { type ListedGateway, MAX_LIST_PARTS, readHead } from './lib/home-list.ts';
import { Meter } from './lib/meter.ts';
import { keyIdOf } from './lib/node-id.ts';
import { isSigned } from './lib/want.ts';
import type { Log } from './log.ts';
import type { CommandKey } from './mesh/command.ts';
import type { GroupShare } from './mesh/group-share.ts';
import { barrierTo, type Permit } from './mesh/operation.ts';
import type { GroupOutlet } from './mesh/shared-homes.ts';
import type { Cancel, Clock } from './transport/host.ts';

/** One broker, as far as it is needed here. */
export interface GroupSurface {
  /** Asks for these topics beside what it asks for anyway; what comes by them is handed over. */
  follow(filters: readonly string[], take: (topic: string, payload: Uint8Array) => void): void;
  /** Resolves when the broker has it, or it is known that it will not; never rejects. */
  share(name: 'held' | 'use', payload: Uint8Array, tail?: string): Promise<void>;
}

export interface GroupLinkParts {
  readonly share: GroupShare;
  readonly node: string;
  readonly sid: string;
  /** Brokers that may manage this machine. */
  surfaces(): readonly GroupSurface[];
  keys(): readonly CommandKey[];
  permit(): Permit;
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
  seal(kind: EnvelopeKind, body: string): Uint8Array;
  /** Unix seconds; `undefined`: the clock is not to be believed. */
  unixS(): number | undefined;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly log: Log;
}

/** Heads of lists that are looked at: one a second, four at once. */
const HEADS = { burst: 4, everyMs: 1000, most: 1 } as const;
/** What other gateways say waits for its turn, one signature after the other; of each topic the newest. */
const TURN_MS = 200;
const MAX_WAITING_BYTES = 512 * 1024;
/** How often it is looked whether something is to be told of use. */
const USE_MS = 30_000;

/** Of one gateway, from `start()` to `stop()`. */
export class GroupLink implements GroupOutlet {
  private readonly heads = new Meter(HEADS);
  /** By topic. */
  private readonly waiting = new Map<string, { readonly gateway: ListedGateway; readonly payload: Uint8Array }>();
  private waitingBytes = 0;
  private isFetching = false;
  private told = '';
  private cancelTurn: Cancel | undefined;
  private cancelUse: Cancel | undefined;
  private stopped = false;
  /** Messages that were refused. */
  refused = 0;

  constructor(private readonly parts: GroupLinkParts) {}

  start(): void {
    this.parts.share.homes.outlet = this;
    for (const surface of this.parts.surfaces()) this.attach(surface);
    this.parts.share.homes.connected();
    this.tellHeld();
    this.tellUse(true);
  }

  stop(): void {
    this.stopped = true;
    const { homes } = this.parts.share;
    if (homes.outlet === this) homes.outlet = undefined;
    this.cancelTurn?.();
    this.cancelUse?.();
    for (const surface of this.parts.surfaces()) surface.follow([], () => {});
  }

  /** A broker is new, or what it is asked for. */
  attach(surface: GroupSurface): void {
    surface.follow(this.filters(), (topic, payload) => this.take(topic, payload));
  }

  /** A broker is there: it is told what it should keep. */
  brokerUp(): void {
    this.told = '';
    this.tellHeld();
    this.tellUse(true);
  }

  // GroupOutlet

  wantParts(isWanted: boolean): void {
    if (!this.isFetching && !isWanted) return;
    if (this.isFetching && isWanted) {
      // those of another list may have come before it: what the broker keeps comes with a new question alone
      this.isFetching = false;
      this.followAnew();
    }
    this.isFetching = isWanted;
    this.followAnew();
  }

  heldChanged(): void {
    this.tellHeld();
  }

  gatewaysChanged(): void {
    this.followAnew();
  }

  // what comes

  private take(topic: string, payload: Uint8Array): void {
    if (this.stopped || payload.length === 0) return;
    const { share, log } = this.parts;
    const { group } = share.homes;
    try {
      if (topic === headTopic(group)) this.takeHead(payload);
      else if (topic.startsWith(partTopic(group, ''))) {
        const index = topic.slice(partTopic(group, '').length);
        if (/^\d{1,2}$/.test(index) && Number(index) < MAX_LIST_PARTS) share.homes.takePart(Number(index), payload);
      } else this.queue(topic, payload);
    } catch (error) {
      if (!(error instanceof InputError || error instanceof WireError)) throw error;
      this.refused++;
      // the first, and then ever more seldom
      if ((this.refused & (this.refused - 1)) === 0)
        log.warn('message of the group refused', { count: this.refused, error: errorText(error) });
    }
  }

  /** @throws InputError, WireError */
  private takeHead(payload: Uint8Array): void {
    const { share, clock, verify } = this.parts;
    const envelope = splitEnvelope('homes', payload);
    const head = readHead(envelope.body);
    // a broker gives what it keeps with each connection
    if (!share.homes.isNew(head.gen)) return;
    const permit = this.parts.permit();
    const keys = this.parts
      .keys()
      .filter((key) => envelope.signatures.some((one) => one.key === keyIdOf(key.public)))
      .map((key) => ({ ...key, mayConfigure: barrierTo(key, 'desk', permit) === undefined }));
    const by = keys.find(({ mayConfigure }) => mayConfigure);
    if (!by) throw new InputError('sigs: expected a key that may decide on homes here');
    if (this.heads.take('', clock.monotonicMs()) > 0) throw new InputError('more lists than are looked at');
    if (!isSigned(envelope, keys, verify)) throw new InputError('sigs: expected a signature of this list');
    share.homes.takeHead(head, `key ${by.name}`);
  }

  private queue(topic: string, payload: Uint8Array): void {
    const gateway = this.others().find(({ site, node }) => topic.startsWith(`${topicOf(site, node, 'use')}/`));
    if (!gateway) return;
    const old = this.waiting.get(topic);
    this.waitingBytes += payload.length - (old?.payload.length ?? 0);
    this.waiting.set(topic, { gateway, payload });
    // they come again when something changes, and with each connection
    for (const [oldest, { payload: bytes }] of this.waiting) {
      if (this.waitingBytes <= MAX_WAITING_BYTES) break;
      this.waiting.delete(oldest);
      this.waitingBytes -= bytes.length;
    }
    this.cancelTurn ??= this.parts.clock.after(TURN_MS, () => this.turn());
  }

  private turn(): void {
    this.cancelTurn = undefined;
    const { share, verify, log } = this.parts;
    if (share.use.isDated)
      for (const [topic, { gateway, payload }] of this.waiting) {
        this.waiting.delete(topic);
        this.waitingBytes -= payload.length;
        try {
          const { signed, body, signatures } = splitEnvelope('use', payload);
          const signature = signatures.find(({ key }) => key === keyIdOf(gateway.key))?.signature;
          if (!signature || !verify(fromHex(gateway.key), signed, signature))
            throw new WireError('use: not signed by the gateway in whose name it came');
          share.use.take(gateway.node, JSON.parse(body));
        } catch (error) {
          this.refused++;
          if ((this.refused & (this.refused - 1)) === 0)
            log.warn('use at another gateway refused', {
              node: gateway.node,
              count: this.refused,
              error: errorText(error),
            });
        }
        break;
      }
    if (this.waiting.size > 0 && !this.stopped) this.cancelTurn = this.parts.clock.after(TURN_MS, () => this.turn());
  }

  // what is told

  private tellHeld(): void {
    const { share, sid, unixS, seal } = this.parts;
    const body = { sid, ...share.homes.held() };
    const text = JSON.stringify(body);
    if (text === this.told) return;
    this.told = text;
    const t = unixS();
    const payload = seal('held', JSON.stringify({ ...body, ...(t !== undefined && { t }) }));
    for (const surface of this.parts.surfaces()) void surface.share('held', payload);
  }

  private tellUse(all: boolean): void {
    const { share, seal, clock } = this.parts;
    this.cancelUse?.();
    this.cancelUse = clock.after(USE_MS, () => {
      this.tellHeld();
      this.tellUse(false);
    });
    const statements = this.others().length > 0 ? share.use.due(all) : [];
    if (statements.length === 0) return;
    const send = async (): Promise<void> => {
      // one after the other, so that neither broker nor line is flooded
      for (const { bucket, body } of statements) {
        if (this.stopped) return;
        const payload = seal('use', body);
        await Promise.all(this.parts.surfaces().map((surface) => surface.share('use', payload, String(bucket))));
      }
    };
    void send();
  }

  // topics

  private others(): ListedGateway[] {
    return this.parts.share.homes.gateways.filter(({ node }) => node !== this.parts.node);
  }

  private filters(): string[] {
    const { group } = this.parts.share.homes;
    return [
      headTopic(group),
      ...(this.isFetching ? [partTopic(group, '+')] : []),
      ...this.others().map(({ site, node }) => topicOf(site, node, 'use', '+')),
    ];
  }

  private followAnew(): void {
    if (!this.stopped) for (const surface of this.parts.surfaces()) this.attach(surface);
  }
}

const headTopic = (group: string): string => topicOf(group, 'all', 'homes');
const partTopic = (group: string, tail: string): string => topicOf(group, 'all', 'part', tail);
