// Leases over HTTP in the mesh (protocol v1, and autoygg's calls): takes requests, shows what was decided, decides nothing.
//
// Whoever asks is the address that the kernel tells; it counts only if it is that of a node (0200::/8), for only the node itself can send
// from there. From 0300::/8 any host behind a node can.

import {
  CAPTAIN_PATHS,
  type CaptainRefusal,
  type GatewayInfo,
  type LeaseRequest,
  type Refusal,
  type RefusalCode,
} from '../api/lease.ts';
import { errorText } from '../errors.ts';
import type { HttpRequest } from '../http/message.ts';
import type { Exchange, HttpAnswer } from '../http/server.ts';
import { Meter } from '../lib/meter.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import { meshNode, nodeAddress } from '../lib/yggdrasil-address.ts';
import type { CaptainAnswer, CaptainDesk } from '../mesh/captain-desk.ts';
import type { Clients } from '../mesh/client.ts';
import { type LeaseAnswer, readRequest } from '../mesh/lease-message.ts';
import { AUTOYGG_CALLS, type AutoyggParts, answerAutoygg } from './autoygg.ts';

/** Requests of one address: ten at once, then one a second. */
const REQUESTS = { burst: 10, everyMs: 1000, most: 4096 } as const;
/** Longest that a question is held open, and how often it is looked whether that is over. */
const MAX_WAIT_S = 1800;
const SWEEP_MS = 5000;
/** Characters of why a request does not do. */
const MAX_REASON = 200;
const WAIT = /^generation=(\d{1,10})&wait_s=(\d{1,4})$/;

/** Paths, and the methods that each takes. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  ...AUTOYGG_CALLS,
  '/v1/info': ['GET'],
  '/v1/lease': ['GET', 'PUT', 'DELETE'],
  [CAPTAIN_PATHS.report]: ['POST'],
  [CAPTAIN_PATHS.vouch]: ['POST'],
};
/** What a signature answers for: hosts behind nodes may send it, too. */
const SIGNED: readonly string[] = Object.values(CAPTAIN_PATHS);

const STATUS: Readonly<Record<RefusalCode | CaptainRefusal, number>> = {
  not_a_node: 403,
  other_key: 403,
  suspended: 403,
  refused: 403,
  closed: 403,
  no_kind: 409,
  asks_for: 422,
  too_often: 429,
  full: 503,
  queue_full: 503,
  draining: 503,
  busy: 503,
  no_lease: 404,
  malformed: 400,
  unknown: 404,
  not_captain: 403,
  stale: 409,
  decided: 409,
};

export interface RegistrarParts extends AutoyggParts {
  readonly clients: Clients;
  readonly captains: Pick<CaptainDesk, 'report' | 'vouch'>;
  info(): GatewayInfo;
  readonly clock: { monotonicMs(): number; after(delayMs: number, callback: () => void): () => void };
  /** Questions that are held open at the same time. */
  readonly maxHeld: number;
}

/** A question that is answered when something changes. */
interface Held {
  readonly exchange: Exchange;
  readonly untilMs: number;
}

/** An answer, and why it is a refusal where it is one. */
export interface Reply extends HttpAnswer {
  readonly why?: RefusalCode | CaptainRefusal;
}

/** What is said to what is no request, or comes from nobody of the mesh; in the words of both protocols. */
export function refuse(status: number, reason: string): Reply {
  const why: RefusalCode = status === 403 ? 'not_a_node' : status === 404 ? 'unknown' : 'malformed';
  return { ...json(status, { error: why, reason, Error: reason }), why };
}

/** The registrar, without its server. */
export class Registrar {
  /** Requests that got what they asked for, and those that did not, by why: a code, or `other` in the words of autoygg. */
  readonly tally = { answered: 0, refused: new Map<string, number>() };
  private readonly meter = new Meter(REQUESTS);
  /** By address: a newer question of a home takes the place of the older one. */
  private readonly held = new Map<string, Held>();
  private readonly cancelChanged: () => void;
  private cancelSweep: (() => void) | undefined;

  constructor(private readonly parts: RegistrarParts) {
    this.cancelChanged = parts.clients.changed.on((address) => this.onChanged(address));
  }

  /** Questions that are held open now. */
  get waiting(): number {
    return this.held.size;
  }

  stop(): void {
    this.cancelChanged();
    this.cancelSweep?.();
    this.held.clear();
  }

  /** Answers one request, now or later. */
  handle(exchange: Exchange): void {
    const answer = this.answerTo(exchange);
    if (answer instanceof Promise) void answer.then((later) => exchange.answer(this.count(later)));
    else if (answer) exchange.answer(this.count(answer));
  }

  /** Counts an answer that is given. */
  count(answer: HttpAnswer): HttpAnswer {
    const { tally } = this;
    if (answer.status < 400) tally.answered++;
    else {
      const { why = 'other' } = answer as Reply;
      tally.refused.set(why, (tally.refused.get(why) ?? 0) + 1);
    }
    return answer;
  }

  /** `undefined`: the question is held open. */
  private answerTo(exchange: Exchange): HttpAnswer | Promise<HttpAnswer> | undefined {
    const { request, from } = exchange;
    const { method, path } = request;
    const address = nodeAddress(from);
    const isSigned = SIGNED.includes(path);
    // of a host behind a node, its node is metered
    const source = isSigned ? meshNode(from) : address;
    if (source === undefined) return refuse(403, 'only nodes of the mesh (200::/8) are served');
    // every page of the web could ask in the name of who looks at it
    if (request.fields.has('origin')) return refuse(403, 'browsers are not served');
    const waitMs = this.meter.take(source, this.nowMs());
    if (waitMs > 0) {
      const retry_after_s = Math.ceil(waitMs / 1000);
      return refusalOf({ error: 'too_often', reason: 'asked too often', retry_after_s });
    }
    const takes = CALLS[path];
    if (!takes) return refuse(404, 'there is nothing of this name');
    if (!takes.includes(method)) {
      const answer = refuse(405, `expected ${takes.join(', ')}`);
      return { ...answer, fields: { ...answer.fields, Allow: takes.join(', ') } };
    }
    if (isSigned) return this.post(request);
    if (address === undefined) return refuse(403, 'only nodes of the mesh (200::/8) are served');
    if (path in AUTOYGG_CALLS) return answerAutoygg(this.parts, request, address);
    if (path === '/v1/info') return json(200, this.parts.info());
    if (method === 'PUT') return this.put(request, address);
    if (method === 'GET') return this.get(exchange, address);
    this.parts.clients.release(address);
    return { status: 204 };
  }

  /** Takes what a captain signed. */
  private post({ path, body }: HttpRequest): HttpAnswer {
    const { captains } = this.parts;
    return showTaken(path === CAPTAIN_PATHS.report ? captains.report(body) : captains.vouch(body));
  }

  private put({ body }: HttpRequest, address: string): HttpAnswer | Promise<HttpAnswer> {
    let request: LeaseRequest;
    try {
      request = readRequest(JSON.parse(decodeUtf8(body)));
    } catch (error) {
      return refusalOf({ error: 'malformed', reason: errorText(error).slice(0, MAX_REASON) });
    }
    const answer = this.parts.clients.ask(address, request);
    return answer instanceof Promise ? answer.then(show) : show(answer);
  }

  private get(exchange: Exchange, address: string): HttpAnswer | undefined {
    const { query } = exchange.request;
    const found = this.parts.clients.look(address);
    if (query === '') return show(found);
    const [, generation, waitS] = WAIT.exec(query) ?? [];
    if (generation === undefined || Number(waitS) > MAX_WAIT_S)
      return refuse(400, `expected generation=N&wait_s=0 to ${MAX_WAIT_S}`);
    if (found.kind !== 'granted' || found.grant.generation !== Number(generation) || Number(waitS) === 0)
      return show(found);
    const older = this.held.get(address);
    if (!older && this.held.size >= this.parts.maxHeld)
      return show({ kind: 'granted', grant: { ...found.grant, held: false } });
    if (older) this.let(address, older);
    const held = { exchange, untilMs: this.nowMs() + Number(waitS) * 1000 };
    this.held.set(address, held);
    exchange.onGone = () => {
      if (this.held.get(address) === held) this.held.delete(address);
    };
    this.cancelSweep ??= this.parts.clock.after(SWEEP_MS, () => this.sweep());
    return undefined;
  }

  private onChanged(address: string | undefined): void {
    if (address === undefined) for (const [one, held] of [...this.held]) this.let(one, held);
    else {
      const held = this.held.get(address);
      if (held) this.let(address, held);
    }
  }

  /** Answers a question that was held open. */
  private let(address: string, { exchange }: Held): void {
    this.held.delete(address);
    exchange.onGone = undefined;
    exchange.answer(this.count(show(this.parts.clients.look(address))));
  }

  private sweep(): void {
    const nowMs = this.nowMs();
    for (const [address, held] of [...this.held]) if (held.untilMs <= nowMs) this.let(address, held);
    this.cancelSweep = this.held.size > 0 ? this.parts.clock.after(SWEEP_MS, () => this.sweep()) : undefined;
  }

  private nowMs(): number {
    return this.parts.clock.monotonicMs();
  }
}

function show(answer: LeaseAnswer): HttpAnswer {
  if (answer.kind === 'granted') return json(200, answer.grant);
  if (answer.kind === 'refused') return refusalOf(answer.refusal);
  const { waiting } = answer;
  return json(202, waiting, waiting.retry_after_s);
}

function showTaken(answer: CaptainAnswer): Reply {
  if (answer.kind === 'taken') return json(200, answer.taken);
  const { error, reason, retryAfterS } = answer;
  const body = { error, reason, ...(retryAfterS !== undefined && { retry_after_s: retryAfterS }) };
  return { ...json(STATUS[error], body, retryAfterS), why: error };
}

function refusalOf(refusal: Refusal): Reply {
  return { ...json(STATUS[refusal.error], refusal, refusal.retry_after_s), why: refusal.error };
}

function json(status: number, value: object, retryAfterS?: number): HttpAnswer {
  return {
    status,
    fields: {
      'Content-Type': 'application/json; charset=utf-8',
      ...(retryAfterS !== undefined && { 'Retry-After': String(retryAfterS) }),
    },
    body: encodeUtf8(JSON.stringify(value)),
  };
}
