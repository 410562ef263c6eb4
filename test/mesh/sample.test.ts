import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GROUPS } from '../../src/api/topics.ts';
import { takeSample } from '../../src/mesh/sample.ts';
import { layoutFaults } from '../support/layout.ts';
import { measuredNode, peerClaim, peerKey, sampleFacts } from '../support/measured.ts';

const sample = suite('takeSample');
sample('holds every group, as the contract has it', () => {
  const node = measuredNode(2, 1000);
  const taken = takeSample(sampleFacts([node]), 1000);
  assert.equal(layoutFaults(GROUPS, taken), []);
  assert.equal(
    Object.keys(taken),
    Object.keys(GROUPS)
      .map((name) => name.replace('?', ''))
      .filter((name) => name !== 'gateway'),
  );
  assert.equal(taken.own, {
    uptime_s: 86_500,
    verdict: 'good',
    situation: 'all_good',
    rss_kb: 1800,
    queued: 0,
    dropped: 0,
  });
  assert.equal(taken.uplink, [{ id: 'wan', up: true, default_route: true, carrier: true, uptime_s: 86_000 }]);
  assert.equal(taken.internet, {
    ...{ mode: 'kept', state: 'up', situation: 'up', blocking: true, gateway: 'boston', rx_kb: 2500, tx_kb: 400 },
  });
  const [first] = taken.yggdrasil!;
  assert.equal(
    { ...first, peers: first!.peers![1] },
    {
      id: 'ygg0',
      connected: true,
      verdict: 'good',
      peers_up: 2,
      peers_unproven: 0,
      peers_down: 0,
      sessions: 1,
      routing_entries: 312,
      own_rx_kb: 0,
      own_tx_kb: 0,
      relayed_kb: 0,
      peers: { id: peerKey(2).slice(0, 16), cost: 12, latency_ms: 12, rx_kb: 2469, tx_kb: 2469 },
    },
  );
});
sample('leaves out what is not known', () => {
  const node = measuredNode(1, 1000);
  node.setLink('Yggdrasil does not answer', 2000);
  const facts = { ...sampleFacts([node]), verdictOf: () => undefined, uplinks: undefined, radio: undefined };
  const taken = takeSample({ ...facts, system: undefined, lease: undefined, rssKb: undefined }, 2000);
  assert.equal(Object.keys(taken), ['own', 'yggdrasil']);
  assert.equal(taken.own, { uptime_s: 86_500, queued: 0, dropped: 0 });
  assert.is(taken.yggdrasil![0]!.connected, false);
  assert.is(taken.yggdrasil![0]!.peers, undefined);
});
sample('has counts of a gateway, where this machine is one', () => {
  const gateway = {
    ...{ waiting: 1, active: 20, suspended: 2, refused: 1, max: 100, online: true, draining: false },
    ...{ rx_kb: 1_000_000, tx_kb: 50_000, reports_open: 0, spoofed: 3 },
  };
  assert.equal(takeSample({ ...sampleFacts([]), gateway }, 0).gateway, gateway);
});
sample('has no measurements of a router without Yggdrasil, but a verdict', () => {
  const taken = takeSample(
    { ...sampleFacts([]), verdictOf: (iface) => (iface === '' ? { state: 'bad', id: 'no_yggdrasil' } : undefined) },
    0,
  );
  assert.equal(taken.yggdrasil, []);
  assert.is(taken.own!.verdict, 'bad');
});
sample('tells links to one node apart, whatever their order, and those that nobody has shown a key for', () => {
  const node = measuredNode(0, 0);
  const twin = (n: number) => peerClaim(n, 1, { key: peerKey(1) });
  const stranger = (n: number) => {
    const { key, ...rest } = peerClaim(n, 1, { up: false });
    return rest;
  };
  const ids = (...claims: ReturnType<typeof peerClaim>[]) => {
    node.setPeers(claims, 1000);
    return takeSample(sampleFacts([node]), 1000).yggdrasil![0]!.peers!.map(({ id }) => id);
  };
  const key = peerKey(1).slice(0, 16);
  assert.equal(ids(twin(1), twin(2), stranger(3), stranger(4)), [key, `${key}.2`, 'none', 'none.2']);
  assert.equal(ids(stranger(4), twin(2), twin(1), stranger(3)), ['none.2', `${key}.2`, key, 'none']);
});
sample('shows no measurements of a peer that is down', () => {
  const node = measuredNode(0, 0);
  node.setPeers([peerClaim(1, 1, { up: false })], 1000);
  assert.equal(takeSample(sampleFacts([node]), 1000).yggdrasil![0]!.peers, [
    { id: peerKey(1).slice(0, 16), state: 'down' },
  ]);
});
sample('is bounded, whatever the router has', () => {
  const node = measuredNode(0, 0);
  node.setPeers(
    Array.from({ length: 1000 }, (_, i) => peerClaim(i)),
    1000,
  );
  const facts = sampleFacts([node]);
  const many = <T>(list: readonly T[]): T[] => Array.from({ length: 50 }, () => list[0]!);
  const taken = takeSample({ ...facts, uplinks: many(facts.uplinks!), radio: many(facts.radio!) }, 1000);
  assert.is(taken.yggdrasil![0]!.peers!.length, 256);
  assert.is(taken.yggdrasil![0]!.peers_up, 1000);
  assert.equal([taken.uplink!.length, taken.radio!.length], [4, 8]);
});
sample.run();
