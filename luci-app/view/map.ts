// The page Mesh > Map: the neighbourhood as a picture and as a list, and what is known of each node in it.

import poll from 'luci:poll';
import type { Peer, TreeEntry } from '../../src/api/model.ts';
import { readName, readServices } from '../../src/lib/node-info.ts';
import { type Graph, type MapNode, readGraph } from './map/graph.ts';
import { makePicture } from './map/picture.ts';
import { describeNode } from './map/word.ts';
import { button } from './part/button.ts';
import { card, Facts } from './part/card.ts';
import { makeCopyable } from './part/copy.ts';
import { method, type Reply, readNodeInfo } from './part/daemon.ts';
import { join } from './part/join.ts';
import { setContent } from './part/keyed.ts';
import { pageLink } from './part/link.ts';
import { Page, pageView } from './part/page.ts';
import { Survey } from './part/survey.ts';
import { Table } from './part/table.ts';

const POLL_S = 10;
/** Every so many polls ask for what changes slowly, too. */
const SLOW = 6;
/** Between two questions to other nodes. */
const ASK_S = 1;
const PACE = { most: 120, keepMs: 600_000, againMs: 300_000 };
/** Before a key: the question for that node's peers; else for its node info. */
const PEERS = '@';
/** How far away nodes are asked for their peers. */
const ASK_HOPS = 2;

const readMap = method('meshbridge', 'map', ['tree']);
const readNodePeers = method('yggdrasil', 'node_peers', ['key'], true);

type Known = Reply<'meshbridge', 'map'>;

function makeMap(): Node {
  const survey = new Survey<unknown>(
    async (what) =>
      what[0] === PEERS
        ? (await readNodePeers({ key: what.slice(1) })).keys
        : (await readNodeInfo({ key: what })).node_info,
    PACE,
  );
  let known: Known;
  let tree: readonly TreeEntry[] | undefined;
  let graph: Graph | undefined;
  let selected = '';
  let turn = 0;

  const page = new Page({ title: _('Map of the mesh'), ask, show, seconds: POLL_S });
  const label = _('Nodes of the mesh');
  const picture = makePicture(label, choose);
  const pages = [
    pageLink('admin/mesh/peers', _('Mesh → Peers')),
    pageLink('admin/mesh/services', _('Mesh → Services')),
  ];
  const facts = new Facts();
  const copyable = makeCopyable(_('Copy the key'));
  const table = new Table(label, [_('Name'), _('Place'), _('Tree parent')]);
  const list = E('details', { toggle: () => graph && draw() }, [E('summary', [_('The same as a list')]), table.root]);
  const tools = [
    button(_('Larger'), () => picture.zoom(1.5)),
    button(_('Smaller'), () => picture.zoom(2 / 3)),
    button(_('Show all'), () => picture.zoom(0)),
  ];
  const map = E('div', { class: 'mb-atlas' }, [
    E('div', [picture.root, E('div', { class: 'mb-tools' }, tools)]),
    card(_('Selected node'), [facts.root, E('p', { class: 'mb-row' }, pages)]),
    E('p', [
      _(
        '✓ neighbour; !, dashed: not proven; ×, dotted: down; ◆ root of the tree; blue band: way to the root; bent line: over the Internet; wide line: fast',
      ),
    ]),
  ]);
  page.body.append(map, list);

  function ask(): Promise<Known> {
    return readMap({ tree: turn++ % SLOW === 0 || !tree });
  }

  function show(answer: Known): void {
    const { self, verdict } = answer;
    known = answer;
    tree = answer.tree ?? tree;
    page.judge(verdict);
    map.hidden = list.hidden = !self;
    if (self) draw();
    else graph = undefined;
  }

  function nameOf(node: MapNode): string {
    const { key, hops, own } = node;
    const { name, uplinks } = known;
    const isSelf = hops === 0;
    const told = readName({ name: isSelf ? name : own?.name }) ?? readName(survey.get(key));
    if (!isSelf) return told ?? `${key.slice(0, 8)}…`;
    const lines = uplinks.filter((one) => one.up && one.default_route).map((one) => one.interface);
    const self = told ?? _('This router');
    return lines[0] ? _('%s (Internet by %s)').format(self, lines.join(', ')) : self;
  }

  function parentOf(node: MapNode): string {
    const { parent } = node;
    return parent && parent !== node ? nameOf(parent) : '';
  }

  function draw(): void {
    const { self, peers = [], sessions = [], left_out: cut = 0 } = known;
    const peersOf = (key: string): string[] => survey.get(PEERS + key) as string[];
    graph = readGraph({ self: self!.key, peers: peers as Peer[], tree: tree ?? [], sessions, peersOf });
    const { nodes, left } = graph;
    const node = nodes.find(({ key }) => key === selected) ?? nodes[0]!;
    selected = node.key;
    setContent(page.aside, _('Nodes: %d shown, %d more known').format(nodes.length, left + cut));
    picture.update(graph, nameOf, node);

    const info = survey.get(selected) as Record<string, unknown> | null | undefined;
    const program = [info?.buildname, info?.buildversion].map((name) => readName({ name }));
    const all: [string, Node | string][] = [
      [_('Name'), nameOf(node)],
      [_('Place'), describeNode(node)],
      [_('Tree parent'), parentOf(node)],
      [_('Address'), node.address ?? ''],
      [_('Key'), copyable(selected)],
      [
        _('Services'),
        readServices(info)
          .map((one) => one.name)
          .join(', '),
      ],
      [_('Program'), join(program)],
    ];
    facts.update(all.filter(([, value]) => value));
    if (list.open)
      table.update(nodes.map((one) => ({ key: one.key, cells: [nameOf(one), describeNode(one), parentOf(one)] })));
  }

  function choose(key: string): void {
    selected = key;
    draw();
  }

  /** Asks one question, the nearest nodes first. Never rejects. */
  async function askNext(): Promise<void> {
    if (!graph || page.body.hidden) return;
    const questions = graph.nodes.flatMap(({ key, hops, own }) =>
      own?.state === 'down' ? [] : hops && hops <= ASK_HOPS ? [key, PEERS + key] : key,
    );
    if ((await survey.next(questions)) && graph) draw();
  }

  poll.add(askNext, ASK_S);
  return page.start();
}

export default pageView(makeMap);
