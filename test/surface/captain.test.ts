// What captains send over HTTP, and what others send in their place.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { joinBytes } from '../../src/lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { settle } from '../support/clock.ts';
import { decide } from '../support/decide.ts';
import { HOME_KEY } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { CAPTAIN, OTHER_CAPTAIN } from '../support/people.ts';
import { type GatewayOptions, registrarGateway, type Said } from '../support/registrar.ts';
import { type Signer, STRANGER, seal } from '../support/signed.ts';

const ANN = nodeOf(1);
const BOB = nodeOf(2);
/** Where captains come from: any node. */
const FROM = nodeOf(9).address;
const HOSTILE = '<img src=x onerror=alert(1)>\'"; rm -rf / #$IFS`id`$(id)\u202e\u0000\n%s';

/** A gateway with Ann, who names the captain in her lease. */
async function make(options: GatewayOptions = {}) {
  const gateway = registrarGateway(options);
  const nowS = (): number => Math.floor(gateway.clock.unixMs() / 1000);
  await gateway.put(ANN, { captain_key: CAPTAIN.public, site: 'hill' });
  const message = (word: 'report' | 'vouch', more: object = {}): object => ({
    ...{ kind: word, address: ANN.address, at_s: nowS(), gateway: gateway.key },
    ...(word === 'report' && { reason: 'sends spam', evidence: 'my mail server', contact: 'otto@example.org' }),
    ...more,
  });
  const sealed = (word: 'report' | 'vouch', more: object = {}, by: Signer = CAPTAIN): string =>
    decodeUtf8(seal(word, message(word, more), [by]));
  const post = (word: string, body: string | object, from = FROM, fields = ''): Promise<Said> =>
    gateway.ask(from, 'POST', `/v1/${word}`, body, fields);
  const report = (more: object = {}, by: Signer = CAPTAIN, from = FROM): Promise<Said> =>
    post('report', sealed('report', more, by), from);
  const vouch = (more: object = {}, by: Signer = CAPTAIN, from = FROM): Promise<Said> =>
    post('vouch', sealed('vouch', more, by), from);
  const captain = (more: object = {}): void =>
    gateway.captains.set({
      ...{ key: CAPTAIN.public, name: 'Otto', may_vouch: true, max_homes: 2, added_s: 1, ...more },
    });
  return { ...gateway, nowS, message, sealed, post, report, vouch, captain };
}

const why = ({ status, json }: Said): [number, string] => [status, json.error];

const reports = suite('POST /v1/report');
reports('takes what the captain of a home signed, and the home reads it at once', async () => {
  const { report, ask, open, said, reports: kept, nowS } = await make();
  const { json: before } = await ask(ANN.address, 'GET', '/v1/lease');
  const held = open(ANN.address, 'GET', `/v1/lease?generation=${before.generation}&wait_s=900`);
  const { status, json } = await report();
  assert.equal([status, json.id], [200, 1]);
  const [told] = said(held);
  assert.equal(told!.json.report, { reason: 'sends spam', state: 'open' });
  assert.not.ok(JSON.stringify(told!.json).includes('otto'), '~> contact and evidence are for the operator');
  const { digest: _, ...record } = kept.find(1)!;
  assert.equal(record, {
    ...{ id: 1, at_s: nowS(), address: ANN.address, captain_key: CAPTAIN.public, reason: 'sends spam' },
    ...{ evidence: 'my mail server', contact: 'otto@example.org', state: 'open' },
  });
});
reports('takes it from a host behind a node, too', async () => {
  const { report } = await make();
  assert.is((await report({}, CAPTAIN, '300:1234::7')).status, 200);
});
reports('counts the same bytes once, whoever sends them again', async () => {
  const { post, sealed, reports: kept } = await make();
  const body = sealed('report');
  const first = await post('report', body);
  const again = await post('report', body, nodeOf(33).address);
  assert.equal([first.json.id, again.status, again.json.id], [1, 200, 1]);
  assert.match(again.json.message, /was here already/);
  assert.is(kept.list().length, 1);
});
for (const [what, by] of [
  ['a stranger', STRANGER],
  ['the captain of another home', OTHER_CAPTAIN],
] as const)
  reports(`refuses ${what}, in the same words whether the home is served here or not`, async () => {
    const { report, put, reports: kept } = await make();
    await put(BOB, { captain_key: OTHER_CAPTAIN.public });
    const known = await report({}, by);
    const unknown = await report({ address: nodeOf(77).address }, by);
    assert.equal(why(known), [403, 'not_captain']);
    assert.equal(known.json, unknown.json);
    assert.is(kept.list().length, 0);
  });
reports('refuses a home that names nobody, and one whose lease has ended', async () => {
  const { report, put, clients } = await make();
  await put(BOB);
  assert.equal(why(await report({ address: BOB.address })), [403, 'not_captain']);
  clients.release(ANN.address);
  assert.equal(why(await report()), [403, 'not_captain']);
});
reports('follows the home when it names another captain', async () => {
  const { report, put } = await make();
  await put(ANN, { captain_key: OTHER_CAPTAIN.public });
  assert.equal([(await report()).status, (await report({}, OTHER_CAPTAIN)).status], [403, 200]);
  await put(ANN);
  assert.is((await report({ reason: 'again' }, OTHER_CAPTAIN)).status, 403, '~> it names nobody any more');
});
reports('refuses what is for another gateway, and what is of another time', async () => {
  const { report, nowS, reports: kept } = await make();
  const other = await report({ gateway: HOME_KEY });
  assert.equal(why(other), [409, 'stale']);
  assert.match(other.json.reason, /expected the key of this one/);
  for (const off of [-901, 901, -86_400 * 365, 86_400 * 365]) {
    const { status, json } = await report({ at_s: nowS() + off });
    assert.equal([status, json.error], [409, 'stale'], `~> ${off}`);
    assert.match(json.reason, new RegExp(`got ${off} s off`));
  }
  assert.equal([(await report({ at_s: nowS() - 890, reason: 'a' })).status, kept.list().length], [200, 1]);
});
reports('refuses all while the own clock is wrong', async () => {
  const { report } = await make({ isClockWrong: true });
  assert.equal(why(await report()), [503, 'busy']);
});
for (const [what, spoil] of [
  ['another reason', (text: string) => text.replace('sends spam', 'sends SPAM')],
  ['another home', (text: string) => text.replace(ANN.address, BOB.address)],
  ['one more blank', (text: string) => text.replace('{', '{ ')],
  [
    'another signature',
    (text: string) => text.replace(/:(.)(.{84})/, (_, a: string, rest: string) => `:${a === 'A' ? 'B' : 'A'}${rest}`),
  ],
] as const)
  reports(`refuses ${what} than was signed`, async () => {
    const { post, sealed, put, reports: kept } = await make();
    await put(BOB, { captain_key: CAPTAIN.public });
    const { status } = await post('report', spoil(sealed('report')));
    assert.ok(status === 403 || status === 400, `~> ${status}`);
    assert.is(kept.list().length, 0);
  });
reports('refuses a vouch in the place of a report, and the other way', async () => {
  const { post, sealed, captain } = await make();
  captain();
  assert.equal(why(await post('report', sealed('vouch'))), [400, 'malformed']);
  assert.equal(why(await post('vouch', sealed('report'))), [400, 'malformed']);
  // a body that claims to be the other: what is signed says which it is
  const body = (await make()).message('report');
  assert.equal(why(await post('report', decodeUtf8(seal('vouch', body, [CAPTAIN])))), [403, 'not_captain']);
});
for (const [what, body] of [
  ['nothing', ''],
  ['no JSON', 'x'.repeat(300)],
  ['an empty table', '{}'],
  ['a list', '[]'],
  ['lists without end', '['.repeat(4000)],
  ['signatures without a body', '{"sigs":[]}'],
] as const)
  reports(`refuses ${what}`, async () => {
    const { post } = await make();
    assert.equal(why(await post('report', body)), [400, 'malformed']);
  });
for (const [what, more, said] of [
  ['no reason', { reason: ' ' }, /reason: expected some words/],
  ['a reason of 257 characters', { reason: 'x'.repeat(257) }, /reason: expected a text of at most 256/],
  ['evidence of 1,025 characters', { evidence: 'x'.repeat(1025) }, /evidence: expected a text of at most 1024/],
  ['a contact that is no text', { contact: { a: 1 } }, /contact: expected a text/],
  ['an address of a host behind a node', { address: '300::1' }, /address: expected an address of a node/],
  ['another kind', { kind: 'vouch' }, /kind: expected "report"/],
  ['a time in words', { at_s: 'now' }, /at_s: expected a whole number/],
  ['a gateway in capitals', { gateway: HOME_KEY.toUpperCase() }, /gateway: expected the gateway's key/],
  [
    'tables in tables',
    { evidence: JSON.parse(`${'{"a":'.repeat(11)}1${'}'.repeat(11)}`) },
    /evidence: expected|deeper/,
  ],
] as const)
  reports(`refuses ${what}, and says so`, async () => {
    const { report, reports: kept } = await make();
    const { status, json } = await report(more);
    assert.equal([status, json.error, kept.list().length], [400, 'malformed', 0]);
    assert.match(json.reason, said);
  });
reports('refuses more than 4 KB before anything is looked at', async () => {
  const { post } = await make();
  assert.is((await post('report', 'x'.repeat(5000))).status, 413);
});
reports('refuses two signatures, and bytes that are no UTF-8', async () => {
  const { post, message, streams, said, address } = await make();
  const two = decodeUtf8(seal('report', message('report'), [CAPTAIN, OTHER_CAPTAIN]));
  assert.match((await post('report', two)).json.reason, /expected one signature, got 2/);
  const bytes = seal('report', message('report'), [CAPTAIN]);
  const broken = joinBytes([bytes.subarray(0, 10), Uint8Array.of(0xc3, 0x28), bytes.subarray(12)]);
  const far = streams.connect({ host: address, port: 8080 }, FROM);
  far.send(encodeUtf8(`POST /v1/report HTTP/1.1\r\nHost: x\r\nContent-Length: ${broken.length}\r\n\r\n`));
  far.send(broken);
  await settle();
  assert.is(said(far)[0]!.status, 400);
});
reports('has texts of strangers do nothing but be shown', async () => {
  const { report, ask, reports: kept } = await make();
  const { json } = await report({ reason: HOSTILE, evidence: HOSTILE, contact: HOSTILE });
  const { reason, evidence, contact } = kept.find(json.id)!;
  for (const text of [reason, evidence!, contact!]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be in it
    assert.not.match(text, /[\u0000-\u001f\u202e]/);
    assert.match(text, /<img src=x onerror=alert\(1\)>/);
  }
  assert.is((await ask(ANN.address, 'GET', '/v1/lease')).json.report.reason, reason);
});
reports('says no to methods, browsers, and who is not of the mesh', async () => {
  const { ask, post, sealed } = await make();
  const { status, head } = await ask(FROM, 'GET', '/v1/report');
  assert.is(status, 405);
  assert.match(head, /Allow: POST\r\n/);
  assert.is((await post('report', sealed('report'), FROM, 'Origin: https://example.org\r\n')).status, 403);
  for (const from of ['fd00::1', '2001:db8::1', '10.43.0.7', '::1', 'fe80::1', '200::1.2.3'])
    assert.equal(why(await post('report', sealed('report'), from)), [403, 'not_a_node'], from);
});
reports('believes no header about who comes', async () => {
  const { post, sealed } = await make();
  const fields = `X-Forwarded-For: ${ANN.address}\r\nForwarded: for="[${ANN.address}]"\r\n`;
  assert.equal(why(await post('report', sealed('report', {}, STRANGER), FROM, fields)), [403, 'not_captain']);
});
reports('refuses when it cannot be kept, and nothing counts then', async () => {
  const { report, disk, ask, problems } = await make();
  disk.full = true;
  assert.equal(why(await report()), [503, 'busy']);
  assert.equal([(await ask(ANN.address, 'GET', '/v1/lease')).json.report, problems.length], [undefined, 1]);
  disk.full = false;
  assert.is((await report()).status, 200);
});
reports.run();

const floods = suite('POST /v1/report, floods');
floods('of one source, all hosts behind a node being one', async () => {
  const { report } = await make();
  const codes: number[] = [];
  for (let i = 0; i < 14; i++) codes.push((await report({}, STRANGER, `300:1234::${i + 1}`)).status);
  assert.equal(codes, [...Array(10).fill(403), ...Array(4).fill(429)]);
  assert.is((await report({}, STRANGER, '300:1235::1')).status, 403, '~> another node');
});
floods('of signatures in the name of a captain: they cost nothing but that captain some seconds', async () => {
  const { post, sealed, report, clock, put } = await make();
  await put(BOB, { captain_key: OTHER_CAPTAIN.public });
  const forged = sealed('report').replace(/("sigs":\["[0-9a-f]{16}:).{10}/, '$1AAAAAAAAAA');
  const codes: number[] = [];
  for (let i = 0; i < 12; i++) codes.push((await post('report', forged, nodeOf(100 + i).address)).status);
  assert.equal(codes, [...Array(10).fill(403), 429, 429]);
  assert.is((await report({}, CAPTAIN, nodeOf(200).address)).status, 429);
  assert.is(
    (await report({ address: BOB.address }, OTHER_CAPTAIN, nodeOf(201).address)).status,
    200,
    '~> another captain',
  );
  await clock.advance(5000);
  assert.is((await report({}, CAPTAIN, nodeOf(202).address)).status, 200);
});
floods('of a captain: five a day', async () => {
  const { report, clock } = await make();
  const codes: number[] = [];
  for (let i = 0; i < 7; i++) {
    codes.push((await report({ reason: `reason ${i}` }, CAPTAIN, nodeOf(100 + i).address)).status);
    await clock.advance(60_000);
  }
  assert.equal(codes, [200, 200, 200, 200, 200, 429, 429]);
});
floods('of homes that name keys of their own: the captains of the operator have room all the same', async () => {
  const { reports: kept, captain, report, nowS } = await make();
  captain();
  const isNamed = (key: string): boolean => key === CAPTAIN.public;
  for (let i = 0; i < 400; i++) {
    const key = `${i}`.padStart(64, '0');
    const { address } = nodeOf(1000 + i);
    if (kept.problemOf(key, address, nowS(), isNamed)) break;
    const message = { kind: 'report', address, reason: 'x', at_s: nowS(), gateway: HOME_KEY };
    kept.add(message, { at_s: nowS(), captain_key: key, digest: `${i}` }, isNamed);
  }
  assert.is(kept.list().length, 250);
  assert.is((await report()).status, 200);
});
floods.run();

const vouches = suite('POST /v1/vouch');
vouches('lets a home in that waits, at once', async () => {
  const { vouch, captain, put, clients } = await make({ admission: 'ask' });
  captain();
  assert.is((await put(ANN)).status, 202);
  const { status, json } = await vouch();
  assert.equal([status, json], [200, { message: 'the home is let in' }]);
  assert.is((await put(ANN)).status, 200);
  assert.is(clients.rows()[0]!.vouchedBy, CAPTAIN.public);
});
vouches('lets a home in that has not come yet, for a time', async () => {
  const { vouch, captain, put, ask, clock } = await make({ admission: 'closed' });
  captain();
  assert.is((await put(BOB)).status, 403);
  await vouch({ address: BOB.address, days: 3 });
  assert.is((await put(BOB)).status, 200);
  await clock.advance(86_400_000);
  assert.is((await ask(BOB.address, 'GET', '/v1/lease')).json.access_left_s, 2 * 86_400);
});
vouches('is for captains whom the operator named, and who may', async () => {
  const { vouch, captain, put } = await make({ admission: 'ask' });
  await put(ANN, { captain_key: CAPTAIN.public });
  assert.equal(why(await vouch()), [403, 'not_captain'], '~> that a home names a key does not make it vouch');
  captain({ may_vouch: false });
  assert.equal(why(await vouch()), [403, 'not_captain']);
  captain();
  assert.equal(why(await vouch({}, STRANGER)), [403, 'not_captain']);
  assert.is((await vouch()).status, 200);
});
vouches('keeps to the homes that a captain has room for, and to the site', async () => {
  const { vouch, captain, put, clients } = await make({ admission: 'ask' });
  captain({ site: 'hill' });
  assert.equal(why(await vouch({ address: BOB.address, site: 'field' })), [403, 'not_captain']);
  await put(BOB, { site: 'field' });
  assert.match((await vouch({ address: BOB.address })).json.reason, /speak for homes of hill alone/);
  assert.equal(
    why(await vouch({ address: BOB.address, site: 'hill' })),
    [403, 'not_captain'],
    '~> it says another one itself',
  );
  for (const number of [11, 12])
    assert.is((await vouch({ address: nodeOf(number).address }, CAPTAIN, nodeOf(number).address)).status, 200);
  const { status, json } = await vouch({ address: nodeOf(13).address });
  assert.equal([status, json.error], [503, 'full']);
  assert.match(json.reason, /2 homes are in by your word/);
  decide(clients, nodeOf(11).address, undefined);
  assert.is((await vouch({ address: nodeOf(13).address, site: 'hill' })).status, 200);
});
vouches('does not go against what the operator, or the configuration, decided', async () => {
  const { vouch, captain, clients } = await make({ admission: 'ask' });
  captain({ max_homes: 20 });
  decide(clients, ANN.address, 'refused', 'spam');
  assert.equal(why(await vouch()), [409, 'decided']);
  decide(clients, ANN.address, 'suspended', 'spam');
  assert.equal(why(await vouch()), [409, 'decided']);
  clients.configure([{ address: BOB.address, standing: 'refused', reason: 'no' }]);
  assert.equal(why(await vouch({ address: BOB.address })), [409, 'decided']);
  decide(clients, ANN.address, 'admitted');
  assert.match((await vouch()).json.message, /let in already/);
});
vouches('counts once: a home that was forgotten does not come back by the same bytes', async () => {
  const { post, sealed, captain, clients, put, clock } = await make({ admission: 'ask' });
  captain();
  const body = sealed('vouch');
  assert.is((await post('vouch', body)).status, 200);
  decide(clients, ANN.address, undefined);
  const again = await post('vouch', body);
  assert.equal([again.status, again.json.message], [200, 'this was said already']);
  assert.is((await put(ANN)).status, 202);
  await clock.advance(901_000);
  assert.equal(why(await post('vouch', body)), [409, 'stale']);
});
vouches('is not taken when it cannot be kept', async () => {
  const { vouch, captain, disk, put } = await make({ admission: 'ask' });
  captain();
  disk.full = true;
  assert.equal(why(await vouch()), [503, 'busy']);
  assert.is((await put(ANN)).status, 202);
});
for (const [what, more] of [
  ['days of no time', { days: 0 }],
  ['days without end', { days: 3651 }],
  ['a site without end', { site: 'x'.repeat(65) }],
] as const)
  vouches(`refuses ${what}`, async () => {
    const { vouch, captain } = await make();
    captain();
    assert.equal(why(await vouch(more)), [400, 'malformed']);
  });
vouches.run();
