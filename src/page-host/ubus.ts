// POST /ubus as uhttpd answers it: JSON-RPC 2.0, one call or a list of calls that run one after another.
// Source: uhttpd, ubus.c.

import { errorText } from '../errors.ts';

/** One call of a page. */
export interface PageCall {
  session: string;
  object: string;
  method: string;
  args: Record<string, unknown>;
}

/** What ubus says: a status and, mostly with status 0, a reply. */
export interface PageStatus {
  status: number;
  reply?: object;
}
/** `absent`, `denied` and `silent` are uhttpd's own: no such object, no right to it, no answer in time. */
export type PageAnswer = PageStatus | 'absent' | 'denied' | 'silent';
export type Answerer = (call: PageCall) => PageAnswer | Promise<PageAnswer>;

const ERRORS = {
  parse: [-32700, 'Parse error'],
  request: [-32600, 'Invalid request'],
  method: [-32601, 'Method not found'],
  params: [-32602, 'Invalid parameters'],
  internal: [-32603, 'Internal error'],
  absent: [-32000, 'Object not found'],
  denied: [-32002, 'Access denied'],
  silent: [-32003, 'ubus request timed out'],
} as const;

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function failure(id: unknown, kind: keyof typeof ERRORS): object {
  const [code, message] = ERRORS[kind];
  return { jsonrpc: '2.0', id, error: { code, message } };
}

async function answerOne(message: unknown, answer: Answerer, log: (line: string) => void): Promise<object> {
  if (!isTable(message) || message.jsonrpc !== '2.0') return failure(null, 'request');
  const { id = null, method, params } = message;
  // LuCI probes with it whether this address answers at all
  if (method === 'list') return { jsonrpc: '2.0', id, result: {} };
  if (method !== 'call') return failure(id, 'method');
  if (!Array.isArray(params)) return failure(id, 'params');
  const [session, object, name, args] = params as unknown[];
  if (typeof session !== 'string' || typeof object !== 'string' || typeof name !== 'string' || !isTable(args))
    return failure(id, 'params');
  if ('ubus_rpc_session' in args) return failure(id, 'params');
  try {
    const result = await answer({ session, object, method: name, args });
    if (typeof result === 'string') return failure(id, result);
    return { jsonrpc: '2.0', id, result: result.reply ? [result.status, result.reply] : [result.status] };
  } catch (error) {
    log(`${object}.${name}: ${errorText(error)}`);
    return failure(id, 'internal');
  }
}

/** Answers the body of one request. */
export async function answerUbus(body: string, answer: Answerer, log: (line: string) => void): Promise<object> {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return failure(null, 'parse');
  }
  if (!Array.isArray(message)) return answerOne(message, answer, log);
  const replies: object[] = [];
  for (const one of message) replies.push(await answerOne(one, answer, log));
  return replies;
}
