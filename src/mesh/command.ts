// Signed commands: which are believed, done once, and answered.
//
// The checks go from cheap to dear, and nothing is kept of a message before its signature holds; that is checked at most once a second (four
// at once), so that a flood cannot stall the one thread. From there on a command is on record before anything is done: whatever ends the
// daemon, none is done twice. Answers to what nobody proved to have signed take a turn of the same limit.

import { SCOPES, type Scope } from '../api/scope.ts';
import { errorText, InputError, WireError } from '../errors.ts';
import { fromHex } from '../lib/bytes.ts';
import { type Envelope, MAX_PAYLOAD, splitEnvelope } from '../lib/envelope.ts';
import { keyIdOf } from '../lib/node-id.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import { readArguments } from './argument.ts';
import {
  barrierTo,
  isReserved,
  type Operation,
  OperationError,
  type Operations,
  type Order,
  type Permit,
} from './operation.ts';
import { jsonBytes } from './page.ts';

/** A key that may ask. */
export interface CommandKey {
  /** In the configuration. */
  readonly name: string;
  /** 64 lower-case hex digits. */
  readonly public: string;
  readonly scope: Scope;
}

export interface CommandClock {
  monotonicMs(): number;
  unixMs(): number;
  /** Whether the wall clock may be believed. */
  isTrusted(): boolean;
  after(delayMs: number, callback: () => void): () => void;
}

/** How far a command is. */
export type CommandStep = 'accepted' | 'done' | 'failed' | 'rejected' | 'expired';

/** A command that somebody did sign, and what became of it. */
export interface CommandRecord {
  readonly cid: string;
  /** Id of the key. */
  readonly key: string;
  readonly ctr: number;
  readonly op: string;
  readonly st: CommandStep;
  readonly code?: string;
  readonly error?: string;
  readonly out?: unknown;
  /** There was something to tell, and no room for it. */
  readonly left_out?: true;
  /** When it came: monotonic milliseconds, and Unix seconds where the clock was right. */
  readonly at_ms: number;
  readonly t?: number;
}

/** All that is kept for a session. */
export interface CommandState {
  /** The last counter of each key, by its id. */
  readonly counters: Readonly<Record<string, number>>;
  /** Oldest first. */
  readonly records: readonly CommandRecord[];
}

/** Keeps it where it outlives the daemon, not the session. */
export interface CommandJournal {
  load(): CommandState;
  /** @throws Error when it cannot be kept */
  save(state: CommandState): void;
}

export interface CommandParts {
  readonly node: string;
  readonly sid: string;
  keys(): readonly CommandKey[];
  /** What the owner lets anybody do. */
  permit(): Permit;
  readonly clock: CommandClock;
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
  readonly journal: CommandJournal;
  readonly operations: Operations;
  /** Takes the body of a `res`, to be signed and sent; a promise where it is known when brokers have it, which never rejects. */
  answer(body: string): void | Promise<void>;
  readonly log: Log;
}

/** Why a message is refused, in the order in which it is found out. */
export const REFUSALS = [
  'oversize',
  'retained',
  'busy',
  'malformed',
  'unknown-key',
  'audience',
  'session',
  'dup',
  'refused',
  'counter',
  'signature',
  'expired',
  'not-yet',
  'reserved',
  'unknown-op',
  'scope',
  'arguments',
  'journal',
] as const;
export type RefusalCode = (typeof REFUSALS)[number];

/** Commands that are remembered, and shown. */
export const MAX_RECORDS = 64;
/** Bytes of all that is told by these: older answers are forgotten first. */
const MAX_OUTS = 16_384;
const MAX_OUT = 4096;
const MAX_ERROR = 200;
/** As many as are told in the time for which a command counts, twice over. */
const MAX_GIVEN = 128;
/** Counters that are remembered: of more keys than a configuration holds. */
const MAX_COUNTERS = 64;
/** Signatures checked, and answers to what has none: one a second, so many at once. */
const BURST = 4;
const REFILL_MS = 1000;
/** Bytes looked at: so many a second, and at once. A command has about 400. */
const READ_BURST = 65_536;
const READ_PER_MS = 16;
/** Under way at the same time. */
const MAX_RUNNING = 4;
/** Longer than anything takes; what goes on all the same is not waited for. */
const LONGEST_MS = 660_000;
/** How a command goes is told at most so often. */
const PROGRESS_MS = 1000;
const MAX_PROGRESS = 16;
/** Parts of one answer. */
const MAX_PARTS = 128;
/** What nobody signed is logged so often, with how many there were. */
const LOG_MS = 60_000;

/** A message that is not done. */
class Refusal extends Error {
  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message);
  }
}

/** What a message says of itself. */
interface Body {
  readonly cid: string;
  readonly op: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly aud: { readonly node: string; readonly sid: string };
  readonly ctr: number;
  readonly notBefore: number | undefined;
  readonly exp: number | undefined;
}

/** Fills with time, up to a measure. */
class Allowance {
  private left: number;
  private atMs: number | undefined;

  constructor(
    private readonly most: number,
    private readonly perMs: number,
  ) {
    this.left = most;
  }

  take(count: number, nowMs: number): boolean {
    this.left = Math.min(this.most, this.left + (nowMs - (this.atMs ?? nowMs)) * this.perMs);
    this.atMs = nowMs;
    if (this.left < count) return false;
    this.left -= count;
    return true;
  }
}

/** One router's. */
export class CommandDesk {
  private state: CommandState;
  private readonly refused = new Map<RefusalCode, number>();
  private readonly turns = new Allowance(BURST, 1 / REFILL_MS);
  private readonly bytes = new Allowance(READ_BURST, READ_PER_MS);
  /** Ids of which it was said that they are not done, before anybody had proved to have signed them; the newest of them. */
  private readonly given = new Set<string>();
  private readonly untold: CommandRecord[] = [];
  private running = 0;
  private loggedAtMs = Number.NEGATIVE_INFINITY;
  private unlogged = 0;

  constructor(private readonly parts: CommandParts) {
    const { counters, records } = parts.journal.load();
    this.state = { counters, records: records.map((record) => this.afterEnd(record)) };
    if (this.untold.length > 0) this.save(this.state);
  }

  /** Takes a message, whoever sent it. @param retained the broker kept it, for whoever comes. */
  take(payload: Uint8Array, retained: boolean): void {
    let body: Body | undefined;
    try {
      const { envelope, key } = this.open(payload, retained);
      body = readBody(envelope.body);
      this.checkMeant(body);
      if (this.isKnown(body, key)) return;
      this.checkNew(body, key);
      this.checkSigned(envelope, key);
      this.accept(body, key, payload);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(error, body);
    }
  }

  /** A broker is there: it is told what ended while nobody could be told. */
  brokerUp(): void {
    for (const record of this.untold.splice(0)) this.tell(record);
  }

  /** The commands, newest first, with the names of keys; and how many messages were refused, by why. */
  list(): { commands: (CommandRecord & { readonly name: string | undefined })[]; refused: Record<string, number> } {
    const names = new Map(this.parts.keys().map((key) => [keyIdOf(key.public), key.name]));
    return {
      commands: [...this.state.records].reverse().map((record) => ({ ...record, name: names.get(record.key) })),
      refused: Object.fromEntries([...this.refused].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  // before it is known who sent it

  private open(payload: Uint8Array, retained: boolean): { envelope: Envelope; key: CommandKey } {
    const { length } = payload;
    if (length > MAX_PAYLOAD.cmd) throw new Refusal('oversize', `${length} bytes, expected at most ${MAX_PAYLOAD.cmd}`);
    if (retained) throw new Refusal('retained', 'a command that the broker keeps');
    if (!this.bytes.take(length, this.parts.clock.monotonicMs())) throw new Refusal('busy', 'too much at once');
    const envelope = split(payload);
    const known = new Map(this.parts.keys().map((key) => [keyIdOf(key.public), key]));
    const [key] = envelope.signatures
      .flatMap(({ key: id }) => known.get(id) ?? [])
      .sort((a, b) => SCOPES.indexOf(b.scope) - SCOPES.indexOf(a.scope));
    if (!key) throw new Refusal('unknown-key', 'signed by nobody who is known here');
    return { envelope, key };
  }

  private checkMeant({ aud }: Body): void {
    const { node, sid } = this.parts;
    if (aud.node !== node) throw new Refusal('audience', `aud.node: expected ${node}`);
    if (aud.sid !== sid) throw new Refusal('session', `aud.sid: expected ${sid}, the session of this start`);
  }

  /** Whether it is one of those that are on record: then what became of it is told again. */
  private isKnown({ cid }: Body, key: CommandKey): boolean {
    const id = keyIdOf(key.public);
    const record = this.state.records.find((one) => one.cid === cid && one.key === id);
    if (!record) return false;
    this.count('dup');
    if (this.takeTurn()) this.tell(record);
    return true;
  }

  private checkNew({ cid, ctr }: Body, key: CommandKey): void {
    const id = keyIdOf(key.public);
    if (this.given.has(cid)) throw new Refusal('refused', 'cid: it was said already that this is not done');
    const last = this.state.counters[id];
    if (last !== undefined && ctr <= last) throw new Refusal('counter', `ctr: expected more than ${last}, got ${ctr}`);
  }

  private checkSigned({ signed, signatures }: Envelope, key: CommandKey): void {
    if (!this.takeTurn()) throw new Refusal('busy', 'too many commands at once');
    const id = keyIdOf(key.public);
    const { signature } = signatures.find((one) => one.key === id)!;
    if (!this.parts.verify(fromHex(key.public), signed, signature))
      throw new Refusal('signature', `not signed by ${key.name}`);
  }

  private takeTurn(): boolean {
    return this.turns.take(1, this.parts.clock.monotonicMs());
  }

  /** Nothing is kept of it but a count; who may have sent it is told, where it was for this node. */
  private refuse({ code, message }: Refusal, body: Body | undefined): void {
    this.count(code);
    const { log, clock } = this.parts;
    const nowMs = clock.monotonicMs();
    this.unlogged++;
    if (nowMs - this.loggedAtMs >= LOG_MS) {
      log.warn('command refused', { code, error: message, count: this.unlogged });
      this.loggedAtMs = nowMs;
      this.unlogged = 0;
    }
    if (!body || code === 'audience' || code === 'busy' || !this.takeTurn()) return;
    // so that it cannot be done all the same, when whoever lies in between lets the true one pass later
    this.given.add(body.cid);
    for (const oldest of this.given) if (this.given.size > MAX_GIVEN) this.given.delete(oldest);
    this.send({ cid: body.cid, op: body.op, st: 'rejected', code, error: shortened(message) });
  }

  // from here on it is known who sent it

  private accept(body: Body, key: CommandKey, payload: Uint8Array): void {
    const { clock, log } = this.parts;
    const record: CommandRecord = {
      cid: body.cid,
      key: keyIdOf(key.public),
      ctr: body.ctr,
      op: body.op,
      st: 'accepted',
      at_ms: clock.monotonicMs(),
      ...(clock.isTrusted() && { t: Math.floor(clock.unixMs() / 1000) }),
    };
    let operation: Operation;
    let args: Readonly<Record<string, unknown>>;
    try {
      this.checkTime(body);
      operation = this.find(body.op, key);
      args = argumentsOf(operation, body.args);
      if (this.running >= MAX_RUNNING) throw new Refusal('busy', `${MAX_RUNNING} commands are under way`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, message } = error;
      this.count(code);
      const ended = {
        ...record,
        st: code === 'expired' ? 'expired' : 'rejected',
        code,
        error: shortened(message),
      } as const;
      log.warn('command rejected', { by: key.name, op: body.op, cid: body.cid, code });
      this.keep(ended);
      this.tell(ended);
      return;
    }
    // on record as done before the daemon ends by it
    const begun: CommandRecord = operation.endsDaemon ? { ...record, st: 'done' } : record;
    if (!this.keep(begun)) {
      this.count('journal');
      this.tell({
        ...record,
        st: 'failed',
        code: 'journal',
        error: 'it could not be put on record, so nothing was done',
      });
      return;
    }
    log.info('command', { by: key.name, op: body.op, cid: body.cid });
    if (operation.isSlow || operation.endsDaemon) this.tell(begun);
    void this.run(begun, operation, args, payload, key.name);
  }

  private checkTime({ notBefore, exp }: Body): void {
    const { clock } = this.parts;
    const now = clock.isTrusted() ? clock.unixMs() / 1000 : undefined;
    // without a right clock, session and counter keep old ones away
    if (now !== undefined && exp !== undefined && exp < now) throw new Refusal('expired', `exp: ${exp} is over`);
    if (notBefore !== undefined && (now === undefined || notBefore > now))
      throw new Refusal(
        'not-yet',
        `not_before: ${now === undefined ? 'the time is not known here' : `${notBefore} is to come`}`,
      );
  }

  private find(name: string, key: CommandKey): Operation {
    const { operations } = this.parts;
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (!operation)
      throw isReserved(name)
        ? new Refusal('reserved', `${name}: not to be had yet`)
        : new Refusal('unknown-op', `${name}: no such operation, there are ${Object.keys(operations).join(', ')}`);
    const { scope } = operation;
    const barrier = barrierTo(key, scope, this.parts.permit());
    if (barrier !== undefined) throw new Refusal('scope', `${name}: takes ${scope}, ${barrier}`);
    return operation;
  }

  private async run(
    record: CommandRecord,
    operation: Operation,
    args: Readonly<Record<string, unknown>>,
    payload: Uint8Array,
    by: string,
  ): Promise<void> {
    const { clock, log } = this.parts;
    this.running++;
    let ended: CommandRecord;
    const parts = new Parts((part, out) => this.send({ cid: record.cid, op: record.op, st: 'running', part, out }));
    try {
      const order: Order = {
        payload: decodeUtf8(payload),
        by,
        progress: this.progressOf(record),
        part: (out) => parts.tell(out),
      };
      const out = await this.within(async () => operation.run(args, order));
      ended = { ...record, st: 'done', ...fitting(out) };
    } catch (error) {
      const code = error instanceof InputError && error.field !== undefined ? 'arguments' : 'failed';
      const out = error instanceof OperationError ? fitting(error.out) : {};
      ended = { ...record, st: 'failed', code, error: shortened(errorText(error)), ...out };
    } finally {
      this.running--;
    }
    const { op, cid, st, code } = ended;
    log.info(`command ${st}`, { op, cid, code, ms: clock.monotonicMs() - record.at_ms });
    if (operation.endsDaemon && st === 'done') return;
    this.keep(operation.isPrivate ? withoutOut(ended) : ended);
    this.tell(ended, parts.count);
  }

  private within<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.parts.clock.after(LONGEST_MS, () =>
        reject(new Error(`not over after ${LONGEST_MS / 1000} s`)),
      );
      work().then(resolve, reject).finally(cancel);
    });
  }

  private progressOf({ cid, op }: CommandRecord): (out: object) => void {
    let toldAtMs = Number.NEGATIVE_INFINITY;
    let count = 0;
    return (out) => {
      const nowMs = this.parts.clock.monotonicMs();
      if (nowMs - toldAtMs < PROGRESS_MS || count >= MAX_PROGRESS) return;
      toldAtMs = nowMs;
      count++;
      this.send({ cid, op, st: 'running', ...fitting(out) });
    };
  }

  // records and answers

  /** A record as it is after the daemon that made it ended, whenever that was. */
  private afterEnd(record: CommandRecord): CommandRecord {
    if (record.st !== 'accepted') return record;
    const ended: CommandRecord = { ...record, st: 'failed', code: 'interrupted', error: INTERRUPTED };
    this.untold.push(ended);
    return ended;
  }

  /** Puts a command on record, or in the place of its earlier record; false: that failed. */
  private keep(record: CommandRecord): boolean {
    const { counters, records } = this.state;
    const others = records.filter(({ cid, key }) => cid !== record.cid || key !== record.key);
    const isNew = others.length === records.length;
    const kept = isNew
      ? [...records, record]
      : records.map((one) => (one.cid === record.cid && one.key === record.key ? record : one));
    const last = Math.max(record.ctr, counters[record.key] ?? 0);
    const next: CommandState = {
      counters: this.trimmed({ ...counters, [record.key]: last }),
      records: withinOuts(kept.slice(-MAX_RECORDS)),
    };
    const saved = this.save(next);
    // what was begun stays known to this daemon, whether or not it can be kept
    if (saved || !isNew) this.state = next;
    else this.state = { ...this.state, counters: next.counters };
    return saved;
  }

  private trimmed(counters: Record<string, number>): Record<string, number> {
    const entries = Object.entries(counters);
    if (entries.length <= MAX_COUNTERS) return counters;
    const known = this.parts.keys().map((key) => keyIdOf(key.public));
    const gone = entries.find(([id]) => !known.includes(id));
    return Object.fromEntries(entries.filter((entry) => entry !== gone));
  }

  private save(state: CommandState): boolean {
    try {
      this.parts.journal.save(state);
      return true;
    } catch (error) {
      this.parts.log.error('command not on record', { error: errorText(error) });
      return false;
    }
  }

  private count(code: RefusalCode): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }

  /** @param parts how many parts of its answer were told before. */
  private tell({ cid, op, st, code, error, out, left_out }: CommandRecord, parts = 0): void {
    this.send({ cid, op, st, code, error, ...(parts > 0 && { parts }), out, left_out });
  }

  private send(answer: object): void | Promise<void> {
    const { sid, clock } = this.parts;
    const t = clock.isTrusted() ? Math.floor(clock.unixMs() / 1000) : undefined;
    return this.parts.answer(JSON.stringify({ ...answer, sid, t }));
  }
}

/** The parts of one answer, each told once brokers have the one before it. */
class Parts {
  count = 0;
  private before: void | Promise<void> = undefined;

  constructor(private readonly send: (part: number, out: object) => void | Promise<void>) {}

  async tell(out: object): Promise<boolean> {
    if (this.count >= MAX_PARTS) return false;
    await this.before;
    this.before = this.send(++this.count, out);
    return true;
  }
}

const INTERRUPTED = 'the daemon ended before it was over: it may be done or not, and is not done again';
const MEMBERS = ['cid', 'op', 'args', 'aud', 'ctr', 'not_before', 'exp'];

function split(payload: Uint8Array): Envelope {
  try {
    return splitEnvelope('cmd', payload);
  } catch (error) {
    if (error instanceof WireError) throw new Refusal('malformed', error.message);
    throw error;
  }
}

/** @throws Refusal on what is no command */
function readBody(text: string): Body {
  const given = asTable(parseJson(text), 'body');
  const unknown = Object.keys(given).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) throw malformed(`body: expected ${MEMBERS.join(', ')}`);
  const { cid, op, args = {} } = given;
  if (typeof cid !== 'string' || !/^[a-z0-9-]{1,32}$/.test(cid))
    throw malformed('cid: expected 1 to 32 of a-z, 0-9 and -');
  if (typeof op !== 'string' || !/^[a-z0-9_]{1,32}$/.test(op))
    throw malformed('op: expected 1 to 32 of a-z, 0-9 and _');
  const { node, sid } = asTable(given.aud, 'aud');
  if (typeof node !== 'string' || typeof sid !== 'string') throw malformed('aud: expected node and sid');
  const ctr = wholeOf(given, 'ctr');
  if (ctr === undefined) throw malformed('ctr: missing');
  const [notBefore, exp] = [wholeOf(given, 'not_before'), wholeOf(given, 'exp')];
  return { cid, op, args: asTable(args, 'args'), aud: { node, sid }, ctr, notBefore, exp };
}

function wholeOf(given: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = given[name];
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0))
    return value as number | undefined;
  throw malformed(`${name}: expected a whole number`);
}

function asTable(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw malformed(`${name}: expected a table`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('body: expected JSON');
  }
}

function malformed(message: string): Refusal {
  return new Refusal('malformed', message);
}

/** @throws Refusal */
function argumentsOf({ args }: Operation, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return readArguments(args, given);
  } catch (error) {
    if (error instanceof InputError) throw new Refusal('arguments', error.message);
    throw error;
  }
}

function shortened(text: string): string {
  return text.length > MAX_ERROR ? `${text.slice(0, MAX_ERROR)}…` : text;
}

/** What an operation told, where there is room for it. */
function fitting(out: unknown): { out?: unknown; left_out?: true } {
  if (out === undefined) return {};
  return jsonBytes(out) <= MAX_OUT ? { out } : { left_out: true };
}

/** As it is kept where what it told is of people. */
function withoutOut(record: CommandRecord): CommandRecord {
  if (record.out === undefined) return record;
  const { out: _, ...rest } = record;
  return { ...rest, left_out: true };
}

/** The newest keep what they told, as far as there is room. */
function withinOuts(records: readonly CommandRecord[]): CommandRecord[] {
  let left = MAX_OUTS;
  return [...records]
    .reverse()
    .map((record) => {
      if (record.out === undefined) return record;
      left -= jsonBytes(record.out);
      if (left >= 0) return record;
      return withoutOut(record);
    })
    .reverse();
}
