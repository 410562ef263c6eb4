// The test of a broker as the rest of the daemon sees it: in memory only once somebody presses the button.

import type { BrokerStep } from './api/model.ts';
import { brokerEndpoint, type Config, HOME_SITE } from './config.ts';
import { BusyError, InputError } from './errors.ts';
import { identityOf, readSeed } from './system/node-key.ts';
import type { ChildlessHost } from './transport/host.ts';

export interface BrokerTestParts {
  readonly host: Pick<ChildlessHost, 'streams' | 'names' | 'clock' | 'files' | 'crypto'>;
  config(): Pick<Config, 'brokers' | 'site'>;
  /** Path of the key of this node; there is none while brokers are not wanted. */
  readonly keyPath: string;
}

const MAX_SHOWN = 32;

/** Tests one broker at a time. */
export class BrokerTests {
  private isBusy = false;

  constructor(private readonly parts: BrokerTestParts) {}

  /**
   * Tries the broker of a section, whether or not brokers are wanted now.
   * @throws (rejects) InputError when there is none that is enabled; BusyError while another is tried.
   */
  async test(name: string): Promise<{ ok: boolean; steps: BrokerStep[] }> {
    const { brokers, site = HOME_SITE } = this.parts.config();
    const broker = brokers.find((one) => one.name === name);
    if (!broker) {
      const known = brokers.map((one) => one.name).join(', ') || 'none';
      const got = JSON.stringify(name.slice(0, MAX_SHOWN));
      throw new InputError(`name: expected a section mqtt that is enabled (${known}), got ${got}`, 'name');
    }
    if (this.isBusy) throw new BusyError('another broker is being tested: try again in half a minute');
    this.isBusy = true;
    try {
      const { BrokerCheck } = await import('./source/broker-check.ts');
      const node = this.node();
      const { username, password, manage } = broker;
      const steps = await new BrokerCheck(this.parts.host, {
        endpoint: brokerEndpoint(broker),
        username,
        password,
        identity: node === undefined ? undefined : { site, node },
        manage,
      }).run();
      return { ok: steps.every(({ state }) => state !== 'bad'), steps };
    } finally {
      this.isBusy = false;
    }
  }

  private node(): string | undefined {
    const { host, keyPath } = this.parts;
    try {
      const seed = readSeed(host.files, keyPath);
      return seed && identityOf(host.crypto, seed).node;
    } catch {
      return undefined; // whoever connects says what is wrong with it
    }
  }
}
