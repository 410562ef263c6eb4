// One gateway in the list: how it is, and what its operator says of it. All of that are texts of strangers.

import type { GatewayView } from '../../../src/api/lease-object.ts';
import type { CheckState } from '../../../src/api/model.ts';
import { country, told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { badge } from '../part/badge.ts';
import { Facts } from '../part/card.ts';
import { makeCopyable } from '../part/copy.ts';
import { duration } from '../part/format.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { termsText } from './volume.ts';

/** What the page does with a gateway. */
export interface GatewayActs {
  /** Absent: this login may not. */
  choose?: ((name: string) => Promise<string>) | undefined;
}

export interface GatewayItem {
  root: HTMLElement;
  fill(gateway: GatewayView): void;
}

const MAX_PORTS = 12;
/** What gateways say of what they keep is made of several sentences. */
const MAX_STATEMENT = 1024;

function stateOf({ role, state, online }: GatewayView): [CheckState, string] {
  if (role === 'in_use') return ['good', _('in use')];
  if (role === 'next') return ['unknown', _('is being prepared')];
  if (online === false) return ['weak', _('has no Internet itself')];
  const states: Record<string, [CheckState, string]> = {
    ready: ['good', _('ready')],
    waiting: ['weak', _('waits for its operator')],
    refused: ['bad', _('says no')],
    unreachable: ['bad', _('does not answer')],
  };
  return states[state] ?? ['unknown', _('not asked yet')];
}

function admissionText(admission = ''): string {
  const texts: Record<string, string> = {
    open: _('takes everybody'),
    ask: _('its operator decides'),
    closed: _('takes nobody new'),
  };
  return texts[admission] ?? '';
}

function wantsText(asksFor: readonly string[]): string {
  const texts: Record<string, string> = { name: _('name'), email: _('e-mail address'), phone: _('phone number') };
  return asksFor
    .map((one) => texts[one] ?? '')
    .filter(Boolean)
    .join(', ');
}

function loadText({ clients, max_clients: most, load_percent: load }: GatewayView): string {
  if (clients === undefined) return '';
  return join(
    [_('%d of %d homes').format(clients, most ?? 0), load !== undefined && _('%d %% busy').format(load)],
    ', ',
  );
}

/** Makes one. */
export function makeGateway({ choose }: GatewayActs): GatewayItem {
  const [title, why] = [E('strong'), E('p')];
  const state = badge('unknown', '');
  const facts = new Facts();
  const [address, key] = [makeCopyable(_('Copy the address')), makeCopyable(_('Copy the key'))];
  let now: GatewayView | undefined;
  const act = choose && actButton(_('Prefer this one'), async () => (now ? choose(now.name) : ''));
  const details = E('details', [E('summary', [_('What it says of itself')]), facts.root]);
  const root = E('li', [E('p', [title, ' ', state]), why, details, ...(act ? [E('p', [act])] : [])]);

  function fill(gateway: GatewayView): void {
    now = gateway;
    const [health, word] = stateOf(gateway);
    state.dataset.health = health;
    setContent(state, word);
    setContent(title, gateway.name);
    const { problem, retry_s: retryS, place, waiting, latency_ms: latency } = gateway;
    const country_ = country(gateway.country);
    setContent(
      why,
      join(
        [
          latency !== undefined && _('%d ms away').format(latency),
          loadText(gateway),
          country_ && _('exit in %s').format(country_),
          told(gateway.operator),
          told(problem),
          place !== undefined && _('This home is number %d of %d that wait.').format(place, waiting ?? place),
          retryS !== undefined && _('Asked again in %s.').format(duration(retryS)),
          gateway.chosen && _('preferred by hand'),
        ],
        ' · ',
      ),
    );
    if (act) act.hidden = gateway.chosen;
    const rows: [string, Node | string][] = [
      [_('Operator'), told(gateway.operator)],
      [_('What is kept'), told(gateway.logging, MAX_STATEMENT) || _('It does not say.')],
      [_('Complaints to'), told(gateway.abuse_contact)],
      [_('Who gets in'), admissionText(gateway.admission)],
      [_('To be asked'), told(gateway.ask)],
      [_('Wants to know'), wantsText(gateway.asks_for)],
      [_('Place'), told(gateway.place_name)],
      [_('Website'), told(gateway.website)],
      [_('What one home may use'), termsText(gateway.limits)],
      [_('Closed ports'), gateway.blocked_ports.slice(0, MAX_PORTS).join(', ')],
      [_('Tunnels'), gateway.kinds.join(', ')],
      [_('IPv6'), gateway.ipv6 === undefined ? '' : gateway.ipv6 ? _('yes') : _('no')],
      [_('Program'), told(gateway.software)],
      [_('Address'), address(gateway.address)],
      [_('Key'), gateway.key === undefined ? '' : key(gateway.key)],
    ];
    facts.update(rows.filter(([, value]) => value !== ''));
  }

  return { root, fill };
}
