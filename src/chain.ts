// The wiring of all that lies between the wall and the mesh: netifd, names, clock and nodes -> verdict and heal.

import { version } from '../package.json';
import type { Heal, Uplink } from './api/model.ts';
import { parsePeerUri } from './lib/peer-uri.ts';
import type { Log } from './log.ts';
import { Healer, type HealNode } from './mesh/heal.ts';
import { Overview, type Sketch } from './mesh/overview.ts';
import { nameIn } from './mesh/remote.ts';
import type { MeshState } from './mesh/state.ts';
import { Uplinks } from './mesh/uplink.ts';
import type { InternetFact } from './mesh/verdict.ts';
import { DnsSource, type PeeringHost } from './source/dns.ts';
import { type NetifdBus, NetifdSource } from './source/netifd.ts';
import type { NetworkCache } from './system/network-cache.ts';
import type { ChildlessHost } from './transport/host.ts';

/** Unix seconds of the build's sources; programs that were not built for a router do without. */
declare const BUILT_AT_S: number;
/** 2026-01-01, before every release. */
const FIRST_S = 1_767_225_600;
const EARLIEST_MS = (typeof BUILT_AT_S === 'number' ? BUILT_AT_S : FIRST_S) * 1000;
/** No router runs one build for longer. */
const LATEST_MS = EARLIEST_MS + 20 * 366 * 86_400_000;

export interface ChainParts {
  readonly host: Pick<ChildlessHost, 'names' | 'clock'>;
  readonly bus: NetifdBus;
  readonly mesh: MeshState;
  readonly network: Pick<NetworkCache, 'peers' | 'nodeInfo'>;
  log(scope: string): Log;
  /** How it is with this home's lease; absent: it has none and wants none. */
  internet(): InternetFact | undefined;
  /** netifd was asked: its `network.interface dump`, or `undefined`. */
  onDump(dump: unknown): void;
  /** The situation of a node is another one. */
  onVerdict(sketch: Sketch): void;
  /** The uplinks were looked at. @param back some came back. */
  onUplinks(back: boolean): void;
  /** Peers came back at once because an uplink did. */
  onHealed(heal: Heal): void;
}

/** Within these the clock of a router can be right, Unix milliseconds. */
export const CLOCK_BOUNDS = { earliestMs: EARLIEST_MS, latestMs: LATEST_MS } as const;

/** Looks at it all from `start()` to `stop()`. */
export class Chain {
  readonly overview: Overview;
  private readonly uplinks = new Uplinks();
  private readonly netifd: NetifdSource;
  private readonly dns: DnsSource;
  private readonly healer: Healer;

  constructor(private readonly parts: ChainParts) {
    const { host, bus, network, mesh } = parts;
    const { clock } = host;
    const log = parts.log('uplink');
    const { uplinks } = this;
    this.healer = new Healer(
      clock,
      () => this.healNodes(),
      (heal) => {
        log.info('healed', { uplink: heal.uplink, healed: heal.healed, dialled: heal.dialled, saved_s: heal.saved_s });
        parts.onHealed(heal);
      },
    );
    this.dns = new DnsSource(
      host.names,
      clock,
      () => this.hosts(),
      () => this.overview.isLookedAt,
      () => this.overview.judge(),
    );
    const around = {
      uplinks,
      dns: () => this.dns.fact,
      clock: () => ({ unixMs: clock.unixMs(), ...CLOCK_BOUNDS }),
      internet: () => parts.internet(),
      configured: (iface: string) => ({ peerings: network.peers(iface), name: nameIn(network.nodeInfo(iface)) }),
    };
    this.overview = new Overview(mesh, around, this.healer, clock, version, parts.onVerdict);
    this.netifd = new NetifdSource(bus, clock, uplinks, parts.log('netifd'), {
      onDump: parts.onDump,
      onUplinks: (back) => {
        for (const { interface: uplink } of back) {
          log.info('came back', { uplink });
          this.healer.uplinkBack(uplink);
        }
        parts.onUplinks(back.length > 0);
        this.dns.remind();
        this.overview.judge();
      },
    });
  }

  start(): void {
    this.netifd.start();
  }

  stop(): void {
    this.netifd.stop();
    this.dns.stop();
    this.healer.stop();
  }

  /** Asks netifd: after ubus came up, and when an interface changed. */
  refresh(): void {
    void this.netifd.refresh();
  }

  /** The uplinks as they are now; `undefined`: netifd does not tell. */
  uplinkList(): Uplink[] | undefined {
    return this.uplinks.list(this.parts.host.clock.monotonicMs());
  }

  /** Whether an uplink holds a default route; `undefined`: netifd does not tell. */
  get isOnline(): boolean | undefined {
    return this.uplinkList()?.some((uplink) => uplink.default_route);
  }

  /** The Yggdrasil of an interface was asked, or cannot be asked. */
  polled(iface: string): void {
    const peers = this.parts.mesh.find(iface)?.node.current('peers');
    if (peers) this.healer.observe(iface, peers.value.peers, peers.atMs);
    this.dns.remind();
    this.overview.judge(iface);
  }

  private healNodes(): HealNode[] {
    const { mesh, host } = this.parts;
    return mesh
      .all()
      .filter(({ node }) => node.connected)
      .map(({ node, peering }) => ({
        name: node.name,
        peers: async () => (await node.read('peers', host.clock.monotonicMs())).value.peers,
        redial: (peer) => peering.redial(peer),
        longestWaitMs: (remote) => peering.longestWaitMs(remote),
      }));
  }

  /** Host names of all outgoing peerings, configured or not. */
  private hosts(): PeeringHost[] {
    const hosts = new Map<string, boolean>();
    const add = (uri: string, down: boolean): void => {
      const host = hostNameOf(uri);
      if (host !== undefined) hosts.set(host, down || hosts.get(host) === true);
    };
    for (const { node } of this.parts.mesh.all()) {
      for (const { uri } of this.parts.network.peers(node.name) ?? []) add(uri, false);
      for (const { remote, inbound, up } of node.current('peers')?.value.peers ?? [])
        if (!inbound && remote !== undefined) add(remote, !up);
    }
    return [...hosts].map(([host, down]) => ({ host, down }));
  }
}

/** The host of a peering, where that is a name. */
function hostNameOf(uri: string): string | undefined {
  let host: string | undefined;
  try {
    ({ host } = parsePeerUri(uri));
  } catch {
    return undefined; // Yggdrasil takes what can never work, too
  }
  return host !== undefined && /[a-z]/i.test(host) && !host.includes(':') ? host : undefined;
}
