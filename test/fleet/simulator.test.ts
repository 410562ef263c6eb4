import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAccess, formatPassword, formatPasswords } from '../../src/fleet/access.ts';
import { changePins } from '../../src/fleet/pin.ts';
import { Crowd } from '../../src/fleet/simulator/crowd.ts';
import { seeded } from '../../src/fleet/simulator/router.ts';
import type { Summary } from '../../src/fleet/summary.ts';
import { withOperator } from '../support/meshctl.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';

const reason = await whyNoMosquitto();
const MAKES = { siteSize: 2, seed: 'test', eventS: 20 } as const;

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); ) {
    assert.ok(Date.now() < end, `~> ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const numbers = suite('seeded');
numbers('gives the same numbers for one name, spread over all there are', () => {
  const [one, same, other] = ['a', 'a', 'b'].map((name) => seeded(name));
  const some = Array.from({ length: 1000 }, () => one!());
  assert.equal(
    some,
    Array.from({ length: 1000 }, () => same!()),
  );
  assert.is.not(some[0], other!());
  assert.ok(some.every((value) => value >= 0 && value < 1));
  const mean = some.reduce((sum, value) => sum + value, 0) / 1000;
  assert.ok(mean > 0.45 && mean < 0.55, String(mean));
});
numbers.run();

// ---

const crowd = suite('Crowd');
if (reason !== undefined) console.log(`skipped: simulated routers at mosquitto: ${reason}`);
else
  crowd('comes in, tells of itself, obeys the operator, and comes back', () =>
    withOperator(async (it) => {
      const broker = await Mosquitto.start({ users: {}, config: ['acl_file acl'], files: { acl: '' } });
      const key = await it.json<{ public: string }>('keys new anna');
      const it5 = new Crowd({ ...MAKES, routers: 5, endpoint: broker.endpoint, keys: [key.public], speed: 20 });
      try {
        const pins = it5.routers.map(({ pin }) => pin);
        broker.write('acl', formatAccess(pins, { operators: ['operator'], readers: [] }));
        broker.write('passwords', formatPasswords(pins, [formatPassword('operator', 'op')]));
        await broker.restart();
        const password = it.file('password', 'op\n');
        await it.json(`broker set --url mqtt://127.0.0.1:${broker.port()} --user operator --password-file ${password}`);
        await changePins(it.home, (known) => {
          for (const pin of pins) known.set(pin.node, pin);
        });
        it5.start();
        await until('all are connected', () => it5.up === 5);
        const { nodes } = await it.json<{ nodes: Summary[] }>('nodes');
        assert.equal(
          nodes.map(({ name, site, state, trust }) => [name, site, state, trust]),
          [0, 1, 2, 3, 4].map((at) => [`test-${at}`, `site-${Math.floor(at / 2)}`, 'online', 'pinned']),
        );
        const { st, out } = await it.json<{ st: string; out: { own: object } }>('do test-3 snapshot');
        assert.is(st, 'done');
        assert.ok(out.own);
        await broker.kill();
        await until('all are lost', () => it5.up === 0);
        await broker.restart();
        await until('all are back', () => it5.up === 5);
        assert.is(it5.losses, 5);
        assert.is(it5.connects.length, 10);
        assert.ok(it5.mostInOneSecond(0) >= 1);
      } finally {
        await it5.stop();
        await broker.stop();
      }
    }),
  );
crowd.run();
