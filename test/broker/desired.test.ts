// The desired state by way of a real mosquitto, with the daemon as its own user and the helper as root: both killed at any moment.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Session } from '../../src/fleet/session.ts';
import { parseUci } from '../../src/lib/uci.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';

import { Router, routerProblem } from '../service/router.ts';
import { CONFIG, FILES } from '../support/change.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { NODE, NODE_SEED, OPERATOR, SITE, seal, wantBody } from '../support/signed.ts';
import { sleep } from '../support/sleep.ts';

const HELPER = '/usr/libexec/rpcd/meshbridge.helper';
const TOPIC = `mb/1/${SITE}/${NODE}`;
const PEERINGS = 'network.yggdrasil_ygg0_peer.address';
const ROUNDS = 6;
/** A change is confirmed 5 s after it was made, at the earliest. */
const LATEST_MS = 9000;
const DECIDED_MS = 90_000;

interface Have {
  st: string;
  node_gen?: number;
  node_st?: string;
  error?: string;
}

/** As a human would set it by hand: managed by this broker. */
const managed = (port: number): string => `config meshbridge 'main'
	option mqtt '1'
	option site '${SITE}'
	option manage_cap 'configure'
	option poll_idle '100'

config mqtt 'fleet'
	option url 'mqtt://127.0.0.1:${port}'

config key 'operator'
	option public '${OPERATOR.public}'
	option scope 'configure'
`;

/** Changes of three files that all bear the number of a generation. */
const changesOf = (gen: number): object[] => [
  { set: 'meshbridge.main.poll_idle', to: String(100 + gen) },
  { set: 'wireless.radio0.txpower', to: String(gen) },
  { add: PEERINGS, value: `tls://p${gen}.example:1` },
  ...(gen > 1 ? [{ remove: PEERINGS, value: `tls://p${gen - 1}.example:1` }] : []),
];

/** A router at a broker, and an operator. */
class Scene {
  readonly haves: Have[] = [];
  private constructor(
    readonly router: Router,
    readonly broker: Mosquitto,
    private readonly session: Session,
  ) {}

  static async open(): Promise<Scene> {
    const broker = await Mosquitto.start();
    const router = await Router.open(undefined, undefined, 'program');
    let heard: (payload: string) => void = () => {};
    const session = await Session.open({
      broker: { url: `mqtt://127.0.0.1:${broker.port()}` },
      env: {},
      onMessage: ({ payload }) => heard(Buffer.from(payload).toString()),
    });
    const scene = new Scene(router, broker, session);
    heard = (payload) => scene.haves.push(JSON.parse(payload));
    await session.subscribe([`${TOPIC}/have`]);
    const { root } = router;
    const files = { ...FILES, meshbridge: managed(broker.port()) };
    for (const [name, text] of Object.entries(files)) root.write(`${CONFIG}/${name}`, text, 0o600);
    root.write('/etc/meshbridge/node.key', `${NODE_SEED}\n`, 0o600);
    // netifd hears of radios
    root.write('/bin/ubus', '#!/bin/sh\nexit 0\n', 0o755);
    const { stdout } = root.run([HELPER, 'call', 'config_publish'], { input: '{}' });
    assert.is(stdout, '{}\n');
    await router.startDaemon();
    return scene;
  }

  async close(): Promise<void> {
    await this.session.close();
    await this.router.close();
    await this.broker.stop();
  }

  want(gen: number, more: object = {}): Promise<unknown> {
    const payload = decodeUtf8(seal('want', wantBody(gen, { confirm_s: 30, changes: changesOf(gen), ...more })));
    return this.session.publish(`${TOPIC}/want`, payload, { retain: true });
  }

  /** How a generation was decided, as it is told. */
  async decided(gen: number): Promise<Have> {
    const endMs = performance.now() + DECIDED_MS;
    for (;;) {
      const have = this.haves.at(-1);
      if (have?.node_gen === gen && have.st !== 'pending') return have;
      if (performance.now() > endMs)
        throw new Error(
          `generation ${gen} was not decided: ${JSON.stringify(have)}\n${this.router.lines.slice(-20).join('\n')}`,
        );
      await sleep(50);
    }
  }

  /** Which generation each file holds; 0: none yet. */
  get generations(): number[] {
    const { root } = this.router;
    const option = (file: string, section: string, name: string): string =>
      String(
        parseUci(root.read(`${CONFIG}/${file}`))
          .sections.find((one) => one.name === section)
          ?.options.get(name)?.value ?? '',
      );
    const peers = [...root.read(`${CONFIG}/network`).matchAll(/tls:\/\/p(\d+)\.example/g)].map((match) =>
      Number(match[1]),
    );
    assert.ok(peers.length <= 1, `~> peerings of two generations: ${peers}`);
    const power = option('wireless', 'radio0', 'txpower');
    return [Number(option('meshbridge', 'main', 'poll_idle')) - 100, peers[0] ?? 0, power === '20' ? 0 : Number(power)];
  }
}

const desired = suite<{ scene: Scene }>('the desired state at a real broker');
const reason = (await routerProblem()) ?? (await whyNoMosquitto());
if (reason) console.log(`skipped: the desired state at a real broker: ${reason}`);
else {
  desired.before(async (context) => {
    context.scene = await Scene.open();
  });
  desired.after(({ scene }) => scene?.close());

  desired('is taken, kept and told', async ({ scene }) => {
    assert.equal(scene.generations, [0, 0, 0]);
    await scene.want(1);
    const have = await scene.decided(1);
    assert.equal([have.st, have.node_st], ['applied', 'applied'], JSON.stringify(have));
    assert.equal(scene.generations, [1, 1, 1]);
    const asked = scene.router.calls.filter((call) => call.includes('desired_')).map((call) => call.split(' ')[1]);
    for (const verb of ['desired_read', 'desired_apply', 'desired_confirm']) assert.ok(asked.includes(verb), verb);
  });
  desired('is old or new, and told rightly, whoever is killed when', async ({ scene }) => {
    const { router } = scene;
    let last = scene.generations[0]!;
    let killed = 0;
    const ends: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const gen = 10 + round;
      const changes = [
        { set: 'meshbridge.main.poll_idle', to: String(100 + gen) },
        { set: 'wireless.radio0.txpower', to: String(gen) },
        { add: PEERINGS, value: `tls://p${gen}.example:1` },
        { remove: PEERINGS, value: `tls://p${last}.example:1` },
      ];
      await scene.want(gen, { changes });
      const ms = Math.floor(LATEST_MS * ((round * 0.618) % 1));
      if (round % 2 === 0) {
        await sleep(ms);
        await router.killDaemon();
        killed++;
        await sleep(300);
        await router.startDaemon();
      } else {
        // whichever helper runs within the next second
        const endMs = performance.now() + 2000;
        await sleep(ms % 1000);
        while (router.helpers.size === 0 && performance.now() < endMs) await sleep(5);
        for (const helper of router.helpers) {
          helper.kill('SIGKILL');
          killed++;
        }
      }
      const { st, error } = await scene.decided(gen);
      const now = scene.generations;
      const wanted = st === 'applied' ? gen : last;
      assert.equal(now, [wanted, wanted, wanted], `~> round ${round}, killed after ${ms} ms: ${st} ${error ?? ''}`);
      ends.push(st);
      last = wanted;
    }
    console.log(
      `measured: daemon or helper killed ${killed} times in ${ROUNDS} changes: ${ends.join(', ')}; never mixed`,
    );
    assert.ok(killed >= ROUNDS / 3, `~> ${killed}`);
  });
  desired('is undone by the daemon where the broker is gone after it', async ({ scene }) => {
    const { router, broker } = scene;
    const before = scene.generations;
    await scene.want(100, { changes: [{ set: 'wireless.radio0.txpower', to: '30' }] });
    for (; scene.generations[2] !== 30; ) await sleep(20);
    await broker.kill();
    const startedMs = performance.now();
    for (; scene.generations[2] === 30; await sleep(50))
      assert.ok(performance.now() - startedMs < DECIDED_MS, router.lines.slice(-20).join('\n'));
    assert.equal(scene.generations, before);
    const tookS = (performance.now() - startedMs) / 1000;
    console.log(`measured: undone ${tookS.toFixed(1)} s after the broker was gone, confirm_s 30`);
  });
}
desired.run();
