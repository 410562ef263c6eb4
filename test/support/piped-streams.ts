// A network in memory: what is dialled reaches what listens, after a while, on a clock that the test moves.

import type { Cancel, Endpoint, Stream, StreamEvents, Streams } from '../../src/transport/host.ts';
import type { ManualClock } from './clock.ts';

type TcpEndpoint = Extract<Endpoint, { host: string }>;
/** What becomes of a dial: it reaches who listens, is refused, or is never answered. */
export type Fate = 'reaches' | 'refused' | 'silent';

class PipeEnd implements Stream {
  readonly queuedBytes = 0;
  events: StreamEvents | undefined;
  other: PipeEnd | undefined;
  closed = false;

  constructor(
    private readonly clock: ManualClock,
    private readonly latencyMs: () => number,
  ) {}

  write(bytes: Uint8Array): boolean {
    const { other } = this;
    if (!this.closed && other)
      this.clock.after(this.latencyMs(), () => {
        if (!other.closed) other.events?.onData(bytes.slice());
      });
    return true;
  }

  setReading(): void {}

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { other } = this;
    if (other) this.clock.after(this.latencyMs(), () => other.end(undefined));
  }

  end(error: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.events?.onClose(error);
  }
}

/** Every dial and what became of it are in `dialled`. */
export class PipedStreams implements Streams {
  private readonly listeners = new Map<string, (stream: Stream, from: string) => StreamEvents>();
  readonly dialled: TcpEndpoint[] = [];
  private readonly ends: PipeEnd[] = [];
  /** One way. */
  latencyMs = 10;
  /** Decides on dials. */
  fate: (to: TcpEndpoint) => Fate = () => 'reaches';

  constructor(private readonly clock: ManualClock) {}

  listen(at: Endpoint, accept: (stream: Stream, from: string) => StreamEvents): Cancel {
    const name = nameOf(at as TcpEndpoint);
    if (this.listeners.has(name)) throw new Error(`listen ${name}: Address in use`);
    this.listeners.set(name, accept);
    return () => this.listeners.delete(name);
  }

  dial(to: Endpoint, events: StreamEvents): Stream {
    const target = to as TcpEndpoint;
    this.dialled.push(target);
    const latency = (): number => this.latencyMs;
    const [near, far] = [new PipeEnd(this.clock, latency), new PipeEnd(this.clock, latency)];
    near.events = events;
    this.ends.push(near, far);
    const fate = this.fate(target);
    const accept = this.listeners.get(nameOf(target));
    if (fate === 'silent') return near;
    this.clock.after(2 * this.latencyMs, () => {
      if (near.closed) return;
      if (fate === 'refused' || !accept) {
        near.end(new Error(`connect ${nameOf(target)}: Connection refused`));
        return;
      }
      near.other = far;
      far.other = near;
      far.events = accept(far, target.from ?? '');
      events.onOpen?.();
    });
    return near;
  }

  /** Cuts every connection to an address, without a word. */
  cut(): void {
    for (const end of this.ends) end.other = undefined;
  }
}

function nameOf({ host, port }: TcpEndpoint): string {
  return `${host} ${port}`;
}
