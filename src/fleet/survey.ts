// Collects what a broker has kept of many nodes, and finds out whether it kept something back.
//
// A broker may cut what a wildcard subscriber is given of retained messages, without telling (mosquitto: at 1,000 that wait). So whoever is
// enrolled and was not heard of is asked for by name, in portions that no broker cuts: one that answers now was cut before.

import { type Fleet, isHeard } from './fleet.ts';
import { Gather } from './gather.ts';
import { readTopic } from './message.ts';
import type { Pin, Pins } from './pin.ts';
import type { Arrival, Session } from './session.ts';

/** What is kept of a node. */
export const KEPT = ['status', 'info', 'state', 'have', 'alarm/+'] as const;
/** Nodes that are asked for by name at once: times `KEPT` this stays far below what brokers cut. */
const PORTION = 50;

/** One look at what a broker keeps. */
export class Survey {
  /** Nodes that only answered by name: so many a wildcard would have missed. */
  cut = 0;
  /** Topics of commands that the broker keeps, which nobody should; those that were looked for by `keptCommands`. */
  readonly commands: string[] = [];
  private readonly gather = new Gather();

  constructor(
    private readonly fleet: Fleet,
    private readonly pins: Pins,
  ) {}

  /** To be handed every message that arrives. */
  take(message: Arrival): void {
    if (this.gather.take(message)) return;
    if (message.isRetained && readTopic(message.topic)?.kind === 'cmd') this.commands.push(message.topic);
    this.fleet.take(message, Date.now());
  }

  /** How many nodes were heard of. */
  get heard(): number {
    return this.fleet.nodes().filter(isHeard).length;
  }

  /** Subscribes to filters, few enough that no broker cuts what it keeps of them, and waits until all of it is there. */
  async collect(session: Session, filters: readonly string[]): Promise<void> {
    await this.gather.begin(session);
    await this.gather.portion(session, filters);
  }

  /** Subscribes to what is kept of all nodes, or of those of a site, and waits until all of it is there. */
  async run(session: Session, site: string | undefined): Promise<void> {
    await this.gather.begin(session);
    for (const name of KEPT) await this.gather.portion(session, [`mb/1/${site ?? '+'}/+/${name}`]);
    const missing = this.missing(site);
    for (let at = 0; at < missing.length; at += PORTION) {
      const some = missing.slice(at, at + PORTION);
      await this.gather.portion(
        session,
        some.flatMap(({ site, node }) => KEPT.map((name) => `mb/1/${site}/${node}/${name}`)),
      );
      this.cut += some.filter((pin) => !this.isMissing(pin)).length;
    }
  }

  /** Looks for commands that the broker keeps. */
  async keptCommands(session: Session): Promise<void> {
    await this.gather.portion(session, ['mb/1/+/+/cmd']);
  }

  private missing(site: string | undefined): Pin[] {
    return [...this.pins.values()].filter((pin) => (site === undefined || pin.site === site) && this.isMissing(pin));
  }

  private isMissing({ site, node }: Pin): boolean {
    const view = this.fleet.find(site, node);
    return !view?.status || !view.info || !view.state;
  }
}
