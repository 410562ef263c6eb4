// What a gateway's end of its tunnels answers to homes that measure how fast they are: blocks of bytes, and nothing else.
//
// Who asks is an inner address, which only the home with that tunnel can send from. It gives no lease and tells nothing of anybody, so it
// may stand where the registrar must not.

import { SPEED_BLOCK, SPEED_PATH } from '../api/lease.ts';
import type { ServerLimits } from '../http/server.ts';
import { type Exchange, type HttpAnswer, SERVER_LIMITS } from '../http/server.ts';
import { Meter } from '../lib/meter.ts';
import { encodeUtf8 } from '../lib/utf8.ts';

/** Homes that measure at the same time, and for how long each has its place. */
const PLACES = 2;
const PLACE_MS = 15_000;
/** Blocks of one home: 40 MB at once, then 64 KB a second. */
const BLOCKS = { burst: 640, everyMs: 1000, most: 64 } as const;
/** From this load of its line on, homes that measure would take from those that work. */
const BUSY_PERCENT = 80;

const CONNECTIONS = 16;
const HEAD_BYTES = 1024;

/** Limits of its server: few connections of a home, whose body is a block at most. */
export const SPEED_LIMITS: ServerLimits = {
  ...SERVER_LIMITS,
  headBytes: HEAD_BYTES,
  bodyBytes: SPEED_BLOCK,
  connections: CONNECTIONS,
  // one that measures, the one before it, whose end is on its way, and those that look whether the tunnel carries
  connectionsEach: 4,
  requests: BLOCKS.burst,
  // all may hold a block back, for it is read before it is known who has a place
  waitingBytes: CONNECTIONS * (SPEED_BLOCK + HEAD_BYTES),
  idleMs: 5000,
};

/** What it is made of. */
export interface SpeedParts {
  /** The home that an inner address belongs to, while its lease is in force and it is not suspended. */
  homeAt(inner: string): string | undefined;
  /** How busy the gateway's line is; 0 where that is not known. */
  linePercent(): number;
  nowMs(): number;
}

/** Answers homes that measure. */
export class Speed {
  private readonly meter = new Meter(BLOCKS);
  /** Until when each home that measures has its place, by address. */
  private readonly places = new Map<string, number>();
  private block: Uint8Array | undefined;

  constructor(private readonly parts: SpeedParts) {}

  /** Answers one request, at once. */
  handle(exchange: Exchange): void {
    exchange.answer(this.answerTo(exchange));
  }

  private answerTo({ request: { method, path }, from }: Exchange): HttpAnswer {
    const nowMs = this.parts.nowMs();
    if (path !== SPEED_PATH) return say(404, `expected ${SPEED_PATH}`);
    if (method !== 'GET' && method !== 'POST') return say(405, 'expected GET or POST');
    const home = this.parts.homeAt(from);
    if (home === undefined) return say(403, 'only homes with a lease are served');
    const problem = this.admit(home, nowMs);
    if (problem) return problem;
    const waitMs = this.meter.take(home, nowMs);
    if (waitMs > 0) return say(429, 'measured too often', Math.ceil(waitMs / 1000));
    if (method === 'POST') return { status: 204 };
    this.block ??= noise();
    return { status: 200, fields: { 'Content-Type': 'application/octet-stream' }, body: this.block };
  }

  /** Gives a place to who has none yet. */
  private admit(home: string, nowMs: number): HttpAnswer | undefined {
    for (const [one, untilMs] of this.places) if (untilMs <= nowMs) this.places.delete(one);
    if (this.places.has(home)) return undefined;
    if (this.places.size >= PLACES) return say(503, 'other homes are measuring', PLACE_MS / 1000);
    if (this.parts.linePercent() >= BUSY_PERCENT) return say(503, 'the line of the gateway is busy', 60);
    this.places.set(home, nowMs + PLACE_MS);
    return undefined;
  }
}

/** What is said to who measures and may not, or asks nonsense. */
export function say(status: number, reason: string, retryAfterS?: number): HttpAnswer {
  return {
    status,
    fields: {
      'Content-Type': 'text/plain; charset=utf-8',
      ...(retryAfterS !== undefined && { 'Retry-After': String(retryAfterS) }),
    },
    body: encodeUtf8(reason),
  };
}

/** Bytes that nothing on the way can shorten. */
function noise(): Uint8Array {
  const bytes = new Uint8Array(SPEED_BLOCK);
  let state = 0x9e3779b9;
  for (let i = 0; i < bytes.length; i++) {
    // xorshift
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 255;
  }
  return bytes;
}
