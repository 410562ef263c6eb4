// Gathers what a lint looks at: the files of /etc/config, and what netifd says. Whatever cannot be had is left out.

import { errorText } from '../errors.ts';
import { MAX_UCI_LENGTH, parseUci, UciError } from '../lib/uci.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import { type FileFact, LEASE_FILES, type LintFacts } from '../mesh/lint-fact.ts';
import type { Files } from '../transport/host.ts';
import { callUbus, type UbusProgramHost } from './ubus-program.ts';

const DIRECTORY = '/etc/config';

/** The part of the port that is needed here. */
export interface FactsHost extends UbusProgramHost {
  readonly files: Pick<Files, 'read'>;
}

/**
 * Reads the files and asks netifd, for at most 5 s. Never rejects.
 * @param directory another one holds files that are not this router's: then netifd is not asked.
 */
export async function readRouterFacts(host: FactsHost, directory = DIRECTORY): Promise<LintFacts> {
  const read = (file: string) => readFact(host.files, `${directory}/${file}`);
  const facts: LintFacts = { network: read('network'), firewall: read('firewall'), meshbridge: read('meshbridge') };
  for (const name of LEASE_FILES) {
    const fact = read(name);
    // most routers have few of them
    if (fact.state !== 'absent') facts[name] = fact;
  }
  const dump = directory === DIRECTORY ? await askNetifd(host) : undefined;
  return dump === undefined ? facts : { ...facts, dump };
}

function readFact(files: Pick<Files, 'read'>, path: string): FileFact {
  try {
    const bytes = files.read(path, MAX_UCI_LENGTH);
    return bytes ? { state: 'read', tree: parseUci(decodeUtf8(bytes)) } : { state: 'absent' };
  } catch (error) {
    if (!(error instanceof UciError)) return { state: 'unread', reason: errorText(error) };
    // its message may quote a private key; these two libuci takes
    if (/: expected at most /.test(error.message)) return { state: 'unread', reason: 'it is larger than is looked at' };
    if (/: expected text, got a NUL/.test(error.message)) return { state: 'unread', reason: 'it holds a zero byte' };
    return { state: 'broken', line: error.line, column: error.column };
  }
}

/** netifd's answer; `undefined` when there is none in time, it is too long, or no JSON. */
async function askNetifd(host: FactsHost): Promise<unknown> {
  try {
    return JSON.parse(await callUbus(host, 'network.interface', 'dump'));
  } catch {
    return undefined;
  }
}
