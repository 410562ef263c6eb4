// The way out as a picture: this home, its gateway, the Internet, and how each of them is.

import type { GatewayView, LeaseStatus } from '../../../src/api/lease-object.ts';
import type { CheckState } from '../../../src/api/model.ts';
import { country, told } from '../more/text.ts';
import type { ChainStep } from '../part/chain.ts';
import { join } from '../part/join.ts';

/** The links of the way that packets take now. */
export function wayOf(status: LeaseStatus, gateways: readonly GatewayView[]): ChainStep[] {
  return [homeOf(status), gatewayOf(status, gateways), internetOf(status, gateways)];
}

function homeOf({ mode, blocking, let_out_left_s: letOutS }: LeaseStatus): ChainStep {
  const text =
    mode === 'off'
      ? _('Devices go out by the own line.')
      : letOutS !== undefined
        ? _('Devices go out by the own line for a while.')
        : blocking
          ? _('Nothing of the devices leaves by the own line.')
          : _('Nothing was changed on this router yet.');
  const state: CheckState = mode === 'off' ? 'unused' : letOutS !== undefined ? 'weak' : blocking ? 'good' : 'unknown';
  return { name: _('This home'), state, text, since: '' };
}

function gatewayOf({ mode, state, gateway, id }: LeaseStatus, gateways: readonly GatewayView[]): ChainStep {
  const used = gateways.find(({ role }) => role === 'in_use');
  const name = _('Gateway');
  if (gateway === undefined) {
    const text = mode === 'off' ? _('None is used.') : _('None serves at the moment.');
    return { name, state: mode === 'off' ? 'unused' : state === 'blocked' ? 'bad' : 'unknown', text, since: '' };
  }
  const latency = used?.latency_ms !== undefined && _('%d ms away').format(used.latency_ms);
  const isWeak = state === 'degraded' && id !== 'no_exit' && id !== 'no_ipv6';
  return { name, state: isWeak ? 'weak' : 'good', text: join([told(gateway), latency], ' · '), since: '' };
}

function internetOf({ gateway, ipv4, ipv6, mode }: LeaseStatus, gateways: readonly GatewayView[]): ChainStep {
  const used = gateways.find(({ role }) => role === 'in_use');
  const name = _('Internet');
  if (mode === 'off' || gateway === undefined)
    return { name, state: mode === 'off' ? 'unused' : 'unknown', text: _('Not by a gateway.'), since: '' };
  if (ipv4 === undefined && ipv6 === undefined)
    return { name, state: 'unknown', text: _('Not tested yet.'), since: '' };
  const kinds = join([ipv4 && 'IPv4', ipv6 && 'IPv6'], ', ');
  const text = kinds === '' ? _('Not reached when that was last tested.') : _('Reached by %s.').format(kinds);
  const place = used?.country !== undefined && _('You appear in: %s').format(country(used.country));
  const state = ipv4 === false ? 'bad' : ipv6 === false ? 'weak' : 'good';
  return { name, state, text: join([text, place]), since: '' };
}
