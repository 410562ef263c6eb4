// The gateway that this machine is, as it is configured: begins, changes and ends it. In memory only where there is one.

import type { ClientMethod } from './api/client-object.ts';
import type { Personal } from './api/lease.ts';
import type { Sample } from './api/topics.ts';
import { errorText, InputError } from './errors.ts';
import { Gateway, LEASES_FILE } from './gateway.ts';
import type { ClientConfig, RegistrarConfig } from './lease-option.ts';
import type { Log } from './log.ts';
import type { Desk } from './mesh/desk.ts';
import type { GroupShare } from './mesh/group-share.ts';
import { countsOf, identityOf } from './mesh/identity.ts';
import type { Member } from './mesh/state.ts';
import type { ClientPlane } from './mesh/tunnel.ts';
import { askDesk, clientObject } from './surface/client.ts';
import type { Cancel, ChildlessHost } from './transport/host.ts';
import type { UbusObject } from './ubus/object.ts';

export interface LocalGatewayParts {
  readonly host: Pick<ChildlessHost, 'streams' | 'clock' | 'files' | 'crypto' | 'randomBytes'>;
  members(): readonly Pick<Member, 'node'>[];
  /** Makes what makes tunnels, for the Yggdrasil with this key. */
  plane(config: RegistrarConfig, identity: { readonly key: string; readonly address: string }): Promise<ClientPlane>;
  /** Takes every tunnel of a gateway away. */
  release(): Promise<void>;
  /** Whether what is kept lies on flash, which wears out. */
  isFlash(): boolean;
  /** Directory in RAM. */
  readonly state: string;
  /** Unix seconds; `undefined` while the clock is wrong. */
  dateS(): number | undefined;
  readonly log: Log;
  /** What the gateway that runs now shares with others of its operator; `undefined`: nothing. */
  onGroup(share: GroupShare | undefined): void;
  /** Puts the operator's desk on the bus. */
  publish(object: UbusObject): void;
}

/** From one attempt to be a gateway to the next. */
const AGAIN_MS = 30_000;

/** Makes this machine be the gateway that it is to be. */
export class LocalGateway {
  private config: RegistrarConfig | undefined;
  private decisions: readonly ClientConfig[] = [];
  private gateway: Gateway | undefined;
  /** What the gateway was made of: another key or configuration makes another one. */
  private made = '';
  /** There may be tunnels that nobody is to use. */
  private left = false;
  private work: Promise<void> | undefined;
  private timer: Cancel | undefined;
  private object: UbusObject | undefined;
  private stopped = false;

  constructor(private readonly parts: LocalGatewayParts) {}

  /** As configured now. @param left an earlier daemon was a gateway: unless this one is to be one, its tunnels go. */
  setConfig(config: RegistrarConfig | undefined, decisions: readonly ClientConfig[], left: boolean): void {
    this.config = config;
    this.decisions = decisions;
    this.left ||= left;
    if (config?.enabled && !this.object) {
      this.object = clientObject(() => this.desk());
      this.parts.publish(this.object);
    }
    this.look();
  }

  /** The bus is another one: its object has to be put there again. */
  moved(): void {
    if (this.object) this.parts.publish(this.object);
  }

  /** Counts of the gateway, while one runs. */
  sample(): Sample['gateway'] {
    return this.gateway?.sample();
  }

  /** Has the operator's desk do something. @param by who wants it. @param hidden as `askDesk` of the object on the bus. @throws InputError */
  askDesk(
    method: ClientMethod,
    args: Readonly<Record<string, unknown>>,
    by: string,
    hidden?: readonly Personal[],
  ): object {
    return askDesk(this.desk(), method, args, by, hidden);
  }

  /** @throws InputError where no gateway runs */
  private desk(): Desk {
    const desk = this.gateway?.desk;
    if (!desk) throw new InputError('no gateway runs here now: the log of the daemon says why');
    return desk;
  }

  /** A Yggdrasil was connected to, or lost. */
  linkChanged(): void {
    this.look();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.();
    this.parts.onGroup(undefined);
    this.gateway?.stop();
  }

  /** Makes the gateway be what it is to be, one step after the other. */
  private look(): void {
    if (!this.config?.enabled && !this.gateway && !this.left) return;
    this.work ??= this.settle()
      .catch((error) => {
        if (this.stopped) return;
        this.parts.log.error('no gateway', { error: errorText(error) });
        this.leave();
        this.made = '';
        this.timer?.();
        this.timer = this.parts.host.clock.after(AGAIN_MS, () => this.look());
      })
      .finally(() => {
        this.work = undefined;
      });
  }

  private async settle(): Promise<void> {
    const { host, members, plane, release, isFlash, state, dateS, log } = this.parts;
    const { config } = this;
    if (this.stopped) return;
    if (!config?.enabled) {
      // until it is all taken away
      this.left = true;
      this.leave();
      this.made = '';
      await release();
      host.files.remove(`${state}/${LEASES_FILE}`);
      this.left = false;
      log.info('ended');
      return this.again(config);
    }
    const identity = await identityOf(members(), config.interface);
    if (this.stopped || !identity) return;
    const wanted = JSON.stringify([identity, config]);
    if (wanted !== this.made) {
      this.leave();
      this.made = wanted;
      const made = await plane(config, identity);
      if (this.stopped) return;
      const look = () => countsOf(members(), config.interface);
      this.gateway = new Gateway({
        host,
        config,
        ...identity,
        plane: made,
        look,
        isFlash: isFlash(),
        state,
        dateS,
        log,
      });
      await this.gateway.start(this.decisions);
      this.parts.onGroup(this.gateway.group);
    } else this.gateway?.configure(this.decisions);
    await this.again(config);
  }

  private leave(): void {
    this.gateway?.stop();
    this.gateway = undefined;
    this.parts.onGroup(undefined);
  }

  /** What was done may not be what is wanted by now. */
  private async again(done: RegistrarConfig | undefined): Promise<void> {
    if (this.config !== done && !this.stopped) await this.settle();
  }
}
