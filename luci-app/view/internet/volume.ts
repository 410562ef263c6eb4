// What a home may use of a gateway, and what it has used: a line each.

import type { Limits } from '../../../src/api/lease.ts';
import type { GatewayView, LeaseStatus } from '../../../src/api/lease-object.ts';
import { bytes } from '../part/format.ts';
import { join } from '../part/join.ts';

const MB = 1_000_000;

/** This month's volume: `12 GB of 50 GB`. */
export function volumeText({
  bytes: all,
  used_bytes: used,
  state,
  at_quota: then,
}: NonNullable<LeaseStatus['quota']>): string {
  return join(
    [
      _('%s of %s').format(bytes(used), bytes(all)),
      state === 'over' && (then === 'stop' ? _('stopped until next month') : _('slow until next month')),
    ],
    ', ',
  );
}

/** Kilobits a second for people: `20 Mbit/s`. */
function speed(kbits: number): string {
  const [value, unit] = kbits < 1000 ? [kbits, _('%s kbit/s')] : [kbits / 1000, _('%s Mbit/s')];
  return unit.format(value.toLocaleString([], { maximumFractionDigits: 1 }));
}

/** How fast a home is at most, and by how many connections; empty where nobody limits it. */
export function limitText({ down_kbits: down, up_kbits: up, flows }: Limits): string {
  return join(
    [
      down !== undefined && _('%s down').format(speed(down)),
      up !== undefined && _('%s up').format(speed(up)),
      flows !== undefined && N_(flows, '%d connection', '%d connections').format(flows),
    ],
    ', ',
  );
}

/** What a gateway lets every home use: `50 GB a month, then slow; 20 Mbit/s down`. */
export function termsText(limits: GatewayView['limits']): string {
  if (!limits) return '';
  const { quota_mb: mb, at_quota: then, slow_kbits: slow } = limits;
  return join(
    [
      mb !== undefined && _('%s a month').format(bytes(mb * MB)),
      mb !== undefined && (then === 'stop' ? _('then nothing') : _('then %s').format(speed(slow))),
      limitText(limits),
    ],
    ', ',
  );
}
