// A command desk with operations of its own, keys that sign, and whatever becomes of it.

import type { Cap, DeskCap, Scope } from '../../src/api/scope.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { type EnvelopeSigner, sealEnvelope } from '../../src/lib/envelope.ts';
import { keyIdOf } from '../../src/lib/node-id.ts';
import type { Log } from '../../src/log.ts';
import { KEY, maybe, whole } from '../../src/mesh/argument.ts';
import {
  CommandDesk,
  type CommandJournal,
  type CommandKey,
  type CommandParts,
  type CommandState,
} from '../../src/mesh/command.ts';
import { type Operations, operation } from '../../src/mesh/operation.ts';
import { ManualClock } from './clock.ts';
import { crypto } from './crypto.ts';

export const NODE = 'abcdefghijklm';
export const SID = 'aaaabbbbcccc';

/** A key with its seed: the same for the same number. */
export class Signer implements EnvelopeSigner {
  readonly seed: Uint8Array;
  readonly public: string;
  readonly key: string;

  constructor(number: number) {
    this.seed = new Uint8Array(32).fill(number);
    this.public = toHex(crypto.ed25519Public(this.seed));
    this.key = keyIdOf(this.public);
  }

  sign = (bytes: Uint8Array): Uint8Array => crypto.ed25519Sign(this.seed, bytes);

  entry(name: string, scope: Scope): CommandKey {
    return { name, public: this.public, scope };
  }
}

export const OPERATOR = new Signer(1);
export const OBSERVER = new Signer(2);
export const STRANGER = new Signer(3);

/** An answer, as it is sent. */
export interface Answer {
  cid: string;
  op: string;
  st: string;
  code?: string;
  error?: string;
  out?: unknown;
  left_out?: true;
  part?: number;
  parts?: number;
  sid: string;
  t?: number;
}

/** What may be changed of a command that is else a good one. */
export interface Parts {
  [member: string]: unknown;
}

let lastCtr = 0;
let lastCid = 0;

/** A signed command; by the operator, unless signers are given. */
export function command(parts: Parts = {}, signers: readonly EnvelopeSigner[] = [OPERATOR]): Uint8Array {
  const body = { cid: `c-${++lastCid}`, op: 'act', args: {}, aud: { node: NODE, sid: SID }, ctr: ++lastCtr, ...parts };
  return sealEnvelope('cmd', JSON.stringify(body), signers);
}

/** Keeps the state as a file would: as text. */
export class MemoryJournal implements CommandJournal {
  text: string | undefined;
  saves = 0;
  /** Throws instead of the save with this number, and all later ones. */
  failsFrom = Number.POSITIVE_INFINITY;
  /** Called before a save counts, and after. */
  onSave: ((when: 'before' | 'after') => void) | undefined;

  load(): CommandState {
    return this.text === undefined ? { counters: {}, records: [] } : JSON.parse(this.text);
  }

  save(state: CommandState): void {
    if (++this.saves >= this.failsFrom) throw new Error('No space left on device');
    this.onSave?.('before');
    this.text = JSON.stringify(state);
    this.onSave?.('after');
  }
}

interface BenchOptions {
  journal?: CommandJournal;
  clock?: ManualClock;
  operations?: Operations;
  /** Takes an answer in place of `answers`. */
  onAnswer?(answer: Answer): void | Promise<void>;
  /** Checks signatures; those that are forged are to be told from others. */
  verify?: CommandParts['verify'];
}

/** A desk and all around it. */
export class Bench {
  readonly clock: ManualClock;
  readonly answers: Answer[] = [];
  readonly done: string[] = [];
  readonly lines: string[] = [];
  readonly journal: CommandJournal;
  keys: CommandKey[] = [OPERATOR.entry('operator', 'operate'), OBSERVER.entry('observer', 'observe')];
  cap: Cap = 'configure';
  deskCap: DeskCap = 'none';
  trusted = true;
  /** Signatures that were checked. */
  checks = 0;
  /** Ends `wait`. */
  finish: ((out?: unknown) => void) | undefined;
  readonly desk: CommandDesk;

  constructor(options: BenchOptions = {}) {
    this.journal = options.journal ?? new MemoryJournal();
    this.clock = options.clock ?? new ManualClock();
    const { clock } = this;
    const log: Log = {
      error: (event, fields) => void this.lines.push(`error ${event} ${JSON.stringify(fields)}`),
      warn: (event, fields) => void this.lines.push(`warn ${event} ${JSON.stringify(fields)}`),
      info: (event, fields) => void this.lines.push(`info ${event} ${JSON.stringify(fields)}`),
      debug() {},
    };
    this.desk = new CommandDesk({
      node: NODE,
      sid: SID,
      keys: () => this.keys,
      permit: () => ({ cap: this.cap, desk: this.deskCap }),
      clock: {
        monotonicMs: () => clock.monotonicMs(),
        unixMs: () => clock.unixMs(),
        isTrusted: () => this.trusted,
        after: (delayMs, callback) => clock.after(delayMs, callback),
      },
      verify: (key, bytes, signature) => {
        this.checks++;
        return (options.verify ?? crypto.ed25519Verify)(key, bytes, signature);
      },
      journal: this.journal,
      operations: options.operations ?? this.operations(),
      answer: (body) => {
        const answer = JSON.parse(body) as Answer;
        if (options.onAnswer) return options.onAnswer(answer);
        this.answers.push(answer);
      },
      log,
    });
  }

  /** Gives a message to the desk; answers with what that says to it, once nothing is left to do at once. */
  async take(payload: Uint8Array, retained = false): Promise<Answer[]> {
    const before = this.answers.length;
    this.desk.take(payload, retained);
    await this.clock.advance(0);
    return this.answers.slice(before);
  }

  /** The one answer to a message, as `st code`. */
  async verdict(payload: Uint8Array, retained = false): Promise<string> {
    const answers = await this.take(payload, retained);
    return answers.map(({ st, code }) => (code === undefined ? st : `${st} ${code}`)).join(', ');
  }

  refused(): Record<string, number> {
    return this.desk.list().refused;
  }

  private operations(): Operations {
    const act = (name: string): void => void this.done.push(name);
    return {
      look: operation({ scope: 'observe', args: {}, run: () => ({ seen: true }) }),
      act: operation({
        scope: 'operate',
        args: { key: maybe(KEY), count: maybe(whole(1, 5)) },
        run: ({ count }) => act(`act ${count ?? ''}`.trim()),
      }),
      change: operation({ scope: 'configure', args: {}, run: () => act('change') }),
      fail: operation({
        scope: 'operate',
        args: {},
        run: () => {
          throw new Error('it broke');
        },
      }),
      wait: operation({
        scope: 'operate',
        isSlow: true,
        args: {},
        run: (_, { progress }) =>
          new Promise((resolve) => {
            act('wait');
            progress({ step: 1 });
            this.finish = resolve;
          }),
      }),
      // of people, in three parts
      list: operation({
        scope: 'desk',
        isPrivate: true,
        args: {},
        async run(_, { part, by }) {
          for (const homes of [[1, 2], [3], [4]]) await part({ homes });
          return { total: 4, by };
        },
      }),
      restart: operation({ scope: 'operate', endsDaemon: true, args: {}, run: () => act('restart') }),
    };
  }
}
