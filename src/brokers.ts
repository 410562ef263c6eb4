// The brokers as the rest of the daemon sees them: most routers have none, so all that belongs to them is in memory only once they are wanted.

import type { LeaseStatus } from './api/lease-object.ts';
import type { Heal, LinkStatus, TelemetryStatus } from './api/model.ts';
import type { BrokerParts, Brokers } from './broker.ts';
import type { Config } from './config.ts';
import { errorText, InputError } from './errors.ts';
import type { GroupShare } from './mesh/group-share.ts';
import type { Sketch } from './mesh/overview.ts';
import type { PeerNotice } from './mesh/state.ts';

const OFF: TelemetryStatus = { enabled: false, brokers: [] };

/** Stands in for the brokers until they are there. */
export class LateBrokers {
  private loading: Promise<void> | undefined;
  private brokers: Brokers | undefined;
  private config: Config | undefined;
  private problem: string | undefined;
  private group: GroupShare | undefined;
  private stopped = false;

  constructor(private readonly parts: BrokerParts) {}

  /** Connects to what is wanted now, and leaves what is not wanted any more. */
  setConfig(config: Config): void {
    this.config = config;
    if (!config.mqtt) {
      this.problem = undefined;
      void this.brokers?.stop(true);
      this.brokers = undefined;
    } else if (this.brokers) this.brokers.setConfig(config);
    else this.loading ??= this.load().finally(() => (this.loading = undefined));
  }

  /** What this machine's gateway shares with others; `undefined`: nothing. */
  setGroup(share: GroupShare | undefined): void {
    this.group = share;
    this.brokers?.setGroup(share);
  }

  /** The daemon ends. Answers with when the brokers were told, at last after a moment; with nothing where there are none. */
  stop(): Promise<void> | undefined {
    this.stopped = true;
    return this.brokers?.stop();
  }

  peerNotice(notice: PeerNotice): void {
    this.brokers?.peerNotice(notice);
  }

  linkNotice(event: 'link_up' | 'link_down', link: LinkStatus): void {
    this.brokers?.linkNotice(event, link);
  }

  verdict(sketch: Sketch): void {
    this.brokers?.verdict(sketch);
  }

  leaseNotice(status: LeaseStatus): void {
    this.brokers?.leaseNotice(status);
  }

  healed(heal: Heal): void {
    this.brokers?.healed(heal);
  }

  configRead(problems: readonly string[]): void {
    this.brokers?.configRead(problems);
  }

  uplinksSeen(back: boolean): void {
    this.brokers?.uplinksSeen(back);
  }

  links(): LinkStatus[] {
    return this.brokers?.links() ?? [];
  }

  /** @param look what is sent from now on is kept for a while, and shown. */
  telemetry(look: boolean): TelemetryStatus {
    const { config, problem } = this;
    if (this.brokers) return this.brokers.telemetryStatus(look);
    return { ...OFF, enabled: config?.mqtt === true, ...(problem !== undefined && { problem }) };
  }

  /** Tells all brokers now. @returns what was done. @throws InputError when no broker is there to be told. */
  sendNow(): string {
    const count = this.brokers?.sendNow() ?? 0;
    if (count === 0) throw new InputError('expected a broker that is connected, there is none now');
    return `measured and told to ${count === 1 ? 'a broker' : `${count} brokers`}`;
  }

  private async load(): Promise<void> {
    const { Brokers } = await import('./broker.ts');
    const { config } = this;
    if (this.stopped || !config?.mqtt) return;
    try {
      this.brokers = new Brokers(this.parts, config);
      this.problem = undefined;
    } catch (error) {
      this.problem = errorText(error);
      this.parts.logger.scope('mqtt').error('not started', { error: this.problem });
      return;
    }
    this.brokers.start();
    this.brokers.setGroup(this.group);
  }
}
