import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SILENT } from '../../src/log.ts';
import { Discovery, type FoundInterface, yggdrasilInterfaces } from '../../src/source/discovery.ts';
import type { Files } from '../../src/transport/host.ts';
import { ManualClock } from '../support/clock.ts';

const DUMP = {
  interface: [
    { interface: 'lan', proto: 'static' },
    { interface: 'ygg1', proto: 'yggdrasil' },
    { interface: 'ygg0', proto: 'yggdrasil' },
  ],
};

const names = suite('yggdrasilInterfaces');
names('finds the interfaces of the protocol', () => assert.equal(yggdrasilInterfaces(DUMP), ['ygg1', 'ygg0']));
for (const bad of [undefined, null, 7, {}, { interface: 'x' }, { interface: [null, 3, { proto: 'yggdrasil' }] }]) {
  names(`finds nothing in ${JSON.stringify(bad)}`, () => assert.equal(yggdrasilInterfaces(bad), []));
}
names('refuses names that are no interface names', () => {
  assert.equal(yggdrasilInterfaces({ interface: [{ interface: '../../etc', proto: 'yggdrasil' }] }), []);
});
names.run();

// ---

function make(options: { discover?: boolean; configured?: { name: string; endpoint: { path: string } }[] } = {}) {
  const clock = new ManualClock();
  const told: FoundInterface[][] = [];
  const world = { sockets: [] as string[] };
  const files = { list: () => world.sockets } as unknown as Files;
  const discovery = new Discovery(
    files,
    clock,
    {
      configured: options.configured ?? [],
      discover: options.discover ?? true,
      socketDirectory: '/tmp/yggdrasil',
      most: 4,
    },
    SILENT,
    (list) => told.push(list),
  );
  return { clock, told, world, discovery };
}
const shown = (list: FoundInterface[] | undefined) => list?.map((f) => `${f.name} ${f.foundBy}`);

const discovery = suite('Discovery');

discovery('puts the configuration first, then netifd, then sockets, each name once', () => {
  const { told, world, discovery } = make({ configured: [{ name: 'own', endpoint: { path: '/run/own.sock' } }] });
  world.sockets = ['ygg0.sock', 'odd.sock', 'ygg0.conf', '.sock'];
  discovery.start();
  discovery.look(DUMP);
  assert.equal(shown(told.at(-1)), ['own config', 'ygg0 netifd', 'ygg1 netifd', 'odd socket']);
  assert.equal(told.at(-1)![1]!.endpoint, { path: '/tmp/yggdrasil/ygg0.sock' });
});

discovery('tells only changes, and looks at the sockets whenever it is told to', () => {
  const { told, world, discovery } = make();
  discovery.start();
  for (let i = 0; i < 3; i++) discovery.look({});
  assert.is(told.length, 1);
  world.sockets = ['ygg0.sock'];
  discovery.look(undefined);
  assert.equal(shown(told.at(-1)), ['ygg0 socket']);
});

discovery('keeps what netifd said while netifd does not answer', () => {
  const { told, discovery } = make();
  discovery.start();
  discovery.look(DUMP);
  discovery.look(undefined);
  assert.equal(shown(told.at(-1)), ['ygg0 netifd', 'ygg1 netifd']);
});

discovery('takes at most four', () => {
  const { told, world, discovery } = make();
  world.sockets = ['a.sock', 'b.sock', 'c.sock', 'd.sock'];
  discovery.start();
  discovery.look(DUMP);
  assert.is(told.at(-1)!.length, 4);
});

discovery('keeps what was found while its socket and netifd’s word are gone', async () => {
  const { clock, told, world, discovery } = make();
  world.sockets = ['odd.sock'];
  discovery.start();
  discovery.look(DUMP);
  assert.equal(shown(told.at(-1)), ['ygg0 netifd', 'ygg1 netifd', 'odd socket']);
  const before = told.length;
  world.sockets = ['ygg1.sock'];
  for (let i = 0; i < 60; i++) {
    await clock.advance(60_000);
    discovery.look({});
  }
  world.sockets = ['odd.sock'];
  discovery.look(DUMP);
  assert.is(told.length, before, '~> nothing has changed');
});

discovery('forgets what was found when it is told to look elsewhere or no more', () => {
  const { told, world, discovery } = make();
  const options = { configured: [], discover: true, socketDirectory: '/tmp/yggdrasil', most: 4 };
  for (const other of [
    { ...options, socketDirectory: '/run/ygg' },
    { ...options, discover: false },
  ]) {
    world.sockets = ['odd.sock'];
    discovery.start();
    discovery.setOptions(options);
    assert.equal(shown(told.at(-1)), ['odd socket']);
    world.sockets = [];
    discovery.setOptions(other);
    assert.equal(told.at(-1), []);
    discovery.setOptions(options);
    assert.equal(told.at(-1), []);
  }
});

discovery('gives the place of the one missing longest to one that is configured', async () => {
  const { clock, told, world, discovery } = make();
  world.sockets = ['a.sock', 'b.sock', 'c.sock', 'd.sock'];
  discovery.start();
  for (const sockets of [
    ['a.sock', 'c.sock', 'd.sock'],
    ['c.sock', 'd.sock', 'e.sock'],
  ]) {
    world.sockets = sockets;
    await clock.advance(60_000);
    discovery.look({});
  }
  assert.equal(shown(told.at(-1)), ['a socket', 'b socket', 'c socket', 'd socket'], '~> none for a newcomer');
  const configured = [{ name: 'own', endpoint: { path: '/run/own.sock' } }];
  discovery.setOptions({ configured, discover: true, socketDirectory: '/tmp/yggdrasil', most: 4 });
  assert.equal(shown(told.at(-1)), ['own config', 'a socket', 'c socket', 'd socket']);
});

discovery('gives the place of one that is long missing to a newcomer', async () => {
  const { clock, told, world, discovery } = make();
  world.sockets = ['a.sock', 'b.sock', 'c.sock', 'd.sock'];
  discovery.start();
  world.sockets = ['b.sock', 'c.sock', 'd.sock', 'e.sock'];
  await clock.advance(600_000);
  discovery.look({});
  assert.equal(shown(told.at(-1)), ['a socket', 'b socket', 'c socket', 'd socket']);
  await clock.advance(60_000);
  discovery.look({});
  assert.equal(shown(told.at(-1)), ['b socket', 'c socket', 'd socket', 'e socket']);
});

discovery('looks no further than the configuration when told so', () => {
  const { told, world, discovery } = make({ discover: false });
  world.sockets = ['ygg0.sock'];
  discovery.start();
  discovery.look(DUMP);
  assert.equal(told, [[]]);
});

discovery('follows the configuration, and does not forget meanwhile what netifd said', () => {
  const { told, discovery } = make();
  const options = { configured: [], discover: true, socketDirectory: '/run/ygg', most: 4 };
  discovery.setOptions(options);
  assert.equal(told, [], '~> not before it starts');
  discovery.start();
  discovery.look(DUMP);
  discovery.setOptions({ ...options, configured: [{ name: 'own', endpoint: { path: '/run/own.sock' } }] });
  assert.equal(shown(told.at(-1)), ['own config', 'ygg0 netifd', 'ygg1 netifd']);
  discovery.setOptions({ ...options, discover: false });
  assert.equal(told.at(-1), []);
});

discovery('is quiet after stop', () => {
  const { told, discovery } = make();
  discovery.start();
  discovery.stop();
  discovery.look(DUMP);
  assert.is(told.length, 1);
});
discovery.run();
