import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Terms } from '../../src/api/lease.ts';
import type { CheckDepth } from '../../src/mesh/home-act.ts';
import { checkTunnel } from '../../src/source/tunnel-check.ts';
import { ManualClock } from '../support/clock.ts';
import { gatewayInfo, TERMS } from '../support/gateway.ts';
import { type Fate, PipedStreams } from '../support/piped-streams.ts';

/** What a check finds where dials to these hosts have these fates; others are never answered. */
async function check(
  fates: Record<string, Fate>,
  depth: CheckDepth,
  more: { terms?: Terms; software?: string; latencyMs?: number } = {},
) {
  const clock = new ManualClock();
  const streams = new PipedStreams(clock);
  streams.fate = ({ host }) => fates[host] ?? 'silent';
  for (const [host, fate] of Object.entries(fates))
    if (fate === 'reaches')
      for (const port of [443, 8080]) streams.listen({ host, port }, () => ({ onData() {}, onClose() {} }));
  const info = gatewayInfo({
    check: ['192.0.2.1:443', '[2001:db8::1]:443'],
    ...(more.software && { software: more.software }),
  });
  let doneMs = 0;
  const work = checkTunnel(
    streams,
    clock,
    { terms: more.terms ?? TERMS, port: 8080, info, latencyMs: more.latencyMs },
    depth,
  ).then((result) => {
    doneMs = clock.monotonicMs();
    return result;
  });
  for (let i = 0; i < 100; i++) await clock.advance(100);
  return { result: await work, doneMs, dialled: streams.dialled };
}

const GATEWAY6 = TERMS.gateway6!;
const tunnel = suite('checkTunnel');
tunnel('takes a refusal of the gateway for a proof, and comes from the inner address', async () => {
  const { result, dialled } = await check({ [GATEWAY6]: 'refused' }, 'probe');
  assert.equal(result, { carries: true });
  assert.equal(dialled, [{ host: GATEWAY6, port: 8080, from: TERMS.home6! }]);
});
tunnel('takes a connection for one, too', async () => {
  assert.equal((await check({ [GATEWAY6]: 'reaches' }, 'tunnel')).result, { carries: true });
});
tunnel('uses IPv4 where there is no IPv6 inside', async () => {
  const { home6: _, gateway6: __, ...terms } = TERMS;
  const { result, dialled } = await check({ [TERMS.gateway4!]: 'refused' }, 'probe', { terms });
  assert.equal([result.carries, dialled[0]!.from], [true, TERMS.home4]);
});
tunnel('gives a probe up soon, and later where the gateway is far', async () => {
  const near = await check({}, 'probe');
  assert.equal([near.result.carries, near.doneMs, near.dialled.length], [false, 700, 1]);
  assert.is((await check({}, 'probe', { latencyMs: 400 })).doneMs, 1200);
  assert.is((await check({}, 'probe', { latencyMs: 9000 })).doneMs, 2000);
});
tunnel('has patience with a new tunnel', async () => {
  const { result, doneMs, dialled } = await check({}, 'tunnel');
  assert.equal([result.carries, doneMs, dialled.length], [false, 4500, 3]);
  assert.is(result.problem, "the gateway's end of the tunnel does not answer");
});
tunnel('looks as far as the Internet, by both', async () => {
  const inside = { [GATEWAY6]: 'refused' as const };
  const exit = async (four: Fate, six: Fate) =>
    (await check({ ...inside, '192.0.2.1': four, '2001:db8::1': six }, 'exit')).result;
  assert.equal(await exit('reaches', 'reaches'), { carries: true, ipv4: true, ipv6: true });
  assert.equal(await exit('reaches', 'silent'), { carries: true, ipv4: true, ipv6: false });
  assert.equal(await exit('refused', 'reaches'), {
    ...{ carries: true, ipv4: false, ipv6: true, problem: 'the Internet was not reached by IPv4' },
  });
});
tunnel('does not look for what the lease does not have', async () => {
  const { home6: _, gateway6: __, ...terms } = TERMS;
  const { result } = await check({ [TERMS.gateway4!]: 'refused', '192.0.2.1': 'reaches' }, 'exit', { terms });
  assert.equal(result, { carries: true, ipv4: true });
});
tunnel('looks through the tunnel of an autoygg at the Internet, since its end has no address', async () => {
  const { home6: _, gateway6: __, ...terms } = TERMS;
  const { result, dialled } = await check({ '192.0.2.1': 'reaches' }, 'probe', { terms, software: 'autoygg v0.3.3' });
  assert.equal([result.carries, dialled], [true, [{ host: '192.0.2.1', port: 443, from: TERMS.home4! }]]);
});
tunnel.run();
