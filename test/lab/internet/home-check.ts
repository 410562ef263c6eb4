// Checks of the home: its way out, what stays inside when that is gone, how it finds another one, what it leaves behind.

import {
  atProvider,
  ECHO_PORT,
  INTERNET,
  LAN,
  LAN_DOMAIN,
  LINE_AT_PROVIDER,
  PRINTER,
  SINK_PORT,
  WEB_NAME,
  WEB_PORT,
} from './address.ts';
import type { Flooded } from './flood.ts';
import { expect, type LabReport, ms } from './report.ts';
import { patient, sleep, until } from './until.ts';
import type { GatewayLetter, World } from './world.ts';

/** Under which address the home appears by its own line. */
const LINE_SEEN = atProvider(LINE_AT_PROVIDER).v4;
const WEB = { v4: INTERNET.web4, v6: INTERNET.web6 } as const;
type Family = keyof typeof WEB;
const FAMILIES = ['v4', 'v6'] as const;
/** New flows work within this of a gateway's death. */
const FAILOVER_MS = 5000;
/** What a machine that is busy with other things may add; figures come from the bench. */
const FAILOVER_LIMIT_MS = 3 * FAILOVER_MS;
const LOAD_MS = 3000;
const FLUSHES = 40;
/** A packet that was asked for more often than it was sent would be counted twice. */
const LEAST_SENT = 100;

/** Under which address the LAN's host appears in the Internet; `undefined`: it does not get there. */
async function seenAs({ host }: World, family: Family, timeoutMs = 2000): Promise<string | undefined> {
  const { status, body } = await host.do('get', { host: WEB[family], port: WEB_PORT, timeoutMs: patient(timeoutMs) });
  return status === 200 ? (JSON.parse(body) as { from: string }).from : undefined;
}

/** Waits until the LAN's host appears under a gateway's addresses, of both families. @returns how long that took. */
export async function untilExit(world: World, name: GatewayLetter, limitMs = 20_000): Promise<number> {
  const { exit } = world.gateway(name);
  const took: number[] = [];
  for (const family of FAMILIES)
    took.push(
      await until(
        `the exit is that of ${name}, ${family}`,
        async () => {
          const from = await seenAs(world, family);
          if (from !== exit[family]) throw new Error(`seen as ${from ?? 'nobody'}, ${await situation(world)}`);
          return true;
        },
        limitMs,
      ),
    );
  return took[0]! + took[1]!;
}

/** Waits until the LAN's host appears under the address of any gateway. @returns how long that took. */
async function untilAnyExit(world: World): Promise<string> {
  let name = '';
  const tookMs = await until(
    'there is an exit again',
    async () => {
      const from = await seenAs(world, 'v4', 500);
      name = [...world.gateways.values()].find(({ exit }) => exit.v4 === from)?.name ?? '';
      if (name === '') throw new Error(`seen as ${from ?? 'nobody'}, ${await situation(world)}`);
      return true;
    },
    30_000,
  );
  return `${ms(tookMs)}, by ${name}`;
}

/** Has the home use a gateway: by itself it goes back to a preferred one only after minutes. */
export async function choose(world: World, name: GatewayLetter): Promise<void> {
  await until(
    'it can be chosen',
    async () => {
      await world.home.call('meshbridge.lease', 'ask');
      await world.home.call('meshbridge.lease', 'choose', { gateway: name });
      return (await seenAs(world, 'v4', 400)) === world.gateway(name).exit.v4;
    },
    60_000,
  );
  await untilExit(world, name);
}

/** What the home says of itself. */
export async function situation(world: World): Promise<string> {
  try {
    const { state, id, sentence } = await world.home.call('meshbridge.lease', 'status');
    return `${state}, ${id}: ${sentence}`;
  } catch (error) {
    return `no status: ${error instanceof Error ? error.message : error}`;
  }
}

/** Everything that a LAN does, steadily, until `calm`. */
export function load(world: World, perSecond = 200): Promise<void> {
  return world.host.do('flood', {
    ...{ hosts: [WEB.v4, WEB.v6], port: SINK_PORT, perSecond, dialPort: WEB_PORT, dialsPerSecond: 5 },
    ...{ resolver: LAN.home4, asksPerSecond: 10, domain: LAN_DOMAIN },
  });
}

function inWords({ sent, refused, dials, asks }: Flooded): string {
  return `${sent + refused} datagrams, ${dials} connections, ${asks} questions for names`;
}

/** Puts the LAN under load, does something, and expects that nothing but what may has gone over the line. */
export async function tight(world: World, perSecond: number, during: () => Promise<void>): Promise<string> {
  await world.line.since();
  await load(world, perSecond);
  let flooded: Flooded;
  try {
    await during();
  } finally {
    flooded = await world.host.do('calm');
  }
  const { packets, leaks } = await world.line.since();
  expect(flooded.sent + flooded.refused > LEAST_SENT && flooded.asks > 0, `there was no load: ${inWords(flooded)}`);
  const [first] = leaks;
  expect(
    packets.leak === 0,
    `${packets.leak} packets on the line that have no business there: ${first?.[0]} (${first?.[1]} times)`,
  );
  return `0 packets on the line of ${inWords(flooded)} (${packets.yggdrasil} of Yggdrasil, ${packets['look-up']} look-ups of the router)`;
}

const home = (world: World) => world.place('home');

async function rules(world: World): Promise<string> {
  return (await home(world).must(['ip', 'rule', 'show'])) + (await home(world).must(['ip', '-6', 'rule', 'show']));
}

/** All that the home's network is made of, as text; what counts on is left out. */
export async function machineState(world: World): Promise<string> {
  const must = (...argv: string[]): Promise<string> => home(world).must(argv);
  const parts = [
    await must('nft', '-s', 'list', 'ruleset'),
    await rules(world),
    ...(await Promise.all(['-4', '-6'].map((family) => must('ip', family, 'route', 'show', 'table', 'all')))),
    (await must('ip', '-br', 'link')).replace(/<.*>/g, ''),
  ];
  return parts
    .join('\n')
    .split('\n')
    .map((line) => line.replace(/ expires \S+| pref medium| metric \d+/g, '').trim())
    .filter((line) => line !== '' && !/ (ff00|fe80|multicast|anycast)|^(local|broadcast) /.test(` ${line}`))
    .sort()
    .join('\n');
}

/** Where the capture and the web server must see the LAN: else nothing that they do not see would prove anything. */
export async function checkOwnLine(world: World, report: LabReport): Promise<void> {
  await report.check('control: without a lease the LAN goes by its own line, and the capture sees it', async () => {
    const seen = await Promise.all(FAMILIES.map((family) => seenAs(world, family, 5000)));
    expect(seen.every(Boolean), `the Internet was not reached: ${seen}`);
    await until('the resolver answers', async () => {
      const { addresses, problem } = await world.host.do('askName', { server: LAN.home4, name: WEB_NAME });
      if (addresses[0] !== WEB.v4) throw new Error(problem ?? `got ${addresses}`);
      return true;
    });
    const { packets } = await world.line.since();
    expect(packets.leak >= 10, `the capture saw ${packets.leak} packets of the LAN`);
    return `seen as ${seen.join(' and ')}, ${packets.leak} packets captured`;
  });
}

/** The daemon starts, its gateways are not there yet. */
export async function checkBeforeLease(world: World, report: LabReport): Promise<void> {
  await report.check('nothing before the first lease', async () => {
    await world.home.start();
    const tookMs = await until('the LAN is kept from the line', async () => {
      const { blocking } = await world.home.call('meshbridge.lease', 'status');
      return blocking === true && (await seenAs(world, 'v4', 500)) === undefined;
    });
    const said = await tight(world, 200, async () => {
      const { ms: waitedMs, error } = await world.host.do('get', {
        host: WEB.v4,
        port: WEB_PORT,
        timeoutMs: patient(3000),
      });
      expect(error !== 'timeout', 'a connection hangs instead of being refused');
      expect(waitedMs < patient(1500), `a connection is refused only after ${ms(waitedMs)}`);
      await sleep(LOAD_MS);
    });
    return `closed ${ms(tookMs)} after the start, refused at once; ${said}`;
  });
}

/** Gateways come, and the home finds them. */
export async function checkExit(world: World, report: LabReport): Promise<boolean> {
  const isUp = await report.check('exit by the gateway, v4 and v6', async () => {
    const took = await untilAnyExit(world);
    await choose(world, 'g1');
    const { exit } = world.gateway('g1');
    return `${took}, after the gateways were there; chosen by hand, seen as ${exit.v4} and ${exit.v6}`;
  });
  await report.check('names are asked for by the gateway; those of the LAN stay', async () => {
    await world.net.do('seen');
    // the resolver hears of its servers a moment after the way is open
    const tookMs = await until(`${WEB_NAME} is resolved`, async () => {
      const { addresses, problem } = await world.host.do('askName', { server: LAN.home4, name: WEB_NAME });
      if (addresses[0] !== WEB.v4) throw new Error(problem ?? `got ${addresses}`);
      return true;
    });
    const printer = await world.host.do('askName', { server: LAN.home4, name: PRINTER.name });
    expect(printer.addresses[0] === PRINTER.v4, `${PRINTER.name}: got ${printer.addresses}`);
    const { names } = await world.net.do('seen');
    const asked = Object.keys(names).filter((one) => one.endsWith(` ${WEB_NAME}`));
    expect(asked.join() === `${world.gateway('g1').exit.v4} ${WEB_NAME}`, `asked by ${asked}`);
    expect(!Object.keys(names).some((one) => one.includes(PRINTER.name)), 'a name of the LAN was asked for outside');
    return `asked by ${asked.join()}, ${ms(tookMs)} after it was chosen`;
  });
  await report.check('under load by the tunnel', () => tight(world, 200, () => sleep(LOAD_MS)));
  return isUp;
}

/** Tunnels, daemon and rules go, under load. */
export async function checkTightness(world: World, report: LabReport): Promise<void> {
  const deleteTunnels = async (): Promise<void> => {
    for (const name of ['mbt0', 'mbt1']) await home(world).run(['ip', 'link', 'del', name]);
  };
  await report.check('both tunnels deleted under load', async () => {
    const said = await tight(world, 500, async () => {
      for (let i = 0; i < 2; i++) {
        await deleteTunnels();
        await sleep(LOAD_MS / 2);
      }
    });
    return `${said}; an exit again after ${await untilAnyExit(world)}`;
  });
  await report.check('the daemon killed with -9, then both tunnels deleted', async () => {
    const said = await tight(world, 500, async () => {
      await world.home.kill();
      await sleep(LOAD_MS / 2);
      await deleteTunnels();
      await sleep(LOAD_MS / 2);
      await world.home.start();
    });
    return `${said}; an exit again after ${await untilAnyExit(world)}`;
  });
  await report.check(`${FLUSHES} times all rules of routing flushed and added again`, () =>
    tight(world, 1000, () => flushRules(world)),
  );
  await report.check('all tables of all owners flushed: restored by the daemon', async () => {
    await home(world).must(['nft', 'flush', 'ruleset']);
    const tookMs = await until(
      'its table is there',
      async () => (await home(world).run(['nft', 'list', 'table', 'inet', 'meshbridge'])).code === 0,
    );
    await home(world).nft(world.stockRules);
    return `after ${ms(tookMs)}`;
  });
}

/** As netifd does at each reload: every rule goes, and comes back. */
async function flushRules(world: World): Promise<void> {
  const batches = await Promise.all(
    ['-4', '-6'].map(async (family) => {
      const lines = (await home(world).must(['ip', family, 'rule', 'show'])).trim().split('\n');
      const own = lines.map((line) => /^(10\d\d):\s+(.*)$/.exec(line)).filter((match) => match !== null);
      expect(own.length > 0, 'the home has no rules of routing');
      const commands = ['del', 'add'].flatMap((verb) =>
        own.map(([, pref, words]) => `rule ${verb} pref ${pref} ${words!.replace('[detached] ', '')}`),
      );
      return [family, `${commands.join('\n')}\n`] as const;
    }),
  );
  // by one shell, so that they come fast
  const script = batches.map(([family, commands]) => `ip ${family} -force -batch - <<'END'\n${commands}END\n`).join('');
  await home(world).run(['sh', '-c', `i=0; while [ $i -lt ${FLUSHES} ]; do\n${script}i=$((i + 1)); done`]);
}

/** How long new flows fail when a gateway dies in silence. */
export async function failOver(world: World, from: GatewayLetter, to: GatewayLetter): Promise<number> {
  world.gateway(from).node.freeze();
  const startMs = performance.now();
  const { exit } = world.gateway(to);
  await until(`new flows go by ${to}`, async () => (await seenAs(world, 'v4', 400)) === exit.v4, 30_000);
  return performance.now() - startMs;
}

/** The gateway in use dies without a word, and comes back. */
export async function checkFailover(world: World, report: LabReport): Promise<void> {
  await report.check('failover when the gateway dies in silence', async () => {
    await choose(world, 'g1');
    await world.host.do('open', { name: 'old', host: WEB.v4, port: ECHO_PORT });
    await load(world, 50);
    await sleep(500);
    const tookMs = await failOver(world, 'g1', 'g2');
    const v6Ms = await until('v6, too', async () => (await seenAs(world, 'v6', 1000)) === world.gateway('g2').exit.v6);
    await until('the old flow is reset', async () => (await world.host.do('flows'))[0]?.ended !== undefined);
    const [old] = await world.host.do('flows');
    await world.host.do('hangUp');
    await world.host.do('calm');
    expect(tookMs < patient(FAILOVER_LIMIT_MS), `new flows work after ${ms(tookMs)} only`);
    return `new flows after ${ms(tookMs)} (target ${ms(FAILOVER_MS)}), v6 ${ms(v6Ms)} later; the old flow: ${old?.ended}`;
  });
  await report.check('and back', async () => {
    world.gateway('g1').node.thaw();
    const said = await tight(world, 100, () => choose(world, 'g1'));
    return `chosen by hand; ${said}`;
  });
}

/** A power-cycle: what is in RAM is gone, what the boot loads from flash is there before the network is. */
export async function checkColdBoot(world: World, report: LabReport): Promise<void> {
  await report.check('cold boot with the kill switch on', async () => {
    const place = home(world);
    const guard = (await place.must(['find', place.directory, '/etc/meshbridge', '-name', 'guard.nft']))
      .trim()
      .split('\n')[0]!;
    expect(guard !== '', 'no guard.nft was kept for the next boot');
    await world.home.kill();
    await world.homeNode.kill();
    const said = await tight(world, 200, async () => {
      for (const name of ['mbt0', 'mbt1', 'mbwg']) await place.run(['ip', 'link', 'del', name]);
      await place.must(['sh', '-e', '-c', 'rm -rf /run/meshbridge/*; echo >/run/meshbridge/dnsmasq.servers']);
      // one transaction, as the rules of a boot are there before any network is
      await place.nft(`flush ruleset\n${await place.must(['cat', guard])}\n${world.stockRules}`);
      for (const family of ['-4', '-6'])
        for (const line of (await place.must(['ip', family, 'rule', 'show'])).matchAll(/^(10\d\d):/gm))
          await place.run(['ip', family, 'rule', 'del', 'pref', line[1]!]);
      await world.homeNode.start();
      await sleep(LOAD_MS / 3);
      await world.home.start();
      await sleep(LOAD_MS);
    });
    return `${said}; up again after ${ms(await untilExit(world, 'g1', 60_000))}`;
  });
}

/** Switched off: the line serves again, and nothing of ours is left. */
export async function checkRelease(world: World, report: LabReport, before: string): Promise<void> {
  const clean = async (): Promise<string> => {
    const tookMs = await until('the LAN goes by its line', async () => (await seenAs(world, 'v4', 1000)) === LINE_SEEN);
    await until('nothing is left', async () => {
      const after = await machineState(world);
      if (after !== before) throw new Error(difference(before, after));
      return true;
    });
    await until('the resolver asks the line', async () => {
      const { addresses } = await world.host.do('askName', { server: LAN.home4, name: WEB_NAME });
      return addresses[0] === WEB.v4;
    });
    return `after ${ms(tookMs)}; rules, tables, routes and devices as before (${before.split('\n').length} lines)`;
  };
  await report.check('released: the own line serves, nothing is left behind', async () => {
    await world.home.call('meshbridge.lease', 'release');
    return clean();
  });
  await report.check('the same by `meshbridge release`, with the daemon and Yggdrasil dead', async () => {
    world.home.configure(world.lease(false));
    world.home.reload();
    world.home.configure(world.lease(true));
    world.home.reload();
    await untilAnyExit(world);
    await world.home.kill();
    await world.homeNode.kill();
    await home(world).must([world.options.daemon, 'release']);
    await world.homeNode.start();
    return clean();
  });
}

function difference(before: string, after: string): string {
  const [old, now] = [before, after].map((text) => text.split('\n')) as [string[], string[]];
  const more = now.filter((line) => !old.includes(line));
  const less = old.filter((line) => !now.includes(line));
  return `more: ${more.slice(0, 5).join(' | ') || 'nothing'}; less: ${less.slice(0, 5).join(' | ') || 'nothing'}`;
}
