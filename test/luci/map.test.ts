import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Graph,
  type Known,
  MAX_LINKS,
  MAX_NODES,
  type MapNode,
  readGraph,
} from '../../luci-app/view/map/graph.ts';
import { place } from '../../luci-app/view/map/layout.ts';
import type { Peer, TreeEntry } from '../../src/api/model.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import { DESKTOP, type Opened, Pages, PHONE, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { BAD, EMPTY, GOOD, HOSTILE, map, ok, SELF, verdict } from './made-answer.ts';
import { madeMesh, madePeers, meshScript } from './made-mesh.ts';
import { lead, opener } from './scene.ts';

// before the first suite: uvu begins to run what there is while somebody waits
const pages = await Pages.start();
const at = opener(pages, 'map');

/** A key that begins with a name. */
function key(name: string | number): string {
  return [...String(name)]
    .map((char) => char.charCodeAt(0).toString(16))
    .join('')
    .padEnd(64, '0');
}
const [ME, A, B, C, D] = ['me', 'a', 'b', 'c', 'd'].map(key) as [string, string, string, string, string];

function entry(node: string, parent: string): TreeEntry {
  return { key: node, address: `200::${node.slice(0, 4)}`, parent, sequence: 1 };
}
function peer(node: string | undefined, state: Peer['state'] = 'up', more: Partial<Peer> = {}): Peer {
  const up = state !== 'down';
  return {
    origin: 'configured',
    inbound: false,
    up,
    state,
    state_ago_ms: 0,
    changes_per_hour: 0,
    ...(node !== undefined && { key: node }),
    ...more,
  };
}
function graphOf({ learnt = {}, ...known }: Partial<Known> & { learnt?: Record<string, string[]> }): Graph {
  return readGraph({ self: ME, peers: [], tree: [], sessions: [], peersOf: (of) => learnt[of], ...known });
}
/** Nodes as `<key's letters> <hops> by <via>`. */
function told({ nodes }: Graph): string[] {
  const name = (node: MapNode | undefined): string =>
    node ? Buffer.from(node.key.replace(/(00)+$/, ''), 'hex').toString() : '-';
  return nodes.map((node) => `${name(node)} ${node.hops ?? '?'} by ${name(node.via)}`);
}

const graph = suite('readGraph');
graph('has this node alone where nothing is known', () => {
  assert.equal(told(graphOf({})), ['me 0 by -']);
});
graph('counts links over peers, tree, and what nodes say of their peers', () => {
  const found = graphOf({
    peers: [peer(A), peer(B)],
    tree: [entry(ME, A), entry(A, C), entry(C, C)],
    learnt: { [B]: [D] },
  });
  assert.equal(told(found), ['me 0 by -', 'a 1 by me', 'b 1 by me', 'c 2 by a', 'd 2 by b']);
  assert.is(found.nodes[0]!.parent, found.nodes[1]);
  assert.is(found.nodes[3]!.parent, found.nodes[3], '~> the root');
});
graph('hangs a node by its parent in the tree where others are as near', () => {
  const learnt = { [A]: [D], [B]: [D] };
  assert.equal(told(graphOf({ peers: [peer(A), peer(B)], tree: [entry(D, B)], learnt }))[3], 'd 2 by b');
});
graph('takes the way to the root from parent to parent', () => {
  const { links, nodes } = graphOf({
    peers: [peer(A), peer(B)],
    tree: [entry(ME, A), entry(A, C), entry(B, C), entry(C, C)],
  });
  const way = links.filter(({ isWay }) => isWay).map(({ a, b }) => [nodes.indexOf(a), nodes.indexOf(b)]);
  assert.equal(way, [
    [0, 1],
    [1, 3],
  ]);
});
graph('takes nobody for the root who only was so once', () => {
  const { nodes } = graphOf({ peers: [peer(A), peer(B)], tree: [entry(ME, A), entry(A, A), entry(B, B)] });
  assert.equal(
    nodes.map((node) => node.parent === node),
    [false, true, false],
  );
});
graph('shows a peer that is down without a way over it', () => {
  const found = graphOf({ peers: [peer(A, 'down'), peer(undefined, 'down')], learnt: { [A]: [B] } });
  assert.equal(told(found), ['me 0 by -', 'a ? by me', 'b ? by me']);
  assert.equal(
    found.links.map(({ own }) => own?.state),
    ['down', undefined],
  );
  const around = graphOf({ peers: [peer(A, 'down'), peer(B)], learnt: { [B]: [A] } });
  assert.equal(told(around), ['me 0 by -', 'b 1 by me', 'a 2 by b']);
});
graph('takes the best of several peerings with one node', () => {
  for (const states of [
    ['down', 'up', 'unproven'],
    ['up', 'down'],
    ['unproven', 'up'],
  ] as Peer['state'][][])
    assert.is(graphOf({ peers: states.map((state) => peer(A, state)) }).nodes[1]!.own!.state, 'up');
  assert.is(graphOf({ peers: [peer(A, 'down'), peer(A, 'unproven')] }).nodes[1]!.own!.state, 'unproven');
});
graph('shows nodes with a session to which no way is known', () => {
  const session = { key: D, address: '200::d', rx_bytes: 1, tx_bytes: 1, uptime_s: 1 };
  assert.equal(told(graphOf({ peers: [peer(A)], sessions: [session] })), ['me 0 by -', 'a 1 by me', 'd ? by me']);
});
graph('believes nobody who claims to be a peer of this node', () => {
  const found = graphOf({ peers: [peer(A)], learnt: { [A]: [ME, B], [B]: [ME] } });
  assert.equal(told(found), ['me 0 by -', 'a 1 by me', 'b 2 by a']);
});
graph('leaves out what is no key, and links of a node to itself', () => {
  const bad = ['', 'x', HOSTILE, `${A}00`, A.toUpperCase().replace(/./, 'G'), '__proto__'];
  const found = graphOf({
    peers: [peer(A), peer(ME), ...bad.map((text) => peer(text))],
    tree: [entry(ME, HOSTILE), ...bad.map((text) => entry(text, A))],
    learnt: { [A]: [A, ...bad] },
  });
  assert.equal(told(found), ['me 0 by -', 'a 1 by me']);
  assert.is(found.links.length, 1);
  assert.is(found.nodes[0]!.parent, undefined);
});
graph('ends where parents run in a circle', () => {
  const tree = [entry(ME, A), entry(A, B), entry(B, A)];
  assert.equal(told(graphOf({ peers: [peer(A)], tree })), ['me 0 by -', 'a 1 by me', 'b 2 by a']);
});
graph('shows the nearest of many and the way to the root, and counts the rest', () => {
  const leaves = Array.from({ length: 10_000 }, (_, i) => key(i));
  const tree = [entry(ME, B), entry(B, C), entry(C, D), entry(D, D), ...leaves.map((leaf) => entry(leaf, D))];
  const found = graphOf({ peers: [peer(A), peer(B)], tree, learnt: { [A]: leaves } });
  assert.is(found.nodes.length, MAX_NODES);
  assert.is(found.left, 10_005 - MAX_NODES);
  for (const shown of [ME, A, B, C, D]) assert.ok(found.nodes.some((node) => node.key === shown));
  const { nodes } = found;
  for (const { via } of nodes.slice(1)) assert.ok(nodes.includes(via!), '~> whom it hangs by is shown');
});
graph('shows the whole way to the root also where a shorter one is left out', () => {
  const leaves = Array.from({ length: 300 }, (_, i) => key(i));
  const tree = [entry(ME, B), entry(B, C), entry(C, D), entry(D, D)];
  const { nodes } = graphOf({ peers: [peer(A), peer(B)], tree, learnt: { [A]: leaves, [leaves[299]!]: [D] } });
  const root = nodes.find((node) => node.key === D)!;
  assert.equal([root.hops, root.via?.key], [3, C]);
});
graph('bears a chain of ten thousand nodes', () => {
  const chain = [ME, ...Array.from({ length: 10_000 }, (_, i) => key(`n${i}`))];
  const tree = chain.map((one, i) => entry(one, chain[i + 1] ?? one));
  const found = graphOf({ peers: [peer(chain[1])], tree });
  assert.is(found.nodes.length, MAX_NODES);
  assert.is(found.nodes[MAX_NODES - 1]!.hops, MAX_NODES - 1);
});
graph('shows so many links at most, those of its own and of the tree among them', () => {
  const crowd = Array.from({ length: 150 }, (_, i) => key(`k${i}`));
  const learnt = Object.fromEntries(crowd.map((one) => [one, crowd]));
  const tree = [entry(ME, crowd[149]!), ...crowd.map((one) => entry(one, crowd[149]!))];
  const { links } = graphOf({ peers: crowd.map((one) => peer(one)), tree, learnt });
  assert.ok(links.length <= MAX_LINKS + 2 * MAX_NODES, `~> ${links.length}`);
  assert.is(links.filter(({ own }) => own).length, 150);
  assert.is(links.filter(({ isTree }) => isTree).length, 150);
});
graph.run();

// ---

function distances(places: Map<MapNode, readonly [number, number]>): number[] {
  const spots = [...places.values()];
  return spots.flatMap(([x, y], i) => spots.slice(i + 1).map(([x2, y2]) => Math.hypot(x - x2, y - y2)));
}
function made(count: number): Graph {
  const nodes = madeMesh(count);
  const learnt = new Map(nodes.map((node) => [node.key, node.peers]));
  return readGraph({
    self: SELF.key,
    peers: madePeers(nodes).map((one) => ({ ...one, state: 'up' })),
    tree: nodes.map(({ key: node, address, parent }) => ({ key: node, address, parent, sequence: 1 })),
    sessions: [],
    peersOf: (node) => learnt.get(node),
  });
}

const layout = suite('place');
layout('puts this node in the middle and others the farther out the more links they are away', () => {
  const places = place(made(30).nodes);
  const radii = [...places].map(([{ hops }, [x, y]]) => [hops!, Math.hypot(x, y)] as const);
  assert.equal(radii[0], [0, 0]);
  for (const [hops, radius] of radii)
    for (const [otherHops, other] of radii) if (hops < otherHops) assert.ok(radius < other, `~> ${hops} ${otherHops}`);
});
for (const count of [1, 2, 3, 30, 200])
  layout(`lets no two of ${count} nodes touch`, () => {
    const { nodes } = made(count);
    const places = place(nodes);
    assert.is(places.size, nodes.length);
    for (const distance of distances(places)) assert.ok(distance > 18, `~> ${distance}`);
    for (const [x, y] of places.values()) assert.ok(Number.isFinite(x) && Number.isFinite(y));
  });
layout('has nobody opposite another around this node, whose link would run across it', () => {
  for (const count of [2, 4, 6]) {
    const { nodes } = graphOf({ peers: Array.from({ length: count }, (_, i) => peer(key(`n${i}`))) });
    const spots = [...place(nodes).values()].slice(1);
    for (const [x, y] of spots)
      for (const [x2, y2] of spots)
        assert.ok(Math.hypot(x + x2, y + y2) > 30, `~> ${count}: ${x} ${y} and ${x2} ${y2}`);
  }
});
layout('is the same in whichever order the daemon tells', () => {
  const one = graphOf({ peers: [peer(A), peer(B)], tree: [entry(C, A), entry(D, A)] });
  const other = graphOf({ peers: [peer(B), peer(A)], tree: [entry(D, A), entry(C, A)] });
  const spots = ({ nodes }: Graph) => [...place(nodes)].map(([node, spot]) => [node.key, spot]);
  assert.equal(spots(one), spots(other));
});
layout('keeps the order around a ring when a node comes', () => {
  const ring = (peers: string[]): string[] =>
    [...place(graphOf({ peers: peers.map((one) => peer(one)) }).nodes).keys()].map((node) => node.key);
  assert.equal(
    ring([A, B, C, D]).filter((one) => one !== B),
    ring([A, C, D]),
  );
});
layout('places nodes that are out of reach, and those that are somewhere', () => {
  const session = { key: D, address: '200::d', rx_bytes: 1, tx_bytes: 1, uptime_s: 1 };
  const places = place(graphOf({ peers: [peer(A, 'down')], sessions: [session] }).nodes);
  assert.is(places.size, 3);
});
layout.run();

// ---

const small = meshScript(madeMesh(3));
const some = meshScript(madeMesh(30));
const many = meshScript(madeMesh(200));
const AGED = { age_ms: 500, interface: 'ygg0' };
const nobody: Script = {
  ...small,
  'meshbridge.map': ok(
    map(verdict('bad', 'no_peer', ['No peer is up.', 'Add one under Mesh → Peers.']), {
      tree: [entry(SELF.key, SELF.key)],
    }),
  ),
};
const { verdict: empty, uplinks: lines } = map(EMPTY);
const none: Script = { 'meshbridge.map': ok({ age_ms: 0, interface: '', verdict: empty, uplinks: lines }) };
const HOSTILE_INFO = {
  name: HOSTILE,
  buildname: { toString: 1 },
  buildversion: HOSTILE,
  services: [
    { name: HOSTILE, url: 'javascript:window.harmed=1' },
    { name: HOSTILE, url: 'http://[200::1]/' },
  ],
};
const hostile: Script = {
  ...small,
  'meshbridge.map': ok(
    map(GOOD, {
      name: HOSTILE,
      uplinks: lines.map((one) => ({ ...one, interface: HOSTILE })),
      peers: [
        peer(A, 'up', { name: HOSTILE, address: HOSTILE, remote: HOSTILE }),
        peer(HOSTILE, 'down', { name: HOSTILE }),
      ],
      tree: [entry(A, HOSTILE), entry(HOSTILE, A), { ...entry(C, A), address: HOSTILE }],
    }),
  ),
  'yggdrasil.node_info': ok({ ...AGED, key: HOSTILE, node_info: HOSTILE_INFO }),
  'yggdrasil.node_peers': ok({ ...AGED, key: HOSTILE, keys: [HOSTILE, B, SELF.key] }),
};

function options({ page }: Opened) {
  return page.getByRole('listbox', { name: 'Nodes of the mesh' }).getByRole('option');
}
async function drawn(opened: Opened): Promise<void> {
  await options(opened).first().waitFor({ timeout: 15_000 });
}
function details({ page }: Opened): Promise<string> {
  return page.getByRole('region', { name: 'Selected node' }).innerText();
}
/** Lets seconds pass, in each of which one question is answered. */
async function pass(opened: Opened, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await opened.page.clock.runFor(1000);
    await opened.page.clock.runFor(50);
    await opened.answered(opened.requests);
  }
}

const page = suite('the page Map');
if (pages) {
  page.after(() => pages.close());

  page(
    'shows who is there, by which links, and where the Internet comes from',
    at(some, async (opened) => {
      await lead(opened, /^The mesh works: 3 of 4 peers are up\.\s*Nodes: \d+ shown, 0 more known$/);
      await opened.stopClock();
      await opened.answered(opened.requests);
      await pass(opened, 60);
      const names = await options(opened).evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
      assert.is(names.length, 30);
      assert.is(names[0], 'mill-roof (Internet by wan), this router');
      for (const name of [
        'school-roof, neighbour, by cable or radio, 2 ms',
        'harbour-roof, neighbour, over the Internet, 38 ms, root of the tree',
        'chapel-roof, neighbour, over the Internet, not proven, 140 ms',
        'tower-roof, neighbour, by cable or radio, down',
        'depot-roof, 2 links away',
      ])
        assert.ok(names.includes(name), `~> ${name} in ${names.join('; ')}`);
      assert.is(await opened.page.locator('.mb-map .root').count(), 1);
      assert.match(
        (await opened.page.locator('.mb-map .mb-way').getAttribute('d')) ?? '',
        /^M.*Q/,
        '~> over the Internet in a bow',
      );
      await opened.shoot('map-30-desktop');
    }),
  );
  page(
    'tells of the node that is pointed at, and copies its key',
    at(some, async (opened) => {
      await drawn(opened);
      assert.match(
        await details(opened),
        /Name\s+mill-roof \(Internet by wan\)\s+Place\s+this router\s+Tree parent\s+harbour-roof/,
      );
      await options(opened).filter({ hasText: 'school-roof' }).click();
      assert.match(await details(opened), /Name\s+school-roof\s+Place\s+neighbour, by cable or radio, 2 ms/);
      assert.match(await details(opened), new RegExp(`Key\\s+${madeMesh(2)[1]!.key}`));
      assert.is(
        await opened.page.locator('[aria-selected=true]').getAttribute('aria-label'),
        'school-roof, neighbour, by cable or radio, 2 ms',
      );
      await opened.page.getByRole('button', { name: 'Copy the key' }).click();
      await opened.page.getByText(/Copied\.|copies nothing/).waitFor({ timeout: 15_000 });
      for (const name of ['Mesh → Peers', 'Mesh → Services'])
        await opened.page.getByRole('link', { name }).waitFor({ timeout: 15_000 });
    }),
  );
  page(
    'is walked through by the arrow keys, and keeps the focus while it changes',
    at(some, async (opened) => {
      await drawn(opened);
      const selected = opened.page.locator('[role=option][tabindex="0"]');
      assert.is(await selected.count(), 1, '~> one stop for the tab key');
      await selected.focus();
      const seen = new Set<string | null>();
      for (let i = 0; i < 12; i++) {
        seen.add(await opened.page.evaluate('document.activeElement.getAttribute("aria-label")'));
        await opened.page.keyboard.press(i % 2 ? 'ArrowDown' : 'ArrowRight');
      }
      assert.is(seen.size, 12);
      const now = await opened.page.evaluate('document.activeElement.getAttribute("aria-label").split(",")[0]');
      assert.match(await details(opened), `Name\n${now}`);
      await opened.page.keyboard.press('ArrowLeft');
      await opened.page.evaluate('{ window.focused = document.activeElement; }');
      await opened.page.clock.runFor(20_000);
      assert.ok(await opened.page.evaluate('window.focused === document.activeElement'));
    }),
  );
  page(
    'is made larger around the selected node, dragged, and shown whole again',
    at(many, async (opened) => {
      await drawn(opened);
      const picture = opened.page.locator('.mb-map svg');
      const box = opened.page.locator('.mb-map');
      const [whole, names] = [
        await picture.boundingBox(),
        await opened.page.locator('.mb-node text:last-child').allTextContents(),
      ];
      for (let i = 0; i < 4; i++) await opened.page.getByRole('button', { name: 'Larger' }).click();
      const larger = (await picture.boundingBox())!;
      assert.ok(larger.width > 2 * whole!.width);
      const more = await opened.page.locator('.mb-node text:last-child').allTextContents();
      assert.ok(more.filter(Boolean).length > names.filter(Boolean).length, '~> there is room for more names');
      const scroll = (): Promise<number[]> => box.evaluate((one) => [one.scrollLeft, one.scrollTop]);
      const [left, top] = (await scroll()) as [number, number];
      const middle = async (what: string): Promise<[number, number]> => {
        const { x, y, width, height } = (await opened.page.locator(what).boundingBox())!;
        return [x + width / 2, y + height / 2];
      };
      const isInTheMiddle = async (): Promise<void> => {
        const [self, centre] = [await middle('[aria-selected=true] rect'), await middle('.mb-map')];
        assert.ok(Math.hypot(self[0] - centre[0], self[1] - centre[1]) < 20, `~> ${self} is in the middle, ${centre}`);
      };
      await isInTheMiddle();
      const { x, y } = (await box.boundingBox())!;
      await opened.page.mouse.move(x + 300, y + 300);
      await opened.page.mouse.down();
      await opened.page.mouse.move(x + 260, y + 310);
      await opened.page.mouse.up();
      assert.equal(await scroll(), [left + 40, top - 10], '~> it is dragged');
      await opened.page.mouse.move(x + 200, y + 300);
      assert.equal(await scroll(), [left + 40, top - 10]);
      await opened.page.setViewportSize({ width: 1000, height: 700 });
      await opened.page.waitForFunction(`Math.abs(document.querySelector('.mb-map').scrollLeft - ${left + 40}) > 1`);
      await isInTheMiddle();
      await opened.page.setViewportSize(DESKTOP);
      await opened.shoot('map-200-larger-desktop');
      await opened.page.getByRole('button', { name: 'Smaller' }).click();
      assert.ok((await picture.boundingBox())!.width < larger.width);
      await opened.page.getByRole('button', { name: 'Show all' }).click();
      assert.is((await picture.boundingBox())!.width, whole!.width);
    }),
  );
  page(
    'tells the same as a list',
    at(some, async (opened) => {
      await drawn(opened);
      const table = opened.page.getByRole('table', { name: 'Nodes of the mesh' });
      assert.is(await opened.page.locator('tbody tr').count(), 0, '~> not before somebody wants it');
      await opened.page.getByText('The same as a list').click();
      await table
        .getByRole('row', { name: /school-roof neighbour, by cable or radio, 2 ms mill-roof/ })
        .waitFor({ timeout: 15_000 });
      assert.is(await table.getByRole('row').count(), 1 + (await options(opened).count()));
    }),
  );

  page(
    'asks other nodes one question a second at most, the nearest first, none twice, and 120 in all',
    at(many, async (opened) => {
      const asked: string[] = [];
      const count =
        (name: string) =>
        (args: Record<string, unknown>): PageAnswer => {
          asked.push(`${name} ${args.key}`);
          return (many[`yggdrasil.${name}`] as (given: object) => PageAnswer)(args);
        };
      let trees = 0;
      opened.script = {
        ...many,
        'meshbridge.map': (args) => {
          if (args.tree) trees++;
          return (many['meshbridge.map'] as (given: object) => PageAnswer)(args);
        },
        'yggdrasil.node_info': count('node_info'),
        'yggdrasil.node_peers': count('node_peers'),
      };
      await drawn(opened);
      await opened.stopClock();
      await opened.answered(opened.requests);
      asked.length = trees = 0;
      opened.calls.length = 0;
      await pass(opened, 10);
      assert.ok(asked.length > 4 && asked.length <= 10, `~> ${asked.length} in 10 s`);
      await pass(opened, 130);
      assert.ok(asked.length <= 120, `~> ${asked.length}`);
      assert.ok(asked.length > 100, `~> ${asked.length}`);
      assert.is(new Set(asked).size, asked.length);
      const own = new Set(madeMesh(200)[0]!.peers);
      const first = asked.slice(0, 20).map((what) => what.split(' ')[1]!);
      assert.ok(first.filter((one) => own.has(one)).length > 17, '~> neighbours come first');
      const maps = opened.calls.filter((one) => one === 'meshbridge.map').length;
      assert.ok(maps >= 13 && maps <= 15, `~> a poll is one call: ${maps}`);
      assert.equal(
        opened.calls.filter((one) => !/^(meshbridge\.map|yggdrasil\.node_(info|peers))$/.test(one)),
        [],
      );
      assert.ok(trees >= 2 && trees <= 3, `~> ${trees} with the tree`);
    }),
  );
  page(
    'asks nobody while a question is open, and a node that gave no answer not again soon',
    at({ ...small, 'yggdrasil.node_info': () => new Promise<never>(() => {}) }, async (opened) => {
      await drawn(opened);
      await opened.page.clock.runFor(30_000);
      assert.is(opened.calls.filter((one) => one === 'yggdrasil.node_info').length, 1);
    }),
  );
  page(
    'touches no element of 200 nodes when nothing has changed, and few when one has',
    at(many, async (opened) => {
      opened.script = { ...many, 'yggdrasil.node_info': { status: 7 }, 'yggdrasil.node_peers': { status: 7 } };
      await drawn(opened);
      await opened.stopClock();
      await opened.answered(opened.requests);
      await pass(opened, 15);
      const elements = await opened.page.locator('.mb-map *').count();
      assert.ok(elements > 600 && elements < 2500, `~> ${elements} elements`);
      await opened.page.evaluate(`{
        window.touched = new Set();
        new MutationObserver((records) => records.forEach(({ target }) => window.touched.add(target)))
          .observe(document.querySelector('.mb-map'), { subtree: true, childList: true, attributes: true, characterData: true });
      }`);
      await pass(opened, 70);
      assert.is(await opened.page.evaluate('window.touched.size'), 0);
      const peers = madePeers(madeMesh(200)).map((one, i) => (i === 0 ? { ...one, latency_ms: 250 } : one));
      opened.script = { ...opened.script, ...meshScript(madeMesh(200), peers), 'yggdrasil.node_info': { status: 7 } };
      await pass(opened, 12);
      const touched = Number(await opened.page.evaluate('window.touched.size'));
      assert.ok(touched > 0 && touched <= 3, `~> ${touched}`);
    }),
  );

  page(
    'says that it is asking, and shows nothing until it knows',
    at({ 'meshbridge.map': () => new Promise<never>(() => {}) }, async (opened) => {
      await lead(opened, /^Asking the mesh daemon …\s*$/);
      assert.is(await options(opened).count(), 0);
    }),
  );
  page(
    'shows this router where nobody else is there, and the verdict says what to do',
    at(nobody, async (opened) => {
      await lead(opened, /^No peer is up\.\s*Add one under Mesh → Peers\.\s*Nodes: 1 shown, 0 more known$/);
      assert.equal(await options(opened).allTextContents(), ['⌂mill-roof (Internet by wan)']);
      await opened.shoot('map-alone-desktop');
    }),
  );
  page(
    'says how to begin where there is no interface, and shows the mesh once there is one',
    at(none, async (opened) => {
      await lead(opened, /^This router has no Yggdrasil interface\./);
      assert.is(await options(opened).count(), 0);
      assert.is(await opened.page.getByRole('button', { name: 'Larger' }).count(), 0);
      opened.script = small;
      await opened.page.clock.runFor(10_000);
      await drawn(opened);
    }),
  );
  page(
    'tells the verdict when the mesh does not work',
    at({ ...small, 'meshbridge.map': ok(map(BAD)) }, async (opened) => {
      await lead(opened, /^The Internet line is down: there is no cable in wan\.\s*Plug the cable/);
      await drawn(opened);
    }),
  );
  for (const [what, answer, text] of [
    ['is not on the bus', 'absent', /^The mesh daemon is not running\./],
    ['may not be asked by this login', 'denied', /^You are not allowed to see this\./],
    ['does not answer in time', { status: 7 }, /^The mesh daemon does not answer\./],
    [
      'answers something else',
      ok({ self: {}, verdict: {} }),
      /^The mesh daemon answers in a way that this page does not/,
    ],
  ] as [string, PageAnswer, RegExp][])
    page(
      `says so when the daemon ${what}, asks other nodes nothing, and recovers`,
      at({ ...small, 'meshbridge.map': answer }, async (opened) => {
        await lead(opened, text);
        await opened.page.clock.runFor(5000);
        assert.is(await options(opened).count(), 0);
        assert.is(opened.calls.filter((one) => one.startsWith('yggdrasil.node_')).length, 0);
        if (answer === 'absent') await opened.shoot('map-down-desktop');
        opened.script = small;
        await opened.page.clock.runFor(10_000);
        await drawn(opened);
      }),
    );
  page(
    'runs nothing of what names, keys and node infos hold',
    at(hostile, async (opened) => {
      await drawn(opened);
      await opened.page.clock.runFor(20_000);
      await opened.page.getByText('The same as a list').click();
      await options(opened).nth(1).click();
      assert.match(await details(opened), /onerror/);
      await options(opened).nth(3).waitFor({ state: 'attached' });
      assert.is(await options(opened).count(), 4);
      assert.is(await opened.page.locator('#view img, #view script, a[href^=javascript]').count(), 0);
      assert.is(await opened.page.evaluate('window.harmed'), undefined);
      await opened.shoot('map-hostile-desktop');
    }),
  );

  for (const [name, given] of Object.entries({ 3: small, 30: some, 200: many, hostile }))
    for (const screen of [{ ...PHONE, theme: 'dark' as const }, PHONE, { ...DESKTOP, theme: 'dark' as const }])
      page(
        `fits ${screen.width} pixels, ${screen.theme ?? 'light'}: ${name}`,
        at(
          given,
          async (opened) => {
            await drawn(opened);
            await opened.page.getByText('The same as a list').click();
            assert.is(
              await opened.page.evaluate('document.documentElement.scrollWidth'),
              screen.width,
              '~> it scrolls sideways',
            );
            const map = opened.page.locator('.mb-map');
            assert.ok(
              await map.evaluate((one) => one.scrollWidth === one.clientWidth && one.scrollHeight === one.clientHeight),
              '~> all is seen',
            );
            assert.equal(await opened.page.evaluate(WEAK_TEXTS), []);
            await opened.page.getByText('The same as a list').click();
            await opened.shoot(`map-${name}-${screen.width}-${screen.theme ?? 'light'}`);
          },
          screen,
        ),
      );
}
page.run();
