// The page Mesh > My home, for the household: does the mesh work, and what this home uses of it. Keys and addresses are nobody's business here.

import type { Traffic } from '../../src/api/model.ts';
import { card } from './part/card.ts';
import { Chain } from './part/chain.ts';
import { method, type Reply } from './part/daemon.ts';
import { bytes, duration, rate } from './part/format.ts';
import { join } from './part/join.ts';
import { setContent } from './part/keyed.ts';
import { Page, pageView } from './part/page.ts';

const POLL_S = 5;

type Answer = Reply<'meshbridge', 'member'>;

const readMember = method('meshbridge', 'member');

/** A large number, what it counts, and how fast it grows. */
function figure(what: string): { root: HTMLElement; total: HTMLElement; now: HTMLElement } {
  const [total, now] = [E('strong'), E('span', { class: 'mb-dim' })];
  return { root: E('p', [total, what, ', ', now]), total, now };
}

function start(): HTMLElement {
  const received = figure(_('received'));
  const sent = figure(_('sent'));
  const useSince = E('p', { class: 'mb-dim' });
  const thanks = E('p');
  const chain = new Chain();
  const help = E('p', { class: 'mb-note' });
  const cards = E('div', { class: 'mb-cards' }, [
    card(_('What this home uses of the mesh'), [
      E('div', { class: 'mb-figures' }, [received.root, sent.root]),
      useSince,
    ]),
    card(_('For the neighbours'), [thanks]),
  ]);
  const page = new Page({
    title: _('My home'),
    ask: () => readMember({}),
    show,
    seconds: POLL_S,
    loading: _('Looking how the mesh is …'),
  });
  page.body.append(help, cards, card(_('On the way to the mesh'), [chain.root]));

  function show({ name, verdict, traffic }: Answer): void {
    page.judge(verdict);
    const since = _('For %s.').format(duration(verdict.since_s));
    setContent(page.aside, join([since, name && _('This home is called %s in the mesh.').format(name)]));
    help.hidden = verdict.state === 'good';
    setContent(
      help,
      _('If this lasts, tell whoever looks after your router, and this word with it: %s').format(verdict.id),
    );
    cards.hidden = traffic === undefined;
    if (traffic) showTraffic(traffic);
    chain.update(verdict.checks);
  }

  function showTraffic(traffic: Traffic): void {
    const { own_rx_bytes: own, own_tx_bytes: out, relayed_bytes: relayed } = traffic;
    setContent(received.total, bytes(own));
    setContent(received.now, _('%s now').format(rate(traffic.own_rx_bytes_per_s)));
    setContent(sent.total, bytes(out));
    setContent(sent.now, _('%s now').format(rate(traffic.own_tx_bytes_per_s)));
    setContent(useSince, _('Counted for %s.').format(duration(traffic.since_s)));
    setContent(
      thanks,
      relayed === 0
        ? _('Your router is ready to pass on what neighbours send one another. So far nobody needed it.')
        : _('Your router passed on %s for others. Thank you for carrying the mesh!').format(bytes(relayed)),
    );
  }

  return page.start();
}

export default pageView(start);
