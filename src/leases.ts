// Leases as the rest of the daemon sees them, of this home and of homes that this machine serves: most routers have neither, so all that
// belongs to them is in memory only once it is wanted.

import type { Config } from './config.ts';
import { errorText, InputError } from './errors.ts';
import type { HomeLease, LeaseParts } from './lease.ts';
import type { LocalGateway, LocalGatewayParts } from './registrar.ts';

/** What both are made of. */
export type LeasesParts = Omit<LeaseParts, 'log'> &
  Pick<LocalGatewayParts, 'host' | 'plane' | 'dateS'> & { log(scope: string): LeaseParts['log'] };

/** A home's record: where there is one, something may have to be undone. */
const RECORD = 'lease.json';

/** Stands in for both until they are there. */
export class Leases {
  private config: Config | undefined;
  private home: HomeLease | undefined;
  private gateway: LocalGateway | undefined;
  private loading: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly parts: LeasesParts) {}

  /** As configured now; called at the start, too, for what an earlier daemon left behind is undone by it. */
  setConfig(config: Config): void {
    this.config = config;
    const { lease, registrar } = config;
    this.tell(config, false);
    const left = !this.home && this.hasRecord();
    const isHomeWanted = !this.home && (lease !== undefined || left);
    const isGatewayWanted = !this.gateway && registrar?.enabled === true;
    if (!isHomeWanted && !isGatewayWanted) return;
    this.loading ??= this.load(isHomeWanted, isGatewayWanted, left)
      .catch((error) => this.parts.log('lease').error('not loaded', { error: errorText(error) }))
      .finally(() => {
        this.loading = undefined;
        // changed while it was loaded
        if (this.config !== config && !this.stopped) this.setConfig(this.config!);
      });
  }

  /** How it is with this home's lease, while it is switched on or on trial. */
  internet(): ReturnType<HomeLease['internet']> {
    return this.home?.internet();
  }

  /** This home's lease, for whoever has something to do with it. @throws InputError where no gateway is named. */
  desk(): HomeLease {
    if (this.home) return this.home;
    throw new InputError('this router uses no gateway: name one first');
  }

  /** How it is with this home's lease, while it is switched on or on trial; for people. */
  status(): ReturnType<HomeLease['status']> | undefined {
    const status = this.home?.status();
    return status?.mode === 'off' ? undefined : status;
  }

  /** The bus is another one. */
  moved(): void {
    this.home?.moved();
    this.gateway?.moved();
  }

  /** A Yggdrasil was connected to, or lost. */
  linkChanged(): void {
    this.home?.linkChanged();
    this.gateway?.linkChanged();
  }

  /** A peer came up. */
  peerUp(): void {
    this.home?.peerUp();
  }

  stop(): void {
    this.stopped = true;
    this.home?.stop();
    this.gateway?.stop();
  }

  private hasRecord(): boolean {
    const { host, state, log } = this.parts;
    try {
      return host.files.list(state).includes(RECORD);
    } catch (error) {
      log('lease').warn('record not looked for', { error: errorText(error) });
      return false;
    }
  }

  private tell({ lease, gateways, site, registrar, clients }: Config, left: boolean): void {
    this.home?.setConfig(lease, gateways, site, left);
    this.gateway?.setConfig(registrar, clients);
  }

  private async load(isHomeWanted: boolean, isGatewayWanted: boolean, left: boolean): Promise<void> {
    const { log, ...parts } = this.parts;
    const [home, gateway] = await Promise.all([
      isHomeWanted ? import('./lease.ts') : undefined,
      isGatewayWanted ? import('./registrar.ts') : undefined,
    ]);
    if (this.stopped) return;
    if (home) this.home = new home.HomeLease({ ...parts, log: log('lease') });
    if (gateway) this.gateway = new gateway.LocalGateway({ ...parts, log: log('registrar') });
    this.tell(this.config!, left);
  }
}
