// Which version to speak: MQTT 5, or 3.1.1 with brokers that refuse it. Nothing that we rely on for safety is of version 5 alone.

import { RemoteError, WireError } from '../errors.ts';
import type { Clock } from '../transport/host.ts';
import type { Version } from './packet.ts';
import { UNSUPPORTED_VERSION } from './reason.ts';

/** Connections that ended without an answer to CONNECT, before the other version is tried. */
const SILENT_ENDS = 2;
/** How often MQTT 5 is tried again with a broker that refused it: each so many connections, and after a day. */
const TRY_EACH = 20;
const TRY_AFTER_MS = 24 * 3_600_000;

/** The version to speak with one broker, as long as the process lives. */
export class Protocol {
  version: Version;
  /** The broker has greeted us in 3.1.1, and in nothing later. */
  private isOld = false;
  private silentEnds = 0;
  private connections = 0;
  private triedAtMs = 0;

  /** @param only the one that is spoken, whatever happens. */
  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly only?: Version,
  ) {
    this.version = only ?? 5;
  }

  /** A connection stands: decides what is spoken on it. */
  begin(): Version {
    if (!this.isOld || this.version === 5 || this.only) return this.version;
    const nowMs = this.clock.monotonicMs();
    if (++this.connections >= TRY_EACH || nowMs - this.triedAtMs >= TRY_AFTER_MS) this.version = 5;
    return this.version;
  }

  /** The broker greeted us. */
  onGreeted(): void {
    if (this.version === 4 && !this.isOld) this.noteTried();
    this.isOld = this.version === 4;
    this.silentEnds = 0;
  }

  /** A connection ended before the broker greeted us. True: it is worth dialling again at once, in the other version. */
  onRefused(error: Error): boolean {
    if (this.only) return false;
    if (error instanceof RemoteError && error.status === UNSUPPORTED_VERSION) return this.change() === 4;
    // any other answer shows that the version is understood
    if (error instanceof RemoteError || error instanceof WireError) this.silentEnds = 0;
    else if (++this.silentEnds >= SILENT_ENDS || (this.isOld && this.version === 5)) this.change();
    return false;
  }

  private change(): Version {
    this.version = this.version === 5 ? 4 : 5;
    this.silentEnds = 0;
    if (this.version === 4) this.noteTried();
    return this.version;
  }

  private noteTried(): void {
    this.connections = 0;
    this.triedAtMs = this.clock.monotonicMs();
  }
}
