// The verbs by which a router joins a fleet; rarely wanted, so they come into memory late.

import { parseConfig } from './config.ts';
import { ConfigError, InputError } from './errors.ts';
import { Enrolment, type Identity, type Proposal } from './system/enrolment.ts';
import { keepNodeKey, type NodeKeyPaths } from './system/node-key.ts';
import type { Host } from './transport/host.ts';

/** Where they work; `directory` is that of the UCI files. */
export interface EnrollPlace {
  readonly machine: Pick<Host, 'files' | 'processes' | 'clock' | 'crypto' | 'randomBytes'>;
  readonly directory: string;
  readonly nodeKey: Pick<NodeKeyPaths, 'kept'>;
}

/** A card of this router. @throws Error (rejects) when its key cannot be kept. */
export async function card(at: EnrollPlace): Promise<Identity & { card: string }> {
  return (await enrolment(at)).card();
}

/** What a code says. @throws InputError (rejects) */
export async function propose(at: EnrollPlace, code: string): Promise<Proposal> {
  return (await enrolment(at)).propose(code);
}

/** Does what a code says. @throws InputError (rejects) */
export async function accept(at: EnrollPlace, code: string, cap: string | undefined): Promise<Identity> {
  return (await enrolment(at)).accept(code, cap);
}

async function enrolment({ machine, directory, nodeKey }: EnrollPlace): Promise<Enrolment> {
  return new Enrolment(machine, directory, await keepNodeKey(machine, nodeKey.kept), expectConfig);
}

/** @throws InputError on a configuration that the daemon would refuse. */
function expectConfig(text: string): void {
  try {
    parseConfig(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = error.problems;
    throw new InputError(`code: with it the configuration would not do: ${first!.option}: ${first!.message}`, 'code');
  }
}
