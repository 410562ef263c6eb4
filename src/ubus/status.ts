// ubus status codes: the numbers of the wire, their names, and what the command line prints for them.

import { RemoteError } from '../errors.ts';

export const UBUS_STATUS_OK = 0;
export const UBUS_STATUS_INVALID_COMMAND = 1;
export const UBUS_STATUS_INVALID_ARGUMENT = 2;
export const UBUS_STATUS_METHOD_NOT_FOUND = 3;
export const UBUS_STATUS_NOT_FOUND = 4;
export const UBUS_STATUS_NO_DATA = 5;
export const UBUS_STATUS_PERMISSION_DENIED = 6;
export const UBUS_STATUS_TIMEOUT = 7;
export const UBUS_STATUS_NOT_SUPPORTED = 8;
export const UBUS_STATUS_UNKNOWN_ERROR = 9;
export const UBUS_STATUS_CONNECTION_FAILED = 10;
export const UBUS_STATUS_NO_MEMORY = 11;
export const UBUS_STATUS_PARSE_ERROR = 12;
export const UBUS_STATUS_SYSTEM_ERROR = 13;

/** By number, without their prefix. */
const NAMES: readonly string[] = [
  'OK',
  'INVALID_COMMAND',
  'INVALID_ARGUMENT',
  'METHOD_NOT_FOUND',
  'NOT_FOUND',
  'NO_DATA',
  'PERMISSION_DENIED',
  'TIMEOUT',
  'NOT_SUPPORTED',
  'UNKNOWN_ERROR',
  'CONNECTION_FAILED',
  'NO_MEMORY',
  'PARSE_ERROR',
  'SYSTEM_ERROR',
];

/** By number: the texts that OpenWrt's `ubus` prints, because scripts match them. */
const TEXTS: readonly string[] = [
  'Success',
  'Invalid command',
  'Invalid argument',
  'Method not found',
  'Not found',
  'No response',
  'Permission denied',
  'Request timed out',
  'Operation not supported',
  'Unknown error',
  'Connection failed',
  'Out of memory',
  'Parsing message data failed',
  'System error',
];

/** The name of a status code, without its prefix: `NOT_FOUND`; `STATUS_99` when it has none. */
export function statusName(status: number): string {
  return NAMES[status] ?? `STATUS_${status}`;
}

/** What OpenWrt's command line prints for a status code. */
export function statusText(status: number): string {
  return TEXTS[status] ?? 'Unknown error';
}

/** The error of a request that was answered with a status other than 0; its `status` is the number. */
export function statusError(what: string, status: number, reason?: string): RemoteError {
  const name = statusName(status);
  return new RemoteError(`${what}: ${reason ?? name.toLowerCase().replace(/_/g, ' ')} (${name})`, status);
}
