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

/** Key and address of a gateway's Yggdrasil. */
interface Identity {
  readonly key: string;
  readonly address: string;
}

/** What the rules of a gateway depend on. */
export function gatewayRules(config: RegistrarConfig, { key, address }: Identity): GatewayRules {
  const pool6 = config.pool6 ?? pool6Of(key);
  const { gateway4, gateway6 } = new Pool(config.pool4, pool6, key);
  return {
    address,
    gateway4,
    gateway6,
    pool4: config.pool4,
    pool6,
    port: config.port,
    vxlanPort: config.vxlanPort,
    wireguardPort: config.kinds.includes('wireguard') ? config.wireguardPort : undefined,
    closedPorts: config.closedPorts,
    isolate: config.isolate,
    reach: config.reach,
    resolver: config.dns.length === 0,
    share: {
      ...(config.bandwidth !== undefined && { down: config.bandwidth }),
      ...(config.bandwidthUp !== undefined && { up: config.bandwidthUp }),
    },
  };
}

/** The plane of a gateway for the Yggdrasil with this key. */
export function clientPlane(
  host: MachineHost,
  config: RegistrarConfig,
  identity: Identity,
  { keys, state }: PlaneDirectories,
): KernelClients {
  const machine = new HostMachine(host);
  const rules = gatewayRules(config, identity);
  const pool = new Pool(rules.pool4, rules.pool6, identity.key, config.portBlock);
  const wireguardKeyPath = `${keys}/wireguard.key`;
  const wireguard = new Wireguard(machine, wireguardKeyPath, state);
  return new KernelClients({ machine, rules, pool, wireguardKeyPath, ability: () => findKinds(machine, wireguard) });
}

/** Takes everything of a gateway away. @throws (rejects) Error */
export function releaseGateway(host: MachineHost): Promise<void> {
  return releaseClients(new HostMachine(host));
}
