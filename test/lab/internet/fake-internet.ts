// The Internet of the lab: a web server that says who asks, an echo, a sink that counts, and a name server.

import { createSocket } from 'node:dgram';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createEcho } from 'node:net';
import { ECHO_PORT, INTERNET, SINK_PORT, WEB_PORT } from './address.ts';

const DRIP_MS = 50;
const CHUNK = Buffer.alloc(65_536, 0x61);

/** What came, by the address that it came from. */
export interface Seen {
  web: Record<string, number>;
  sink: Record<string, number>;
  /** By `address name`; of names that are different each time, what they have in common. */
  names: Record<string, number>;
}

/** An IPv4 address as such, though a socket of IPv6 took it. */
function plain(address = ''): string {
  return address.replace(/^::ffff:/, '');
}

/** All servers; one a machine. */
export class FakeInternet {
  private now: Seen = { web: {}, sink: {}, names: {} };

  /** Serves on every address of the machine. @param names addresses by name, without end; others do not exist. */
  async serve(names: Record<string, string[]>): Promise<void> {
    const web = createServer((request, response) => this.answer(request, response));
    const echo = createEcho((socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    await new Promise<void>((resolve, reject) => web.once('error', reject).listen(WEB_PORT, '::', resolve));
    await new Promise<void>((resolve, reject) => echo.once('error', reject).listen(ECHO_PORT, '::', resolve));
    for (const family of ['udp4', 'udp6'] as const) {
      const [any, options] = family === 'udp4' ? ['0.0.0.0', {}] : ['::', { ipv6Only: true }];
      const sink = createSocket({ type: family, ...options });
      sink.on('message', (_, { address }) => this.count('sink', address));
      // answers come from where the question went to
      const server = createSocket({ type: family, ...options });
      server.on('message', (message, { address, port }) => {
        const reply = this.reply(message, address, names);
        if (reply) server.send(reply, port, address, () => {});
      });
      await new Promise<void>((resolve, reject) => sink.once('error', reject).bind(SINK_PORT, any, resolve));
      await new Promise<void>((resolve, reject) =>
        server.once('error', reject).bind(53, family === 'udp4' ? INTERNET.dns4 : INTERNET.dns6, resolve),
      );
    }
  }

  /** What came since it was last asked. */
  seen(): Seen {
    const seen = this.now;
    this.now = { web: {}, sink: {}, names: {} };
    return seen;
  }

  private count(where: keyof Seen, address: string | undefined): void {
    const counts = this.now[where];
    counts[plain(address)] = (counts[plain(address)] ?? 0) + 1;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const from = plain(request.socket.remoteAddress);
    this.count('web', from);
    const url = new URL(request.url ?? '/', 'http://web');
    const bytes = Number(url.searchParams.get('bytes') ?? 0);
    const rate = Number(url.searchParams.get('rate') ?? 0);
    response.on('error', () => {});
    if (bytes > 0) return void pour(response, bytes);
    const said = JSON.stringify({ from, port: request.socket.remotePort });
    // what is sent is taken before
    if (rate === 0) return void request.resume().once('end', () => response.end(said));
    const part = Buffer.alloc(Math.round((rate * DRIP_MS) / 1000), 0x61);
    const timer = setInterval(() => response.write(part), DRIP_MS);
    response.once('close', () => clearInterval(timer));
  }

  private reply(message: Buffer, from: string, names: Record<string, string[]>): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    while (message[at]) {
      labels.push(message.subarray(at + 1, at + 1 + message[at]!).toString('latin1'));
      at += 1 + message[at]!;
    }
    if (at + 5 > message.length) return undefined;
    const name = labels.join('.').toLowerCase();
    const type = message.readUInt16BE(at + 1);
    this.count('names', `${from} ${name.replace(/^n\d+-\d+\./, '')}`);
    const known = names[name];
    const answers = (known ?? [])
      .filter((address) => type === (address.includes(':') ? 28 : 1))
      .map((address) => {
        const data = address.includes(':') ? bytes6(address) : Buffer.from(address.split('.').map(Number));
        return Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 1, 0, data.length]), data]);
      });
    const head = Buffer.from([
      message[0]!,
      message[1]!,
      0x81,
      known ? 0x80 : 0x83,
      0,
      1,
      0,
      answers.length,
      0,
      0,
      0,
      0,
    ]);
    return Buffer.concat([head, message.subarray(12, at + 5), ...answers]);
  }
}

/** Sends so many bytes, as fast as they are taken. */
function pour(response: ServerResponse, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      const part = CHUNK.subarray(0, Math.min(left, CHUNK.length));
      left -= part.length;
      if (!response.write(part)) return void response.once('drain', more);
    }
    response.end();
  };
  more();
}

function bytes6(address: string): Buffer {
  const [before = '', after] = address.split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const [left, right] = [groups(before), groups(after ?? '')];
  const all = [...left, ...Array<string>(after === undefined ? 0 : 8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
