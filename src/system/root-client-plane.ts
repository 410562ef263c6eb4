// A gateway's tunnels where root makes them: the daemon's side, which asks the helper. What is long goes in parts, for rpcd passes 64 KiB.

import { changeTexts } from '../mesh/client-change.ts';
import {
  type ClientChange,
  type ClientFlow,
  type ClientPlane,
  type ClientProblems,
  type ClientTunnel,
  type GatewayAbility,
  LACKS,
} from '../mesh/tunnel.ts';
import type { HelperCaller } from './helper.ts';
import { readAbility } from './plane-ability.ts';

/** A gateway's tunnels by root's helper. */
export class RootClientPlane implements ClientPlane {
  spoofed: number | undefined;

  /** @param key of the gateway's Yggdrasil. */
  constructor(
    private readonly helper: HelperCaller,
    private readonly key: string,
  ) {}

  async ability(): Promise<GatewayAbility> {
    const { key } = this;
    const reply = await this.helper.call('clients_ability', { key });
    return {
      ...readAbility(reply),
      ipv6: reply.ipv6,
      lacks: reply.lacks.flatMap(({ what, problem }) => {
        const known = LACKS.find((one) => one === what);
        return known ? { what: known, problem } : [];
      }),
    };
  }

  async restore(clients: readonly ClientTunnel[]): Promise<ClientProblems> {
    const { key } = this;
    await this.helper.call('clients_restore', { key, slots: JSON.stringify(clients.map(({ slot }) => slot)) });
    return this.change({ add: clients, remove: [], suspend: [], resume: [] });
  }

  async change(change: ClientChange): Promise<ClientProblems> {
    const { key } = this;
    const problems = new Map<number, string>();
    for (const text of changeTexts(change)) {
      const reply = await this.helper.call('clients_change', { key, change: text });
      for (const { slot, problem } of reply.problems) problems.set(slot, problem);
    }
    return problems;
  }

  async use(): Promise<ReadonlyMap<number, ClientFlow>> {
    const { flows, spoofed } = await this.helper.call('clients_use', { key: this.key });
    this.spoofed = spoofed;
    return new Map(flows.map(({ slot, rx_bytes, tx_bytes }) => [slot, { rxBytes: rx_bytes, txBytes: tx_bytes }]));
  }

  async isWhole(): Promise<boolean> {
    return (await this.helper.call('clients_check', { key: this.key })).whole;
  }
}
