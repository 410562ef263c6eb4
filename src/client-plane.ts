// What makes a gateway's tunnels where this program may do so itself: on machines without ubus. In memory only where this machine is a gateway.

import type { RegistrarConfig } from './lease-option.ts';
import { Pool, pool6Of } from './mesh/pool.ts';
import { findKinds } from './plane/ability.ts';
import type { GatewayRules } from './plane/client-rules.ts';
import { KernelClients, releaseClients } from './plane/clients.ts';
import { HostMachine, type MachineHost } from './plane/machine.ts';
import { Wireguard } from './plane/wireguard.ts';

/** Where a gateway keeps what is its own. */
export interface PlaneDirectories {
  /** Of its key of WireGuard; outlives everything. */
  readonly keys: string;
  /** Of files of a moment, best in RAM. */
  readonly state: string;
}

/** The plane of a gateway for the Yggdrasil with this key. */
export function clientPlane(
  host: MachineHost,
  config: RegistrarConfig,
  { key, address }: { readonly key: string; readonly address: string },
  { keys, state }: PlaneDirectories,
): KernelClients {
  const machine = new HostMachine(host);
  const pool6 = config.pool6 ?? pool6Of(key);
  const pool = new Pool(config.pool4, pool6, key);
  const rules: GatewayRules = {
    address,
    gateway4: pool.gateway4,
    gateway6: pool.gateway6,
    pool4: config.pool4,
    pool6,
    port: config.port,
    vxlanPort: config.vxlanPort,
    wireguardPort: config.kinds.includes('wireguard') ? config.wireguardPort : undefined,
    closedPorts: config.closedPorts,
    isolate: config.isolate,
    reach: config.reach,
    resolver: config.dns.length === 0,
  };
  const wireguardKeyPath = `${keys}/wireguard.key`;
  const wireguard = new Wireguard(machine, wireguardKeyPath, state);
  return new KernelClients({ machine, rules, pool, wireguardKeyPath, ability: () => findKinds(machine, wireguard) });
}

/** Takes everything of a gateway away. @throws (rejects) Error */
export function releaseGateway(host: MachineHost): Promise<void> {
  return releaseClients(new HostMachine(host));
}
