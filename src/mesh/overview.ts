// What is shown of the whole at a glance, node by node: the verdict, judged whenever something was learnt, and what it rests on.

import type { PEER_COUNT, Shape, Verdict } from '../api/model.ts';
import type { MESHBRIDGE_METHODS } from '../api/objects.ts';
import type { Healer } from './heal.ts';
import type { Node, ViewKind } from './node.ts';
import type { MeshState } from './state.ts';
import type { Uplinks } from './uplink.ts';
import {
  type ClockFact,
  type DnsFact,
  type InternetFact,
  Judge,
  type Judgement,
  type YggdrasilFact,
} from './verdict.ts';

/** A reply without its age. */
type Unaged<M extends keyof typeof MESHBRIDGE_METHODS> = Omit<Shape<(typeof MESHBRIDGE_METHODS)[M]['reply']>, 'age_ms'>;

/** What is known of a router beside its nodes. */
export interface Surroundings {
  readonly uplinks: Uplinks;
  dns(): DnsFact | undefined;
  clock(): ClockFact;
  /** Absent: this home uses no gateway. */
  internet(): InternetFact | undefined;
  /** Of one interface: its peerings, and its name in the mesh. */
  configured(iface: string): { peerings: YggdrasilFact['configured']; name: string | undefined };
}

/** Time, and one call after a while. */
export interface OverviewClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

/** One node, judged at one moment; what is shown of it is as of then. Replaced as a whole, never changed. */
export interface Picture {
  /** Empty: this router has no node. */
  readonly interface: string;
  readonly atMs: number;
  readonly verdict: Verdict;
}

/** A picture to be, and the picture, once somebody wanted to see it. */
export interface Sketch {
  readonly interface: string;
  readonly atMs: number;
  readonly judgement: Judgement;
  picture?: Promise<Picture>;
}

/** Somebody who looks is shown what is older for lack of an answer, after so long. */
const PATIENCE_MS = 1000;
/** A picture is judged anew when it is older than this and somebody looks: verdicts change with time, too. */
const FRESH_MS = 1000;
/** Both at once: what they count belongs together. */
const LOOKED_AT = ['peers', 'sessions'] as const;
/** One look keeps what is asked for brisk for this long. */
const LOOK_MS = 60_000;

/** The verdicts of all nodes, and of a router that has none. */
export class Overview {
  /** By interface. */
  private known = new Map<string, { judge: Judge; sketch: Sketch }>();
  private lookedAtMs = Number.NEGATIVE_INFINITY;

  /** @param onVerdict the situation of a node is another one. */
  constructor(
    private readonly mesh: MeshState,
    private readonly around: Surroundings,
    private readonly healer: Healer,
    private readonly clock: OverviewClock,
    private readonly version: string,
    private readonly onVerdict: (sketch: Sketch) => void,
  ) {}

  /** Somebody looked within the last minute. */
  get isLookedAt(): boolean {
    return this.clock.monotonicMs() - this.lookedAtMs < LOOK_MS;
  }

  /** Something was learnt of one node, or of the router. */
  judge(iface?: string): void {
    const names = this.names();
    const all = names.length > 0 ? names : [''];
    for (const name of this.known.keys()) if (!all.includes(name)) this.known.delete(name);
    for (const name of all) if (iface === undefined || name === iface) this.judgeOne(name);
  }

  /** What was judged last of an interface, or for the empty one of a router without any; nobody counts as looking. */
  judged(iface: string): Sketch | undefined {
    return this.known.get(iface)?.sketch;
  }

  /** The newest picture of an interface, after its node was asked, if it answers soon. @param iface as in `names()`, or empty where there is none. */
  async look(iface: string): Promise<Picture> {
    this.lookedAtMs = this.clock.monotonicMs();
    const node = this.mesh.find(iface)?.node;
    if (node?.connected) await this.ask(node, LOOKED_AT);
    const known = this.known.get(iface)?.sketch;
    return draw(known && this.clock.monotonicMs() - known.atMs < FRESH_MS ? known : this.judgeOne(iface));
  }

  /** All interfaces of nodes, in the order in which they are shown. */
  names(): string[] {
    return this.mesh.all().map(({ node }) => node.name);
  }

  /** What the page Overview shows. */
  overview({ interface: iface, atMs, verdict }: Picture): Unaged<'overview'> {
    const node = this.mesh.find(iface)?.node;
    const self = node?.current('self')?.value;
    const peers = node?.current('peers')?.value.peers;
    const traffic = node?.usage.traffic(atMs);
    const heal = this.healer.last(atMs);
    const count = (state: string): number => peers!.filter((peer) => peer.state === state).length;
    const counts: Shape<typeof PEER_COUNT> | undefined = peers && {
      up: count('up'),
      unproven: count('unproven'),
      down: count('down'),
    };
    return {
      interface: iface,
      version: this.version,
      interfaces: this.names(),
      ...this.named(iface),
      ...(self && { self }),
      verdict,
      uplinks: this.around.uplinks.list(atMs) ?? [],
      ...(counts && { peers: counts }),
      ...(traffic && { traffic }),
      ...(heal && { heal }),
    };
  }

  /** What a map is drawn from: at most `most` entries of each list. @param tree with the tree, for which the node is asked first. */
  async map({ interface: iface, atMs, verdict }: Picture, tree: boolean, most: number): Promise<Unaged<'map'>> {
    const node = this.mesh.find(iface)?.node;
    if (tree && node?.connected) await this.ask(node, ['tree']);
    const self = node?.current('self')?.value;
    let left = 0;
    const cut = <T>(list: readonly T[]): T[] => {
      left += Math.max(0, list.length - most);
      return list.slice(0, most);
    };
    const peers = node?.current('peers')?.value.peers;
    const sessions = node?.current('sessions')?.value.sessions;
    const known = tree ? node?.current('tree')?.value.tree : undefined;
    const lists = {
      ...(peers && { peers: cut(peers) }),
      ...(sessions && { sessions: cut(sessions) }),
      ...(known && { tree: cut(known) }),
    };
    return {
      interface: iface,
      ...(left > 0 && { left_out: left }),
      ...this.named(iface),
      ...(self && { self }),
      verdict,
      uplinks: this.around.uplinks.list(atMs) ?? [],
      ...lists,
    };
  }

  /** What the household may see: evidence names neighbours and hosts, so it is left out; sentences do not. */
  member({ interface: iface, atMs, verdict }: Picture): Unaged<'member'> {
    const traffic = this.mesh.find(iface)?.node.usage.traffic(atMs);
    const checks = verdict.checks.map(({ link, state, since_s }) => ({
      link,
      state,
      since_s,
      evidence: '',
      words: { evidence: '' },
      values: {},
    }));
    return { ...this.named(iface), verdict: { ...verdict, checks }, ...(traffic && { traffic }) };
  }

  private named(iface: string): { name?: string } {
    const { name } = this.around.configured(iface);
    return name === undefined ? {} : { name };
  }

  private async ask(node: Node, kinds: readonly ViewKind[]): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    const answers = kinds.map((kind) => node.read(kind, nowMs));
    if (!answers.some((answer) => answer instanceof Promise)) return;
    let cancel = (): void => {};
    const patience = new Promise<void>((resolve) => {
      cancel = this.clock.after(PATIENCE_MS, resolve);
    });
    await Promise.race([Promise.all(answers).then(() => this.judge(node.name)), patience]).catch(() => {});
    cancel();
  }

  private judgeOne(iface: string): Sketch {
    const { around, mesh } = this;
    const nowMs = this.clock.monotonicMs();
    const node = mesh.find(iface)?.node;
    const uplinks = around.uplinks.list(nowMs);
    const before = this.known.get(iface);
    const judge = before?.judge ?? new Judge();
    const facts = {
      ...{ uplinks, dns: around.dns(), clock: around.clock(), yggdrasil: node && this.factOf(node) },
      internet: around.internet(),
    };
    const judgement = judge.judge(facts, nowMs);
    const sketch: Sketch = { interface: iface, atMs: nowMs, judgement };
    this.known.set(iface, { judge, sketch });
    const { id, state } = before?.sketch.judgement ?? judgement;
    if (judgement.id !== id || judgement.state !== state) this.onVerdict(sketch);
    return sketch;
  }

  private factOf(node: Node): YggdrasilFact {
    const { name, connected, connectedAtMs, problem } = node;
    return {
      interface: name,
      connectedAtMs: connected ? connectedAtMs : undefined,
      problem,
      setup: this.around.uplinks.setup(name),
      configured: this.around.configured(name).peerings,
      peers: node.current('peers')?.value.peers,
      multicast: node.current('multicast')?.value.multicast_interfaces,
      self: node.current('self')?.value,
      tree: node.current('tree')?.value.tree,
    };
  }
}

/** The words come into memory when the first verdict is to be seen. */
function draw(sketch: Sketch): Promise<Picture> {
  const { interface: iface, atMs, judgement } = sketch;
  sketch.picture ??= import('./verdict-words.ts').then(({ speak }) => ({
    interface: iface,
    atMs,
    verdict: speak(judgement),
  }));
  return sketch.picture;
}
