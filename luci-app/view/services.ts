// The page Mesh > Services: what nodes offer in the mesh, whether it answers, and what this router offers itself.

import poll from 'luci:poll';
import type { Self } from '../../src/api/model.ts';
import { readName, readServices, type Service, servicePlace } from '../../src/lib/node-info.ts';
import { badge } from './part/badge.ts';
import { button } from './part/button.ts';
import { card } from './part/card.ts';
import { method, type Reply, readNodeInfo } from './part/daemon.ts';
import { describeFailure } from './part/failure.ts';
import { join } from './part/join.ts';
import { Keyed, setContent } from './part/keyed.ts';
import { Page, pageView } from './part/page.ts';
import { readRights } from './part/rights.ts';
import { Survey } from './part/survey.ts';
import { belongsTo, isMeshAddress, PORTS } from './services/address.ts';
import { editOffer } from './services/offer.ts';

const POLL_S = 60;
const ASK_S = 1;
const PACE = { most: 200, keepMs: 600_000, againMs: 300_000 };
const MAX_NODES = 200;

const readMap = method('meshbridge', 'map', ['tree']);
const check = method('meshbridge', 'service_check', ['address', 'port'], true);

type Answer = Reply<'meshbridge', 'map'>;

interface Known {
  self: Self;
  interface: string;
  /** Addresses by key, this node first, then the nearest. */
  addresses: ReadonlyMap<string, string>;
}

/** A service, and the address of the node that announces it. */
type Offered = Service & { from: string };

interface Item {
  root: HTMLElement;
  fill(offered: Offered): void;
}

function makeItem(): Item {
  const [title, text, place, warning] = [E('p'), E('p'), E('p'), E('p', { class: 'mb-dim' })];
  const result = E('span', { role: 'status' });
  let url = '';

  async function tryOut(): Promise<void> {
    const { scheme = '', host = '', port = PORTS[scheme] } = servicePlace(url) ?? {};
    if (port === undefined || !isMeshAddress(host)) {
      setContent(result, _('Only an address of the mesh with a port can be tried.'));
      return;
    }
    setContent(result, '…');
    try {
      const { reachable, latency_ms: ms = 0, error = '' } = await check({ address: host, port });
      const seen = reachable ? badge('good', _('answers in %d ms').format(ms)) : badge('bad', _('does not answer'));
      result.replaceChildren(seen, ` ${error}`);
    } catch (error) {
      setContent(result, describeFailure(error).what);
    }
  }

  function fill(offered: Offered): void {
    const { scheme, host = '' } = servicePlace(offered.url) ?? {};
    setContent(text, offered.description ?? '');
    setContent(
      warning,
      belongsTo(host, offered.from) ? '' : _('Leads to %s, which is not the node that announces it.').format(host),
    );
    if (offered.url === url && title.textContent === offered.name) return;
    url = offered.url;
    setContent(place, E('code', [url]));
    // only what a browser opens as a page; it is a stranger's
    const isPage = scheme === 'http' || scheme === 'https';
    setContent(
      title,
      isPage
        ? E('a', { href: url, target: '_blank', rel: 'noopener noreferrer nofollow' }, [offered.name])
        : E('strong', [offered.name]),
    );
    setContent(result, '');
  }

  const ask = E('p', { class: 'mb-act' }, [button(_('Does it answer?'), () => void tryOut()), result]);
  return { root: E('li', [title, text, place, warning, ask]), fill };
}

interface List {
  root: HTMLElement;
  update(services: readonly Service[], from: string): void;
}

function makeList(): List {
  const root = E('ul', { class: 'mb-list' });
  const items = new Keyed<Item, Offered>(root, makeItem, (item, offered) => item.fill(offered));
  return {
    root,
    update: (services, from) =>
      items.update(new Map(services.map((service, i) => [`${i} ${service.url}`, { ...service, from }]))),
  };
}

interface Node {
  title: string;
  from: string;
  services: readonly Service[];
}

function makeNode(): { root: HTMLElement; fill(node: Node): void } {
  const [head, list] = [E('h3'), makeList()];
  const root = E('section', { class: 'mb-card' }, [E('div', { class: 'mb-head' }, [head]), list.root]);
  return {
    root,
    fill({ title, from, services }) {
      setContent(head, title);
      root.setAttribute('aria-label', title);
      list.update(services, from);
    },
  };
}

function addressesOf(self: Self, { peers = [], sessions = [], tree = [] }: Answer): Map<string, string> {
  const addresses = new Map([[self.key, self.address]]);
  for (const { key, address } of [...peers.filter(({ up }) => up), ...sessions, ...tree])
    if (key && address && addresses.size < MAX_NODES && !addresses.has(key)) addresses.set(key, address);
  return addresses;
}

function start(): HTMLElement {
  const infos = new Survey(async (key: string) => (await readNodeInfo({ key })).node_info, PACE);
  const told = E('p', { class: 'mb-said', role: 'status' });
  const [name, progress] = [E('p'), E('p', { class: 'mb-dim' })];
  const own = makeList();
  const others = E('div', { class: 'mb-cards' });
  const nodes = new Keyed(others, makeNode, (parts, node: Node) => parts.fill(node));
  const change = button(_('Change'), () => edit(), 'action');
  let known: Known | undefined;

  function take(answer: Answer): void {
    const { self, verdict } = answer;
    known = self && { self, interface: answer.interface, addresses: addressesOf(self, answer) };
    for (const part of parts) part.hidden = !self;
    if (known) show(known);
    else page.judge(verdict);
  }

  function show({ self, addresses }: Known): void {
    const found = new Map<string, Node>();
    let asked = 0;
    for (const [key, from] of addresses) {
      const info = infos.get(key);
      if (info === undefined) continue;
      asked++;
      const [title, services] = [readName(info), readServices(info)];
      if (key === self.key) {
        setContent(
          name,
          title ? _('Known in the mesh as %s.').format(title) : _('This router has no name in the mesh yet.'),
        );
        own.update(services, from);
      } else if (services.length > 0)
        found.set(key, { title: title ?? _('Node %s…').format(key.slice(0, 8)), from, services });
    }
    nodes.update(found);
    setContent(
      progress,
      join([
        _('%d of %d known nodes have answered.').format(asked, addresses.size),
        found.size === 0 && asked > 1 && _('None of the others offers anything yet.'),
      ]),
    );
  }

  function edit(): void {
    const info = known && infos.get(known.self.key);
    if (!known || info === undefined) {
      setContent(told, _('What is announced now is not known yet; try again in a moment.'));
      return;
    }
    const { interface: iface, self } = known;
    const offer = { name: readName(info) ?? '', services: readServices(info) };
    editOffer(iface, offer, self.address, (text) => setContent(told, text));
  }

  const page = new Page<Answer>({
    title: _('Services in the mesh'),
    ask: () => readMap({ tree: true }),
    show: take,
    seconds: POLL_S,
  });
  change.hidden = true;
  const parts = [
    card(_('Offered by this router'), [name, own.root, told], [change]),
    E('h3', [_('Offered by others')]),
    progress,
    others,
  ];
  page.body.append(...parts);
  void readRights().then(({ operator }) => {
    change.hidden = !operator;
  });
  poll.add(async () => {
    if (known && (await infos.next(known.addresses.keys()))) show(known);
  }, ASK_S);
  return page.start();
}

export default pageView(start);
