import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GatewayInfo } from '../../src/api/lease.ts';
import { WireError } from '../../src/errors.ts';
import { innerIp, readAnswer, readInfo, readRequest } from '../../src/mesh/lease-message.ts';
import { gatewayInfo, grant, leaseRequest, TERMS, WIREGUARD_KEY } from '../support/gateway.ts';

/** As it comes over the wire. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function refuses(run: () => unknown, message: string | RegExp): void {
  assert.throws(
    run,
    (error: unknown) =>
      error instanceof WireError &&
      (typeof message === 'string' ? error.message === message : message.test(error.message)),
  );
}

const info = suite('readInfo');
info('reads what a gateway tells', () => {
  assert.equal(readInfo(sent(gatewayInfo())), gatewayInfo());
  const drain = { in_s: 600, reason: 'maintenance' };
  assert.equal(readInfo(sent(gatewayInfo({ drain }))).drain, drain);
});
info('reads what a home may use, and counts a word of times to come for the worst', () => {
  const limits = { quota_mb: 50_000, down_kbits: 20_000, flows: 64, at_quota: 'slow' as const, slow_kbits: 256 };
  assert.equal(readInfo(sent(gatewayInfo({ limits }))).limits, limits);
  const { limits: later } = readInfo(sent({ ...gatewayInfo(), limits: { at_quota: 'swim' } }));
  assert.equal(later, { at_quota: 'stop', slow_kbits: 0 });
  refuses(() => readInfo(sent({ ...gatewayInfo(), limits: { flows: -1 } })), /^info.limits.flows: expected/);
});
info('does with the least', () => {
  const { key, address, protocol, mesh_mtu, lease_s, kinds } = gatewayInfo();
  const found = readInfo({ key, address, protocol, mesh_mtu, lease_s, kinds });
  assert.equal([found.admission, found.ipv4, found.ipv6, found.online, found.dns], ['ask', true, false, true, []]);
});
info('leaves out what is of times to come', () => {
  const later = {
    ...gatewayInfo(),
    kinds: ['quantum', 'gre6', 'gre6'],
    admission: 'lottery',
    asks_for: ['blood'],
    more: [1],
  };
  const found = readInfo(sent(later));
  assert.equal([found.kinds, found.admission, found.asks_for], [['gre6'], 'ask', []]);
  assert.not.ok('more' in found);
});
info('takes no address and no port that leads elsewhere', () => {
  const found = readInfo(
    sent({
      ...gatewayInfo(),
      dns: ['127.0.0.1', '200::5', '9.9.9.9', 'x', 7],
      check: ['a:1', '1.2.3.4:5', '[::1]:x'],
      blocked_ports: [0, 25, 70_000, '1'],
    }),
  );
  assert.equal([found.dns, found.check, found.blocked_ports], [['9.9.9.9'], ['1.2.3.4:5'], [25]]);
});
for (const [what, more, message] of [
  ['another protocol', { protocol: 0 }, 'info.protocol: expected a whole number from 1 to 2147483647'],
  ['no key', { key: 'abc' }, 'info.key: expected a key'],
  ['an address behind a node', { address: '300::1' }, 'info.address: expected an address of a node'],
  ['a text without end', { operator: 'x'.repeat(257) }, 'info.operator: expected a text of at most 256 characters'],
  [
    'a statement without end',
    { logging: 'x'.repeat(1025) },
    'info.logging: expected a text of at most 1024 characters',
  ],
  ['a list without end', { kinds: Array(17).fill('gre6') }, 'info.kinds: expected a list of at most 16'],
  ['a country in words', { country: 'Utopia' }, 'info.country: expected two letters'],
  ['a lease of no time', { lease_s: 0 }, 'info.lease_s: expected a whole number from 60 to 86400'],
] as [string, Partial<GatewayInfo>, string][])
  info(`refuses ${what}`, () => refuses(() => readInfo(sent(gatewayInfo(more))), message));
info('refuses what is no object', () => refuses(() => readInfo([]), 'info: expected an object'));
info.run();

// ---

const answer = suite('readAnswer');
answer('reads a grant', () => {
  const drain = { in_s: 60, reason: '' };
  const use = { rx_bytes: 2 ** 40, tx_bytes: 7, since_s: 9 };
  const quota = { bytes: 5e10, used_bytes: 2 ** 40, state: 'over' as const, at_quota: 'stop' as const };
  const limits = { quota_mb: 50_000, up_kbits: 64 };
  const report = { reason: 'sends spam', state: 'upheld' as const, note: 'n' };
  for (const given of [
    grant(),
    grant({ drain, use, held: false, online: false }),
    grant({ quota, limits }),
    grant({ report, access_left_s: 7 }),
  ])
    assert.equal(readAnswer(200, sent(given)), { kind: 'granted', grant: given });
});
answer('reads what a captain reported, whatever a gateway makes of it', () => {
  const reportOf = (report: object) => {
    const read = readAnswer(200, sent({ ...grant(), report }));
    return read.kind === 'granted' ? read.grant.report : undefined;
  };
  assert.equal(reportOf({ reason: 'a\u202eb\u0000', state: 'of times to come' }), { reason: 'a·b·', state: 'open' });
  for (const report of [
    { reason: 'x'.repeat(257), state: 'open' },
    { state: 'open' },
    { reason: 1, state: 'open' },
    'spam',
  ])
    assert.throws(() => reportOf(report as object), /report/);
});
answer('reads the terms of each kind of tunnel', () => {
  for (const terms of [
    { ...TERMS, kind: 'vxlan' as const, vni: 4097, port: 4790 },
    { ...TERMS, kind: 'wireguard' as const, port: 51_820, wireguard_key: WIREGUARD_KEY },
  ])
    assert.equal(readAnswer(200, sent(grant({ terms }))), { kind: 'granted', grant: grant({ terms }) });
});
for (const [what, terms, message] of [
  ['an unknown kind', { kind: 'gre' }, /terms\.kind: expected one of/],
  ['an end that is no node', { outer: '10.0.0.1' }, /terms\.outer/],
  ['no inner address', { home4: undefined, home6: undefined }, 'answer.terms.home4: expected an address'],
  ['IPv6 for IPv4', { home4: 'fd00::1' }, 'answer.terms.home4: expected an IPv4 address'],
  ['this machine', { home4: '127.0.0.1' }, 'answer.terms.home4: expected an IPv4 address'],
  ['many at once', { gateway4: '224.0.0.1' }, 'answer.terms.gateway4: expected an IPv4 address'],
  ['an address of the mesh', { home6: '200::1' }, 'answer.terms.home6: expected an IPv6 address'],
  ['an MTU that nothing fits in', { mtu: 100 }, /terms\.mtu/],
  ['VXLAN without number', { kind: 'vxlan', port: 1 }, /terms\.vni/],
  ['WireGuard without key', { kind: 'wireguard', port: 1 }, /terms\.wireguard_key/],
  ['a key that is none', { kind: 'wireguard', port: 1, wireguard_key: 'abc' }, /terms\.wireguard_key/],
] as [string, object, string | RegExp][])
  answer(`refuses ${what}`, () =>
    refuses(() => readAnswer(200, sent({ ...grant(), terms: { ...TERMS, ...terms } })), message),
  );
answer('reads that it has to wait', () => {
  const waiting = { state: 'waiting', place: 3, waiting: 7, retry_after_s: 60, ask: 'ops@example.org' };
  assert.equal(readAnswer(202, sent(waiting)), { kind: 'waiting', waiting });
  assert.equal(readAnswer(202, {}), {
    kind: 'waiting',
    waiting: { state: 'waiting', place: 1, waiting: 1, retry_after_s: 60, ask: '' },
  });
});
answer('reads a refusal, whatever its status', () => {
  const refusal = {
    error: 'asks_for' as const,
    reason: 'tell your name',
    retry_after_s: 600,
    missing: ['name' as const],
  };
  for (const status of [403, 422, 503, 999])
    assert.equal(readAnswer(status, sent(refusal)), { kind: 'refused', refusal });
  assert.equal(readAnswer(403, { error: 'of times to come' }), {
    kind: 'refused',
    refusal: { error: 'refused', reason: '' },
  });
  refuses(() => readAnswer(403, { reason: 'x' }), 'answer.error: expected a text of at most 256 characters');
});
answer.run();

// ---

const request = suite('readRequest');
request('reads what a home asks for', () => {
  assert.equal(readRequest(sent(leaseRequest())), leaseRequest());
  const all = leaseRequest({
    wireguard_key: WIREGUARD_KEY,
    name: 'Ann',
    email: 'a@example.org',
    phone: '1',
    site: 'hill',
    captain_key: leaseRequest().key,
    invite: 'abc',
  });
  assert.equal(readRequest(sent(all)), all);
});
request('takes no id, no address, no time, no state from it', () => {
  const found = readRequest(
    sent({ ...leaseRequest(), ID: 1, id: 1, slot: 1, address: '200::1', lease_s: 9, state: 'active' }),
  );
  assert.equal(found, leaseRequest());
});
for (const [what, more, message] of [
  ['a key that is none', { key: 'x'.repeat(64) }, 'request.key: expected 64 hex digits'],
  ['a number for a key', { key: 12 }, 'request.key: expected 64 hex digits'],
  ['no MTU', { mesh_mtu: undefined }, 'request.mesh_mtu: expected a whole number from 1280 to 65535'],
  ['a name without end', { name: 'x'.repeat(257) }, 'request.name: expected a text of at most 256 characters'],
  ['a key of WireGuard that is none', { wireguard_key: '' }, 'request.wireguard_key: expected a key'],
  ['a captain who is none', { captain_key: 'me' }, 'request.captain_key: expected 64 hex digits'],
] as [string, object, string][])
  request(`refuses ${what}`, () => refuses(() => readRequest(sent({ ...leaseRequest(), ...more })), message));
request.run();

// ---

const inner = suite('innerIp');
for (const text of ['0.0.0.0', '127.1.2.3', '169.254.1.1', '224.0.0.5', '255.255.255.255', 'fd00::1', 'x'])
  inner(`takes no ${text} for IPv4`, () => assert.is(innerIp(text, 4), undefined));
for (const text of ['::', '::1', '::ffff:1.2.3.4', 'fe80::1', 'ff02::1', '200::1', '3ff::1', '10.0.0.1'])
  inner(`takes no ${text} for IPv6`, () => assert.is(innerIp(text, 6), undefined));
inner('takes others, in one way to write them', () => {
  assert.is(innerIp('10.43.0.1', 4), '10.43.0.1');
  assert.is(innerIp('FD00:0::0001', 6), 'fd00::1');
});
inner.run();
