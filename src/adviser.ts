// The adviser for public peers as the rest of the daemon sees it: most routers do without, so its code is in memory only once it is wanted.

import type { AdviserStatus } from './api/model.ts';
import { InputError } from './errors.ts';
import type { Log } from './log.ts';
import type { AdviserSource, AdviserView } from './source/adviser.ts';
import type { ProbeHost } from './source/probe.ts';
import type { Files } from './transport/host.ts';

export interface AdviserParts {
  readonly host: ProbeHost & { readonly files: Files };
  /** Uniform in [0, 1). */
  random(): number;
  readonly view: AdviserView;
  /** Directory of its record. */
  readonly state: string;
  /** Path of the list; there need not be one. */
  readonly list: string;
  readonly log: Log;
}

const RECORD = 'adviser.json';
const OFF: AdviserStatus = { enabled: false, state: 'off', listed: 0, candidates: [] };

/** Stands in for the adviser until it is there. */
export class LateAdviser {
  private loading: Promise<void> | undefined;
  private source: AdviserSource | undefined;
  private wanted = false;
  private stopped = false;

  constructor(private readonly parts: AdviserParts) {}

  /** Switches it on or off; called at the start, too, for what an earlier daemon left behind is removed by it. */
  setEnabled(on: boolean): void {
    this.wanted = on;
    if (this.source) this.source.setEnabled(on);
    else if (on || this.hasRecord()) this.loading ??= this.load();
  }

  /** A Yggdrasil was connected to. */
  linkUp(iface: string): void {
    this.source?.linkUp(iface);
  }

  stop(): void {
    this.stopped = true;
    this.source?.stop();
  }

  status(): AdviserStatus {
    return this.source?.status() ?? { ...OFF, enabled: this.wanted };
  }

  /** @throws as AdviserSource's */
  async undo(): Promise<string> {
    await this.loading;
    if (!this.source) throw new InputError('the adviser is off: there is nothing of it to undo');
    return this.source.undo();
  }

  private hasRecord(): boolean {
    const { host, state, log } = this.parts;
    try {
      return host.files.list(state).includes(RECORD);
    } catch (error) {
      log.warn('record not looked for', { error: String(error) });
      return false;
    }
  }

  private async load(): Promise<void> {
    const { host, state, log, ...rest } = this.parts;
    const [{ AdviserSource }, { AdviserFile }] = await Promise.all([
      import('./source/adviser.ts'),
      import('./system/adviser-file.ts'),
    ]);
    if (this.stopped) return;
    this.source = new AdviserSource({
      ...rest,
      host,
      log,
      store: new AdviserFile(host.files, `${state}/${RECORD}`, log),
    });
    this.source.setEnabled(this.wanted);
    for (const { node } of rest.view.members()) if (node.connected) this.source.linkUp(node.name);
  }
}
