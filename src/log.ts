// Levels, scopes and the line format of the log: `<level> <scope>: <event> key=value`.

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values of one log line. Never a key pair, password, token or URL with credentials. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** What a module logs through; `scope` names the part of the program. */
export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  /** A state changed, once. Retries are silent or `debug`. */
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
}

/** Formats one line, without line end; values with spaces, quotes or control characters are quoted as JSON. */
export function formatLogLine(level: LogLevel, scope: string, event: string, fields: LogFields = {}): string {
  let line = `${level} ${scope}: ${event}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = String(value);
    line += ` ${key}=${/^[!#-[\]-~\u00a1-\uffff]+$/.test(text) && !/\s/.test(text) ? text : JSON.stringify(text)}`;
  }
  return line;
}

/** Somebody who listens in, by a level of his own. */
export interface LogTap {
  /** `undefined`: not now. */
  readonly level: LogLevel | undefined;
  take(line: string): void;
}

/** Lines about the telling of lines would never end: of these scopes only faults are heard by a tap. */
const TAP_SCOPES = /^mqtt\b/;

function isWanted(level: LogLevel, by: LogLevel | undefined): boolean {
  return by !== undefined && LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(by);
}

/** The root of all logs of one program: one sink, one level that can change while it runs. */
export class Logger {
  level: LogLevel = 'info';
  tap: LogTap | undefined;

  /** @param sink takes one finished line without its line end. */
  constructor(private readonly sink: (line: string) => void) {}

  /** A log whose lines carry `scope`. */
  scope(scope: string): Log {
    const at =
      (level: LogLevel) =>
      (event: string, fields?: LogFields): void => {
        const isSunk = isWanted(level, this.level);
        const tap = isWanted(level, this.tap?.level) ? this.tap : undefined;
        if (!isSunk && !tap) return;
        const line = formatLogLine(level, scope, event, fields);
        if (isSunk) this.sink(line);
        if (!TAP_SCOPES.test(scope) || isWanted(level, 'warn')) tap?.take(line);
      };
    return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
  }
}

/** A log that drops everything. */
export const SILENT: Log = { error() {}, warn() {}, info() {}, debug() {} };
