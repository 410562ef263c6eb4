// How homes share a full line evenly: one queue where packets leave for homes, on Yggdrasil's device, and one where they leave for the
// Internet. Best is cake, which knows homes by their addresses; without it there is a class of HTB for each home, whose packets rules mark.
//
// A queue is put only where there is none but the kernel's own, or ours, which is known by its handle: what somebody set up there stays.

import type { GatewayLack } from '../mesh/tunnel.ts';
import { addElements, CLIENT_TABLE, removeAny, removeElements } from './client-set.ts';
import { firstLine, type Machine } from './machine.ts';

/** Of the line, kbit/s; absent: not known, and homes get what the kernel gives them. */
export interface ShareRules {
  /** Towards this machine, and so from it to homes. */
  readonly down?: number;
  readonly up?: number;
}

/** Ours has this handle; the kernel's own have 0. */
const HANDLE = '4d42:';
const KERNEL = '0:';
/** Of a line: a queue builds only where it is the narrowest place. */
const SHARE = 0.95;
/** Where homes are reached by the line itself, what goes to them leaves by it once more, sealed and so greater: of what it can send. */
const SEALED_SHARE = 0.8;
/** That is seen by what this machine sends itself, once so many bytes went to homes; until then it is taken for granted. */
const LEAST_SEEN = 5_000_000;
const BY_LINE_SHARE = 0.5;
/** Classes: all of a line's packets, and those that are of no home: this machine's, the mesh's. Slots of homes are in between. */
const [ALL, REST] = [0xffff, 1];
/**
 * What a class may send in its turn: milliseconds of the line, and bytes. A short turn keeps those waiting short who send little; one that is too short is
 * unfair, for HTB lets a packet pass that is greater, and what a line brings within a moment the kernel carries as one.
 */
const TURN_MS = 10;
const TURN = { least: 1600, most: 65_536 } as const;
/** What a home is promised at least, kbit/s; what it gets is its share of the rest. */
const PROMISED = 8;
/** What waits where there is no better queue: bytes at least, and milliseconds of the line. */
const LEAST_WAITING = 131_072;
const WAITING_MS = 100;
/** Has no traffic, and is gone after a moment. */
const PROBE = 'mbprobe';
const PROBE_TYPES = [
  'bridge',
  'vxlan id 16777215 local 200::1 remote 200::2 dstport 4790',
  'ip6gre local 200::1 remote 200::2',
];

/** Where a queue is wanted. */
interface Point {
  readonly device: string;
  readonly kbits: number;
  readonly isDown: boolean;
}

/** What this machine sends itself by its lines, and by the mesh. */
export const SHARE_COUNTERS = `
  counter own_lines { }
  counter own_mesh { }`;

/** The rules that count it, in the chain of what this machine sends. */
export const SHARE_COUNTED = `oifname @lines counter name own_lines
    oifname @mesh counter name own_mesh`;

/** Whether homes are reached by the line. @param bytes that this machine sent itself, by its lines and by the mesh. */
export function isByLine(bytes: { readonly lines: number; readonly mesh: number }): boolean {
  return bytes.mesh < LEAST_SEEN || bytes.lines >= BY_LINE_SHARE * bytes.mesh;
}

/** Maps from addresses of homes to their classes: inner ones, and those in the mesh. */
export const SHARE_MAPS = `
  map shares4 { type ipv4_addr : classid; }
  map shares6 { type ipv6_addr : classid; }
  map shares { type ipv6_addr : classid; }`;

/** The rules that mark packets of homes where they leave: before addresses are translated, and after tunnels. */
export function shareRules({ down, up }: ShareRules): string {
  const toHomes = 'oifname @mesh meta priority set ip6 daddr map @shares';
  const toInternet = `oifname @lines meta priority set ip saddr map @shares4
    oifname @lines meta priority set ip6 saddr map @shares6`;
  const none = '# lines are shared as the kernel does it';
  return [down === undefined ? none : toHomes, up === undefined ? none : toInternet].join('\n    ');
}

/** A home by its addresses. */
export interface SharingHome {
  readonly slot: number;
  readonly home4: string;
  readonly home6: string;
}

const classOf = (slot: number): string => `${HANDLE}${slot.toString(16)}`;

/** Lets homes have shares. @param outer of each, its address in the mesh. */
export function shareScript(homes: readonly (SharingHome & { readonly outer: string })[]): string {
  const items = (of: 'home4' | 'home6' | 'outer'): string[] =>
    homes.map((home) => `${home[of]} : ${classOf(home.slot)}`);
  return (
    addElements('shares4', items('home4')) +
    addElements('shares6', items('home6')) +
    addElements('shares', items('outer'))
  );
}

/** Takes shares of homes away, whatever is there of them. `outer` are elements of `shares`, as it lists them. */
export function unshareScript(homes: readonly SharingHome[], outer: readonly string[]): string {
  const items = (of: 'home4' | 'home6'): string[] => homes.map((home) => `${home[of]} : ${classOf(home.slot)}`);
  return removeAny('shares4', items('home4')) + removeAny('shares6', items('home6')) + removeElements('shares', outer);
}

/** The addresses in the mesh that `shares` holds, as nft lists it, by slot. */
export function readShares(listing: string): { outer: string; slot: number }[] {
  const found = listing.matchAll(/([0-9a-f:]+) : 4d42:([0-9a-f]+)/g);
  return [...found].map(([, outer, minor]) => ({ outer: outer!, slot: Number.parseInt(minor!, 16) }));
}

/** Nobody has a share any more. */
export const CLEAR_SHARES = ['shares4', 'shares6', 'shares']
  .map((map) => `flush map ${CLIENT_TABLE} ${map}\n`)
  .join('');

/** What this machine can make queues of. */
interface ShareAbility {
  readonly kind: 'cake' | 'htb' | undefined;
  readonly leaf: string | undefined;
  readonly problem?: string;
}

/** The queues of a gateway. */
export class LineShare {
  private able: ShareAbility | undefined;
  /** How narrow queues were made, by device. */
  private readonly made = new Map<string, number>();
  /** Homes are reached by the line. */
  byLine = true;

  constructor(
    private readonly machine: Machine,
    private readonly rules: ShareRules,
  ) {}

  /** Whether any queue is wanted. */
  get isWanted(): boolean {
    return this.rules.down !== undefined || this.rules.up !== undefined;
  }

  /** What cannot be done here. Looks, and leaves nothing. */
  async lacks(mesh: string, lines: readonly string[]): Promise<GatewayLack[]> {
    if (!this.isWanted) return [];
    const { kind, problem = '' } = await this.ability();
    if (kind === undefined) return [{ what: 'fair', problem: `homes do not share the line evenly: ${problem}` }];
    const lacks: GatewayLack[] = [];
    for (const { device } of this.points(mesh, lines)) {
      const there = await this.rootOf(device);
      if (there && there.handle !== KERNEL && !isOurs(there))
        lacks.push({
          what: 'fair',
          problem: `homes do not share ${device} evenly: it has a queue of somebody else (${there.kind} ${there.handle}), which is left alone`,
        });
    }
    return lacks;
  }

  /**
   * Makes the queues be, for these homes and no others; what fits goes on. What cannot be made is done without.
   * @param isKnown they were made as they are to be: only what somebody took away meanwhile is made again.
   */
  async keep(
    mesh: string,
    lines: readonly string[],
    slots: () => Promise<readonly number[]>,
    isKnown = false,
  ): Promise<void> {
    const points = this.points(mesh, lines);
    if (isKnown && points.length === 0) return;
    if (!isKnown)
      for (const device of new Set([mesh, ...lines]))
        if (!points.some((point) => point.device === device)) await this.removeFrom(device);
    for (const point of points) {
      const isSame = isKnown && this.made.get(point.device) === point.kbits;
      if (isSame && isOurs(await this.rootOf(point.device))) continue;
      const kind = await this.make(point);
      if (kind) this.made.set(point.device, point.kbits);
      if (kind !== 'htb') continue;
      const homes = await slots();
      await this.classes(point, homes);
      const kept = new Set([...homes, REST, ALL]);
      const gone = [...(await this.standing(point))].filter((slot) => !kept.has(slot));
      await this.batch(gone.map((slot) => `class del dev ${point.device} classid ${classOf(slot)}`));
    }
  }

  /** Homes came and went. */
  async change(
    mesh: string,
    lines: readonly string[],
    add: readonly number[],
    remove: readonly number[],
  ): Promise<void> {
    if (add.length + remove.length === 0) return;
    for (const point of this.points(mesh, lines)) {
      const there = await this.rootOf(point.device);
      if (!isOurs(there) || there?.kind !== 'htb') continue;
      if (remove.length > 0)
        await this.batch(remove.map((slot) => `class del dev ${point.device} classid ${classOf(slot)}`));
      if (add.length > 0) await this.classes(point, add);
    }
  }

  private points(mesh: string, lines: readonly string[]): Point[] {
    const { down, up } = this.rules;
    const share = (kbits: number): number => Math.max(1, Math.floor(SHARE * kbits));
    const sealed = this.byLine && up !== undefined ? Math.floor(SEALED_SHARE * up) : Number.POSITIVE_INFINITY;
    const ways = lines.filter((device) => device !== mesh);
    return [
      ...(down === undefined
        ? []
        : [{ device: mesh, kbits: Math.max(1, Math.min(share(down), sealed)), isDown: true }]),
      ...(up === undefined ? [] : ways.map((device) => ({ device, kbits: share(up), isDown: false }))),
    ];
  }

  /** @returns what stands there now; `undefined`: nothing of ours. */
  private async make({ device, kbits, isDown }: Point): Promise<'cake' | 'htb' | undefined> {
    const there = await this.rootOf(device);
    if (!there || (!isOurs(there) && there.handle !== KERNEL)) return undefined;
    const { kind } = await this.ability();
    if (kind === undefined) return undefined;
    if (isOurs(there) && there.kind !== kind) await this.removeFrom(device);
    const at = ['qdisc', 'replace', 'dev', device, 'root', 'handle', HANDLE];
    if (kind === 'cake') {
      // whose packets are urgent homes do not decide
      const words = isDown ? ['dual-dsthost', 'nonat'] : ['dual-srchost', 'nat'];
      const made = await this.tc([...at, 'cake', 'bandwidth', `${kbits}kbit`, 'besteffort', ...words]);
      return made.code === 0 ? 'cake' : undefined;
    }
    // HTB that stands takes no change of itself
    if (!(isOurs(there) && there.kind === 'htb') && (await this.tc([...at, 'htb', 'default', String(REST)])).code !== 0)
      return undefined;
    await this.batch([`class replace dev ${device} parent ${HANDLE} classid ${classOf(ALL)} ${htb(kbits, kbits)}`]);
    await this.classes({ device, kbits, isDown }, [REST], Math.floor(kbits / 2));
    return 'htb';
  }

  /** Classes for homes; those that stand are touched only where they are to be others. */
  private async classes({ device, kbits }: Point, slots: readonly number[], promised = PROMISED): Promise<void> {
    const { leaf } = await this.ability();
    const standing = await this.standing({ device });
    const waiting = Math.max(LEAST_WAITING, Math.floor((kbits * WAITING_MS) / 8));
    await this.batch(
      slots.flatMap((slot) => {
        const id = classOf(slot);
        const made = `class replace dev ${device} parent ${classOf(ALL)} classid ${id} ${htb(Math.min(promised, kbits), kbits)}`;
        if (standing.has(slot)) return [made];
        return [made, `qdisc replace dev ${device} parent ${id} ${leaf ?? `bfifo limit ${waiting}`}`];
      }),
    );
  }

  /** Classes that there are, by number. */
  private async standing({ device }: Pick<Point, 'device'>): Promise<ReadonlySet<number>> {
    const { stdout } = await this.tc(['class', 'show', 'dev', device]);
    const found = stdout.matchAll(/^class htb 4d42:([0-9a-f]+) /gm);
    return new Set([...found].map(([, minor]) => Number.parseInt(minor!, 16)));
  }

  private async removeFrom(device: string): Promise<void> {
    const there = await this.rootOf(device);
    if (isOurs(there)) await this.tc(['qdisc', 'del', 'dev', device, 'root']);
  }

  private rootOf(device: string): Promise<Root | undefined> {
    return this.tc(['qdisc', 'show', 'dev', device]).then(({ stdout }) => {
      const [, kind, handle] = /^qdisc (\S+) ([0-9a-f]+:) (?:dev \S+ )?root\b/m.exec(stdout) ?? [];
      return kind === undefined ? undefined : { kind, handle: handle! };
    });
  }

  private async ability(): Promise<ShareAbility> {
    this.able ??= await this.find();
    return this.able;
  }

  /** Tries on a device that is gone after it. */
  private async find(): Promise<ShareAbility> {
    const { machine } = this;
    if ((await this.tc(['-V'])).code !== 0)
      return { kind: undefined, leaf: undefined, problem: 'there is no program tc (OpenWrt: tc-tiny)' };
    const drop = (): Promise<unknown> => machine.run('ip', ['link', 'del', PROBE]).catch(() => undefined);
    await drop();
    for (const type of PROBE_TYPES) {
      const { code } = await machine.run('ip', ['link', 'add', PROBE, 'type', ...type.split(' ')]);
      if (code === 0) break;
    }
    try {
      const takes = async (...words: string[]): Promise<boolean> =>
        (await this.tc(['qdisc', 'replace', 'dev', PROBE, 'root', ...words])).code === 0;
      const cake = await this.tc(['qdisc', 'replace', 'dev', PROBE, 'root', 'cake', 'bandwidth', '1mbit']);
      if (cake.code === 0) return { kind: 'cake', leaf: undefined };
      const leaf = (await takes('fq_codel')) ? 'fq_codel' : undefined;
      if (await takes('htb', 'default', String(REST))) return { kind: 'htb', leaf };
      const problem = `the kernel has neither cake nor htb (${firstLine(cake.stderr)}; OpenWrt: kmod-sched-cake, or kmod-sched-core)`;
      return { kind: undefined, leaf: undefined, problem };
    } finally {
      await drop();
    }
  }

  private async batch(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.tc(['-force', '-batch', '-'], `${lines.join('\n')}\n`);
  }

  private tc(args: readonly string[], stdin?: string): ReturnType<Machine['run']> {
    return runTc(this.machine, args, stdin);
  }
}

/** Takes every queue of ours away. */
export async function removeShares(machine: Machine): Promise<void> {
  const { stdout } = await runTc(machine, ['qdisc', 'show']);
  for (const [, device] of stdout.matchAll(/^qdisc \S+ 4d42: dev (\S+) root\b/gm))
    await runTc(machine, ['qdisc', 'del', 'dev', device!, 'root']);
}

interface Root {
  readonly kind: string;
  readonly handle: string;
}

function isOurs(root: Root | undefined): boolean {
  return root?.handle === HANDLE && (root.kind === 'cake' || root.kind === 'htb');
}

function htb(rate: number, ceil: number): string {
  const turn = Math.min(TURN.most, Math.max(TURN.least, Math.floor((ceil * TURN_MS) / 8)));
  return `htb rate ${rate}kbit ceil ${ceil}kbit quantum ${turn}`;
}

/** A machine without the program is one that has no queues of ours. */
async function runTc(machine: Machine, args: readonly string[], stdin?: string): ReturnType<Machine['run']> {
  try {
    return await machine.run('tc', args, { ...(stdin !== undefined && { stdin }), timeoutMs: 30_000 });
  } catch {
    return { code: 127, stdout: '', stderr: '' };
  }
}
