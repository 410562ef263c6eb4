// The page Mesh > Overview: does the mesh work and if not, why and what to do; who this node is, what it is connected to, and how the day was.

import view from 'luci:view';
import type { CheckState, Heal, PEER_COUNT, Shape, Traffic, Uplink, Verdict } from '../../src/api/model.ts';
import { Day } from './overview/day.ts';
import { badge } from './part/badge.ts';
import { button } from './part/button.ts';
import { card, Facts } from './part/card.ts';
import { Chain } from './part/chain.ts';
import { copyButton } from './part/copy.ts';
import { method, type Reply } from './part/daemon.ts';
import { bytes, duration, rate } from './part/format.ts';
import type { Health } from './part/health.ts';
import { Keyed, setContent } from './part/keyed.ts';
import { Page } from './part/page.ts';
import { Refusal } from './part/refusal.ts';
import { say } from './part/say.ts';

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
function placeOf(link: string | undefined): [path: string, title: string] {
  switch (link) {
    case 'line':
    case 'dns':
    case 'yggdrasil':
      return ['admin/network/network', _('Network → Interfaces')];
    case 'clock':
      return ['admin/system/system', _('System → System')];
    case 'peers':
      return ['admin/mesh/peers', _('Mesh → Peers')];
    case 'tree':
      return ['admin/mesh/map', _('Mesh → Map')];
    default:
      return ['', ''];
  }
}

function link(path: string, text: string): HTMLElement {
  return E('a', { href: L.url(path) }, [text]);
}

function which(chosen: string | undefined): { interface?: string } {
  return chosen === undefined ? {} : { interface: chosen };
}

/** How long it has been so, and when it last was well. */
function sinceWhen({ state, since_s: sinceS, last_good_ago_s: lastGoodS }: Verdict): string {
  const since = _('For %s.').format(duration(sinceS));
  if (state !== 'bad' && state !== 'weak') return since;
  const last =
    lastGoodS === undefined
      ? _('All was never well since the mesh daemon started.')
      : _('All was last well %s ago.').format(duration(lastGoodS));
  return `${since} ${last}`;
}

function healText({ ago_s: agoS, dialled, healed, saved_s: savedS }: Heal): string {
  const when = duration(agoS);
  return [
    N_(
      dialled,
      'The line came back %s ago: %d neighbour was called at once.',
      'The line came back %s ago: %d neighbours were called at once.',
    ).format(when, dialled),
    savedS < 60 ? '' : _('That saved about %s of waiting.').format(duration(savedS)),
    healed === 0 ? '' : N_(healed, '%d of them is connected again.', '%d of them are connected again.').format(healed),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** An uplink's state: one that is only being set up is no fault, for some never get beyond it (IPv6 where there is none). */
function uplinkState({ up, pending, carrier, default_route: isDefault }: Uplink): [state: CheckState, text: string] {
  if (up) return isDefault ? ['good', _('up')] : ['weak', _('up, but leads nowhere')];
  if (carrier === false) return ['bad', _('no cable or signal')];
  return pending ? ['unknown', _('being set up')] : ['bad', _('down')];
}

function uplinkText({ proto, device, addresses, next_hops: hops, dns_servers: servers, errors }: Uplink): string {
  return [
    [proto, device].filter(Boolean).join(', '),
    addresses.join(', '),
    hops.length > 0 ? _('by %s').format(hops.join(', ')) : '',
    servers.length > 0 ? _('names by %s').format(servers.join(', ')) : '',
    errors.join(', '),
  ]
    .filter((part) => part !== '')
    .join(' · ');
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

/** A value with a button that copies it, made anew only when the value is another. */
class Copyable {
  private shown = '';
  private root = E('span');

  constructor(private readonly label: string) {}

  node(text: string): HTMLElement {
    if (text !== this.shown) {
      this.shown = text;
      this.root = E('span', [E('code', [text]), ' ', copyButton(text, this.label)]);
    }
    return this.root;
  }
}

class Overview {
  readonly page = new Page<Answer>({
    title: _('Mesh overview'),
    ask: () => this.ask(),
    show: (answer) => this.show(answer),
    seconds: POLL_S,
  });
  /** The interface that was chosen where there are several. */
  private chosen: string | undefined;
  private dayDueMs = 0;

  private readonly since = E('span');
  private readonly place = E('a', { hidden: '' });
  private readonly outdated = E('div', { class: 'mb-note', 'data-level': 'warning', hidden: '' });
  private readonly healed = E('p', { class: 'mb-note', role: 'status', hidden: '' });
  private readonly choice = E('select', { class: 'cbi-input-select', change: () => this.choose(this.choice.value) });
  private readonly chooser = E('p', { hidden: '' }, [E('label', [_('Yggdrasil interface:'), ' ', this.choice])]);
  private readonly chain = new Chain();
  private readonly day = new Day();
  private readonly self = new Facts();
  private readonly copies = {
    address: new Copyable(_('Copy the address')),
    subnet: new Copyable(_('Copy the subnet')),
    key: new Copyable(_('Copy the key')),
  };
  private readonly uplinkList = E('ul', { class: 'mb-list' });
  private readonly uplinks = new Keyed(this.uplinkList, makeUplink, fillUplink);
  private readonly noUplink = E('p', [_('None: this router reaches the mesh by its neighbours only.')]);
  private readonly peers = {
    up: badge('good', ''),
    unproven: badge('weak', ''),
    down: badge('bad', ''),
  };
  private readonly unproven = E('p', { class: 'mb-dim' }, [
    _('Not proven: Yggdrasil says it is up, but nothing has arrived from it lately.'),
  ]);
  private readonly traffic = new Facts();
  private readonly trafficSince = E('p', { class: 'mb-dim' });
  private readonly cards = {
    day: card(_('The last 24 hours'), [this.day.root]),
    self: card(_('This node'), [this.self.root]),
    peers: card(
      _('Peers'),
      [E('p', { class: 'mb-badges' }, [this.peers.up, this.peers.unproven, this.peers.down]), this.unproven],
      [link('admin/mesh/peers', _('All peers'))],
    ),
    traffic: card(_('Traffic'), [this.traffic.root, this.trafficSince]),
    begin: card(_('How to begin'), [
      E('ol', { class: 'mb-steps' }, [
        E('li', [
          _('Add an interface with the protocol “Yggdrasil Network”:'),
          ' ',
          link('admin/network/network', _('Network → Interfaces')),
        ]),
        E('li', [_('Give it a peer, or let it look for neighbours by multicast.')]),
        E('li', [_('Save and apply. This page finds it by itself.')]),
      ]),
    ]),
  };

  constructor() {
    const { day, begin, ...small } = this.cards;
    this.page.aside.append(this.since, ' ', this.place);
    this.page.body.append(
      this.outdated,
      this.healed,
      this.chooser,
      this.chain.root,
      begin,
      day,
      E('div', { class: 'mb-cards' }, [
        small.self,
        small.traffic,
        card(_('Uplinks'), [this.uplinkList, this.noUplink]),
        small.peers,
      ]),
    );
  }

  private async ask(): Promise<Answer> {
    for (;;) {
      const { chosen } = this;
      void this.askDay(chosen);
      try {
        const answer = await readOverview(which(chosen));
        if (chosen === this.chosen) return answer;
      } catch (error) {
        if (chosen === undefined || !(error instanceof Refusal)) throw error;
        // the chosen one is gone
        if (chosen === this.chosen) this.chosen = undefined;
      }
    }
  }

  /** Beside the first question, and rarely again. Never rejects. */
  private async askDay(chosen: string | undefined): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.dayDueMs) return;
    this.dayDueMs = nowMs + DAY_MS;
    try {
      const { samples, step_s: stepS } = await readHistory(which(chosen));
      if (chosen === this.chosen) this.day.update(samples, stepS);
    } catch (error) {
      this.dayDueMs = nowMs + DAY_AGAIN_MS;
      this.day.fail(error);
    }
  }

  private choose(name: string): void {
    this.chosen = name;
    this.dayDueMs = 0;
    void this.page.refresh();
  }

  private show(answer: Answer): void {
    const { verdict, version, heal, uplinks, interface: name } = answer;
    const { words, values, checks } = verdict;
    this.page.tell(verdict.state as Health, say(words.sentence, values), say(words.fix, values));
    setContent(this.since, sinceWhen(verdict));
    const broken = checks.find(({ state }) => state === 'bad') ?? checks.find(({ state }) => state === 'weak');
    const [path, title] = placeOf(broken?.link);
    this.place.hidden = path === '';
    this.place.href = L.url(path);
    setContent(this.place, title);

    this.outdated.hidden = version === MESHBRIDGE_VERSION;
    if (!this.outdated.hidden) this.showOutdated(version);
    this.healed.hidden = heal === undefined || heal.ago_s > HEAL_S;
    if (heal) setContent(this.healed, healText(heal));
    this.showChoice(answer);
    this.chain.update(checks);
    this.uplinks.update(new Map(uplinks.map((uplink) => [uplink.interface, uplink])));
    this.noUplink.hidden = uplinks.length > 0;

    const { self, peers, traffic, begin, day } = this.cards;
    begin.hidden = name !== '';
    self.hidden = day.hidden = name === '';
    peers.hidden = answer.peers === undefined;
    traffic.hidden = answer.traffic === undefined;
    if (name === '') this.dayDueMs = Number.POSITIVE_INFINITY;
    else if (this.dayDueMs === Number.POSITIVE_INFINITY) this.dayDueMs = 0;
    this.showSelf(answer);
    if (answer.peers) this.showPeers(answer.peers);
    if (answer.traffic) this.showTraffic(answer.traffic);
  }

  private showOutdated(version: string): void {
    const text = _('This page is of meshbridge %s, the daemon of %s.').format(MESHBRIDGE_VERSION, version);
    if (this.outdated.firstChild?.textContent === text) return;
    this.outdated.replaceChildren(
      E('p', [text]),
      E('p', [_('Reload it. If this stays, restart “meshbridge” under System → Startup.')]),
      button(_('Reload the page'), () => location.reload()),
    );
  }

  private showChoice({ interface: name, interfaces }: Answer): void {
    const { choice } = this;
    this.chooser.hidden = interfaces.length < 2;
    if ([...choice.options].map(({ value }) => value).join(' ') !== interfaces.join(' '))
      choice.replaceChildren(...interfaces.map((one) => E('option', { value: one }, [one])));
    choice.value = name;
  }

  private showSelf({ name, self }: Answer): void {
    const { address, subnet, key } = this.copies;
    this.self.update([
      [_('Name'), name || _('none yet: give it one under Mesh → Services')],
      ...(self
        ? ([
            [_('Address'), address.node(self.address)],
            [_('Subnet'), subnet.node(self.subnet)],
            [_('Key'), key.node(self.key)],
            [_('Program'), `${self.build_name} ${self.build_version}`],
          ] as const)
        : ([[_('Yggdrasil'), _('does not answer')]] as const)),
    ]);
  }

  private showPeers({ up, unproven, down }: PeerCount): void {
    const { peers } = this;
    setContent(peers.up, _('%d up').format(up));
    peers.up.dataset.health = up > 0 ? 'good' : 'unused';
    setContent(peers.unproven, _('%d not proven').format(unproven));
    setContent(peers.down, _('%d down').format(down));
    this.unproven.hidden = peers.unproven.hidden = unproven === 0;
    peers.down.hidden = down === 0;
  }

  private showTraffic(traffic: Traffic): void {
    const row = (name: string, perS: number, all: number): [string, string] => [
      name,
      _('%s now, %s in all').format(rate(perS), bytes(all)),
    ];
    this.traffic.update([
      row(_('Received'), traffic.own_rx_bytes_per_s, traffic.own_rx_bytes),
      row(_('Sent'), traffic.own_tx_bytes_per_s, traffic.own_tx_bytes),
      row(_('Relayed'), traffic.relayed_bytes_per_s, traffic.relayed_bytes),
    ]);
    const text = _('Received and sent by this home, relayed for others; counted for %s.');
    setContent(this.trafficSince, text.format(duration(traffic.since_s)));
  }
}

export default view.extend({
  handleSave: null,
  handleSaveApply: null,
  handleReset: null,
  render: () => new Overview().page.start(),
});
