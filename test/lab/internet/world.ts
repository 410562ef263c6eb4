// The world of the lab: a LAN with a host, its home, the router of its line, the Internet, two gateways and a stranger, each a machine of its own.
//
//   lan host -- home -- router of the line -- Internet (web, name server, public peer of the mesh)
//                                              |-- gateways g1, g2
//                                              `-- stranger

import type { TunnelKind } from '../../../src/api/lease.ts';
import {
  atProvider,
  INTERNET,
  LAN,
  LINE,
  LINE_AT_PROVIDER,
  PEER_NAME,
  PEER_PORT,
  PRINTER,
  PROVIDER,
  WEB_NAME,
} from './address.ts';
import { CAPTAIN } from './captain.ts';
import { Capture } from './capture.ts';
import { LabDaemon, type Section } from './daemon.ts';
import { Hands } from './hands.ts';
import { MeshNode } from './mesh-node.ts';
import { Place, plug } from './place.ts';

/** What the lab is made with. */
export interface WorldOptions {
  /** In which each machine has a directory. */
  directory: string;
  /** On which the programs of networks are. */
  path: string;
  yggdrasil: string;
  /** The daemon on the C host. */
  daemon: string;
  /** The bundled agent. */
  agent: string;
  /** Of tunnels; gateways offer no other. */
  kind: TunnelKind;
}

const GATEWAYS = { g1: 21, g2: 22 } as const;
const STRANGER = 40;
export const LAN_DEVICE = 'br-lan';
export const LINE_DEVICE = 'wan';
/** In which the LAN's resolver reads whom to ask. */
const SERVERS = '/run/meshbridge/dnsmasq.servers';
const FORWARD = { 'ipv4/ip_forward': 1, 'ipv6/conf/all/forwarding': 1 };

const STOCK = `table inet stock {
  chain postrouting { type nat hook postrouting priority 100; policy accept; oifname "${LINE_DEVICE}" masquerade; }
}
`;

export type GatewayLetter = keyof typeof GATEWAYS;

/** A gateway of the lab. */
export interface LabGateway {
  readonly name: GatewayLetter;
  readonly place: Place;
  readonly node: MeshNode;
  readonly daemon: LabDaemon;
  /** Under which its homes appear in the Internet. */
  readonly exit: { v4: string; v6: string };
}

/** A machine at the provider, with an address and a default route. */
async function atNet(net: Place, place: Place, device: string, number: number): Promise<void> {
  const { v4, v6 } = atProvider(number);
  await plug(place, device, net, place.name);
  await net.ip([`link set ${place.name} gso_max_segs 1 master br0`]);
  await place.ip([
    `addr add ${v4}/24 dev ${device}`,
    `addr add ${v6}/64 dev ${device} nodad`,
    `route add default via ${PROVIDER.gateway4}`,
    `route add default via ${PROVIDER.gateway6}`,
  ]);
}

/** All of it. */
export class World {
  readonly places = new Map<string, Place>();
  /** Of a home that nobody told of gateways: the LAN goes to the line, translated. */
  readonly stockRules = STOCK;
  private readonly daemons: LabDaemon[] = [];
  readonly gateways = new Map<GatewayLetter, LabGateway>();
  private captures: Capture[] = [];
  net!: Hands;
  host!: Hands;
  strangerHands!: Hands;
  homeHands!: Hands;
  homeNode!: MeshNode;
  strangerNode!: MeshNode;
  home!: LabDaemon;
  /** Of the home's end of its line. */
  line!: Capture;

  private constructor(readonly options: WorldOptions) {}

  /** Builds it, up to where the daemons are configured, but do not run. @throws Error */
  static async build(options: WorldOptions): Promise<World> {
    const world = new World(options);
    try {
      await world.layCables();
      await world.startServers();
      await world.startMesh();
      await world.prepareGateways();
      await world.prepareHome();
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  place(name: string): Place {
    const place = this.places.get(name);
    if (!place) throw new Error(`no machine ${name} in the lab`);
    return place;
  }

  gateway(name: GatewayLetter): LabGateway {
    return this.gateways.get(name)!;
  }

  /** Ends everything in it. */
  async close(): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.close()));
    await Promise.all(this.captures.map((capture) => capture.stop()));
    await Promise.all([...this.places.values()].map((place) => place.close()));
  }

  /** Adds a machine. @param resolver the name server in its resolv.conf. */
  async open(name: string, resolver?: string): Promise<Place> {
    const place = await Place.open(name, this.options.directory, this.options.path, resolver);
    this.places.set(name, place);
    return place;
  }

  private async layCables(): Promise<void> {
    const [net, line, home, lan] = await Promise.all([
      this.open('net'),
      this.open('line'),
      this.open('home', LINE.router4),
      this.open('lan', LAN.home4),
    ]);
    const { web4, web6, dns4, dns6, peer4, peer6 } = INTERNET;
    await net.ip([
      'link add br0 type bridge',
      // one packet is one packet to whoever counts them
      'link set br0 gso_max_segs 1 up',
      `addr add ${PROVIDER.gateway4}/24 dev br0`,
      `addr add ${PROVIDER.gateway6}/64 dev br0 nodad`,
      ...[web4, dns4, peer4].map((address) => `addr add ${address}/32 dev lo`),
      ...[web6, dns6, peer6].map((address) => `addr add ${address}/128 dev lo nodad`),
    ]);
    await net.knobs(FORWARD);

    await line.knobs(FORWARD);
    await atNet(net, line, 'uplink', LINE_AT_PROVIDER);
    await plug(line, 'home', home, LINE_DEVICE);
    await line.ip([`addr add ${LINE.router4}/24 dev home`, `addr add ${LINE.router6}/64 dev home nodad`]);
    await net.ip([`route add ${LINE.router6.replace(/::.*/, '::')}/64 via ${atProvider(LINE_AT_PROVIDER).v6}`]);
    await line.nft(
      'table ip line { chain nat { type nat hook postrouting priority 100; oifname "uplink" masquerade; }; }\n',
    );

    await home.knobs(FORWARD);
    await plug(lan, 'eth0', home, 'lan0');
    await home.ip([
      `link add ${LAN_DEVICE} type bridge`,
      `link set lan0 master ${LAN_DEVICE}`,
      `link set ${LAN_DEVICE} up`,
      `addr add ${LAN.home4}/24 dev ${LAN_DEVICE}`,
      `addr add ${LAN.home6}/64 dev ${LAN_DEVICE} nodad`,
      `addr add ${LINE.home4}/24 dev ${LINE_DEVICE}`,
      `addr add ${LINE.home6}/64 dev ${LINE_DEVICE} nodad`,
      `route add default via ${LINE.router4}`,
      `route add default via ${LINE.router6}`,
    ]);
    await home.nft(STOCK);
    await lan.ip([
      `addr add ${LAN.host4}/24 dev eth0`,
      `addr add ${LAN.host6}/64 dev eth0 nodad`,
      `route add default via ${LAN.home4}`,
      `route add default via ${LAN.home6}`,
    ]);
    for (const [name, number] of [...Object.entries(GATEWAYS), ['stranger', STRANGER]] as const)
      await atNet(net, await this.open(name, INTERNET.dns4), 'wan', number);
  }

  private async startServers(): Promise<void> {
    const { agent } = this.options;
    [this.net, this.host, this.strangerHands, this.homeHands] = (await Promise.all(
      ['net', 'lan', 'stranger', 'home'].map((name) => Hands.start(this.place(name), agent)),
    )) as [Hands, Hands, Hands, Hands];
    const { web4, web6, peer4 } = INTERNET;
    // the public peer has no address of IPv6: what the home asks for by name is the same each time
    await this.net.do('serve', { [PEER_NAME]: [peer4], [WEB_NAME]: [web4, web6] });
    // the line's own resolver, on its network, as in any home
    await this.place('line').start([
      ...[
        'dnsmasq',
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--user=root',
        '--pid-file=',
        '--no-hosts',
        '--no-resolv',
      ],
      ...[
        '--bind-interfaces',
        '--interface=home',
        '--except-interface=lo',
        '--cache-size=0',
        `--server=${INTERNET.dns4}`,
      ],
    ]);
  }

  private async startMesh(): Promise<void> {
    const { yggdrasil } = this.options;
    const listen = [`tls://${INTERNET.peer4}:${PEER_PORT}`];
    await MeshNode.start(this.place('net'), yggdrasil, { listen, tun: false });
    const peers = [`tls://${PEER_NAME}:${PEER_PORT}`];
    [this.homeNode, this.strangerNode] = (await Promise.all(
      ['home', 'stranger'].map((name) => MeshNode.start(this.place(name), yggdrasil, { peers })),
    )) as [MeshNode, MeshNode];
  }

  private async prepareGateways(): Promise<void> {
    const { yggdrasil, daemon: program } = this.options;
    await Promise.all(
      (Object.keys(GATEWAYS) as GatewayLetter[]).map(async (name) => {
        const place = this.place(name);
        const node = await MeshNode.start(place, yggdrasil, { peers: [`tls://${PEER_NAME}:${PEER_PORT}`] });
        const daemon = new LabDaemon(place, program, node);
        this.daemons.push(daemon);
        this.gateways.set(name, { name, place, node, daemon, exit: atProvider(GATEWAYS[name]) });
        daemon.configure([this.registrar(name)]);
      }),
    );
  }

  /** The section of a gateway's configuration. */
  registrar(name: GatewayLetter, more: Section['options'] = {}): Section {
    const { web4, web6, dns4 } = INTERNET;
    return {
      type: 'registrar',
      name: 'registrar',
      options: {
        ...{
          enabled: 1,
          admission: 'open',
          name,
          kinds: [this.options.kind],
          dns: [dns4],
          check: [`${web4}:80`, `[${web6}]:80`],
        },
        pool4: `10.${GATEWAYS[name]}.0.0/16`,
        clients_dir: `${this.place(name).directory}/clients`,
        ...more,
      },
    };
  }

  /** The sections of the home's configuration. */
  lease(enabled: boolean): Section[] {
    return [
      {
        type: 'lease',
        name: 'home',
        options: { enabled: enabled ? 1 : 0, interface: 'ygg0', network: [LAN_DEVICE], captain_key: CAPTAIN.key },
      },
      ...[...this.gateways.values()].map(
        ({ name, node }): Section => ({
          type: 'gateway',
          name,
          options: { key: node.key, kind: this.options.kind, preference: name === 'g1' ? 0 : 1 },
        }),
      ),
    ];
  }

  private async prepareHome(): Promise<void> {
    const line = this.place('line');
    this.line = await Capture.start(line, 'home');
    this.captures.push(this.line);
    await this.startResolver();
    this.home = new LabDaemon(this.place('home'), this.options.daemon, this.homeNode);
    this.daemons.push(this.home);
    this.home.configure(this.lease(true));
  }

  /** The LAN's resolver, as the package for Debian sets it up: who is asked stands in a file. */
  async startResolver(): Promise<void> {
    const home = this.place('home');
    await home.must(['sh', '-c', `test -e ${SERVERS} || echo server=${LINE.router4} >${SERVERS}`]);
    await home.start([
      ...[
        'dnsmasq',
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--user=dnsmasq',
        '--pid-file=/run/dnsmasq/dnsmasq.pid',
      ],
      ...['--no-hosts', '--no-resolv', `--servers-file=${SERVERS}`, '--bind-interfaces', `--interface=${LAN_DEVICE}`],
      ...['--except-interface=lo', '--cache-size=0', `--host-record=${PRINTER.name},${PRINTER.v4}`],
    ]);
  }
}
