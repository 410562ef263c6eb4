// Yggdrasil's admin socket: what may be asked, and how answers are wrapped.
//
// A request is one JSON object {request, arguments, keepalive}, an answer one object {status, error?, request, response}; there are no ids, so
// answers match by order. Requests are built here and never passed through, because some kill the node: `arguments: null`, say, is a nil
// dereference in `addpeer`, `removepeer` and (from 0.5.13) `getpeers`. Source: yggdrasil-go src/admin/admin.go, 0.4.0 to 0.5.14.

import { errorText, InputError, RemoteError, WireError } from '../errors.ts';
import { hasBlank } from '../lib/text.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';

/** Requests without arguments that a node answers by itself, at once. */
export type LocalRequest =
  | 'list'
  | 'getself'
  | 'getpeers'
  | 'getsessions'
  | 'getpaths'
  | 'gettree'
  | 'gettun'
  | 'getmulticastinterfaces';

/** Requests that a node passes on to another one, named by its key; they take up to 6 s. */
export type RemoteRequest = 'getnodeinfo' | 'debug_remotegetself' | 'debug_remotegetpeers';

/** Everything that is ever asked. `device` is the network device that a peering is bound to. */
export type AdminRequest =
  | { readonly name: LocalRequest }
  | { readonly name: RemoteRequest; readonly key: string }
  | { readonly name: 'addpeer' | 'removepeer'; readonly uri: string; readonly device?: string | undefined };

/** The `response` of an answer: its members are not checked yet. */
export type AdminResponse = { readonly [member: string]: unknown };

const MAX_ERROR_TEXT = 512;

/** A public key in the one form that is compared: lower case. @throws InputError when it is not 64 hex digits. */
export function parseKey(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new InputError(`key: expected 64 hex digits, got ${shown(text)}`, 'key');
}

/** The bytes of a request that keeps the connection open. @throws InputError on a key, URI or device that cannot be meant. */
export function encodeRequest(request: AdminRequest): Uint8Array {
  return encodeUtf8(`${JSON.stringify({ request: request.name, arguments: argumentsOf(request), keepalive: true })}\n`);
}

function argumentsOf(request: AdminRequest): Record<string, string> {
  switch (request.name) {
    case 'addpeer':
    case 'removepeer':
      // without a URI, 0.5.12 makes a peer of nothing
      if (request.uri === '') throw new InputError('uri: empty', 'uri');
      return request.device === undefined
        ? { uri: request.uri }
        : { uri: request.uri, interface: checkDevice(request.device) };
    case 'getnodeinfo':
    case 'debug_remotegetself':
    case 'debug_remotegetpeers':
      return { key: parseKey(request.key) };
    case 'list':
    case 'getself':
    case 'getpeers':
    case 'getsessions':
    case 'getpaths':
    case 'gettree':
    case 'gettun':
    case 'getmulticastinterfaces':
      return {};
  }
}

/** Linux: IFNAMSIZ 16 with the final zero, neither slash nor white space. */
function checkDevice(device: string): string {
  if (/^[^/]{1,15}$/u.test(device) && !hasBlank(device) && device !== '.' && device !== '..') return device;
  throw new InputError(`device: expected a network device of 1 to 15 characters, got ${shown(device)}`, 'device');
}

/**
 * The `response` that a frame carries.
 *
 * Known forms: 0.5.x and 0.4.5-0.4.7 `{status, error?, request, response}` (`request` null in 0.4); 0.4.7 after a panic `{error}`;
 * 0.4.0-0.4.4 with the error inside `response`.
 * @throws RemoteError with the node's words when it refused; WireError when the frame is no answer, or answers another request than `name`.
 */
export function decodeAnswer(frame: Uint8Array, name: AdminRequest['name']): AdminResponse {
  const answer = parse(frame);
  if (!isObject(answer)) throw new WireError('answer: expected an object');
  const { status, error, request, response } = answer;
  const asked = isObject(request) ? request.request : undefined;
  // the echo is empty when the node could not read the request: from there on nothing on this connection can be matched
  if (asked !== undefined && (typeof asked !== 'string' || asked.toLowerCase() !== name))
    throw new WireError(`answer: expected one to "${name}", got one to ${shown(asked)}`);
  if (status === 'success' && isObject(response)) return response;
  if (typeof error === 'string') throw refusal(error);
  if (status === 'error' && isObject(response) && typeof response.error === 'string') throw refusal(response.error);
  throw new WireError(`answer to ${name}: expected status "success" with a response, got ${shown(status)}`);
}

function parse(frame: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(frame));
  } catch (error) {
    throw new WireError(`answer: not JSON: ${errorText(error).slice(0, 100)}`, -1, { cause: error });
  }
}

function refusal(text: string): RemoteError {
  const words = text.slice(0, MAX_ERROR_TEXT);
  return new RemoteError(words, words);
}

/** Whether a node refused with these words; their case changed between versions, so it does not count. */
export function refusedWith(error: unknown, words: string): boolean {
  return error instanceof RemoteError && error.message.toLowerCase().includes(words.toLowerCase());
}

/** `addpeer` of a peering that is there already; if that one was down, the node now dials it at once. */
export function isAlreadyConfigured(error: unknown): boolean {
  return refusedWith(error, 'already configured');
}

/** `removepeer` of a peering that is not there (any more). */
export function isNotConfigured(error: unknown): boolean {
  return refusedWith(error, 'not configured');
}

/** A remote request that the other node did not answer in time: `timeout`, or `timed out waiting for response`. */
export function isRemoteTimeout(error: unknown): boolean {
  return refusedWith(error, 'timeout') || refusedWith(error, 'timed out');
}

/** Whether a JSON value is an object (neither null nor a list). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : typeof value;
}
