import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parsePrefix } from '../../src/lib/ip.ts';
import {
  addScript,
  clientDevice,
  type GatewayRules,
  gatewayScript,
  readElements,
  readPackets,
  removeScript,
  slotOfDevice,
  suspendScript,
} from '../../src/plane/client-rules.ts';
import { GATEWAY_ADDRESS } from '../support/gateway.ts';

const RULES: GatewayRules = {
  ...{ address: GATEWAY_ADDRESS, gateway4: '10.43.0.1', gateway6: 'fd00::1', port: 8080, vxlanPort: 4790 },
  ...{ pool4: parsePrefix('10.43.0.0/16')!, pool6: parsePrefix('fd00::/64')!, wireguardPort: 51_820 },
  ...{ closedPorts: [25], isolate: true, reach: ['192.168.9.0/24', 'fd12::/48'], resolver: true },
};
const HOME = { slot: 2, home4: '10.43.0.2', home6: 'fd00::2' };

const rules = suite('client rules');

rules('names a device by its slot', () => {
  for (const slot of [2, 255, 65_535]) assert.is(slotOfDevice(clientDevice(slot)), slot);
  for (const other of ['mbwg', 'mbt0', 'mbc00022', 'mbc002', 'mbcxxxx']) assert.is(slotOfDevice(other), undefined);
});

rules('take no name that says more than a name', () => {
  assert.throws(() => gatewayScript(RULES, 'ygg0" drop', [], { rates: true }), /expected a name/);
  assert.throws(() => gatewayScript(RULES, 'ygg0', ['eth0', 'a }'], { rates: true }), /expected a name/);
});

rules('say what the configuration says', () => {
  const script = gatewayScript(RULES, 'ygg0', ['wan', 'wan6'], { rates: true });
  assert.match(script, /add element inet meshbridge_gw lines \{ "wan", "wan6" \}/);
  assert.match(script, /add element inet meshbridge_gw reach4 \{ 192\.168\.9\.0\/24 \}/);
  assert.match(script, /add element inet meshbridge_gw reach6 \{ fd12::\/48 \}/);
  assert.match(script, /add element inet meshbridge_gw closed \{ 25 \}/);
  assert.match(script, /udp dport 51820/);
  const open = { ...RULES, isolate: false, resolver: false, wireguardPort: undefined, closedPorts: [] };
  const other = gatewayScript(open, 'ygg0', [], { rates: true });
  assert.match(other, /reach4 \{ 192\.168\.9\.0\/24, 10\.43\.0\.0\/16 \}/);
  assert.not.match(other, /dport 53 |51820|closed \{ \d/);
});

rules('know a home by its device and addresses', () => {
  const outer = { address: '200::2', vni: 4098 };
  const script = addScript([{ device: 'mbc0002', home4: HOME.home4, home6: HOME.home6, suspended: true, outer }]);
  assert.match(script, /clients4 \{ "mbc0002" \. 10\.43\.0\.2 \}/);
  assert.match(script, /clients6 \{ "mbc0002" \. fd00::2 \}/);
  assert.match(script, /outer \{ 200::2 \. 4098 \}/);
  assert.match(script, /suspended6 \{ fd00::2 \}/);
  assert.is(addScript([]), '');
  assert.is(removeScript([], []), '');
  assert.is(suspendScript([], true), '');
  assert.not.match(addScript([{ device: 'mbwg', home4: HOME.home4, suspended: false }]), /suspended|6 \{|outer/);
});

rules('delete only what they made sure is there', () => {
  const lines = (removeScript([HOME], ['200::2 . 0x1002']) + suspendScript([HOME], false)).trim().split('\n');
  const added = new Set<string>();
  for (const line of lines) {
    const [act, rest] = [line.split(' ')[0], line.slice(line.indexOf(' '))];
    if (act === 'add') added.add(rest);
    else if (!rest.includes(' outer ')) assert.ok(added.has(rest), line);
  }
  assert.ok(lines.some((line) => line.startsWith('delete') && line.includes(' outer ')));
});

rules('read the elements of a set, with and without counts', () => {
  const listing = (elements: string): string =>
    `table inet t {\n\tset from4 {\n\t\ttype ipv4_addr\n\t\tcounter\n${elements}\t}\n}\n`;
  assert.equal(readElements(listing('')), []);
  const counted =
    '\t\telements = { 10.43.0.2 counter packets 3 bytes 180,\n\t\t\t     10.43.0.3 counter packets 0 bytes 0 }\n';
  assert.equal(readElements(listing(counted)), [
    { key: '10.43.0.2', bytes: 180 },
    { key: '10.43.0.3', bytes: 0 },
  ]);
  assert.equal(readElements(listing('\t\telements = { 200::2 . 0x1002,\n\t\t\t     200::3 . 0x1003 }\n')), [
    { key: '200::2 . 0x1002', bytes: 0 },
    { key: '200::3 . 0x1003', bytes: 0 },
  ]);
});

rules('read the packets of a counter', () => {
  const listing = 'table inet t {\n\tcounter spoofed {\n\t\tpackets 17 bytes 1020\n\t}\n}\n';
  assert.is(readPackets(listing), 17);
  assert.is(readPackets('table inet t {\n}\n'), undefined);
});

rules.run();
