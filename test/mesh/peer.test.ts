import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PeerClaim } from '../../src/api/model.ts';
import { PeerBook, type PeeringName } from '../../src/mesh/peer.ts';

const KEY = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);
const REMOTE = 'tls://198.51.100.7:4001';

function makeBook(configured?: PeeringName[], added: string[] = []) {
  const events: string[] = [];
  const book = new PeerBook(
    {
      configured: () => configured,
      dialledHere: (remote) => (added.includes(remote) ? { options: '' } : undefined),
      nameOf: (key) => (key === KEY ? 'maple-12' : undefined),
    },
    (event, peer) => events.push(`${event} ${peer.remote}`),
  );
  return { book, events, take: () => events.splice(0) };
}

const up = (more: Partial<PeerClaim> = {}): PeerClaim => ({
  remote: REMOTE,
  inbound: false,
  up: true,
  key: KEY,
  uptime_s: 10,
  rx_bytes: 1000,
  tx_bytes: 500,
  ...more,
});
const down = (more: Partial<PeerClaim> = {}): PeerClaim => ({ remote: REMOTE, inbound: false, up: false, ...more });

const change = suite('PeerBook changes');

change('tells nothing of what it finds at first', () => {
  const { book, events } = makeBook();
  book.update([up()], 0);
  assert.equal(events, []);
});

change('tells each coming and going once', () => {
  const { book, take } = makeBook();
  book.update([up()], 0);
  book.update([down()], 1000);
  assert.equal(take(), [`peer_down ${REMOTE}`]);
  book.update([down()], 2000);
  assert.equal(take(), []);
  book.update([up({ uptime_s: 0 })], 3000);
  assert.equal(take(), [`peer_up ${REMOTE}`]);
});

change('takes a connection for down on which nobody has shown a key', () => {
  // Yggdrasil says "up" as soon as something accepts, and until its handshake fails
  const { book, take } = makeBook();
  book.update([down()], 0);
  const { key: _, ...keyless } = up({ uptime_s: 0, rx_bytes: 0 });
  assert.is(book.update([keyless], 1000).peers[0]!.state, 'down');
  assert.equal(take(), []);
  assert.is(book.update([up({ uptime_s: 1 })], 2000).peers[0]!.state, 'up');
  assert.equal(take(), [`peer_up ${REMOTE}`]);
});

change('tells of a peering that is new, and of one that left the list', () => {
  const { book, take } = makeBook();
  book.update([], 0);
  book.update([up({ uptime_s: 0 })], 1000);
  assert.equal(take(), [`peer_added ${REMOTE}`, `peer_up ${REMOTE}`]);
  book.update([], 2000);
  assert.equal(take(), [`peer_down ${REMOTE}`, `peer_removed ${REMOTE}`]);
  book.update([], 3000);
  assert.equal(take(), []);
});

change('knows an inbound node again when it returns from another port', () => {
  const { book, take } = makeBook();
  const from = (port: number) => up({ inbound: true, remote: `tls://192.0.2.9:${port}`, uptime_s: 0 });
  book.update([from(50_001)], 0);
  book.update([], 1000);
  take();
  const { peers } = book.update([from(50_002)], 2000);
  assert.equal(take(), ['peer_added tls://192.0.2.9:50002', 'peer_up tls://192.0.2.9:50002']);
  assert.is(peers[0]!.changes_per_hour, 2, '~> both changes count for the node');
});

change('does not record an inbound handshake', () => {
  const { book, events } = makeBook();
  book.update([], 0);
  book.update([{ remote: 'tls://192.0.2.9:1', inbound: true, up: false }], 1000);
  book.update([], 2000);
  assert.equal(events, []);
});

change('says once that a peer flaps, is silent about its changes, and says when it has settled', () => {
  const { book, take } = makeBook();
  let now = 0;
  book.update([up()], now);
  for (let i = 0; i < 10; i++) {
    now += 10_000;
    book.update([i % 2 ? up({ uptime_s: 0 }) : down()], now);
  }
  const told = take();
  assert.is(told.filter((line) => line.startsWith('peer_flapping')).length, 1);
  assert.is(told.filter((line) => /peer_(up|down)/.test(line)).length, 5, '~> the five changes before it flapped');
  book.update([up({ uptime_s: 299 })], now + 299_000);
  assert.equal(take(), []);
  book.update([up({ uptime_s: 301, rx_bytes: 9999 })], now + 301_000);
  assert.equal(take(), [`peer_settled ${REMOTE}`]);
});

change('does not mix up two inbound links of one node when the first ends', () => {
  const { book, take } = makeBook();
  const link = (port: number, rx: number) => up({ inbound: true, remote: `tls://192.0.2.9:${port}`, rx_bytes: rx });
  book.update([link(1, 100), link(2, 2_000_000)], 0);
  const { traffic } = book.update([link(2, 2_000_000)], 1000);
  assert.is(traffic.rxBytes, 0);
  assert.equal(take(), ['peer_down tls://192.0.2.9:1', 'peer_removed tls://192.0.2.9:1']);
});

change('keeps two links to one node apart', () => {
  const { book, take } = makeBook();
  const second = up({ remote: 'tcp://198.51.100.7:4002' });
  book.update([up(), second], 0);
  book.update([up({ uptime_s: 11 })], 1000);
  assert.equal(take(), ['peer_down tcp://198.51.100.7:4002', 'peer_removed tcp://198.51.100.7:4002']);
});
change.run();

// ---

const proof = suite('PeerBook proof');

proof('takes the handshake as proof at first', () => {
  const { book } = makeBook();
  const [peer] = book.update([up({ uptime_s: 60 })], 100_000).peers;
  assert.is(peer!.state, 'up');
  assert.is(peer!.proof, 'connected');
  assert.is(peer!.proven_ago_ms, 60_000);
});

proof('takes received bytes as proof, sent ones not', () => {
  const { book } = makeBook();
  book.update([up()], 0);
  const [sent] = book.update([up({ uptime_s: 12, tx_bytes: 900 })], 2000).peers;
  assert.is(sent!.proof, 'connected');
  const [received] = book.update([up({ uptime_s: 14, rx_bytes: 1001, tx_bytes: 900 })], 4000).peers;
  assert.is(received!.proof, 'traffic');
  assert.is(received!.proven_ago_ms, 0);
});

proof('does not believe a link that stays silent for over five minutes', () => {
  const { book, take } = makeBook();
  book.update([up({ uptime_s: 9000 })], 0);
  assert.is(book.update([up({ uptime_s: 9300 })], 300_000).peers[0]!.state, 'up');
  const [peer] = book.update([up({ uptime_s: 9301 })], 301_000).peers;
  assert.is(peer!.up, true, '~> the claim stays visible');
  assert.is(peer!.state, 'unproven');
  assert.equal(take(), [`peer_unproven ${REMOTE}`]);
  assert.is(book.update([up({ uptime_s: 9303, rx_bytes: 1200 })], 303_000).peers[0]!.state, 'up');
  assert.equal(take(), [`peer_up ${REMOTE}`]);
  assert.is(book.update([up({ uptime_s: 9305, rx_bytes: 1200 })], 305_000).peers[0]!.changes_per_hour, 0);
});

proof('does not believe a link whose node twice did not answer, until bytes arrive', () => {
  const { book, take } = makeBook();
  const ask = (at: number) => book.silent(at, 15_000, 10_000, 4);
  book.update([up()], 0);
  assert.equal(ask(14_000), []);
  const [silent] = ask(16_000);
  assert.is(silent!.key, KEY);
  assert.equal(ask(17_000), [], '~> asked once in 10 s');
  book.unanswered(silent!.id);
  assert.is(book.update([up({ uptime_s: 34 })], 24_000).peers[0]!.state, 'up', '~> once may be chance');
  assert.is(ask(26_000).length, 1);
  book.unanswered(silent!.id);
  assert.is(book.update([up({ uptime_s: 43 })], 33_000).peers[0]!.state, 'unproven');
  assert.is(book.update([up({ uptime_s: 46, rx_bytes: 1001 })], 36_000).peers[0]!.state, 'up');
  assert.equal(take(), [`peer_unproven ${REMOTE}`, `peer_up ${REMOTE}`]);
});

proof('does not count a question without an answer when bytes arrived after it', () => {
  const { book } = makeBook();
  book.update([up()], 0);
  for (const at of [20_000, 40_000]) {
    const [silent] = book.silent(at, 15_000, 10_000, 4);
    book.update([up({ uptime_s: at / 1000, rx_bytes: 1000 + at })], at + 2000);
    book.unanswered(silent!.id);
  }
  assert.is(book.update([up({ uptime_s: 50, rx_bytes: 41_000 })], 50_000).peers[0]!.state, 'up');
});

proof('remembers whose link is down', () => {
  const { book } = makeBook();
  book.update([up()], 0);
  const [peer] = book.update([down()], 1000).peers;
  assert.is(peer!.key, KEY);
  assert.is(peer!.key_remembered, true);
  assert.is(peer!.name, 'maple-12');
});
proof.run();

// ---

const origin = suite('PeerBook origin');
const CASES: [string, PeerClaim, string][] = [
  ['a configured one', up({ remote: 'tls://a.example:1' }), 'configured'],
  ['one of this daemon', up({ remote: 'tls://b.example:1' }), 'runtime'],
  ['one that another program added', up({ remote: 'tls://c.example:1' }), 'runtime'],
  ['one found by multicast', up({ remote: 'tls://[fe80::1%25mesh0]:1' }), 'multicast'],
  ['an inbound one', up({ inbound: true }), 'inbound'],
];
for (const [what, claim, expected] of CASES) {
  origin(`tells ${what}`, () => {
    const { book } = makeBook([{ uri: 'tls://a.example:1?priority=3', device: 'wan' }], ['tls://b.example:1']);
    assert.is(book.update([claim], 0).peers[0]!.origin, expected);
  });
}
origin('names the device of a configured peering', () => {
  const { book } = makeBook([{ uri: `${REMOTE}?priority=3`, device: 'wan' }]);
  assert.is(book.update([up()], 0).peers[0]!.device, 'wan');
});
origin('admits that it does not know without a configuration', () => {
  assert.is(makeBook().book.update([up()], 0).peers[0]!.origin, 'unknown');
});
origin.run();

// ---

const traffic = suite('PeerBook traffic');
traffic('counts what moved since the update before, across reconnections', () => {
  const { book } = makeBook();
  assert.equal(book.update([up()], 0).traffic, { rxBytes: 0, txBytes: 0 });
  assert.equal(book.update([up({ uptime_s: 20, rx_bytes: 1500, tx_bytes: 600 })], 10_000).traffic, {
    rxBytes: 500,
    txBytes: 100,
  });
  assert.equal(book.update([up({ uptime_s: 1, rx_bytes: 70, tx_bytes: 30 })], 20_000).traffic, {
    rxBytes: 70,
    txBytes: 30,
  });
});
traffic('computes rates where Yggdrasil gives none', () => {
  const { book } = makeBook();
  book.update([up()], 0);
  const [peer] = book.update([up({ uptime_s: 12, rx_bytes: 3000, tx_bytes: 500 })], 2000).peers;
  assert.is(peer!.rx_bytes_per_s, 1000);
  assert.is(peer!.tx_bytes_per_s, 0);
});
traffic('stays bounded when peers come and go for ever', () => {
  const { book } = makeBook();
  for (let i = 0; i < 300; i++) book.update([up({ remote: `tcp://192.0.2.1:${i}`, key: OTHER })], i * 60_000);
  const records = (book as unknown as { records: Map<string, unknown> }).records;
  assert.ok(records.size <= 62, `~> forgets after an hour, holds ${records.size}`);
});
traffic('stays bounded when strangers come with ever new keys', () => {
  const { book } = makeBook();
  const stranger = (i: number) =>
    up({ inbound: true, remote: `tcp://192.0.2.1:${i}`, key: i.toString(16).padStart(64, '0') });
  for (let round = 0; round < 20; round++) {
    book.update(
      Array.from({ length: 100 }, (_, i) => stranger(round * 100 + i)),
      round * 1000,
    );
  }
  const records = (book as unknown as { records: Map<string, unknown> }).records;
  assert.is(records.size, 612, '~> the newest 100, and 512 remembered');
});
traffic.run();
