import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { METRIC_GROUPS, PAYLOADS, type Sample, TOPICS } from '../../src/api/topics.ts';
import { type Fields, patched } from '../../src/lib/delta.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { changeSince, heartbeat, inGroups, keyframe, type Stamp } from '../../src/mesh/keyframe.ts';
import { takeSample } from '../../src/mesh/sample.ts';
import { layoutFaults } from '../support/layout.ts';
import { measuredNode, peerClaim, sampleFacts } from '../support/measured.ts';

const STAMP: Stamp = { sid: 'abcdefghijkl', seq: 1_000_001, mono: 123_456_789, t: 1_800_000_000, clk: 'ntp' };

function sampleOf(peers: number, nodes = 1): Sample {
  const all = Array.from({ length: nodes }, (_, i) => measuredNode(peers, 1000, `ygg${i}`));
  return takeSample(sampleFacts(all), 1000);
}
const bytes = (text: string): number => encodeUtf8(text).length;

const group = suite('inGroups');
group('keeps those groups that are wanted and known', () => {
  const sample = sampleOf(1);
  assert.equal(inGroups(sample, METRIC_GROUPS), sample);
  assert.equal(inGroups(sample, ['system', 'gateway']), { system: sample.system });
  assert.equal(inGroups(sample, []), {});
});
group.run();

const frame = suite('keyframe');
frame('is the whole sample where there is room', () => {
  const sample = sampleOf(8);
  const { seq, text, content } = keyframe(STAMP, sample);
  assert.is(seq, STAMP.seq);
  assert.equal(JSON.parse(text), { ...STAMP, ...sample });
  assert.equal(content, sample);
  assert.equal(layoutFaults(PAYLOADS.state, JSON.parse(text)), []);
});
frame('holds all of 20 peers but their traffic, and says so', () => {
  const { text, content } = keyframe(STAMP, sampleOf(20));
  console.log(`measured: keyframe of 20 peers ${bytes(text)} bytes`);
  assert.ok(bytes(text) <= TOPICS.state.maxBytes);
  const { left_out, yggdrasil } = JSON.parse(text);
  assert.equal(left_out, { peer_traffic: true });
  assert.is(yggdrasil[0].peers.length, 20);
  assert.equal(Object.keys(yggdrasil[0].peers[0]), ['id', 'cost', 'latency_ms']);
  assert.equal(content.yggdrasil, yggdrasil);
  assert.equal(layoutFaults(PAYLOADS.state, JSON.parse(text)), []);
});
for (const [peers, nodes] of [
  [40, 1],
  [256, 1],
  [256, 4],
  [3, 40],
] as const)
  frame(`of ${nodes} nodes with ${peers} peers is as long as may be, and tells how many are missing`, () => {
    const { text } = keyframe(STAMP, sampleOf(peers, nodes));
    assert.ok(bytes(text) <= TOPICS.state.maxBytes, `~> ${bytes(text)}`);
    const { left_out, yggdrasil } = JSON.parse(text);
    const shown = yggdrasil.reduce((n: number, node: { peers: unknown[] }) => n + node.peers.length, 0);
    if (nodes < 40) {
      assert.ok(bytes(text) > 0.8 * TOPICS.state.maxBytes, `~> ${bytes(text)}`);
      assert.is(shown + left_out.peers, peers * nodes);
    } else assert.is(shown, 0);
    assert.is(yggdrasil.length + (left_out.entries ?? 0) >= nodes, true);
  });
frame('keeps the peers that need somebody, and then the nearest', () => {
  const node = measuredNode(0, 0);
  const claims = Array.from({ length: 60 }, (_, i) => peerClaim(i + 1, 1, i >= 57 ? { up: false } : {}));
  node.setPeers(claims, 1000);
  const { text } = keyframe(STAMP, takeSample(sampleFacts([node]), 1000));
  const { peers } = JSON.parse(text).yggdrasil[0];
  const states = peers.map(({ state }: { state?: string }) => state);
  assert.is(states.filter((state?: string) => state === 'down').length, 3);
  const costs = peers.flatMap(({ cost }: { cost?: number }) => cost ?? []);
  assert.is(Math.max(...costs), 10 + costs.length);
});
frame('counts bytes, not characters', () => {
  const sample = sampleOf(0);
  const uplink = Array.from({ length: 4 }, () => ({ id: '☃'.repeat(32), up: true, default_route: true }));
  const radio = Array.from({ length: 8 }, () => ({ id: '☃'.repeat(32) }));
  const { text } = keyframe(STAMP, { ...sample, uplink, radio });
  assert.ok(bytes(text) <= TOPICS.state.maxBytes, `~> ${bytes(text)}`);
});
frame.run();

const change = suite('changeSince');
change('brings a keyframe up to date', () => {
  const node = measuredNode(8, 1000);
  const before = keyframe(STAMP, takeSample(sampleFacts([node]), 1000));
  node.setPeers(
    [1, 2, 3, 5, 6, 7, 8, 9].map((n) => peerClaim(n, n === 2 ? 2_000_000 : undefined)),
    2000,
  );
  const now = takeSample({ ...sampleFacts([node]), uptimeS: 86_501 }, 2000);
  const d = changeSince(before, now)!;
  const sorted = (sample: Sample) => ({
    ...sample,
    yggdrasil: sample.yggdrasil!.map((one) => ({
      ...one,
      peers: [...one.peers!].sort((a, b) => (a.id < b.id ? -1 : 1)),
    })),
  });
  assert.equal(sorted(patched(before.content as Fields, d) as Sample), sorted(now));
  assert.ok(JSON.stringify(d).length < 400, `~> ${JSON.stringify(d)}`);
});
change('is nothing where nothing changed, also of what the keyframe had no room for', () => {
  for (const peers of [3, 20, 100]) {
    const sample = sampleOf(peers);
    assert.is(changeSince(keyframe(STAMP, sample), sample), undefined, `~> ${peers}`);
  }
});
change('tells of a peer that went down, though the keyframe had no room for it', () => {
  const node = measuredNode(100, 1000);
  const before = keyframe(STAMP, takeSample(sampleFacts([node]), 1000));
  const claims = Array.from({ length: 100 }, (_, i) => peerClaim(i + 1, undefined, i === 99 ? { up: false } : {}));
  node.setPeers(claims, 2000);
  const d = changeSince(before, takeSample(sampleFacts([node]), 2000)) as { yggdrasil: { peers: object[] }[] };
  assert.equal(
    d.yggdrasil[0]!.peers.map((peer) => (peer as { state: string }).state),
    ['down'],
  );
});
change.run();

const beat = suite('heartbeat');
beat('has the dozen numbers that tell most', () => {
  const fields = heartbeat(sampleOf(20));
  assert.equal(fields, {
    verdict: 'good',
    peers_up: 20,
    peers: 20,
    latency_ms: 11,
    sessions: 1,
    own_kb: 0,
    relayed_kb: 0,
    online: true,
    stations: 10,
    load: 0.12,
    memory_free_kb: 45_678,
    temperature_c: 54,
    internet: 'up',
  });
  const text = JSON.stringify({ ...STAMP, ...fields });
  console.log(`measured: heartbeat ${bytes(text)} bytes`);
  assert.ok(bytes(text) < 320);
  assert.equal(layoutFaults(PAYLOADS.tele, JSON.parse(text)), []);
});
beat('sums over all nodes', () => {
  const { peers, peers_up, sessions } = heartbeat(sampleOf(3, 2));
  assert.equal([peers, peers_up, sessions], [6, 6, 2]);
});
beat('has nothing of groups that are kept back', () => {
  assert.equal(heartbeat(inGroups(sampleOf(3), ['system'])), { load: 0.12, memory_free_kb: 45_678, temperature_c: 54 });
  assert.equal(heartbeat({}), {});
});
beat.run();
