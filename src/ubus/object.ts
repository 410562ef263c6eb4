// What is published on ubus: objects, their methods, how arguments are checked and replies encoded.

import { BusyError, errorText, InputError, LinkDownError, TimeoutError } from '../errors.ts';
import {
  decodeTable,
  encodeTable,
  type Layout,
  layoutType,
  type Table,
  type TableLayout,
  type Value,
} from './blobmsg.ts';
import {
  UBUS_STATUS_CONNECTION_FAILED,
  UBUS_STATUS_INVALID_ARGUMENT,
  UBUS_STATUS_OK,
  UBUS_STATUS_SYSTEM_ERROR,
  UBUS_STATUS_TIMEOUT,
  UBUS_STATUS_UNKNOWN_ERROR,
} from './status.ts';

/** Who calls, as ubusd vouches for it. */
export interface Caller {
  user: string;
  group: string;
  /** Id of the caller's connection. */
  peer: number;
}

/** The content of one DATA: a table, or one that is encoded already and sent as it is. */
export type Data = object | Uint8Array;

/** The answer to a call: one DATA, several (a list), none, or a refusal. */
export type Reply = Data | readonly Data[] | undefined | Failure;

/** A refusal, returned or thrown by a handler: a DATA with the reason, then the status. */
export class Failure {
  /** @param field the argument at fault. */
  constructor(
    readonly status: number,
    readonly error: string,
    readonly field?: string,
  ) {}
}

/** One method of an object. */
export interface UbusMethod {
  /** Arguments that are checked before the call; others are dropped. */
  readonly args: TableLayout;
  /** Types of the fields of the reply; without it they are inferred. */
  readonly reply?: TableLayout;
  handle(args: Table, caller: Caller): Reply | Promise<Reply>;
}

/** One object, under a path of its own. */
export interface UbusObject {
  readonly path: string;
  readonly methods: Readonly<Record<string, UbusMethod>>;
}

/** The SIGNATURE of an object: per method a table, in it per argument the number of its type. */
export function encodeSignature(object: UbusObject): Uint8Array {
  const methods: Record<string, Record<string, number>> = {};
  for (const [name, { args }] of Object.entries(object.methods)) {
    const types: Record<string, number> = {};
    for (const [key, layout] of Object.entries(args)) types[fieldName(key)] = layoutType(layout);
    methods[name] = types;
  }
  return encodeTable(methods);
}

function fieldName(key: string): string {
  return key.endsWith('?') ? key.slice(0, -1) : key;
}

/**
 * The arguments that a layout names, out of what came. Integers of every width are one kind, a double without fraction among them; null
 * counts as absent; what the layout does not name is dropped.
 * @throws InputError on a wrong type, an integer out of range or a missing argument.
 */
export function checkArguments(layout: TableLayout, given: Table): Table {
  const args: Table = {};
  for (const key in layout) {
    const type = layout[key]!;
    const name = fieldName(key);
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value !== undefined && value !== null) {
      checkArgument(name, type, value);
      args[name] = value;
    } else if (name === key) throw new InputError(`${name}: missing, expected ${typeText(type)}`, name);
  }
  return args;
}

function checkArgument(name: string, layout: Layout, value: Value): void {
  if (!fits(layout, value)) throw new InputError(`${name}: expected ${typeText(layout)}, got ${shown(value)}`, name);
}

function fits(layout: Layout, value: Value): boolean {
  switch (layout) {
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'int32':
      return typeof value === 'number' && value === (value | 0);
    case 'int64':
      return Number.isSafeInteger(value);
    case 'double':
      return typeof value === 'number';
    case 'json':
      return true;
  }
  if (Array.isArray(layout)) return Array.isArray(value) && value.every((item) => fits(layout[0], item));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(layout as TableLayout).every(([key, type]) => {
    const name = fieldName(key);
    return Object.hasOwn(value, name) ? fits(type, value[name]!) : name !== key;
  });
}

function typeText(layout: Layout): string {
  if (typeof layout !== 'string') return Array.isArray(layout) ? `a list of ${typeText(layout[0])}` : 'a table';
  const texts = { string: 'a string', bool: 'true or false', double: 'a number', json: 'a value' };
  if (layout === 'int32') return 'an integer of 32 bits';
  return layout === 'int64' ? 'an integer up to 2^53' : texts[layout];
}

function shown(value: Value): string {
  if (typeof value !== 'object') return typeof value === 'string' ? 'a string' : String(value);
  return Array.isArray(value) ? 'a list' : 'a table';
}

/** Decodes and checks the arguments of a call. @throws InputError; WireError when they are no blobmsg. */
export function readArguments(method: UbusMethod, data: Uint8Array | undefined): Table {
  return checkArguments(method.args, data && data.length > 0 ? decodeTable(data) : {});
}

/** A reply as it goes out: any number of DATA, then the status. */
export interface EncodedReply {
  status: number;
  data: Uint8Array[];
}

/** Encodes what a handler answered. @throws TypeError when it is not what the method's layout says; RangeError when it is too long. */
export function encodeReply(method: UbusMethod, reply: Reply): EncodedReply {
  if (reply === undefined) return { status: UBUS_STATUS_OK, data: [] };
  if (reply instanceof Failure) return encodeFailure(reply);
  const parts = (Array.isArray(reply) ? reply : [reply]) as Data[];
  return { status: UBUS_STATUS_OK, data: parts.map((part) => encodeData(part, method.reply)) };
}

/** Encodes the content of a DATA, unless it is encoded. @throws TypeError, RangeError as `encodeTable`. */
export function encodeData(data: Data, layout?: TableLayout): Uint8Array {
  return data instanceof Uint8Array ? data : encodeTable(data, layout);
}

/** Encodes a refusal. */
export function encodeFailure({ status, error, field }: Failure): EncodedReply {
  return { status, data: [encodeTable({ error, field })] };
}

/** The refusal that an error thrown by a handler stands for. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const text = errorText(error);
  if (error instanceof InputError) return new Failure(UBUS_STATUS_INVALID_ARGUMENT, text, error.field);
  if (error instanceof TimeoutError) return new Failure(UBUS_STATUS_TIMEOUT, text);
  if (error instanceof LinkDownError) return new Failure(UBUS_STATUS_CONNECTION_FAILED, text);
  if (error instanceof BusyError) return new Failure(UBUS_STATUS_SYSTEM_ERROR, text);
  return new Failure(UBUS_STATUS_UNKNOWN_ERROR, text);
}
