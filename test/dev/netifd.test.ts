import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PlayedNetifd } from '../../src/dev/netifd.ts';
import type { Stage, StageNode } from '../../src/dev/stage.ts';
import { Uplinks } from '../../src/mesh/uplink.ts';
import { yggdrasilInterfaces } from '../../src/source/discovery.ts';
import type { Table } from '../../src/ubus/blobmsg.ts';
import { Failure } from '../../src/ubus/object.ts';

interface Made {
  netifd: PlayedNetifd;
  changes: string[];
  clock: { ms: number };
  ask(path: string, method: string, args?: Table): Promise<object | undefined>;
}

function made(): Made {
  const node = {
    name: 'a',
    iface: 'ygg0',
    address: '200::1',
    isRunning: true,
    async start() {
      this.isRunning = true;
    },
    async kill() {
      this.isRunning = false;
    },
  };
  const stage = { nodes: [node as unknown as StageNode] } as unknown as Stage;
  const changes: string[] = [];
  const clock = { ms: 1000 };
  const netifd = new PlayedNetifd(
    stage,
    () => clock.ms,
    (name, up) => changes.push(`${name} ${up}`),
  );
  const ask = async (path: string, method: string, args: Table = {}): Promise<object | undefined> => {
    const object = netifd.objects.find((one) => one.path === path)!;
    return (await object.methods[method]!.handle(args, { user: '', group: '', peer: 0 })) as object | undefined;
  };
  return { netifd, changes, clock, ask };
}

const netifd = suite('PlayedNetifd');
netifd('shows an uplink, a home and the nodes, as the daemon reads them', async () => {
  const { clock, ask } = made();
  await ask('network.interface', 'dump');
  clock.ms += 5000;
  const dump = await ask('network.interface', 'dump');
  assert.equal(yggdrasilInterfaces(dump), ['ygg0']);
  const [uplink, ...others] = new Uplinks().read(dump);
  assert.equal(others, []);
  assert.equal(uplink, {
    interface: 'wan',
    device: 'eth0',
    proto: 'dhcp',
    up: true,
    pending: false,
    addresses: ['192.0.2.17'],
    default_route: true,
    next_hops: ['192.0.2.1'],
    dns_servers: ['192.0.2.1'],
    errors: [],
    uptime_s: 5,
  });
});
netifd('loses the uplink when the line is pulled out', async () => {
  const { netifd, changes, ask } = made();
  netifd.plug(false);
  const [uplink] = new Uplinks().read(await ask('network.interface', 'dump'));
  assert.equal([uplink?.up, uplink?.default_route, uplink?.addresses], [false, false, []]);
  assert.equal(await ask('network.device', 'status', { name: 'eth0' }), { present: true, up: false, carrier: false });
  netifd.plug(true);
  assert.equal(await ask('network.device', 'status', { name: 'eth0' }), { present: true, up: true, carrier: true });
  assert.equal(changes, ['wan false', 'wan true']);
});
netifd('takes a node down and up, and nothing else', async () => {
  const { changes, ask } = made();
  await ask('network.interface', 'down', { interface: 'ygg0' });
  assert.equal(await ask('network.device', 'status', { name: 'ygg0' }), { present: true, up: false, carrier: false });
  await ask('network.interface', 'up', { interface: 'ygg0' });
  assert.equal(changes, ['ygg0 false', 'ygg0 true']);
  assert.instance(await ask('network.interface', 'down', { interface: 'lan' }), Failure);
  assert.instance(await ask('network.device', 'status', { name: 'eth9' }), Failure);
});
netifd.run();
