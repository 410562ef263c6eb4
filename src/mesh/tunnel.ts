// Tunnels between homes and gateways: their size, and what whoever makes them on the machine has to do.

import type { Terms, TunnelKind } from '../api/lease.ts';

/** Bytes of headers around a packet, in the mesh's IPv6. GRE without the option of its encapsulation limit. */
const OVERHEAD: Readonly<Record<TunnelKind, number>> = { gre6: 44, wireguard: 80, vxlan: 70 };
/** What the Internet takes. */
const MOST = 1500;
/** IPv6 needs as much. */
export const LEAST_MTU6 = 1280;

/** MTU of a tunnel between two nodes whose Yggdrasils have these MTUs. */
export function tunnelMtu(kind: TunnelKind, meshMtu: number, otherMeshMtu: number): number {
  return Math.min(MOST, Math.min(meshMtu, otherMeshMtu) - OVERHEAD[kind]);
}

/** What tunnels a machine can make. */
export interface TunnelAbility {
  readonly kinds: readonly {
    readonly kind: TunnelKind;
    /** Why it cannot be made: a missing module, say. */
    readonly problem?: string;
  }[];
  /** MTU of its Yggdrasil. */
  readonly meshMtu: number;
  /** Public key of WireGuard, base64. */
  readonly wireguardKey?: string;
}

/** A home has two tunnels at most: the one in use, and one that is being prepared or left. */
export type Slot = 0 | 1;

/** Packets of one tunnel since it was made. */
export interface Flow {
  readonly rxPackets: number;
  readonly txPackets: number;
}

/**
 * A home's tunnels on the machine. Every call may be repeated, after a crash, say: what is there already and fits is not touched.
 * Calls come one at a time; each resolves when the kernel shows what was asked for, and rejects with why not.
 */
export interface TunnelPlane {
  /** Looks, and leaves nothing. */
  ability(): Promise<TunnelAbility>;
  /**
   * Device, inner addresses, MTU, and what it takes that packets from an inner address leave by this tunnel; none of the LAN's do yet.
   */
  build(slot: Slot, terms: Terms): Promise<void>;
  drop(slot: Slot): Promise<void>;
  /** At once and cheap, for it is asked twice a second; `undefined`: there is no such device. */
  flow(slot: Slot): Flow | undefined;
}

/** The way of the LAN's packets on the machine. As TunnelPlane. */
export interface RoutePlane {
  /** Sends the LAN's packets, IPv4 and IPv6, and its questions for names by a tunnel; what flowed another way is reset. Without a slot they are refused. */
  use(slot: Slot | undefined, terms: Terms | undefined): Promise<void>;
  /** Whether packets of the LAN are kept from the own line; it stays so, whoever flushes rules, until it is called again. */
  block(on: boolean): Promise<void>;
  /** Writes down what stays after a power-cycle, and that leases are in use. */
  keep(terms: Terms): Promise<void>;
  /** Takes everything of ours away: the line serves as if this had never been here. */
  undo(): Promise<void>;
}

/** What a client's packets are kept to, of all kinds and both families together; absent: nothing. */
export interface TunnelLimits {
  /** As the client sees the direction. */
  readonly downKbits?: number;
  readonly upKbits?: number;
  /** Connections at the same time. */
  readonly flows?: number;
}

/** Those of one client. */
export interface ClientLimit {
  readonly slot: number;
  readonly limits: TunnelLimits;
}

/** The gateway's end of one client's tunnel. */
export interface ClientTunnel {
  /** Number of the client: names and numbers on the machine follow from it. */
  readonly slot: number;
  readonly kind: TunnelKind;
  /** The client's address in the mesh. */
  readonly outer: string;
  readonly home4: string;
  readonly home6?: string;
  readonly mtu: number;
  readonly vni?: number;
  /** The client's, base64. */
  readonly wireguardKey?: string;
  /** Its packets are refused, those of flows that stand too. */
  readonly suspended: boolean;
  /** Absent: none. */
  readonly limits?: TunnelLimits;
  /** Number of the block of ports by which its packets leave; absent: whichever are free. */
  readonly block?: number;
}

/** What is to become of the tunnels of a gateway; all of it at once. */
export interface ClientChange {
  readonly add: readonly ClientTunnel[];
  /** Slots. */
  readonly remove: readonly number[];
  readonly suspend: readonly number[];
  readonly resume: readonly number[];
  /** Other limits than before; absent: of nobody. */
  readonly limit?: readonly ClientLimit[];
}

/** What could not be done, by slot. */
export type ClientProblems = ReadonlyMap<number, string>;

/** Bytes from and to a client's inner addresses since its tunnel was made. */
export interface ClientFlow {
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** What a gateway does without where the kernel cannot: keep homes to a speed, count their connections, have them share a line evenly. */
export const LACKS = ['rates', 'flows', 'fair'] as const;

/** One of them. */
export interface GatewayLack {
  readonly what: (typeof LACKS)[number];
  /** A sentence: what that means, and what is missing. */
  readonly problem: string;
}

/** What a machine can do as a gateway. */
export interface GatewayAbility extends TunnelAbility {
  readonly ipv6: boolean;
  readonly lacks: readonly GatewayLack[];
}

/** A gateway's tunnels on the machine, with what keeps clients apart and counts them. Calls come one at a time. */
export interface ClientPlane {
  /** Looks, and leaves nothing. */
  ability(): Promise<GatewayAbility>;
  /** Makes these tunnels be, and no others of ours; what fits already is not touched, so that traffic goes on. */
  restore(clients: readonly ClientTunnel[]): Promise<ClientProblems>;
  change(change: ClientChange): Promise<ClientProblems>;
  /** By slot. */
  use(): Promise<ReadonlyMap<number, ClientFlow>>;
  /** Packets that were dropped since the rules were made, for they were not of whom they said; as of the last `use`, `undefined` before it. */
  readonly spoofed: number | undefined;
  /** Whether what keeps clients apart is still there: whoever loads rules anew may have flushed everybody's. */
  isWhole(): Promise<boolean>;
}
