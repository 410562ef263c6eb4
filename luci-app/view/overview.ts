// The page Mesh > Overview: does the mesh work and if not, why and what to do; who this node is, what it is connected to, and how the day was.

import type { CheckState, Heal, PEER_COUNT, Shape, Traffic, Uplink, Verdict } from '../../src/api/model.ts';
import { makeDay } from './overview/day.ts';
import { badge } from './part/badge.ts';
import { button } from './part/button.ts';
import { card, Facts } from './part/card.ts';
import { Chain } from './part/chain.ts';
import { makeCopyable } from './part/copy.ts';
import { method, type Reply } from './part/daemon.ts';
import { bytes, duration, rate } from './part/format.ts';
import { join } from './part/join.ts';
import { Keyed, setContent } from './part/keyed.ts';
import { pageLink } from './part/link.ts';
import { Page, pageView } from './part/page.ts';
import { Refusal } from './part/refusal.ts';

const POLL_S = 5;
const DAY_MS = 300_000;
/** Of a picture that could not be had. */
const DAY_AGAIN_MS = 60_000;
/** A healing longer ago is no news. */
const HEAL_S = 3600;

type Answer = Reply<'meshbridge', 'overview'>;
type PeerCount = Shape<typeof PEER_COUNT>;

const readOverview = method('meshbridge', 'overview', ['interface']);
const readHistory = method('yggdrasil', 'history', ['interface']);

/** The page on which a link of the chain is looked after. */
function placeOf(link = ''): readonly [path: string, title: string] {
  const lines = ['admin/network/network', _('Network → Interfaces')] as const;
  const places: Record<string, readonly [string, string]> = {
    line: lines,
    dns: lines,
    clock: ['admin/system/system', _('System → System')],
    yggdrasil: lines,
    peers: ['admin/mesh/peers', _('Mesh → Peers')],
    tree: ['admin/mesh/map', _('Mesh → Map')],
    internet: ['admin/mesh/internet', _('Mesh → Internet')],
  };
  return places[link] ?? ['', ''];
}

function which(chosen: string | undefined): { interface?: string } {
  return chosen === undefined ? {} : { interface: chosen };
}

/** How long it has been so, and when it last was well. */
function sinceWhen({ state, since_s: sinceS, last_good_ago_s: lastGoodS }: Verdict): string {
  return join([
    _('For %s.').format(duration(sinceS)),
    (state === 'bad' || state === 'weak') &&
      (lastGoodS === undefined
        ? _('All was never well since the mesh daemon started.')
        : _('All was last well %s ago.').format(duration(lastGoodS))),
  ]);
}

function healText({ ago_s: agoS, dialled, healed, saved_s: savedS }: Heal): string {
  const when = duration(agoS);
  return join([
    N_(
      dialled,
      'The line came back %s ago: %d neighbour was called at once.',
      'The line came back %s ago: %d neighbours were called at once.',
    ).format(when, dialled),
    savedS >= 60 && _('That saved about %s of waiting.').format(duration(savedS)),
    healed > 0 && N_(healed, '%d of them is connected again.', '%d of them are connected again.').format(healed),
  ]);
}

/** An uplink's state: one that is only being set up is no fault, for some never get beyond it (IPv6 where there is none). */
function uplinkState({ up, pending, carrier, default_route: isDefault }: Uplink): [state: CheckState, text: string] {
  if (up) return isDefault ? ['good', _('up')] : ['weak', _('up, but leads nowhere')];
  if (carrier === false) return ['bad', _('no cable or signal')];
  return pending ? ['unknown', _('being set up')] : ['bad', _('down')];
}

function uplinkText({ proto, device, addresses, next_hops: hops, dns_servers: servers, errors }: Uplink): string {
  return join(
    [
      join([proto, device], ', '),
      addresses.join(', '),
      hops.length > 0 && _('by %s').format(hops.join(', ')),
      servers.length > 0 && _('names by %s').format(servers.join(', ')),
      errors.join(', '),
    ],
    ' · ',
  );
}

function makeUplink(name: string): { root: HTMLElement; state: HTMLElement; text: HTMLElement } {
  const [state, text] = [badge('unknown'), E('p', { class: 'mb-dim' })];
  return { root: E('li', [E('p', [E('strong', [name]), ' ', state]), text]), state, text };
}

function fillUplink({ state, text }: ReturnType<typeof makeUplink>, uplink: Uplink): void {
  const [health, word] = uplinkState(uplink);
  state.dataset.health = health;
  setContent(state, word);
  setContent(text, uplinkText(uplink));
}

function start(): HTMLElement {
  /** The interface that was chosen where there are several. */
  let chosen: string | undefined;
  let dayDueMs = 0;

  const since = E('span');
  const place = E('a', { hidden: '' });
  const outdated = E('div', { class: 'mb-note', 'data-level': 'warning', hidden: '' });
  const healed = E('p', { class: 'mb-note', role: 'status', hidden: '' });
  const choice = E('select', { class: 'cbi-input-select', change: () => choose() });
  const chooser = E('p', { hidden: '' }, [E('label', [_('Yggdrasil interface:'), ' ', choice])]);
  const chain = new Chain();
  const day = makeDay();
  const self = new Facts();
  const copies = [_('Copy the address'), _('Copy the subnet'), _('Copy the key')].map(makeCopyable);
  const uplinkList = E('ul', { class: 'mb-list' });
  const uplinks = new Keyed(uplinkList, makeUplink, fillUplink);
  const noUplink = E('p', [_('None: this router reaches the mesh by its neighbours only.')]);
  const [up, unproven, down] = [badge('good', ''), badge('weak', ''), badge('bad', '')];
  const unprovenHint = E('p', { class: 'mb-dim' }, [
    _('Not proven: Yggdrasil says it is up, but nothing has arrived from it lately.'),
  ]);
  const traffic = new Facts();
  const trafficSince = E('p', { class: 'mb-dim' });

  const dayCard = card(_('The last 24 hours'), [day.root]);
  const selfCard = card(_('This node'), [self.root]);
  const peersCard = card(
    _('Peers'),
    [E('p', { class: 'mb-badges' }, [up, unproven, down]), unprovenHint],
    [pageLink('admin/mesh/peers', _('All peers'))],
  );
  const trafficCard = card(_('Traffic'), [traffic.root, trafficSince]);
  const beginCard = card(_('How to begin'), [
    E('ol', { class: 'mb-steps' }, [
      E('li', [
        _('Add an interface with the protocol “Yggdrasil Network”:'),
        ' ',
        pageLink('admin/network/network', _('Network → Interfaces')),
      ]),
      E('li', [_('Give it a peer, or let it look for neighbours by multicast.')]),
      E('li', [_('Save and apply. This page finds it by itself.')]),
    ]),
  ]);

  const page = new Page({ title: _('Mesh overview'), ask, show, seconds: POLL_S });
  page.aside.append(since, ' ', place);
  page.body.append(
    outdated,
    healed,
    chooser,
    chain.root,
    beginCard,
    dayCard,
    E('div', { class: 'mb-cards' }, [selfCard, trafficCard, card(_('Uplinks'), [uplinkList, noUplink]), peersCard]),
  );

  async function ask(): Promise<Answer> {
    for (;;) {
      const asked = chosen;
      void askDay(asked);
      try {
        const answer = await readOverview(which(asked));
        if (asked === chosen) return answer;
      } catch (error) {
        if (asked === undefined || !(error instanceof Refusal)) throw error;
        // the chosen one is gone
        if (asked === chosen) chosen = undefined;
      }
    }
  }

  /** Beside the first question, and rarely again. Never rejects. */
  async function askDay(asked: string | undefined): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < dayDueMs) return;
    dayDueMs = nowMs + DAY_MS;
    try {
      const { samples, step_s: stepS } = await readHistory(which(asked));
      if (asked === chosen) day.update(samples, stepS);
    } catch (error) {
      dayDueMs = nowMs + DAY_AGAIN_MS;
      day.fail(error);
    }
  }

  function choose(): void {
    chosen = choice.value;
    dayDueMs = 0;
    void page.refresh();
  }

  function show(answer: Answer): void {
    const { verdict, version, heal, uplinks: lines, interface: name, interfaces, peers, traffic: counted } = answer;
    const { checks } = verdict;
    page.judge(verdict);
    setContent(since, sinceWhen(verdict));
    const broken = checks.find(({ state }) => state === 'bad') ?? checks.find(({ state }) => state === 'weak');
    const [path, title] = placeOf(broken?.link);
    place.hidden = path === '';
    place.href = L.url(path);
    setContent(place, title);

    outdated.hidden = version === MESHBRIDGE_VERSION;
    if (!outdated.hidden) showOutdated(version);
    healed.hidden = heal === undefined || heal.ago_s > HEAL_S;
    if (heal) setContent(healed, healText(heal));
    chooser.hidden = interfaces.length < 2;
    if ([...choice.options].map(({ value }) => value).join(' ') !== interfaces.join(' '))
      choice.replaceChildren(...interfaces.map((one) => E('option', { value: one }, [one])));
    choice.value = name;
    chain.update(checks);
    uplinks.update(new Map(lines.map((line) => [line.interface, line])));
    noUplink.hidden = lines.length > 0;

    beginCard.hidden = name !== '';
    selfCard.hidden = dayCard.hidden = name === '';
    peersCard.hidden = peers === undefined;
    trafficCard.hidden = counted === undefined;
    if (name === '') dayDueMs = Number.POSITIVE_INFINITY;
    else if (dayDueMs === Number.POSITIVE_INFINITY) dayDueMs = 0;
    showSelf(answer);
    if (peers) showPeers(peers);
    if (counted) showTraffic(counted);
  }

  function showOutdated(version: string): void {
    const text = _('This page is of meshbridge %s, the daemon of %s.').format(MESHBRIDGE_VERSION, version);
    if (outdated.firstChild?.textContent === text) return;
    outdated.replaceChildren(
      E('p', [text]),
      E('p', [_('Reload it. If this stays, restart “meshbridge” under System → Startup.')]),
      button(_('Reload the page'), () => location.reload()),
    );
  }

  function showSelf({ name, self: known }: Answer): void {
    const [address, subnet, key] = copies;
    self.update([
      [_('Name'), name || _('none yet: give it one under Mesh → Services')],
      ...(known
        ? ([
            [_('Address'), address!(known.address)],
            [_('Subnet'), subnet!(known.subnet)],
            [_('Key'), key!(known.key)],
            [_('Program'), `${known.build_name} ${known.build_version}`],
          ] as const)
        : ([[_('Yggdrasil'), _('does not answer')]] as const)),
    ]);
  }

  function showPeers(count: PeerCount): void {
    setContent(up, _('%d up').format(count.up));
    up.dataset.health = count.up > 0 ? 'good' : 'unused';
    setContent(unproven, _('%d not proven').format(count.unproven));
    setContent(down, _('%d down').format(count.down));
    unprovenHint.hidden = unproven.hidden = count.unproven === 0;
    down.hidden = count.down === 0;
  }

  function showTraffic(counted: Traffic): void {
    const row = (name: string, perS: number, all: number): [string, string] => [
      name,
      _('%s now, %s in all').format(rate(perS), bytes(all)),
    ];
    traffic.update([
      row(_('Received'), counted.own_rx_bytes_per_s, counted.own_rx_bytes),
      row(_('Sent'), counted.own_tx_bytes_per_s, counted.own_tx_bytes),
      row(_('Relayed'), counted.relayed_bytes_per_s, counted.relayed_bytes),
    ]);
    const text = _('Received and sent by this home, relayed for others; counted for %s.');
    setContent(trafficSince, text.format(duration(counted.since_s)));
  }

  return page.start();
}

export default pageView(start);
