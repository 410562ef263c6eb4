import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readAutoyggAnswer, readAutoyggInfo } from '../../src/mesh/autoygg.ts';
import acl from '../fixtures/autoygg/acl.json';
import open from '../fixtures/autoygg/open-mode.json';
import required from '../fixtures/autoygg/registration-required.json';
import { GATEWAY_ADDRESS, GATEWAY_KEY, HOME_ADDRESS, HOME_KEY } from '../support/gateway.ts';
import { type GatewayOptions, registrarGateway, type Said } from '../support/registrar.ts';

interface Recorded {
  label: string;
  from_addr: string;
  request?: { method: string; path: string; body: string | null };
  response: { status: number; headers: string[]; body_raw: string };
}

/** Asks what was asked of a real server, a second apart. */
async function replay(from: { exchanges: unknown[] }, options: GatewayOptions = {}): Promise<[Recorded, Said][]> {
  const gateway = registrarGateway(options);
  const all: [Recorded, Said][] = [];
  for (const one of from.exchanges as Recorded[]) {
    if (!one.request) continue;
    const { method, path, body } = one.request;
    all.push([one, await gateway.ask(one.from_addr, method, path, body ?? (method === 'POST' ? '' : undefined))]);
    await gateway.clock.advance(1000);
  }
  return all;
}

/** Where ours says something else than the real one, and why. */
const OTHERWISE: Readonly<Record<string, [theirs: number, ours: number, why: string]>> = {
  'renew with somebody elses PublicKey (key ignored)': [200, 404, 'the key has to be that of the lease'],
  'GET register after release': [200, 404, 'what is released is forgotten, its address free'],
  'wrong method': [404, 405, 'the path is there'],
  metrics: [200, 404, 'nobody is told who asked for what'],
};

const face = suite('the five calls of autoygg');
const recorded = await replay(open);
for (const [{ label, response }, answer] of recorded)
  face(`answer as a real one does: ${label}`, () => {
    const [theirs, ours] = OTHERWISE[label] ?? [response.status, response.status, ''];
    assert.equal([response.status, answer.status], [theirs, ours]);
    if (!response.body_raw.startsWith('{') || OTHERWISE[label]) return;
    const real = JSON.parse(response.body_raw);
    if (label.endsWith('after release') && answer.status === 404) return; // theirs is short there, ours whole
    assert.equal(Object.keys(answer.json), Object.keys(real));
    if (answer.status >= 400) assert.equal(answer.json, real);
  });
face('give what the real client needs: address, mask, gateway, key, end', () => {
  const [, { json }] = recorded.find(([{ label }]) => label === 'register as autoygg-client sends it')!;
  const context = { address: GATEWAY_ADDRESS, key: HOME_KEY, meshMtu: 65_535 };
  const found = readAutoyggAnswer(200, json, 1_800_000_000 + 9, context);
  if (found.kind !== 'granted') throw new Error(JSON.stringify(found));
  assert.equal([found.grant.lease_s, found.grant.terms.gateway4, json.ClientNetMask], [3600, '10.43.0.1', 16]);
  assert.equal([json.GatewayPublicKey, json.YggIP, json.State, json.ID], [GATEWAY_KEY, HOME_ADDRESS, 'open', 0]);
});
face('are read by our own home', async () => {
  const gateway = registrarGateway();
  const { json } = await gateway.ask(HOME_ADDRESS, 'GET', '/info');
  const real = JSON.parse((open.exchanges[0] as unknown as Recorded).response.body_raw);
  assert.equal(Object.keys(json), Object.keys(real));
  const info = readAutoyggInfo(json, GATEWAY_ADDRESS);
  assert.equal([info.name, info.admission, info.kinds], ['Boston', 'open', ['gre6']]);
});
face('tell a home of autoygg that it waits, in the words that it shows', async () => {
  for (const [{ label, response }, answer] of await replay(acl, { admission: 'ask' })) {
    if (label !== 'register not listed') continue;
    assert.equal([response.status, answer.status], [403, 403]);
    assert.is(answer.json.Error, 'The operator has not decided yet: number 1 of 1 who wait, ask ops');
  }
});
face('ask for what the operator wants to know, as the real one does', async () => {
  const all = new Map(
    (await replay(required, { asksFor: ['name', 'email', 'phone'] })).map((one) => [one[0].label, one]),
  );
  for (const label of ['register without PII', 'register partial PII']) {
    const [{ response }, answer] = all.get(label)!;
    assert.is(answer.status, response.status);
    assert.equal(answer.json, JSON.parse(response.body_raw));
  }
  for (const label of ['register with PII', 'renew without PII (accepted)', 'release'])
    assert.is(all.get(label)![1].status, 200, label);
});
face.run();
