// Many simulated routers in one process, and when each of them reached the broker.

import { nodeHost } from '../../host/node/host.ts';
import type { Clock, Endpoint } from '../../transport/host.ts';
import { fastClock } from './clock.ts';
import { SimulatedRouter } from './router.ts';

/** How a crowd is to be. */
export interface CrowdOptions {
  routers: number;
  endpoint: Endpoint;
  /** Routers of one site. */
  siteSize: number;
  /** Names, and with them keys, begin with this. */
  seed: string;
  keys?: readonly string[];
  /** Seconds between two events of a router, on average. */
  eventS?: number;
  /** How much faster than real time goes by for them. */
  speed?: number;
}

/** Routers that come and go with one broker; times are monotonic milliseconds of their own clock. */
export class Crowd {
  readonly routers: readonly SimulatedRouter[];
  readonly clock: Clock;
  /** When one reached the broker, in order. */
  readonly connects: number[] = [];
  /** How often one was lost. */
  losses = 0;
  private readonly close: () => void;

  constructor({ routers, endpoint, siteSize, seed, keys = [], eventS = 600, speed = 1 }: CrowdOptions) {
    const host = nodeHost({ args: [], signals: false, exit: () => {} });
    this.close = () => host.exit(0);
    this.clock = speed === 1 ? host.clock : fastClock(host.clock, speed);
    this.routers = Array.from(
      { length: routers },
      (_, at) =>
        new SimulatedRouter({
          host,
          clock: this.clock,
          endpoint,
          site: `site-${Math.floor(at / siteSize)}`,
          name: `${seed}-${at}`,
          keys,
          eventS,
          onChange: (up) => {
            if (up) this.connects.push(this.clock.monotonicMs());
            else this.losses++;
          },
        }),
    );
  }

  start(): void {
    for (const router of this.routers) router.start();
  }

  /** How many are connected. */
  get up(): number {
    return this.routers.filter(({ isUp }) => isUp).length;
  }

  /** The most that reached the broker within any one second since a moment. */
  mostInOneSecond(sinceMs: number): number {
    const times = this.connects.filter((ms) => ms >= sinceMs);
    let most = 0;
    for (let from = 0, to = 0; to < times.length; to++) {
      while (times[to]! - times[from]! >= 1000) from++;
      most = Math.max(most, to - from + 1);
    }
    return most;
  }

  async stop(): Promise<void> {
    await Promise.all(this.routers.map((router) => router.stop()));
    this.close();
  }
}
