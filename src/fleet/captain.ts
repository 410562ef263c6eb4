// What captains send to gateways over HTTP in the mesh: signed by their own key, for this gateway and this time.

import { request } from 'node:http';
import {
  CAPTAIN_BYTES,
  CAPTAIN_PATHS,
  type CaptainTaken,
  type ReportMessage,
  type VouchMessage,
} from '../api/lease.ts';
import { errorText, InputError } from '../errors.ts';
import { sealEnvelope } from '../lib/envelope.ts';
import { addressOf, nodeAddress } from '../lib/yggdrasil-address.ts';
import { clean } from './display.ts';
import { Failure } from './failure.ts';
import type { Signer } from './key.ts';

const TIMEOUT_MS = 20_000;
const MAX_ANSWER = 64 * 1024;
const KEY = /^[0-9a-f]{64}$/;

/** Where a gateway's registrar is. */
export interface RegistrarPlace {
  /** Of its Yggdrasil, 64 hex digits. */
  readonly key: string;
  /** Follows from it. */
  readonly address: string;
  readonly port: number;
}

interface Said {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Asks once, on a connection of its own. @throws (rejects) Failure */
function ask(host: string, port: number, method: string, path: string, body?: Uint8Array): Promise<Said> {
  const where = `[${host}]:${port}`;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new Failure('unreachable', `${where}: ${why}`, 'Is this machine in the mesh, and the gateway, too?'));
    const headers = { connection: 'close', ...(body && { 'content-length': body.length }) };
    const asked = request({ host, port, method, path, agent: false, headers, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > MAX_ANSWER) asked.destroy(new Error(`expected at most ${MAX_ANSWER} bytes`));
      });
      response.once('error', (error) => fail(errorText(error)));
      response.once('end', () => {
        try {
          const json: unknown = JSON.parse(text);
          if (typeof json !== 'object' || json === null) throw new TypeError();
          resolve({ status: response.statusCode ?? 0, json: json as Said['json'] });
        } catch {
          fail(
            `expected JSON, got status ${response.statusCode} and ${JSON.stringify(clean(text).slice(0, 60))}: is it a meshbridge gateway?`,
          );
        }
      });
    });
    asked.once('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    asked.once('error', (error) => fail(errorText(error)));
    asked.end(body);
  });
}

/** Where the gateway is that a text means: its key, or its address, which is asked for its key. @throws (rejects) InputError, Failure */
export async function findRegistrar(text: string, port: number): Promise<RegistrarPlace> {
  const given = text.toLowerCase();
  if (KEY.test(given)) {
    const address = addressOf(given);
    if (address === undefined) throw new InputError(`gateway: ${given}: is no key of a Yggdrasil`);
    return { key: given, address, port };
  }
  const address = nodeAddress(given);
  if (address === undefined)
    throw new InputError(
      `gateway: expected the key of its Yggdrasil, or its address (200::/8), got ${JSON.stringify(text.slice(0, 80))}`,
    );
  const { status, json } = await ask(address, port, 'GET', '/v1/info');
  const { key } = json;
  if (status !== 200 || typeof key !== 'string' || !KEY.test(key))
    throw new Failure(
      'failed',
      `${address}: does not tell its key: ${String(json.reason ?? `status ${status}`)}`,
      'Name the gateway by its key: only nodes of the mesh are told, no hosts behind them.',
    );
  if (addressOf(key) !== address)
    throw new Failure('untrusted', `${address}: the key that it tells is that of another address`);
  return { key, address, port };
}

type Message = Omit<ReportMessage, 'gateway' | 'at_s'> | Omit<VouchMessage, 'gateway' | 'at_s'>;

/** Signs and sends what a captain says. @throws (rejects) Failure with what the gateway says, InputError where it is too long */
export async function sendWord(place: RegistrarPlace, message: Message, signer: Signer): Promise<CaptainTaken> {
  const { key: gateway, address, port } = place;
  const kind = message.kind as keyof typeof CAPTAIN_PATHS;
  const body = JSON.stringify({ ...message, at_s: Math.floor(Date.now() / 1000), gateway });
  let payload: Uint8Array;
  try {
    payload = sealEnvelope(kind, body, [signer]);
  } catch (error) {
    if (error instanceof RangeError)
      throw new InputError(`${kind}: expected at most ${CAPTAIN_BYTES} bytes in all: say it shorter`);
    throw error;
  }
  const { status, json } = await ask(address, port, 'POST', CAPTAIN_PATHS[kind], payload);
  if (status !== 200) {
    const hint = HINTS[String(json.error)];
    throw new Failure('failed', `the gateway: ${String(json.reason ?? `status ${status}`)}`, hint);
  }
  const { message: said, id } = json;
  return { message: String(said), ...(typeof id === 'number' && { id }) };
}

const HINTS: Readonly<Record<string, string>> = {
  not_captain:
    'A report takes the key that the home itself named as captain_key; a word for a home, one that the operator named.',
  stale: 'Is the clock of this machine right?',
  unknown: 'Is it a meshbridge gateway of this version?',
};
