import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { readAnswer, readInfo } from '../../src/mesh/lease-message.ts';
import { decide } from '../support/decide.ts';
import { gatewayInfo, leaseRequest, NO_LIMITS } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { REGISTRAR, registrarGateway } from '../support/registrar.ts';

const ANN = nodeOf(1);
const BOB = nodeOf(2);

const v1 = suite('Registrar and protocol 1');
v1('tells what the gateway is', async () => {
  const { ask } = registrarGateway();
  const { status, json, head } = await ask(ANN.address, 'GET', '/v1/info');
  assert.is(status, 200);
  assert.match(head, /\r\nContent-Type: application\/json; charset=utf-8\r\n/);
  assert.equal(readInfo(json), gatewayInfo({ admission: 'open', clients: 0, limits: NO_LIMITS }));
});
v1('gives a lease, the same when it is asked again, shows it and ends it', async () => {
  const { ask, put, clock, clients } = registrarGateway();
  const first = await put(ANN);
  assert.is(first.status, 200);
  assert.is(readAnswer(200, first.json).kind, 'granted');
  await clock.advance(60_000);
  assert.equal((await put(ANN)).json, first.json);
  const { status, json } = await ask(ANN.address, 'GET', '/v1/lease');
  assert.equal([status, json.terms, json.use], [200, first.json.terms, { rx_bytes: 0, tx_bytes: 0, since_s: 60 }]);
  assert.is((await ask(ANN.address, 'DELETE', '/v1/lease')).status, 204);
  assert.is((await ask(ANN.address, 'DELETE', '/v1/lease')).status, 204);
  assert.is((await ask(ANN.address, 'GET', '/v1/lease')).status, 404);
  assert.is(clients.count, 0);
});
v1('has a home wait with its place, and when to ask again', async () => {
  const { put } = registrarGateway({ admission: 'ask' });
  await put(ANN);
  const { status, json, head } = await put(BOB);
  assert.equal([status, json], [202, { state: 'waiting', place: 2, waiting: 2, retry_after_s: 60, ask: 'ops' }]);
  assert.match(head, /\r\nRetry-After: 60\r\n/);
});
v1('has homes wait that come by themselves beyond what a day may bring, and lets them in with the next', async () => {
  const { put, ask, clock } = registrarGateway({ newPerDay: 1 });
  const cat = nodeOf(3);
  assert.is((await put(ANN)).status, 200);
  const waiting = await put(BOB);
  assert.equal([waiting.status, waiting.json.place, waiting.json.ask], [202, 1, 'ops']);
  assert.is((await put(cat)).json.place, 2);
  await ask(ANN.address, 'DELETE', '/v1/lease');
  assert.is((await put(ANN)).status, 200, '~> who was here comes back at any time');
  await clock.advance(86_400_000);
  // who came first goes first
  assert.equal([(await put(cat)).status, (await put(BOB)).status, (await put(cat)).status], [202, 200, 202]);
});
v1('tells why not', async () => {
  const { put, clients } = registrarGateway();
  await put(ANN);
  decide(clients, ANN.address, 'suspended', 'not paid');
  const { status, json } = await put(ANN);
  assert.equal([status, json], [403, { error: 'suspended', reason: 'not paid', retry_after_s: 60 }]);
  assert.is((await put(BOB, { kinds: [] })).status, 409);
});
for (const [what, method, target, body, status, error] of [
  ['a method that it does not take', 'POST', '/v1/lease', {}, 405, 'malformed'],
  ['a look at what is not there', 'GET', '/v1/', undefined, 404, 'unknown'],
  ['the metrics of autoygg', 'GET', '/metrics', undefined, 404, 'unknown'],
  ['a path with more behind', 'GET', '/v1/info/', undefined, 404, 'unknown'],
  ['what every object has', 'GET', '/__proto__', undefined, 404, 'unknown'],
  ['no JSON', 'PUT', '/v1/lease', '{nope', 400, 'malformed'],
  ['no body', 'PUT', '/v1/lease', undefined, 400, 'malformed'],
  ['JSON that is nested without end', 'PUT', '/v1/lease', '['.repeat(4000), 400, 'malformed'],
  ['a body of 10,000 bytes', 'PUT', '/v1/lease', 'x'.repeat(10_000), 413, 'malformed'],
  ['a question that it does not know', 'GET', '/v1/lease?generation=1', undefined, 400, 'malformed'],
  ['a wait without end', 'GET', '/v1/lease?generation=1&wait_s=9999', undefined, 400, 'malformed'],
] as const)
  v1(`refuses ${what} with ${status}`, async () => {
    const { ask, put } = registrarGateway();
    await put(ANN);
    const answer = await ask(ANN.address, method, target, body);
    assert.equal([answer.status, answer.json.error], [status, error]);
    assert.ok(answer.json.reason.length > 5 && answer.json.Error !== '');
  });
v1.run();

// ---

const held = suite('Registrar and questions that are held open');
const watch = '/v1/lease?generation=1&wait_s=900';
held('answers when something changed: a suspension is known at once', async () => {
  const { put, open, said, clients, registrar } = registrarGateway();
  await put(ANN);
  const far = open(ANN.address, 'GET', watch);
  assert.equal([said(far), registrar.waiting], [[], 1]);
  decide(clients, BOB.address, 'suspended');
  assert.equal(said(far), []);
  decide(clients, ANN.address, 'suspended', 'not paid');
  const [answer] = said(far);
  assert.equal([answer!.status, answer!.json.reason, registrar.waiting], [403, 'not paid', 0]);
});
held('answers all when the gateway is going to stop', async () => {
  const { put, open, said, clients } = registrarGateway();
  await put(ANN);
  await put(BOB);
  const ends = [ANN, BOB].map(({ address }) => open(address, 'GET', watch));
  clients.setDrain({ in_s: 300, reason: 'maintenance' });
  for (const far of ends) assert.equal(said(far)[0]!.json.drain, { in_s: 300, reason: 'maintenance' });
});
held('answers when the time is over, and is ready for the next one', async () => {
  const { put, open, said, clock } = registrarGateway();
  await put(ANN);
  const far = open(ANN.address, 'GET', '/v1/lease?generation=1&wait_s=20');
  await clock.advance(19_000);
  assert.equal(said(far), []);
  await clock.advance(6000);
  assert.is(said(far)[0]!.json.generation, 1);
  far.send(encodeUtf8(`GET ${watch} HTTP/1.1\r\nHost: x\r\n\r\n`));
  await clock.advance(100_000);
  assert.equal(said(far), []);
});
held('answers at once where the generation is another one, or there is no lease', async () => {
  const { put, ask } = registrarGateway();
  assert.is((await ask(ANN.address, 'GET', watch)).status, 404);
  await put(ANN);
  assert.is((await ask(ANN.address, 'GET', '/v1/lease?generation=7&wait_s=900')).json.generation, 1);
});
held('holds one of each home, and so many in all', async () => {
  const { put, open, said, ask, registrar } = registrarGateway({ maxHeld: 2 });
  for (const number of [1, 2, 3]) await put(nodeOf(number));
  const first = open(ANN.address, 'GET', watch);
  const second = open(ANN.address, 'GET', watch);
  assert.is(said(first).length, 1, '~> the newer one takes its place');
  open(BOB.address, 'GET', watch);
  assert.is((await ask(nodeOf(3).address, 'GET', watch)).json.held, false);
  assert.is(registrar.waiting, 2);
  second.end();
  assert.is(registrar.waiting, 1);
});
held('looks for what is over only while something is held', async () => {
  const { put, open, clock, registrar } = registrarGateway();
  await put(ANN);
  const far = open(ANN.address, 'GET', watch);
  far.end();
  await clock.advance(10_000);
  assert.equal([registrar.waiting, clock.pending], [0, 0]);
});
held.run();

// ---

const attack = suite('Registrar under attack');
for (const [what, from] of [
  ['a host behind a node', '300:85a9:4320:fa5c::1'],
  ['the Internet', '2001:db8::1'],
  ['this machine', '::1'],
  ['IPv4', '192.0.2.1'],
  ['a unix socket', ''],
] as const)
  attack(`serves nobody from ${what}`, async () => {
    const { ask, clients } = registrarGateway();
    for (const [method, target, body] of [
      ['PUT', '/v1/lease', leaseRequest({ key: ANN.key })],
      ['GET', '/v1/info', undefined],
      ['DELETE', '/v1/lease', undefined],
      ['POST', '/register', { PublicKey: ANN.key }],
    ] as const) {
      const { status, json } = await ask(from, method, target, body);
      assert.equal([status, json.error], [403, 'not_a_node']);
      assert.ok(json.Error.length > 0);
    }
    assert.is(clients.count, 0);
  });
attack('believes no header about who asks', async () => {
  const { ask, put, clients } = registrarGateway();
  await put(ANN);
  const spoofed = ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'True-Client-IP', 'CF-Connecting-IP', 'X-Client-IP']
    .map((name) => `${name}: ${name === 'Forwarded' ? `for="[${ANN.address}]"` : ANN.address}\r\n`)
    .join('');
  const { status, json } = await ask(BOB.address, 'PUT', '/v1/lease', leaseRequest({ key: ANN.key }), spoofed);
  assert.equal([status, json.error], [403, 'other_key']);
  assert.is((await ask(BOB.address, 'DELETE', '/v1/lease', undefined, spoofed)).status, 204);
  assert.is((await ask(BOB.address, 'GET', '/v1/lease', undefined, spoofed)).status, 404);
  assert.is(clients.count, 1, '~> the lease of the other one stands');
  assert.is(clients.look(ANN.address).kind, 'granted');
});
attack('takes no id, no address and no state from a body: {"ID":1}', async () => {
  const { put, clients } = registrarGateway();
  const victim = (await put(ANN)).json;
  const thief = (await put(BOB, { ID: 1, id: 1, slot: 2, address: ANN.address, terms: victim.terms, state: 'active' }))
    .json;
  assert.is.not(thief.terms.home4, victim.terms.home4);
  const again = clients.look(ANN.address);
  assert.is(again.kind === 'granted' && again.grant.terms.home4, victim.terms.home4);
});
attack("refuses another's key", async () => {
  const { ask, clients } = registrarGateway();
  const { status, json } = await ask(BOB.address, 'PUT', '/v1/lease', leaseRequest({ key: ANN.key }));
  assert.equal([status, json.error, clients.count], [403, 'other_key', 0]);
});
attack('serves no browser, which would ask in the name of who looks at a page', async () => {
  const { ask, put, clients } = registrarGateway();
  await put(ANN);
  for (const [method, target] of [
    ['DELETE', '/v1/lease'],
    ['POST', '/release'],
  ] as const) {
    const body = method === 'POST' ? { PublicKey: ANN.key } : undefined;
    const { status } = await ask(ANN.address, method, target, body, 'Origin: http://evil.example\r\n');
    assert.is(status, 403);
  }
  assert.is(clients.count, 1);
});
attack('takes ten requests of an address at once, then one a second, and nobody else is worse off', async () => {
  const { ask, put, clock } = registrarGateway();
  const statuses: number[] = [];
  for (let i = 0; i < 12; i++) statuses.push((await put(ANN)).status);
  assert.equal(statuses, [...Array(10).fill(200), 429, 429]);
  const { head, json } = await ask(ANN.address, 'GET', '/v1/info');
  assert.is(json.error, 'too_often');
  assert.match(head, /\r\nRetry-After: 1\r\n/);
  assert.is((await put(BOB)).status, 200);
  await clock.advance(1000);
  assert.is((await put(ANN)).status, 200);
});
attack('gives 1,000 registrations of one node one lease', async () => {
  const { put, clients, clock } = registrarGateway();
  const statuses = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    statuses.add((await put(ANN, { key: i % 2 === 0 ? ANN.key : nodeOf(i).key })).status);
    await clock.advance(100);
  }
  assert.equal([...statuses].sort(), [200, 403, 429]);
  assert.is(clients.count, 1);
});
attack('gives 1,000 nodes that come at once no more than its pace, and serves those who have a lease', async () => {
  const { put, clients, clock } = registrarGateway();
  await put(ANN);
  const counts = new Map<number, number>();
  for (let i = 10; i < 1010; i++) {
    const { status } = await put(nodeOf(i));
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  assert.equal([counts.get(200), counts.get(503)], [39, 961]);
  assert.is(clients.count, 40);
  assert.is((await put(ANN)).status, 200);
  await clock.advance(1000);
  assert.is((await put(nodeOf(9999))).status, 200);
});
attack('is not held up by a slow one', async () => {
  const { streams, put, clock } = registrarGateway();
  const slow = Array.from({ length: 256 }, (_, i) => streams.connect(REGISTRAR, nodeOf(5000 + i).address));
  for (const far of slow) far.send(encodeUtf8('PUT /v1/lease HT'));
  assert.is((await put(ANN)).status, 200);
  await clock.advance(8000);
  assert.ok(slow.every((far) => far.closed));
});
attack('says nothing of people to anybody', async () => {
  const { put, ask } = registrarGateway({ admission: 'ask' });
  const told = { name: 'Ann Secret', email: 'secret@example.org', phone: '555-secret' };
  const answers = [
    await put(ANN, told),
    await put(BOB),
    await ask(BOB.address, 'PUT', '/v1/lease', leaseRequest({ key: ANN.key })),
    await ask(BOB.address, 'POST', '/register', { PublicKey: ANN.key }),
    await ask(ANN.address, 'GET', '/v1/lease'),
    await ask(ANN.address, 'GET', '/register'),
    await ask(BOB.address, 'GET', '/v1/info'),
  ];
  assert.not.match(JSON.stringify(answers), /secret/i);
});
attack.run();
