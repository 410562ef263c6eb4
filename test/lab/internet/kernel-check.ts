// Checks for kernels that can more than others: a line that delays and loses, and flows that the kernel takes past all rules (flow offload).

import { ECHO_PORT, INTERNET } from './address.ts';
import { choose, tight } from './home-check.ts';
import { expect, type LabReport, ms } from './report.ts';
import { sleep, until } from './until.ts';
import { LAN_DEVICE, LINE_DEVICE, type World } from './world.ts';

const DELAY_MS = 40;
const LOSS_PERCENT = 1;
const WHILE_MS = 3000;

/** Why the kernel has no flow tables; `undefined`: it has. */
export async function offloadProblem(world: World): Promise<string | undefined> {
  const script =
    'table inet probe { flowtable f { hook ingress priority 0; devices = { lo }; }; }\ndelete table inet probe\n';
  const { code, stderr } = await world.place('stranger').run(['nft', '-f', '-'], script);
  return code === 0 ? undefined : (stderr.trim().split('\n')[0] ?? 'refused');
}

/** The home's line is long, and loses packets. */
export async function checkBadLine(world: World, report: LabReport): Promise<void> {
  const line = world.place('line');
  const words = ['netem', 'delay', `${DELAY_MS}ms`, 'loss', `${LOSS_PERCENT}%`];
  await report.check(`by a line of ${DELAY_MS} ms that loses ${LOSS_PERCENT} %`, async () => {
    await line.must(['tc', 'qdisc', 'add', 'dev', 'home', 'root', ...words]);
    try {
      const said = await tight(world, 50, async () => {
        await world.host.do('open', { name: 'far', host: INTERNET.web4, port: ECHO_PORT });
        await sleep(WHILE_MS);
      });
      const [flow] = await world.host.do('flows');
      await world.host.do('hangUp');
      expect(flow?.ended === undefined && flow!.received > 0, `a flow: ${flow?.ended ?? 'nothing came back'}`);
      const { state } = await world.home.call('meshbridge.lease', 'status');
      expect(state === 'up' || state === 'degraded', `the home is ${state}`);
      return `${flow!.received} echoes, longest silence ${ms(flow!.gapMs)}; ${said}`;
    } finally {
      await line.run(['tc', 'qdisc', 'del', 'dev', 'home', 'root']);
    }
  });
}

/** The home's flows are offloaded, as fw4 does it; then its tunnels go. */
export async function checkOffload(world: World, report: LabReport): Promise<void> {
  const home = world.place('home');
  await report.check('flow offload: tunnels deleted under load', async () => {
    await choose(world, 'g1');
    const tunnels = (await home.must(['ip', '-br', 'link'])).match(/^mbt[01]/gm) ?? [];
    expect(tunnels.length > 0, 'the home has no tunnel');
    const devices = ['lan0', LINE_DEVICE, ...tunnels].map((name) => `"${name}"`).join(', ');
    await home.nft(`table inet fastpath {
  flowtable f { hook ingress priority 0; devices = { ${devices} }; }
  chain forward { type filter hook forward priority 0; policy accept; meta l4proto { tcp, udp } flow add @f; }
}
`);
    try {
      await world.host.do('open', { name: 'fast', host: INTERNET.web4, port: ECHO_PORT });
      let offloaded = 0;
      const said = await tight(world, 200, async () => {
        await sleep(WHILE_MS / 2);
        offloaded = (await home.must(['cat', '/proc/net/nf_conntrack'])).split('OFFLOAD').length - 1;
        for (const name of tunnels) await home.run(['ip', 'link', 'del', name]);
        await sleep(WHILE_MS);
      });
      expect(offloaded > 0, `no flow was offloaded from ${LAN_DEVICE}`);
      return `${offloaded} flows were offloaded; ${said}`;
    } finally {
      await world.host.do('hangUp');
      await home.nft('delete table inet fastpath\n');
    }
  });
  await until('there is a way again', async () => {
    await choose(world, 'g1');
    return true;
  });
}
