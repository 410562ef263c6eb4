// A home's tunnels and routes where root makes them: the daemon's side, which asks the helper. What is counted it reads itself.

import type { Terms } from '../api/lease.ts';
import { packetsOf } from '../lib/net-device.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import type { Flow, RoutePlane, Slot, TunnelAbility, TunnelPlane } from '../mesh/tunnel.ts';
import type { Files } from '../transport/host.ts';
import type { HelperCaller } from './helper.ts';
import { readAbility } from './plane-ability.ts';

const COUNTERS = '/proc/net/dev';
const MAX_BYTES = 256 * 1024;

/** Tunnels and routes by root's helper. */
export class RootPlane implements TunnelPlane, RoutePlane {
  private readonly devices: [string | undefined, string | undefined] = [undefined, undefined];

  constructor(
    private readonly helper: HelperCaller,
    private readonly files: Pick<Files, 'read'>,
  ) {}

  async ability(): Promise<TunnelAbility> {
    return readAbility(await this.helper.call('tunnel_ability', {}));
  }

  async build(slot: Slot, terms: Terms): Promise<void> {
    const built = await this.helper.call('tunnel_build', { slot: String(slot), terms: JSON.stringify(terms) });
    this.devices[slot] = built.device;
  }

  async drop(slot: Slot): Promise<void> {
    await this.helper.call('tunnel_drop', { slot: String(slot) });
    this.devices[slot] = undefined;
  }

  flow(slot: Slot): Flow | undefined {
    const device = this.devices[slot];
    if (device === undefined) return undefined;
    const bytes = this.files.read(COUNTERS, MAX_BYTES);
    return bytes && packetsOf(decodeUtf8(bytes), device);
  }

  async use(slot: Slot | undefined, terms: Terms | undefined): Promise<void> {
    const tunnel = slot === undefined ? {} : { slot: String(slot), terms: JSON.stringify(terms) };
    await this.helper.call('route_use', tunnel);
  }

  async block(on: boolean): Promise<void> {
    await this.helper.call('route_block', { on: on ? '1' : '0' });
  }

  async keep(terms: Terms): Promise<void> {
    await this.helper.call('route_keep', { terms: JSON.stringify(terms) });
  }

  async undo(): Promise<void> {
    await this.helper.call('route_undo', {});
    this.devices.fill(undefined);
  }

  /** Makes the machine be again what it was told. */
  async restore(): Promise<void> {
    await this.helper.call('route_restore', {});
  }
}
