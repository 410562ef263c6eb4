// `meshctl keys`: the operator's own keys, which sign what routers are told.

import { readFileSync } from 'node:fs';
import { SCOPES } from '../../api/scope.ts';
import { errorText } from '../../errors.ts';
import type { Command, Context } from '../command.ts';
import { formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import {
  checkKeyName,
  checkScope,
  findKey,
  formatKeySection,
  listKeys,
  makeKey,
  openKey,
  type PublicKey,
  type Signer,
} from '../key.ts';
import { formatTable } from '../table.ts';

const MIN_PASSPHRASE = 8;
/** Most signatures of one message. */
const MAX_SIGNERS = 4;

/** The option of commands that sign. */
export const KEY_OPTION = {
  key: { takes: 'NAME', isList: true, help: 'sign with this key (without it: the only one there is)' },
  'passphrase-file': { takes: 'FILE', help: 'file with its passphrase (else MESHCTL_PASSPHRASE, or asked for)' },
} as const;

/** The passphrase that an option or a variable says; `undefined`: none does. */
function saidPassphrase({ options, env }: Context): string | undefined {
  const path = options.text('passphrase-file');
  if (path === undefined) return env.MESHCTL_PASSPHRASE;
  try {
    return readFileSync(path, 'utf8').split('\n')[0]!.replace(/\r$/, '');
  } catch (error) {
    throw new Failure('usage', `--passphrase-file: ${errorText(error)}`);
  }
}

/** The names of the keys to sign with. @throws Failure when it is not clear which. */
export function chosenKeys({ options, home }: Context): PublicKey[] {
  const names = options.list('key');
  if (names.length > MAX_SIGNERS)
    throw new Failure('usage', `--key: expected at most ${MAX_SIGNERS}, got ${names.length}`);
  if (names.length > 0) return [...new Set(names)].map((name) => findKey(home, name));
  const all = listKeys(home);
  if (all.length === 1) return all;
  if (all.length === 0)
    throw new Failure('usage', `there is no key in ${home.path} to sign with`, 'meshctl keys new NAME makes one.');
  throw new Failure('usage', `--key: expected one of ${all.map(({ name }) => name).join(', ')}, got none`);
}

/** Opens keys to sign with; asks for passphrases. */
export async function openKeys(context: Context, keys: readonly PublicKey[]): Promise<Signer[]> {
  const signers: Signer[] = [];
  for (const { name } of keys) {
    const ask = async (): Promise<string> =>
      saidPassphrase(context) ?? (await context.prompt.secret(`passphrase of key ${name}: `));
    signers.push(await openKey(context.home, name, ask));
  }
  return signers;
}

async function newPassphrase(context: Context): Promise<string | undefined> {
  if (!context.options.flag('passphrase') && context.options.text('passphrase-file') === undefined) return undefined;
  let text = saidPassphrase(context);
  if (text === undefined) {
    text = await context.prompt.secret('new passphrase: ');
    if (text !== (await context.prompt.secret('the same again: ')))
      throw new Failure('usage', 'the two passphrases differ; no key was made');
  }
  if ([...text].length < MIN_PASSPHRASE)
    throw new Failure('usage', `passphrase: expected at least ${MIN_PASSPHRASE} characters; no key was made`);
  return text;
}

const make: Command = {
  words: 'keys new',
  summary: 'make a key to sign with',
  args: 'NAME',
  takes: [1, 1],
  options: {
    scope: { takes: 'SCOPE', help: `what it may do: ${SCOPES.join(', ')} (operate)` },
    passphrase: { help: 'seal it with a passphrase, which is asked for' },
    'passphrase-file': { takes: 'FILE', help: 'seal it with the passphrase in this file' },
  },
  details: `The key is a file of mode 0600 in the operator's directory. Whoever has the file,
and its passphrase, can do to every enrolled router what its scope says: keep a
copy in a safe place, and give each person a key of their own.`,
  async run(context) {
    const { args, options, output, home } = context;
    const name = checkKeyName(args[0]!);
    const scope = checkScope(options.text('scope') ?? 'operate');
    const passphrase = await newPassphrase(context);
    const key = await home.locked(() => makeKey(home, name, scope, passphrase));
    output.print(
      `key ${name} made: scope ${scope}, ${key.isSealed ? 'sealed with a passphrase' : 'not sealed'}`,
      `public key ${key.public}`,
      `secret in  ${home.file(`keys/${name}.json`)}`,
    );
    output.result({ ...toShown(key), file: home.file(`keys/${name}.json`) });
  },
};

const show: Command = {
  words: 'keys show',
  summary: 'print the lines that make a router obey a key',
  args: 'NAME',
  takes: [1, 1],
  options: {},
  details: `Enrolment writes these lines by itself; they are for routers that are set up by hand,
in /etc/config/meshbridge. The option manage_cap of the router's main section limits
what any key may do.`,
  async run({ args, output, home }) {
    const key = findKey(home, args[0]!);
    output.print(formatKeySection(key).trimEnd());
    output.result({ ...toShown(key), config: formatKeySection(key) });
  },
};

const list: Command = {
  words: 'keys list',
  summary: 'list the keys',
  args: '',
  takes: [0, 0],
  options: {},
  async run({ output, home }) {
    const keys = listKeys(home);
    output.result({ keys: keys.map(toShown) });
    if (keys.length === 0) output.print('no keys; meshctl keys new NAME makes one');
    else
      output.print(
        ...formatTable(
          keys,
          [
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'SCOPE', cell: ({ scope }) => scope },
            { title: 'KEY', cell: ({ public: publicKey }) => publicKey.slice(0, 16) },
            { title: 'SEALED', cell: ({ isSealed }) => (isSealed ? 'yes' : 'no') },
            { title: 'MADE', cell: ({ created_at }) => formatTime(created_at) },
          ],
          output.terminal,
        ),
      );
  },
};

function toShown({ name, public: publicKey, scope, created_at, isSealed }: PublicKey): object {
  return { name, public: publicKey, key: publicKey.slice(0, 16), scope, created_at, sealed: isSealed };
}

export const KEYS: readonly Command[] = [make, show, list];
