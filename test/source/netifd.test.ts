import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SILENT } from '../../src/log.ts';
import { Uplinks } from '../../src/mesh/uplink.ts';
import { NetifdSource } from '../../src/source/netifd.ts';
import { ManualClock } from '../support/clock.ts';

const DEFAULT = { target: '0.0.0.0', mask: 0, nexthop: '192.0.2.1' };
const WAN = { interface: 'wan', proto: 'dhcp', device: 'eth1', up: true, uptime: 60, route: [DEFAULT] };
const UNPLUGGED = { interface: 'wan', proto: 'dhcp', device: 'eth1', up: false };

function make() {
  const clock = new ManualClock();
  const uplinks = new Uplinks();
  const told: string[] = [];
  const world = { dump: { interface: [WAN] } as object | Error, calls: [] as string[], status: {} as object | Error };
  const bus = {
    call: async (path: string, method: string, args: object = {}) => {
      world.calls.push(`${path} ${method} ${JSON.stringify(args)}`);
      const answer = path === 'network.device' ? world.status : world.dump;
      if (answer instanceof Error) throw answer;
      return [answer as Record<string, unknown>];
    },
  };
  const netifd = new NetifdSource(bus, clock, uplinks, SILENT, {
    onDump: (dump) => told.push(dump === undefined ? 'no dump' : 'dump'),
    onUplinks: (back) => told.push(`back: ${back.map((uplink) => uplink.interface)}`),
  });
  const dumps = () => world.calls.filter((call) => call.startsWith('network.interface')).length;
  return { clock, uplinks, told, world, netifd, dumps };
}

const source = suite('NetifdSource');
source('looks when it is told to, and every minute', async () => {
  const { clock, netifd, dumps } = make();
  await netifd.refresh();
  assert.is(dumps(), 0, '~> not before it starts');
  netifd.start();
  await netifd.refresh();
  assert.is(dumps(), 1);
  await clock.advance(180_000);
  assert.is(dumps(), 4);
});
source('feeds both, and asks for no signal of an uplink that is up', async () => {
  const { uplinks, told, world, netifd } = make();
  netifd.start();
  await netifd.refresh();
  assert.equal(told, ['dump', 'back: ']);
  assert.equal(world.calls, ['network.interface dump {}']);
  assert.is(uplinks.list(0)![0]!.uptime_s, 60);
});
source('asks for the signal of an uplink that is not up', async () => {
  const { uplinks, world, netifd } = make();
  world.dump = { interface: [UNPLUGGED] };
  netifd.start();
  for (const [status, carrier] of [
    [{ carrier: false }, false],
    [{ carrier: true }, true],
    [{ carrier: 'yes' }, undefined],
    [new Error('no such object'), undefined],
  ] as const) {
    world.status = status;
    await netifd.refresh();
    assert.is(uplinks.list(0)![0]!.carrier, carrier);
    assert.is(world.calls.at(-1), 'network.device status {"name":"eth1"}');
  }
});
source('asks for at most four signals', async () => {
  const { world, netifd } = make();
  world.dump = {
    interface: Array.from({ length: 9 }, (_, i) => ({ ...UNPLUGGED, interface: `wan${i}`, device: `e${i}` })),
  };
  world.status = new Error('hangs');
  netifd.start();
  await netifd.refresh();
  assert.is(world.calls.filter((call) => call.startsWith('network.device')).length, 4);
});
source('makes one more dump of many changes during one', async () => {
  const { uplinks, world, netifd, dumps } = make();
  netifd.start();
  const first = netifd.refresh();
  const burst = Array.from({ length: 100 }, () => netifd.refresh());
  assert.is(dumps(), 1);
  world.dump = { interface: [{ ...WAN, uptime: 7 }] };
  await Promise.all([first, ...burst]);
  assert.is(dumps(), 2);
  assert.is(uplinks.list(0)![0]!.uptime_s, 7, '~> the last one counts');
});
source('tells who came back, and knows nothing while netifd is away', async () => {
  const { uplinks, told, world, netifd } = make();
  netifd.start();
  await netifd.refresh();
  world.dump = { interface: [UNPLUGGED] };
  await netifd.refresh();
  world.dump = { interface: [WAN] };
  await netifd.refresh();
  assert.is(told.at(-1), 'back: wan');
  world.dump = new Error('no netifd');
  await netifd.refresh();
  assert.equal(told.slice(-2), ['no dump', 'back: ']);
  assert.is(uplinks.list(0), undefined);
});
source('is quiet after stop', async () => {
  const { clock, told, netifd } = make();
  netifd.start();
  const asked = netifd.refresh();
  netifd.stop();
  await asked;
  await clock.advance(120_000);
  assert.equal(told, []);
  assert.is(clock.pending, 0);
});
source.run();
