// The five calls of autoygg, for homes that know no others: shows the same leases in its words, and decides nothing.

import type { GatewayInfo, LeaseRequest } from '../api/lease.ts';
import type { HttpRequest } from '../http/message.ts';
import type { HttpAnswer } from '../http/server.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import { type Registration, readRegistration, registrationJson } from '../mesh/autoygg.ts';
import type { Clients } from '../mesh/client.ts';
import type { LeaseAnswer } from '../mesh/lease-message.ts';

/** Such a home does not tell the MTU of its Yggdrasil: that of one that nobody has set. */
const MESH_MTU = 65_535;
const KEY = /^[0-9a-f]{64}$/;
const NOT_FOUND = 'Registration not found';
const MALFORMED = 'Malformed json request';

/** What the calls reach. */
export interface AutoyggParts {
  readonly clients: Pick<Clients, 'ask' | 'look' | 'release' | 'keyOf'>;
  info(): GatewayInfo;
  /** Prefix length of inner addresses. */
  readonly bits: number;
  unixS(): number;
}

/** Paths, and the methods that each takes. */
export const AUTOYGG_CALLS: Readonly<Record<string, readonly string[]>> = {
  '/info': ['GET'],
  '/register': ['GET', 'POST'],
  '/renew': ['POST'],
  '/release': ['POST'],
};

/** Answers one of `AUTOYGG_CALLS`, asked by the node of an address. */
export function answerAutoygg(
  parts: AutoyggParts,
  { method, path, body }: HttpRequest,
  address: string,
): HttpAnswer | Promise<HttpAnswer> {
  if (path === '/info') return json(200, autoyggInfo(parts.info()));
  if (method === 'GET') {
    const found = parts.clients.look(address);
    return row(parts, found, found.kind === 'granted' ? 201 : 404, 'success', address, '');
  }
  let registration: Registration;
  try {
    registration = readRegistration(JSON.parse(decodeUtf8(body)));
  } catch {
    return refusal(400, MALFORMED);
  }
  if (!KEY.test(registration.key)) return refusal(400, `${MALFORMED}: PublicKey length incorrect`);
  if (path === '/register') return lease(parts, registration, address, 'open');
  const found = parts.clients.look(address);
  const isNone = found.kind === 'refused' && found.refusal.error === 'no_lease';
  if (isNone || parts.clients.keyOf(address) !== registration.key) return refusal(404, NOT_FOUND);
  if (path === '/renew') return lease(parts, registration, address, 'success');
  const answer = row(parts, found, 200, 'expired', address, registration.version);
  parts.clients.release(address);
  return answer;
}

function lease(
  parts: AutoyggParts,
  { key, version, name, email, phone }: Registration,
  address: string,
  state: string,
): HttpAnswer | Promise<HttpAnswer> {
  const request: LeaseRequest = {
    ...{ key, kinds: ['gre6'], mesh_mtu: MESH_MTU, software: `autoygg ${version}` },
    ...(name !== '' && { name }),
    ...(email !== '' && { email }),
    ...(phone !== '' && { phone }),
  };
  const show = (answer: LeaseAnswer): HttpAnswer => row(parts, answer, 200, state, address, version);
  const answer = parts.clients.ask(address, request, true);
  return answer instanceof Promise ? answer.then(show) : show(answer);
}

/** @param status where the answer is no refusal, and where there is no lease. */
function row(
  parts: AutoyggParts,
  answer: LeaseAnswer,
  status: number,
  state: string,
  address: string,
  version: string,
): HttpAnswer {
  if (answer.kind === 'waiting') {
    const { place, waiting, ask } = answer.waiting;
    const whom = ask === '' ? '' : `, ask ${ask}`;
    return refusal(403, `The operator has not decided yet: number ${place} of ${waiting} who wait${whom}`);
  }
  if (answer.kind === 'refused') {
    const { error, reason, missing } = answer.refusal;
    if (error === 'no_lease') return json(404, registrationJson(undefined, ''));
    if (missing) return refusal(403, 'Client name, e-mail and phone must be supplied');
    const isBusy = ['full', 'queue_full', 'draining', 'busy', 'too_often'].includes(error);
    return refusal(isBusy ? 503 : 403, `Registration not allowed: ${reason || error}`);
  }
  const { terms, lease_s } = answer.grant;
  return json(
    status,
    registrationJson(
      {
        ...{ state, version, home: address, bits: parts.bits, device: '' },
        gatewayKey: parts.info().key,
        key: parts.clients.keyOf(address) ?? '',
        address: terms.home4 ?? '',
        gateway: terms.gateway4 ?? '',
        expiresS: parts.unixS() + (state === 'expired' ? -10 : lease_s),
      },
      '',
    ),
  );
}

function refusal(status: number, error: string): HttpAnswer {
  return json(status, registrationJson(undefined, error));
}

function autoyggInfo(info: GatewayInfo): Record<string, unknown> {
  return {
    GatewayOwner: info.operator,
    Description: info.name,
    Network: '',
    Location: info.place,
    GatewayInfoURL: info.website,
    SoftwareVersion: info.software,
    RequireRegistration: info.asks_for.length > 0,
    AccessListEnabled: info.admission !== 'open',
  };
}

function json(status: number, value: object): HttpAnswer {
  return {
    status,
    fields: { 'Content-Type': 'application/json; charset=utf-8' },
    body: encodeUtf8(JSON.stringify(value)),
  };
}
