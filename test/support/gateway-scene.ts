// Gateways of one operator: real daemons on the C host, each in a machine of its own beside a real Yggdrasil, all at one real mosquitto with
// passwords and an access list; and the operator with meshctl. Homes are played: their addresses are the gateway's own, so that they can come from them.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleRouter } from '../../build/bundle.ts';
import { buildNative, findCompiler } from '../../build/native.ts';
import { DIST, ROOT } from '../../build/project.ts';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { errorText } from '../../src/errors.ts';
import { crypto } from '../../src/fleet/crypto.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { makeCard, openCode, passwordOf, saltOf } from '../../src/lib/enrolment.ts';
import { LabDaemon, type Section } from '../lab/internet/daemon.ts';
import { MeshNode } from '../lab/internet/mesh-node.ts';
import { type Ended, Place } from '../lab/internet/place.ts';
import { until } from '../lab/internet/until.ts';
import { leaseRequest } from './gateway.ts';
import { Operator } from './meshctl.ts';
import { Mosquitto, whyNoMosquitto } from './mosquitto.ts';
import { networkProblem } from './network.ts';
import { nodeOf } from './node-key.ts';

export const SITE = 'elm-street';
/** Of the operator's login at the broker. */
export const BROKER_PASSWORD = 'of the operator';
const PORT = 8080;
/** A fleet does not come all at once: each router waits a while of its own. */
export const BROKER_MS = 120_000;
const PROGRAM = join(DIST, 'native', 'meshbridge-fleet');
/** Homes that may come: their numbers begin here, and there are so many. */
const FIRST_HOME = 100;
const HOMES = 8;

/** Why there can be no such scene here; `undefined`: there can. */
export async function sceneProblem(): Promise<string | undefined> {
  if (!findCompiler()) return 'no C compiler (install gcc)';
  const problem = (await networkProblem()) ?? (await whyNoMosquitto());
  if (problem !== undefined) return problem;
  try {
    await ensureYggdrasil((line) => console.log(line));
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** A home by its number, from 0 on. */
export const homeOf = (number: number): { key: string; address: string } => nodeOf(FIRST_HOME + number);

/** What a gateway's first section says so that it comes to the broker. */
export const BROKER_MAIN = { mqtt: 1, site: SITE, manage_cap: 'observe' } as const;

/** A broker, and an operator with a login there and a key that decides on homes. */
export async function startBroker(it: Operator): Promise<{ broker: Mosquitto; key: string }> {
  const broker = await Mosquitto.start({
    config: ['acl_file acl', 'password_file passwords', 'allow_anonymous false', 'max_queued_messages 100000'],
    files: { acl: '', passwords: '' },
  });
  const password = it.file('password', `${BROKER_PASSWORD}\n`);
  const urls = ['--url', `mqtt://127.0.0.1:${broker.port()}`, '--node-url', 'mqtt://[200:db8::1]'];
  await it.json(['broker', 'set', ...urls, '--user', 'operator', '--password-file', password]);
  const { public: key } = await it.json<{ public: string }>('keys new otto --scope desk');
  await it.json(`enroll passwords --write ${broker.path('passwords')} --add operator`, {
    env: { MESHCTL_NEW_PASSWORD: BROKER_PASSWORD },
  });
  return { broker, key };
}

/** Has a broker read who may do what. */
export async function writeAccess(it: Operator, broker: Mosquitto): Promise<void> {
  await it.json(`enroll acl --write ${broker.path('acl')}`);
  await it.json(`enroll passwords --write ${broker.path('passwords')}`);
  broker.reload();
}

/** Enrols a gateway, whose key lies beside its configuration. @returns its password at the broker */
export async function enrol(it: Operator, name: string, directory: string, seed: Uint8Array): Promise<string> {
  const card = makeCard(crypto, seed, new Uint8Array(randomBytes(12)));
  const { code } = await it.json<{ code: string }>(['enroll', 'new', card, '--site', SITE, '--name', name]);
  writeFileSync(join(directory, 'node.key'), `${toHex(seed)}\n`, { mode: 0o600 });
  return passwordOf(crypto, seed, saltOf(openCode(crypto, code)!)!);
}

/** The sections of a gateway's configuration that name broker and operator. */
export function brokerSections(broker: Mosquitto, password: string, key: string): Section[] {
  return [
    { type: 'mqtt', name: 'fleet', options: { url: `unix://${broker.socket}`, password } },
    { type: 'key', name: 'otto', options: { public: key, scope: 'desk' } },
  ];
}

/** One gateway. */
export class SceneGateway {
  readonly seed = new Uint8Array(randomBytes(32));
  password = '';

  constructor(
    readonly name: string,
    readonly place: Place,
    readonly node: MeshNode,
    readonly daemon: LabDaemon,
  ) {}

  get address(): string {
    return this.node.address;
  }

  /** Asks its registrar as a home. */
  async asHome(
    number: number,
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; json: Record<string, unknown> }> {
    const { address } = homeOf(number);
    const { stdout } = await this.place.run([
      ...['curl', '-s', '-X', method, '--interface', address, '--max-time', '10', '-w', '\n%{http_code}'],
      ...(body ? ['-d', JSON.stringify(body)] : []),
      `http://[${this.address}]:${PORT}${path}`,
    ]);
    const at = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(at + 1)), json: JSON.parse(stdout.slice(0, at) || '{}') };
  }

  /** A home asks for a lease, by way of VXLAN. */
  lease(number: number, more: object = {}): ReturnType<SceneGateway['asHome']> {
    const { key } = homeOf(number);
    return this.asHome(number, 'PUT', '/v1/lease', { ...leaseRequest({ key, kinds: ['vxlan'] }), ...more });
  }
}

/** Everything of it. */
export class GatewayScene {
  readonly it = new Operator();
  readonly gateways: SceneGateway[] = [];
  broker!: Mosquitto;
  /** Of the operator's own key. */
  key = '';
  private readonly directory = mkdtempSync(join(tmpdir(), 'meshbridge-gateways-'));

  /** Builds it and starts all daemons. @param options of their sections `registrar`. @throws Error */
  static async open(names: readonly string[], options: Section['options'] = {}): Promise<GatewayScene> {
    const scene = new GatewayScene();
    try {
      await buildNative({ ...(await bundleRouter()), out: PROGRAM, debug: false });
      Object.assign(scene, await startBroker(scene.it));
      for (const name of names) await scene.addGateway(name);
      if (options.group !== undefined) await scene.it.json(['group', 'set', String(options.group), ...names]);
      await scene.writeAccess();
      for (const gateway of scene.gateways) await scene.start(gateway, options);
      return scene;
    } catch (error) {
      await scene.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const { daemon, place } of this.gateways) {
      await daemon.close();
      await place.close();
    }
    await this.broker?.stop();
    this.it.end();
    rmSync(this.directory, { recursive: true, force: true });
  }

  gateway(name: string): SceneGateway {
    return this.gateways.find((one) => one.name === name)!;
  }

  /** Has the broker read who may do what again. */
  writeAccess(): Promise<void> {
    return writeAccess(this.it, this.broker);
  }

  /** Configures a daemon and starts it; resolves when it serves and its broker has it. */
  async start({ name, place, daemon, password }: SceneGateway, options: Section['options'] = {}): Promise<void> {
    daemon.configure(this.sections(name, password, `${place.directory}/clients`, options), BROKER_MAIN);
    const since = daemon.lines.length;
    await daemon.start();
    await daemon.logged(/registrar: serving/, since);
    const isUp = async (): Promise<boolean> => {
      const { brokers } = (await daemon.call('meshbridge', 'telemetry')) as { brokers: { state: string }[] };
      return brokers[0]?.state === 'up' || Promise.reject(new Error(JSON.stringify(brokers)));
    };
    await until(`${name} is at its broker`, isUp, BROKER_MS);
  }

  /** Runs meshctl in the machine of a gateway, as whoever lives in the mesh. */
  meshctl(gateway: SceneGateway, words: readonly string[], home = this.it.home.path): Promise<Ended> {
    const argv = [process.execPath, 'build/run.mjs', 'src/fleet/main.ts', ...words];
    return gateway.place.run(['env', '-C', ROOT, `MESHCTL_HOME=${home}`, ...argv]);
  }

  private async addGateway(name: string): Promise<void> {
    const { it } = this;
    const place = await Place.open(name, this.directory, process.env.PATH!);
    const node = await MeshNode.start(place, await ensureYggdrasil(() => {}), {});
    const gateway = new SceneGateway(name, place, node, new LabDaemon(place, PROGRAM, node));
    this.gateways.push(gateway);
    const homes = Array.from({ length: HOMES }, (_, number) => `addr add ${homeOf(number).address}/128 dev lo nodad`);
    await place.ip(homes);
    // a default route, so that the gateway has a line
    await place.ip(['link add wan0 type veth peer name wan1', 'link set wan0 up', 'link set wan1 up']);
    await place.ip(['addr add 203.0.113.2/24 dev wan0', 'route add default via 203.0.113.1']);
    gateway.password = await enrol(it, name, place.directory, gateway.seed);
  }

  private sections(name: string, password: string, clients: string, options: Section['options']): Section[] {
    return [
      ...brokerSections(this.broker, password, this.key),
      {
        type: 'registrar',
        name: 'registrar',
        options: {
          ...{ enabled: 1, admission: 'ask', name, kinds: ['vxlan'], dns: ['9.9.9.9'], ask: 'otto' },
          ...{ pool4: '10.43.0.0/16', clients_dir: clients, desk_cap: 'desk', max_clients: 2000, ...options },
        },
      },
    ];
  }
}
