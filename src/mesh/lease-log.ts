// Who had which addresses and source ports when, so that a complaint is answered without a log of flows.
//
// A day's pieces stand for themselves: they begin with what was in force at its start, and a lease that ends is written down whole. So a day is
// deleted by removing its pieces, and of one question one day is read. Days are those of UTC. Nothing of it stays in memory but what waits to be
// written, which is written in batches, for flash wears out: a power cut loses who came since.

import type { HeldSpan, PortBlock } from '../api/client-object.ts';
import { errorText } from '../errors.ts';
import { canonicalIp } from '../lib/ip.ts';
import { JsonFields } from '../lib/json-field.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';

const DAY_S = 86_400;
/** Characters of a piece that is full: each write of an entry costs one piece. */
const FULL = 2048;
/** Lines that wait for a right clock, or for their batch. */
const MAX_PENDING = 2048;
const MAX_TEXT = 256;
const MOST = Number.MAX_SAFE_INTEGER;

/** A piece of a day: days since 1970, and from 0 on. */
export interface LeasePiece {
  readonly day: number;
  readonly number: number;
}

/** Keeps the pieces. */
export interface LeaseLogStore {
  /** All that are kept, in order. @throws Error */
  pieces(): LeasePiece[];
  /** @throws Error */
  read(piece: LeasePiece): string;
  /** Replaces it as a whole; on disk when it returns. @throws Error */
  write(piece: LeasePiece, text: string): void;
  /** @throws Error */
  remove(piece: LeasePiece): void;
}

export interface LeaseLogOptions {
  readonly store: LeaseLogStore;
  /** Days that are kept, today among them; from 1 on. */
  readonly keepDays: number;
  /** Pieces that are kept at most; the oldest days go first. */
  readonly maxPieces: number;
  /** Leases in force. */
  spans(): readonly HeldSpan[];
  readonly hasPorts: boolean;
  /** Monotonic milliseconds; Unix seconds, `undefined` while the clock is wrong. */
  nowMs(): number;
  dateS(): number | undefined;
  onProblem(problem: string): void;
}

/** What is looked for: a source port, or an inner address. */
export interface HeldWhat {
  readonly port?: number | undefined;
  readonly held?: string | undefined;
}

/** A line that waits; times as they were, monotonic. */
interface Pending {
  readonly span: HeldSpan;
  readonly atMs: number;
  readonly isEnd: boolean;
}

/** The log of one gateway. */
export class LeaseLog {
  private pending: Pending[] = [];
  private pieces: LeasePiece[];
  /** Text of the newest piece. */
  private text = '';
  private problem = '';

  /** @throws Error when it cannot be seen what is kept */
  constructor(private readonly options: LeaseLogOptions) {
    this.pieces = options.store.pieces();
    const last = this.pieces.at(-1);
    if (last) this.text = this.textOf(last);
  }

  get keepDays(): number {
    return this.options.keepDays;
  }

  get hasPorts(): boolean {
    return this.options.hasPorts;
  }

  /** The leases of an earlier daemon are taken over, or are not any more. To be called once, before the others. */
  adopt(): void {
    const now = new Map(this.options.spans().map((span) => [idOf(span), span]));
    const last = this.pieces.at(-1);
    const open = new Map<string, HeldSpan>();
    for (const span of last ? this.spansOf([last.day]) : []) if (span.to_s === undefined) open.set(idOf(span), span);
    for (const [id, span] of open) if (!now.has(id)) this.add(span, true);
    for (const [id, span] of now) if (!open.has(id)) this.add(span, false);
  }

  /** A home has a lease. */
  began(span: HeldSpan): void {
    // it was away for a moment, and nobody else had it meanwhile
    const id = idOf(span);
    const at = this.pending.map((one) => idOf(one.span)).lastIndexOf(id);
    if (at >= 0 && this.pending[at]!.isEnd) this.pending.splice(at, 1);
    else this.add(span, false);
  }

  /** It has it no more. */
  ended(span: HeldSpan): void {
    this.add(span, true);
  }

  /** Writes what waits, and deletes what is old; while the clock is wrong, neither. */
  flush(): void {
    const nowS = this.options.dateS();
    if (nowS === undefined) return;
    try {
      const { pending } = this;
      this.prune(dayOf(nowS));
      const last = this.pieces.at(-1)?.day ?? 0;
      // a clock that is set back does not begin a day anew
      const today = Math.max(dayOf(nowS), last);
      if (last < today) {
        // what belongs to the day that is over goes to it; the new one says first what is in force
        const old = pending.filter(({ atMs }) => dayOf(this.dateOf(atMs, nowS)) < today);
        if (last > 0 && old.length > 0) {
          this.append(last, old, nowS);
          this.pending = pending.filter((one) => !old.includes(one));
        }
        const atMs = this.options.nowMs();
        const inForce = this.options.spans().map((span) => ({ span, atMs, isEnd: false }));
        const since = this.pending.filter(({ isEnd }) => isEnd);
        this.append(today, [...inForce, ...since], nowS);
      } else this.append(today, pending, nowS);
      this.pending = [];
      this.problem = '';
    } catch (error) {
      this.tell(errorText(error));
    }
  }

  /** Who had something at a time, Unix seconds. */
  at(atS: number, { port, held }: HeldWhat): HeldSpan[] {
    this.flush();
    const isMeant = ({ home4, home6, ports }: HeldSpan): boolean =>
      port === undefined
        ? held === home4 || held === home6
        : ports !== undefined && ports.first <= port && port <= ports.last;
    const day = dayOf(atS);
    const meant = this.spansOf([day]).filter((span) => isMeant(span) && isInForce(span, atS));
    const later = this.days().filter((one) => one > day);
    return meant.flatMap((span) => {
      if (span.to_s !== undefined) return span;
      const next = this.spansOf(later, span.address).find((one) => idOf(one) === idOf(span));
      return this.closed(next ? { ...next, from_s: Math.min(next.from_s, span.from_s) } : span, day);
    });
  }

  /** What a home had, the newest first; at a time, where one is given. */
  of(address: string, atS?: number): HeldSpan[] {
    this.flush();
    const days = this.days();
    const all = this.spansOf(days, address).filter((span) => span.address === address);
    return all
      .map((span) => this.closed(span, days.at(-1) ?? 0))
      .filter((span) => atS === undefined || isInForce(span, atS))
      .sort((a, b) => b.from_s - a.from_s);
  }

  /** Every home that is kept, and when it first came: Unix seconds. */
  homes(): Map<string, number> {
    const homes = new Map<string, number>();
    for (const { address, from_s } of this.spansOf(this.days()))
      homes.set(address, Math.min(from_s, homes.get(address) ?? from_s));
    return homes;
  }

  /** Deletes what is kept of a home, but of the lease that it has which addresses it has now. @throws Error when it cannot */
  erase(address: string): void {
    this.pending = this.pending.filter(({ span }) => span.address !== address);
    const word = JSON.stringify(address);
    for (const piece of [...this.pieces]) {
      const text = this.options.store.read(piece);
      if (!text.includes(word)) continue;
      this.write(
        piece,
        text
          .split('\n')
          .filter((line) => !line.includes(word))
          .join('\n'),
      );
    }
    for (const span of this.options.spans()) if (span.address === address) this.add(span, false);
  }

  // what is kept

  private add(span: HeldSpan, isEnd: boolean): void {
    this.pending.push({ span, atMs: this.options.nowMs(), isEnd });
    if (this.pending.length < MAX_PENDING) return;
    this.flush();
    if (this.pending.length >= MAX_PENDING) this.pending.splice(0, this.pending.length - MAX_PENDING + 1);
  }

  private append(day: number, some: readonly Pending[], nowS: number): void {
    let piece = this.pieces.at(-1)?.day === day ? this.pieces.at(-1)! : { day, number: 0 };
    let text = this.pieces.at(-1) === piece ? this.text : '';
    for (const [at, { span, atMs, isEnd }] of some.entries()) {
      if (text.length >= FULL) {
        this.write(piece, text);
        piece = { day, number: piece.number + 1 };
        text = '';
      }
      const { to_s: _, ...rest } = span;
      const nowEnd = isEnd ? { to_s: Math.max(rest.from_s, this.dateOf(atMs, nowS)) } : {};
      text += `${JSON.stringify({ ...rest, ...nowEnd })}\n`;
      if (at === some.length - 1) this.write(piece, text);
    }
  }

  private write(piece: LeasePiece, text: string): void {
    this.options.store.write(piece, text);
    // only now, for what was not written does not count
    const last = this.pieces.at(-1);
    const isLast = last !== undefined && last.day === piece.day && last.number === piece.number;
    const isNew = !this.pieces.some(({ day, number }) => day === piece.day && number === piece.number);
    if (isNew) this.pieces.push(piece);
    if (isNew || isLast) this.text = text;
  }

  /** Removes days that are over for too long, and the oldest where there are too many pieces. */
  private prune(today: number): void {
    const { keepDays, maxPieces, store } = this.options;
    for (;;) {
      const [first] = this.pieces;
      if (!first) return;
      const isOld = first.day <= today - keepDays;
      const isTooMuch = this.pieces.length > maxPieces && first.day < today;
      if (!isOld && !isTooMuch) return;
      if (!isOld) this.tell(`days before ${first.day + 1} since 1970 are deleted early: there is no room for them`);
      store.remove(first);
      this.pieces.shift();
    }
  }

  /** Days of which there is something. */
  private days(): number[] {
    return [...new Set(this.pieces.map(({ day }) => day))];
  }

  /** What pieces of some days say, in order: what goes on from one to the next is one. @param word what a line must hold to be looked at. */
  private spansOf(days: readonly number[], word?: string): HeldSpan[] {
    const all: HeldSpan[] = [];
    const open = new Map<string, number>();
    for (const piece of this.pieces)
      if (days.includes(piece.day))
        for (const line of this.textOf(piece).split('\n')) {
          if (line === '' || (word !== undefined && !line.includes(word))) continue;
          const span = readSpan(line);
          if (!span) continue;
          const id = idOf(span);
          const at = open.get(id);
          // written twice, since the disk failed between
          if (at === undefined && all.some((one) => idOf(one) === id && one.from_s === span.from_s)) continue;
          if (at === undefined) {
            open.set(id, all.length);
            all.push(span);
          } else all[at] = { ...span, from_s: Math.min(span.from_s, all[at]!.from_s) };
          if (span.to_s !== undefined) open.delete(id);
        }
    return all;
  }

  /** What is not in force any more, and whose end was never written, ended with the day at the latest. */
  private closed(span: HeldSpan, day: number): HeldSpan {
    if (span.to_s !== undefined || this.options.spans().some((one) => idOf(one) === idOf(span))) return span;
    return { ...span, to_s: (day + 1) * DAY_S };
  }

  private textOf(piece: LeasePiece): string {
    try {
      return this.options.store.read(piece);
    } catch (error) {
      this.tell(errorText(error));
      return '';
    }
  }

  /** @returns Unix seconds of a monotonic moment. */
  private dateOf(atMs: number, nowS: number): number {
    return nowS - Math.round((this.options.nowMs() - atMs) / 1000);
  }

  private tell(problem: string): void {
    if (problem !== this.problem) this.options.onProblem(problem);
    this.problem = problem;
  }
}

const isInForce = ({ from_s, to_s }: HeldSpan, atS: number): boolean =>
  from_s <= atS && (to_s === undefined || atS <= to_s);
const dayOf = (unixS: number): number => Math.floor(unixS / DAY_S);

/** A home with the same addresses and ports. */
function idOf({ address, home4, home6 = '', ports }: HeldSpan): string {
  return `${address} ${home4} ${home6} ${ports?.first ?? ''}`;
}

/** A line as it was kept; `undefined` where it is broken. */
function readSpan(line: string): HeldSpan | undefined {
  try {
    const fields = new JsonFields('lease', JSON.parse(line));
    const texts: Record<string, string> = {};
    for (const name of ['name', 'email', 'phone', 'site'])
      if (fields.has(name)) texts[name] = fields.text(name, MAX_TEXT);
    const ip = (text: string): string | undefined => canonicalIp(text);
    return {
      address: fields.read('address', nodeAddress, 'an address of a node'),
      home4: fields.read('home4', ip, 'an address'),
      ...(fields.has('home6') && { home6: fields.read('home6', ip, 'an address') }),
      ...(fields.has('ports') && { ports: readPorts(fields.fields('ports')) }),
      from_s: fields.whole('from_s', 0, MOST),
      ...(fields.has('to_s') && { to_s: fields.whole('to_s', 0, MOST) }),
      ...texts,
    };
  } catch {
    return undefined;
  }
}

function readPorts(fields: JsonFields): PortBlock {
  return { first: fields.whole('first', 1, 65_535), last: fields.whole('last', 1, 65_535) };
}
