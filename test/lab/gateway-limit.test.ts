// What homes are kept to at a gateway, with real traffic: speed, connections, ports.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { releaseClients } from '../../src/plane/clients.ts';
import { networkProblem } from '../support/network.ts';
import { machineIn, openWorld, planeOf, pool, SLOTS, tunnelOf, WEB4, WEB6 } from './gateway-world.ts';

const MBIT_BYTES = 125_000;
/** As long as there are no limits nothing of these takes a second. */
const MANY = 8_000_000;

const problem = await networkProblem();
if (problem) console.log(`skipped: limits of homes with real traffic: ${problem}`);
else {
  const { gateway: machine, web, lan, first, second } = await openWorld();
  const gateway = planeOf(machine);
  const tests = suite('gateway limits');
  tests.after(async () => {
    await Promise.all([machine, web, lan, first, second].map((place) => place.close()));
  });
  const limit = (limits: object) =>
    gateway.change({ add: [], remove: [], suspend: [], resume: [], limit: [{ slot: 2, limits }] });
  /** A bucket of one second and 64 KiB is free; the rest passes at its speed, never faster. */
  const leastMs = (bytes: number, mbits: number): number =>
    (1000 * (bytes - 65_536 - mbits * MBIT_BYTES)) / (mbits * MBIT_BYTES);

  tests('this kernel does without nothing of it', async () => {
    assert.equal(
      (await gateway.ability()).lacks.filter(({ what }) => what !== 'fair'),
      [],
    );
  });

  tests('a home gets no faster than it may, IPv4 and IPv6 together, and others as fast as they can', async () => {
    await gateway.restore([tunnelOf(2, { limits: { downKbits: 16_000 } }), tunnelOf(3)]);
    const [four, six] = await Promise.all([first.get(WEB4, 80, MANY / 2), first.get(WEB6, 80, MANY / 2)]);
    assert.equal([four.error, six.error], [undefined, undefined]);
    const tookMs = Math.max(four.ms, six.ms);
    assert.ok(tookMs >= leastMs(MANY, 16), `${tookMs} ms`);
    const other = await second.get(WEB4, 80, MANY);
    assert.ok(other.ms < leastMs(MANY, 16), `${other.ms} ms of the other home`);
    const up = await first.put(WEB4, MANY);
    assert.equal([up.bytes, up.ms < leastMs(MANY, 16)], [MANY, true], `${up.ms} ms the other way`);
  });

  tests('nor does it send faster; and what it may can change while it flows', async () => {
    await limit({ upKbits: 16_000 });
    const up = await first.put(WEB6, MANY);
    assert.is(up.bytes, MANY);
    assert.ok(up.ms >= leastMs(MANY, 16), `${up.ms} ms`);
    const down = await first.get(WEB4, 80, MANY);
    assert.ok(down.ms < leastMs(MANY, 16), `${down.ms} ms the other way`);
    // without a limit this would never end
    const running = first.put(WEB4, 40_000_000);
    await limit({});
    assert.is((await running).bytes, 40_000_000);
  });

  tests('bytes that were held back are not counted', async () => {
    await limit({ downKbits: 8000 });
    const before = (await gateway.use()).get(2)!;
    const { bytes } = await first.get(WEB4, 80, 4_000_000);
    const after = (await gateway.use()).get(2)!;
    const counted = after.txBytes - before.txBytes;
    assert.ok(counted >= bytes && counted < 1.1 * bytes, `${counted} counted, ${bytes} loaded`);
    await limit({});
  });

  tests('a home has no more connections than it may, is told so, and others have as many as they like', async () => {
    await limit({ flows: 5 });
    assert.equal(await first.hold(WEB4, 80, 8), { stand: 5, error: 'ECONNREFUSED' });
    assert.equal(await first.hold(WEB6, 80, 8), { stand: 5, error: 'ECONNREFUSED' });
    assert.equal(await second.hold(WEB4, 80, 30), { stand: 30 });
    // an end of one is a beginning of another
    await first.drop();
    assert.equal(await first.hold(WEB4, 80, 8), { stand: 5, error: 'ECONNREFUSED' });
    // names and the probe are no connections to the Internet
    assert.is((await first.get(pool.gateway4, 53)).error, undefined);
    await limit({ flows: 9 });
    assert.equal(await first.hold(WEB6, 80, 20), { stand: 9, error: 'ECONNREFUSED' });
    await limit({});
    assert.equal(await first.hold(WEB4, 80, 20), { stand: 20 });
    await Promise.all([first.drop(), second.drop()]);
  });

  tests('a gateway that starts anew goes on with all of it, and loses no packet', async () => {
    const homes = [
      tunnelOf(2, { limits: { downKbits: 16_000, upKbits: 16_000, flows: 5 }, block: 1 }),
      tunnelOf(3, { block: 2 }),
    ];
    await gateway.restore(homes);
    assert.equal(await first.hold(WEB4, 80, 5), { stand: 5 });
    await first.startEcho(WEB6);
    for (let i = 0; i < 3; i++) assert.equal(await planeOf(machine).restore(homes), new Map());
    // as root does it, who is told of homes one by one
    const other = planeOf(machine);
    await other.retain([...SLOTS]);
    const kept = first.get(WEB6, 80, MANY);
    await other.change({ add: homes, remove: [], suspend: [], resume: [] });
    assert.is((await first.endEcho()).lost, 0);
    // a bucket that is made anew is full
    const { ms } = await kept;
    assert.ok(ms >= leastMs(MANY - 65_536 - 16 * MBIT_BYTES, 16), `${ms} ms`);
    assert.equal(await first.hold(WEB4, 80, 2), { stand: 0, error: 'ECONNREFUSED' }, '~> those before count');
    await first.drop();
    await gateway.restore(SLOTS.map((slot) => tunnelOf(slot)));
    assert.equal(await first.hold(WEB4, 80, 9), { stand: 9 });
    await first.drop();
  });

  tests('what a home sends leaves by ports of its own', async () => {
    const homes = [tunnelOf(2, { block: 1 }), tunnelOf(3, { block: 60 })];
    await gateway.restore(homes);
    for (const host of [WEB4, WEB6])
      for (const [home, block] of [
        [first, 1],
        [second, 60],
      ] as const) {
        const { first: least, last } = pool.ports(block);
        for (let i = 0; i < 5; i++) {
          const { port, error } = await home.get(host);
          assert.ok(error === undefined && port >= least && port <= last, `${port} of ${least} to ${last}`);
        }
      }
    // UDP, and what has no ports
    await first.startEcho(WEB4);
    assert.is((await first.endEcho()).lost, 0);
    const flows = machine.run('conntrack', '-L', '-p', 'udp', '-s', pool.home4(2));
    const seen = [...flows.matchAll(/ dport=(\d+)/g)].map(([, port]) => Number(port)).filter((port) => port !== 7);
    assert.ok(
      seen.length > 0 && seen.every((port) => port >= pool.ports(1).first && port <= pool.ports(1).last),
      flows,
    );
    first.run('ping', '-c', '1', '-W', '2', WEB4);
    // they change places
    await gateway.restore([tunnelOf(2, { block: 60 }), tunnelOf(3, { block: 1 })]);
    const { port } = await first.get(WEB4);
    assert.ok(port >= pool.ports(60).first && port <= pool.ports(60).last, `${port}`);
  });

  tests(
    'homes share a full line evenly, however many connections each has, and nobody takes what it does not use',
    async () => {
      const shared = planeOf(machine, { share: { down: 40_000, up: 40_000 } });
      assert.equal((await shared.ability()).lacks, []);
      await shared.restore(SLOTS.map((slot) => tunnelOf(slot)));
      const qdiscs = machine.run('tc', 'qdisc', 'show');
      for (const device of ['ygg0', 'wan0']) assert.match(qdiscs, new RegExp(`(cake|htb) 4d42: dev ${device} root`));
      for (const way of ['down', 'up'] as const) {
        const used = async () => {
          const use = await shared.use();
          return SLOTS.map((slot) => use.get(slot)![way === 'down' ? 'txBytes' : 'rxBytes']) as [number, number];
        };
        const load = (place: typeof first): Promise<unknown> =>
          way === 'down' ? place.get(WEB4, 80, 30_000_000) : place.put(WEB6, 30_000_000);
        const before = await used();
        let isOver = false;
        const all = Promise.all([...Array.from({ length: 8 }, () => load(first)), load(second)]).then(() => {
          isOver = true;
        });
        // what fills queues at first is not shared yet
        let begun = before;
        while (begun[1] - before[1] < 2_000_000) begun = await used();
        let now = begun;
        while (now[1] - begun[1] < 6_000_000 && !isOver) now = await used();
        const [greedy, modest] = [now[0] - begun[0], now[1] - begun[1]];
        assert.ok(modest > 0.8 * greedy && modest < 1.25 * greedy, `${way}: ${greedy} to ${modest} bytes`);
        await gateway.change({ add: [], remove: [], suspend: [...SLOTS], resume: [] });
        await all;
        await gateway.change({ add: [], remove: [], suspend: [], resume: [...SLOTS] });
      }
      // alone it has the whole line: half of it would take twice as long
      const alone = await first.get(WEB4, 80, MANY);
      assert.ok(alone.ms < leastMs(MANY, 20), `${alone.ms} ms`);
    },
  );

  tests('a queue of somebody else is left alone, and ours goes with what it is for', async () => {
    const share = { down: 40_000, up: 40_000 };
    machine.run(
      'tc',
      'qdisc',
      'replace',
      'dev',
      'wan0',
      'root',
      'handle',
      '1:',
      'tbf',
      'rate',
      '100mbit',
      'burst',
      '64kb',
      'latency',
      '50ms',
    );
    const { lacks } = await planeOf(machine, { share }).ability();
    assert.equal(
      lacks.map(({ what }) => what),
      ['fair'],
    );
    assert.match(lacks[0]!.problem, /wan0 .* somebody else \(tbf 1:\), which is left alone/);
    await planeOf(machine, { share }).restore(SLOTS.map((slot) => tunnelOf(slot)));
    assert.match(machine.run('tc', 'qdisc', 'show', 'dev', 'wan0'), /^qdisc tbf 1: root/);
    machine.run('tc', 'qdisc', 'del', 'dev', 'wan0', 'root');
    // Yggdrasil may start anew
    const plane = planeOf(machine, { share });
    await plane.restore(SLOTS.map((slot) => tunnelOf(slot)));
    machine.run('tc', 'qdisc', 'del', 'dev', 'ygg0', 'root');
    await plane.use();
    assert.match(machine.run('tc', 'qdisc', 'show', 'dev', 'ygg0'), / 4d42: root/);
    assert.is((await first.get(WEB4)).error, undefined);
    await gateway.restore(SLOTS.map((slot) => tunnelOf(slot)));
    assert.not.match(machine.run('tc', 'qdisc', 'show'), / 4d42:/);
    await plane.restore([]);
    await releaseClients(machineIn(machine.space));
    assert.not.match(machine.run('tc', 'qdisc', 'show'), / 4d42:/);
  });

  tests('a home that leaves leaves nothing of its limits', async () => {
    await gateway.restore([
      tunnelOf(2, { limits: { downKbits: 8000, upKbits: 8000, flows: 5 }, block: 1 }),
      tunnelOf(3),
    ]);
    const table = (): string => machine.run('nft', 'list', 'table', 'inet', 'meshbridge_gw');
    assert.match(table(), /limit up0002|limit down0002/);
    await gateway.change({ add: [], remove: [2], suspend: [], resume: [] });
    assert.not.match(table(), /0002|10\.43\.0\.2 :/);
    await gateway.change({ add: [], remove: [2], suspend: [], resume: [] });
    assert.is((await second.get(WEB4)).error, undefined);
  });

  tests.run();
}
