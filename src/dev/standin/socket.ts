// The admin socket of a played node: reads requests as Go's decoder does, answers them one after the other, closes when Yggdrasil would.

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { JsonFramer } from '../../lib/json-frame.ts';
import type { Outcome, PlayedNode, PlayedRequest } from './node.ts';

/** What was read: a request, an answer that it got already by being unreadable, the end of input. */
type Read = { request: PlayedRequest; keepalive: boolean } | { error: string; keepalive: boolean };

const NOT_FOUND: Read = { error: 'Failed to find request', keepalive: false };

/** One client. */
class Connection {
  private framer = new JsonFramer({ maxBytes: 1 << 20 });
  /** Requests are answered strictly in turn. */
  private turn: Promise<void> = Promise.resolve();
  private done = false;

  constructor(
    private readonly socket: Socket,
    private readonly node: PlayedNode,
    private readonly crash: () => void,
  ) {
    socket.on('data', (bytes) => this.onData(bytes));
    socket.on('end', () => this.take(NOT_FOUND));
    socket.on('error', () => socket.destroy());
  }

  /** Byte by byte, so that what stands before a fault is answered first. */
  private onData(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.done; at++) {
      try {
        for (const frame of this.framer.push(bytes.subarray(at, at + 1))) this.take(readRequest(frame));
      } catch {
        // a scalar, which no request is, or no JSON at all
        const rest = bytes.subarray(at).toString();
        if (/^null\b/.test(rest)) this.take({ request: { name: '', args: undefined }, keepalive: false });
        else if (/^("|-?\d|true\b|false\b)/.test(rest))
          this.take({ error: 'Failed to unmarshal request', keepalive: false });
        else this.take(NOT_FOUND);
        return;
      }
    }
  }

  private take(read: Read): void {
    if (this.done) return;
    if (!read.keepalive) this.done = true;
    this.turn = this.turn.then(() => this.answer(read));
  }

  private async answer(read: Read): Promise<void> {
    if (this.socket.destroyed) return;
    if ('error' in read) {
      const words = this.node.release.words(read.error);
      this.write({ error: words }, this.node.release.isOld ? null : { request: '' });
    } else {
      const { name, args } = read.request;
      const outcome = await this.node.answer(read.request);
      if (outcome === 'crash') {
        this.crash();
        return;
      }
      const echo = {
        request: name,
        arguments: args === undefined ? {} : args,
        ...(read.keepalive && { keepalive: true }),
      };
      this.write(outcome, this.node.release.isOld ? null : echo);
    }
    if (!read.keepalive) this.socket.end();
  }

  private write(outcome: Exclude<Outcome, 'crash'>, request: object | null): void {
    const answer =
      'error' in outcome
        ? { status: 'error', error: outcome.error, request, response: null }
        : { status: 'success', request, response: outcome.response };
    const text = JSON.stringify(answer, undefined, 2).replace(
      /[<>&\u2028\u2029]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    if (!this.socket.destroyed) this.socket.write(`${text}\n`);
  }
}

/** A request as Go's encoding/json reads it: names of members in any case, types strict. */
function readRequest(frame: Uint8Array): Read {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(frame).toString());
  } catch {
    return NOT_FOUND;
  }
  const unreadable = 'Failed to unmarshal request';
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { error: unreadable, keepalive: false };
  const members = new Map(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));
  const name = members.get('request') ?? '';
  const keepalive = members.get('keepalive') ?? false;
  if (typeof name !== 'string' || typeof keepalive !== 'boolean')
    return { error: unreadable, keepalive: keepalive === true };
  return { request: { name, args: members.get('arguments') }, keepalive };
}

/** Serves a node on a unix socket until `close`; a request that kills the real one ends it too. */
export class AdminSocket {
  private readonly clients = new Set<Socket>();
  private readonly server: Server;

  private constructor(
    private readonly path: string,
    node: PlayedNode,
    onCrash: () => void,
  ) {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.clients.add(socket);
      socket.on('close', () => this.clients.delete(socket));
      new Connection(socket, node, () => {
        onCrash();
        void this.close();
      });
    });
  }

  /** Replaces what is at `path`. @throws Error when it cannot be bound. */
  static async open(path: string, node: PlayedNode, onCrash: () => void): Promise<AdminSocket> {
    const admin = new AdminSocket(path, node, onCrash);
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      admin.server.once('error', reject);
      admin.server.listen(path, resolve);
    });
    return admin;
  }

  /** Drops all clients; the node lives on and takes new ones. */
  dropClients(): void {
    for (const client of this.clients) client.destroy();
  }

  async close(): Promise<void> {
    this.dropClients();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    rmSync(this.path, { force: true });
  }
}
