// A home's machine in memory, for the life of its lease: shows what it was told.

import type { Terms } from '../../src/api/lease.ts';
import type { Flow, RoutePlane, Slot, TunnelAbility, TunnelPlane } from '../../src/mesh/tunnel.ts';

export class MemoryHomePlane implements TunnelPlane, RoutePlane {
  readonly tunnels: [Terms | undefined, Terms | undefined] = [undefined, undefined];
  readonly flows: [Flow, Flow] = [
    { rxPackets: 0, txPackets: 0 },
    { rxPackets: 0, txPackets: 0 },
  ];
  used: Slot | undefined;
  blocked: boolean | undefined;
  kept: Terms | undefined;
  undone = 0;
  /** What it was told, in order. */
  readonly told: string[] = [];
  /** Never answers. */
  hanging = false;

  async ability(): Promise<TunnelAbility> {
    await this.tell('ability');
    return { kinds: [{ kind: 'gre6' }, { kind: 'vxlan' }], meshMtu: 65_535 };
  }

  async build(slot: Slot, terms: Terms): Promise<void> {
    await this.tell(`build ${slot}`);
    this.tunnels[slot] = terms;
  }

  async drop(slot: Slot): Promise<void> {
    await this.tell(`drop ${slot}`);
    this.tunnels[slot] = undefined;
  }

  flow(slot: Slot): Flow | undefined {
    return this.tunnels[slot] && this.flows[slot];
  }

  async use(slot: Slot | undefined): Promise<void> {
    await this.tell(`use ${slot}`);
    this.used = slot;
  }

  async block(on: boolean): Promise<void> {
    await this.tell(`block ${on}`);
    this.blocked = on;
  }

  async keep(terms: Terms): Promise<void> {
    await this.tell('keep');
    this.kept = terms;
  }

  async undo(): Promise<void> {
    await this.tell('undo');
    this.undone++;
    this.tunnels.fill(undefined);
    this.used = undefined;
    this.blocked = undefined;
    this.kept = undefined;
  }

  private async tell(what: string): Promise<void> {
    this.told.push(what);
    if (this.hanging) await new Promise(() => {});
  }
}
