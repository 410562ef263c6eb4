// A Yggdrasil admin socket that misbehaves, for the fault tests.

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import getSelf from '../fixtures/yggdrasil/0.5.12-a-getSelf-after-traffic.json';
import list from '../fixtures/yggdrasil/0.5.12-b-list.json';

/** One way to misbehave. */
export interface Hostility {
  what: string;
  /** What the link's last error must say; absent: it is passed over, and the link stays. */
  expected?: RegExp;
  /** A client connected. */
  greet?(socket: Socket): void;
  /** A client asked; `name` in lower case. */
  answer?(socket: Socket, name: string): void;
}

const MIB = 1024 * 1024;

function success(name: string, response: unknown): string {
  return JSON.stringify({ status: 'success', request: { request: name, keepalive: true }, response });
}

/** The answers to the handshake, as a real node gives them. */
function greeting(name: string): string | undefined {
  if (name === 'list') return list.response;
  return name === 'getself' ? getSelf.response : undefined;
}

/** Writes 64 MiB of one string, as fast as they are taken. */
function flood(socket: Socket): void {
  socket.write('{"status":"success","request":{"request":"list"},"response":{"list":"');
  const block = Buffer.alloc(MIB, 'x');
  let left = 64;
  const more = (): void => {
    while (left-- > 0) if (!socket.write(block)) return void socket.once('drain', more);
    socket.end();
  };
  more();
}

const KEY = 'f'.repeat(64);
/** Members that the requests know, each with every type that it is not. */
const WRONG = [null, true, -1, 1e308, 0.5, '', 'x'.repeat(600), [], [[[]]], {}, { list: [] }];
const FIELDS = [
  ...['remote', 'up', 'inbound', 'address', 'key', 'port', 'priority', 'cost', 'bytes_recvd', 'bytes_sent'],
  ...['rate_recvd', 'rate_sent', 'uptime', 'latency', 'last_error_time', 'last_error', 'path', 'sequence', 'parent'],
  ...['name', 'beacon', 'listen', 'password', 'enabled', 'mtu'],
];
const SOUND = {
  ...{ up: true, inbound: false, remote: 'tcp://192.0.2.1:1', address: '200::1', key: KEY, port: 1, parent: KEY },
  ...{ bytes_recvd: 1, bytes_sent: 1, uptime: 1, path: [1], sequence: 1, name: 'eth0' },
};

function wrongEntries(): unknown[] {
  return [...WRONG, ...FIELDS.flatMap((field) => WRONG.map((value) => ({ ...SOUND, [field]: value })))];
}

/** In the order in which they are tried. */
export const HOSTILITIES: readonly Hostility[] = [
  { what: 'a socket closed at once', expected: /the other side closed/, greet: (socket) => socket.destroy() },
  { what: 'words before any question', expected: /nobody asked/, greet: (socket) => socket.write('{}') },
  {
    what: 'garbage',
    expected: /^json: /,
    answer: (socket) => socket.write(Uint8Array.from({ length: 4096 }, (_, i) => (i * 197 + 131) & 0xff)),
  },
  {
    what: 'half a message',
    expected: /^list: no answer within 5000 ms$/,
    answer: (socket) => socket.write(list.response.slice(0, list.response.length >> 1)),
  },
  { what: 'silence', expected: /^getself: no answer within 5000 ms$/, answer: answerOnly('list') },
  { what: '64 MiB', expected: /^json: .*2097152/, answer: flood },
  {
    what: 'brackets without end',
    expected: /nested deeper/,
    answer: (socket) => socket.write('{"response":'.repeat(10_000)),
  },
  {
    what: 'an answer to another question',
    expected: /^answer: expected one to "list"/,
    answer: (socket) => socket.write(success('gettree', {})),
  },
  {
    what: 'an error',
    expected: /^no, never$/,
    answer: (socket) => socket.write('{"status":"error","error":"no, never","request":{"request":"list"}}'),
  },
  {
    what: 'a node without a name',
    expected: /^getself: no valid key/,
    answer: answerOnly('list', (name) => success(name, { key: 7, address: [] })),
  },
  {
    what: 'wrong types in every field',
    answer: answerOnly('list getself', (name) => {
      const entries = wrongEntries();
      return success(name, {
        ...{ peers: entries, sessions: entries, paths: entries, tree: entries, multicast_interfaces: entries },
        ...{ enabled: 7, name: {}, mtu: 'x' },
      });
    }),
  },
];

/** Sound answers to some requests; `other` to the rest. */
function answerOnly(sound: string, other?: (name: string) => string): (socket: Socket, name: string) => void {
  const names = sound.split(' ');
  return (socket, name) => {
    const text = names.includes(name) ? greeting(name) : other?.(name);
    if (text !== undefined) socket.write(text);
  };
}

/** Serves one hostility on a unix socket until `close`. */
export class FakeAdmin {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor({ greet, answer }: Hostility) {
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      greet?.(socket);
      let text = '';
      socket.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        // one request is on its way at a time, or several: each names itself
        for (const [, name] of text.matchAll(/"request"\s*:\s*"(\w+)"/g)) answer?.(socket, name!.toLowerCase());
        text = '';
      });
    });
  }

  static async open(path: string, hostility: Hostility): Promise<FakeAdmin> {
    const fake = new FakeAdmin(hostility);
    rmSync(path, { force: true });
    await new Promise<void>((resolve) => fake.server.listen(path, resolve));
    return fake;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
