// Measures how far hosts are by the time that a TCP connection takes: one dial at a time, names resolved before.

import { errorText } from '../errors.ts';
import { isNumeric, isPublicAddress, type PublicPeer } from '../lib/public-peers.ts';
import type { Measurement } from '../mesh/adviser.ts';
import type { Cancel, Clock, Names, Streams } from '../transport/host.ts';

/** The part of the port that is needed here. */
export interface ProbeHost {
  readonly streams: Pick<Streams, 'dial'>;
  readonly names: Names;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
}

export interface ProbePace {
  /** From one dial to the next, at least, milliseconds. */
  gapMs: number;
  /** Longest wait for a connection, milliseconds. */
  timeoutMs: number;
  /** Whether an address may be dialled: a list of strangers must not lead into the own LAN. */
  mayDial(address: string): boolean;
}

export const PROBE_PACE: ProbePace = { gapMs: 2000, timeoutMs: 5000, mayDial: isPublicAddress };

/** Times that each host is dialled, and failures after which it no longer is. */
const DIALS = 3;
const MAX_FAILURES = 2;
/** When so many fail before one answers, it is the line that is down. */
const HOPELESS = 5;

interface Target {
  peer: PublicPeer;
  address: string | undefined;
  times: number[];
  failures: number;
  problem: string;
}

/** One round of measurements, from its making on. */
export class Probe {
  private readonly targets: Target[];
  private turn = 0;
  private answered = false;
  /** Of the newest dial, or of what should have led to it. */
  private startMs = 0;
  private cancel: Cancel = () => {};

  /** @param onDone the results, or `undefined` when nobody answered; called once, and not after `stop`. */
  constructor(
    private readonly host: ProbeHost,
    peers: readonly PublicPeer[],
    private readonly pace: ProbePace,
    private readonly onDone: (results: ReadonlyMap<PublicPeer, Measurement> | undefined) => void,
  ) {
    this.targets = peers.map((peer) => ({
      peer,
      address: isNumeric(peer.host) ? peer.host : undefined,
      times: [],
      failures: 0,
      problem: '',
    }));
    this.cancel = host.clock.after(0, () => this.next());
  }

  stop(): void {
    this.cancel();
  }

  /** Everyone once, then everyone again: the dials to one host are far apart. */
  private next(): void {
    const { targets, turn } = this;
    const hopeless = !this.answered && turn >= Math.min(HOPELESS, targets.length);
    if (hopeless || turn >= targets.length * DIALS) {
      this.onDone(hopeless ? undefined : new Map(targets.map((target) => [target.peer, resultOf(target)])));
      return;
    }
    const target = targets[turn % targets.length]!;
    this.turn++;
    if (target.failures >= MAX_FAILURES) {
      this.next();
      return;
    }
    this.startMs = this.host.clock.monotonicMs();
    const proceed = (outcome: number | Error): void => {
      if (typeof outcome === 'number') {
        target.times.push(outcome);
        this.answered = true;
      } else {
        target.failures++;
        target.problem = errorText(outcome);
      }
      const restMs = this.startMs + this.pace.gapMs - this.host.clock.monotonicMs();
      this.cancel = this.host.clock.after(Math.max(0, restMs), () => this.next());
    };
    if (target.address !== undefined) this.dial(target.address, target.peer.port, proceed);
    else
      this.cancel = this.host.names.resolve(target.peer.host, (outcome) => {
        if (outcome instanceof Error) proceed(outcome);
        else {
          target.address = outcome.find(this.pace.mayDial) ?? outcome[0] ?? 'nothing';
          this.dial(target.address, target.peer.port, proceed);
        }
      });
  }

  private dial(address: string, port: number, done: (outcome: number | Error) => void): void {
    const { streams, clock } = this.host;
    if (!this.pace.mayDial(address)) {
      done(new Error(`${address} is no address of the Internet`));
      return;
    }
    const startMs = clock.monotonicMs();
    this.startMs = startMs;
    const end = (outcome: number | Error): void => {
      cancelTimer();
      stream.close();
      done(outcome);
    };
    const stream = streams.dial(
      { host: address, port },
      {
        onOpen: () => end(clock.monotonicMs() - startMs),
        onData() {},
        onClose: (error) => end(error ?? new Error('closed at once')),
      },
    );
    const cancelTimer = clock.after(this.pace.timeoutMs, () =>
      end(new Error(`no answer after ${this.pace.timeoutMs} ms`)),
    );
    this.cancel = () => {
      cancelTimer();
      stream.close();
    };
  }
}

/** The middle one of three; of two, the larger. */
function resultOf({ times, problem }: Target): Measurement {
  return times.sort((a, b) => a - b)[1] ?? problem;
}
