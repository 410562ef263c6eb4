// A router that is measured: one node with peers, an uplink, radios, a system.

import type { PeerClaim } from '../../src/api/model.ts';
import { Node } from '../../src/mesh/node.ts';
import type { SampleFacts } from '../../src/mesh/sample.ts';

/** Key of the n-th peer. */
export function peerKey(n: number): string {
  return (n * 0x9e3779b1).toString(16).padEnd(16, 'f').slice(0, 16).padEnd(64, '0');
}

/** What Yggdrasil says of the n-th peer, after so many bytes. */
export function peerClaim(n: number, bytes = 1_234_567, more: Partial<PeerClaim> = {}): PeerClaim {
  return {
    remote: `tls://192.0.2.${n}:443`,
    inbound: false,
    up: true,
    key: peerKey(n),
    port: n,
    cost: 10 + n,
    uptime_s: 86_400 + n,
    rx_bytes: bytes * n,
    tx_bytes: bytes * n,
    latency_ms: 10.04 + n,
    ...more,
  };
}

/** A node with so many peers, all of them up, as of `nowMs`. */
export function measuredNode(peers: number, nowMs: number, name = 'ygg0'): Node {
  const node = new Node(
    name,
    'netifd',
    { configured: () => undefined, dialledHere: () => undefined, nameOf: () => undefined },
    () => {},
  );
  node.setLink(undefined, 0);
  const claims = Array.from({ length: peers }, (_, i) => peerClaim(i + 1));
  node.setPeers(claims, nowMs);
  node.set(
    'sessions',
    { sessions: [{ key: peerKey(1), address: '200::1', rx_bytes: 5_000_000, tx_bytes: 4_000_000, uptime_s: 60 }] },
    nowMs,
  );
  node.set(
    'self',
    {
      build_name: 'yggdrasil',
      build_version: '0.5.12',
      key: peerKey(0),
      address: '200::',
      subnet: '300::/64',
      routing_entries: 312,
    },
    nowMs,
  );
  return node;
}

/** What else is known of its router. */
export function sampleFacts(nodes: readonly Node[]): SampleFacts {
  return {
    nodes,
    verdictOf: () => ({ state: 'good', id: 'all_good' }),
    lease: {
      ...{ mode: 'kept', state: 'up', id: 'up', since_s: 60, sentence: '', fix: '', words: { sentence: '', fix: '' } },
      ...{
        values: {},
        blocking: true,
        gateway: 'boston',
        use: { rx_bytes: 2_500_000, tx_bytes: 400_000, since_s: 60 },
      },
    },
    gateway: undefined,
    uplinks: [
      {
        interface: 'wan',
        device: 'eth1',
        proto: 'dhcp',
        up: true,
        pending: false,
        carrier: true,
        addresses: ['192.0.2.7'],
        default_route: true,
        next_hops: ['192.0.2.1'],
        dns_servers: [],
        uptime_s: 86_000,
        errors: [],
      },
    ],
    radio: [
      {
        id: 'phy0-ap0',
        mode: 'ap',
        channel: 36,
        noise_dbm: -95,
        busy_pct: 12,
        stations: 7,
        signal_dbm: -61,
      },
      {
        id: 'phy1-mesh0',
        mode: 'mesh',
        channel: 6,
        noise_dbm: -90,
        busy_pct: 45,
        stations: 3,
        signal_dbm: -70,
      },
    ],
    system: {
      uptime_s: 87_000,
      load: 0.12,
      memory_kb: 124_000,
      memory_free_kb: 45_678,
      flash_kb: 8192,
      flash_free_kb: 4096,
      temperature_c: 54,
    },
    uptimeS: 86_500,
    rssKb: 1800,
  };
}
