// A call that failed, in words for people. LuCI tells the reason only inside a message, whose numbers are the same in all languages.
// Source: luci-base, resources/rpc.js and luci.js (request); uhttpd, ubus.c (the JSON-RPC errors).

import { join } from './join.ts';
import { Refusal } from './refusal.ts';

/** What went wrong, and what to do about it. */
export interface Failure {
  what: string;
  fix: string;
}

type Cause = 'absent' | 'denied' | 'silent' | 'outdated';

/** JSON-RPC errors by uhttpd's number, ubus statuses by ubus' own. */
const CAUSES: Record<string, Cause> = {
  'error -32000': 'absent',
  'error -32002': 'denied',
  'error -32003': 'silent',
  'ubus code 3': 'outdated',
  'ubus code 4': 'absent',
  'ubus code 6': 'denied',
  'ubus code 7': 'silent',
  'ubus code 10': 'silent',
};
/** Statuses of our objects: of an interface, and while Yggdrasil cannot be reached. */
const NOT_FOUND = 4;
const CONNECTION_FAILED = 10;
const MAX_TEXT = 200;

function refused(why: string): Failure {
  return { what: _('The mesh daemon refused: %s').format(why), fix: _('The system log may say more.') };
}

/** Puts what a call of the daemon was rejected with into words; a TypeError comes from an answer that lacks what a page reads of it. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof TypeError)
    return {
      what: _('The mesh daemon answers in a way that this page does not understand.'),
      fix: _('One of them is older: restart “meshbridge” under System → Startup, and reload this page.'),
    };
  if (error instanceof Refusal) {
    const { status, field, message } = error;
    const isGone = status === NOT_FOUND && field === 'interface';
    if (isGone || status === CONNECTION_FAILED)
      return {
        what: isGone
          ? _('The Yggdrasil interface is not there.')
          : _('Yggdrasil, the program that makes the mesh, does not answer.'),
        fix: _('Mesh → Overview says why, and what to do.'),
      };
    return refused(message.slice(0, MAX_TEXT));
  }
  // only the first line: a stack trace may follow
  const text = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!.slice(0, MAX_TEXT);
  const code = /(?:error -\d+|ubus code \d+)(?=:|$)/.exec(text)?.[0];
  const cause = code && CAUSES[code];
  if (cause) return failureOf(cause);
  return code
    ? refused(text)
    : {
        what: _('The router does not answer: %s').format(text),
        fix: _('Is this device still connected to it? It is asked again every few seconds.'),
      };
}

function failureOf(cause: Cause): Failure {
  const failures: Record<Cause, [what: string, fix: string]> = {
    absent: [
      _('The mesh daemon is not running.'),
      _('Start “meshbridge” under System → Startup. If it does not stay, the system log says why.'),
    ],
    denied: [
      _('You are not allowed to see this.'),
      _('Log in as root, or ask for the right “luci-app-meshbridge” on this login.'),
    ],
    silent: [
      _('The mesh daemon does not answer.'),
      _('It is asked again every few seconds. If this lasts, restart “meshbridge” under System → Startup.'),
    ],
    outdated: [
      _('The mesh daemon does not know this question.'),
      _('It is older than this page: restart “meshbridge” under System → Startup.'),
    ],
  };
  const [what, fix] = failures[cause];
  return { what, fix };
}

/** The same in one line. */
export function failureText(error: unknown): string {
  const { what, fix } = describeFailure(error);
  return join([what, fix]);
}
