// Looks whether something answers on a TCP port in the mesh: connects, and closes again.

import { BusyError, errorText, InputError, TimeoutError } from '../errors.ts';
import type { Clock, Streams } from '../transport/host.ts';

/** What came of one look. */
export interface Reachability {
  reachable: boolean;
  latency_ms?: number;
  error?: string;
}

const TIMEOUT_MS = 5000;
const MAX_AT_ONCE = 4;
/** Answers are given again for so long. */
const KEEP_MS = 10_000;
const MAX_KEPT = 32;
/** 200::/7, written out to where it begins to vary; the machine judges the rest. Nothing else may be looked at from here. */
const MESH_ADDRESS = /^0?[23][0-9a-f]{2}:[0-9a-f:]{1,34}$/i;
const MAX_SHOWN = 64;

/** Looks at services of the mesh. */
export class ServiceCheck {
  private readonly kept = new Map<string, { answer: Promise<Reachability>; atMs: number }>();
  private underWay = 0;

  constructor(
    private readonly streams: Pick<Streams, 'dial'>,
    private readonly clock: Pick<Clock, 'monotonicMs' | 'after'>,
  ) {}

  /** @throws InputError on what is no address of 200::/7 or no port; BusyError when too many are looked at. */
  check(address: string, port: number): Promise<Reachability> {
    this.expectMesh(address, port);
    const key = `${address.toLowerCase()} ${port}`;
    const nowMs = this.clock.monotonicMs();
    const known = this.kept.get(key);
    if (known && nowMs - known.atMs < KEEP_MS) return known.answer;
    this.expectRoom();
    const answer = this.dial(address, port);
    this.kept.delete(key);
    this.kept.set(key, { answer, atMs: nowMs });
    for (const oldest of this.kept.keys()) if (this.kept.size > MAX_KEPT) this.kept.delete(oldest);
    return answer;
  }

  /**
   * The same, asked anew each time; a port that nobody listens on refuses, which takes a round trip, too.
   * @throws InputError, BusyError as `check`
   */
  async knock(address: string, port: number): Promise<{ latency_ms?: number; error?: string }> {
    this.expectMesh(address, port);
    this.expectRoom();
    const begunMs = this.clock.monotonicMs();
    const { reachable, latency_ms, error } = await this.dial(address, port);
    if (reachable && latency_ms !== undefined) return { latency_ms };
    const isRefusal = error?.endsWith('Connection refused') === true;
    return isRefusal ? { latency_ms: this.clock.monotonicMs() - begunMs } : { error: error ?? 'closed' };
  }

  private expectMesh(address: string, port: number): void {
    if (!MESH_ADDRESS.test(address))
      throw new InputError(
        `address: expected one of the mesh (200::/7), got ${JSON.stringify(address.slice(0, MAX_SHOWN))}`,
        'address',
      );
    if (!(port >= 1 && port <= 65535)) throw new InputError(`port: expected 1 to 65535, got ${port}`, 'port');
  }

  private expectRoom(): void {
    if (this.underWay >= MAX_AT_ONCE)
      throw new BusyError(`${MAX_AT_ONCE} services are being looked at: try again in a few seconds`);
  }

  private dial(host: string, port: number): Promise<Reachability> {
    const begunMs = this.clock.monotonicMs();
    this.underWay++;
    return new Promise((resolve) => {
      const end = (answer: Reachability): void => {
        cancel();
        this.underWay--;
        stream.close();
        resolve(answer);
      };
      const fail = (error: Error | undefined): void => end({ reachable: false, error: errorText(error ?? 'closed') });
      const cancel = this.clock.after(TIMEOUT_MS, () => fail(new TimeoutError(`no answer within ${TIMEOUT_MS} ms`)));
      const stream = this.streams.dial(
        { host, port },
        {
          onOpen: () => end({ reachable: true, latency_ms: this.clock.monotonicMs() - begunMs }),
          onData() {},
          onClose: fail,
        },
      );
    });
  }
}
