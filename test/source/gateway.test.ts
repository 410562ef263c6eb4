import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LeaseRequest } from '../../src/api/lease.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { GatewayName } from '../../src/mesh/gateway.ts';
import type { Heard } from '../../src/mesh/home-act.ts';
import { GatewaySource, type Household } from '../../src/source/gateway.ts';
import open from '../fixtures/autoygg/open-mode.json';
import { ManualClock } from '../support/clock.ts';
import { decide, waitingOf } from '../support/decide.ts';
import {
  GATEWAY_ADDRESS,
  GATEWAY_KEY,
  gatewayInfo,
  grant,
  HOME_ADDRESS,
  HOME_KEY,
  leaseRequest,
  TERMS,
} from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { PipedStreams } from '../support/piped-streams.ts';
import { type GatewayOptions, registrarGateway } from '../support/registrar.ts';

const NAME: GatewayName = {
  ...{ name: 'boston', key: GATEWAY_KEY, address: GATEWAY_ADDRESS, port: 8080, protocol: 'auto', preference: 0 },
};
const REQUEST: LeaseRequest = leaseRequest();

/** A home, and a gateway of ours, or one that a test plays. */
function make(
  {
    household = {},
    name = {},
    ...options
  }: GatewayOptions & { household?: Household; name?: Partial<GatewayName> } = {},
  real = true,
) {
  const clock = new ManualClock();
  const streams = new PipedStreams(clock);
  const gateway = real ? registrarGateway({ ...options, clock, streams }) : undefined;
  let identity: { key: string; address: string } | undefined = { key: HOME_KEY, address: HOME_ADDRESS };
  const source = new GatewaySource({
    streams,
    clock,
    identity: () => identity,
    household: () => household,
    software: 'meshbridge 0.1.0',
  });
  const gatewayName = { ...NAME, ...name };
  /** What came of asking, once it is there. */
  const settled = async <T>(work: Promise<T>, ms = 20_000): Promise<T | Error> => {
    let result: T | Error = new Error('nothing yet');
    work.then(
      (value) => {
        result = value;
      },
      (error: Error) => {
        result = error;
      },
    );
    await clock.advance(ms);
    return result;
  };
  /** Plays a server: answers by method and path. */
  const play = (answers: Record<string, { status: number; body: string; head?: string }>): string[] => {
    const asked: string[] = [];
    streams.listen({ host: GATEWAY_ADDRESS, port: 8080 }, (stream) => ({
      onData: (bytes) => {
        const text = decodeUtf8(bytes);
        const what = text.split(' ').slice(0, 2).join(' ');
        asked.push(`${what} ${text.split('\r\n\r\n')[1]}`.trim());
        const { status, body, head = '' } = answers[what] ?? { status: 404, body: '404 page not found' };
        const length = encodeUtf8(body).length;
        stream.write(encodeUtf8(`HTTP/1.1 ${status} X\r\n${head}Content-Length: ${length}\r\n\r\n${body}`));
      },
      onClose() {},
    }));
    return asked;
  };
  return {
    clock,
    streams,
    gateway: gateway!,
    source,
    name: gatewayName,
    settled,
    play,
    forget: () => (identity = undefined),
  };
}

function heard(outcome: Heard | Error): Heard {
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

const v1 = suite('GatewaySource and protocol 1');
v1('learns what a gateway is, and how far', async () => {
  const { source, name, settled, streams } = make();
  const { info, latencyMs } = heard(await settled(source.inform(name)));
  assert.equal([info!.name, info!.key, latencyMs], ['Boston', GATEWAY_KEY, 20]);
  assert.equal(streams.dialled, [{ host: GATEWAY_ADDRESS, port: 8080, from: HOME_ADDRESS }], '~> from the own address');
});
v1('asks for a lease, and what it is first, once', async () => {
  const { source, name, settled, streams, gateway } = make();
  const first = heard(await settled(source.ask(name, REQUEST)));
  assert.is(first.answer!.kind, 'granted');
  assert.is(first.info!.name, 'Boston');
  assert.is(streams.dialled.length, 2);
  const again = heard(await settled(source.ask(name, REQUEST, 'renew')));
  assert.equal([again.info, streams.dialled.length, gateway.clients.count], [undefined, 3, 1]);
});
v1('tells a gateway no more of people than it asks for', async () => {
  const household = {
    name: 'Ann',
    email: 'a@example.org',
    phone: '1',
    site: 'hill',
    captainKey: HOME_KEY,
    invite: 'x',
  };
  const { source, name, settled, gateway } = make({ household, asksFor: ['email'], admission: 'ask' });
  assert.is(heard(await settled(source.ask(name, REQUEST))).answer!.kind, 'waiting');
  assert.equal(waitingOf(gateway.clients)[0]!.told, { email: 'a@example.org', site: 'hill', captain_key: HOME_KEY });
});
v1('hears of a change at once', async () => {
  const { source, name, settled, gateway, clock } = make();
  await settled(source.ask(name, REQUEST));
  let told: Heard | undefined;
  void source.watch(name, 1, 65_535).then((one) => {
    told = one;
  });
  await clock.advance(60_000);
  assert.is(told, undefined);
  decide(gateway.clients, HOME_ADDRESS, 'suspended', 'not paid');
  await clock.advance(20);
  assert.equal(told!.answer, {
    kind: 'refused',
    refusal: { error: 'suspended', reason: 'not paid', retry_after_s: 60 },
  });
});
v1('gives a lease back', async () => {
  const { source, name, settled, gateway } = make();
  await settled(source.ask(name, REQUEST));
  assert.is(await settled(source.release(name)), undefined);
  assert.is(gateway.clients.count, 0);
});
v1('says why when nobody answers, when it is not allowed to ask, and when nothing is known of itself', async () => {
  const silent = make();
  silent.streams.fate = () => 'silent';
  assert.match(String(await silent.settled(silent.source.ask(silent.name, REQUEST))), /not connected after 3000 ms/);
  const nobody = make({}, false);
  assert.match(String(await nobody.settled(nobody.source.inform(nobody.name))), /Connection refused/);
  const unknown = make();
  unknown.forget();
  assert.match(String(await unknown.settled(unknown.source.inform(unknown.name))), /Yggdrasil was not reached yet/);
});
v1('settles nothing once it is stopped', async () => {
  const { source, name, settled, clock } = make();
  const work = settled(source.ask(name, REQUEST), 5);
  source.stop();
  assert.match(String(await work), /nothing yet/);
  await clock.advance(100_000);
  assert.is(clock.pending, 0);
});
v1.run();

// ---

const pin = suite('GatewaySource and who answers');
const INFO = { status: 200, body: JSON.stringify(gatewayInfo()) };
pin('refuses a gateway whose key is not the pinned one', async () => {
  const { source, name, settled } = make({ name: { key: HOME_KEY } });
  assert.match(
    String(await settled(source.ask(name, REQUEST))),
    /expected the pinned key bd2b5e6f82d1b402…, got e2755201/,
  );
});
pin('takes one without a pinned key, if its key belongs to its address', async () => {
  const { source, name, settled } = make({ name: { key: undefined } });
  assert.is(heard(await settled(source.inform(name))).info!.key, GATEWAY_KEY);
});
for (const [what, more] of [
  ["tells another's key", { key: nodeOf(5).key }],
  ["tells another's address", { address: nodeOf(5).address }],
] as const)
  pin(`refuses one that ${what}`, async () => {
    const { source, name, settled, play } = make({ name: { key: undefined } }, false);
    play({ 'GET /v1/info': { status: 200, body: JSON.stringify(gatewayInfo(more)) } });
    assert.match(String(await settled(source.inform(name))), /expected the key of 200:3b15/);
  });
pin('refuses a tunnel that ends elsewhere', async () => {
  const { source, name, settled, play } = make({}, false);
  const terms = { ...TERMS, outer: nodeOf(5).address };
  play({ 'GET /v1/info': INFO, 'PUT /v1/lease': { status: 200, body: JSON.stringify(grant({ terms })) } });
  assert.match(String(await settled(source.ask(name, REQUEST))), /expected a tunnel to 200:3b15/);
});
for (const [what, answer, message] of [
  ['no JSON', { status: 200, body: '<html>' }, /status 200, and no JSON/],
  ['an answer without end', { status: 200, body: 'x'.repeat(20_000) }, /body: expected at most 16384 bytes/],
  ['an error of a server', { status: 500, body: '{}' }, /info: expected status 200, got 500/],
  ['a protocol of times past', { status: 200, body: JSON.stringify(gatewayInfo({ protocol: 0 })) }, /protocol/],
] as const)
  pin(`takes ${what} for a gateway that does not work`, async () => {
    const { source, name, settled, play } = make({}, false);
    play({ 'GET /v1/info': answer });
    assert.match(String(await settled(source.inform(name))), message);
  });
pin('understands a registrar that has forgotten what it was', async () => {
  const { source, name, settled, play } = make({}, false);
  play({ 'GET /v1/info': INFO });
  const { answer } = heard(await settled(source.ask(name, REQUEST)));
  assert.is(answer!.kind === 'refused' && answer!.refusal.error, 'unknown');
});
pin.run();

// ---

/** What a real autoygg answered. */
function recorded(label: string): { status: number; body: string; head: string } {
  const { response } = (
    open.exchanges as unknown as { label: string; response: { status: number; headers: string[]; body_raw: string } }[]
  ).find((one) => one.label === label)!;
  const date = response.headers.find((line) => line.startsWith('Date: '))!;
  return { status: response.status, body: response.body_raw, head: `${date}\r\n` };
}

const old = suite('GatewaySource and autoygg');
const SERVER = {
  'GET /info': recorded('info'),
  'POST /register': recorded('register as autoygg-client sends it'),
  'POST /renew': recorded('renew'),
  'POST /release': recorded('release'),
  'GET /register': recorded('GET register, success'),
};
old('finds out that a gateway speaks it, and gets a lease', async () => {
  const { source, name, settled, play } = make({}, false);
  const asked = play(SERVER);
  const { answer, info } = heard(await settled(source.ask(name, REQUEST)));
  assert.equal(asked, [
    'GET /v1/info',
    'GET /info',
    `POST /register {"PublicKey":"${HOME_KEY}","ClientVersion":"meshbridge 0.1.0"}`,
  ]);
  assert.is(info!.software, 'autoygg v0.3.3');
  assert.equal(answer!.kind === 'granted' && [answer!.grant.lease_s, answer!.grant.terms.home4], [
    14_400,
    '10.42.42.1',
  ]);
});
old('is told to speak it, and asks nothing else', async () => {
  const { source, name, settled, play } = make({ name: { protocol: 'autoygg' } }, false);
  const asked = play(SERVER);
  await settled(source.inform(name));
  assert.equal(asked, ['GET /info']);
});
old('renews and releases in its words', async () => {
  const { source, name, settled, play } = make({}, false);
  const asked = play(SERVER);
  await settled(source.ask(name, REQUEST));
  asked.length = 0;
  heard(await settled(source.ask(name, REQUEST, 'renew')));
  await settled(source.release(name));
  assert.equal(
    asked.map((one) => one.split(' {')[0]),
    ['POST /renew', 'POST /release'],
  );
});
old('registers again when its lease was forgotten (defect 17)', async () => {
  const { source, name, settled, play } = make({}, false);
  const asked = play({ ...SERVER, 'POST /renew': recorded('renew, unknown') });
  await settled(source.ask(name, REQUEST));
  asked.length = 0;
  const { answer } = heard(await settled(source.ask(name, REQUEST, 'renew')));
  assert.is(answer!.kind, 'granted');
  assert.equal(
    asked.map((one) => one.split(' {')[0]),
    ['POST /renew', 'POST /register'],
  );
});
old('looks at its lease now and then, since it holds no question open', async () => {
  const { source, name, settled, play, clock } = make({}, false);
  const asked = play(SERVER);
  await settled(source.ask(name, REQUEST));
  asked.length = 0;
  let told: Heard | undefined;
  void source.watch(name, 0, 65_535).then((one) => {
    told = one;
  });
  await clock.advance(899_000);
  assert.equal(asked, []);
  await clock.advance(2000);
  assert.equal([asked, told!.answer!.kind], [['GET /register'], 'granted']);
});
old('tells of people only where the gateway wants it', async () => {
  const household = { name: 'Ann', email: 'a@example.org', phone: '1' };
  const { source, name, settled, play } = make({ household }, false);
  const info = { ...JSON.parse(SERVER['GET /info'].body), RequireRegistration: true };
  const asked = play({ ...SERVER, 'GET /info': { status: 200, body: JSON.stringify(info) } });
  await settled(source.ask(name, REQUEST));
  assert.match(asked.at(-1)!, /"ClientName":"Ann","ClientEmail":"a@example\.org","ClientPhone":"1"/);
  const silent = make({ household }, false);
  const other = silent.play(SERVER);
  await silent.settled(silent.source.ask(silent.name, REQUEST));
  assert.not.match(other.join(), /Ann/);
});
old('does not ask where no tunnel of its kind can be made', async () => {
  const { source, name, settled, play } = make({}, false);
  play(SERVER);
  const outcome = await settled(source.ask(name, { ...REQUEST, kinds: ['vxlan'] }));
  assert.match(String(outcome), /autoygg makes tunnels of GRE alone/);
});
old('works with our own gateway in its words', async () => {
  const { source, name, settled, gateway } = make({ name: { protocol: 'autoygg' } });
  const { answer } = heard(await settled(source.ask(name, REQUEST)));
  assert.is(answer!.kind, 'granted');
  assert.is(heard(await settled(source.ask(name, REQUEST, 'renew'))).answer!.kind, 'granted');
  await settled(source.release(name));
  assert.is(gateway.clients.count, 0);
});
old.run();
