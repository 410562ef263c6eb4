// The UCI package `meshbridge` (/etc/config/meshbridge) as a Config: defaults and rejections here and only here.

import { ConfigError, type ConfigProblem, errorText } from './errors.ts';
import { nearest } from './lib/nearest.ts';
import { hasControl } from './lib/text.ts';
import { MAX_UCI_LENGTH, parseUci, UciError, type UciPackage, type UciSection } from './lib/uci.ts';
import { decodeUtf8 } from './lib/utf8.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { parseEndpoint, socketPathProblem } from './transport/endpoint.ts';
import type { Endpoint, Files } from './transport/host.ts';

/** What the daemon is told to do. Source: `OPTIONS`, where each option is explained. */
export interface Config {
  logLevel: LogLevel;
  ubusSocket: string;
  stateDirectory: string;
  discover: boolean;
  socketDirectory: string;
  pollBriskMs: number;
  pollIdleMs: number;
  probe: boolean;
  adviser: boolean;
  interfaces: InterfaceConfig[];
}

/** A Yggdrasil that was named by hand. */
export interface InterfaceConfig {
  name: string;
  endpoint: Endpoint;
}

/** Where people keep it. */
export const CONFIG_PATH = '/etc/config/meshbridge';

/** Most nodes that one router is expected to run. */
export const MAX_INTERFACES = 4;

/** One option: how it is read, and what the shipped file says of it. */
export interface OptionSpec<T> {
  /** The default as it is written; absent: the option must be given. */
  readonly default?: string;
  /** What values it takes: completes "expected …". */
  readonly takes: string;
  /** The value of a text; `undefined` when it does not do, or a text that says why not. */
  read(text: string): { value: T } | { problem: string } | undefined;
}

/** Every option, by section type. The shipped file, the reader and the errors follow this table. */
export const OPTIONS = {
  meshbridge: {
    log_level: choice(LOG_LEVELS, 'info'),
    ubus_socket: path('/var/run/ubus/ubus.sock', socketPathProblem),
    state_dir: path('/var/run/meshbridge'),
    discover: flag('1'),
    socket_dir: path('/tmp/yggdrasil'),
    poll_brisk: seconds(1, 60, '2'),
    poll_idle: seconds(5, 3600, '30'),
    probe: flag('1'),
    adviser: flag('0'),
  },
  interface: {
    socket: endpoint(),
    enabled: flag('1'),
  },
} as const;

/** What each option means, in whole sentences: for the shipped file and for pages; the daemon does without. */
export const MEANINGS: { readonly [T in SectionType]: { readonly [O in keyof (typeof OPTIONS)[T]]: string } } = {
  meshbridge: {
    log_level: 'How much is logged.',
    ubus_socket: 'Socket of the ubus broker.',
    state_dir: 'Directory, best in RAM, that remembers trials of peerings which must be reverted after a crash.',
    discover: 'Find Yggdrasil by the interfaces of netifd and by the socket files in socket_dir.',
    socket_dir: 'Directory with the admin sockets of Yggdrasil, each named <interface>.sock.',
    poll_brisk: 'How often Yggdrasil is asked while somebody looks or listens.',
    poll_idle: 'How often Yggdrasil is asked while nobody does; not less than poll_brisk.',
    probe: 'Ask silent peers whether they are still there while somebody looks.',
    adviser:
      'Choose at most three public peers from the list publicnodes.json, by measuring them from here, and keep them as peerings.',
  },
  interface: {
    socket: 'Admin socket of this Yggdrasil (its AdminListen), such as unix:///tmp/yggdrasil/ygg0.sock.',
    enabled: 'Whether this section counts.',
  },
};

type SectionType = keyof typeof OPTIONS;
type Values<T extends SectionType> = {
  -readonly [K in keyof (typeof OPTIONS)[T]]: (typeof OPTIONS)[T][K] extends OptionSpec<infer V> ? V : never;
};

const PACKAGE = 'meshbridge';
/** So many problems are listed; the rest is counted. */
const MAX_PROBLEMS = 64;
/** The one section of type `meshbridge`. */
const MAIN = 'main';

/**
 * The configuration that a file sets; without a file, the defaults.
 * @throws ConfigError listing everything that is wrong with it.
 */
export function parseConfig(text: string | undefined): Config {
  const problems: ConfigProblem[] = [];
  const report = (where: string, message: string): void => {
    problems.push({ option: `${PACKAGE}.${where}`, message });
  };

  let main: UciSection | undefined;
  const interfaces: InterfaceConfig[] = [];
  const counts = new Map<string, number>();
  for (const section of readPackage(text ?? '').sections) {
    const { type, anonymous } = section;
    const count = counts.get(type) ?? 0;
    counts.set(type, count + 1);
    // as `uci show` names them
    const where = anonymous ? `@${type}[${count}]` : section.name;
    if (type === PACKAGE) {
      if (section.name === MAIN) main = section;
      else report(where, `expected config ${PACKAGE} '${MAIN}', got ${anonymous ? 'no name' : show(section.name)}`);
    } else if (type === 'interface') {
      if (anonymous) report(where, "expected config interface 'name', got no name");
      const values = readSection('interface', section, where, report);
      if (values?.enabled) interfaces.push({ name: section.name, endpoint: values.socket });
    } else report(where, unknown('section type', type, Object.keys(OPTIONS)));
  }
  if (interfaces.length > MAX_INTERFACES)
    report('interface', `expected at most ${MAX_INTERFACES} that are enabled, got ${interfaces.length}`);
  const values = readSection('meshbridge', main, MAIN, report);
  if (values && values.poll_idle < values.poll_brisk)
    report(`${MAIN}.poll_idle`, `expected at least poll_brisk (${values.poll_brisk}), got "${values.poll_idle}"`);

  const more = problems.length - MAX_PROBLEMS;
  if (more > 0) problems.splice(MAX_PROBLEMS, more, { option: PACKAGE, message: `${more} problems more` });
  if (!values || problems.length > 0) throw new ConfigError(problems);
  return {
    logLevel: values.log_level,
    ubusSocket: values.ubus_socket,
    stateDirectory: values.state_dir,
    discover: values.discover,
    socketDirectory: values.socket_dir,
    pollBriskMs: values.poll_brisk * 1000,
    pollIdleMs: values.poll_idle * 1000,
    probe: values.probe,
    adviser: values.adviser,
    interfaces,
  };
}

/** The configuration of a file, and whether there is one. @throws ConfigError; Error when the file cannot be read. */
export function readConfig(files: Pick<Files, 'read'>, path: string): { config: Config; found: boolean } {
  const bytes = files.read(path, MAX_UCI_LENGTH);
  return { config: parseConfig(bytes && decodeUtf8(bytes)), found: bytes !== undefined };
}

function readPackage(text: string): UciPackage {
  try {
    return parseUci(text);
  } catch (error) {
    if (error instanceof UciError) throw new ConfigError([{ option: PACKAGE, message: error.message }]);
    throw error;
  }
}

/** All options of a section, absent ones by their default; `undefined` when one was reported. */
function readSection<T extends SectionType>(
  type: T,
  section: UciSection | undefined,
  where: string,
  report: (where: string, message: string) => void,
): Values<T> | undefined {
  const specs: Readonly<Record<string, OptionSpec<unknown>>> = OPTIONS[type];
  let failed = false;
  const fail = (name: string, message: string): void => {
    failed = true;
    report(`${where}.${name}`, message);
  };
  for (const name of section?.options.keys() ?? []) {
    if (!Object.hasOwn(specs, name)) fail(name, unknown('option', name, Object.keys(specs)));
  }
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const text = section?.options.get(name)?.value ?? spec.default;
    if (text === undefined) fail(name, `expected ${spec.takes}, got nothing`);
    else if (typeof text !== 'string') fail(name, `expected one value, got a list of ${text.length}`);
    else {
      const result = spec.read(text);
      if (result === undefined) fail(name, `expected ${spec.takes}, got ${show(text)}`);
      else if ('problem' in result) fail(name, result.problem);
      else values[name] = result.value;
    }
  }
  return failed ? undefined : (values as Values<T>);
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `unknown ${what} ${show(name)}, ${meant ? `did you mean ${meant}?` : `expected one of ${known.join(', ')}`}`;
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

// the kinds of options

function choice<const V extends string>(of: readonly V[], normal: V): OptionSpec<V> {
  return {
    default: normal,
    takes: `one of ${of.join(', ')}`,
    read: (text) => {
      const value = of.find((one) => one === text);
      return value && { value };
    },
  };
}

/** The words are those of OpenWrt's `config_get_bool`. */
function flag(normal: '0' | '1'): OptionSpec<boolean> {
  return {
    default: normal,
    takes: '1 or 0',
    read: (text) => {
      if (['1', 'on', 'true', 'yes', 'enabled'].includes(text)) return { value: true };
      return ['0', 'off', 'false', 'no', 'disabled'].includes(text) ? { value: false } : undefined;
    },
  };
}

function seconds(least: number, most: number, normal: string): OptionSpec<number> {
  return {
    default: normal,
    takes: `whole seconds from ${least} to ${most}`,
    read: (text) => {
      const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? { value } : undefined;
    },
  };
}

function path(normal: string, problemOf: (path: string) => string | undefined = () => undefined): OptionSpec<string> {
  return {
    default: normal,
    takes: 'an absolute path',
    read: (text) => {
      if (!/^\/.{1,255}$/su.test(text) || hasControl(text)) return undefined;
      const problem = problemOf(text);
      return problem === undefined ? { value: text } : { problem: `${problem}, got ${show(text)}` };
    },
  };
}

function endpoint(): OptionSpec<Endpoint> {
  return {
    takes: 'unix:///path, unix://@name or tcp://host:port',
    read: (text) => {
      try {
        return { value: parseEndpoint(text) };
      } catch (error) {
        return { problem: errorText(error) };
      }
    },
  };
}
