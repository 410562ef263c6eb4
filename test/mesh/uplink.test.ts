import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Carriers, Uplinks } from '../../src/mesh/uplink.ts';

const NONE: Carriers = new Map();
const V4 = { target: '0.0.0.0', mask: 0, nexthop: '192.0.2.1', source: '192.0.2.7/32' };
const V6 = { target: '::', mask: 0, nexthop: 'fe80::1', metric: 512 };

/** As netifd 24.10 shows them, without what nobody reads. */
const LAN = {
  interface: 'lan',
  up: true,
  pending: false,
  proto: 'static',
  device: 'br-lan',
  'ipv4-address': [{ address: '192.168.1.1', mask: 24 }],
  route: [],
};
const WAN = {
  interface: 'wan',
  up: true,
  pending: false,
  autostart: true,
  uptime: 320,
  l3_device: 'pppoe-wan',
  proto: 'pppoe',
  device: 'eth1',
  'ipv4-address': [{ address: '192.0.2.7', mask: 32 }],
  'ipv6-address': [{ address: '2001:db8::7', mask: 64 }],
  route: [V4, { target: '192.0.2.0', mask: 24, nexthop: '0.0.0.0' }, V6],
  'dns-server': ['192.0.2.53', '2001:db8::53'],
};
const DOWN = { interface: 'wan', up: false, pending: true, autostart: true, proto: 'pppoe', device: 'eth1' };
const YGG = {
  interface: 'ygg0',
  up: false,
  pending: true,
  proto: 'yggdrasil',
  errors: [{ subsystem: 'x', code: 'SETUP_FAILED' }],
};

function read(...list: unknown[]) {
  return new Uplinks().read({ interface: list });
}
const namesOf = (...list: unknown[]) => read(...list).map((uplink) => uplink.interface);

const reading = suite('Uplinks.read');
reading('takes what holds a default route, with all that is known of it', () => {
  assert.equal(read(LAN, WAN), [
    {
      interface: 'wan',
      up: true,
      pending: false,
      addresses: ['192.0.2.7', '2001:db8::7'],
      default_route: true,
      next_hops: ['192.0.2.1', 'fe80::1'],
      dns_servers: ['192.0.2.53', '2001:db8::53'],
      errors: [],
      device: 'eth1',
      proto: 'pppoe',
      uptime_s: 320,
    },
  ]);
});
reading('takes what is there to have one', () => {
  const errors = [{ subsystem: 'pppoe', code: 'AUTH_FAILED', data: ['x'] }];
  const [wan] = read({ ...DOWN, errors });
  assert.equal([wan!.up, wan!.pending, wan!.default_route, wan!.errors], [false, true, false, ['AUTH_FAILED']]);
  assert.is(wan!.uptime_s, undefined);
  assert.equal(namesOf({ ...DOWN, interface: 'line', proto: 'dhcp' }), ['line']);
  assert.equal(namesOf({ ...LAN, interface: 'wan' }), ['wan'], '~> by its name');
  assert.equal(namesOf({ ...LAN, interface: 'wwan' }), ['wwan']);
});
for (const [what, entry] of [
  ['a network of the home', LAN],
  ['the loopback device', { interface: 'loopback', up: true, device: 'lo', route: [V4] }],
  ['Yggdrasil', { ...WAN, proto: 'yggdrasil' }],
  ['what was switched off by hand', { ...DOWN, interface: 'line', autostart: false }],
  ['what is up as it is meant to be', { ...LAN, interface: 'iot', proto: 'dhcp' }],
  ['a default route of another table', { ...LAN, route: [{ ...V4, table: 430 }] }],
  ['a default route that refuses', { ...LAN, route: [{ ...V4, type: 'unreachable' }] }],
  ['a default route that is not in use', { ...LAN, inactive: { route: [V4] } }],
  ['a default route of what is not up', { ...LAN, up: false, route: [V4] }],
] as const)
  reading(`leaves out ${what}`, () => assert.equal(namesOf(entry), []));
reading('goes on showing what once had one', () => {
  const uplinks = new Uplinks();
  const held = { ...LAN, interface: 'radio', route: [V4] };
  assert.is(uplinks.read({ interface: [held] }).length, 1);
  const [radio] = uplinks.read({ interface: [{ ...held, up: false, route: undefined, autostart: false }] });
  assert.is(radio!.default_route, false);
  assert.equal(uplinks.read({ interface: [LAN] }), [], '~> but not what netifd no longer knows');
});
reading('shows no next hop where there is none', () => {
  assert.equal(
    read({
      ...WAN,
      route: [
        { ...V4, nexthop: '0.0.0.0' },
        { ...V6, nexthop: '::' },
      ],
    })[0]!.next_hops,
    [],
  );
});
for (const bad of [
  undefined,
  null,
  7,
  'x',
  {},
  { interface: 'wan' },
  { interface: [null, 7, 'wan', [], {}] },
  { interface: [{ ...WAN, interface: 7 }] },
  { interface: [{ ...WAN, interface: '<b>wan</b>' }] },
  { interface: [{ ...WAN, interface: 'w'.repeat(33) }] },
])
  reading(`finds nothing in ${JSON.stringify(bad)?.slice(0, 60)}`, () => {
    assert.equal(new Uplinks().read(bad), []);
  });
reading('leaves out what has another type or form, and what is too much', () => {
  const many = <T>(make: (n: number) => T) => Array.from({ length: 1000 }, (_, n) => make(n));
  const [wan] = read({
    ...WAN,
    device: '<img>',
    l3_device: 7,
    proto: {},
    uptime: 'long',
    pending: 1,
    'ipv4-address': [null, { address: 7 }, { address: 'no address' }, ...many((n) => ({ address: `192.0.2.${n}` }))],
    'ipv6-address': 'x',
    route: [null, 7, V4, ...many((n) => ({ ...V4, nexthop: `10.0.0.${n}` }))],
    'dns-server': ['<script>', ...many(() => '192.0.2.53')],
    errors: [null, { code: 'a b' }, { code: 7 }, { code: 'NO_DEVICE' }],
  });
  assert.is(wan!.addresses.length, 8);
  assert.is(wan!.next_hops.length, 8);
  assert.equal(wan!.dns_servers, ['192.0.2.53']);
  assert.equal(wan!.errors, ['NO_DEVICE']);
  assert.equal([wan!.device, wan!.proto, wan!.uptime_s, wan!.pending], [undefined, undefined, undefined, false]);
  assert.is(read(...many((n) => ({ ...DOWN, interface: `wan${n}` }))).length, 16);
});
reading('keeps what netifd says of Yggdrasil', () => {
  const uplinks = new Uplinks();
  uplinks.read({ interface: [YGG] });
  assert.equal(uplinks.setup('ygg0'), { up: false, pending: true, errors: ['SETUP_FAILED'] });
  assert.is(uplinks.setup('ygg1'), undefined);
  uplinks.read({ interface: [] });
  assert.is(uplinks.setup('ygg0'), undefined);
});
reading.run();

// ---

/** Takes dumps one after the other. @returns who came back at each. */
function backs(...dumps: object[][]): string[] {
  const uplinks = new Uplinks();
  return dumps.map((list, i) =>
    uplinks
      .update(uplinks.read({ interface: list }), NONE, i * 60_000)
      .map((uplink) => uplink.interface)
      .join(),
  );
}

const coming = suite('Uplinks.update');
coming('tells of none at the first look', () => assert.equal(backs([WAN]), ['']));
coming('tells of one that has a default route again', () => {
  assert.equal(backs([WAN], [DOWN], [{ ...WAN, uptime: 1 }], [{ ...WAN, uptime: 61 }]), ['', '', 'wan', '']);
});
coming('tells of one that came up without a route, once it has one', () => {
  assert.equal(backs([DOWN], [{ ...WAN, route: [] }], [WAN]), ['', '', 'wan']);
});
coming('tells of one that is new', () => {
  assert.equal(backs([WAN], [WAN, { ...WAN, interface: 'wwan' }]), ['', 'wwan']);
});
coming('tells of one that went down and up between two looks', () => {
  assert.equal(backs([WAN], [{ ...WAN, uptime: 4 }]), ['', 'wan']);
});
coming('tells of none that only changed its address, or is down', () => {
  assert.equal(backs([WAN], [{ ...WAN, uptime: 380, 'ipv4-address': [] }], [DOWN], []), ['', '', '', '']);
});
coming('adds the signal, and lets the time since go on', () => {
  const uplinks = new Uplinks();
  uplinks.update(
    uplinks.read({ interface: [WAN, { ...DOWN, interface: 'wan6', device: 'eth2' }] }),
    new Map([['eth2', false]]),
    5000,
  );
  const [wan, wan6] = uplinks.list(12_500)!;
  assert.equal([wan!.uptime_s, wan!.carrier], [327, undefined]);
  assert.equal([wan6!.uptime_s, wan6!.carrier], [undefined, false]);
});
coming('knows nothing once netifd is lost, and tells of none when it is back', () => {
  const uplinks = new Uplinks();
  const list = uplinks.read({ interface: [WAN, YGG] });
  uplinks.update(list, NONE, 0);
  uplinks.lose();
  assert.equal([uplinks.list(0), uplinks.setup('ygg0')], [undefined, undefined]);
  assert.equal(uplinks.update(list, NONE, 1), []);
});
coming.run();
