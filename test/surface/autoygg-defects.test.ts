// Each of the defects of autoygg's server (numbers as in the notes on it, shared/docs/autoygg.md §6), made impossible here. With real packets, in the
// labs: 4 (a running download is cut) and 9 in test/lab/internet and test/lab/gateway-plane; 8, 10 to 13 and 16 to 19 are of its client, and of homes here.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parsePrefix } from '../../src/lib/ip.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Newcomers } from '../../src/mesh/newcomer.ts';
import { addScript, gatewayScript } from '../../src/plane/client-rules.ts';
import { decide } from '../support/decide.ts';
import { GATEWAY_ADDRESS } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { registrarGateway, type Said } from '../support/registrar.ts';

const defect = suite("defects of autoygg's server");
const ann = nodeOf(1);
const bob = nodeOf(2);
type Gateway = ReturnType<typeof registrarGateway>;
const register = (gateway: Gateway, from: string, body: object): Promise<Said> =>
  gateway.ask(from, 'POST', '/register', body);

defect('1, mass assignment: {"ID":1} takes nobody\'s lease', async () => {
  const gateway = registrarGateway();
  const before = (await register(gateway, ann.address, { PublicKey: ann.key })).json;
  const thief = await register(gateway, bob.address, {
    ...{ ID: 1, PublicKey: bob.key, YggIP: bob.address, ClientIP: before.ClientIP, State: 'success' },
  });
  assert.is.not(thief.json.ClientIP, before.ClientIP);
  const after = await gateway.ask(ann.address, 'POST', '/renew', { PublicKey: ann.key });
  assert.equal([after.status, after.json.ClientIP, after.json.YggIP], [200, before.ClientIP, ann.address]);
});
defect('2, personal data: nobody is told of another, nor of itself', async () => {
  const gateway = registrarGateway();
  const told = { ClientName: 'Ann Secret', ClientEmail: 'secret@example.org', ClientPhone: '1-secret' };
  const own = await register(gateway, ann.address, { PublicKey: ann.key, ...told });
  const other = await register(gateway, bob.address, { PublicKey: ann.key });
  assert.equal([own.status, other.status], [200, 403]);
  assert.not.match(JSON.stringify([own, other]), /secret/i);
});
defect("3, squatting: another's key cannot be registered first", async () => {
  const gateway = registrarGateway();
  assert.is((await register(gateway, bob.address, { PublicKey: ann.key })).status, 403);
  assert.is((await register(gateway, ann.address, { PublicKey: ann.key })).status, 200);
  assert.is((await gateway.ask(ann.address, 'POST', '/renew', { PublicKey: ann.key })).status, 200);
});
defect('4, suspension: it is looked at on every call, and on the machine at once', async () => {
  const gateway = registrarGateway();
  await register(gateway, ann.address, { PublicKey: ann.key });
  decide(gateway.clients, ann.address, 'suspended', 'not paid');
  await gateway.clients.settled();
  assert.ok([...gateway.plane.tunnels.values()][0]!.suspended);
  for (const path of ['/register', '/renew']) {
    const { status, json } = await gateway.ask(ann.address, 'POST', path, { PublicKey: ann.key });
    assert.equal([status, json.Error], [403, 'Registration not allowed: not paid']);
  }
  assert.is((await gateway.ask(ann.address, 'GET', '/register')).status, 403);
});
defect('5, flood: one node has one lease, whatever keys it sends, and what is left is free', async () => {
  const gateway = registrarGateway({ maxClients: 2 });
  for (let i = 0; i < 50; i++) {
    await register(gateway, ann.address, { PublicKey: i.toString(16).padStart(64, '0') });
    await gateway.clock.advance(1000);
  }
  assert.is(gateway.clients.count, 0);
  await register(gateway, ann.address, { PublicKey: ann.key });
  await register(gateway, bob.address, { PublicKey: bob.key });
  const third = nodeOf(3);
  assert.is((await register(gateway, third.address, { PublicKey: third.key })).status, 503);
  await gateway.ask(ann.address, 'POST', '/release', { PublicKey: ann.key });
  assert.is((await register(gateway, third.address, { PublicKey: third.key })).status, 200);
});
defect('5, flood: so many new homes a day where anybody is served, whatever their keys', () => {
  const newcomers = new Newcomers({ most: 20, nowMs: () => 0 });
  let letIn = 0;
  for (let i = 0; i < 500; i++) {
    const { address } = nodeOf(i);
    if (!newcomers.isLet(address, 0)) continue;
    newcomers.came(address);
    letIn++;
  }
  assert.is(letIn, 20);
});
defect('6, X-Forwarded-For: no header says who asks', async () => {
  const gateway = registrarGateway();
  await register(gateway, ann.address, { PublicKey: ann.key });
  const header = `X-Forwarded-For: ${ann.address}\r\n`;
  const { status } = await gateway.ask(bob.address, 'POST', '/release', { PublicKey: ann.key }, header);
  assert.equal([status, gateway.clients.count], [404, 1]);
});
defect('7, metrics: there are none, and paths are not remembered', async () => {
  const gateway = registrarGateway();
  for (let i = 0; i < 30; i++) {
    assert.is((await gateway.ask(ann.address, 'GET', `/${'x'.repeat(i)}metrics`)).status, 404);
    await gateway.clock.advance(1000);
  }
});
defect('7, no limits: a body that does not end ends the request', async () => {
  const gateway = registrarGateway();
  const far = gateway.streams.connect({ host: GATEWAY_ADDRESS, port: 8080 }, ann.address);
  far.send(encodeUtf8('POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n{'));
  await gateway.clock.advance(10_000);
  assert.ok(far.closed);
});
defect(
  '9, no isolation: what has another source than its tunnel is dropped, and homes reach the Internet alone',
  () => {
    const rules = {
      ...{ address: GATEWAY_ADDRESS, gateway4: '10.43.0.1', gateway6: 'fd01::1', port: 8080, vxlanPort: 4790 },
      ...{ pool4: parsePrefix('10.43.0.0/16')!, pool6: parsePrefix('fd01::/64')!, wireguardPort: undefined },
      ...{ closedPorts: [25], isolate: true, reach: [], resolver: true },
    };
    const script = gatewayScript(rules, 'ygg0', ['wan'], { rates: true });
    assert.match(script, /counter name spoofed drop/);
    for (const own of ['192.168.0.0/16', '10.0.0.0/8', '172.16.0.0/12', 'fc00::/7'])
      assert.ok(script.includes(own), own);
    assert.not.match(
      script,
      /add element inet meshbridge_gw reach/,
      '~> no home reaches another, or a network of the operator',
    );
    // a home is its device and its inner address together
    const home = { device: 'mbc0007', home4: '10.43.0.7', home6: 'fd01::7', suspended: false };
    assert.match(addScript([home]), /clients4 \{ "mbc0007" \. 10\.43\.0\.7 \}/);
  },
);
defect('14, deadlock: a lease whose tunnel is gone already ends, and others are served', async () => {
  const gateway = registrarGateway();
  await register(gateway, ann.address, { PublicKey: ann.key });
  const [slot] = gateway.plane.tunnels.keys();
  gateway.problems.length = 0;
  gateway.plane.problems.set(slot!, 'no such device');
  await gateway.clock.advance(3_700_000);
  gateway.clients.sweep();
  await gateway.clients.settled();
  assert.equal(gateway.problems, [`tunnel ${slot}: no such device`]);
  assert.is((await register(gateway, bob.address, { PublicKey: bob.key })).status, 200);
});
defect('15, the 11th client: it is served as the ones before, and so is the 100th', async () => {
  const gateway = registrarGateway();
  for (let i = 0; i < 100; i++) {
    const { address, key } = nodeOf(i);
    assert.is((await register(gateway, address, { PublicKey: key })).status, 200);
    await gateway.clock.advance(100);
  }
  assert.is(gateway.plane.tunnels.size, 100);
});
defect('20, version gate: a home of any version is served', async () => {
  const gateway = registrarGateway();
  for (const ClientVersion of ['v0.3.3', '0.4.0', '', 'x']) {
    assert.is((await register(gateway, ann.address, { PublicKey: ann.key, ClientVersion })).status, 200);
    await gateway.clock.advance(1000);
  }
});
defect('21, the same remote twice: one tunnel a node', async () => {
  const gateway = registrarGateway();
  await register(gateway, ann.address, { PublicKey: ann.key });
  await gateway.ask(ann.address, 'POST', '/release', { PublicKey: ann.key });
  await register(gateway, ann.address, { PublicKey: ann.key });
  const outers = [...gateway.plane.tunnels.values()].map(({ outer }) => outer);
  assert.equal(outers, [ann.address]);
});
defect.run();
