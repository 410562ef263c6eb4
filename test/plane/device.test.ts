import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceCommands, findMesh, type TunnelDevice, vxlanMac } from '../../src/plane/device.ts';
import type { ShownDevice } from '../../src/plane/ip.ts';

const VXLAN: TunnelDevice = {
  ...{ name: 'mbt0', kind: 'vxlan', end: 'home', local: '201::1', remote: '202::2', mtu: 1400, vni: 4098, port: 4790 },
  addresses: ['10.43.0.7', 'fd43::7'],
  neighbours: ['10.43.0.1', 'fd43::1'],
};
const SHOWN: ShownDevice = {
  ...{ name: 'mbt0', kind: 'vxlan', mtu: 1400, isUp: true, mac: '02:4d:48:00:10:02' },
  data: { id: 4098, local6: '201::1', remote6: '202::2', port: 4790, learning: false },
  addresses: [
    { address: '10.43.0.7', bits: 32 },
    { address: 'fd43::7', bits: 128 },
  ],
};
const NEIGHBOURS = ['10.43.0.1', 'fd43::1'].map((address) => ({ address, device: 'mbt0', mac: '02:4d:47:00:10:02' }));
const MADE = [
  'link add mbt0 mtu 1400 address 02:4d:48:00:10:02 type vxlan id 4098 local 201::1 remote 202::2 dstport 4790 ttl 64 nolearning',
  'link set mbt0 addrgenmode none',
  'addr replace 10.43.0.7/32 dev mbt0',
  'addr replace fd43::7/128 dev mbt0 nodad',
  'link set mbt0 up',
  'neigh replace 10.43.0.1 lladdr 02:4d:47:00:10:02 dev mbt0 nud permanent',
  'neigh replace fd43::1 lladdr 02:4d:47:00:10:02 dev mbt0 nud permanent',
];

const devices = suite('deviceCommands');
devices('make what is not there', () => {
  assert.equal(deviceCommands(VXLAN, undefined, []), MADE);
  const { vni, port, ...rest } = VXLAN;
  const other = { ...rest, addresses: ['10.43.0.7'] };
  assert.equal(deviceCommands({ ...other, kind: 'gre6' }, undefined, []), [
    'link add mbt0 mtu 1400 type ip6gre local 201::1 remote 202::2 encaplimit none hoplimit 64',
    'link set mbt0 addrgenmode none',
    'addr replace 10.43.0.7/32 dev mbt0',
    'link set mbt0 up',
  ]);
  assert.is(deviceCommands({ ...other, kind: 'wireguard' }, undefined, [])[0], 'link add mbt0 mtu 1400 type wireguard');
});
devices('leave alone what fits', () => assert.equal(deviceCommands(VXLAN, SHOWN, NEIGHBOURS), []));
devices('know every kind again', () => {
  const gre = { ...SHOWN, kind: 'ip6gre', data: { local: '201:0::1', remote: '202::2' } };
  assert.equal(deviceCommands({ ...VXLAN, kind: 'gre6' }, gre, []), []);
  assert.equal(deviceCommands({ ...VXLAN, kind: 'wireguard' }, { ...SHOWN, kind: 'wireguard', data: {} }, []), []);
});
devices('change what can be changed', () => {
  const shown = {
    ...{ ...SHOWN, mtu: 1500, isUp: false },
    addresses: [
      { address: '10.43.0.9', bits: 32 },
      { address: 'fd43::7', bits: 64 },
    ],
  };
  assert.equal(deviceCommands(VXLAN, shown, NEIGHBOURS.slice(0, 1)), [
    'link set mbt0 mtu 1400',
    'addr del 10.43.0.9/32 dev mbt0',
    'addr del fd43::7/64 dev mbt0',
    'addr replace 10.43.0.7/32 dev mbt0',
    'addr replace fd43::7/128 dev mbt0 nodad',
    'link set mbt0 up',
    'neigh replace fd43::1 lladdr 02:4d:47:00:10:02 dev mbt0 nud permanent',
  ]);
});
const STALE: [string, Partial<ShownDevice>][] = [
  ['to another gateway', { data: { ...SHOWN.data, remote6: '202::3' } }],
  ['from another address', { data: { ...SHOWN.data, local6: '201::3' } }],
  ['of another number', { data: { ...SHOWN.data, id: 4099 } }],
  ['to another port', { data: { ...SHOWN.data, port: 4789 } }],
  ['that learns', { data: { ...SHOWN.data, learning: true } }],
  ['with another MAC address', { mac: '02:4d:47:00:10:02' }],
  ['of another kind', { kind: 'bridge' }],
];
for (const [what, change] of STALE)
  devices(`make anew a device ${what}, whatever its name`, () =>
    assert.equal(deviceCommands(VXLAN, { ...SHOWN, ...change }, NEIGHBOURS), ['link del mbt0', ...MADE]),
  );
devices('give both ends of a VXLAN addresses that follow from its number', () => {
  assert.is(vxlanMac('home', 0xabcdef), '02:4d:48:ab:cd:ef');
  assert.is(vxlanMac('gateway', 1), '02:4d:47:00:00:01');
});
devices.run();

const mesh = suite('findMesh');
const device = (name: string, address: string, more: Partial<ShownDevice> = {}): ShownDevice => ({
  ...{ name, mtu: 65_535, isUp: true, data: {}, addresses: [{ address, bits: 7 }], ...more },
});
mesh('finds the device of Yggdrasil by its address', () => {
  const all = [device('eth0', '192.0.2.1'), device('ygg0', '201:0::1'), device('ygg1', '202::1', { mtu: 1280 })];
  assert.equal(findMesh(all), { name: 'ygg0', address: '201::1', mtu: 65_535 });
  assert.equal(findMesh(all, 'ygg1'), { name: 'ygg1', address: '202::1', mtu: 1280 });
  assert.is(findMesh(all, 'ygg7')?.name, 'ygg0');
});
mesh('takes no subnet behind a node for one', () => {
  assert.is(findMesh([device('br-lan', '301::1'), device('eth0', '2001:db8::1')]), undefined);
});
mesh.run();
