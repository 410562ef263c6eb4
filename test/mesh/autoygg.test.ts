import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WireError } from '../../src/errors.ts';
import { parseHttpDate } from '../../src/lib/date-text.ts';
import {
  readAutoyggAnswer,
  readAutoyggInfo,
  readRegistration,
  registrationJson,
  registrationRequest,
} from '../../src/mesh/autoygg.ts';
import acl from '../fixtures/autoygg/acl.json';
import open from '../fixtures/autoygg/open-mode.json';
import exhausted from '../fixtures/autoygg/range-exhausted.json';
import required from '../fixtures/autoygg/registration-required.json';
import { GATEWAY_ADDRESS, GATEWAY_KEY, HOME_ADDRESS, HOME_KEY } from '../support/gateway.ts';

interface Recorded {
  label: string;
  from_addr?: string;
  request?: { method: string; path: string; body: string | null };
  response?: { status: number; headers: string[]; body_raw: string };
}

const RECORDED = [open, acl, required, exhausted].flatMap(({ exchanges }) => exchanges as Recorded[]);
const CONTEXT = { address: GATEWAY_ADDRESS, key: HOME_KEY, meshMtu: 65_535 };

function recorded(label: string, from: { exchanges: unknown[] } = open): Required<Recorded> {
  return (from.exchanges as Recorded[]).find((one) => one.label === label) as Required<Recorded>;
}

/** What our reader makes of a recorded answer. */
function answerOf({ response }: Required<Recorded>, context = CONTEXT) {
  const date = response.headers.find((line) => line.startsWith('Date: '))!.slice(6);
  return readAutoyggAnswer(response.status, JSON.parse(response.body_raw), parseHttpDate(date), context);
}

const info = suite('readAutoyggInfo');
info('reads what a real one tells of itself', () => {
  const found = readAutoyggInfo(JSON.parse(recorded('info').response.body_raw), GATEWAY_ADDRESS);
  assert.is(found.operator, 'Mesh Test <ops@example.org>');
  assert.equal(
    [found.software, found.name, found.place, found.website],
    ['autoygg v0.3.3', 'lab gateway', 'Boston', 'https://example.org/gw'],
  );
  assert.equal([found.admission, found.asks_for, found.kinds, found.ipv6], ['open', [], ['gre6'], false]);
});
info('tells whether it asks, and for what', () => {
  const read = (from: typeof acl | typeof required) =>
    readAutoyggInfo(JSON.parse(recorded('info', from).response.body_raw), GATEWAY_ADDRESS);
  assert.equal([read(acl).admission, read(acl).asks_for], ['ask', []]);
  assert.equal([read(required).admission, read(required).asks_for], ['open', ['name', 'email', 'phone']]);
});
info('refuses what is none', () => {
  assert.throws(() => readAutoyggInfo({}, GATEWAY_ADDRESS), /^info\.SoftwareVersion: expected a text/);
});
info.run();

// ---

const answer = suite('readAutoyggAnswer');
answer('reads a registration that a real one gave', () => {
  assert.equal(answerOf(recorded('register as autoygg-client sends it')), {
    kind: 'granted',
    grant: {
      state: 'active',
      generation: 0,
      lease_s: 14_400,
      terms: { kind: 'gre6', outer: GATEWAY_ADDRESS, home4: '10.42.42.1', gateway4: '10.42.0.1', mtu: 1500, dns: [] },
      online: true,
    },
  });
  assert.is(answerOf(recorded('renew')).kind, 'granted');
});
for (const [label, from, code] of [
  ['renew, unknown', open, 'no_lease'],
  ['renew after release', open, 'no_lease'],
  ['register not listed', acl, 'refused'],
  ['register after suspension', acl, 'refused'],
  ['register without PII', required, 'asks_for'],
  ['register malformed JSON', open, 'refused'],
  ['register #3 range .1-.3', exhausted, 'busy'],
] as const)
  answer(`reads a refusal of a real one: ${label}`, () => {
    const found = answerOf(recorded(label, from));
    assert.is(found.kind === 'refused' && found.refusal.error, code);
    assert.ok(found.kind === 'refused' && found.refusal.reason.length > 5);
  });
answer('looks at the status, too, and at the member that is misspelt', () => {
  const found = readAutoyggAnswer(500, { '{Error': 'Internal Server Error' }, 0, CONTEXT);
  assert.equal(found, { kind: 'refused', refusal: { error: 'busy', reason: 'Internal Server Error' } });
  assert.is(readAutoyggAnswer(404, {}, 0, CONTEXT).kind, 'refused');
});
const good = (): Record<string, unknown> => JSON.parse(recorded('renew').response.body_raw);
for (const [what, more, message] of [
  ["another gateway's key", { GatewayPublicKey: HOME_KEY }, "GatewayPublicKey: expected the gateway's own"],
  ["another home's key", { PublicKey: GATEWAY_KEY }, 'PublicKey: expected the own one'],
  ['an address that is none', { ClientIP: '10.42.42.256' }, 'ClientIP: expected an IPv4 address'],
  ['this machine as gateway', { ClientGateway: '127.0.0.1' }, 'ClientGateway: expected an IPv4 address'],
  ['no moment', { LeaseExpires: 'soon' }, 'LeaseExpires: expected a moment'],
] as const)
  answer(`refuses ${what}`, () => {
    assert.throws(
      () => readAutoyggAnswer(200, { ...good(), ...more }, 0, CONTEXT),
      (error: unknown) => error instanceof WireError && error.message === `registration.${message}`,
    );
  });
answer('refuses a gateway whose key is not the pinned one', () => {
  const context = { ...CONTEXT, gatewayKey: HOME_KEY };
  assert.throws(() => answerOf(recorded('renew'), context), /GatewayPublicKey: expected the gateway's own/);
});
answer("counts the time that is left by the gateway's own clock, within bounds", () => {
  const left = (dateS: number | undefined): number => {
    const found = readAutoyggAnswer(200, { ...good(), LeaseExpires: '2026-11-23T20:00:00Z' }, dateS, CONTEXT);
    return found.kind === 'granted' ? found.grant.lease_s : 0;
  };
  const at = Date.UTC(2026, 10, 23, 20) / 1000;
  assert.equal(
    [left(at - 1800), left(at - 5), left(at + 99), left(0), left(undefined)],
    [1800, 120, 120, 86_400, 14_400],
  );
});
answer.run();

// ---

const request = suite('readRegistration and registrationRequest');
request('understand each other', () => {
  const all = { key: HOME_KEY, version: 'v0.3.3', name: 'Ann', email: 'a@example.org', phone: '1' };
  assert.equal(readRegistration(JSON.parse(JSON.stringify(registrationRequest(all)))), all);
  assert.equal(registrationRequest({ ...all, name: '', email: '', phone: '' }), {
    PublicKey: HOME_KEY,
    ClientVersion: 'v0.3.3',
  });
});
request('read what the real client sends', () => {
  const sent = recorded('register as autoygg-client sends it').request.body!;
  assert.equal(readRegistration(JSON.parse(sent)), {
    key: HOME_KEY,
    version: 'v0.3.3',
    name: '',
    email: '',
    phone: '',
  });
});
request('take no id from anybody: {"ID":1}', () => {
  const found = readRegistration({
    ID: 1,
    PublicKey: HOME_KEY,
    YggIP: '200::1',
    ClientIP: '10.0.0.1',
    State: 'success',
  });
  assert.equal(found, { key: HOME_KEY, version: '', name: '', email: '', phone: '' });
});
request.run();

// ---

const json = suite('registrationJson');
json('has the members of a real one, in their order', () => {
  const { response } = recorded('GET register, success');
  const ours = registrationJson(
    {
      ...{
        state: 'success',
        gatewayKey: GATEWAY_KEY,
        key: HOME_KEY,
        home: HOME_ADDRESS,
        address: '10.42.42.1',
        bits: 16,
      },
      ...{ gateway: '10.42.0.1', device: 'autoygg_client0', expiresS: 1_795_474_689, version: 'v0.3.3' },
    },
    '',
  );
  const real = JSON.parse(response.body_raw);
  assert.equal(Object.keys(ours), Object.keys(real));
  for (const [name, value] of Object.entries(ours)) assert.is(typeof value, typeof real[name], name);
  const same = ['State', 'GatewayPublicKey', 'PublicKey', 'YggIP', 'ClientIP', 'ClientNetMask', 'ClientGateway'];
  for (const name of [...same, 'ClientTunnelName', 'ClientVersion', 'Error']) assert.is(ours[name], real[name], name);
});
json('says no as a real one does, but for what it tells of people', () => {
  const real = JSON.parse(recorded('register not listed', acl).response.body_raw);
  assert.is(JSON.stringify(registrationJson(undefined, 'Registration not allowed')), JSON.stringify(real));
});
json('is read by our own reader', () => {
  const ours = registrationJson(
    {
      ...{ state: 'open', gatewayKey: GATEWAY_KEY, key: HOME_KEY, home: HOME_ADDRESS, address: '10.43.1.2', bits: 16 },
      ...{ gateway: '10.43.0.1', device: 'mb1', expiresS: 3600, version: '' },
    },
    '',
  );
  const found = readAutoyggAnswer(200, ours, 0, CONTEXT);
  assert.is(found.kind === 'granted' && found.grant.lease_s, 3600);
});
json('has the members of every whole answer that was recorded', () => {
  const bodies = RECORDED.flatMap(({ response }) => (response?.body_raw.startsWith('{"ID"') ? response.body_raw : []));
  assert.ok(bodies.length > 20);
  const names = Object.keys(registrationJson(undefined, ''));
  for (const body of bodies) assert.equal(Object.keys(JSON.parse(body)), names);
});
json.run();
