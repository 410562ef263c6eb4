// A TCP relay on loopback through which everything takes its time, as over a long line: the kernel here has no netem.

import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';

/** One listening port whose connections are passed on to another, late. */
export class Delay {
  /** False: whoever calls is put off at once. */
  isOpen = true;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
    private readonly roundTripMs: number,
  ) {}

  /** Listens on a free port of 127.0.0.1; a question and its answer take `roundTripMs`, and so does making the connection. */
  static open(targetPort: number, roundTripMs: number): Promise<Delay> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      const delay = new Delay(server, targetPort, roundTripMs);
      server.on('connection', (socket) => delay.join(socket));
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(delay));
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.cut();
    });
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private join(caller: Socket): void {
    if (!this.isOpen) {
      caller.destroy();
      return;
    }
    // the kernel shook hands at once: the caller's first bytes pay for that
    const readyAt = performance.now() + this.roundTripMs;
    const callee = dial(this.targetPort, '127.0.0.1');
    this.pass(caller, callee, readyAt);
    this.pass(callee, caller, 0);
  }

  private pass(from: Socket, to: Socket, readyAt: number): void {
    this.sockets.add(from);
    from.setNoDelay(true);
    let last = readyAt;
    const later = (act: () => void): void => {
      last = Math.max(last, performance.now() + this.roundTripMs / 2);
      setTimeout(act, last - performance.now());
    };
    from.on('data', (bytes) => later(() => to.write(bytes)));
    from.on('error', () => {});
    from.once('close', () => {
      this.sockets.delete(from);
      later(() => to.destroy());
    });
  }
}
