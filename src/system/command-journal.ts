// Keeps the commands of a session in a file in RAM, so that none is done twice, whatever ended the daemon.
//
// The file is replaced as a whole. Without it, and with the session still the same, a command of earlier could be played again: so whoever
// finds it broken begins a new session.

import { errorText } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { CommandJournal, CommandRecord, CommandState, CommandStep } from '../mesh/command.ts';
import type { Files } from '../transport/host.ts';
import { readSession, renewSession, type SessionHost } from './session-file.ts';

const FILE = 'commands.json';
const MAX_BYTES = 262_144;
/** Answers may tell of people's nodes. */
const MODE = 0o600;
const STEPS: readonly CommandStep[] = ['accepted', 'done', 'failed', 'rejected', 'expired'];

/** The file of one session. */
export class CommandFile implements CommandJournal {
  private readonly path: string;

  constructor(
    private readonly files: Pick<Files, 'read' | 'write'>,
    directory: string,
    private readonly sid: string,
  ) {
    this.path = `${directory}/${FILE}`;
  }

  /** Nothing where there is no file, or that of another session. @throws Error when it cannot be read, or is none of ours */
  load(): CommandState {
    const bytes = this.files.read(this.path, MAX_BYTES);
    const { sid, counters, records } = bytes ? this.parse(decodeUtf8(bytes)) : { sid: '', counters: {}, records: [] };
    return sid === this.sid ? { counters, records } : { counters: {}, records: [] };
  }

  save({ counters, records }: CommandState): void {
    this.files.write(this.path, encodeUtf8(JSON.stringify({ sid: this.sid, counters, records })), MODE);
  }

  private parse(text: string): CommandState & { sid: string } {
    let given: unknown;
    try {
      given = JSON.parse(text);
    } catch {
      // judged below
    }
    const { sid, counters, records } = asTable(given);
    if (typeof sid === 'string' && Array.isArray(records) && records.every(isRecord) && isCounters(counters))
      return { sid, counters, records };
    throw new Error(`${this.path}: expected what meshbridge wrote, got something else`);
  }
}

/** The session of this start and its commands; a new one, where what was done in it is not known any more. */
export function openCommands(host: SessionHost, directory: string, log: Log): { sid: string; journal: CommandJournal } {
  const sid = readSession(host, directory, log);
  const journal = new CommandFile(host.files, directory, sid);
  try {
    journal.load();
    return { sid, journal };
  } catch (error) {
    const renewed = renewSession(host, directory, log);
    log.warn('session begun anew', { error: errorText(error) });
    const empty = new CommandFile(host.files, directory, renewed);
    return {
      sid: renewed,
      journal: { load: () => ({ counters: {}, records: [] }), save: (state) => empty.save(state) },
    };
  }
}

function asTable(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isCounters(value: unknown): value is Record<string, number> {
  return typeof value === 'object' && value !== null && Object.values(value).every(Number.isSafeInteger);
}

function isRecord(value: unknown): value is CommandRecord {
  const { cid, key, ctr, op, st, at_ms: atMs } = asTable(value);
  const areTexts = [cid, key, op].every((one) => typeof one === 'string');
  return areTexts && Number.isSafeInteger(ctr) && typeof atMs === 'number' && STEPS.some((step) => step === st);
}
