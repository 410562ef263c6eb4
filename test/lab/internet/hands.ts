// The lab's end of an agent: what a machine is told to do, as calls.

import type { Child } from '../../../src/dev/child.ts';
import type { SKILLS } from './agent.ts';
import type { Place } from './place.ts';

type Skills = typeof SKILLS;
type Result<K extends keyof Skills> = Awaited<ReturnType<Skills[K]>>;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** One agent. */
export class Hands {
  private last = 0;
  private readonly waiting = new Map<number, Waiting>();

  private constructor(
    private readonly child: Child,
    private readonly place: string,
  ) {}

  /** Starts one in a machine. @param program path of the bundled agent. @throws Error when it does not start. */
  static async start(place: Place, program: string): Promise<Hands> {
    let hands: Hands | undefined;
    let ready: () => void = () => {};
    const started = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const child = await place.start([process.execPath, program], (line) => {
      if (!line.startsWith('{')) return;
      const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string };
      if (id === 0) return ready();
      const waiting = hands?.waiting.get(id);
      hands?.waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(`${place.name}: ${error}`));
    });
    hands = new Hands(child, place.name);
    void child.ended.then(() => hands?.fail());
    await Promise.race([started, child.ended]);
    if (!child.isRunning) throw new Error(`agent in ${place.name}: ${child.tail.join(' ')}`);
    return hands;
  }

  /** Has it do something. @throws Error with what the agent says went wrong. */
  do<K extends keyof Skills>(skill: K, ...args: Parameters<Skills[K]>): Promise<Result<K>> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.child.write(`${JSON.stringify({ id, skill, args: args[0] })}\n`);
    });
  }

  private fail(): void {
    for (const { reject } of this.waiting.values())
      reject(new Error(`agent in ${this.place} has ended: ${this.child.tail.at(-1) ?? 'it said nothing'}`));
    this.waiting.clear();
  }
}
