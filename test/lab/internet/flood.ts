// Traffic of an agent that is wanted steadily: datagrams, connections and questions for names, until it is told to be calm.

import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import { askName } from './ask.ts';

export interface FloodOptions {
  /** Addresses that datagrams go to, and connections. */
  hosts: string[];
  port: number;
  /** Datagrams a second to each host; 0: none. */
  perSecond: number;
  bytes?: number;
  /** Begins so many connections a second to each, of which none is kept. */
  dialPort?: number;
  dialsPerSecond?: number;
  /** Asked so many times a second for a name that nobody has asked for before. */
  resolver?: string;
  asksPerSecond?: number;
  domain?: string;
}

/** How much was sent, and how often the kernel refused. */
export interface Flooded {
  sent: number;
  refused: number;
  dials: number;
  asks: number;
}

const TICK_MS = 10;

/** All floods of one machine. */
export class Floods {
  private readonly ends: (() => void)[] = [];
  private counts: Flooded = { sent: 0, refused: 0, dials: 0, asks: 0 };
  private asked = 0;

  start(options: FloodOptions): void {
    const { hosts, port, perSecond, bytes = 64, dialPort, dialsPerSecond = 0, resolver, asksPerSecond = 0 } = options;
    const { counts } = this;
    const payload = Buffer.alloc(bytes, 0x66);
    if (perSecond > 0)
      for (const host of hosts) {
        let socket: Socket | undefined = createSocket(host.includes(':') ? 'udp6' : 'udp4');
        socket.on('error', () => counts.refused++);
        this.every(perSecond, () =>
          socket?.send(payload, port, host, (error) => {
            if (error) counts.refused++;
            else counts.sent++;
          }),
        );
        this.ends.push(() => {
          socket?.close();
          socket = undefined;
        });
      }
    if (dialPort !== undefined)
      for (const host of hosts)
        this.every(dialsPerSecond, () => {
          counts.dials++;
          const socket = connect({ host, port: dialPort });
          socket.on('error', () => {});
          setTimeout(() => socket.destroy(), 1000);
        });
    if (resolver !== undefined)
      this.every(asksPerSecond, () => {
        counts.asks++;
        void askName({
          server: resolver,
          name: `n${process.pid}-${this.asked++}.${options.domain ?? 'lan.example'}`,
          timeoutMs: 1000,
        });
      });
  }

  /** Ends them all. @returns what they did. */
  stop(): Flooded {
    for (const end of this.ends.splice(0)) end();
    const { counts } = this;
    this.counts = { sent: 0, refused: 0, dials: 0, asks: 0 };
    return counts;
  }

  private every(perSecond: number, run: () => void): void {
    const startMs = performance.now();
    let done = 0;
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) * perSecond) / 1000);
      // what could not be done in time is not made up for
      if (due - done > perSecond) done = due - perSecond;
      for (; done < due; done++) run();
    }, TICK_MS);
    this.ends.push(() => clearInterval(timer));
  }
}
