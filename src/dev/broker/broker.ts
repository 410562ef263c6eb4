// An ubus broker for machines without ubusd: the same protocol on a unix socket, without access lists.

import { createServer, type Socket } from 'node:net';
import type { Log } from '../../log.ts';
import { formatId } from '../id.ts';
import { Client } from './client.ts';
import { drawId } from './object.ts';
import { type Owner, processOwner } from './owner.ts';
import { Router } from './router.ts';
import { bindSocket } from './socket.ts';

const STALL_MS = 10_000;
/** More connections are closed without a greeting. */
const MAX_CLIENTS = 1024;

/** How to run a broker. */
export interface BrokerOptions {
  /** Of the unix socket; its directory must exist. A dead socket file is replaced. */
  readonly path: string;
  readonly log: Log;
  /** What providers learn of every caller; the process's own names by default. */
  readonly owner?: Owner;
  /** How long a client may not read what waits for it, milliseconds, default 10,000. */
  readonly stallMs?: number;
}

/** A running broker. */
export interface Broker {
  readonly path: string;
  /** Disconnects everybody and removes the socket. */
  close(): Promise<void>;
}

/** Starts a broker. @throws InputError when the path does not do or another broker listens there. */
export async function startBroker({
  path,
  log,
  owner = processOwner(),
  stallMs = STALL_MS,
}: BrokerOptions): Promise<Broker> {
  const router = new Router(log, owner);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const id = drawId(router.ids);
    const client = new Client(id, socket, stallMs, {
      onFrame: (frame) => router.receive(client, frame),
      onGone(reason) {
        if (reason) log.warn('client dropped', { client: formatId(id), reason });
        else log.debug('client gone', { client: formatId(id) });
        router.leave(client);
      },
    });
    log.debug('client', { client: formatId(id) });
    router.join(client);
  });
  server.maxConnections = MAX_CLIENTS;
  server.on('drop', () => log.warn('connection refused', { clients: MAX_CLIENTS }));
  await bindSocket(server, path);
  server.on('error', (error) => log.error('accept failed', { error: error.message }));
  log.info('listening', { socket: path });
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
