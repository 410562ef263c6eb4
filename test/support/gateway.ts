// Gateways and homes as they say themselves what they are.

import type { GatewayInfo, Grant, InfoLimits, LeaseRequest, Terms } from '../../src/api/lease.ts';

/** Of the gateway and of the home in what was recorded of autoygg; the addresses follow from the keys. */
export const GATEWAY_KEY = 'e27552018afb2b2adf8651565983c6453e048d458634ad2d45b98f1c1601f92a';
export const GATEWAY_ADDRESS = '200:3b15:5bfc:ea09:a9aa:40f3:5d53:4cf8';
export const HOME_KEY = 'bd2b5e6f82d1b402d3c7a789d71b67a214a399a22fe85c754454a41db76050c1';
export const HOME_ADDRESS = '200:85a9:4320:fa5c:97fa:5870:b0ec:51c9';
export const WIREGUARD_KEY = 'y8F2MnPcmmRVR0vZ8dhMmUhCAXrzBTCzrKJVKuu4n0c=';

/** A gateway's info, with some members as they are given. */
export function gatewayInfo(more: Partial<GatewayInfo> = {}): GatewayInfo {
  return {
    protocol: 1,
    software: 'meshbridge 0.1.0',
    key: GATEWAY_KEY,
    address: GATEWAY_ADDRESS,
    name: 'Boston',
    operator: 'Mesh Test',
    place: 'Boston',
    country: 'US',
    website: 'https://example.org',
    abuse_contact: 'abuse@example.org',
    logging: 'nothing is kept',
    ask: 'ops@example.org',
    admission: 'ask',
    asks_for: [],
    kinds: ['gre6', 'vxlan'],
    mesh_mtu: 65_535,
    ipv4: true,
    ipv6: true,
    dns: ['10.43.0.1'],
    online: true,
    clients: 1,
    max_clients: 100,
    load_percent: 1,
    lease_s: 3600,
    blocked_ports: [25],
    check: ['9.9.9.9:443', '[2620:fe::fe]:443'],
    ...more,
  };
}

export const TERMS: Terms = {
  kind: 'gre6',
  outer: GATEWAY_ADDRESS,
  home4: '10.43.7.9',
  home6: 'fd01:2345:6789::709',
  gateway4: '10.43.0.1',
  gateway6: 'fd01:2345:6789::1',
  mtu: 1500,
  dns: ['10.43.0.1'],
};

/** Of a gateway that limits nobody. */
export const NO_LIMITS: InfoLimits = { at_quota: 'slow', slow_kbits: 256 };

/** A lease in force, with some members as they are given. */
export function grant(more: Partial<Grant> = {}): Grant {
  return { state: 'active', generation: 1, lease_s: 3600, terms: TERMS, online: true, ...more };
}

/** What a home asks for, with some members as they are given. */
export function leaseRequest(more: Partial<LeaseRequest> = {}): LeaseRequest {
  return { key: HOME_KEY, kinds: ['gre6', 'vxlan'], mesh_mtu: 65_535, software: 'meshbridge 0.1.0', ...more };
}
