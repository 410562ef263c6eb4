// Leases as the rest of the daemon sees them, of this home and of homes that this machine serves: most routers have neither, so all that
// belongs to them is in memory only once it is wanted.

import type { Sample } from './api/topics.ts';
import type { Config } from './config.ts';
import { errorText, InputError } from './errors.ts';
import type { HomeLease, LeaseParts } from './lease.ts';
import type { LocalGateway, LocalGatewayParts } from './registrar.ts';

/** What both are made of. */
export type LeasesParts = Omit<LeaseParts, 'log'> &
  Pick<LocalGatewayParts, 'host' | 'plane' | 'release' | 'isFlash' | 'dateS' | 'onGroup'> & {
    log(scope: string): LeaseParts['log'];
  };

/** Records of a home and of a gateway: where there is one, something may have to be undone. */
const RECORD = 'lease.json';
const LEASES = 'leases.json';

/** What an earlier daemon left behind. */
interface Left {
  readonly home: boolean;
  readonly gateway: boolean;
}

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
    const records = this.home && this.gateway ? [] : this.records();
    const left = { home: !this.home && records.includes(RECORD), gateway: !this.gateway && records.includes(LEASES) };
    this.tell(config, { home: false, gateway: false });
    const isHomeWanted = !this.home && (lease !== undefined || left.home);
    const isGatewayWanted = !this.gateway && (registrar?.enabled === true || left.gateway);
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

  /** Counts of this gateway, while it is one. */
  sample(): Sample['gateway'] {
    return this.gateway?.sample();
  }

  /** Has the desk of this gateway's operator do something, as `LocalGateway`. @throws InputError where this machine is no gateway */
  askDesk(...asked: Parameters<LocalGateway['askDesk']>): object {
    if (this.gateway) return this.gateway.askDesk(...asked);
    throw new InputError('no gateway runs here');
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

  private records(): string[] {
    const { host, state, log } = this.parts;
    try {
      return host.files.list(state);
    } catch (error) {
      log('lease').warn('records not looked for', { error: errorText(error) });
      return [];
    }
  }

  private tell({ lease, gateways, site, registrar, clients }: Config, left: Left): void {
    this.home?.setConfig(lease, gateways, site, left.home);
    this.gateway?.setConfig(registrar, clients, left.gateway);
  }

  private async load(isHomeWanted: boolean, isGatewayWanted: boolean, left: Left): Promise<void> {
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
