// What a home leaves to programs of the machine where they are in charge of it: netifd, fw4 and dnsmasq on OpenWrt. Elsewhere ip does all of it.

import type { TunnelKind } from '../api/lease.ts';
import type { Slot } from '../mesh/tunnel.ts';
import type { TunnelDevice } from './device.ts';
import type { HomeFacts } from './home-rules.ts';

/** Every call may be repeated. All reject with what was expected and what is. */
export interface HomePart {
  /** Rejects when a program is missing that everything takes. */
  expectPrograms(): Promise<void>;
  /** Why no tunnel of this kind can be made, though the kernel can; `undefined`: it can. */
  problemOf(kind: TunnelKind): Promise<string | undefined>;
  deviceName(slot: Slot, kind: TunnelKind | undefined): string;
  /** Makes a tunnel that is not there, or is another one. @returns false: `ip` is to make it */
  make(slot: Slot, device: TunnelDevice): Promise<boolean>;
  remove(slot: Slot): Promise<void>;
  /** After rules and routes: what has to pass, and whom the LAN's resolver asks. */
  settle(facts: HomeFacts): Promise<void>;
  /** Writes down what stays. @param device of the tunnel in use */
  keep(facts: HomeFacts, device: TunnelDevice | undefined): Promise<void>;
  undo(): Promise<void>;
}
