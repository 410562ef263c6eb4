import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Node, type ViewKind } from '../../src/mesh/node.ts';

function makeNode() {
  const asked: ViewKind[] = [];
  let looks = 0;
  const node = new Node(
    'ygg0',
    'config',
    { configured: () => undefined, dialledHere: () => undefined, nameOf: () => undefined },
    () => {},
  );
  node.connected = true;
  node.source = {
    refresh: async (kind) => {
      asked.push(kind);
      node.setPeers([], 5000);
    },
    look: () => looks++,
  };
  return { node, asked, looks: () => looks };
}

const read = suite('Node.read');

read('gives a fresh answer at once, without asking', () => {
  const { node, asked, looks } = makeNode();
  node.setPeers([], 1000);
  assert.equal((node.read('peers', 3000) as { value: unknown }).value, { peers: [] });
  assert.equal(asked, []);
  assert.is(looks(), 1, '~> says that somebody looks');
});

read('asks again when the answer is stale', async () => {
  const { node, asked } = makeNode();
  node.setPeers([], 1000);
  assert.is((await node.read('peers', 4001)).atMs, 5000);
  assert.equal(asked, ['peers']);
});

read('asks while the link is down, whatever it remembers', async () => {
  const { node, asked } = makeNode();
  node.setPeers([], 1000);
  node.connected = false;
  await node.read('peers', 1001);
  assert.equal(asked, ['peers']);
});
read.run();

const setPeers = suite('Node.setPeers');
setPeers('adds a point to the history, with the best latency of what is up', () => {
  const { node } = makeNode();
  const claim = { inbound: false, up: true, key: 'ab'.repeat(32) };
  node.setPeers(
    [
      { ...claim, remote: 'tcp://192.0.2.1:1', latency_ms: 8 },
      { ...claim, remote: 'tcp://192.0.2.2:1', latency_ms: 3 },
      { remote: 'tcp://192.0.2.3:1', inbound: false, up: false },
    ],
    1000,
  );
  const [sample] = node.history.samples(1000);
  assert.is(sample!.peers_up_max, 2);
  assert.is(sample!.peers_total, 3);
  assert.is(sample!.latency_ms, 3);
});
setPeers.run();
