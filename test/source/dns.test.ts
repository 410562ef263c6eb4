import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TimeoutError } from '../../src/errors.ts';
import { DnsSource, type PeeringHost } from '../../src/source/dns.ts';
import { ManualClock } from '../support/clock.ts';

const MINUTE = 60_000;

/** A resolver that knows what it is told, and a source that is reminded every 30 s. */
function make(...hosts: string[]) {
  const clock = new ManualClock();
  const world = {
    hosts: hosts.map((host): PeeringHost => ({ host, down: false })),
    isLookedAt: false,
    broken: new Set<string>(),
    slow: false,
    cancelled: 0,
  };
  const asked: { host: string; atMs: number }[] = [];
  const facts: string[] = [];
  const names = {
    resolve: (host: string, done: (outcome: readonly string[] | Error) => void) => {
      asked.push({ host, atMs: clock.monotonicMs() });
      const answer = () => {
        if (world.slow) return new TimeoutError('no answer');
        return world.broken.has(host) ? new Error('unknown name') : ['192.0.2.1'];
      };
      const cancel = clock.after(world.slow ? 10_000 : 5, () => done(answer()));
      return () => {
        world.cancelled++;
        cancel();
      };
    },
  };
  const source: DnsSource = new DnsSource(
    names,
    clock,
    () => world.hosts,
    () => world.isLookedAt,
    () => facts.push(`${source.fact!.host} ${source.fact!.result}`),
  );
  const run = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 30_000) {
      source.remind();
      await clock.advance(Math.min(30_000, left));
    }
  };
  return { clock, world, asked, facts, source, run, names: () => asked.map(({ host }) => host).join(' ') };
}

const dns = suite('DnsSource');
dns('asks for nothing where no peering has a name', async () => {
  const { asked, source, run } = make();
  await run(60 * MINUTE);
  assert.equal([asked, source.fact], [[], undefined]);
});
dns('asks at once, then every ten minutes', async () => {
  const { asked, facts, run } = make('a');
  await run(30 * MINUTE);
  assert.equal(
    asked.map(({ atMs }) => atMs),
    [0, 10 * MINUTE, 20 * MINUTE],
  );
  assert.equal(facts, ['a found', 'a found', 'a found']);
});
dns('asks every minute while somebody looks, or a peering with a name is down', async () => {
  for (const change of ['looked at', 'down'] as const) {
    const { world, asked, run } = make('a', 'b');
    await run(5 * MINUTE);
    assert.is(asked.length, 1);
    if (change === 'down') world.hosts[1] = { host: 'b', down: true };
    else world.isLookedAt = true;
    await run(5 * MINUTE);
    assert.is(asked.length, 6, change);
    for (const [i, { atMs }] of asked.entries()) if (i > 0) assert.ok(atMs - asked[i - 1]!.atMs >= MINUTE);
  }
});
dns('asks for the names of peerings in turn, for those that are down first', async () => {
  const { world, names, run } = make('a', 'b', 'c');
  world.isLookedAt = true;
  world.hosts[1] = { host: 'b', down: true };
  world.hosts[2] = { host: 'c', down: true };
  await run(4 * MINUTE);
  assert.is(names(), 'b c b c');
});
dns('tells an unknown name from a resolver that does not answer', async () => {
  const { world, source, run } = make('a');
  world.isLookedAt = true;
  world.broken.add('a');
  await run(MINUTE);
  assert.equal(source.fact, { host: 'a', result: 'unknown' });
  world.slow = true;
  await run(2 * MINUTE);
  assert.equal(source.fact, { host: 'a', result: 'timeout' });
});
dns('leaves alone a name that alone is not found', async () => {
  const { world, names, facts, run } = make('dead', 'good');
  world.hosts[0] = { host: 'dead', down: true };
  world.broken.add('dead');
  await run(9 * MINUTE);
  assert.ok(names().startsWith('dead good good good'), names());
  assert.equal([...new Set(facts.slice(1))], ['good found']);
  await run(10 * MINUTE);
  assert.is(names().split('dead').length - 1, 2, '~> tried again after ten minutes');
});
dns('says that names do not resolve when none does', async () => {
  const { world, facts, run } = make('a', 'b');
  world.isLookedAt = true;
  world.broken.add('a').add('b');
  await run(4 * MINUTE);
  assert.equal(facts, ['a unknown', 'b unknown', 'a unknown', 'b unknown']);
});
dns('forgets the answer when no peering has a name any more', async () => {
  const { world, source, run } = make('a');
  await run(MINUTE);
  world.hosts = [];
  await run(2 * MINUTE);
  assert.is(source.fact, undefined);
});
dns('ends with stop', async () => {
  const { clock, world, facts, source } = make('a');
  world.slow = true;
  source.remind();
  source.stop();
  await clock.advance(MINUTE);
  assert.equal([world.cancelled, facts, clock.pending], [1, [], 0]);
});
dns.run();
