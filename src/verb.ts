// The helper's program: tells rpcd its verbs, or does one of them as root; with `--check`, checks the configuration. Then it ends.
//
// rpcd starts `meshbridge.helper list` when it starts itself, and `meshbridge.helper call VERB` for each call, with the arguments as
// JSON on standard input, of which it drops what exceeds a pipe's 64 KiB. It takes one JSON object from standard output and looks at
// nothing else: not at standard error, not at the exit code. Source: rpcd, plugin.c and exec.c.

import { version } from '../package.json';
import { HELPER_METHODS, HELPER_OBJECT, type HelperVerb } from './api/helper.ts';
import type { Shape } from './api/model.ts';
import type { FAILURE } from './api/objects.ts';
import { check } from './check.ts';
import { CONFIG_PATH, type Config, readConfig } from './config.ts';
import { ConfigError, errorText, InputError, WireError } from './errors.ts';
import { parseAnnouncement } from './lib/node-info.ts';
import { MAX_UCI_LENGTH, UciError } from './lib/uci.ts';
import { decodeUtf8 } from './lib/utf8.ts';
import { lint } from './mesh/lint.ts';
import { TRIAL_FILE } from './system/change-journal.ts';
import { applyFix } from './system/fix.ts';
import { restartInterface } from './system/interface.ts';
import { GUARD } from './system/lease-switch.ts';
import { MemberLogin } from './system/member-login.ts';
import { NetworkConfig } from './system/network-config.ts';
import { type NodeKeyPaths, publishNodeKey } from './system/node-key.ts';
import { keepPublicList, type PublicListPaths, publishPublicList } from './system/public-list.ts';
import { publishConfig } from './system/published-config.ts';
import { readRouterFacts } from './system/router-facts.ts';
import { inTurn } from './system/turn.ts';
import type { Host } from './transport/host.ts';
import type { Table } from './ubus/blobmsg.ts';
import { checkArguments } from './ubus/object.ts';

/** Longest arguments, in bytes: rpcd passes no more. */
const MAX_ARGUMENTS = 65_536;
/** Of a name that is refused, so much is said back, in characters. */
const MAX_SHOWN = 32;
/** rpcd ends whatever it called after 30 s, counted from before this program was loaded. Source: rpcd, exec.h. */
const CALL_MS = 27_000;
/** Why a change is undone that nobody confirmed. */
const ENDED = 'the router or the daemon ended before it was confirmed';
/** How names of sections begin by which a gateway opens the firewall. */
const OPENINGS = "'mbg_";
/** uhttpd adds it to the arguments of those who call by way of HTTP. */
const SESSION = 'ubus_rpc_session';

const HELP = `${HELPER_OBJECT} ${version}: what meshbridge does as root, for rpcd

usage: ${HELPER_OBJECT} list
       ${HELPER_OBJECT} call VERB
       ${HELPER_OBJECT} settle
       meshbridge enroll [CODE [--cap CAP]]
       meshbridge release
       ${HELPER_OBJECT} --check [--config FILE]

  list     print the verbs and their arguments as JSON
  call     read arguments, a JSON object, from standard input; print the reply
  settle   undo a change from afar that nobody confirmed, as at boot
  enroll   print the card of this machine; with the code that an operator made
           of it, join that operator's fleet, whose keys may do at most CAP
  release  take away all that a lease of the Internet brought to this machine,
           and all that a gateway did, whatever runs or does not: the LAN has
           its own line back, and leases are switched off. A gateway that is
           still set up is made anew by the daemon
  --check  check ${CONFIG_PATH}, name every bad option, and tell what is
           unsafe on this router; with --config, only check FILE
  --help   print this

A verb that fails prints {"error": …}, and the exit code is 0.
`;

/** Where the helper works. */
export interface Workplace {
  readonly machine: Pick<Host, 'files' | 'processes' | 'clock' | 'streams' | 'crypto' | 'randomBytes'> & {
    /** By then rpcd has ended us. */
    readonly endsAtMs?: number;
  };
  /** Directory of the UCI files. */
  readonly directory: string;
  /** Path of the copy of the daemon's configuration that the daemon reads. */
  readonly published: string;
  /** Directory, in flash, of what the helper keeps. */
  readonly state: string;
  /** Of the list of public peers: what was handed in, what a package brought, the daemon's copy. */
  readonly publicList: PublicListPaths;
  readonly nodeKey: NodeKeyPaths;
  /** Directory in RAM where root alone writes. */
  readonly run: string;
}

/** Where it works on a router. */
export const ROUTER: Omit<Workplace, 'machine'> = {
  directory: '/etc/config',
  published: '/var/run/meshbridge/config',
  state: '/etc/meshbridge',
  publicList: {
    kept: '/etc/meshbridge/publicnodes.json',
    delivered: '/usr/share/meshbridge/publicnodes.json',
    published: '/var/run/meshbridge/publicnodes.json',
  },
  nodeKey: { kept: '/etc/meshbridge/node.key', published: '/var/run/meshbridge/node.key' },
  run: '/var/run',
};

type Failure = Shape<typeof FAILURE>;
type Reply<V extends HelperVerb> = Shape<(typeof HELPER_METHODS)[V]['reply']>;
type Arguments<V extends HelperVerb> = Shape<(typeof HELPER_METHODS)[V]['args']>;
type Verbs = { [V in HelperVerb]: (at: Workplace, args: Arguments<V>) => Reply<V> | Promise<Reply<V>> };

const VERBS: Verbs = {
  network_read: (at) => {
    const interfaces = network(at).interfaces();
    return interfaces ? { interfaces } : {};
  },
  peer_keep: (at, { interface: iface, ...name }) => ({ result: network(at).keep(iface, name) }),
  peer_forget: (at, { interface: iface, ...name }) => ({ result: network(at).forget(iface, name) }),
  config_publish: async (at) => {
    const { machine, directory, published, publicList, nodeKey, state } = at;
    const path = `${directory}/meshbridge`;
    const config = acceptedConfig(machine.files, path);
    const wanted = config?.mqtt;
    // nobody is left who would confirm or undo it
    if (wanted === false && machine.files.list(state).includes(TRIAL_FILE))
      await (await import('./desired-verb.ts')).settle(at, 'it was switched off that this router is managed');
    publishConfig(machine.files, path, published);
    publishPublicList(machine.files, publicList);
    if (wanted !== undefined) await publishNodeKey(machine, nodeKey, wanted);
    if (config) await takeLeft(at, config);
    return {};
  },
  desired_read: async (at) => (await import('./desired-verb.ts')).read(at),
  desired_apply: async (at, { payload, kind }) => (await import('./desired-verb.ts')).apply(at, payload, kind),
  desired_confirm: async (at, { id }) => (await import('./desired-verb.ts')).confirm(at, id),
  desired_undo: async (at, { id, why }) => (await import('./desired-verb.ts')).undo(at, id, why),
  tunnel_ability: async (at) => (await import('./plane-verb.ts')).ability(at),
  tunnel_build: async (at, { slot, terms }) => (await import('./plane-verb.ts')).build(at, slot, terms),
  tunnel_drop: async (at, { slot }) => (await import('./plane-verb.ts')).drop(at, slot),
  route_use: async (at, { slot, terms }) => (await import('./plane-verb.ts')).use(at, slot, terms),
  route_block: async (at, { on }) => (await import('./plane-verb.ts')).block(at, on),
  route_keep: async (at, { terms }) => (await import('./plane-verb.ts')).keep(at, terms),
  route_restore: async (at) => (await import('./plane-verb.ts')).restore(at),
  route_undo: async (at) => (await import('./plane-verb.ts')).undo(at),
  clients_ability: async (at, { key }) => (await import('./client-verb.ts')).ability(at, key),
  clients_restore: async (at, { key, slots }) => (await import('./client-verb.ts')).restore(at, key, slots),
  clients_change: async (at, { key, change }) => (await import('./client-verb.ts')).change(at, key, change),
  clients_use: async (at, { key }) => (await import('./client-verb.ts')).use(at, key),
  clients_check: async (at, { key }) => (await import('./client-verb.ts')).check(at, key),
  clients_release: async (at) => (await import('./client-verb.ts')).release(at),
  announce: (at, { interface: iface, node_info }) => ({
    result: network(at).announce(iface, parseAnnouncement(node_info)),
  }),
  interface_restart: async (at, { interface: iface }) => {
    network(at).expectInterface(iface);
    await restartInterface(at.machine, iface);
    return {};
  },
  fix: async ({ machine, directory }, { id, option }) => ({ result: await applyFix(machine, directory, id, option) }),
  member_read: ({ machine, directory }) => {
    const username = new MemberLogin(machine, directory).read();
    return username === undefined ? {} : { username };
  },
  member_set: async ({ machine, directory }, { username, hash }) => {
    await new MemberLogin(machine, directory).set(username, hash);
    return {};
  },
  member_remove: async ({ machine, directory }) => {
    await new MemberLogin(machine, directory).remove();
    return {};
  },
  public_peers_set: async ({ machine, publicList }, { list }) => ({
    entries: await keepPublicList(machine, publicList, list),
  }),
  enroll_card: async (at) => (await import('./enroll-verb.ts')).card(at),
  enroll_check: async (at, { code }) => (await import('./enroll-verb.ts')).propose(at, code),
  enroll: async (at, { code, cap }) => {
    const identity = await (await import('./enroll-verb.ts')).accept(at, code, cap);
    await VERBS.config_publish(at, {});
    return identity;
  },
  lint: async ({ machine, directory }) => ({ findings: lint(await readRouterFacts(machine, directory)) }),
};

function network({ machine, directory }: Workplace): NetworkConfig {
  return new NetworkConfig(machine.files, directory);
}

/**
 * What was switched off while no daemon ran that could have undone it, before a power-cycle, say, is undone: or the LAN would stay shut, and a
 * gateway's openings in the firewall stay. What fails is tried again at the next start or reload; nothing else waits for it.
 */
async function takeLeft(at: Workplace, { lease, registrar }: Config): Promise<void> {
  const { files } = at.machine;
  const attempt = (work: () => Promise<unknown>): Promise<unknown> => work().catch(() => {});
  if (!lease?.enabled && files.list(at.state).includes(GUARD))
    await attempt(async () => (await import('./plane-verb.ts')).undo(at));
  const firewall = registrar?.enabled ? undefined : files.read(`${at.directory}/firewall`, MAX_UCI_LENGTH);
  if (firewall && decodeUtf8(firewall).includes(OPENINGS))
    await attempt(async () => (await import('./client-verb.ts')).release(at));
}

/** A configuration; `undefined`: it is refused, and changes nothing of what is in force. */
function acceptedConfig(files: Host['files'], path: string): Config | undefined {
  try {
    return readConfig(files, path).config;
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** What `list` prints: per verb its arguments, each with a value of its type. */
export function signatures(): Record<HelperVerb, Record<string, string>> {
  const of = (verb: HelperVerb) =>
    Object.fromEntries(Object.entries(HELPER_METHODS[verb].args).map(([key, type]) => [nameOf(key), type]));
  return Object.fromEntries(Object.keys(VERBS).map((verb) => [verb, of(verb as HelperVerb)])) as ReturnType<
    typeof signatures
  >;
}

/** Does one verb; `text` holds its arguments as JSON, or nothing. Never rejects, and no secret is quoted. */
export async function answer(at: Workplace, verb: string, text: string): Promise<object> {
  try {
    if (!isVerb(verb)) throw new InputError(`${shown(verb)}: no such verb, there are ${Object.keys(VERBS).join(', ')}`);
    // each takes what its own contract says
    const run = VERBS[verb] as (at: Workplace, args: Table) => object | Promise<object>;
    const args = readArguments(verb, text);
    return await ('writes' in HELPER_METHODS[verb] ? inTurn(at.machine, () => run(at, args)) : run(at, args));
  } catch (error) {
    return toFailure(verb, error);
  }
}

/** Does what the command line says, and ends the program. `readInput` gives all of standard input. */
export async function main(host: Host, readInput: (maxBytes: number) => Promise<Uint8Array>): Promise<void> {
  const [command, verb, ...more] = host.args;
  if (host.args.includes('--help')) host.print(HELP);
  else if (host.args.includes('--check')) return check(host);
  else if (command === 'settle' && verb === undefined) return settle(host);
  else if (command === 'release' && verb === undefined) return release(host);
  else if (command === 'enroll') return enroll(host);
  else if (command === 'list' && verb === undefined) host.print(`${JSON.stringify(signatures())}\n`);
  else if (command === 'call' && verb !== undefined && more.length === 0) {
    const reply = await readInput(MAX_ARGUMENTS).then(
      (input) => answer({ machine: called(host), ...ROUTER }, verb, decodeUtf8(input)),
      (error) => toFailure(verb, error),
    );
    host.print(`${JSON.stringify(reply)}\n`);
  } else {
    host.log(`${HELPER_OBJECT}: expected list, call VERB, settle, enroll, or release; --help tells more`);
    host.exit(2);
    return;
  }
  host.exit(0);
}

/** What rpcd called can do. */
function called({ files, processes, clock, streams, crypto, randomBytes }: Host): Workplace['machine'] {
  return { files, processes, clock, streams, crypto, randomBytes, endsAtMs: clock.monotonicMs() + CALL_MS };
}

/** Undoes what nobody confirmed, and ends the program: exit code 0, or 1 when that could not be done. */
async function settle(host: Host): Promise<void> {
  const at: Workplace = { machine: host, ...ROUTER };
  try {
    const undone = await inTurn(host, async () => (await import('./desired-verb.ts')).settle(at, ENDED));
    if (undone) host.print('a change from afar that nobody confirmed was undone\n');
    host.exit(0);
  } catch (error) {
    host.log(`${HELPER_OBJECT}: a change from afar was not undone: ${toFailure('settle', error).error}`);
    host.exit(1);
  }
}

/** Shows the card of this machine, or does what a code says, and ends the program: exit code 0, or 1 when it was not done. */
async function enroll(host: Host): Promise<void> {
  const at: Workplace = { machine: host, ...ROUTER };
  try {
    host.print(await inTurn(host, async () => (await import('./enroll-verb.ts')).enroll(at, host.args.slice(1))));
    host.exit(0);
  } catch (error) {
    host.log(`meshbridge: enroll: ${toFailure('enroll', error).error}`);
    host.exit(1);
  }
}

/** Gives the LAN its own line back, and ends the program: exit code 0, or 1 when something of ours may be left. */
async function release(host: Host): Promise<void> {
  const at: Workplace = { machine: host, ...ROUTER };
  try {
    await inTurn(host, async () => (await import('./plane-verb.ts')).release(at));
    host.print('all that leases and a gateway brought is gone: the own line serves, and leases are switched off\n');
    host.exit(0);
  } catch (error) {
    host.log(`meshbridge: not all of it could be taken away: ${toFailure('release', error).error}`);
    host.exit(1);
  }
}

function isVerb(verb: string): verb is HelperVerb {
  return Object.hasOwn(VERBS, verb);
}

function nameOf(key: string): string {
  return key.endsWith('?') ? key.slice(0, -1) : key;
}

function readArguments(verb: HelperVerb, text: string): Table {
  const { args } = HELPER_METHODS[verb];
  const given = text.trim() === '' ? {} : parseObject(text);
  const known = Object.keys(args).map(nameOf);
  for (const name of Object.keys(given)) {
    if (known.includes(name) || name === SESSION) continue;
    const expected = known.length > 0 ? `takes ${known.join(', ')}` : 'takes none';
    throw new InputError(`${shown(name)}: unknown argument, ${verb} ${expected}`, shown(name));
  }
  return checkArguments(args, given);
}

function parseObject(text: string): Table {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // no cause: the engine's words may quote what is no JSON
    throw new InputError('arguments: expected a JSON object, got what is no JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Table;
  const kind = Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value;
  throw new InputError(`arguments: expected a JSON object, got ${kind}`);
}

/** An error as a reply: our own say what they may; of others, whose words may hold anything, only the kind. */
function toFailure(verb: string, error: unknown): Failure {
  if (error instanceof InputError && error.field !== undefined) return { error: errorText(error), field: error.field };
  const ours = error instanceof Error && (error.constructor === Error || error instanceof InputError);
  if (ours || (error instanceof WireError && !(error instanceof UciError))) return { error: errorText(error) };
  return { error: `${shown(verb)}: failed (${error instanceof Error ? error.name : typeof error})` };
}

function shown(name: string): string {
  return name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name;
}
