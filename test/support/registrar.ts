// A gateway's registrar behind its server: real but for the network, the machine and the clock.

import type { Admission, InfoLimits, Personal } from '../../src/api/lease.ts';
import { HttpServer, SERVER_LIMITS } from '../../src/http/server.ts';
import { parsePrefix } from '../../src/lib/ip.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { addressOf } from '../../src/lib/yggdrasil-address.ts';
import { CaptainDesk } from '../../src/mesh/captain-desk.ts';
import { Clients, type LeaseRecord } from '../../src/mesh/client.ts';
import { ClientLedger } from '../../src/mesh/client-ledger.ts';
import { Newcomers } from '../../src/mesh/newcomer.ts';
import { Pool, pool6Of } from '../../src/mesh/pool.ts';
import { Registrar, refuse } from '../../src/surface/registrar.ts';
import type { Streams } from '../../src/transport/host.ts';
import { MemoryClientPlane } from './client-plane.ts';
import { ManualClock, settle } from './clock.ts';
import { crypto } from './crypto.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY, gatewayInfo, leaseRequest, NO_LIMITS } from './gateway.ts';
import { type Disk, memoryCaptains, memoryReports } from './people.ts';
import { type FarEnd, MemoryStreams } from './stream.ts';

export const REGISTRAR = { host: GATEWAY_ADDRESS, port: 8080 };

/** One answer. */
export interface Said {
  status: number;
  head: string;
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire
  json: any;
}

export interface GatewayOptions {
  /** Of its Yggdrasil. */
  key?: string;
  streams?: Streams;
  clock?: ManualClock;
  admission?: Admission;
  asksFor?: Personal[];
  maxHeld?: number;
  maxClients?: number;
  limits?: InfoLimits;
  isClockWrong?: boolean;
  /** Homes that come by themselves a day; default: any number. */
  newPerDay?: number;
}

/** A gateway that is asked over connections in memory. */
export function registrarGateway(options: GatewayOptions = {}) {
  const { admission = 'open', asksFor = [], maxHeld = 80, maxClients = 1000, key = GATEWAY_KEY } = options;
  const address = addressOf(key)!;
  const at = { host: address, port: 8080 };
  const problems: string[] = [];
  const clock = options.clock ?? new ManualClock();
  const memory = new MemoryStreams();
  const streams = options.streams ?? memory;
  const plane = new MemoryClientPlane();
  let leases: readonly LeaseRecord[] = [];
  const disk: Disk = { full: false };
  const { captains } = memoryCaptains(disk);
  const { reports } = memoryReports(disk);
  const ledger = new ClientLedger(undefined);
  const { newPerDay } = options;
  const newcomers =
    newPerDay === undefined ? undefined : new Newcomers({ most: newPerDay, nowMs: () => clock.monotonicMs() });
  const clients = new Clients({
    ...{ reports, newcomers, book: ledger },
    rules: {
      ...{
        admission,
        maxClients,
        maxWaiting: 3,
        leaseMs: 3_600_000,
        kinds: ['gre6', 'vxlan'],
        asksFor,
        ask: 'ops',
      },
      ...{ dns: [], wireguardPort: 1, vxlanPort: 4790, limits: options.limits ?? NO_LIMITS },
    },
    machine: { address, meshMtu: 65_535, ipv6: true },
    pool: new Pool(parsePrefix('10.43.0.0/16')!, pool6Of(key), key),
    plane,
    store: {
      standings: () => [],
      saveStandings() {},
      leases: () => leases,
      saveLeases: (all) => {
        leases = all;
      },
    },
    nowMs: () => clock.monotonicMs(),
    unixS: () => Math.floor(clock.unixMs() / 1000),
    dateS: () => Math.floor(clock.unixMs() / 1000),
    invites: { redeem: () => undefined },
    onProblem: (what) => problems.push(what),
  });
  const captainDesk = new CaptainDesk({
    ...{ captains, reports, clients, key, sha512: crypto.sha512, verify: crypto.ed25519Verify },
    nowMs: () => clock.monotonicMs(),
    dateS: () => (options.isClockWrong ? undefined : Math.floor(clock.unixMs() / 1000)),
    onTaken() {},
    onProblem: (problem) => problems.push(problem),
  });
  const registrar = new Registrar({
    ...{ clients, captains: captainDesk },
    clock,
    maxHeld,
    bits: 16,
    info: () =>
      gatewayInfo({ limits: clients.limits, key, address, admission, asks_for: asksFor, clients: clients.count }),
    unixS: () => Math.floor(clock.unixMs() / 1000),
  });
  const server = new HttpServer({
    streams,
    clock,
    at,
    limits: { ...SERVER_LIMITS, connections: 256 },
    handle: (exchange) => registrar.handle(exchange),
    refuse,
  });
  server.start();
  /** What was answered on a connection so far. */
  const said = (far: FarEnd): Said[] => {
    const text = decodeUtf8(far.take());
    if (text === '') return [];
    return text.split(/(?=HTTP\/1\.1 \d{3} )/).map((one) => {
      const [head = '', body = ''] = one.split('\r\n\r\n');
      return { status: Number(head.slice(9, 12)), head, json: body === '' ? undefined : JSON.parse(body) };
    });
  };
  const open = (from: string, method: string, target: string, body?: unknown, fields = ''): FarEnd => {
    const far = memory.connect(at, from);
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const length = body === undefined ? '' : `Content-Length: ${encodeUtf8(text).length}\r\n`;
    far.send(encodeUtf8(`${method} ${target} HTTP/1.1\r\nHost: x\r\n${fields}${length}\r\n${text}`));
    return far;
  };
  const ask = async (...request: Parameters<typeof open>): Promise<Said> => {
    const far = open(...request);
    await settle();
    const [one, more] = said(far);
    if (!one || more) throw new Error('expected one answer');
    far.end();
    return one;
  };
  const put = (node: { key: string; address: string }, more: object = {}): Promise<Said> =>
    ask(node.address, 'PUT', '/v1/lease', { ...leaseRequest({ key: node.key }), ...more });
  return {
    ...{
      captains,
      reports,
      captainDesk,
      disk,
      key,
      address,
      clock,
      streams: memory,
      plane,
      problems,
      clients,
      ledger,
      registrar,
    },
    ...{ server, said, open, ask, put },
  };
}
