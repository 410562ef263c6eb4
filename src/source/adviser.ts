// The life of the adviser for public peers: reads the list, has rounds measured, and carries out what mesh/adviser.ts decides.

import type { AdviserStatus } from '../api/model.ts';
import { errorText, InputError } from '../errors.ts';
import { identityOf } from '../lib/peer-text.ts';
import { MAX_KEPT_BYTES, type PublicPeer, parsePublicPeers } from '../lib/public-peers.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import {
  ADVISER_PACE,
  Adviser,
  type AdviserAct,
  type AdviserNode,
  type AdviserPace,
  type AdviserRecord,
  type AdviserWorld,
} from '../mesh/adviser.ts';
import type { PeeringName } from '../mesh/peer.ts';
import type { Member } from '../mesh/state.ts';
import type { Cancel, Files } from '../transport/host.ts';
import { PROBE_PACE, Probe, type ProbeHost, type ProbePace } from './probe.ts';

/** What the adviser sees of the router. */
export interface AdviserView {
  members(): readonly Pick<Member, 'node' | 'peering'>[];
  configured(iface: string): readonly PeeringName[] | undefined;
  /** Whether there is a line to the Internet; `undefined`: that is not known. */
  isOnline(): boolean | undefined;
}

/** Keeps the record where it outlives the daemon but not a power-cycle. */
export interface AdviserStore {
  load(): AdviserRecord;
  save(record: AdviserRecord): void;
}

export interface AdviserOptions {
  readonly host: ProbeHost & { readonly files: Pick<Files, 'read'> };
  /** Uniform in [0, 1). */
  random(): number;
  readonly view: AdviserView;
  readonly store: AdviserStore;
  /** Path of the list; there need not be one. */
  readonly list: string;
  readonly log: Log;
  readonly pace?: AdviserPace & ProbePace & { stepMs: number };
}

const PACE = { ...ADVISER_PACE, ...PROBE_PACE, stepMs: 30_000 };
/** Acts of one step; what is left waits for the next. */
const MAX_ACTS = 16;
/** Trials end by themselves so much later than they should be decided. */
const GRACE_S = 120;
/** Longest trial that can be asked for. */
const MAX_TRY_S = 3600;

/** The adviser, on or off. While it is off and nothing of it is left, it holds nothing and does nothing. */
export class AdviserSource {
  private readonly pace;
  private on = false;
  /** Everything was removed by hand: it rests until it is switched on anew. */
  private resting = false;
  private adviser: Adviser | undefined;
  private probe: Probe | undefined;
  private timer: Cancel | undefined;
  private step: Promise<void> | undefined;
  private listed = 0;
  private listProblem: string | undefined;

  constructor(private readonly options: AdviserOptions) {
    this.pace = options.pace ?? PACE;
  }

  /**
   * Switches it on or off, and has it look at the list, which may have changed. To be called at the start, too: when it is off, what an
   * earlier daemon left behind is removed.
   */
  setEnabled(on: boolean): void {
    const isNew = this.on !== on;
    if (isNew) this.resting = false;
    this.on = on;
    if (this.resting) return;
    if (!this.adviser || (on && isNew)) {
      const { store, random } = this.options;
      const record = this.adviser?.record() ?? store.load();
      if (!on && record.kept.length + record.leaving.length === 0) return;
      this.adviser = new Adviser(record, this.pace, random, this.nowMs());
    }
    if (on) this.readList();
    else this.retire();
    void this.go();
  }

  /** A Yggdrasil was connected to. */
  linkUp(iface: string): void {
    this.adviser?.onLinkUp(iface);
  }

  /** Ends all work; what it added stays, and is on record. */
  stop(): void {
    this.timer?.();
    this.timer = undefined;
    this.probe?.stop();
    this.probe = undefined;
    this.adviser = undefined;
  }

  /** Removes every peering that it added, and rests until it is switched on anew. @returns a sentence. */
  async undo(): Promise<string> {
    if (!this.on) throw new InputError('the adviser is off: there is nothing of it to undo');
    this.resting = true;
    const count = this.adviser ? this.retire() : 0;
    await this.step;
    await this.go();
    const left = this.adviser?.record().leaving.length ?? 0;
    const rests = 'the adviser rests until it is switched off and on, or the daemon starts again';
    const later = left > 0 ? `, ${left} of them as soon as Yggdrasil answers` : '';
    return `${count === 1 ? '1 peering' : `${count} peerings`} removed${later}; ${rests}`;
  }

  status(): AdviserStatus {
    const { on, resting, adviser, listed } = this;
    if (!on || resting || !adviser) {
      const off = { enabled: on, state: 'off', listed: 0, candidates: [] };
      return resting ? { ...off, problem: 'undone by hand: it rests until it is switched off and on' } : off;
    }
    const { state, ...rest } = adviser.status(this.nowMs());
    const status: AdviserStatus = { enabled: true, state, listed, ...rest };
    if (this.probe) status.state = 'measuring';
    const isOffline = this.options.view.isOnline() === false;
    const problem = this.listProblem ?? (isOffline ? 'no line to the Internet: it waits for one' : undefined);
    if (listed === 0) {
      status.state = 'no_list';
      delete status.next_s;
    }
    if (problem !== undefined) status.problem = problem;
    return status;
  }

  private retire(): number {
    this.probe?.stop();
    this.probe = undefined;
    return this.adviser?.retire() ?? 0;
  }

  /** One step at a time, and the next one after a while. */
  private go(): Promise<void> {
    this.step ??= this.run()
      .catch((error) => this.options.log.warn('step failed', { error: errorText(error) }))
      .finally(() => {
        this.step = undefined;
        this.timer?.();
        this.timer = this.adviser && this.options.host.clock.after(this.pace.stepMs, () => void this.go());
      });
    return this.step;
  }

  private async run(): Promise<void> {
    await this.refresh();
    const { store, log } = this.options;
    for (let i = 0; i < MAX_ACTS; i++) {
      const { adviser } = this;
      if (!adviser) return;
      const act = adviser.next(this.world(), this.nowMs());
      // on record before it is done
      store.save(adviser.record());
      if (!act) break;
      const what = { interface: act.interface, peer: identityOf(act.uri) };
      try {
        await this.carryOut(act);
        adviser.done(act);
        log.info(act.kind, what);
      } catch (error) {
        log.warn(`${act.kind} failed`, { ...what, error: errorText(error) });
        adviser.failed(act, !(error instanceof InputError), this.nowMs());
        break;
      }
    }
    if (this.on && !this.resting) this.measure();
    else this.conclude();
  }

  /** Once nothing is left of what it added, an adviser that is off or rests is gone. */
  private conclude(): void {
    if (this.adviser?.record().leaving.length === 0) this.stop();
  }

  private async carryOut({ kind, interface: iface, uri }: AdviserAct): Promise<void> {
    const peering = this.options.view.members().find(({ node }) => node.name === iface)?.peering;
    if (!peering) throw new Error(`${iface} is gone`);
    if (kind === 'try') await peering.try({ uri }, Math.min(MAX_TRY_S, Math.ceil(this.pace.trialMs / 1000) + GRACE_S));
    else {
      try {
        if (kind === 'keep') await peering.confirm({ uri });
        else if (kind === 'add') await peering.add({ uri });
        else await peering.remove({ uri }, false);
      } catch (error) {
        // people were faster: it is there, is gone, or is confirmed already
        if (!(error instanceof InputError)) throw error;
      }
    }
  }

  /** Begins a round where one is due, and breaks off the one under way when the line is gone. */
  private measure(): void {
    const { adviser, pace, options } = this;
    if (!adviser) return;
    const nowMs = this.nowMs();
    const world = this.world();
    if (this.probe) {
      if (world.online) return;
      this.probe.stop();
      this.probe = undefined;
      adviser.finish(undefined, nowMs);
      return;
    }
    const isReady = world.online && adviser.isDue(nowMs) && world.nodes.some(({ connected }) => connected);
    // where there is no list, one that comes is noticed
    if (!isReady && this.listed > 0) return;
    const list = this.readList();
    if (!isReady) return;
    const sample = list.length > 0 ? adviser.plan(list, world, nowMs) : [];
    if (sample.length === 0) return;
    options.store.save(adviser.record());
    options.log.info('measuring', { peers: sample.length });
    this.probe = new Probe(options.host, sample, pace, (results) => {
      this.probe = undefined;
      adviser.finish(this.world().online ? results : undefined, this.nowMs());
      if (!results) options.log.info('no public peer answered');
      void this.go();
    });
  }

  private readList(): readonly PublicPeer[] {
    const { host, list, log } = this.options;
    let peers: PublicPeer[] = [];
    let problem: string | undefined;
    try {
      const bytes = host.files.read(list, MAX_KEPT_BYTES);
      if (bytes) peers = parsePublicPeers(decodeUtf8(bytes));
    } catch (error) {
      problem = errorText(error);
      if (problem !== this.listProblem) log.warn('list not read', { error: problem });
    }
    this.listed = peers.length;
    this.listProblem = problem;
    return peers;
  }

  /** Has the peers of each node read anew where they are older than a step. */
  private async refresh(): Promise<void> {
    for (const { node } of this.options.view.members()) {
      const peers = node.current('peers');
      if (!node.connected || (peers && this.nowMs() - peers.atMs < this.pace.stepMs)) continue;
      try {
        await node.source?.refresh('peers');
      } catch {
        // it counts as not connected until it answers
      }
    }
  }

  private world(): AdviserWorld {
    const { view } = this.options;
    const nodes = view.members().map(({ node }): AdviserNode => {
      const peers = node.current('peers');
      return {
        interface: node.name,
        connected: peers !== undefined,
        key: node.view('self')?.value.key,
        peers: peers?.value.peers ?? [],
        configured: view.configured(node.name) ?? [],
      };
    });
    return { online: view.isOnline() !== false, nodes };
  }

  private nowMs(): number {
    return this.options.host.clock.monotonicMs();
  }
}
