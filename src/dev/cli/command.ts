// The commands of `ubus`.

import { errorText, InputError } from '../../errors.ts';
import { joinBytes } from '../../lib/bytes.ts';
import type { Clock } from '../../transport/host.ts';
import { BLOBMSG_TYPE_INT32, encodeMember, encodeTable, readText } from '../../ubus/blobmsg.ts';
import {
  type Attributes,
  type Message,
  UBUS_MSG_INVOKE,
  UBUS_MSG_MONITOR,
  UBUS_MSG_SUBSCRIBE,
  UBUS_SYSTEM_OBJECT_EVENT,
  UBUS_SYSTEM_OBJECT_MONITOR,
} from '../../ubus/message.ts';
import { statusText, UBUS_STATUS_OK, UBUS_STATUS_PARSE_ERROR, UBUS_STATUS_TIMEOUT } from '../../ubus/status.ts';
import { formatId } from '../id.ts';
import { findMember, type Member, members } from '../member.ts';
import { formatMember, formatTable } from './format.ts';
import { encodeJson } from './json.ts';
import { formatMonitor } from './monitor.ts';
import type { Options } from './option.ts';
import type { Session } from './session.ts';

/** What a command has to work with. */
export interface Context {
  readonly session: Session;
  readonly clock: Clock;
  readonly options: Options;
  readonly args: readonly string[];
  /** Text to standard output. */
  print(text: string): void;
  /** Text to standard error. */
  complain(text: string): void;
  /** Standard error is a terminal: messages may be short, for the command stands above. */
  readonly isTerminal: boolean;
}

/** How a command ended: 0, a ubus status, below 0 a failure that it has told of, or arguments that do not do. */
export type Exit = number | 'usage';

const FAILED = -1;
/** In place of "no limit": 24 days, the longest timer. */
const NO_LIMIT_MS = 2_147_483_000;

/** All commands, by name. */
export const COMMANDS: Readonly<Record<string, (context: Context) => Promise<Exit>>> = {
  list,
  call,
  listen,
  subscribe,
  send,
  wait_for: waitFor,
  monitor,
};

async function list({ session, args, options, print }: Context): Promise<Exit> {
  if (args.length > 1) return 'usage';
  return session.lookup(args[0], ({ path = '', objectId = 0, signature }) => {
    if (options.simple || !options.verbose) return print(`${path}\n`);
    print(`'${path}' @${formatId(objectId)}\n`);
    for (const method of members(signature ?? new Uint8Array(0)))
      print(`\t${formatMember(method, { value: argumentType })}\n`);
  });
}

const ARGUMENT_TYPES: Readonly<Record<number, string>> = {
  1: '"Array"',
  2: '"Table"',
  3: '"String"',
  5: '"Integer"',
  7: '"Boolean"',
};

/** In a signature a number stands for a type. */
function argumentType({ type, value }: Member): string | undefined {
  if (type !== BLOBMSG_TYPE_INT32) return undefined;
  const id = new DataView(value.buffer, value.byteOffset).getUint32(0);
  return ARGUMENT_TYPES[id] ?? '"(unknown)"';
}

async function call(context: Context): Promise<Exit> {
  const { session, args, options, print } = context;
  const [path, method, json] = args;
  if (path === undefined || method === undefined || args.length > 3) return 'usage';
  const data = readJson(context, json);
  if (!data) return callFailed(context, UBUS_STATUS_PARSE_ERROR);
  const { status, id } = await session.find(path);
  if (status !== UBUS_STATUS_OK) return status;
  const answer = await session.request({
    type: UBUS_MSG_INVOKE,
    peer: id,
    attributes: { objectId: id, method, data },
    timeoutMs: limitMs(options.timeoutS),
    onData({ attributes }) {
      if (attributes.data) print(`${formatTable(attributes.data, { indent: !options.simple })}\n`);
    },
  });
  return answer === UBUS_STATUS_OK ? answer : callFailed(context, answer);
}

/** In a log the message repeats the command, and the exit status is the negative one. */
function callFailed({ options, isTerminal, args, complain }: Context, status: number): number {
  if (options.simple || isTerminal) return status;
  complain(`Command failed: ubus call ${args.map((arg) => `${arg} `).join('')}(${statusText(status)})\n`);
  return -status;
}

/** The message as blobmsg; `undefined`, with a word to a person at a terminal, when it is no JSON object. */
function readJson({ options, isTerminal, complain }: Context, json: string | undefined): Uint8Array | undefined {
  if (json === undefined) return new Uint8Array(0);
  try {
    return encodeJson(json);
  } catch (error) {
    if (!(error instanceof InputError || error instanceof RangeError)) throw error;
    if (isTerminal && !options.simple) complain(`${errorText(error)}\n`);
    return undefined;
  }
}

async function send(context: Context): Promise<Exit> {
  const { session, args } = context;
  const [id, json] = args;
  if (id === undefined || args.length > 2) return 'usage';
  const data = readJson(context, json);
  if (!data) return UBUS_STATUS_PARSE_ERROR;
  return session.system(UBUS_SYSTEM_OBJECT_EVENT, 'send', joinBytes([encodeTable({ id }), encodeMember('data', data)]));
}

async function listen(context: Context): Promise<number> {
  const { session, args } = context;
  const object = await session.addAnonymous();
  let { status } = object;
  const patterns = args.length > 0 ? args : ['*'];
  let pattern = patterns[0]!;
  session.onMessage = (message) => printCall(context, message);
  for (let i = 0; i < patterns.length && status === UBUS_STATUS_OK; i++) {
    pattern = patterns[i]!;
    status = await session.register(object.id, pattern);
  }
  if (status !== UBUS_STATUS_OK) return registrationFailed(context, pattern, status);
  return lasting(context);
}

async function subscribe(context: Context): Promise<number> {
  const { session, args, options, complain } = context;
  const first = args[0];
  if (first === undefined) {
    if (!options.simple) complain('You need to specify an object to subscribe to\n');
    return FAILED;
  }
  const object = await session.addAnonymous();
  let { status } = object;
  session.onMessage = (message) => printCall(context, message);
  for (let i = 0; i < args.length && status === UBUS_STATUS_OK; i++) {
    const target = await session.find(args[i]!);
    status = target.status;
    if (status === UBUS_STATUS_OK)
      status = await session.request({
        type: UBUS_MSG_SUBSCRIBE,
        attributes: { objectId: object.id, target: target.id },
      });
  }
  if (status !== UBUS_STATUS_OK) return registrationFailed(context, first, status);
  return lasting(context);
}

function registrationFailed({ options, complain }: Context, name: string, status: number): number {
  if (!options.simple) complain(`Error while registering for event '${name}': ${statusText(status)}\n`);
  return FAILED;
}

/** Events and notifications are calls of an object of ours. */
function printCall({ session, print }: Context, message: Message): void {
  if (message.type !== UBUS_MSG_INVOKE) return;
  const { method = '', data = new Uint8Array(0) } = message.attributes;
  print(`{ "${method}": ${formatTable(data)} }\n`);
  session.acknowledge(message);
}

/** Until the time given with -t is over, or the connection ends. */
async function lasting({ session, clock, options }: Context): Promise<number> {
  if (options.listenS > 0) await Promise.race([session.closed, after(clock, limitMs(options.listenS))]);
  else await session.closed;
  return UBUS_STATUS_OK;
}

async function waitFor({ session, clock, args, options }: Context): Promise<Exit> {
  if (args.length === 0) return 'usage';
  const missing = new Set(args);
  let arrived = (): void => {};
  const all = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const seen = (path: string | undefined): void => {
    if (path !== undefined && missing.delete(path) && missing.size === 0) arrived();
  };
  session.onMessage = (message) => seen(addedPath(message.attributes));
  const object = await session.addAnonymous();
  const registered = object.status || (await session.register(object.id, 'ubus.object.add'));
  if (registered !== UBUS_STATUS_OK) return registered;
  const found = await session.lookup(undefined, ({ path }) => seen(path));
  if (found !== UBUS_STATUS_OK || missing.size === 0) return found;
  await Promise.race([all, session.closed, after(clock, options.timeoutS * 1000)]);
  return missing.size === 0 ? UBUS_STATUS_OK : UBUS_STATUS_TIMEOUT;
}

function addedPath({ method, data }: Attributes): string | undefined {
  const path = method === 'ubus.object.add' && data ? findMember(data, 'path', 3) : undefined;
  return path && readText(path.value, 0, path.value.length);
}

async function monitor({ session, options, print }: Context): Promise<number> {
  session.onMessage = (message) => {
    const line = message.type === UBUS_MSG_MONITOR ? formatMonitor(message, options) : undefined;
    if (line !== undefined) print(`${line}\n`);
  };
  const status = await session.system(UBUS_SYSTEM_OBJECT_MONITOR, 'add', new Uint8Array(0));
  if (status === UBUS_STATUS_OK) await session.closed;
  return status;
}

function limitMs(seconds: number): number {
  return seconds > 0 ? Math.min(seconds * 1000, NO_LIMIT_MS) : NO_LIMIT_MS;
}

function after(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
