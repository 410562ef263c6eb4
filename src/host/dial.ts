// From an endpoint to a connected descriptor: numeric addresses at once, names by way of the resolver, one address after the other;
// with TLS it is connected when the server has proved who it is.

import { errorText, TimeoutError } from '../errors.ts';
import { joinBytes } from '../lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Cancel, Clock, Endpoint } from '../transport/host.ts';
import { type Native, READABLE, WRITABLE } from './native.ts';
import { isPinnedOnly, readAuthorities, readIdentity, serverProblem } from './tls.ts';

/** Longest wait for the resolver, for each address, and for each TLS handshake, milliseconds. */
export const DIAL_STEP_MS = 10_000;
const MAX_ADDRESSES = 8;
const MAX_ANSWER_BYTES = 4096;
/** `sun_path` of Linux, without its last zero. */
const MAX_PATH_BYTES = 107;

/** An endpoint as people write it: path, `host:port`, `[v6 address]:port`. */
export function endpointText(to: Endpoint): string {
  if ('path' in to) return to.path;
  return to.host.includes(':') ? `[${to.host}]:${to.port}` : `${to.host}:${to.port}`;
}

/** What no machine can do with an endpoint; `undefined` when it may be tried. */
export function endpointProblem(to: Endpoint): string | undefined {
  if ('path' in to) {
    if (!/^[/@]./.test(to.path)) return 'expected an absolute path or @name';
    if (to.path.includes('\0')) return 'a zero byte in the path';
    return encodeUtf8(to.path).length > MAX_PATH_BYTES ? 'File name too long' : undefined;
  }
  if (!Number.isInteger(to.port) || to.port < 1 || to.port > 65535) return 'expected a port from 1 to 65535';
  if (!isNumeric(to.host) && !isName(to.host)) return 'expected a host name or a numeric address';
  if (!to.tls || isName(serverNameOf(to))) return undefined;
  return isPinnedOnly(to.tls) && serverNameOf(to) === '' ? undefined : 'expected the name that its certificate is for';
}

/** What a TLS server is asked for by; an address never is (RFC 6066, section 3): then it is empty. */
function serverNameOf(to: Endpoint): string {
  return 'path' in to ? '' : (to.tls?.serverName ?? (isNumeric(to.host) ? '' : to.host));
}

function isName(text: string): boolean {
  return /^[a-z0-9_]([a-z0-9._-]{0,252})$/i.test(text) && !isNumeric(text);
}

/** No host name has a colon or four numbers, so this needs no parser. */
function isNumeric(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || /^[0-9a-f]*:[0-9a-f:.]*(%[\w.-]+)?$/i.test(host);
}

/**
 * Connects, and gives the descriptor or the reason why not; `done` is called once, never from inside.
 * The answer to a name with several addresses that all fail names each.
 */
export function connect(native: Native, clock: Clock, to: Endpoint, done: (outcome: number | Error) => void): Cancel {
  const tls = 'path' in to ? undefined : to.tls;
  const serverName = serverNameOf(to);
  /** Ends whatever is waited for. */
  let cancel: Cancel = () => {};

  const fail = (error: Error): void => {
    cancel = clock.after(0, () => done(error));
  };

  /** Waits for `fd` with a time limit; what it returns ends the wait and leaves `fd` open. */
  const wait = (fd: number, events: number, onReady: () => void, onTimeout: () => void): Cancel => {
    const cancelTimer = clock.after(DIAL_STEP_MS, () => {
      native.close(fd);
      onTimeout();
    });
    native.watch(fd, events, onReady);
    cancel = () => {
      cancelTimer();
      native.close(fd);
    };
    return () => {
      cancelTimer();
      native.watch(fd, 0);
      cancel = () => {};
    };
  };

  const attempt = (open: () => number, subject: string, onFail: (error: Error) => void): void => {
    let fd: number;
    try {
      fd = open();
    } catch (error) {
      onFail(error as Error);
      return;
    }
    const onTimeout = (): void => onFail(new TimeoutError(`connect ${subject}: no answer after ${DIAL_STEP_MS} ms`));
    const conclude = (problem: string | undefined): void => {
      settle();
      if (problem === undefined) {
        done(fd);
        return;
      }
      native.close(fd);
      onFail(new Error(`connect ${subject}: ${problem}`));
    };
    const onReady = (): void => {
      let problem = native.socketError(fd);
      if (problem === undefined && tls) {
        settle();
        try {
          native.tlsStart!(fd, serverName, readAuthorities(native, tls), readIdentity(native, tls));
          settle = wait(fd, WRITABLE, onHandshake, onTimeout); // one time limit for all its steps
          return;
        } catch (error) {
          problem = errorText(error);
        }
      }
      conclude(problem);
    };
    const onHandshake = (): void => {
      let problem: string | undefined;
      try {
        const found = native.tlsHandshake!(fd);
        if (typeof found === 'number') {
          native.watch(fd, found, onHandshake);
          return;
        }
        problem = serverProblem(found, tls!, native.unixMs());
      } catch (error) {
        problem = errorText(error);
      }
      conclude(problem);
    };
    let settle = wait(fd, WRITABLE, onReady, onTimeout);
  };

  const from = 'path' in to ? undefined : to.from;
  const attemptEach = (addresses: string[], port: number): void => {
    const errors: Error[] = [];
    const next = (): void => {
      const host = addresses[errors.length];
      if (host === undefined) {
        fail(errors.length === 1 ? errors[0]! : new Error(errors.map((e) => e.message).join('; ')));
        return;
      }
      attempt(
        () => native.connectTcp(host, port, from),
        endpointText({ host, port }),
        (error) => {
          errors.push(error);
          next();
        },
      );
    };
    next();
  };

  const resolve = (name: string, port: number): void => {
    cancel = resolveName(native, clock, name, (outcome) => {
      cancel = () => {};
      if (outcome instanceof Error) done(outcome);
      else attemptEach([...outcome], port);
    });
  };

  let problem = endpointProblem(to);
  if (tls && !native.tlsStart) problem ??= 'this program was built without TLS, install meshbridge-tls';
  if (problem !== undefined) fail(new Error(`connect ${endpointText(to)}: ${problem}`));
  else if ('path' in to) attempt(() => native.connectUnix(to.path), to.path, fail);
  else if (isNumeric(to.host)) attemptEach([to.host], to.port);
  else resolve(to.host, to.port);
  return () => cancel();
}

/**
 * Numeric addresses of a host name, in the machine's order of preference, or why there are none: TimeoutError when nobody answered.
 * `done` is called once, never from inside.
 */
export function resolveName(
  native: Native,
  clock: Clock,
  name: string,
  done: (outcome: readonly string[] | Error) => void,
): Cancel {
  const answer: Uint8Array[] = [];
  let answerBytes = 0;
  let fd: number;
  try {
    if (!isName(name)) throw new Error(`resolve ${name}: expected a host name`);
    fd = native.resolve(name);
  } catch (error) {
    return clock.after(0, () => done(error as Error));
  }
  let open = true;
  const stop = (): void => {
    cancelTimer();
    if (open) native.close(fd);
    open = false;
  };
  const cancelTimer = clock.after(DIAL_STEP_MS, () => {
    stop();
    done(new TimeoutError(`resolve ${name}: no answer after ${DIAL_STEP_MS} ms`));
  });
  native.watch(fd, READABLE, () => {
    let bytes: ArrayBuffer | undefined | null;
    try {
      bytes = native.read(fd, MAX_ANSWER_BYTES);
    } catch {
      bytes = null;
    }
    if (bytes === undefined) return;
    if (bytes) {
      answer.push(new Uint8Array(bytes));
      answerBytes += bytes.byteLength;
      if (answerBytes <= MAX_ANSWER_BYTES) return;
    }
    stop();
    // what follows the last line end is nothing, or an address cut off
    const lines = decodeUtf8(joinBytes(answer)).split('\n').slice(0, -1);
    const addresses = lines.slice(0, MAX_ADDRESSES);
    done(addresses.length > 0 ? addresses : new Error(`resolve ${name}: unknown name`));
  });
  return stop;
}
