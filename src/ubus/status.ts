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

/** Name and text by number; the texts are those that OpenWrt's `ubus` prints, because scripts match them. */
const STATUSES: readonly (readonly [name: string, text: string])[] = [
  ['OK', 'Success'],
  ['INVALID_COMMAND', 'Invalid command'],
  ['INVALID_ARGUMENT', 'Invalid argument'],
  ['METHOD_NOT_FOUND', 'Method not found'],
  ['NOT_FOUND', 'Not found'],
  ['NO_DATA', 'No response'],
  ['PERMISSION_DENIED', 'Permission denied'],
  ['TIMEOUT', 'Request timed out'],
  ['NOT_SUPPORTED', 'Operation not supported'],
  ['UNKNOWN_ERROR', 'Unknown error'],
  ['CONNECTION_FAILED', 'Connection failed'],
  ['NO_MEMORY', 'Out of memory'],
  ['PARSE_ERROR', 'Parsing message data failed'],
  ['SYSTEM_ERROR', 'System error'],
];

/** The name of a status code, without its prefix: `NOT_FOUND`; `STATUS_99` when it has none. */
export function statusName(status: number): string {
  return STATUSES[status]?.[0] ?? `STATUS_${status}`;
}

/** What OpenWrt's command line prints for a status code. */
export function statusText(status: number): string {
  return STATUSES[status]?.[1] ?? 'Unknown error';
}

/** The error of a request that was answered with a status other than 0; its `status` is the number. */
export function statusError(what: string, status: number, reason?: string): RemoteError {
  return new RemoteError(`${what}: ${reason ?? statusText(status).toLowerCase()} (${statusName(status)})`, status);
}
