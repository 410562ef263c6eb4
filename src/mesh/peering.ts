// What people may do with the peerings of one node: add, remove, retry, try, confirm, keep.

import type { Peer } from '../api/model.ts';
import { InputError } from '../errors.ts';
import { identityOf, parsePeerUri, redact } from '../lib/peer-uri.ts';
import type { Node } from './node.ts';
import type { PeeringName } from './peer.ts';
import type { Trial, Trials } from './trial.ts';

/** Changes the peerings of the running Yggdrasil; gone when it restarts. */
export interface PeeringLinks {
  /** Adds a peering, or dials one at once that exists and is down. */
  add(name: PeeringName): Promise<void>;
  /** Ends an outgoing peering; one that is not there is no error. */
  remove(name: PeeringName): Promise<void>;
}

/** The peerings of `/etc/config/network`. */
export interface PeeringConfig {
  /** As far as they are known. */
  peers(iface: string): readonly PeeringName[] | undefined;
  keep(iface: string, name: PeeringName): Promise<'added' | 'present'>;
  forget(iface: string, name: PeeringName): Promise<'removed' | 'absent'>;
}

export const TRY_SECONDS = { least: 10, usual: 60, most: 3600 } as const;

/** Peerings added through this daemon are remembered as such, this many per node. */
const MAX_ADDED = 256;

/** The commands on one node's peerings. All throw InputError, and what the links throw. */
export class Peering {
  private readonly added = new Set<string>();

  constructor(
    private readonly node: Node,
    private readonly links: PeeringLinks,
    private readonly config: PeeringConfig,
    private readonly trials: Trials,
    private readonly nowMs: () => number,
  ) {}

  /** True when `add`, `try` or `keep` made the peering, as far as is remembered. */
  addedHere(remote: string): boolean {
    return this.added.has(remote);
  }

  /** Adds a peering until Yggdrasil restarts. */
  async add(name: PeeringName): Promise<string> {
    await this.refuseExisting(name);
    await this.link(name);
    this.trials.end(this.trial(name));
    return `peering with ${redact(name.uri)} added until Yggdrasil restarts`;
  }

  /** Ends an outgoing peering; with `forget`, takes it out of the configuration too. */
  async remove(name: PeeringName, forget: boolean): Promise<string> {
    const what = this.check(name);
    const peer = await this.find(name);
    const configured = this.configured(name);
    if (!peer && !(forget && configured)) throw this.unknown(name);
    if (peer) await this.links.remove(this.dialled(name, configured));
    this.added.delete(redact(identityOf(name.uri)));
    this.trials.end(this.trial(name));
    // where it is not known what the configuration holds, it is looked for there
    const mayBeConfigured = configured ?? (this.config.peers(this.node.name) === undefined ? name : undefined);
    if (forget && mayBeConfigured && (await this.config.forget(this.node.name, mayBeConfigured)) === 'removed')
      return `peering with ${what} removed, and taken out of the configuration`;
    return configured && !forget
      ? `peering with ${what} removed; the configuration still has it, so it comes back when Yggdrasil restarts`
      : `peering with ${what} removed`;
  }

  /** Dials a peer that is down now. */
  async retry(name: PeeringName): Promise<string> {
    const what = this.check(name);
    const peer = await this.find(name);
    if (!peer) throw this.unknown(name);
    if (peer.up) throw new InputError(`uri: ${what} is up already, there is nothing to retry`, 'uri');
    await this.links.add(this.dialled(name, this.configured(name)));
    return `dialling ${what} now`;
  }

  /** Adds a peering that is removed again unless `confirm` comes in time. */
  async try(name: PeeringName, seconds: number = TRY_SECONDS.usual): Promise<string> {
    const { least, most } = TRY_SECONDS;
    if (!(seconds >= least && seconds <= most)) {
      throw new InputError(`seconds: expected ${least} to ${most}, got ${seconds}`, 'seconds');
    }
    await this.refuseExisting(name);
    // the trial is on record before the peering exists, so that nothing can be left behind
    const begun = this.trials.begin(this.trial(name), seconds * 1000);
    if (begun === 'present') throw new InputError(`uri: ${redact(name.uri)} is on trial already`, 'uri');
    if (begun === 'full')
      throw new InputError('uri: too many peerings are on trial, confirm or remove one first', 'uri');
    try {
      await this.link(name);
    } catch (error) {
      this.trials.end(this.trial(name));
      throw error;
    }
    return `peering with ${redact(name.uri)} on trial: it is removed in ${seconds} s unless it is confirmed`;
  }

  /** Ends the trial of a peering: it stays until Yggdrasil restarts. */
  confirm(name: PeeringName): string {
    const what = this.check(name);
    if (!this.trials.end(this.trial(name))) throw new InputError(`uri: ${what} is not on trial`, 'uri');
    return `peering with ${what} confirmed: it stays until Yggdrasil restarts`;
  }

  /** Writes a peering into the configuration, and adds it where it is missing. */
  async keep(name: PeeringName): Promise<string> {
    const what = this.check(name);
    this.refuseHidden(name);
    const peer = await this.find(name);
    // an address without options names what is there already, with the options that it has
    const known = name.uri.includes('?') ? undefined : (this.trials.find(this.trial(name)) ?? this.configured(name));
    const whole = { ...name, uri: known?.uri ?? name.uri };
    if (!peer) await this.link(whole);
    const result = await this.config.keep(this.node.name, whole);
    this.trials.end(this.trial(name));
    return result === 'added'
      ? `peering with ${what} kept: it is in the configuration of ${this.node.name} now`
      : `peering with ${what} was in the configuration already`;
  }

  /** Undoes what is left of trials that are over, except what the configuration has by now; called when one ends and when Yggdrasil is back. */
  async undoTrials(): Promise<void> {
    let failure: unknown;
    for (const trial of this.trials.overdue(this.node.name)) {
      try {
        if (!this.configured(trial)) {
          await this.links.remove(trial);
          this.added.delete(redact(identityOf(trial.uri)));
        }
        this.trials.end(trial);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  private async link(name: PeeringName): Promise<void> {
    await this.links.add(name);
    if (this.added.size < MAX_ADDED) this.added.add(redact(identityOf(name.uri)));
  }

  /** Refuses what is not a peering address. @returns it as it may be shown. */
  private check(name: PeeringName): string {
    parsePeerUri(name.uri);
    return redact(name.uri);
  }

  private async refuseExisting(name: PeeringName): Promise<void> {
    const what = this.check(name);
    const peer = await this.find(name);
    if (peer) {
      const state = peer.up ? 'it is up' : 'it is down: retry it instead';
      throw new InputError(`uri: ${what} is a peer already, ${state}`, 'uri');
    }
    this.refuseHidden(name);
  }

  /** An address as we show it is enough to name a peering, not to make one. */
  private refuseHidden({ uri }: PeeringName): void {
    if (uri.includes('…'))
      throw new InputError(`uri: expected the whole address, ${redact(uri)} is hidden in part`, 'uri');
  }

  /** The outgoing peering of this name. */
  private async find(name: PeeringName): Promise<Peer | undefined> {
    const remote = redact(identityOf(name.uri));
    const { value } = await this.node.read('peers', this.nowMs());
    return value.peers.find(
      (peer) =>
        !peer.inbound &&
        peer.remote === remote &&
        (name.device === undefined || peer.device === undefined || peer.device === name.device),
    );
  }

  private unknown(name: PeeringName): InputError {
    const remote = redact(identityOf(name.uri));
    const peers = this.node.view('peers')?.value.peers ?? [];
    const inbound = peers.some((peer) => peer.inbound && peer.remote === remote);
    return new InputError(
      inbound
        ? `uri: ${redact(name.uri)} is an inbound link: the neighbour made it, and only the neighbour can end it`
        : `uri: ${redact(name.uri)} is not a peer of ${this.node.name}`,
      'uri',
    );
  }

  private configured(name: PeeringName): PeeringName | undefined {
    const remote = identityOf(name.uri);
    return this.config
      .peers(this.node.name)
      ?.find((c) => identityOf(c.uri) === remote && (name.device === undefined || c.device === name.device));
  }

  /** Yggdrasil tells two peerings apart by their device: take the configured one where none was named. */
  private dialled(name: PeeringName, configured: PeeringName | undefined): PeeringName {
    const device = name.device ?? configured?.device;
    return device === undefined ? { uri: name.uri } : { uri: name.uri, device };
  }

  private trial(name: PeeringName): Trial {
    return { ...name, interface: this.node.name };
  }
}
