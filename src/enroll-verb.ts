// The verbs by which a router joins a fleet; rarely wanted, so they come into memory late.

import { CAPS, type Cap } from './api/scope.ts';
import { isPlain, PLAIN_CONFIG, parseConfig } from './config.ts';
import { ConfigError, InputError } from './errors.ts';
import { Enrolment, type Identity, type Proposal } from './system/enrolment.ts';
import { keepNodeKey, type NodeKeyPaths } from './system/node-key.ts';
import type { Host } from './transport/host.ts';

/** Where they work; `directory` is that of the UCI files. */
export interface EnrollPlace {
  readonly machine: Pick<Host, 'files' | 'processes' | 'clock' | 'crypto' | 'randomBytes'>;
  readonly directory: string;
  /** Of the daemon's file. */
  readonly name?: string;
  readonly nodeKey: Pick<NodeKeyPaths, 'kept'>;
}

/** The words of people at a terminal, behind `enroll`. */
interface Words {
  code?: string;
  cap?: Cap;
}

/** What may be read, beside root, by who may look into the directory: the daemon's group. */
const SHARED_MODE = '0640';

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

/**
 * What root types on this machine: without a code, shows its card; with one, says what that does, and does it.
 * @returns what is printed. @throws InputError (rejects)
 */
export async function enroll(at: EnrollPlace, args: readonly string[]): Promise<string> {
  const { code, cap } = wordsOf(args);
  const here = isPlain(at.machine.files) ? { ...at, ...PLAIN_CONFIG } : at;
  const { directory, name = 'meshbridge' } = here;
  if (code === undefined) {
    const { node, card: text } = await card(here);
    await share(here);
    return `This machine is ${node}. Its card, for an operator who is to enrol it:\n\n${text}\n`;
  }
  const { site, url, keys, cap: asked } = await propose(here, code);
  const { node } = await accept(here, code, cap);
  await share(here);
  const whose = keys.map((key) => `  ${key.name} (${key.scope})  ${key.public}\n`).join('');
  return `${node} has joined ${site} at ${url}, written to ${directory}/${name}.
Its keys may do ${cap ?? asked} at most (manage_cap):
${whose}Compare the digits with your operator. It counts once the daemon reads its configuration:
${here === at ? 'service meshbridge reload' : 'systemctl reload meshbridge'}
`;
}

/** Lets the daemon read what root wrote, where it has no copy. */
async function share({ machine, directory, name, nodeKey }: EnrollPlace): Promise<void> {
  if (name === undefined) return;
  const paths = [`${directory}/${name}`, nodeKey.kept];
  for (const argv of [
    ['chgrp', `--reference=${directory}`, ...paths],
    ['chmod', SHARED_MODE, ...paths],
  ])
    await new Promise<void>((resolve, reject) => {
      const child = machine.processes.spawn(argv, {
        onExit: (status) => {
          if ('code' in status && status.code === 0) resolve();
          else reject(new Error(`${argv.join(' ')}: failed`));
        },
      });
      child.write(undefined);
    });
}

/** @throws InputError */
function wordsOf(args: readonly string[]): Words {
  const words: Words = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--cap') {
      words.cap = CAPS.find((one) => one === args[i + 1]) as Cap;
      if (!words.cap) throw new InputError(`--cap: expected one of ${CAPS.join(', ')}`);
      i++;
    } else if (arg.startsWith('-')) throw new InputError(`${arg.slice(0, 32)}: expected CODE, or --cap CAP`);
    // a code may have been broken into lines by whoever handed it on
    else words.code = `${words.code ?? ''}${arg}`;
  }
  if (words.cap !== undefined && words.code === undefined) throw new InputError('--cap: expected a code with it');
  return words;
}

async function enrolment({ machine, directory, name, nodeKey }: EnrollPlace): Promise<Enrolment> {
  return new Enrolment(machine, directory, await keepNodeKey(machine, nodeKey.kept), expectConfig, name);
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
