// `meshctl import autoygg`: what a gateway of autoygg becomes here; on the gateway's own machine. Shows it, and writes it where it is told to.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { formatImport, planImport, type Registered } from '../autoygg.ts';
import type { Command, Context } from '../command.ts';
import { count } from '../display.ts';
import { Failure } from '../failure.ts';
import { type Row, readTable } from '../sqlite.ts';
import { parseYaml } from '../yaml.ts';

const ADMISSIONS = ['open', 'ask', 'closed'] as const;
const NONE = 'none';
const MODE = 0o600;

export const IMPORT: Command = {
  words: 'import autoygg',
  summary: 'make the configuration of a gateway out of that of autoygg',
  args: '[SERVER.YAML]',
  takes: [0, 1],
  options: {
    accesslist: { takes: 'FILE', help: 'access list, or none (as server.yaml says, beside it)' },
    database: { takes: 'FILE', help: 'autoygg.db, or none (as server.yaml says)' },
    admission: { takes: 'WHO', help: 'open, ask or closed (as it was: ask with an access list, else open)' },
    write: { takes: 'FILE', help: 'write it into a new file; without it, it is only shown' },
  },
  details: `Reads /etc/autoygg/server.yaml (or SERVER.YAML), the access list and the database, and changes none of
them. What it prints is to be added to /etc/meshbridge/meshbridge.conf (/etc/config/meshbridge on
OpenWrt): a section registrar, and a section client for each home that was let in or turned away. With
--admission ask and no access list, homes that hold a lease are let in. A row of the database whose key
does not belong to its address is left out: at autoygg anybody could take a lease over.`,
  async run(context) {
    const path = context.args[0] ?? '/etc/autoygg/server.yaml';
    const server = readText(path);
    const admission = admissionOf(context.options.text('admission'));
    const settings = parseYaml(server, 'server.yaml');
    const told = (name: string): string | undefined => {
      for (const [one, value] of settings)
        if (one.toLowerCase() === name && typeof value === 'string' && value !== '') return value;
      return undefined;
    };
    const list = listText(context, path, told('accesslistfile') ?? 'accesslist');
    const { registered, problem } = readDatabase(context, told('statedir') ?? '/var/lib/autoygg');
    const plan = planImport({ server, accessList: list, registered, admission });
    const text = formatImport(plan);
    const target = context.options.text('write');
    if (target !== undefined) writeNew(target, text);
    for (const note of [...(problem === undefined ? [] : [problem]), ...plan.notes])
      context.output.note(`note: ${note}`);
    context.output.print(
      ...(target === undefined ? [text.trimEnd()] : [`${target}: written, with ${count(plan.clients.length, 'home')}`]),
    );
    if (target === undefined) context.output.note('nothing was written: --write FILE does');
    context.output.result({ ...plan, config: text, ...(target !== undefined && { written: target }) });
  },
};

function admissionOf(text: string | undefined): (typeof ADMISSIONS)[number] | undefined {
  const known = ADMISSIONS.find((one) => one === text);
  if (text !== undefined && !known)
    throw new InputError(`--admission: expected ${ADMISSIONS.join(', ')}, got ${JSON.stringify(text)}`);
  return known;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure(
      'usage',
      `${path}: ${(error as NodeJS.ErrnoException).code ?? error}`,
      'name server.yaml of autoygg behind the command',
    );
  }
}

/** @param name as autoygg has it: without its ending, in the directory of server.yaml. */
function listText({ options }: Context, server: string, name: string): string | undefined {
  const given = options.text('accesslist');
  if (given === NONE) return undefined;
  if (given !== undefined) return readText(given);
  const usual = join(dirname(server), `${name.replace(/\.ya?ml$/, '')}.yaml`);
  return existsSync(usual) ? readText(usual) : undefined;
}

/** The database that is there by itself need not be readable; one that was named must be. */
function readDatabase({ options, env }: Context, directory: string): { registered?: Registered[]; problem?: string } {
  const given = options.text('database');
  if (given === NONE) return {};
  const path = given ?? join(directory, 'autoygg.db');
  if (given === undefined && !existsSync(path)) return {};
  try {
    return { registered: readTable(path, 'registrations', env).map(readRow) };
  } catch (error) {
    if (given !== undefined || !(error instanceof Failure)) throw error;
    return { problem: `${error.message}${error.hint === undefined ? '' : `: ${error.hint}`}` };
  }
}

/** Columns are called as GORM calls them, which has not always been the same: `YggIP` is `ygg_ip`. */
function readRow(row: Row): Registered {
  const of = (name: string): unknown =>
    Object.entries(row).find(([one]) => one.replaceAll('_', '').toLowerCase() === name)?.[1];
  const text = (name: string): string => String(of(name) ?? '');
  return {
    state: text('state'),
    key: text('publickey').toLowerCase(),
    address: text('yggip'),
    isDeleted: (of('deletedat') ?? null) !== null,
  };
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: MODE });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(
      'usage',
      code === 'EEXIST' ? `${path}: there is a file of this name, which is left as it is` : `${path}: ${code}`,
    );
  }
}
