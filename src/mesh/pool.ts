// The inner addresses that a gateway gives: everything about a client's tunnel follows from one number, its slot.

import { addressAt, countOf, formatIp, inPrefix, type Prefix, parseIp } from '../lib/ip.ts';

/** Slot 0 is the prefix itself, slot 1 the gateway. */
const GATEWAY = 1;
const FIRST = 2;
/** Numbers of VXLAN below are left to others. */
const FIRST_VNI = 4096;
/** Slots at most: names on the machine have four hex digits for them. */
const MOST = 65_536;

/** Ports of the Internet's side that are given to homes in blocks: all but those of services. */
const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;

/** TCP and UDP ports. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The private prefix of IPv6 that a gateway has by its key: `fd`, 40 bits of it, and subnet 0. Source: RFC 4193. */
export function pool6Of(key: string): Prefix {
  const bytes = new Uint8Array(16);
  bytes[0] = 0xfd;
  // the last digits, for the first ones are zeros where somebody looked for a short address
  for (let i = 0; i < 5; i++) bytes[1 + i] = Number.parseInt(key.slice(54 + 2 * i, 56 + 2 * i), 16);
  return { bytes, length: 64 };
}

/** FNV-1a: spreads keys, and keeps no secret. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return sum >>> 0;
}

/** The addresses of one gateway. */
export class Pool {
  readonly gateway4: string;
  readonly gateway6: string;
  /** Slots that clients can have. */
  readonly size: number;
  /** Blocks of ports that clients can have; 0: they have none of their own. */
  readonly blocks: number;

  /** @param key of the gateway's Yggdrasil, 64 hex digits. @param portBlock ports of one client. */
  constructor(
    private readonly pool4: Prefix,
    private readonly pool6: Prefix,
    private readonly key: string,
    private readonly portBlock?: number,
  ) {
    this.gateway4 = this.home4(GATEWAY);
    this.gateway6 = this.home6(GATEWAY);
    // the last address of an IPv4 prefix is everybody's
    this.size = countOf(pool4, MOST) - FIRST - 1;
    this.blocks = portBlock === undefined ? 0 : Math.floor(PORTS / portBlock);
  }

  /**
   * A slot for a client: where it hashes to, else the next one that is free; so a client has the same after everything was forgotten, and another
   * one at another gateway. `undefined`: all are taken.
   */
  slotFor(key: string, isTaken: (slot: number) => boolean): number | undefined {
    const start = hash(key + this.key) % this.size;
    for (let i = 0; i < this.size; i++) {
      const slot = FIRST + ((start + i) % this.size);
      if (!isTaken(slot)) return slot;
    }
    return undefined;
  }

  /** A block of ports for a client, as `slotFor`. */
  blockFor(key: string, isTaken: (block: number) => boolean): number | undefined {
    const start = this.blocks === 0 ? 0 : hash(key + this.key) % this.blocks;
    for (let i = 0; i < this.blocks; i++) {
      const block = (start + i) % this.blocks;
      if (!isTaken(block)) return block;
    }
    return undefined;
  }

  /** The ports of a block. */
  ports(block: number): PortRange {
    const size = this.portBlock ?? 0;
    const first = FIRST_PORT + block * size;
    return { first, last: first + size - 1 };
  }

  /** The block that has exactly these ports; `undefined`: blocks are others now. */
  blockOf({ first, last }: PortRange): number | undefined {
    const block = this.portBlock === undefined ? -1 : (first - FIRST_PORT) / this.portBlock;
    return this.hasBlock(block) && this.ports(block).last === last ? block : undefined;
  }

  /** Whether a number may be that of a client's block. */
  hasBlock(block: number): boolean {
    return Number.isInteger(block) && block >= 0 && block < this.blocks;
  }

  /** Whether a number may be a client's slot. */
  has(slot: number): boolean {
    return Number.isInteger(slot) && slot >= FIRST && slot < FIRST + this.size;
  }

  home4(slot: number): string {
    return formatIp(addressAt(this.pool4, slot));
  }

  home6(slot: number): string {
    return formatIp(addressAt(this.pool6, slot));
  }

  /** Whose an inner address is; `undefined`: no client's. */
  slotOf(address: string): number | undefined {
    const bytes = parseIp(address);
    const pool = [this.pool4, this.pool6].find((one) => bytes && inPrefix(bytes, one));
    if (!bytes || !pool) return undefined;
    let slot = 0;
    for (let at = 0; at < bytes.length; at++) slot = slot * 256 + (bytes[at]! - pool.bytes[at]!);
    return this.has(slot) ? slot : undefined;
  }

  /** Prefix length of IPv4, for homes that set it. */
  get bits4(): number {
    return this.pool4.length;
  }

  vni(slot: number): number {
    return FIRST_VNI + slot;
  }
}
