import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { routerConfig } from '../../src/dev/router-config.ts';
import { parseUci } from '../../src/lib/uci.ts';

const NODES = [
  { iface: 'ygg0', socket: '/desk/ygg0.sock', peers: ['tls://10.77.2.2:9002', "tcp://it's.example:1"] },
  { iface: 'ygg1', socket: '/desk/ygg1.sock', peers: [] },
];
const config = routerConfig(NODES, { ubusSocket: '/desk/ubus.sock', stateDirectory: '/desk/state' });

const router = suite('routerConfig');

router('writes a meshbridge file that the daemon takes', () => {
  const { ubusSocket, stateDirectory, discover, interfaces } = parseConfig(config.meshbridge);
  assert.equal([ubusSocket, stateDirectory, discover], ['/desk/ubus.sock', '/desk/state', false]);
  assert.equal(interfaces, [
    { name: 'ygg0', endpoint: { path: '/desk/ygg0.sock' } },
    { name: 'ygg1', endpoint: { path: '/desk/ygg1.sock' } },
  ]);
});

router('writes a network file with line, home and the configured peers', () => {
  const sections = parseUci(config.network).sections.map(({ type, options }) => [
    type,
    Object.fromEntries([...options].map(([name, { value }]) => [name, value])),
  ]);
  assert.equal(sections, [
    ['interface', { proto: 'static', device: 'br-lan', ipaddr: '192.168.1.1', netmask: '255.255.255.0' }],
    ['interface', { proto: 'dhcp', device: 'eth0' }],
    ['interface', { proto: 'yggdrasil' }],
    ['yggdrasil_ygg0_peer', { address: 'tls://10.77.2.2:9002' }],
    ['yggdrasil_ygg0_peer', { address: "tcp://it's.example:1" }],
    ['interface', { proto: 'yggdrasil' }],
  ]);
});

router.run();
