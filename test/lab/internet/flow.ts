// Connections of an agent that last: echoes that show for how long nothing came back, and downloads.

import { type ClientRequest, get as httpGet, request } from 'node:http';
import { connect, type Socket } from 'node:net';

/** How it is with a connection. */
export interface FlowState {
  name: string;
  /** Echoes, or bytes. */
  received: number;
  /** Since the last of them. */
  silentMs: number;
  /** The longest silence between two. */
  gapMs: number;
  /** Why it ended. */
  ended?: string;
}

interface Flow extends FlowState {
  lastMs: number;
  socket?: Socket;
  timer?: NodeJS.Timeout;
}

const ECHO_MS = 50;
const CHUNK = Buffer.alloc(16_384, 'x');

function receive(flow: Flow, amount: number): void {
  const nowMs = performance.now();
  if (flow.received > 0) flow.gapMs = Math.max(flow.gapMs, nowMs - flow.lastMs);
  flow.received += amount;
  flow.lastMs = nowMs;
}

function stateOf({ name, received, lastMs, gapMs, ended }: Flow): FlowState {
  return { name, received, silentMs: performance.now() - lastMs, gapMs, ...(ended !== undefined && { ended }) };
}

function newFlow(name: string): Flow {
  return { name, received: 0, silentMs: 0, gapMs: 0, lastMs: performance.now() };
}

/** Connections to an echo, on which something is said 20 times a second. */
export class Flows {
  private readonly flows: Flow[] = [];

  /** Resolves when it is connected, or has failed: its state tells which. */
  open({ name, host, port }: { name: string; host: string; port: number }): Promise<void> {
    const flow = newFlow(name);
    this.flows.push(flow);
    return new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true }, () => {
        flow.timer = setInterval(() => socket.write('.'), ECHO_MS);
        resolve();
      });
      flow.socket = socket;
      socket.on('data', (bytes) => receive(flow, bytes.length));
      socket.on('error', (error: NodeJS.ErrnoException) => {
        flow.ended ??= error.code ?? error.message;
      });
      socket.on('close', () => {
        clearInterval(flow.timer);
        flow.ended ??= 'closed';
        resolve();
      });
    });
  }

  states(): FlowState[] {
    return this.flows.map(stateOf);
  }

  /** Ends and forgets them. */
  close(): void {
    for (const { socket } of this.flows.splice(0)) socket?.destroy();
  }
}

/** Downloads that run on, and uploads, of which what is counted is not told. */
export class Downloads {
  private readonly flows: Flow[] = [];
  private readonly asked = new Set<ClientRequest>();

  start({ name, host, port = 80, path }: { name: string; host: string; port?: number; path: string }): void {
    const flow = newFlow(name);
    this.flows.push(flow);
    const asked = httpGet({ host, port, path, agent: false }, (response) => {
      response.on('data', (bytes: Buffer) => receive(flow, bytes.length));
      response.on('error', (error: NodeJS.ErrnoException) => {
        flow.ended ??= error.code ?? error.message;
      });
      response.on('end', () => {
        flow.ended ??= 'done';
      });
    });
    this.asked.add(asked);
    asked.on('close', () => this.asked.delete(asked));
    asked.on('error', (error: NodeJS.ErrnoException) => {
      flow.ended ??= error.code ?? error.message;
    });
  }

  /** Sends so many bytes, as fast as they are taken. */
  send({ host, port = 80, bytes }: { host: string; port?: number; bytes: number }): void {
    const asked = request({ host, port, method: 'POST', path: '/', agent: false });
    this.asked.add(asked);
    asked.on('close', () => this.asked.delete(asked));
    asked.on('error', () => {});
    asked.on('response', (response) => response.resume());
    let left = bytes;
    const more = (): void => {
      while (left > 0) {
        left -= CHUNK.length;
        if (!asked.write(CHUNK)) return void asked.once('drain', more);
      }
      asked.end();
    };
    more();
  }

  states(): FlowState[] {
    return this.flows.map(stateOf);
  }

  /** Ends and forgets all of them. */
  end(): void {
    for (const asked of this.asked) asked.destroy();
    this.asked.clear();
    this.flows.length = 0;
  }
}
