import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PublicPeer } from '../../src/lib/public-peers.ts';
import type { Measurement } from '../../src/mesh/adviser.ts';
import { PROBE_PACE, Probe } from '../../src/source/probe.ts';
import { ManualClock } from '../support/clock.ts';
import { MemoryStreams } from '../support/stream.ts';

const peerOf = (host: string): PublicPeer => ({ uri: `tls://${host}:443`, host, port: 443, region: '' });

/** A probe of some hosts; `names` says what each resolves to, after a second. */
function make(hosts: readonly string[], names: Record<string, readonly string[] | Error> = {}) {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const done: (Record<string, Measurement> | undefined)[] = [];
  const resolve = (name: string, tell: (outcome: readonly string[] | Error) => void) =>
    clock.after(1000, () => tell(names[name] ?? new Error(`resolve ${name}: unknown name`)));
  const host = { streams, clock, names: { resolve } };
  const probe = new Probe(host, hosts.map(peerOf), PROBE_PACE, (results) =>
    done.push(results && Object.fromEntries([...results].map(([peer, result]) => [peer.host, result]))),
  );
  /** Answers each dial after what `latency` says, undefined: never; tells when each began. */
  const serve = async (latency: (address: string, nth: number) => number | Error | undefined) => {
    const starts: number[] = [];
    let served = 0;
    const counts = new Map<string, number>();
    for (let i = 0; i < 40_000 && done.length === 0; i++) {
      await clock.advance(10);
      const end = streams.dialled[served];
      if (!end) continue;
      served++;
      starts.push(clock.monotonicMs());
      const { host: address } = end.endpoint as { host: string };
      const nth = (counts.get(address) ?? 0) + 1;
      counts.set(address, nth);
      const after = latency(address, nth);
      if (after instanceof Error) end.end(after);
      else if (after !== undefined) clock.after(after, () => end.closed || end.accept());
    }
    return starts;
  };
  return { clock, streams, probe, done, serve };
}

const A = '198.51.100.1';
const B = '198.51.100.2';
const C = '2001:db8::1';

const probes = suite('Probe');
probes('tells the middle one of three dials, one to each in turn', async () => {
  const { done, serve, streams } = make([A, C]);
  await serve((address, nth) => (address === A ? [30, 10, 20][nth - 1] : 50));
  assert.equal(done, [{ [A]: 20, [C]: 50 }]);
  const order = [A, C, A, C, A, C];
  assert.equal(
    streams.dialled.map(({ endpoint }) => (endpoint as { host: string }).host),
    order,
  );
  assert.equal(streams.dialled[0]!.endpoint, { host: A, port: 443 });
  assert.ok(streams.dialled.every(({ closed }) => closed));
});
probes('dials at most once in two seconds, whatever takes long', async () => {
  const { serve } = make([A, 'b.example.org', 'gone.example.org'], { 'b.example.org': [B] });
  const starts = await serve((_, nth) => [10, 1500, 10][nth - 1]);
  assert.is(starts.length, 6);
  for (const [i, at] of starts.slice(1).entries()) assert.ok(at - starts[i]! >= 2000 - 10, `~> ${starts}`);
});
probes('has one dial under way at a time', async () => {
  const { serve, streams } = make([A, B]);
  await serve((address) => {
    assert.is(streams.dialled.filter(({ closed }) => !closed).length, 1);
    return address === A ? 4000 : 10;
  });
  assert.is(streams.dialled.length, 6);
});
probes('resolves a name once, and does not count that', async () => {
  const { done, serve, streams } = make(['a.example.org'], { 'a.example.org': [A, B] });
  await serve(() => 30);
  assert.equal(done, [{ 'a.example.org': 30 }]);
  assert.ok(streams.dialled.every(({ endpoint }) => 'host' in endpoint && endpoint.host === A));
});
probes('bears one failure, and gives up after two', async () => {
  const { done, serve, streams } = make([A, B, C]);
  await serve((address, nth) => {
    if (address === A) return nth === 1 ? new Error('Connection refused') : nth * 10;
    return address === B ? new Error('Connection refused') : 5;
  });
  assert.equal(done, [{ [A]: 30, [B]: 'Connection refused', [C]: 5 }]);
  assert.is(streams.dialled.length, 3 + 2 + 3);
});
probes('waits five seconds for an answer', async () => {
  const { done, serve } = make([A, B]);
  await serve((address) => (address === A ? undefined : 4900));
  assert.equal(done, [{ [A]: 'no answer after 5000 ms', [B]: 4900 }]);
});
probes('dials no address that is not of the Internet', async () => {
  const names = { 'lan.example.org': ['192.168.1.1'], 'none.example.org': [] };
  const { done, serve, streams } = make([A, '127.0.0.1', ...Object.keys(names)], names);
  await serve(() => 5);
  assert.equal(done, [
    {
      [A]: 5,
      '127.0.0.1': '127.0.0.1 is no address of the Internet',
      'lan.example.org': '192.168.1.1 is no address of the Internet',
      'none.example.org': 'nothing is no address of the Internet',
    },
  ]);
  assert.is(streams.dialled.length, 3);
});
probes('takes the first address of a name that is of the Internet', async () => {
  const { done, serve } = make(['a.example.org'], { 'a.example.org': ['fd00::1', A] });
  await serve((address) => (address === A ? 5 : undefined));
  assert.equal(done, [{ 'a.example.org': 5 }]);
});
probes('gives up after five hosts of which none answers', async () => {
  const { done, serve, streams } = make(Array.from({ length: 40 }, (_, i) => `198.51.100.${i}`));
  await serve(() => new Error('Network is unreachable'));
  assert.equal(done, [undefined]);
  assert.is(streams.dialled.length, 5);
});
probes('goes on when one of the five answers', async () => {
  const { done, serve } = make(Array.from({ length: 12 }, (_, i) => `198.51.100.${i}`));
  await serve((address) => (address === '198.51.100.4' ? 7 : new Error('Network is unreachable')));
  assert.is(done[0]!['198.51.100.4'], 7);
  assert.is(done[0]!['198.51.100.11'], 'Network is unreachable');
});
probes('leaves nothing behind when it is stopped, at any moment', async () => {
  for (const atMs of [0, 500, 1000, 1010, 3500]) {
    const { clock, streams, probe, done } = make(['a.example.org'], { 'a.example.org': [A] });
    await clock.advance(atMs);
    probe.stop();
    assert.is(clock.pending, 0, `~> ${atMs}`);
    assert.ok(streams.dialled.every(({ closed }) => closed));
    await clock.advance(60_000);
    assert.equal(done, []);
  }
});
probes.run();
