// The `uci` object of rpcd over a directory of configuration files: each session stages its changes; applying writes them, and writes
// the old files back unless somebody confirms in time. Source: rpcd, uci.c; libuci, delta.c.

import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  formatUci,
  isUciName,
  isUciType,
  MAX_UCI_LENGTH,
  MAX_UCI_SECTIONS,
  MAX_UCI_VALUE,
  parseUci,
  type UciPackage,
  type UciSection,
} from '../../lib/uci.ts';
import type { PageStatus } from '../../page-host/ubus.ts';
import {
  UBUS_STATUS_INVALID_ARGUMENT,
  UBUS_STATUS_METHOD_NOT_FOUND,
  UBUS_STATUS_NO_DATA,
  UBUS_STATUS_NOT_FOUND,
  UBUS_STATUS_OK,
  UBUS_STATUS_PERMISSION_DENIED,
} from '../../ubus/status.ts';
import type { Session } from './router.ts';

/** One change as `uci changes` tells it: what, section, and option or type, value. */
type Change = [kind: string, section: string, ...rest: (string | number)[]];
type Args = Record<string, unknown>;

const MAX_CHANGES = 1000;
/** Of rpcd, where nobody says. */
const ROLLBACK_S = 30;

export interface UciOptions {
  /** Stands in for /etc/config. */
  directory: string;
  /** Tells those whose configuration changed, as procd's triggers do. */
  onApplied(configs: readonly string[]): void;
}

class Refused extends Error {
  constructor(readonly status: number) {
    super(`status ${status}`);
  }
}

interface Applied {
  session: Session;
  files: Map<string, string>;
  changes: Map<string, Change[]>;
  timer: NodeJS.Timeout;
}

/** The object. */
export class Uci {
  private readonly staged = new WeakMap<Session, Map<string, Change[]>>();
  /** Sections that were added without a name have one of these until they are written. */
  private added = 0;
  private applied: Applied | undefined;

  constructor(private readonly options: UciOptions) {}

  /** Answers one call. */
  answer(session: Session, method: string, args: Args): PageStatus {
    try {
      return this.call(session, method, args);
    } catch (error) {
      if (error instanceof Refused) return { status: error.status };
      throw error;
    }
  }

  close(): void {
    clearTimeout(this.applied?.timer);
  }

  /** The text of a file. */
  read(config: string): string {
    const path = join(this.options.directory, config);
    if (!/^[A-Za-z0-9_-]+$/.test(config) || !statSync(path, { throwIfNoEntry: false })?.isFile())
      throw new Refused(UBUS_STATUS_NOT_FOUND);
    const text = readFileSync(path, 'latin1');
    if (text.length > MAX_UCI_LENGTH) throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
    return text;
  }

  private call(session: Session, method: string, args: Args): PageStatus {
    switch (method) {
      case 'configs':
        return { status: UBUS_STATUS_OK, reply: { configs: readdirSync(this.options.directory).sort() } };
      case 'get':
        return { status: UBUS_STATUS_OK, reply: this.get(session, args) };
      case 'add':
        return { status: UBUS_STATUS_OK, reply: this.add(session, args) };
      case 'set':
        this.set(session, args);
        return { status: UBUS_STATUS_OK };
      case 'delete':
        this.remove(session, args);
        return { status: UBUS_STATUS_OK };
      case 'order':
        this.order(session, args);
        return { status: UBUS_STATUS_OK };
      case 'changes':
        return { status: UBUS_STATUS_OK, reply: { changes: this.changes(session, args) } };
      case 'revert':
        this.staging(session).delete(this.config(session, args, 'write'));
        return { status: UBUS_STATUS_OK };
      case 'apply':
        this.apply(session, args);
        return { status: UBUS_STATUS_OK };
      case 'confirm':
        this.end(session, false);
        return { status: UBUS_STATUS_OK };
      case 'rollback':
        this.end(session, true);
        return { status: UBUS_STATUS_OK };
      default:
        return { status: UBUS_STATUS_METHOD_NOT_FOUND };
    }
  }

  private staging(session: Session): Map<string, Change[]> {
    const staged = this.staged.get(session) ?? new Map<string, Change[]>();
    this.staged.set(session, staged);
    return staged;
  }

  private config(session: Session, { config }: Args, right: 'read' | 'write'): string {
    if (typeof config !== 'string') throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
    if (!session.access.allows('uci', config, right)) throw new Refused(UBUS_STATUS_PERMISSION_DENIED);
    return config;
  }

  /** A package as a session sees it. */
  private load(session: Session, config: string): UciPackage {
    const uci = parseUci(this.read(config));
    for (const change of this.staging(session).get(config) ?? []) applyChange(uci, change);
    return uci;
  }

  private stage(session: Session, config: string, changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const staged = this.staging(session);
    const all = [...(staged.get(config) ?? []), ...changes];
    if (all.length > MAX_CHANGES) throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
    staged.set(config, all);
  }

  private get(session: Session, args: Args): object {
    const { sections } = this.load(session, this.config(session, args, 'read'));
    const { section: name, option, type } = args;
    if (name === undefined) {
      const values: Record<string, object> = {};
      for (const [i, one] of sections.entries())
        if (type === undefined || one.type === type) values[one.name] = { ...dump(one), '.index': i };
      return { values };
    }
    const section = sections.find((one) => one.name === name);
    if (!section) throw new Refused(UBUS_STATUS_NOT_FOUND);
    if (option === undefined) return { values: dump(section) };
    const value = section.options.get(String(option))?.value;
    if (value === undefined) throw new Refused(UBUS_STATUS_NOT_FOUND);
    return { value };
  }

  private add(session: Session, args: Args): object {
    const config = this.config(session, args, 'write');
    const { type, name, values = {} } = args;
    if (typeof type !== 'string' || !isUciType(type)) throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
    if (name !== undefined && name !== null && (typeof name !== 'string' || !isUciName(name)))
      throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
    const uci = this.load(session, config);
    if (uci.sections.length >= MAX_UCI_SECTIONS) throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
    const section = typeof name === 'string' ? name : `cfg${(++this.added).toString(16).padStart(6, '0')}`;
    const kind = typeof name === 'string' ? 'set' : 'add';
    const changes = tableOf(values).flatMap(([option, value]) => setOption(section, undefined, option, value));
    this.stage(session, config, [[kind, section, type], ...changes]);
    return { section };
  }

  private set(session: Session, args: Args): void {
    const config = this.config(session, args, 'write');
    const section = this.load(session, config).sections.find((one) => one.name === args.section);
    if (!section) throw new Refused(UBUS_STATUS_NOT_FOUND);
    const changes = tableOf(args.values).flatMap(([option, value]) =>
      setOption(section.name, section.options.get(option)?.value, option, value),
    );
    this.stage(session, config, changes);
  }

  private remove(session: Session, args: Args): void {
    const config = this.config(session, args, 'write');
    const section = this.load(session, config).sections.find((one) => one.name === args.section);
    if (!section) throw new Refused(UBUS_STATUS_NOT_FOUND);
    const named = args.options ?? args.option;
    if (named === undefined || named === null) {
      this.stage(session, config, [['remove', section.name]]);
      return;
    }
    const there = [named].flat().filter((option) => section.options.has(String(option)));
    if (there.length === 0) throw new Refused(UBUS_STATUS_NOT_FOUND);
    const changes = there.map((option): Change => ['remove', section.name, String(option)]);
    this.stage(session, config, changes);
  }

  private order(session: Session, args: Args): void {
    const config = this.config(session, args, 'write');
    const { sections } = this.load(session, config);
    if (!Array.isArray(args.sections)) throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
    const changes = args.sections.map((name, i): Change => {
      if (!sections.some((one) => one.name === name)) throw new Refused(UBUS_STATUS_NOT_FOUND);
      return ['order', String(name), i];
    });
    this.stage(session, config, changes);
  }

  private changes(session: Session, args: Args): object {
    const staged = this.staging(session);
    if (args.config !== undefined) return staged.get(this.config(session, args, 'read')) ?? [];
    return Object.fromEntries(staged);
  }

  private apply(session: Session, { rollback, timeout = ROLLBACK_S }: Args): void {
    const staged = this.staging(session);
    if (this.applied) throw new Refused(UBUS_STATUS_PERMISSION_DENIED);
    if (staged.size === 0) throw new Refused(UBUS_STATUS_NO_DATA);
    if (typeof timeout !== 'number' || !(timeout > 0 && timeout <= 3600))
      throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
    const files = new Map<string, string>();
    const made = new Map<string, string>();
    for (const config of staged.keys()) {
      if (!session.access.allows('uci', config, 'write')) throw new Refused(UBUS_STATUS_PERMISSION_DENIED);
      files.set(config, this.read(config));
      made.set(config, formatUci(this.load(session, config)));
    }
    const changes = new Map(staged);
    staged.clear();
    this.write(made);
    if (rollback !== true) return;
    const timer = setTimeout(() => this.end(session, true), timeout * 1000);
    this.applied = { session, files, changes, timer };
  }

  /** Ends the wait for a confirmation: with `back`, files and staged changes are again what they were. */
  private end(session: Session, back: boolean): void {
    const { applied } = this;
    if (!applied) throw new Refused(UBUS_STATUS_NO_DATA);
    if (applied.session !== session) throw new Refused(UBUS_STATUS_PERMISSION_DENIED);
    clearTimeout(applied.timer);
    this.applied = undefined;
    if (!back) return;
    this.staged.set(session, new Map(applied.changes));
    this.write(applied.files);
  }

  private write(files: ReadonlyMap<string, string>): void {
    for (const [config, text] of files) {
      const path = join(this.options.directory, config);
      writeFileSync(`${path}.new`, text, { encoding: 'latin1', mode: 0o600 });
      renameSync(`${path}.new`, path);
    }
    this.options.onApplied([...files.keys()]);
  }
}

function tableOf(values: unknown): [string, unknown][] {
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
  return Object.entries(values);
}

/** A value as UCI's text; JSON holds UTF-8, the files one character a byte. */
function textOf(value: unknown): string {
  const text = typeof value === 'boolean' ? String(Number(value)) : value;
  if (typeof text !== 'string' && typeof text !== 'number') throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
  const bytes = Buffer.from(String(text), 'utf8').toString('latin1');
  if (bytes.length > MAX_UCI_VALUE || bytes.includes('\0')) throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
  return bytes;
}

function setOption(section: string, old: string | string[] | undefined, option: string, value: unknown): Change[] {
  if (!isUciName(option)) throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
  if (!Array.isArray(value)) {
    const text = textOf(value);
    return text === old ? [] : [['set', section, option, text]];
  }
  if (value.length === 0) throw new Refused(UBUS_STATUS_INVALID_ARGUMENT);
  const added = value.map((item): Change => ['list-add', section, option, textOf(item)]);
  return old === undefined ? added : [['remove', section, option], ...added];
}

function applyChange(uci: UciPackage, [kind, name, third, fourth]: Change): void {
  const section = uci.sections.find((one) => one.name === name);
  const option = String(third);
  if (kind === 'add' || (kind === 'set' && fourth === undefined)) {
    if (!section) uci.sections.push({ type: option, name, anonymous: kind === 'add', line: 0, options: new Map() });
    return;
  }
  if (!section) return; // it was removed by somebody else meanwhile
  if (kind === 'set' && fourth === '') section.options.delete(option);
  else if (kind === 'set') section.options.set(option, { value: String(fourth), line: 0 });
  else if (kind === 'list-add') {
    const old = section.options.get(option)?.value ?? [];
    section.options.set(option, { value: [old, String(fourth)].flat(), line: 0 });
  } else if (kind === 'remove' && third !== undefined) section.options.delete(option);
  else {
    uci.sections.splice(uci.sections.indexOf(section), 1);
    if (kind === 'order') uci.sections.splice(Number(third), 0, section);
  }
}

function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

function dump(section: UciSection): Record<string, unknown> {
  const dumped: Record<string, unknown> = {
    '.anonymous': section.anonymous,
    '.type': section.type,
    '.name': section.name,
  };
  for (const [option, { value }] of section.options)
    dumped[option] = typeof value === 'string' ? utf8(value) : value.map(utf8);
  return dumped;
}
