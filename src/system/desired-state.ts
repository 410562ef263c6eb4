// What root does for the desired state: changes files on trial, confirms or undoes that, and remembers what was decided.
//
//   apply    trial.json (begun) -> files -> trial.json (applied)
//   confirm  desired.json (applied) -> trial.json goes
//   undo     files -> desired.json (rolled back) -> trial.json goes
//   settle   at boot, and where the service ends: undoes what is not decided
// Each arrow is one file replaced as a whole: wherever the power fails, `settle` leads to the old files or to the new ones. Whoever calls
// has the turn (turn.ts), and has checked who signed.

import { InputError } from '../errors.ts';
import { redact } from '../lib/peer-text.ts';
import type { UciPackage } from '../lib/uci.ts';
import { type Change, optionsOf, subjectOf } from '../lib/uci-path.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import type { Clock } from '../transport/host.ts';
import {
  ChangeJournal,
  type DesiredRecord,
  type JournalHost,
  type Outcome,
  type TrialRecord,
} from './change-journal.ts';
import {
  CHANGED_FILES,
  type ChangeHost,
  type FileCheck,
  filesOf,
  lostSteps,
  planChanges,
  type Rejection,
  type Step,
  writeSteps,
} from './uci-change.ts';
import { fromRaw, UciFile } from './uci-file.ts';

/** The part of the port that is needed here. */
export interface DesiredHost extends ChangeHost, JournalHost {
  readonly files: ChangeHost['files'];
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
}

/** Where it works, and what it asks of the rest of the helper. */
export interface DesiredPlace {
  /** Of the UCI files; of the two files in flash. */
  readonly directory: string;
  readonly state: string;
  /** What the daemon would say of its configuration. */
  readonly check: FileCheck;
  /** Has those who run know of files that changed. @throws (rejects) Error, and the change is undone */
  load(files: readonly string[]): Promise<void>;
}

/** A change that somebody signed who may. */
export interface Order {
  readonly id: string;
  readonly origin:
    | { readonly audience: 'node' | 'site'; readonly gen: number }
    | { readonly key: string; readonly ctr: number };
  readonly confirmS: number;
  readonly changes: readonly Change[];
}

/** A peering that Yggdrasil has to begin or to end now. */
export interface PeerChange {
  interface: string;
  uri: string;
  device?: string;
  change: 'added' | 'removed';
}

/** What became of files, for those who run. */
export interface Effect {
  changed: string[];
  peers: PeerChange[];
}

export interface Applied extends Effect {
  /** `trial`: to be confirmed by its id; otherwise decided at once, for there was nothing to change. */
  result: 'trial' | Outcome;
  id?: string;
  left_s: number;
  rejected: Rejection[];
}

/** An option of the list as it is now. */
export interface CurrentValue {
  path: string;
  value?: string;
  list?: string[];
}

export interface Reading {
  record: DesiredRecord;
  /** How long it lasts: not at all where a cut of power or an end of the helper came between. */
  trial?: Effect & { id: string; left_s: number };
  values: CurrentValue[];
  /** The values with their secrets, as a text: to be hashed, not to be shown. */
  whole: string;
}

/** Kept of what was rejected. */
const MAX_REJECTED = 16;
const MAX_REASON = 200;
/** Keys that are remembered with their counters: as many as a configuration may hold. */
const MAX_COUNTERS = 16;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const NO_EFFECT: Effect = { changed: [], peers: [] };

/** Both journals and the files. Its methods throw (reject with) InputError on what cannot be done now, and Error of the files. */
export class DesiredState {
  private readonly journal: ChangeJournal;

  constructor(
    private readonly host: DesiredHost,
    private readonly place: DesiredPlace,
  ) {
    this.journal = new ChangeJournal(host, place.state);
  }

  /**
   * Makes the changes on trial. Asked once more for the one that is on trial, it answers the same.
   * @throws InputError (field `trial`) while another one is on trial; (field `gen`, `ctr`) when the order is not newer than the last one.
   */
  async apply(order: Order): Promise<Applied> {
    const trial = await this.pending();
    if (trial && (trial.id !== order.id || trial.state !== 'applied'))
      throw new InputError('trial: expected none under way, confirm or undo it first', 'trial');
    if (trial) return this.applied(trial);
    const record = this.journal.desired();
    checkNewer(order, record);
    const { directory, check } = this.place;
    // what the node is told for itself counts more than what all of its site are told
    const own = 'gen' in order.origin && order.origin.audience === 'site' ? (record.node?.subjects ?? []) : [];
    const changes = order.changes.filter((change) => !own.includes(subjectOf(change)));
    const plan = planChanges(this.host.files, directory, changes, { meshbridge: check });
    const begun: TrialRecord = {
      id: order.id,
      state: 'begun',
      boot: this.bootId(),
      begun_ms: this.host.clock.monotonicMs(),
      confirm_s: order.confirmS,
      origin: 'gen' in order.origin ? { ...order.origin, subjects: order.changes.map(subjectOf) } : order.origin,
      steps: plan.steps,
      rejected: plan.rejected
        .slice(0, MAX_REJECTED)
        .map(({ path, reason }) => ({ path, reason: reason.slice(0, MAX_REASON) })),
    };
    if (plan.steps.length === 0) {
      const result = plan.rejected.length > 0 && plan.rejected.length === changes.length ? 'rejected' : 'applied';
      await this.decide(begun, result);
      return { ...NO_EFFECT, result, left_s: 0, rejected: [...begun.rejected] };
    }
    await this.journal.setTrial(begun);
    try {
      await writeSteps(this.host, directory, plan.steps, 'do');
      const trial: TrialRecord = { ...begun, state: 'applied' };
      await this.journal.setTrial(trial);
      await this.place.load(filesOf(plan.steps));
      return this.applied(trial);
    } catch (error) {
      await this.revert(begun);
      this.journal.removeTrial();
      throw error;
    }
  }

  /** Ends the trial: the changes stay. @returns what somebody else changed meanwhile. @throws InputError (field `id`) when there is none that may. */
  async confirm(id: string): Promise<{ rejected: Rejection[] }> {
    const trial = await this.pending();
    if (!trial) {
      const { last } = this.journal.desired();
      if (last?.id === id && last.st === 'applied') return { rejected: [] };
    }
    if (trial?.id !== id || this.leftMs(trial) <= 0)
      throw new InputError('id: expected that of a trial under way whose time is not over', 'id');
    const reason = 'changed by somebody else meanwhile';
    const lost = lostSteps(this.host.files, this.place.directory, trial.steps).map((path) => ({ path, reason }));
    const rejected = [...trial.rejected, ...lost].slice(0, MAX_REJECTED);
    await this.decide({ ...trial, rejected }, 'applied');
    this.journal.removeTrial();
    return { rejected };
  }

  /** Undoes a trial; what somebody else set meanwhile stays. Asked once more, it does nothing. @throws InputError (field `id`) when there is none. */
  async undo(id: string, why: string): Promise<Effect> {
    const trial = await this.pending();
    if (!trial && this.journal.desired().last?.id === id) return NO_EFFECT;
    if (trial?.id !== id) throw new InputError('id: expected that of a trial under way', 'id');
    await this.revert(trial);
    await this.place.load(filesOf(trial.steps));
    await this.decide(trial, 'rolled-back', why);
    this.journal.removeTrial();
    return effectOf(trial.steps, 'undo');
  }

  /**
   * Undoes what is not decided: at boot, before anything reads the files, and when the daemon is stopped.
   * @returns whether there was something.
   */
  async settle(why: string): Promise<boolean> {
    for (const name of CHANGED_FILES) this.file(name).removeLeftovers();
    const trial = await this.pending();
    if (!trial) return false;
    await this.revert(trial);
    // at boot there is nobody yet who would have to know
    await this.place.load(filesOf(trial.steps)).catch(() => {});
    await this.decide(trial, 'rolled-back', why);
    this.journal.removeTrial();
    return true;
  }

  /** What was decided, what is on trial, and what the options of the list are now; addresses of peerings as they may be shown. */
  read(): Reading {
    const record = this.journal.desired();
    const trial = this.journal.trial();
    const values = CHANGED_FILES.flatMap((name) => valuesOf(name, this.file(name).read() ?? { sections: [] }));
    return {
      record,
      // one that was decided waits for nothing but its file to go
      ...(trial && record.last?.id !== trial.id && { trial: { id: trial.id, ...this.underWay(trial) } }),
      values: values.map((one) => (one.list ? { ...one, list: one.list.map(redact) } : one)),
      whole: JSON.stringify(values),
    };
  }

  /** The trial under way; of one that was decided, what was left to be done is done first. */
  private async pending(): Promise<TrialRecord | undefined> {
    const trial = this.journal.trial();
    const { last } = this.journal.desired();
    if (!trial || last?.id !== trial.id) return trial;
    if (last.st === 'rolled-back') await this.revert(trial);
    this.journal.removeTrial();
    return undefined;
  }

  private applied(trial: TrialRecord): Applied {
    return { ...this.underWay(trial), id: trial.id, result: 'trial', rejected: [...trial.rejected] };
  }

  private underWay(trial: TrialRecord): Effect & { left_s: number } {
    return { ...effectOf(trial.steps, 'do'), left_s: Math.max(0, Math.floor(this.leftMs(trial) / 1000)) };
  }

  private async revert(trial: TrialRecord): Promise<void> {
    await writeSteps(this.host, this.place.directory, trial.steps, 'undo');
  }

  /** The one write that decides. */
  private async decide({ id, origin, rejected }: TrialRecord, st: Outcome, error?: string): Promise<void> {
    const record = this.journal.desired();
    if ('gen' in origin) {
      const { audience, gen } = origin;
      const last = { id, st, audience };
      // what it takes the place of stays in force where it did not work out
      const subjects = st === 'applied' ? origin.subjects : (record[audience]?.subjects ?? []);
      const decided = {
        gen,
        st,
        subjects,
        ...(rejected.length > 0 && { rejected }),
        ...(error !== undefined && { error }),
      };
      return this.journal.setDesired({ ...record, [audience]: decided, last });
    }
    const others = Object.entries(record.counters ?? {}).filter(([key]) => key !== origin.key);
    const counters = Object.fromEntries([...others.slice(1 - MAX_COUNTERS), [origin.key, origin.ctr]]);
    return this.journal.setDesired({ ...record, counters, last: { id, st } });
  }

  private leftMs({ state, boot, begun_ms: begunMs, confirm_s: confirmS }: TrialRecord): number {
    if (state !== 'applied' || boot !== this.bootId()) return 0;
    return begunMs + confirmS * 1000 - this.host.clock.monotonicMs();
  }

  private bootId(): string {
    const bytes = this.host.files.read(BOOT_ID, 256);
    return bytes ? decodeUtf8(bytes).trim() : '';
  }

  private file(name: string): UciFile {
    return new UciFile(this.host.files, this.place.directory, name);
  }
}

function checkNewer({ origin }: Order, record: DesiredRecord): void {
  if ('gen' in origin) {
    const known = record[origin.audience]?.gen ?? 0;
    if (origin.gen <= known) throw new InputError(`gen: expected more than ${known}, got ${origin.gen}`, 'gen');
  } else {
    const known = record.counters?.[origin.key];
    if (known !== undefined && origin.ctr <= known)
      throw new InputError(`ctr: expected more than ${known}, got ${origin.ctr}`, 'ctr');
  }
}

function effectOf(steps: readonly Step[], way: 'do' | 'undo'): Effect {
  const peers: PeerChange[] = [];
  for (const step of steps) {
    if ('option' in step) continue;
    const [before, after] = way === 'do' ? [step.was, step.to] : [step.to, step.was];
    for (const [section, change] of [
      [before, 'removed'],
      [after, 'added'],
    ] as const) {
      const { address, interface: device } = section?.options ?? {};
      if (typeof address !== 'string') continue;
      const name = { interface: step.interface, uri: fromRaw(address), change };
      peers.push(typeof device === 'string' ? { ...name, device: fromRaw(device) } : name);
    }
  }
  return { changed: filesOf(steps), peers };
}

function valuesOf(file: string, { sections }: UciPackage): CurrentValue[] {
  const values: CurrentValue[] = [];
  const add = (path: string, value: string | readonly string[]): void => {
    values.push(typeof value === 'string' ? { path, value: fromRaw(value) } : { path, list: value.map(fromRaw) });
  };
  const peers = new Map<string, string[]>();
  for (const { type, name, anonymous, options } of sections) {
    const address = options.get('address')?.value;
    if (file === 'network' && /^yggdrasil_\w{1,15}_peer$/.test(type) && typeof address === 'string')
      peers.set(type, [...(peers.get(type) ?? []), address]);
    if (anonymous) continue;
    for (const option of optionsOf(file, type)) {
      const value = options.get(option)?.value;
      if (value !== undefined) add(`${file}.${name}.${option}`, value);
    }
  }
  for (const [type, addresses] of peers) add(`network.${type}.address`, addresses);
  return values;
}
