import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText } from '../../src/errors.ts';
import { Ip } from '../../src/plane/ip.ts';
import { PlayedMachine } from '../support/played-machine.ts';

/** Said by iproute2 6.1 on kernel 6.18, 2026-11-30, shortened. */
const ADDR = `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"link_type":"loopback","address":"00:00:00:00:00:00",
"addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host"}]},{},
{"ifindex":2,"ifname":"mbt0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1400,"link_type":"ether","address":"02:4d:48:00:10:02",
"linkinfo":{"info_kind":"vxlan","info_data":{"id":4098,"remote6":"202::2","local6":"201::1","port":4790,"learning":false}},
"addr_info":[{"family":"inet","local":"10.43.0.7","prefixlen":32},{"family":"inet6","local":"fd43::7","prefixlen":128}]},
{"ifindex":3,"ifname":"wan0","flags":["BROADCAST"],"mtu":1500,"link_type":"ether","address":"02:00:00:00:00:09","addr_info":[]}]`;
const RULES = `[{"priority":0,"src":"all","table":"local"},{"priority":1000,"src":"10.1.1.1","iif":"lo","table":"431"},
{"priority":1002,"src":"all","fwmark":"0x40000000","fwmask":"0x40000000","table":"main"},
{"priority":1003,"src":"10.2.0.0","srclen":16,"table":"main"},
{"priority":1005,"src":"all","table":"main","suppress_prefixlen":0},
{"priority":1010,"src":"all","iif":"br-lan","iif_detached":null,"table":"430"}]`;
const ROUTES = `[{"dst":"default","gateway":"fd43::1","dev":"mbt0","table":"430","metric":10,"flags":["onlink"],"pref":"medium"},
{"type":"unreachable","dst":"default","dev":"lo","table":"430","metric":4278198272,"flags":[],"pref":"medium"},
{"dst":"default","gateway":"2001:db8:1::1","dev":"wan0","metric":1024,"flags":[],"pref":"medium"}]`;

function make() {
  const machine = new PlayedMachine();
  return { machine, ip: new Ip(machine) };
}

const ip = suite('Ip');
ip('shows devices with their addresses', async () => {
  const { machine, ip } = make();
  machine.says.set('ip -j -d addr show', { stdout: ADDR });
  const [lo, tunnel, wan] = await ip.devices();
  assert.equal(lo, {
    ...{ name: 'lo', mtu: 65_536, isUp: true, data: {} },
    addresses: [{ address: '127.0.0.1', bits: 8 }],
  });
  assert.is(tunnel!.kind, 'vxlan');
  assert.is(tunnel!.mac, '02:4d:48:00:10:02');
  assert.is(tunnel!.data.id, 4098);
  assert.equal(tunnel!.addresses, [
    { address: '10.43.0.7', bits: 32 },
    { address: 'fd43::7', bits: 128 },
  ]);
  assert.not.ok(wan!.isUp);
});
ip('shows rules', async () => {
  const { machine, ip } = make();
  machine.says.set('ip -j -6 rule show', { stdout: RULES });
  assert.equal(await ip.rules(6), [
    { priority: 0, table: 'local' },
    { priority: 1000, table: '431', from: '10.1.1.1', iif: 'lo' },
    { priority: 1002, table: 'main', mark: '0x40000000/0x40000000' },
    { priority: 1003, table: 'main', from: '10.2.0.0/16' },
    { priority: 1005, table: 'main', suppress: 0 },
    { priority: 1010, table: '430', iif: 'br-lan' },
  ]);
});
ip('shows routes of the tables that are asked for', async () => {
  const { machine, ip } = make();
  machine.says.set('ip -j -6 route show table all', { stdout: ROUTES });
  assert.equal(
    [...(await ip.routes(6, [430, 431]))],
    [
      [
        430,
        [
          { to: 'default', via: 'fd43::1', device: 'mbt0', metric: 10 },
          { type: 'unreachable', to: 'default', metric: 4_278_198_272 },
        ],
      ],
      [431, []],
    ],
  );
});
ip('carries out several commands at once, and none where there are none', async () => {
  const { machine, ip } = make();
  await ip.batch([]);
  await ip.batch(['link add a', 'link set a up'], 6);
  assert.equal(machine.take(), ['ip -6 -batch - <<< link add a\nlink set a up\n']);
});
ip('names the command that failed', async () => {
  const { machine, ip } = make();
  machine.says.set('ip -batch', { code: 1, stderr: 'RTNETLINK answers: File exists\nCommand failed -:2\n' });
  assert.is(
    await ip.batch(['link add a', 'link add b', 'link add c']).catch(errorText),
    'ip link add b: RTNETLINK answers: File exists',
  );
  machine.says.set('ip -batch', { code: 1 });
  assert.is(await ip.batch(['link add a']).catch(errorText), 'ip: ended with 1');
});
ip('says what it was asked and what was wrong', async () => {
  const { machine, ip } = make();
  machine.says.set('ip', { code: 1, stderr: 'Object "rule" is unknown' });
  assert.is(await ip.rules(4).catch(errorText), 'ip -4 rule show: Object "rule" is unknown');
  machine.says.set('ip', { stdout: '0: from all lookup local' });
  assert.match(String(await ip.rules(4).catch(errorText)), /^ip -4 rule show: expected JSON: /);
  machine.says.set('ip', { stdout: '{}' });
  assert.is(await ip.rules(4).catch(errorText), 'ip -4 rule show: expected a list');
  assert.is(await ip.attempt(['link']), undefined);
});
ip.run();
