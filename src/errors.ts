// The error classes: one per cause, so that callers decide by class and people read `what: why`.

/** Bytes or text from another process that break their format. A decode error drops one link, never the daemon. */
export class WireError extends Error {
  override name = 'WireError';
  /** @param offset position of the fault, in bytes from the start of what was decoded; -1 when it has none. */
  constructor(
    message: string,
    readonly offset = -1,
    options?: { cause?: unknown },
  ) {
    super(offset < 0 ? message : `${message} at byte ${offset}`, options);
  }
}

/** The other side answered, and refused. `status` is its own code or word (a ubus status name, `error` of Yggdrasil). */
export class RemoteError extends Error {
  override name = 'RemoteError';
  constructor(
    message: string,
    readonly status: number | string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** No answer within the time allowed. */
export class TimeoutError extends Error {
  override name = 'TimeoutError';
}

/** The link that would carry the request is down, or went down before the answer. */
export class LinkDownError extends Error {
  override name = 'LinkDownError';
}

/** Too much waits already; nothing was sent. */
export class BusyError extends Error {
  override name = 'BusyError';
}

/** A value that a person or a program gave us does not do. `field` names the argument at fault. */
export class InputError extends Error {
  override name = 'InputError';
  constructor(
    message: string,
    readonly field?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** One bad option of a configuration file. `option` is `package.section.option`. */
export interface ConfigProblem {
  option: string;
  message: string;
}

/** A configuration that cannot be used; lists every bad option at once. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map((p) => `${p.option}: ${p.message}`).join('\n'));
  }
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
