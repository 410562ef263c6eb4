// Asks gateways for leases, over HTTP in the mesh: by protocol v1, or in autoygg's words.
//
// Who answers at an address of the mesh has the key that belongs to it, so the address is the proof; a pinned key and what a gateway tells of
// itself must fit it all the same.

import type { GatewayInfo, LeaseRequest, Personal } from '../api/lease.ts';
import { errorText } from '../errors.ts';
import { httpRequest } from '../http/client.ts';
import type { HttpResponse } from '../http/message.ts';
import { parseHttpDate } from '../lib/date-text.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import { addressOf } from '../lib/yggdrasil-address.ts';
import { readAutoyggAnswer, readAutoyggInfo, registrationRequest } from '../mesh/autoygg.ts';
import type { GatewayName } from '../mesh/gateway.ts';
import type { Heard } from '../mesh/home-act.ts';
import { type LeaseAnswer, readAnswer, readInfo } from '../mesh/lease-message.ts';
import type { Cancel, Clock, Streams } from '../transport/host.ts';

const LIMITS = { headBytes: 8192, bodyBytes: 16_384 } as const;
const DIAL_MS = 3000;
const ANSWER_MS = 6000;
/** How long a gateway is asked to hold a question open, and how much longer its answer may take. */
const WATCH_S = 900;
const WATCH_GRACE_MS = 30_000;
/** What is known of a gateway is good enough to ask it for a lease for so long. */
const FRESH_MS = 3_600_000;

/** What a home tells of itself, where a gateway wants to know. */
export interface Household {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
  readonly site?: string | undefined;
  readonly captainKey?: string | undefined;
  readonly invite?: string | undefined;
}

export interface GatewaySourceOptions {
  readonly streams: Pick<Streams, 'dial'>;
  readonly clock: Clock;
  /** Key and address of this router's Yggdrasil, once they are known. */
  identity(): { readonly key: string; readonly address: string } | undefined;
  household(): Household;
  /** Its name and version. */
  readonly software: string;
}

interface Known {
  readonly protocol: 'meshbridge' | 'autoygg';
  readonly info: GatewayInfo;
  readonly atMs: number;
}

interface Reply {
  readonly response: HttpResponse;
  readonly json: unknown;
  readonly tookMs: number;
}

/** All gateways of one home. What fails rejects with why. */
export class GatewaySource {
  /** By address and port. */
  private readonly known = new Map<string, Known>();
  private readonly underWay = new Set<Cancel>();

  constructor(private readonly options: GatewaySourceOptions) {}

  /** What a gateway is. */
  async inform(gateway: GatewayName): Promise<Heard> {
    const { known, latencyMs } = await this.look(gateway);
    return { info: known.info, latencyMs };
  }

  /** Asks for a lease, or for more time. @param request what this router can do. @param only `renew`: there is one already. */
  async ask(gateway: GatewayName, request: LeaseRequest, only?: 'renew'): Promise<Heard> {
    const before = this.known.get(idOf(gateway));
    const isFresh = before && this.nowMs() - before.atMs < FRESH_MS;
    const looked = isFresh ? undefined : await this.look(gateway);
    const { protocol, info } = looked?.known ?? before!;
    const answered =
      protocol === 'autoygg'
        ? await this.register(gateway, request, info, only === 'renew' ? '/renew' : '/register')
        : await this.put(gateway, request, info);
    return { ...answered, ...(looked && { info }) };
  }

  /** Tells when the lease is not any more what it was at a generation, or after a quarter of an hour. */
  async watch(gateway: GatewayName, generation: number, meshMtu: number): Promise<Heard> {
    if (this.known.get(idOf(gateway))?.protocol === 'autoygg') {
      // it holds no questions open: it is asked now and then
      await this.pause(WATCH_S * 1000);
      const { response, json, tookMs } = await this.call(gateway, 'GET', '/register');
      return { answer: this.readRow(gateway, response, json, meshMtu), latencyMs: tookMs / 2 };
    }
    const target = `/v1/lease?generation=${generation}&wait_s=${WATCH_S}`;
    const { response, json, tookMs } = await this.call(
      gateway,
      'GET',
      target,
      undefined,
      WATCH_S * 1000 + WATCH_GRACE_MS,
    );
    return { answer: this.readGrant(gateway, response.status, json), latencyMs: tookMs };
  }

  /** Says that the lease is not wanted any more. */
  async release(gateway: GatewayName): Promise<void> {
    if (this.known.get(idOf(gateway))?.protocol !== 'autoygg') await this.call(gateway, 'DELETE', '/v1/lease');
    else await this.call(gateway, 'POST', '/release', registrationRequest(this.registration([])));
  }

  /** Ends all that is under way; it never settles. */
  stop(): void {
    for (const cancel of this.underWay) cancel();
    this.underWay.clear();
  }

  /** What is known of a gateway. */
  info(gateway: GatewayName): GatewayInfo | undefined {
    return this.known.get(idOf(gateway))?.info;
  }

  private async look(gateway: GatewayName): Promise<{ known: Known; latencyMs: number }> {
    const before = this.known.get(idOf(gateway))?.protocol;
    const first = gateway.protocol === 'auto' ? (before ?? 'meshbridge') : gateway.protocol;
    const path = first === 'autoygg' ? '/info' : '/v1/info';
    let protocol = first;
    let reply = await this.call(gateway, 'GET', path);
    if (reply.response.status === 404 && gateway.protocol === 'auto') {
      protocol = first === 'autoygg' ? 'meshbridge' : 'autoygg';
      reply = await this.call(gateway, 'GET', protocol === 'autoygg' ? '/info' : '/v1/info');
    }
    if (reply.response.status !== 200) throw new Error(`info: expected status 200, got ${reply.response.status}`);
    const info = protocol === 'autoygg' ? this.readOld(gateway, reply.json) : readInfo(reply.json);
    if (protocol === 'meshbridge') checkIdentity(gateway, info);
    const known: Known = { protocol, info, atMs: this.nowMs() };
    this.known.set(idOf(gateway), known);
    // it took a round trip to connect, and one to ask
    return { known, latencyMs: reply.tookMs / 2 };
  }

  private readOld(gateway: GatewayName, json: unknown): GatewayInfo {
    // its key is told with a lease, and compared then
    return { ...readAutoyggInfo(json, gateway.address), key: gateway.key ?? '' };
  }

  private async put(gateway: GatewayName, request: LeaseRequest, info: GatewayInfo): Promise<Heard> {
    const { site, captainKey, invite } = this.options.household();
    const body = {
      ...request,
      ...this.told(info.asks_for),
      ...(site !== undefined && { site }),
      ...(captainKey !== undefined && { captain_key: captainKey }),
      ...(invite !== undefined && { invite }),
    };
    const { response, json, tookMs } = await this.call(gateway, 'PUT', '/v1/lease', body);
    return { answer: this.readGrant(gateway, response.status, json), latencyMs: tookMs / 2 };
  }

  private async register(
    gateway: GatewayName,
    request: LeaseRequest,
    info: GatewayInfo,
    path: '/register' | '/renew',
  ): Promise<Heard> {
    if (!request.kinds.includes('gre6'))
      throw new Error('autoygg makes tunnels of GRE alone, and this router makes none');
    const body = registrationRequest(this.registration(info.asks_for));
    const { response, json, tookMs } = await this.call(gateway, 'POST', path, body);
    const answer = this.readRow(gateway, response, json, request.mesh_mtu);
    // it has forgotten this home: then it is asked anew, at once
    const isForgotten = answer.kind === 'refused' && answer.refusal.error === 'no_lease';
    if (isForgotten && path === '/renew') return this.register(gateway, request, info, '/register');
    return { answer, latencyMs: tookMs / 2 };
  }

  private readGrant(gateway: GatewayName, status: number, json: unknown): LeaseAnswer {
    const answer = readAnswer(status, json);
    if (answer.kind === 'granted' && answer.grant.terms.outer !== gateway.address)
      throw new Error(`terms: expected a tunnel to ${gateway.address}, got one to ${answer.grant.terms.outer}`);
    return answer;
  }

  private readRow(gateway: GatewayName, { status, fields }: HttpResponse, json: unknown, meshMtu: number): LeaseAnswer {
    const { key } = this.own();
    return readAutoyggAnswer(status, json, parseHttpDate(fields.get('date') ?? ''), {
      ...{ address: gateway.address, gatewayKey: gateway.key, key, meshMtu },
    });
  }

  private registration(asksFor: readonly Personal[]) {
    const { name = '', email = '', phone = '' } = this.told(asksFor);
    return { key: this.own().key, version: this.options.software, name, email, phone };
  }

  /** Of the household, what a gateway wants to know, and nothing else. */
  private told(asksFor: readonly Personal[]): Partial<Record<Personal, string>> {
    const household = this.options.household();
    const told: Partial<Record<Personal, string>> = {};
    for (const what of asksFor) if (household[what] !== undefined) told[what] = household[what];
    return told;
  }

  private own(): { key: string; address: string } {
    const own = this.options.identity();
    if (!own) throw new Error('Yggdrasil was not reached yet');
    return own;
  }

  /** @throws (rejects) as httpRequest, and when the body is no JSON. */
  private async call(
    gateway: GatewayName,
    method: string,
    target: string,
    body?: object,
    timeoutMs = ANSWER_MS,
  ): Promise<Reply> {
    // by the node's own address: only that one proves who asks
    const to = { host: gateway.address, port: gateway.port, from: this.own().address };
    const begunMs = this.nowMs();
    const response = await new Promise<HttpResponse>((resolve, reject) => {
      const { streams, clock } = this.options;
      const json = body && encodeUtf8(JSON.stringify(body));
      const call = { to, method, target, ...(json && { body: json }), dialMs: DIAL_MS, timeoutMs, limits: LIMITS };
      const cancel = httpRequest(streams, clock, call, (outcome) => {
        this.underWay.delete(cancel);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
      this.underWay.add(cancel);
    });
    const tookMs = this.nowMs() - begunMs;
    if (response.status === 204 || response.status === 404) {
      // what stands there may be anything: nobody has promised JSON
      return { response, json: jsonOr(response.body), tookMs };
    }
    try {
      return { response, json: JSON.parse(decodeUtf8(response.body)), tookMs };
    } catch (error) {
      throw new Error(`status ${response.status}, and no JSON: ${errorText(error)}`, { cause: error });
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.clock.after(ms, () => {
        this.underWay.delete(cancel);
        resolve();
      });
      this.underWay.add(cancel);
    });
  }

  private nowMs(): number {
    return this.options.clock.monotonicMs();
  }
}

function idOf({ address, port }: GatewayName): string {
  return `${address} ${port}`;
}

/** @throws Error where a gateway does not fit its address, or the key that was pinned. */
function checkIdentity(gateway: GatewayName, { key, address }: GatewayInfo): void {
  const derived = addressOf(key);
  if (derived !== gateway.address || address !== gateway.address)
    throw new Error(`info: expected the key of ${gateway.address}, got that of ${derived}`);
  if (gateway.key !== undefined && gateway.key !== key)
    throw new Error(`info: expected the pinned key ${gateway.key.slice(0, 16)}…, got ${key.slice(0, 16)}…`);
}

function jsonOr(body: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(body));
  } catch {
    return { error: 'unknown', reason: 'there is no registrar at this address' };
  }
}
