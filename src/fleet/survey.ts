// Collects what a broker has kept of many nodes, and finds out whether it kept something back.
//
// A broker may cut what a wildcard subscriber is given of retained messages, without telling (mosquitto: at 1,000 that wait). So whoever is
// enrolled and was not heard of is asked for by name, in portions that no broker cuts: one that answers now was cut before.

import { randomBytes } from 'node:crypto';
import { type Fleet, isHeard } from './fleet.ts';
import type { Pin, Pins } from './pin.ts';
import type { Arrival, Session } from './session.ts';

/** What is kept of a node. */
export const KEPT = ['status', 'info', 'state', 'have', 'alarm/+'] as const;
/** Without a message for so long, that was all. */
const QUIET_MS = 400;
/** For one portion at most. */
const PORTION_MS = 20_000;
/** Nodes that are asked for by name at once: times `KEPT` this stays far below what brokers cut. */
const PORTION = 50;
const LOOK_MS = 20;

/** One look at what a broker keeps. */
export class Survey {
  /** Nodes that only answered by name: so many a wildcard would have missed. */
  cut = 0;
  private last = 0;
  private readonly barrier = `mb/1/doctor/${randomBytes(6).toString('hex')}/barrier`;
  private passed = 0;
  /** Whether our own messages come back to us. */
  private isOrdered = false;

  constructor(
    private readonly fleet: Fleet,
    private readonly pins: Pins,
  ) {}

  /** To be handed every message that arrives. */
  take(message: Arrival): void {
    this.last = Date.now();
    if (message.topic === this.barrier) this.passed++;
    else this.fleet.take(message, this.last);
  }

  /** How many nodes were heard of. */
  get heard(): number {
    return this.fleet.nodes().filter(isHeard).length;
  }

  /** Subscribes to filters, few enough that no broker cuts what it keeps of them, and waits until all of it is there. */
  async collect(session: Session, filters: readonly string[]): Promise<void> {
    await this.begin(session);
    await this.portion(session, filters);
  }

  /** Subscribes to what is kept of all nodes, or of those of a site, and waits until all of it is there. */
  async run(session: Session, site: string | undefined): Promise<void> {
    await this.begin(session);
    for (const name of KEPT) await this.portion(session, [`mb/1/${site ?? '+'}/+/${name}`]);
    const missing = this.missing(site);
    for (let at = 0; at < missing.length; at += PORTION) {
      const some = missing.slice(at, at + PORTION);
      await this.portion(
        session,
        some.flatMap(({ site, node }) => KEPT.map((name) => `mb/1/${site}/${node}/${name}`)),
      );
      this.cut += some.filter((pin) => !this.isMissing(pin)).length;
    }
  }

  /** Finds out whether what we write comes back to us: where it is not permitted, only silence tells that all is there. */
  private async begin(session: Session): Promise<void> {
    this.isOrdered = await session.subscribe([this.barrier]).then(
      () => true,
      () => false,
    );
    await this.settle(session);
    this.isOrdered = this.passed > 0;
  }

  private missing(site: string | undefined): Pin[] {
    return [...this.pins.values()].filter((pin) => (site === undefined || pin.site === site) && this.isMissing(pin));
  }

  private isMissing({ site, node }: Pin): boolean {
    const view = this.fleet.find(site, node);
    return !view?.status || !view.info || !view.state;
  }

  private async portion(session: Session, filters: readonly string[]): Promise<void> {
    await session.subscribe(filters);
    await this.settle(session);
  }

  /** Until our own message has come back, which the broker put behind all others; where it does not, until it is quiet. */
  private async settle(session: Session): Promise<void> {
    this.last = Date.now();
    const before = this.passed;
    if (this.isOrdered) await session.publish(this.barrier, '').catch(() => {});
    for (const until = Date.now() + PORTION_MS; Date.now() < until && session.endedBy === undefined; ) {
      // a broker that is full drops our message, too
      if (this.passed > before || Date.now() - this.last > QUIET_MS) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
