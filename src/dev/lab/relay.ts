// A TCP cable on loopback that can be cut in silence: what passes through it stalls, nothing is closed.

import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** One listening port whose connections are passed on to another. */
export class Relay {
  private isCut = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {}

  /** Listens on a free port of an address of this machine and connects each caller to `targetPort` of 127.0.0.1. */
  static open(targetPort: number, address = '127.0.0.1'): Promise<Relay> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      const relay = new Relay(server, targetPort);
      server.on('connection', (socket) => relay.join(socket));
      server.once('error', reject);
      server.listen(0, address, () => resolve(relay));
    });
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  get cut(): boolean {
    return this.isCut;
  }

  /** True: from now on nothing passes, and new callers get no answer. */
  set cut(cut: boolean) {
    this.isCut = cut;
    for (const socket of this.sockets) {
      if (cut) socket.pause();
      else socket.resume();
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const socket of this.sockets) socket.destroy();
    });
  }

  private join(caller: Socket): void {
    const callee = dial(this.targetPort, '127.0.0.1');
    for (const [from, to] of [
      [caller, callee],
      [callee, caller],
    ] as const) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        if (to.write(bytes)) return;
        from.pause();
        to.once('drain', () => {
          if (!this.isCut) from.resume();
        });
      });
      if (this.isCut) from.pause();
      from.on('error', () => {});
      from.once('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.once('end', () => to.end());
    }
  }
}
