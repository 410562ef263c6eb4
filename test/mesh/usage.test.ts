import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Session } from '../../src/api/model.ts';
import { Usage } from '../../src/mesh/usage.ts';

const session = (key: string, rx: number, tx: number, uptimeS = 100): Session => ({
  key,
  address: '200::1',
  rx_bytes: rx,
  tx_bytes: tx,
  uptime_s: uptimeS,
});

/** Polls that belong together: what the peerings moved, and the sessions at that time. */
function poll(usage: Usage, atMs: number, wire: readonly [rx: number, tx: number], ...sessions: Session[]): void {
  usage.addPeers({ rxBytes: wire[0], txBytes: wire[1] }, atMs);
  usage.addSessions(sessions, atMs);
}

/** Own received, own sent, relayed. */
function bytes(usage: Usage): (number | undefined)[] {
  const traffic = usage.traffic(0);
  return [traffic?.own_rx_bytes, traffic?.own_tx_bytes, traffic?.relayed_bytes];
}

const usage = suite('Usage');
usage('knows nothing before the first look, and counts from there', () => {
  const usage = new Usage();
  assert.is(usage.traffic(0), undefined);
  poll(usage, 5000, [9e9, 9e9], session('a', 1e9, 1e9));
  assert.equal(usage.traffic(65_500), {
    since_s: 60,
    own_rx_bytes: 0,
    own_tx_bytes: 0,
    relayed_bytes: 0,
    own_rx_bytes_per_s: 0,
    own_tx_bytes_per_s: 0,
    relayed_bytes_per_s: 0,
  });
});
usage('adds up what the sessions moved', () => {
  const usage = new Usage();
  poll(usage, 0, [0, 0], session('a', 100, 10), session('b', 50, 5));
  poll(usage, 2000, [400, 40], session('a', 300, 20), session('b', 50, 5), session('c', 200, 30));
  assert.equal(bytes(usage), [400, 40, 0], '~> a new session counts whole');
});
usage('counts a session that began anew whole', () => {
  for (const again of [session('a', 30, 400, 200), session('a', 400, 30, 200), session('a', 400, 400, 5)]) {
    const usage = new Usage();
    poll(usage, 0, [0, 0], session('a', 100, 100));
    poll(usage, 2000, [0, 0], again);
    assert.equal(bytes(usage), [again.rx_bytes, again.tx_bytes, 0]);
  }
});
usage('keeps what sessions moved that are gone', () => {
  const usage = new Usage();
  poll(usage, 0, [0, 0], session('a', 100, 100));
  poll(usage, 2000, [0, 0], session('a', 150, 100));
  poll(usage, 4000, [0, 0]);
  assert.equal(bytes(usage), [50, 0, 0]);
});
usage('takes for relayed what goes both ways beyond its own, counted once', () => {
  const usage = new Usage();
  poll(usage, 0, [0, 0], session('a', 0, 0));
  poll(usage, 2000, [1500, 700], session('a', 1000, 200));
  assert.equal(bytes(usage), [1000, 200, 500]);
});
usage('does not take the overhead of a download or an upload for relayed', () => {
  const usage = new Usage();
  poll(usage, 0, [0, 0], session('a', 0, 0));
  poll(usage, 2000, [1100, 20], session('a', 1000, 20));
  poll(usage, 4000, [20, 1100], session('a', 1020, 1020));
  assert.is(bytes(usage)[2], 0);
});
usage('never takes anything back', () => {
  const usage = new Usage();
  poll(usage, 0, [0, 0], session('a', 0, 0));
  poll(usage, 2000, [600, 600]);
  poll(usage, 4000, [0, 0], session('b', 5000, 5000));
  poll(usage, 6000, [100, 100], session('b', 5000, 5000));
  assert.equal(bytes(usage), [5000, 5000, 700]);
});
usage('counts nothing as relayed over a time in which sessions may have come and gone', () => {
  const usage = new Usage();
  poll(usage, 0, [0, 0]);
  poll(usage, 60_001, [1e6, 1e6], session('a', 100, 100));
  assert.equal(bytes(usage), [100, 100, 0]);
  poll(usage, 120_001, [300, 300], session('a', 100, 100));
  assert.equal(bytes(usage), [100, 100, 300]);
});
usage('waits for an answer about the peerings that belongs to that about the sessions', () => {
  const usage = new Usage();
  poll(usage, 0, [0, 0], session('a', 0, 0));
  usage.addPeers({ rxBytes: 500, txBytes: 500 }, 2000);
  usage.addSessions([session('a', 400, 400)], 2500);
  assert.equal(bytes(usage), [400, 400, 0]);
  poll(usage, 4000, [0, 0], session('a', 400, 400));
  assert.equal(bytes(usage), [400, 400, 100]);
});
usage('tells the rates of the last ten seconds, or of the last two looks', () => {
  const usage = new Usage();
  const rates = () => {
    const traffic = usage.traffic(0)!;
    return [traffic.own_rx_bytes_per_s, traffic.own_tx_bytes_per_s, traffic.relayed_bytes_per_s];
  };
  poll(usage, 0, [0, 0], session('a', 0, 0));
  poll(usage, 30_000, [60_000, 60_000], session('a', 30_000, 0));
  assert.equal(rates(), [1000, 0, 1000]);
  for (let n = 1; n <= 20; n++) poll(usage, 30_000 + n * 2000, [400, 400], session('a', 30_000, n * 200));
  assert.equal(rates(), [0, 100, 100]);
  usage.addSessions([session('a', 30_000, 4000)], 70_000);
  assert.equal(rates(), [0, 100, 100], '~> asked twice at once');
});
usage('follows thousands of sessions', () => {
  const usage = new Usage();
  const list = (bytes: number) => Array.from({ length: 5000 }, (_, n) => session(String(n), bytes, 0));
  poll(usage, 0, [0, 0], ...list(0));
  for (let n = 1; n <= 20; n++) poll(usage, n * 2000, [0, 0], ...list(n));
  assert.is(bytes(usage)[0], 100_000);
});
usage.run();
