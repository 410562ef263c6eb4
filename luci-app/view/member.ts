// The page Mesh > My home, for the household: does the mesh work, and what this home uses of it. Keys and addresses are nobody's business here.

import view from 'luci:view';
import type { Traffic } from '../../src/api/model.ts';
import { card } from './part/card.ts';
import { Chain } from './part/chain.ts';
import { method, type Reply } from './part/daemon.ts';
import { bytes, duration, rate } from './part/format.ts';
import type { Health } from './part/health.ts';
import { setContent } from './part/keyed.ts';
import { Page } from './part/page.ts';
import { say } from './part/say.ts';

const POLL_S = 5;

type Answer = Reply<'meshbridge', 'member'>;

const readMember = method('meshbridge', 'member');

/** A large number, what it counts, and how fast it grows. */
function figure(what: string): { root: HTMLElement; total: HTMLElement; now: HTMLElement } {
  const [total, now] = [E('strong'), E('span', { class: 'mb-dim' })];
  return { root: E('p', [total, what, ', ', now]), total, now };
}

class Member {
  readonly page = new Page<Answer>({
    title: _('My home'),
    ask: () => readMember({}),
    show: (answer) => this.show(answer),
    seconds: POLL_S,
    loading: _('Looking how the mesh is …'),
  });
  private readonly received = figure(_('received'));
  private readonly sent = figure(_('sent'));
  private readonly useSince = E('p', { class: 'mb-dim' });
  private readonly thanks = E('p');
  private readonly chain = new Chain();
  private readonly help = E('p', { class: 'mb-note' });
  private readonly cards: HTMLElement;

  constructor() {
    this.cards = E('div', { class: 'mb-cards' }, [
      card(_('What this home uses of the mesh'), [
        E('div', { class: 'mb-figures' }, [this.received.root, this.sent.root]),
        this.useSince,
      ]),
      card(_('For the neighbours'), [this.thanks]),
    ]);
    this.page.body.append(this.help, this.cards, card(_('On the way to the mesh'), [this.chain.root]));
  }

  private show({ name, verdict, traffic }: Answer): void {
    const { words, values, state } = verdict;
    this.page.tell(state as Health, say(words.sentence, values), say(words.fix, values));
    const since = _('For %s.').format(duration(verdict.since_s));
    setContent(this.page.aside, name ? `${since} ${_('This home is called %s in the mesh.').format(name)}` : since);
    this.help.hidden = state === 'good';
    setContent(
      this.help,
      _('If this lasts, tell whoever looks after your router, and this word with it: %s').format(verdict.id),
    );
    this.cards.hidden = traffic === undefined;
    if (traffic) this.showTraffic(traffic);
    this.chain.update(verdict.checks);
  }

  private showTraffic(traffic: Traffic): void {
    const { own_rx_bytes: received, own_tx_bytes: sent, relayed_bytes: relayed } = traffic;
    setContent(this.received.total, bytes(received));
    setContent(this.received.now, _('%s now').format(rate(traffic.own_rx_bytes_per_s)));
    setContent(this.sent.total, bytes(sent));
    setContent(this.sent.now, _('%s now').format(rate(traffic.own_tx_bytes_per_s)));
    setContent(this.useSince, _('Counted for %s.').format(duration(traffic.since_s)));
    setContent(
      this.thanks,
      relayed === 0
        ? _('Your router is ready to pass on what neighbours send one another. So far nobody needed it.')
        : _('Your router passed on %s for others. Thank you for carrying the mesh!').format(bytes(relayed)),
    );
  }
}

export default view.extend({
  handleSave: null,
  handleSaveApply: null,
  handleReset: null,
  render: () => new Member().page.start(),
});
