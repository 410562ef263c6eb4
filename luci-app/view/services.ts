// The page Mesh > Services: what nodes offer in the mesh, whether it answers, and what this router offers itself.

import poll from 'luci:poll';
import view from 'luci:view';
import type { Self } from '../../src/api/model.ts';
import { readName, readServices, type Service } from '../../src/lib/node-info.ts';
import { badge } from './part/badge.ts';
import { button } from './part/button.ts';
import { card } from './part/card.ts';
import { method } from './part/daemon.ts';
import { describeFailure } from './part/failure.ts';
import { Keyed, setContent } from './part/keyed.ts';
import { Page } from './part/page.ts';
import { readRights } from './part/rights.ts';
import { Survey } from './part/survey.ts';
import { belongsTo, isMeshAddress, placeOf } from './services/address.ts';
import { editOffer } from './services/offer.ts';

const POLL_S = 60;
const ASK_S = 1;
const PACE = { most: 200, keepMs: 600_000, againMs: 300_000 };
const MAX_NODES = 200;

const readSelf = method('yggdrasil', 'self');
const readPeers = method('yggdrasil', 'peers');
const readTree = method('yggdrasil', 'tree');
const readSessions = method('yggdrasil', 'sessions');
const readInfo = method('yggdrasil', 'node_info', ['key']);
const check = method('meshbridge', 'service_check', ['address', 'port'], true);

interface Known {
  self: Self & { interface: string };
  /** Addresses by key, this node first, then the nearest. */
  addresses: ReadonlyMap<string, string>;
}

interface Item {
  root: HTMLElement;
  title: HTMLElement;
  text: HTMLElement;
  warning: HTMLElement;
  place: HTMLElement;
  result: HTMLElement;
  url: string;
}

function makeItem(): Item {
  const [title, text, warning] = [E('p'), E('p', { class: 'mb-dim' }), E('p', { class: 'mb-dim' })];
  const [place, result] = [E('code'), E('span', { role: 'status' })];
  const item: Item = { root: E('li'), title, text, warning, place, result, url: '' };
  item.root.append(
    title,
    text,
    E('p', [place]),
    warning,
    E('p', { class: 'mb-act' }, [button(_('Does it answer?'), () => void tryOut(item)), result]),
  );
  return item;
}

async function tryOut(item: Item): Promise<void> {
  const { host, port } = placeOf(item.url);
  if (port === undefined || !isMeshAddress(host)) {
    setContent(item.result, _('Only an address of the mesh with a port can be tried.'));
    return;
  }
  setContent(item.result, '…');
  try {
    const { reachable, latency_ms: ms, error } = await check({ address: host, port });
    const node = reachable
      ? badge('good', ms === undefined ? _('answers') : _('answers in %d ms').format(Math.round(ms)))
      : badge('bad', _('does not answer'));
    item.result.replaceChildren(node, ...(error ? [` ${error}`] : []));
  } catch (failure) {
    setContent(item.result, describeFailure(failure).what);
  }
}

function fillItem(item: Item, { service, address }: { service: Service; address: string }): void {
  const { name, url, description } = service;
  const { scheme, host } = placeOf(url);
  setContent(item.text, description ?? '');
  setContent(item.place, url);
  setContent(
    item.warning,
    belongsTo(host, address) ? '' : _('Leads to %s, which is not the node that announces it.').format(host),
  );
  if (item.url === url && item.title.textContent === name) return;
  item.url = url;
  // only what a browser opens as a page; it is a stranger's
  const isPage = scheme === 'http' || scheme === 'https';
  item.title.replaceChildren(
    isPage ? E('a', { href: url, target: '_blank', rel: 'noopener noreferrer nofollow' }, [name]) : E('strong', [name]),
  );
  item.result.replaceChildren();
}

interface Group {
  root: HTMLElement;
  head: HTMLElement;
  items: Keyed<Item, { service: Service; address: string }>;
}

function makeGroup(): Group {
  const [head, list] = [E('h3'), E('ul', { class: 'mb-list' })];
  return {
    root: E('section', { class: 'mb-card' }, [E('div', { class: 'mb-head' }, [head]), list]),
    head,
    items: new Keyed(list, makeItem, fillItem),
  };
}

interface Offering {
  title: string;
  address: string;
  services: readonly Service[];
}

function fillGroup({ root, head, items }: Group, { title, address, services }: Offering): void {
  setContent(head, title);
  root.setAttribute('aria-label', title);
  items.update(new Map(services.map((service, i) => [`${i} ${service.url}`, { service, address }])));
}

class Services {
  readonly page = new Page<Known>({
    title: _('Services in the mesh'),
    ask: () => this.ask(),
    show: (known) => this.show(known),
    seconds: POLL_S,
  });
  private readonly infos = new Survey(async (key: string) => (await readInfo({ key })).node_info, PACE);
  private readonly told = E('p', { class: 'mb-said', role: 'status' });
  private readonly edit = button(_('Change'), () => this.change(), 'action');
  private readonly ownName = E('p');
  private readonly ownList = E('ul', { class: 'mb-list' });
  private readonly own = new Keyed(this.ownList, makeItem, fillItem);
  private readonly others = E('div', { class: 'mb-cards' });
  private readonly groups = new Keyed(this.others, makeGroup, fillGroup);
  private readonly progress = E('p', { class: 'mb-dim' });
  private known: Known | undefined;

  constructor() {
    this.edit.hidden = true;
    this.page.body.append(
      card(_('Offered by this router'), [this.ownName, this.ownList, this.told], [this.edit]),
      E('h3', [_('Offered by others')]),
      this.progress,
      this.others,
    );
  }

  async allow(): Promise<void> {
    this.edit.hidden = !(await readRights()).operator;
  }

  /** Asks one node more. Never rejects. */
  async askNext(): Promise<void> {
    const { known } = this;
    if (known && (await this.infos.next(known.addresses.keys()))) this.show(known);
  }

  private async ask(): Promise<Known> {
    const [self, { peers }, { sessions }, { tree }] = await Promise.all([
      readSelf({}),
      readPeers({}),
      readSessions({}),
      readTree({}),
    ]);
    const addresses = new Map([[self.key, self.address]]);
    for (const { key, address } of [...peers.filter(({ up }) => up), ...sessions, ...tree])
      if (key && address && addresses.size < MAX_NODES && !addresses.has(key)) addresses.set(key, address);
    return { self, addresses };
  }

  private show(known: Known): void {
    this.known = known;
    const { self, addresses } = known;
    const found = new Map<string, Offering>();
    let [asked, count] = [0, 0];
    for (const [key, address] of addresses) {
      const info = this.infos.get(key);
      if (info === undefined) continue;
      asked++;
      const services = readServices(info);
      if (key === self.key) {
        const name = readName(info);
        setContent(
          this.ownName,
          name ? _('Known in the mesh as %s.').format(name) : _('This router has no name in the mesh yet.'),
        );
        this.own.update(new Map(services.map((service, i) => [`${i} ${service.url}`, { service, address }])));
      } else if (services.length > 0) {
        count += services.length;
        found.set(key, { title: readName(info) ?? _('Node %s…').format(key.slice(0, 8)), address, services });
      }
    }
    this.groups.update(found);
    const state = _('%d of %d known nodes have answered.').format(asked, addresses.size);
    setContent(
      this.progress,
      count === 0 && asked > 1 ? `${state} ${_('None of the others offers anything yet.')}` : state,
    );
  }

  private change(): void {
    const { known } = this;
    if (!known) return;
    const { self } = known;
    const info = this.infos.get(self.key);
    if (info === undefined) {
      setContent(this.told, _('What is announced now is not known yet; try again in a moment.'));
      return;
    }
    const offer = { name: readName(info) ?? '', services: readServices(info) };
    editOffer(self.interface, offer, self.address, (told) => setContent(this.told, told));
  }
}

export default view.extend({
  handleSave: null,
  handleSaveApply: null,
  handleReset: null,
  render() {
    const services = new Services();
    void services.allow();
    poll.add(() => services.askNext(), ASK_S);
    return services.page.start();
  },
});
