import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GatewayInfo, Terms } from '../../src/api/lease.ts';
import { InputError } from '../../src/errors.ts';
import { HttpServer } from '../../src/http/server.ts';
import type { GatewayName } from '../../src/mesh/gateway.ts';
import { SelfTest } from '../../src/source/self-test.ts';
import { SPEED_LIMITS, Speed, say } from '../../src/surface/speed.ts';
import { ManualClock } from '../support/clock.ts';
import { GATEWAY_ADDRESS, gatewayInfo, TERMS } from '../support/gateway.ts';
import { type Fate, PipedStreams } from '../support/piped-streams.ts';

const GATEWAY: GatewayName = {
  ...{ name: 'boston', address: GATEWAY_ADDRESS, port: 8080, protocol: 'auto', preference: 0 },
};
const OPEN = { ...TERMS, home6: 'fd01:2345:6789::709' };

interface World {
  fates?: Record<string, Fate>;
  terms?: Terms | undefined;
  info?: Partial<GatewayInfo>;
  /** The gateway does not answer in the mesh. */
  lost?: boolean;
  /** No name is found. */
  nameless?: boolean;
  /** The gateway measures with nobody. */
  noSpeed?: boolean;
  /** Packets of full size are lost. */
  small?: boolean;
  /** That are measured with. */
  blocks?: number;
}

/** A home behind a tunnel, where all is well but for what is given. */
function world({ fates = {}, info, lost, nameless, noSpeed, small, blocks = 24, ...rest }: World) {
  const terms = 'terms' in rest ? rest.terms : OPEN;
  const clock = new ManualClock();
  const streams = new PipedStreams(clock);
  streams.fate = ({ host }) => fates[host] ?? 'reaches';
  for (const host of ['9.9.9.9', '2620:fe::fe'])
    streams.listen({ host, port: 443 }, () => ({ onData() {}, onClose() {} }));
  streams.listen({ host: '10.43.0.1', port: 53 }, (stream) => ({
    onData: (bytes) => {
      const answer = bytes.slice(0, 14);
      answer.set([0, 12], 0);
      answer.set([0x81, nameless ? 3 : 0, 0, 1, 0, 1], 4);
      stream.write(answer);
    },
    onClose() {},
  }));
  const speed = new Speed({ homeAt: () => '200::1', linePercent: () => 0, nowMs: () => clock.monotonicMs() });
  const at = { host: '10.43.0.1', port: 8080 };
  if (small) streams.listen(at, () => ({ onData() {}, onClose() {} }));
  else if (!noSpeed) {
    const handle = (exchange: Parameters<Speed['handle']>[0]): void => speed.handle(exchange);
    new HttpServer({ streams, clock, at, limits: SPEED_LIMITS, handle, refuse: say }).start();
  }
  const test = new SelfTest(streams, clock, { blocks, forMs: 5000 });
  const start = (): void =>
    test.start({
      ...{ gateway: GATEWAY, terms },
      inform: async () => {
        if (lost) throw new Error('no answer after 6000 ms');
        return { info: gatewayInfo(info), latencyMs: 12.4 };
      },
    });
  const run = async (): Promise<string[]> => {
    start();
    for (let i = 0; test.status().running && i < 1000; i++) await clock.advance(100);
    return test.status().steps.map(({ id, state, sentence }) => `${id} ${state}: ${sentence}`);
  };
  return { test, clock, streams, start, run };
}

const self = suite('SelfTest');
self('sees that all is well, each step by what it saw', async () => {
  const { run, streams } = world({});
  const steps = await run();
  assert.equal(steps.slice(0, 6), [
    'gateway good: The gateway boston answers by its address in the mesh, in 12 ms.',
    'tunnel good: The tunnel (gre6) carries: its other end answers in 20 ms.',
    'exit4 good: The Internet is reached by IPv4: 9.9.9.9 answers 10.43.7.9 in 20 ms.',
    'exit6 good: The Internet is reached by IPv6: 2620:fe::fe answers fd01:2345:6789::709 in 20 ms.',
    'dns good: The name server 10.43.0.1 finds example.org through the tunnel, in 40 ms.',
    'mtu good: Packets of full size, 1500 bytes, come through in both directions.',
  ]);
  assert.match(steps[6]!, /^down good: \d+(\.\d)? Mbit\/s from the gateway\.$/);
  assert.match(steps[7]!, /^up good: \d+(\.\d)? Mbit\/s to the gateway\.$/);
  assert.ok(streams.dialled.every(({ from }) => from === OPEN.home4 || from === OPEN.home6));
});
self('shows how far it is, and takes no second one meanwhile', async () => {
  const { test, start, clock } = world({ blocks: 80 });
  assert.equal(test.status(), { running: false, steps: [] });
  start();
  assert.throws(start, (error: unknown) => error instanceof InputError);
  await clock.advance(30);
  const { running, gateway, steps } = test.status();
  assert.equal([running, gateway, steps.length], [true, 'boston', 8]);
  assert.equal([steps[0]!.state, steps[7]!.state], ['good', 'waiting']);
  const percents = new Set<number>();
  for (let i = 0; test.status().running && i < 1000; i++) {
    await clock.advance(10);
    const percent = test.status().steps.find(({ id }) => id === 'down')!.done_percent;
    if (percent !== undefined) percents.add(percent);
  }
  assert.ok(percents.size > 3, `~> ${[...percents]}`);
  start();
  assert.ok(test.status().running);
});
const [NO_TUNNEL, BROKEN] = ['there is no tunnel to a gateway', 'the tunnel does not carry'];
for (const [what, given, wanted] of [
  ['there is no lease', { terms: undefined }, { gateway: 'good', tunnel: NO_TUNNEL, up: NO_TUNNEL }],
  [
    'the gateway is gone',
    { lost: true, fates: { '10.43.0.1': 'silent' } },
    { gateway: 'no answer after 6000 ms', tunnel: 'from 10.43.7.9 its other end was asked three times', dns: BROKEN },
  ],
  [
    'the gateway answers only through the tunnel',
    { lost: true },
    { gateway: 'bad', tunnel: 'good', exit4: 'good', up: 'good' },
  ],
  [
    'IPv6 leads nowhere',
    { fates: { '2620:fe::fe': 'silent' } },
    {
      exit4: 'good',
      exit6: '2620:fe::fe was expected to answer fd01:2345:6789::709, and did not (no answer after 5 s)',
    },
  ],
  ['a firewall refuses', { fates: { '9.9.9.9': 'refused' } }, { exit4: 'Connection refused', exit6: 'good' }],
  ['the lease has no IPv6', { terms: { ...TERMS, home6: undefined } }, { exit6: 'gave no address of this kind' }],
  ['the gateway names no host', { info: { check: ['9.9.9.9:443'] } }, { exit4: 'good', exit6: 'names no host' }],
  ['names are not found', { nameless: true }, { exit4: 'good', dns: 'there is no such name', mtu: 'good' }],
  ['there is no name server', { terms: { ...OPEN, dns: [] } }, { dns: 'names no name server', mtu: 'good' }],
  [
    'the gateway does not measure',
    { noSpeed: true },
    { tunnel: 'good', mtu: 'Not measured: the gateway does not offer it', down: 'Not measured', up: 'Not measured' },
  ],
  [
    'packets of full size are lost',
    { small: true },
    { tunnel: 'good', mtu: 'of full size, 1500 bytes, do not come through', down: 'full size do not come through' },
  ],
  [
    'the gateway is an autoygg',
    { info: { software: 'autoygg v0.3.3' } },
    { tunnel: 'good', exit4: 'good', mtu: 'its end of the tunnel has no address' },
  ],
] as [string, World, Record<string, string>][])
  self(`tells it when ${what}`, async () => {
    const steps = await world(given).run();
    for (const [id, text] of Object.entries(wanted)) {
      const step = steps.find((one) => one.startsWith(`${id} `))!;
      assert.ok(step.includes(text), `~> ${step}: expected ${text}`);
    }
    assert.not.ok(
      steps.some((one) => /\{|waiting|running/.test(one)),
      `~> ${steps.join('\n')}`,
    );
  });
self.run();
