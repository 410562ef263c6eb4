// The helper's verbs for the desired state, and what happens to it at boot: in memory only when one of them is called.

import type { HELPER_METHODS, HelperVerb } from './api/helper.ts';
import type { Shape } from './api/model.ts';
import { type Config, parseConfig, readConfig } from './config.ts';
import { ConfigError, InputError } from './errors.ts';
import { toHex } from './lib/bytes.ts';
import { encodeUtf8 } from './lib/utf8.ts';
import type { Trust } from './lib/want.ts';
import type { Decided } from './system/change-journal.ts';
import { DesiredState } from './system/desired-state.ts';
import { identityOf, type NodeKeyPaths, readSeed } from './system/node-key.ts';
import { readOrder } from './system/order.ts';
import { publishConfig } from './system/published-config.ts';
import { callUbus } from './system/ubus-program.ts';
import type { FileCheck } from './system/uci-change.ts';
import { fromRaw } from './system/uci-file.ts';
import type { Files, Host } from './transport/host.ts';

/** Where it works. */
export interface DesiredWorkplace {
  readonly machine: Pick<Host, 'files' | 'processes' | 'clock' | 'crypto'>;
  /** Directory of the UCI files. */
  readonly directory: string;
  /** Path of the daemon's copy of its configuration. */
  readonly published: string;
  /** Directory, in flash, of what the helper keeps. */
  readonly state: string;
  readonly nodeKey: Pick<NodeKeyPaths, 'kept'>;
}

type Reply<V extends HelperVerb> = Shape<(typeof HELPER_METHODS)[V]['reply']>;

/** Of a hash that tells two configurations apart. */
const HASH_BYTES = 8;
const MAX_WHY = 200;

/** Makes the changes of a signed message. @throws (rejects) as `readOrder` and DesiredState's `apply` */
export function apply(at: DesiredWorkplace, payload: string, kind: string): Promise<Reply<'desired_apply'>> {
  return desired(at).apply(readOrder(payload, kind, trustOf(at), at.machine.crypto));
}

/** Keeps what is on trial. @throws (rejects) as DesiredState's `confirm` */
export function confirm(at: DesiredWorkplace, id: string): Promise<Reply<'desired_confirm'>> {
  return desired(at).confirm(id);
}

/** Undoes what is on trial. @throws (rejects) as DesiredState's `undo` */
export function undo(at: DesiredWorkplace, id: string, why: string): Promise<Reply<'desired_undo'>> {
  return desired(at).undo(id, why.slice(0, MAX_WHY));
}

/** Tells what there is. @throws as DesiredState's `read` */
export function read(at: DesiredWorkplace): Reply<'desired_read'> {
  const { record, trial, values, whole } = desired(at).read();
  const { node, site, last } = record;
  return {
    ...(node && { node: shown(node) }),
    ...(site && { site: shown(site) }),
    ...(last?.audience && { last: last.audience }),
    ...(trial && { trial }),
    values,
    hash: toHex(at.machine.crypto.sha512(encodeUtf8(whole)).subarray(0, HASH_BYTES)),
  };
}

/** Undoes what nobody will confirm. @returns whether there was something. @throws (rejects) as DesiredState's `settle` */
export function settle(at: DesiredWorkplace, why: string): Promise<boolean> {
  return desired(at).settle(why);
}

function shown({ gen, st, rejected, error }: Decided): NonNullable<Reply<'desired_read'>['node']> {
  return { gen, st, ...(rejected && { rejected: [...rejected] }), ...(error !== undefined && { error }) };
}

function desired(at: DesiredWorkplace): DesiredState {
  const { machine, directory, state } = at;
  return new DesiredState(machine, { directory, state, check, load: (files) => load(at, files) });
}

/** Peerings are the daemon's to begin and to end: netifd would not notice. */
async function load({ machine, directory, published }: DesiredWorkplace, files: readonly string[]): Promise<void> {
  if (files.includes('meshbridge')) publishConfig(machine.files, `${directory}/meshbridge`, published);
  if (files.includes('wireless')) await callUbus(machine, 'network', 'reload');
}

const check: FileCheck = (text) => {
  try {
    parseConfig(fromRaw(text));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

/** Whom root's own files let give orders. @throws InputError where they let nobody */
function trustOf(at: DesiredWorkplace): Trust {
  const { mqtt, site, manageCap, keys } = readTrusted(at.machine.files, `${at.directory}/meshbridge`);
  if (!mqtt) throw new InputError('payload: the owner of this router has switched off that it is managed', 'payload');
  return {
    keys: keys.map((key) => ({
      public: key.public,
      mayConfigure: key.scope === 'configure' && manageCap === 'configure',
    })),
    node: nodeOf(at),
    site,
  };
}

function readTrusted(files: Pick<Files, 'read'>, path: string): Config {
  try {
    return readConfig(files, path).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new InputError(`payload: ${path} has mistakes, so nobody is trusted`, 'payload');
  }
}

/** This router's id by its own key; `undefined` where it has none. */
function nodeOf({ machine: { files, crypto }, nodeKey }: DesiredWorkplace): string | undefined {
  const seed = readSeed(files, nodeKey.kept);
  return seed && identityOf(crypto, seed).node;
}
