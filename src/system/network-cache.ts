// What the helper said last of `/etc/config/network`, so that the state can be shown without asking; and changes of that file.

import type { ConfiguredInterface } from '../api/helper.ts';
import type { Json } from '../api/model.ts';
import { BusyError, errorText, LinkDownError, RemoteError, TimeoutError } from '../errors.ts';
import { Backoff } from '../lib/backoff.ts';
import type { Log } from '../log.ts';
import type { PeeringName } from '../mesh/peer.ts';
import type { Cancel, Clock } from '../transport/host.ts';
import type { HelperCaller } from './helper.ts';

/** Interfaces come and go in bursts, and each look starts a program: one look, so long after the first of them. */
const BURST_MS = 1000;
/** Waits for a helper that was not reached. */
const BACKOFF = { firstMs: 1000, maxMs: 32_000 };

interface Known {
  peers: readonly PeeringName[];
  nodeInfo: Json | undefined;
}

/** The Yggdrasil part of the network configuration, as far as it is known. */
export class NetworkCache {
  /** By interface; `undefined`: not known, or there is no such file. */
  private known: Map<string, Known> | undefined;
  private reading: Promise<void> | undefined;
  private readAgain = false;
  private stopped = false;
  private readonly backoff: Backoff;
  private timer: Cancel | undefined;
  private text: string | undefined;
  /** Why something of it is not known, one line each. */
  problems: readonly string[] = [];

  /** @param random uniform in [0, 1). */
  constructor(
    private readonly helper: HelperCaller,
    private readonly clock: Clock,
    private readonly log: Log,
    random: () => number,
  ) {
    this.backoff = new Backoff({ ...BACKOFF, random });
  }

  /** The configured peerings of an interface; `undefined` when they are not known. */
  peers(iface: string): readonly PeeringName[] | undefined {
    return this.known && (this.known.get(iface)?.peers ?? []);
  }

  /** What the node of an interface is told to say of itself; `undefined` when that is nothing, not known, or no JSON. */
  nodeInfo(iface: string): Json | undefined {
    return this.known?.get(iface)?.nodeInfo;
  }

  /** Asks the helper. Calls while it is being asked share one more question after that. Never rejects. */
  refresh(): Promise<void> {
    this.stopped = false;
    this.cancelTimer();
    this.readAgain = true;
    this.reading ??= this.read().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  /** Asks the helper soon, once for all who want it meanwhile. */
  refreshSoon(): void {
    this.refreshIn(BURST_MS);
  }

  /** Ends the waiting; `refresh` begins anew. */
  stop(): void {
    this.stopped = true;
    this.readAgain = false;
    this.cancelTimer();
  }

  /** Writes a peering into the file. @throws as the helper's `call` */
  async keep(iface: string, name: PeeringName): Promise<'added' | 'present'> {
    const { result } = await this.helper.call('peer_keep', { interface: iface, ...name });
    await this.refresh();
    return result === 'added' ? 'added' : 'present';
  }

  /** Takes a peering out of the file. @throws as the helper's `call` */
  async forget(iface: string, name: PeeringName): Promise<'removed' | 'absent'> {
    const { result } = await this.helper.call('peer_forget', { interface: iface, ...name });
    await this.refresh();
    return result === 'removed' ? 'removed' : 'absent';
  }

  private refreshIn(delayMs: number): void {
    this.timer ??= this.clock.after(delayMs, () => void this.refresh());
  }

  private cancelTimer(): void {
    this.timer?.();
    this.timer = undefined;
  }

  private async read(): Promise<void> {
    while (this.readAgain) {
      this.readAgain = false;
      try {
        const { interfaces } = await this.helper.call('network_read', {});
        this.take(interfaces);
        this.backoff.reset();
      } catch (error) {
        // a helper that was not reached says nothing against what it said before; one that cannot read the file does
        const unreached = [LinkDownError, TimeoutError, RemoteError, BusyError].some((kind) => error instanceof kind);
        if (!unreached) this.known = undefined;
        else if (!this.stopped) this.refreshIn(this.backoff.nextMs());
        this.tell([errorText(error)]);
      }
    }
  }

  private take(interfaces: readonly ConfiguredInterface[] | undefined): void {
    const problems: string[] = [];
    const read = ({ interface: name, peers, node_info: text }: ConfiguredInterface): [string, Known] => {
      let nodeInfo: Json | undefined;
      try {
        if (text !== undefined) nodeInfo = JSON.parse(text) as Json;
      } catch {
        problems.push(`network.${name}.node_info: expected JSON`);
      }
      return [name, { peers, nodeInfo }];
    };
    this.known = interfaces && new Map(interfaces.map(read));
    this.tell(problems);
  }

  private tell(problems: readonly string[]): void {
    this.problems = problems;
    const text = problems.join('; ');
    if (text !== '' && text !== this.text) this.log.warn('network configuration not known', { problem: text });
    this.text = text;
  }
}
