// Operations that find out how far away a node of the mesh is: `ping` asks it, or connects to it; `trace` looks for a chain of peerings to it.
//
// Yggdrasil has no echo of its own. A question that any node answers takes about a round trip; at first also the search for a path. Which way
// traffic takes nobody tells either: nodes know their own peers, so a chain is looked for from both ends at once. It is the shortest that was
// found in so many questions; traffic may take another one. Nothing but the mesh (200::/7) is ever connected to.

import { BusyError, errorText, InputError } from '../../errors.ts';
import { addressOf } from '../../lib/yggdrasil-address.ts';
import { KEY, maybe, text, whole } from '../argument.ts';
import { type Operations, type Order, operation } from '../operation.ts';
import type { Remote } from '../remote.ts';
import type { MeshState } from '../state.ts';
import { INTERFACE, memberOf } from './look.ts';

/** Connects to a port of an address of the mesh, and closes again. A refusal is an answer, too. @throws (rejects) InputError, BusyError */
export type Knock = (address: string, port: number) => Promise<{ latency_ms?: number; error?: string }>;

export interface ReachView {
  readonly mesh: Pick<MeshState, 'find'>;
  readonly knock: Knock;
  readonly clock: { monotonicMs(): number; after(delayMs: number, callback: () => void): () => void };
}

const USUAL_COUNT = 3;
const MAX_COUNT = 5;
const PAUSE_MS = 1000;
/** Questions of one search, so many at once, within so long. */
const MAX_QUESTIONS = 40;
const AT_ONCE = 2;
const SEARCH_MS = 60_000;
const MAX_HOPS = 12;

/** The operations that measure. One is done at a time. */
export function reachOperations({ mesh, knock, clock }: ReachView): Operations {
  let underWay = false;
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    if (underWay) throw new BusyError('another ping or trace is under way');
    underWay = true;
    try {
      return await work();
    } finally {
      underWay = false;
    }
  };
  return {
    ping: operation({
      scope: 'diagnose',
      isSlow: true,
      args: {
        key: maybe(KEY),
        address: maybe(text(64)),
        port: maybe(whole(1, 65_535)),
        count: maybe(whole(1, MAX_COUNT)),
        interface: INTERFACE,
      },
      run({ key, address, port, count = USUAL_COUNT, interface: iface }, order) {
        if ((key === undefined) === (address === undefined))
          throw new InputError('key: expected either a key or an address', 'key');
        if (key !== undefined && port === undefined) {
          const { remote } = memberOf(mesh, iface);
          return alone(() => ping(clock, count, order, async () => ({ latency_ms: await remote.echo(key) })));
        }
        const to = address ?? addressOf(key!)!;
        if (port === undefined) throw new InputError('port: expected one, with an address', 'port');
        return alone(() => ping(clock, count, order, () => knock(to, port)));
      },
    }),
    trace: operation({
      scope: 'diagnose',
      isSlow: true,
      args: { key: KEY, interface: INTERFACE },
      run({ key, interface: iface }, order) {
        const { node, remote } = memberOf(mesh, iface);
        const self = node.view('self')?.value.key;
        if (self === undefined) throw new Error(node.problem ?? 'Yggdrasil was not asked yet');
        if (self === key) throw new InputError('key: is that of this node', 'key');
        return alone(() => new Trace(remote, clock, order, self, key).run());
      },
    }),
  };
}

/** Asks several times, with pauses. */
async function ping(
  clock: ReachView['clock'],
  count: number,
  order: Order,
  ask: () => Promise<{ latency_ms?: number; error?: string }>,
): Promise<object> {
  const times: (number | null)[] = [];
  let error: string | undefined;
  const told = (): object => {
    const answered = times.filter((time): time is number => time !== null);
    const range = answered.length > 0 && { min_ms: Math.min(...answered), max_ms: Math.max(...answered) };
    return { sent: times.length, answered: answered.length, times_ms: times, ...range, error };
  };
  while (times.length < count) {
    if (times.length > 0) await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve));
    const result = await ask().catch((failure: unknown) => {
      if (failure instanceof InputError || failure instanceof BusyError) throw failure;
      return { error: errorText(failure) };
    });
    times.push('latency_ms' in result ? (result.latency_ms ?? null) : null);
    if (result.error !== undefined) error = result.error;
    order.progress(told());
  }
  return told();
}

/** A search from both ends: which node was found by way of which. */
class Side {
  readonly by = new Map<string, string | undefined>();
  private readonly waiting: string[];

  constructor(start: string) {
    this.by.set(start, undefined);
    this.waiting = [start];
  }

  next(): string | undefined {
    return this.waiting.shift();
  }

  get width(): number {
    return this.waiting.length;
  }

  add(key: string, by: string): void {
    if (this.by.has(key)) return;
    this.by.set(key, by);
    this.waiting.push(key);
  }

  /** From a node back to where this side began. */
  chain(from: string): string[] {
    const keys: string[] = [];
    for (let key: string | undefined = from; key !== undefined; key = this.by.get(key)) keys.push(key);
    return keys;
  }
}

class Trace {
  private readonly near: Side;
  private readonly far: Side;
  private asked = 0;
  private silent = 0;

  constructor(
    private readonly remote: Pick<Remote, 'nodePeers' | 'echo' | 'nameOf'>,
    private readonly clock: ReachView['clock'],
    private readonly order: Order,
    self: string,
    private readonly target: string,
  ) {
    this.near = new Side(self);
    this.far = new Side(target);
  }

  async run(): Promise<object> {
    const chain = await this.search();
    const search = { asked: this.asked, silent: this.silent };
    if (!chain || chain.length > MAX_HOPS + 1) return { found: false, ...search, target: await this.hop(this.target) };
    const hops: object[] = [];
    for (const key of chain.slice(1)) {
      hops.push(await this.hop(key));
      this.order.progress({ hops });
    }
    return { found: true, ...search, hops };
  }

  /** Keys from this node to the other one. */
  private async search(): Promise<string[] | undefined> {
    const endMs = this.clock.monotonicMs() + SEARCH_MS;
    while (this.asked < MAX_QUESTIONS && this.clock.monotonicMs() < endMs) {
      const round = Array.from({ length: AT_ONCE }, () => this.ask());
      const met = (await Promise.all(round)).find((key) => key !== undefined);
      if (met !== undefined) return [...this.near.chain(met).reverse(), ...this.far.chain(met).slice(1)];
      if (this.near.width + this.far.width === 0) return undefined;
      this.order.progress({ asked: this.asked });
    }
    return undefined;
  }

  /** Asks one node more, on the side where fewer wait. @returns a node that both sides know. */
  private async ask(): Promise<string | undefined> {
    const { near, far } = this;
    const [first, second] = far.width > 0 && far.width <= near.width ? [far, near] : [near, far];
    const side = first.width > 0 ? first : second;
    const other = side === near ? far : near;
    const key = side.next();
    if (key === undefined) return undefined;
    this.asked++;
    try {
      const { value } = await this.remote.nodePeers(key, this.clock.monotonicMs());
      for (const peer of value) side.add(peer, key);
      return value.find((peer) => other.by.has(peer));
    } catch (error) {
      if (error instanceof BusyError) throw error;
      this.silent++;
      return undefined;
    }
  }

  private async hop(key: string): Promise<object> {
    const name = this.remote.nameOf(key, this.clock.monotonicMs());
    try {
      return { key, name, latency_ms: await this.remote.echo(key) };
    } catch (error) {
      return { key, name, error: errorText(error) };
    }
  }
}
