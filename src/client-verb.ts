// The verbs by which root makes the tunnels of a gateway; in memory only for them. How the gateway is set up root's own configuration says;
// the daemon tells of homes, and is believed nothing: slots and addresses are read anew, and its key has to be that of a Yggdrasil here.

import { clientPlane, gatewayRules, releaseGateway } from './client-plane.ts';
import { readConfig } from './config.ts';
import { InputError } from './errors.ts';
import { readJson } from './lib/json-argument.ts';
import { addressOf } from './lib/yggdrasil-address.ts';
import { readChange, readSlots } from './mesh/client-change.ts';
import { Pool, pool6Of } from './mesh/pool.ts';
import { abilityReply } from './plane/ability.ts';
import type { GatewayRules } from './plane/client-rules.ts';
import type { KernelClients } from './plane/clients.ts';
import { HostMachine, type MachineHost } from './plane/machine.ts';
import { ClientFirewall } from './plane/openwrt/client-firewall.ts';

/** Where they work. */
export interface ClientPlace {
  readonly machine: MachineHost;
  /** Of the UCI files. */
  readonly directory: string;
  /** Directory that stays. */
  readonly state: string;
  /** Directory in RAM where root alone writes. */
  readonly run: string;
}

interface Gateway {
  readonly plane: KernelClients;
  readonly pool: Pool;
  readonly opened: GatewayRules;
}

/** What tunnels can be made. @throws (rejects) InputError, Error */
export async function ability(at: ClientPlace, key: string) {
  const found = await gatewayOf(at, key).plane.ability();
  return { ...abilityReply(found), ipv6: found.ipv6, lacks: found.lacks.map((one) => ({ ...one })) };
}

/** Makes this machine a gateway that has these homes at most. @throws (rejects) InputError, Error */
export async function restore(at: ClientPlace, key: string, slots: string): Promise<object> {
  const { plane, pool, opened } = gatewayOf(at, key);
  await plane.retain(readJson('slots', slots, (json) => readSlots(json, pool)));
  // what homes may not do is said by now
  await firewallOf(at).open(opened);
  return {};
}

/** Changes tunnels of homes. @throws (rejects) InputError, Error */
export async function change(at: ClientPlace, key: string, text: string) {
  const { plane, pool } = gatewayOf(at, key);
  const wanted = readJson('change', text, (json) => readChange(json, pool));
  // what it is told of another key than that of this machine would be of another pool
  await plane.expectMesh();
  const problems = await plane.change(wanted);
  return { problems: [...problems].map(([slot, problem]) => ({ slot, problem })) };
}

/** What was counted. @throws (rejects) InputError, Error */
export async function use(at: ClientPlace, key: string) {
  const { plane } = gatewayOf(at, key);
  const flows = await plane.use();
  return {
    flows: [...flows].map(([slot, { rxBytes, txBytes }]) => ({ slot, rx_bytes: rxBytes, tx_bytes: txBytes })),
    ...(plane.spoofed !== undefined && { spoofed: plane.spoofed }),
  };
}

/** Whether the rules stand. @throws (rejects) InputError, Error */
export async function check(at: ClientPlace, key: string): Promise<{ whole: boolean }> {
  return { whole: await gatewayOf(at, key).plane.isWhole() };
}

/** Takes everything of a gateway away. @throws (rejects) Error */
export async function release(at: ClientPlace): Promise<object> {
  try {
    await firewallOf(at).close();
  } finally {
    await releaseGateway(at.machine);
  }
  return {};
}

function firewallOf({ machine, directory }: ClientPlace): ClientFirewall {
  return new ClientFirewall(new HostMachine(machine), directory);
}

function gatewayOf({ machine, directory, state, run }: ClientPlace, key: string): Gateway {
  const address = addressOf(key);
  if (address === undefined || !/^[0-9a-f]{64}$/.test(key))
    throw new InputError('key: expected 64 hex digits, in small letters', 'key');
  const { registrar } = readConfig(machine.files, `${directory}/meshbridge`).config;
  if (!registrar?.enabled) throw new Error('registrar: is not switched on in the configuration');
  const identity = { key, address };
  return {
    plane: clientPlane(machine, registrar, identity, { keys: state, state: run }),
    pool: new Pool(registrar.pool4, registrar.pool6 ?? pool6Of(key), key, registrar.portBlock),
    opened: gatewayRules(registrar, identity),
  };
}
