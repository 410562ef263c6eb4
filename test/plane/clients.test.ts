import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parsePrefix } from '../../src/lib/ip.ts';
import { Pool } from '../../src/mesh/pool.ts';
import { KernelClients } from '../../src/plane/clients.ts';
import { PlayedMachine } from '../support/played-machine.ts';

const [pool4, pool6] = [parsePrefix('10.43.0.0/24')!, parsePrefix('fd12::/64')!];
const pool = new Pool(pool4, pool6, 'ab'.repeat(32), 1024);
const SETS: Record<string, string> = {
  clients4: '"mbc0002" . 10.43.0.2, "mbc0004" . 10.43.0.4, "mbc0002" . 10.99.0.2',
  outer: '202::2 . 4098, 202::4 . 4100',
  from4: '10.43.0.2 counter packets 1 bytes 2, 10.43.0.4 counter packets 1 bytes 2',
};
const PEERS = [2, 4].map((slot) => `key${slot}\t${pool.home4(slot)}/32 ${pool.home6(slot)}/128\n`).join('');

function make(devices: readonly string[]) {
  const machine = new PlayedMachine();
  machine.says.set('ip -j addr show to 201::1', { stdout: '[{"ifname":"ygg0","mtu":65535}]' });
  machine.says.set('nft list set', ({ line }) => {
    const held = SETS[line.split(' ').at(-1)!];
    return held === undefined ? {} : { stdout: `elements = { ${held} }` };
  });
  machine.says.set('wg show', { stdout: PEERS });
  for (const name of devices) machine.files.write(`/sys/class/net/${name}`, new Uint8Array(), 0o444);
  const plane = new KernelClients({
    machine,
    pool,
    wireguardKeyPath: '/key',
    ability: async () => ({ kinds: [] }),
    rules: {
      ...{ address: '201::1', gateway4: pool.gateway4, gateway6: pool.gateway6, pool4, pool6, port: 8080 },
      ...{ vxlanPort: 4790, wireguardPort: 51_820, closedPorts: [25], isolate: true, reach: [], resolver: true },
    },
  });
  const isProbe = (script: string): boolean => script.includes('mbprobe');
  const scripts = () =>
    machine.runs
      .filter(({ line }) => line === 'nft -f -')
      .map(({ stdin }) => stdin!)
      .filter((script) => !isProbe(script));
  return { machine, plane, scripts };
}

const retain = suite('KernelClients.retain');
retain('takes out homes that are not to stay, and leaves to others all that they have', async () => {
  const { machine, plane, scripts } = make(['lo', 'mbc0002', 'mbc0004', 'mbcafe', 'mbwg']);
  await plane.retain([2, 3]);
  const [table, stale] = scripts();
  assert.is(scripts().length, 2);
  assert.match(table!, /^flush chain inet meshbridge_gw forward$/m);
  assert.not.match(table!, /flush set inet meshbridge_gw (clients|suspended|outer)|flush chain .* (ports|flows)/);
  assert.match(stale!, /^delete chain inet meshbridge_gw ports0004$/m);
  assert.not.match(stale!, /0002\b(?!")/);
  assert.is(
    stale!.slice(0, stale!.indexOf('add limit')),
    `delete element inet meshbridge_gw clients4 { "mbc0004" . 10.43.0.4, "mbc0002" . 10.99.0.2 }
delete element inet meshbridge_gw outer { 202::4 . 4100 }
delete element inet meshbridge_gw from4 { 10.43.0.4 }
`,
  );
  const ran = machine.take();
  assert.ok(ran.includes('ip -force -batch - <<< link set dev mbc0004 group 431\nlink del group 431\n'));
  assert.ok(ran.includes('wg set mbwg peer key4 remove'));
});
retain('takes all of them out where none is to stay, and their one device of WireGuard', async () => {
  const { machine, plane } = make(['mbc0002', 'mbwg']);
  await plane.retain([]);
  const ran = machine.take();
  assert.ok(ran.includes('ip -force -batch - <<< link set dev mbc0002 group 431\nlink del group 431\n'));
  assert.ok(ran.includes('ip link del mbwg'));
});
retain('changes nothing while there is no Yggdrasil', async () => {
  const { machine, plane, scripts } = make(['mbc0002']);
  machine.says.set('ip -j addr show to 201::1', { stdout: '[]' });
  const refused = await plane.retain([]).then(
    () => undefined,
    (error) => error.message,
  );
  assert.is(refused, 'no device has the address of Yggdrasil, 201::1');
  assert.equal(scripts(), []);
});
retain.run();

// ---

const use = suite('KernelClients.use');
use('tells what homes used, and how many packets were not of whom they said', async () => {
  const { machine, plane } = make(['mbc0002']);
  machine.says.set('nft list counter inet meshbridge_gw spoofed', {
    stdout: 'counter spoofed {\n\tpackets 5 bytes 300\n}\n',
  });
  machine.says.set('ip -j -4 route show default', { stdout: '[]' });
  machine.says.set('ip -j -6 route show default', { stdout: '[]' });
  assert.is(plane.spoofed, undefined);
  const flows = await plane.use();
  assert.equal(flows.get(2), { rxBytes: 2, txBytes: 0 });
  assert.is(plane.spoofed, 5);
});
use.run();
