// Does the mesh work, and if not, which is the first broken link of the chain: judged from facts that others gather.

import type { MulticastInterface, Peer, Self, TreeEntry, Uplink } from '../api/model.ts';
import type { PeeringName } from './peer.ts';

/** What came of resolving one host name that a configured peering uses. */
export interface DnsFact {
  readonly host: string;
  /** `unknown`: the answer held no address; `timeout`: there was no answer. */
  readonly result: 'found' | 'unknown' | 'timeout';
}

/** The wall clock, and between what it must be; Unix milliseconds. */
export interface ClockFact {
  readonly unixMs: number;
  /** This program was built then. */
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** What netifd says of Yggdrasil's interface. */
export interface SetupFact {
  readonly up: boolean;
  readonly pending: boolean;
  /** Codes: `SETUP_FAILED`, say. */
  readonly errors: readonly string[];
}

/** One Yggdrasil of this router. What it said counts while it is connected; absent: not said yet. */
export interface YggdrasilFact {
  readonly interface: string;
  /** Since when it answers, on the clock of `nowMs`; absent: it does not. */
  readonly connectedAtMs?: number | undefined;
  /** The error of the last attempt to reach it. */
  readonly problem?: string | undefined;
  /** Absent: netifd does not know it, or was not asked. */
  readonly setup?: SetupFact | undefined;
  /** Peerings of the configuration; absent: not known. */
  readonly configured?: readonly PeeringName[] | undefined;
  readonly peers?: readonly Peer[] | undefined;
  readonly multicast?: readonly MulticastInterface[] | undefined;
  readonly self?: Self | undefined;
  readonly tree?: readonly TreeEntry[] | undefined;
}

/** All that a verdict rests on. */
export interface VerdictFacts {
  /** Interfaces that hold a default route, did, or should; absent: netifd does not answer. */
  readonly uplinks?: readonly Uplink[] | undefined;
  /** Absent: no configured peering has a name, or none was asked for yet. */
  readonly dns?: DnsFact | undefined;
  readonly clock: ClockFact;
  /** Absent: there is none on this router. */
  readonly yggdrasil?: YggdrasilFact | undefined;
}
