// What people may do with the peerings of one node: add, remove, retry, try, confirm, undo, keep.

import type { Peer } from '../api/model.ts';
import { InputError } from '../errors.ts';
import { identityOf, redact, withOptions } from '../lib/peer-text.ts';
import { parsePeerUri } from '../lib/peer-uri.ts';
import type { Node } from './node.ts';
import type { DialledHere, PeeringName } from './peer.ts';
import type { Trial, Trials } from './trial.ts';

/** Changes the peerings of the running Yggdrasil; gone when it restarts. */
export interface PeeringLinks {
  /** Adds a peering, or dials one at once that exists and is down. */
  add(name: PeeringName): Promise<void>;
  /** Ends an outgoing peering; one that is not there is no error. */
  remove(name: PeeringName): Promise<void>;
  /** Dials a peering at once that exists and is down, and makes none. */
  redial(name: PeeringName): Promise<void>;
}

/** The peerings of `/etc/config/network`. */
export interface PeeringConfig {
  /** As far as they are known. */
  peers(iface: string): readonly PeeringName[] | undefined;
  keep(iface: string, name: PeeringName): Promise<'added' | 'present'>;
  forget(iface: string, name: PeeringName): Promise<'removed' | 'absent'>;
}

export const TRY_SECONDS = { least: 10, usual: 60, most: 3600 } as const;

/** Peerings dialled by this daemon are remembered as such, the newest of them, this many per node. */
const MAX_DIALLED = 256;

/** The commands on one node's peerings. All throw InputError, and what the links throw. */
export class Peering {
  /** What `add`, `try` and `keep` dialled, by the address as it is shown. */
  private readonly dialled = new Map<string, PeeringName>();

  constructor(
    private readonly node: Node,
    private readonly links: PeeringLinks,
    private readonly config: PeeringConfig,
    private readonly trials: Trials,
    private readonly nowMs: () => number,
  ) {}

  /** What is remembered of a peering that `add`, `try` or `keep` made. */
  dialledHere(remote: string): DialledHere | undefined {
    const name = this.dialled.get(remote) ?? this.trials.find(this.trial({ uri: remote }));
    if (!name) return undefined;
    const trialLeftS = this.trials.leftS(this.trial(name));
    return {
      options: /\?(.*)/.exec(redact(name.uri))?.[1] ?? '',
      ...(name.device !== undefined && { device: name.device }),
      ...(trialLeftS !== undefined && { trialLeftS }),
    };
  }

  /** Yggdrasil may have been started anew: then it dialled what its configuration says. */
  forgetDialled(): void {
    this.dialled.clear();
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
    if (peer) await this.links.remove(this.bound(name, this.whole(name)));
    this.dialled.delete(shownIdentity(name));
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
    await this.links.add(this.bound(name, this.whole(name)));
    return `dialling ${what} now`;
  }

  /** Dials a peer of the list now, unless it is up or gone meanwhile. */
  async redial({ remote, device }: Peer): Promise<void> {
    if (remote === undefined) return;
    const name = device === undefined ? { uri: remote } : { uri: remote, device };
    await this.links.redial(this.bound(name, this.whole(name)));
  }

  /** How long Yggdrasil waits at most until it dials a peering again, where that was set. */
  longestWaitMs(remote: string): number | undefined {
    const known = this.whole({ uri: remote });
    try {
      return known && parsePeerUri(known.uri).maxBackoffMs;
    } catch {
      return undefined; // the configuration holds what is no address
    }
  }

  /** Adds a peering, or with `replace` dials one anew with other options, and undoes that again unless `confirm` comes in time. */
  async try(name: PeeringName, seconds: number = TRY_SECONDS.usual, replace = false): Promise<string> {
    const { least, most } = TRY_SECONDS;
    if (!(seconds >= least && seconds <= most)) {
      throw new InputError(`seconds: expected ${least} to ${most}, got ${seconds}`, 'seconds');
    }
    if (!replace) await this.refuseExisting(name);
    const trial = replace ? await this.replacement(name) : this.trial(name);
    // the trial is on record before the peering exists, so that nothing can be left behind
    const begun = this.trials.begin(trial, seconds * 1000);
    if (begun === 'present') throw new InputError(`uri: ${redact(name.uri)} is on trial already`, 'uri');
    if (begun === 'full')
      throw new InputError('uri: too many peerings are on trial, confirm or remove one first', 'uri');
    try {
      if (replace) await this.links.remove(trial);
      await this.link(trial);
    } catch (error) {
      // what cannot be undone now is undone when Yggdrasil is back
      if (replace) await this.revert(trial).catch(() => {});
      else this.trials.end(trial);
      throw error;
    }
    const what = redact(trial.uri);
    return replace
      ? `peering with ${what} dialled anew: in ${seconds} s it has its old options again unless it is confirmed`
      : `peering with ${what} on trial: it is removed in ${seconds} s unless it is confirmed`;
  }

  /** Ends the trial of a peering: it stays until Yggdrasil restarts. */
  async confirm(name: PeeringName): Promise<string> {
    const what = this.check(name);
    this.trials.end(this.onTrial(name));
    await this.look();
    return `peering with ${what} confirmed: it stays until Yggdrasil restarts`;
  }

  /** Undoes what a trial did. */
  async undo(name: PeeringName): Promise<string> {
    const what = this.check(name);
    const trial = this.onTrial(name);
    await this.revert(trial);
    return trial.before === undefined
      ? `peering with ${what} removed, as it was before its trial`
      : `peering with ${what} has the options again that it had before its trial`;
  }

  /** Writes a peering into the configuration, and adds it where it is missing. */
  async keep(name: PeeringName): Promise<string> {
    const what = this.check(name);
    this.refuseHidden(name);
    const peer = await this.find(name);
    // an address without options names what is there already, with the options that it has
    const known = name.uri.includes('?') ? undefined : this.whole(name);
    const whole = { ...this.bound(name, known), uri: known?.uri ?? name.uri };
    if (!peer) await this.link(whole);
    const result = await this.config.keep(this.node.name, whole);
    this.trials.end(this.trial(name));
    await this.look();
    return result === 'added'
      ? `peering with ${what} kept: it is in the configuration of ${this.node.name} now`
      : `peering with ${what} was in the configuration already`;
  }

  /** Undoes what is left of trials that are over, except what the configuration has by now; called when one ends and when Yggdrasil is back. */
  async undoTrials(): Promise<void> {
    let failure: unknown;
    for (const trial of this.trials.overdue(this.node.name)) {
      try {
        if (trial.before !== undefined || !this.configured(trial)) await this.revert(trial);
        else this.trials.end(trial);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  private async link(name: PeeringName): Promise<void> {
    await this.links.add(name);
    const { uri, device } = name;
    const shown = shownIdentity(name);
    this.dialled.delete(shown);
    for (const oldest of this.dialled.keys()) if (this.dialled.size >= MAX_DIALLED) this.dialled.delete(oldest);
    this.dialled.set(shown, device === undefined ? { uri } : { uri, device });
  }

  private async revert(trial: Trial): Promise<void> {
    await this.links.remove(trial);
    this.dialled.delete(shownIdentity(trial));
    if (trial.before !== undefined) await this.link({ ...trial, uri: trial.before });
    this.trials.end(trial);
    await this.look();
  }

  /** What is shown next is not older than what was done. */
  private async look(): Promise<void> {
    await this.node.source?.refresh('peers').catch(() => {});
  }

  private onTrial(name: PeeringName): Trial {
    const trial = this.trials.find(this.trial(name));
    if (!trial) throw new InputError(`uri: ${redact(name.uri)} is not on trial`, 'uri');
    return trial;
  }

  /** The trial that dials an outgoing peering anew, with what it takes to undo it. */
  private async replacement(name: PeeringName): Promise<Trial> {
    const what = this.check(name);
    this.refuseHidden(name);
    const peer = await this.find(name);
    if (!peer) throw this.unknown(name);
    if (peer.origin === 'multicast')
      throw new InputError(`uri: ${what} was found by multicast, which dials it with options of its own`, 'uri');
    const known = this.whole(name);
    const before = known?.uri ?? identityOf(name.uri);
    this.refuseHidden({ uri: before });
    const uri = name.uri.includes('?') ? withOptions(before, name.uri) : this.configured(name)?.uri;
    if (uri === undefined)
      throw new InputError(`uri: expected options, or a peering of the configuration, got ${what}`, 'uri');
    return { ...this.trial({ ...this.bound(name, known), uri }), before };
  }

  /** A peering with the options that it has, as far as they are known. */
  private whole(name: PeeringName): PeeringName | undefined {
    return this.trials.find(this.trial(name)) ?? this.dialled.get(shownIdentity(name)) ?? this.configured(name);
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
    const remote = shownIdentity(name);
    const { value } = await this.node.read('peers', this.nowMs());
    return value.peers.find(
      (peer) =>
        !peer.inbound &&
        peer.remote === remote &&
        (name.device === undefined || peer.device === undefined || peer.device === name.device),
    );
  }

  private unknown(name: PeeringName): InputError {
    const remote = shownIdentity(name);
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

  /** Yggdrasil tells two peerings apart by their device: take the known one where none was named. */
  private bound(name: PeeringName, known: PeeringName | undefined): PeeringName {
    const device = name.device ?? known?.device;
    return device === undefined ? { uri: name.uri } : { uri: name.uri, device };
  }

  private trial({ uri, device }: PeeringName): Trial {
    const trial = { uri, interface: this.node.name };
    return device === undefined ? trial : { ...trial, device };
  }
}

function shownIdentity({ uri }: PeeringName): string {
  return redact(identityOf(uri));
}
