// The verbs by which root makes tunnels and routes of a home; in memory only for them. The daemon is believed nothing: terms are read anew,
// and which networks go through a gateway, and who does not, root's own configuration says.

import type { Terms } from './api/lease.ts';
import type { ClientPlace } from './client-verb.ts';
import { type Config, readConfig } from './config.ts';
import { errorText, InputError } from './errors.ts';
import { readJson } from './lib/json-argument.ts';
import { JsonFields } from './lib/json-field.ts';
import { readTerms } from './mesh/lease-message.ts';
import type { Slot } from './mesh/tunnel.ts';
import { abilityReply } from './plane/ability.ts';
import { RESOLVER_FILES } from './plane/dns.ts';
import { type HomeSettings, KernelHome } from './plane/home.ts';
import { HostMachine, readKnob } from './plane/machine.ts';
import { LINE_SCRIPT } from './plane/openwrt/fw4.ts';
import { OpenwrtPart } from './plane/openwrt/part.ts';
import { switchLease } from './system/lease-switch.ts';
import { publishConfig } from './system/published-config.ts';
import { callUbus } from './system/ubus-program.ts';

/** Where they work. */
export interface PlanePlace extends ClientPlace {
  /** Path of the daemon's copy of its configuration. */
  readonly published: string;
}

const MAX_TERMS = 4096;
/** Where the configuration is on machines without UCI. */
const OTHER_CONFIG = '/etc/meshbridge/meshbridge.conf';
/** Where a daemon that makes its tunnels itself keeps what it was told. */
const OTHER_STATE = '/var/run/meshbridge/home.json';
const SCRIPT_MS = 60_000;

/** What tunnels can be made. @throws (rejects) Error */
export async function ability(at: PlanePlace) {
  return abilityReply(await homeOf(at).ability());
}

/** Makes a tunnel. @throws (rejects) InputError, Error */
export async function build(at: PlanePlace, slot: string, terms: string): Promise<{ device: string }> {
  const number = slotOf(slot);
  const home = homeOf(at);
  const wanted = termsOf(terms);
  await home.build(number, wanted);
  return { device: home.deviceName(number, wanted) };
}

/** Takes a tunnel away. @throws (rejects) InputError, Error */
export async function drop(at: PlanePlace, slot: string): Promise<object> {
  await homeOf(at).drop(slotOf(slot));
  return {};
}

/** Sends the LAN's packets by a tunnel, or refuses them. @throws (rejects) InputError, Error */
export async function use(at: PlanePlace, slot: string | undefined, terms: string | undefined): Promise<object> {
  if (slot === undefined) await homeOf(at).use(undefined, undefined);
  else if (terms === undefined) throw new InputError('terms: expected those of the tunnel', 'terms');
  else await homeOf(at).use(slotOf(slot), termsOf(terms));
  return {};
}

/** Keeps the LAN from the own line, or not. @throws (rejects) InputError, Error */
export async function block(at: PlanePlace, on: string): Promise<object> {
  if (on !== '0' && on !== '1') throw new InputError(`on: expected 0 or 1, got "${on.slice(0, 32)}"`, 'on');
  await homeOf(at).block(on === '1');
  return {};
}

/** Writes down what stays. @throws (rejects) InputError, Error */
export async function keep(at: PlanePlace, terms: string): Promise<object> {
  await homeOf(at).keep(termsOf(terms));
  return {};
}

/** Makes everything be again as it was told last. @throws (rejects) Error */
export async function restore(at: PlanePlace): Promise<object> {
  await homeOf(at).restore();
  return {};
}

/** Takes everything of a home away. @throws (rejects) Error */
export async function undo(at: PlanePlace): Promise<object> {
  await homeOf(at).undo();
  return {};
}

/** The same, of a gateway, too, with nobody's help: neither the daemon nor ubus nor Yggdrasil need run. @throws (rejects) Error where something may be left */
export async function release(at: PlanePlace): Promise<void> {
  const { files } = at.machine;
  const failures: unknown[] = [];
  const attempt = async (part: () => unknown): Promise<void> => {
    try {
      await part();
    } catch (error) {
      failures.push(error);
    }
  };
  // where OpenWrt's own programs do not answer, the kernel is ours all the same, and the script sees to the files
  await attempt(() =>
    homeOf(at)
      .undo()
      .catch(() => homeOf(at, false).undo()),
  );
  await attempt(() => files.remove(OTHER_STATE));
  await attempt(async () => (await import('./client-verb.ts')).release(at));
  if (readKnob(files, LINE_SCRIPT) !== undefined)
    await attempt(async () => {
      const { code, stderr } = await new HostMachine(at.machine).run('sh', [LINE_SCRIPT, 'now'], {
        timeoutMs: SCRIPT_MS,
      });
      if (code !== 0) throw new Error(`${LINE_SCRIPT}: ${stderr.trim().slice(0, 200) || `ended with ${code}`}`);
    });
  if (failures.length > 0) throw new Error(failures.map(errorText).join('; '));
}

function homeOf(at: PlanePlace, withPart = true): KernelHome {
  const { run, state: flash, directory } = at;
  const machine = new HostMachine(at.machine);
  const isOpenwrt = withPart && machine.files.list(directory).includes('network');
  const isPlain = readKnob(machine.files, RESOLVER_FILES.servers) !== undefined;
  return new KernelHome({
    ...{ machine, run, flash },
    ...(isOpenwrt && { part: new OpenwrtPart(machine, directory) }),
    ...(isPlain && { resolver: RESOLVER_FILES }),
    settings: () => settingsOf(at),
    remember: (enabled) => remember(at, enabled),
  });
}

async function settingsOf(at: PlanePlace): Promise<HomeSettings> {
  const { networks = ['lan'], bypass = [], interface: mesh, enabled = false } = configOf(at).lease ?? {};
  return { lan: await devicesOf(at, networks), bypass, enabled, ...(mesh !== undefined && { mesh }) };
}

function configOf({ machine, directory }: PlanePlace): Config {
  return readConfig(machine.files, `${directory}/meshbridge`).config;
}

/**
 * Devices of logical interfaces. Where there is none of a name nothing is done, so that what stands stays: without its device, a network would
 * not be kept from the line.
 */
async function devicesOf({ machine }: PlanePlace, networks: readonly string[]): Promise<string[]> {
  const { interface: all = [] } = JSON.parse(await callUbus(machine, 'network.interface', 'dump')) as {
    interface?: { interface?: unknown; l3_device?: unknown; device?: unknown }[];
  };
  return networks.map((name) => {
    const found = all.find((one) => one.interface === name);
    const device = found?.l3_device ?? found?.device;
    if (typeof device !== 'string') throw new Error(`network ${name}: has no device (lease.network names it)`);
    return device;
  });
}

/** Writes down whether leases are in use. @throws Error */
function remember({ machine, directory, published }: PlanePlace, enabled: boolean): void {
  const { files } = machine;
  const isUci = files.list(directory).includes('meshbridge');
  const path = isUci ? `${directory}/meshbridge` : OTHER_CONFIG;
  if (switchLease(files, path, enabled) && isUci) publishConfig(files, path, published);
}

function slotOf(text: string): Slot {
  if (text === '0' || text === '1') return Number(text) as Slot;
  throw new InputError(`slot: expected 0 or 1, got "${text.slice(0, 32)}"`, 'slot');
}

function termsOf(text: string): Terms {
  if (text.length > MAX_TERMS) throw new InputError(`terms: expected at most ${MAX_TERMS} characters`, 'terms');
  return readJson('terms', text, (json) => readTerms(new JsonFields('terms', json)));
}
