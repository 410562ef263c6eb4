import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientTunnel } from '../../src/mesh/tunnel.ts';
import { batchProblems, buildLines, dropLines, shownDevices } from '../../src/plane/client-device.ts';
import { vxlanMac } from '../../src/plane/device.ts';

const END = { address: '200::1', gateway4: '10.43.0.1', gateway6: 'fd00::1', vxlanPort: 4790 };
const HOME: ClientTunnel = {
  ...{ slot: 2, kind: 'vxlan', outer: '200::2', home4: '10.43.0.2', home6: 'fd00::2' },
  ...{ mtu: 1430, vni: 4098, suspended: false },
};
/** As iproute2 6.1 printed it of a device that these lines made. */
const SHOWN = `[{"ifindex":2,"ifname":"mbc0002","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1430,"link_type":"ether","address":"${vxlanMac('gateway', 4098)}","linkinfo":{"info_kind":"vxlan","info_data":{"id":4098,"remote6":"200::2","local6":"200::1","port":4790,"learning":false}}}]\n`;

const devices = suite('client device');

devices('is made from nothing, with its routes', () => {
  const lines = buildLines(HOME, END, undefined);
  assert.ok(lines.some((line) => line.startsWith('link add mbc0002 ')));
  assert.ok(lines.includes('link set mbc0002 group 430'));
  assert.ok(lines.includes('route replace 10.43.0.2/32 dev mbc0002 src 10.43.0.1'));
  assert.ok(lines.includes('route replace fd00::2/128 dev mbc0002 src fd00::1'));
});

devices('is not touched where it fits, and made anew where it does not', () => {
  const [shown] = shownDevices(SHOWN);
  assert.not.match(buildLines(HOME, END, shown).join('\n'), /link/);
  assert.match(buildLines({ ...HOME, mtu: 1400 }, END, shown).join('\n'), /link set mbc0002 mtu 1400/);
  const moved = buildLines({ ...HOME, outer: '200::3' }, END, shown);
  assert.is(moved[0], 'link del mbc0002');
  assert.ok(moved.includes('link set mbc0002 group 430'));
});

devices('of WireGuard is one for all: homes are routes of their own size', () => {
  assert.equal(buildLines({ ...HOME, kind: 'wireguard', mtu: 1420 }, END, undefined), [
    'route replace 10.43.0.2/32 dev mbwg src 10.43.0.1 mtu 1420',
    'route replace fd00::2/128 dev mbwg src fd00::1 mtu 1420',
  ]);
});

devices('go together', () => {
  assert.equal(dropLines([]), []);
  assert.is(dropLines(['mbc0002', 'mbc0003']).at(-1), 'link del group 431');
});

devices('problems are told by line', () => {
  const said =
    'RTNETLINK answers: File exists\nCommand failed -:1\nDevice "mbc0003" does not exist.\nCommand failed -:7\n';
  assert.equal(
    [...batchProblems(said)],
    [
      [0, 'RTNETLINK answers: File exists'],
      [6, 'Device "mbc0003" does not exist.'],
    ],
  );
  assert.equal(batchProblems(''), new Map());
});

devices.run();
