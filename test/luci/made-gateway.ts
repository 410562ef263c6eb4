// A gateway for the pages' tests: the daemon's own, with its desk and all that it keeps, over a machine, a network and a clock in memory. Homes come
// to it as they do in the mesh, by requests of HTTP.

import { randomBytes } from 'node:crypto';
import { parseConfig } from '../../src/config.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { LEDGER_DAYS } from '../../src/mesh/client-ledger.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import { LocalGateway } from '../../src/registrar.ts';
import type { Endpoint, Stream, StreamEvents } from '../../src/transport/host.ts';
import { decodeTable, encodeTable, type Table } from '../../src/ubus/blobmsg.ts';
import { encodeFailure, encodeReply, readArguments, toFailure, type UbusObject } from '../../src/ubus/object.ts';
import { MemoryClientPlane } from '../support/client-plane.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { crypto } from '../support/crypto.ts';
import { MemoryFiles } from '../support/files.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY, leaseRequest } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { seededRandom } from '../support/random.ts';
import { selfOnly } from '../support/self-only.ts';
import { type Signer, seal } from '../support/signed.ts';
import { type FarEnd, MemoryStreams } from '../support/stream.ts';
import type { Script } from './browser.ts';
import { ok } from './made-answer.ts';

const AT = { host: GATEWAY_ADDRESS, port: 8080 };
const DIRECTORY = '/etc/meshbridge/clients';
const DAY_S = 86_400;
/** New leases a second. */
const EVERY_MS = 50;

/** A network in which every host of the Internet answers. */
class OpenStreams extends MemoryStreams {
  online = true;

  override dial(to: Endpoint, events: StreamEvents): Stream {
    const end = super.dial(to, events) as FarEnd;
    if (this.online) queueMicrotask(() => end.accept());
    return end;
  }
}

export interface MadeGatewayOptions {
  /** Options of the registrar's section: `max_clients 1000`. */
  options?: readonly string[];
  /** Other sections. */
  more?: string;
  /** By number of the home, what it used this month: received and sent, bytes. */
  used?: Readonly<Record<number, readonly [number, number]>>;
  /** What an earlier one kept. */
  files?: MemoryFiles;
}

export interface MadeGateway {
  /** As it is on the bus. */
  object: UbusObject;
  /** Answers of the bus, to be handed to a page. */
  script: Script;
  /** Calls that changed something, in their order. */
  did: { method: string; args: Table }[];
  clock: ManualClock;
  streams: OpenStreams;
  files: MemoryFiles;
  plane: MemoryClientPlane;
  /** Calls the desk as a program on the bus. @throws Failure */
  call(method: string, args?: object): Promise<Table>;
  /** A home asks for a lease. @param more what it tells. */
  ask(home: number, more?: object): Promise<number>;
  /** As `ask`, many of them, as fast as they may come. */
  askAll(homes: readonly number[], tell?: (home: number) => object): Promise<void>;
  /** Any request of a home. */
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire
  request(home: number, method: string, target: string, body?: object | string): Promise<[status: number, json: any]>;
  /** A captain reports a home. */
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire
  report(home: number, by: Signer, more?: object): Promise<[status: number, json: any]>;
  stop(): void;
}

/** Bytes of all homes on each of the last 90 days: more at the weekend, and more from month to month. */
function madeDays(): number[] {
  const random = seededRandom(7);
  return Array.from({ length: LEDGER_DAYS }, (_none, at) => {
    const rx = Math.round((at + 30) * 3e8 * (0.7 + 0.6 * random()) * (at % 7 > 4 ? 1.6 : 1));
    return [rx, Math.round(rx * (0.1 + 0.1 * random()))];
  }).flat();
}

/** Starts one. */
export async function makeGateway(given: MadeGatewayOptions = {}): Promise<MadeGateway> {
  const { options = [], more = '', used = {}, files = new MemoryFiles() } = given;
  const streams = new OpenStreams();
  const plane = new MemoryClientPlane();
  const clock = new ManualClock(Date.now());
  const unixS = (): number => Math.floor(clock.unixMs() / 1000);
  const book = {
    day: Math.floor(unixS() / DAY_S),
    days: madeDays(),
    clients: Object.fromEntries(
      Object.entries(used).map(([home, [rx, tx]]) => [
        nodeOf(Number(home)).address,
        [Math.round(rx / 20), Math.round(tx / 20), rx, tx],
      ]),
    ),
  };
  if (!given.files) files.write(`${DIRECTORY}/use.json`, encodeUtf8(JSON.stringify(book)), 0o600);
  let object: UbusObject | undefined;
  const lines: string[] = [];
  const gateway = new LocalGateway({
    host: { streams, clock, files, crypto, randomBytes: (count) => new Uint8Array(randomBytes(count)) },
    members: () => [selfOnly('ygg0', GATEWAY_KEY, GATEWAY_ADDRESS).member],
    plane: async () => plane,
    release: async () => {},
    isFlash: () => true,
    state: '/var/run/meshbridge',
    dateS: unixS,
    onGroup() {},
    publish: (published) => {
      object = published;
    },
    log: new Logger((line) => lines.push(line)).scope('registrar'),
  });
  const section = ['enabled 1', 'name Boston', `clients_dir ${DIRECTORY}`, ...options]
    .map((line) => `\t${line.startsWith('asks_for') ? 'list' : 'option'} ${line.replace(' ', " '")}'\n`)
    .join('');
  const config = parseConfig(`config registrar 'registrar'\n${section}\n${more}`);
  gateway.setConfig(config.registrar, config.clients, false);
  await clock.advance(100);
  if (!object) throw new Error(lines.join('\n'));
  const desk = object;
  const did: MadeGateway['did'] = [];

  async function call(name: string, args: object = {}): Promise<Table> {
    const method = desk.methods[name]!;
    const given = readArguments(method, encodeTable(args as Table));
    const reply = await method.handle(given, { user: 'root', group: 'root', peer: 1 });
    await clock.advance(50);
    const [data] = encodeReply(method, reply).data;
    return data ? decodeTable(data) : {};
  }

  const reading: readonly string[] = ['summary', 'list', 'invites', 'audit', 'captains', 'reports', 'who'];
  /** As over the bus, with arguments checked, replies encoded and refusals with their status. */
  const answer =
    (name: string) =>
    async (args: Record<string, unknown>): Promise<PageAnswer> => {
      try {
        const reply = await call(name, args);
        if (!reading.includes(name)) did.push({ method: name, args: args as Table });
        return ok(reply);
      } catch (error) {
        const { status, data } = encodeFailure(toFailure(error));
        return { status, reply: decodeTable(data[0]!) };
      }
    };

  async function request(home: number, method: string, target: string, body?: object | string) {
    const far = streams.connect(AT, nodeOf(home).address);
    const text = typeof body === 'string' ? body : body ? JSON.stringify(body) : '';
    const { length } = encodeUtf8(text);
    far.send(encodeUtf8(`${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n${text}`));
    for (let i = 0; i < 5; i++) await settle();
    const said = decodeUtf8(far.take());
    far.end();
    const json = JSON.parse(said.split('\r\n\r\n')[1] || '{}');
    return [Number(said.slice(9, 12)), json] as [number, object];
  }

  async function ask(home: number, told: object = {}): Promise<number> {
    const [status] = await request(home, 'PUT', '/v1/lease', leaseRequest({ key: nodeOf(home).key, ...told }));
    return status;
  }

  return {
    object: desk,
    script: {
      ...Object.fromEntries(Object.keys(desk.methods).map((name) => [`meshbridge.client.${name}`, answer(name)])),
      'yggdrasil.self': ok({
        ...{ age_ms: 0, interface: 'ygg0', build_name: 'yggdrasil', build_version: '0.5.12' },
        ...{ key: GATEWAY_KEY, address: GATEWAY_ADDRESS, subnet: '300:3b15:5bfc:ea09::/64' },
      }),
    },
    ...{ did, clock, streams, files, plane, call, ask },
    async askAll(homes, tell = () => ({})) {
      for (const home of homes) {
        await ask(home, tell(home));
        await clock.advance(EVERY_MS);
      }
    },
    request,
    report(home, by, more = {}) {
      const said = { reason: 'sends spam', evidence: 'my mail server', contact: 'otto@example.org', ...more };
      const about = { kind: 'report', address: nodeOf(home).address, at_s: unixS(), gateway: GATEWAY_KEY };
      return request(90_000, 'POST', '/v1/report', decodeUtf8(seal('report', { ...about, ...said }, [by])));
    },
    stop: () => gateway.stop(),
  };
}
