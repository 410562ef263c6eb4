// Looks at netifd: one `network.interface dump` tells which Yggdrasil interfaces and which uplinks there are.

import type { Uplink } from '../api/model.ts';
import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Uplinks } from '../mesh/uplink.ts';
import type { Cancel, Clock } from '../transport/host.ts';

/** The part of the ubus client that is needed here. */
export interface NetifdBus {
  call(path: string, method: string, args?: object): Promise<Record<string, unknown>[]>;
}

/** Who is told of each look. */
export interface NetifdEvents {
  /** The newest dump; `undefined`: netifd did not answer. */
  onDump(dump: unknown): void;
  /** The uplinks were looked at. @param back those that came back since the look before. */
  onUplinks(back: readonly Uplink[]): void;
}

const LOOK_MS = 60_000;
/** Devices that are asked for their signal in one look. */
const MAX_DEVICES = 4;

/** Looks from `start()` to `stop()`: when it is told to, and every minute. */
export class NetifdSource {
  private timer: Cancel | undefined;
  /** The looks under way, and whether one more is wanted after the present one. */
  private looking: Promise<void> | undefined;
  private lookAgain = false;
  private running = false;

  constructor(
    private readonly bus: NetifdBus,
    private readonly clock: Clock,
    private readonly uplinks: Uplinks,
    private readonly log: Log,
    private readonly events: NetifdEvents,
  ) {}

  start(): void {
    this.running = true;
    this.schedule();
  }

  stop(): void {
    this.running = false;
    this.timer?.();
    this.timer = undefined;
  }

  /** Looks now: after ubus came up, and when an interface changed. Calls during a look share one more after it. Never rejects. */
  async refresh(): Promise<void> {
    if (!this.running) return;
    this.lookAgain = true;
    this.looking ??= this.look();
    await this.looking;
  }

  private schedule(): void {
    this.timer = this.clock.after(LOOK_MS, () => {
      this.schedule();
      void this.refresh();
    });
  }

  private async look(): Promise<void> {
    try {
      while (this.lookAgain && this.running) {
        this.lookAgain = false;
        const dump = await this.ask('network.interface', 'dump');
        if (!this.running) return;
        this.events.onDump(dump);
        await this.lookAtUplinks(dump);
      }
    } finally {
      this.looking = undefined;
    }
  }

  private async lookAtUplinks(dump: unknown): Promise<void> {
    if (dump === undefined) {
      this.uplinks.lose();
      this.events.onUplinks([]);
      return;
    }
    const list = this.uplinks.read(dump);
    const carriers = new Map<string, boolean>();
    // the dump has no signal: whoever is up has one, the others are asked for
    const devices = list.flatMap(({ up, device }) => (up || device === undefined ? [] : [device]));
    for (const device of devices.slice(0, MAX_DEVICES)) {
      const status = (await this.ask('network.device', 'status', { name: device })) as
        | { carrier?: unknown }
        | undefined;
      if (typeof status?.carrier === 'boolean') carriers.set(device, status.carrier);
    }
    if (!this.running) return;
    this.events.onUplinks(this.uplinks.update(list, carriers, this.clock.monotonicMs()));
  }

  private async ask(path: string, method: string, args?: object): Promise<unknown> {
    try {
      return (await this.bus.call(path, method, args))[0];
    } catch (error) {
      this.log.debug('netifd not asked', { path, error: errorText(error) });
      return undefined;
    }
  }
}
