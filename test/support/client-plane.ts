// A gateway's machine in memory: keeps the tunnels that it is told to make, and fails where a test wants it to.

import type {
  ClientChange,
  ClientFlow,
  ClientPlane,
  ClientProblems,
  ClientTunnel,
  GatewayLack,
} from '../../src/mesh/tunnel.ts';

export class MemoryClientPlane implements ClientPlane {
  /** By slot. */
  readonly tunnels = new Map<number, ClientTunnel>();
  /** Every change that was asked for. */
  readonly changes: ClientChange[] = [];
  /** What fails, by slot; `all` fails as a whole. */
  readonly problems = new Map<number, string>();
  all: string | undefined;
  /** While true, changes are not done: `go` does them. */
  holding = false;
  private waiting: (() => void)[] = [];

  /** What it does without. */
  lacks: GatewayLack[] = [];
  /** Kinds that it makes; of others it says why not. */
  kinds: readonly string[] = ['gre6', 'vxlan'];
  /** What it counted; goes with a tunnel. */
  readonly flows = new Map<number, ClientFlow>();
  spoofed: number | undefined;

  async ability() {
    const kinds = (['gre6', 'wireguard', 'vxlan'] as const).map((kind) =>
      this.kinds.includes(kind) ? { kind } : { kind, problem: 'no module' },
    );
    return { kinds, meshMtu: 65_535, ipv6: true, lacks: this.lacks };
  }

  /** How often it was asked for bytes, and whether its rules stand. */
  readonly asked = { use: 0, whole: 0 };
  /** While true, nobody is told bytes: `go` tells them. */
  slow = false;

  async use(): Promise<ReadonlyMap<number, ClientFlow>> {
    this.asked.use++;
    if (this.slow) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return new Map(this.flows);
  }

  async restore(clients: readonly ClientTunnel[]): Promise<ClientProblems> {
    this.tunnels.clear();
    for (const one of clients) if (!this.problems.has(one.slot)) this.tunnels.set(one.slot, one);
    return new Map([...this.problems].filter(([slot]) => clients.some((one) => one.slot === slot)));
  }

  async change(change: ClientChange): Promise<ClientProblems> {
    this.changes.push(change);
    if (this.holding) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.all !== undefined) throw new Error(this.all);
    const failed = new Map<number, string>();
    const attempt = (slot: number, done: () => unknown): void => {
      const problem = this.problems.get(slot);
      if (problem === undefined) done();
      else failed.set(slot, problem);
    };
    for (const slot of change.remove) attempt(slot, () => this.tunnels.delete(slot) && this.flows.delete(slot));
    for (const one of change.add) attempt(one.slot, () => this.tunnels.set(one.slot, one));
    for (const [slots, suspended] of [
      [change.suspend, true],
      [change.resume, false],
    ] as const)
      for (const slot of slots) attempt(slot, () => this.tunnels.set(slot, { ...this.tunnels.get(slot)!, suspended }));
    for (const { slot, limits } of change.limit ?? [])
      attempt(slot, () => this.tunnels.set(slot, { ...this.tunnels.get(slot)!, limits }));
    return failed;
  }

  /** Whether its rules stand. */
  whole = true;

  async isWhole(): Promise<boolean> {
    this.asked.whole++;
    return this.whole;
  }

  /** Does what was held back. */
  go(): void {
    this.holding = false;
    this.slow = false;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
