// Single questions of an agent: over HTTP, by DNS, by bare datagrams.

import { createSocket } from 'node:dgram';
import { request } from 'node:http';
import { connect } from 'node:net';

/** Characters of an answer that are told. */
const MAX_BODY = 2048;

export interface GetOptions {
  host: string;
  port?: number;
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** The own address that is used. */
  from?: string;
  timeoutMs?: number;
}

/** What came of it. */
export interface GetResult {
  /** 0: there was no answer. */
  status: number;
  body: string;
  /** Why there was none: `ECONNREFUSED`, `EHOSTUNREACH`, `timeout`, … */
  error?: string;
  ms: number;
}

/** Asks a web server once, on a connection of its own. Never rejects. */
export function get({
  host,
  port = 80,
  path = '/who',
  method = 'GET',
  headers,
  body,
  from,
  timeoutMs = 5000,
}: GetOptions): Promise<GetResult> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    let text = '';
    let status = 0;
    const end = (error?: string): void => {
      clearTimeout(timer);
      asked.destroy();
      resolve({ status, body: text, ms: performance.now() - startMs, ...(error !== undefined && { error }) });
    };
    const asked = request(
      {
        host,
        port,
        path,
        method,
        agent: false,
        headers: { ...headers, connection: 'close' },
        ...(from !== undefined && { localAddress: from }),
      },
      (response) => {
        status = response.statusCode ?? 0;
        response.setEncoding('utf8').on('data', (part: string) => {
          text = (text + part).slice(0, MAX_BODY);
        });
        response.once('end', () => end());
        response.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      },
    );
    const timer = setTimeout(() => end('timeout'), timeoutMs);
    asked.once('error', (error: NodeJS.ErrnoException) => end(status > 0 ? undefined : (error.code ?? error.message)));
    asked.end(body);
  });
}

/** What many connections met. */
export interface DialResult {
  /** How often what was answered: a status, `closed`, `refused`, `timeout`. */
  answers: Record<string, number>;
  ms: number;
}

/**
 * Opens many connections, so many at once, writes `text` on each, slowly where `dripMs` says so, and tells what became of them.
 */
export async function dialMany({
  host,
  port,
  text,
  count,
  atOnce,
  dripMs = 0,
  timeoutMs = 10_000,
}: {
  host: string;
  port: number;
  text: string;
  count: number;
  atOnce: number;
  /** A byte each. */
  dripMs?: number;
  timeoutMs?: number;
}): Promise<DialResult> {
  const answers: Record<string, number> = {};
  const startMs = performance.now();
  let left = count;
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      let said = '';
      const socket = connect({ host, port });
      let drip: NodeJS.Timeout | undefined;
      const end = (what: string): void => {
        clearTimeout(timer);
        clearInterval(drip);
        socket.destroy();
        const answer = /^HTTP\/1\.\d (\d+)/.exec(said)?.[1] ?? what;
        answers[answer] = (answers[answer] ?? 0) + 1;
        resolve();
      };
      const timer = setTimeout(() => end('timeout'), timeoutMs);
      socket.setEncoding('utf8').on('data', (part: string) => {
        said = (said + part).slice(0, 4096);
      });
      socket.once('connect', () => {
        if (dripMs === 0) return void socket.write(text);
        let at = 0;
        drip = setInterval(() => at < text.length && socket.write(text[at++]!), dripMs);
      });
      socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : 'closed'));
      socket.once('close', () => end('closed'));
    });
  const worker = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
  return { answers, ms: performance.now() - startMs };
}

/** One question to a name server. @returns its addresses, or why there are none. */
export function askName({
  server,
  name,
  type = 'A',
  timeoutMs = 3000,
}: {
  server: string;
  name: string;
  type?: 'A' | 'AAAA';
  timeoutMs?: number;
}): Promise<{ addresses: string[]; problem?: string }> {
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const end = (addresses: string[], problem?: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve({ addresses, ...(problem !== undefined && { problem }) });
    };
    const timer = setTimeout(() => end([], 'timeout'), timeoutMs);
    socket.once('error', (error: NodeJS.ErrnoException) => end([], error.code ?? error.message));
    socket.once('message', (message) => {
      const code = message[3]! & 15;
      if (code !== 0) return end([], code === 5 ? 'refused' : `code ${code}`);
      end(readAddresses(message, name));
    });
    const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
    const question = Buffer.from([7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type === 'A' ? 1 : 28, 0, 1]);
    socket.connect(53, server, () => socket.send(question));
  });
}

/** Addresses among the answers of a message that repeats one question; names in answers are pointers, as all servers write them. */
function readAddresses(message: Buffer, name: string): string[] {
  const addresses: string[] = [];
  let at = 12 + name.length + 2 + 4;
  for (let left = message.readUInt16BE(6); left > 0 && at + 12 <= message.length; left--) {
    const type = message.readUInt16BE(at + 2);
    const length = message.readUInt16BE(at + 10);
    const data = message.subarray(at + 12, at + 12 + length);
    if (type === 1) addresses.push([...data].join('.'));
    if (type === 28) addresses.push(data.toString('hex').match(/.{4}/g)!.join(':'));
    at += 12 + length;
  }
  return addresses;
}

/** Sends datagrams as they are, base64. @returns how many were sent, and what the kernel said of the last that it refused. */
export function sendDatagrams({
  host,
  port,
  from,
  datagrams,
}: {
  host: string;
  port: number;
  from?: string;
  datagrams: string[];
}): Promise<{ sent: number; problem?: string }> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.bind({ address: from ?? (host.includes(':') ? '::' : '0.0.0.0') }, () => {
      let left = datagrams.length;
      let sent = 0;
      let problem: string | undefined;
      for (const datagram of datagrams)
        socket.send(Buffer.from(datagram, 'base64'), port, host, (error) => {
          if (error) problem = error.message;
          else sent++;
          if (--left > 0) return;
          socket.close();
          resolve({ sent, ...(problem !== undefined && { problem }) });
        });
    });
  });
}
