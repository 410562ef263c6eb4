// LuCI's rpc: the calls of one animation frame go as one list, replies belong to calls by position.
// Source: luci-base, resources/rpc.js and luci.js (request).

import { TOKEN_HEADER } from '../token.ts';
import { env } from './env.ts';

interface Declaration {
  object: string;
  method: string;
  params?: readonly string[];
  reject: true;
  nobatch?: true;
}
interface Waiting {
  message: object;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}
interface Reply {
  result?: [number, object?];
  error?: { code: number; message: string };
}
type Interceptor = (answer: Reply, declaration: Declaration) => Promise<void>;

const KNOWN = ['object', 'method', 'params', 'reject', 'nobatch'];
const STATUS = [
  '',
  'Invalid command',
  'Invalid argument',
  'Method not found',
  'Resource not found',
  'No data received',
  'Permission denied',
  'Request timeout',
  'Not supported',
  'Unspecified error',
  'Connection lost',
];

const interceptors: Interceptor[] = [];
let waiting: Waiting[] = [];
let nextId = 1;

async function send(calls: readonly Waiting[], body: object): Promise<void> {
  try {
    // a header that no other site's page can send
    const headers = { [TOKEN_HEADER]: env.token };
    const response = await fetch('/ubus/', { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`RPC call failed with HTTP error ${response.status}: ${response.statusText}`);
    const replies: Reply[] = [await response.json()].flat();
    for (const [i, { resolve }] of calls.entries()) resolve(replies[i]!);
  } catch (error) {
    // LuCI gives the reason as an Error, never as fetch's TypeError
    for (const { reject } of calls) reject(new Error(error instanceof Error ? error.message : String(error)));
  }
}

function flush(): void {
  const calls = waiting;
  waiting = [];
  void send(
    calls,
    calls.map(({ message }) => message),
  );
}

async function call(declaration: Declaration, args: readonly unknown[]): Promise<unknown> {
  const { object, method, params = [], nobatch } = declaration;
  const named = Object.fromEntries(params.map((name, i) => [name, args[i]]));
  const message = { jsonrpc: '2.0', id: nextId++, method: 'call', params: [env.session, object, method, named] };
  const answer = await new Promise<Reply>((resolve, reject) => {
    const entry = { message, resolve, reject };
    if (nobatch) void send([entry], message);
    else if (waiting.push(entry) === 1) requestAnimationFrame(flush);
  });
  await Promise.all(interceptors.map((see) => see(answer, declaration)));
  const { result, error } = answer;
  const where = `RPC call to ${object}/${method} failed with`;
  const trace = '\n  at stand-in';
  if (error) throw new Error(`${where} error ${error.code}: ${error.message}${trace}`);
  const [status, reply] = result!;
  if (status !== 0) throw new Error(`${where} ubus code ${status}: ${STATUS[status] ?? 'Unknown error code'}${trace}`);
  return reply ?? status;
}

export const rpc = {
  addInterceptor(see: Interceptor): void {
    interceptors.push(see);
  },
  declare(declaration: Declaration): (...args: unknown[]) => Promise<unknown> {
    if (declaration.reject !== true) throw new Error('rpc.declare: expected reject: true');
    const unknown = Object.keys(declaration).find((key) => !KNOWN.includes(key));
    if (unknown) throw new Error(`rpc.declare: this stand-in knows no ${unknown}`);
    return (...args) => call(declaration, args);
  },
};
