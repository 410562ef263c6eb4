// The state of everything that this router knows: its Yggdrasil nodes, and what happened to their peers.

import type { Peer } from '../api/model.ts';
import type { PeerEvent } from '../api/objects.ts';
import { Emitter } from '../lib/emitter.ts';
import type { Node } from './node.ts';
import type { Peering } from './peering.ts';
import type { Remote } from './remote.ts';

/** One Yggdrasil node with what can be asked and done through it. */
export interface Member {
  readonly node: Node;
  readonly remote: Remote;
  readonly peering: Peering;
}

/** Something that happened to a peer of one node. */
export interface PeerNotice {
  readonly event: PeerEvent;
  readonly interface: string;
  readonly peer: Peer;
}

/** All nodes that are looked after now. */
export class MeshState {
  private members: readonly Member[] = [];
  readonly peerNotices = new Emitter<PeerNotice>();

  /** All nodes, in the order in which they are shown; the first is meant where none is named. */
  all(): readonly Member[] {
    return this.members;
  }

  /** The node of an interface, or the first one. */
  find(name: string | undefined): Member | undefined {
    return name === undefined ? this.members[0] : this.members.find((member) => member.node.name === name);
  }

  replace(members: readonly Member[]): void {
    this.members = members;
  }
}
