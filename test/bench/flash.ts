// What a gateway on OpenWrt writes to flash in a day: 100 homes, an operator who decides now and then, a clock that is moved, and real files.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../src/config.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { LocalGateway } from '../../src/registrar.ts';
import type { UbusObject } from '../../src/ubus/object.ts';
import { MemoryClientPlane } from '../support/client-plane.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { crypto } from '../support/crypto.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY, leaseRequest } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { selfOnly } from '../support/self-only.ts';
import { MemoryStreams } from '../support/stream.ts';
import type { Report } from './report.ts';

const HOMES = 100;
const HOUR_MS = 3_600_000;
/** Of a lease of an hour, about. */
const RENEW_MS = HOUR_MS / 2;
/** In a day: decisions on a home, and homes that go and come again. */
const DECISIONS = 24;
const MOVES = 24;
const TARGET_KB = 200;

/** Measures it, and tells it as figures. */
export async function benchFlash(report: Report): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-flash-'));
  try {
    const first = await new Router(directory).start();
    await first.letIn();
    const begun = first.taken();
    await first.day();
    const { bytes, writes, said } = first.taken();
    report.add({
      what: 'written to flash in a day, 100 homes',
      value: bytes / 1000,
      unit: 'KB',
      target: { atMost: TARGET_KB },
      note: `${writes} writes: ${said}; ${HOMES} homes renew twice an hour, ${DECISIONS} decisions, ${MOVES} homes go and come; letting all in took ${Math.round(begun.bytes / 1000)} KB`,
    });
    first.stop();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A gateway whose files below `clients` are on flash, and whose state is in RAM. */
class Router {
  private readonly clock = new ManualClock();
  private readonly streams = new MemoryStreams();
  private readonly plane = new MemoryClientPlane();
  private readonly nodes = Array.from({ length: HOMES }, (_, at) => nodeOf(at));
  private readonly written = new Map<string, { bytes: number; writes: number }>();
  private object: UbusObject | undefined;
  private gateway: LocalGateway | undefined;

  constructor(private readonly directory: string) {}

  async start(): Promise<this> {
    const { files } = nodeHost();
    const flash = join(this.directory, 'clients');
    const counted: typeof files = {
      ...files,
      write: (path, bytes, mode) => {
        files.write(path, bytes, mode);
        if (path.startsWith(`${flash}/`)) this.note(path.slice(flash.length + 1), bytes.length);
      },
    };
    const self = selfOnly('ygg0', GATEWAY_KEY, GATEWAY_ADDRESS);
    let seed = 0;
    this.gateway = new LocalGateway({
      host: {
        ...{ streams: this.streams, clock: this.clock, files: counted, crypto },
        randomBytes: (count) => Uint8Array.from({ length: count }, () => seed++ % 251),
      },
      members: () => [self.member],
      plane: async () => this.plane,
      release: async () => {},
      isFlash: () => true,
      state: join(this.directory, 'state'),
      dateS: () => Math.floor(this.clock.unixMs() / 1000),
      publish: (object) => {
        this.object = object;
      },
      onGroup() {},
      log: new Logger(() => {}).scope('registrar'),
    });
    const config = parseConfig(
      `config registrar 'registrar'\n\toption enabled '1'\n\toption max_clients '${HOMES}'\n\toption max_waiting '${HOMES}'\n` +
        `\toption port_block '512'\n\toption quota '50000'\n\toption clients_dir '${flash}'\n\tlist asks_for 'name'\n\tlist asks_for 'email'\n`,
    );
    for (const name of ['clients', 'state']) mkdirSync(join(this.directory, name), { recursive: true });
    this.gateway.setConfig(config.registrar, config.clients, false);
    await this.clock.advance(100);
    return this;
  }

  /** The operator lets all of them in, and they come. */
  async letIn(): Promise<void> {
    await this.call('admit', { addresses: this.nodes.map(({ address }) => address), by: 'zoe' });
    for (const node of this.nodes) {
      await this.lease(node);
      await this.clock.advance(200);
    }
  }

  async day(): Promise<void> {
    let hour = 0;
    for (let at = 0; at < 24 * HOUR_MS; at += RENEW_MS) {
      for (const node of this.nodes) await this.lease(node);
      for (const slot of this.plane.tunnels.keys()) {
        const { rxBytes = 0, txBytes = 0 } = this.plane.flows.get(slot) ?? {};
        this.plane.flows.set(slot, { rxBytes: rxBytes + 2_000_000, txBytes: txBytes + 20_000_000 });
      }
      if (at % HOUR_MS === 0) {
        const node = this.nodes[hour % HOMES]!;
        const act = hour % 3;
        const who = { addresses: [node.address], by: 'zoe' };
        if (act === 0) await this.call('suspend', { ...who, reason: 'a complaint of abuse, ticket 4711' });
        else if (act === 1) await this.call('limit', { ...who, down_kbits: 4000 });
        else await this.call('admit', { ...who, days: 90 });
        await this.release(this.nodes[(hour + 50) % HOMES]!);
        hour++;
      }
      await this.clock.advance(RENEW_MS);
    }
  }

  /** What was written since it was last asked. */
  taken(): { bytes: number; writes: number; said: string } {
    const all = [...this.written].sort(([, a], [, b]) => b.bytes - a.bytes);
    this.written.clear();
    const sum = (of: 'bytes' | 'writes'): number => all.reduce((total, [, one]) => total + one[of], 0);
    const said = all
      .map(([name, { bytes, writes }]) => `${name} ${(bytes / 1000).toFixed(1)} KB in ${writes}`)
      .join(', ');
    return { bytes: sum('bytes'), writes: sum('writes'), said };
  }

  stop(): void {
    this.gateway?.stop();
  }

  private note(name: string, bytes: number): void {
    // files that differ by their number alone are of one kind
    const kind = name.replace(/^\d+\.json$/, 'decisions').replace(/(-\d+)+/, '');
    const known = this.written.get(kind) ?? { bytes: 0, writes: 0 };
    this.written.set(kind, { bytes: known.bytes + bytes, writes: known.writes + 1 });
  }

  private async call(method: string, args: object): Promise<void> {
    await this.object!.methods[method]!.handle(args as never, { user: 'root', group: 'root', peer: 1 });
  }

  private lease(node: { key: string; address: string }): Promise<void> {
    const told = { name: 'Ann of the Hill', email: `home-${node.key.slice(0, 6)}@example.org` };
    return this.ask(node.address, 'PUT', JSON.stringify({ ...leaseRequest({ key: node.key }), ...told }));
  }

  private release(node: { address: string }): Promise<void> {
    return this.ask(node.address, 'DELETE', '');
  }

  private async ask(from: string, method: string, text: string): Promise<void> {
    const far = this.streams.connect({ host: GATEWAY_ADDRESS, port: 8080 }, from);
    far.send(encodeUtf8(`${method} /v1/lease HTTP/1.1\r\nHost: x\r\nContent-Length: ${text.length}\r\n\r\n${text}`));
    await settle();
    far.end();
  }
}
