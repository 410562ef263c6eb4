// What homes may use of a gateway: how much in a month, how fast, by how many connections; what an operator set for one of them counts before
// what the configuration says of all.

import { type InfoLimits, type LeaseQuota, LIMITS, type Limits, type VolumeState } from '../api/lease.ts';
import { InputError } from '../errors.ts';
import type { JsonFields } from '../lib/json-field.ts';
import type { GatewayLack, TunnelLimits } from './tunnel.ts';

const NAMES = Object.keys(LIMITS).map((name) => name.slice(0, -1)) as (keyof Limits)[];
/** MB, kbit/s, connections. */
const MOST: Readonly<Required<Limits>> = {
  quota_mb: 1_000_000_000,
  down_kbits: 100_000_000,
  up_kbits: 100_000_000,
  flows: 1_000_000,
};
const MB = 1_000_000;
/** Share of its volume from which a home is near the end of it. */
const NEAR_SHARE = 0.8;

/** The book of what homes used. */
export interface MonthBook {
  /** Bytes of a home in this month, in both directions, here and at other gateways of the operator. */
  monthBytes(address: string): number;
  /** When the next month begins, as people write it; `undefined` while the clock was never right. */
  readonly nextMonth: string | undefined;
}

/** What one home may use now. */
export interface Allowance {
  /** Without those that are none. */
  readonly limits: Limits;
  readonly quota: LeaseQuota | undefined;
  /** Why it is turned off until the next month. */
  readonly stopped: string | undefined;
  /** What its tunnel is kept to. */
  readonly tunnel: TunnelLimits;
}

/** Says what each home may use. */
export class Allowances {
  private readonly rules: InfoLimits;
  /** Of homes that have nothing of their own, made once: a gateway has many of them. */
  private readonly usual: Pick<Allowance, 'limits' | 'tunnel'>;

  /** @param rules what the configuration says of all homes. @param lacks what this machine does without. */
  constructor(
    rules: InfoLimits,
    private readonly book: MonthBook,
    private readonly lacks: readonly GatewayLack['what'][] = [],
  ) {
    this.rules = this.kept(rules);
    const limits = this.limitsOf({});
    this.usual = { limits, tunnel: tunnelOf(limits) };
  }

  /** What is promised to all. */
  get forAll(): InfoLimits {
    return this.rules;
  }

  /** @param own of this home. */
  of(address: string, own: Limits | undefined): Allowance {
    const { at_quota: atQuota, slow_kbits: slowKbits } = this.rules;
    const limits = own ? this.limitsOf(own) : this.usual.limits;
    const { quota_mb: mb } = limits;
    const quota = mb === undefined ? undefined : this.quotaOf(address, mb * MB);
    const isOver = quota?.state === 'over';
    const slow = isOver && atQuota === 'slow' ? slowKbits : undefined;
    return {
      limits,
      quota,
      stopped: isOver && atQuota === 'stop' ? this.usedUp(mb!) : undefined,
      tunnel: own === undefined && slow === undefined ? this.usual.tunnel : tunnelOf(limits, slow),
    };
  }

  private limitsOf(own: Limits): Limits {
    const { at_quota: _, slow_kbits: __, ...forAll } = this.rules;
    return withoutZeros(this.kept({ ...forAll, ...own }));
  }

  /** Without what this machine does not keep anybody to. */
  private kept<L extends Limits>(limits: L): L {
    const { down_kbits, up_kbits, flows, ...rest } = limits;
    return {
      ...rest,
      ...(!this.lacks.includes('rates') && {
        ...(down_kbits !== undefined && { down_kbits }),
        ...(up_kbits !== undefined && { up_kbits }),
      }),
      ...(!this.lacks.includes('flows') && flows !== undefined && { flows }),
    } as L;
  }

  private quotaOf(address: string, bytes: number): LeaseQuota {
    const { at_quota } = this.rules;
    const used_bytes = this.book.monthBytes(address);
    const state: VolumeState = used_bytes >= bytes ? 'over' : used_bytes >= NEAR_SHARE * bytes ? 'near' : 'ok';
    return { bytes, used_bytes, state, at_quota };
  }

  private usedUp(mb: number): string {
    const { nextMonth } = this.book;
    const size = mb < 1000 ? `${mb} MB` : `${Math.round(mb / 100) / 10} GB`;
    return `the volume of this month is used up: ${size}${nextMonth === undefined ? '' : `; it begins anew on ${nextMonth}`}`;
  }
}

/** @param slow kbit/s both ways at most; absent: as fast as the limits say. */
function tunnelOf({ down_kbits, up_kbits, flows }: Limits, slow = Number.POSITIVE_INFINITY): TunnelLimits {
  const [down, up] = [down_kbits, up_kbits].map((kbits = Number.POSITIVE_INFINITY) => Math.min(kbits, slow));
  return {
    ...(Number.isFinite(down) && { downKbits: down! }),
    ...(Number.isFinite(up) && { upKbits: up! }),
    ...(flows !== undefined && { flows }),
  };
}

function withoutZeros(limits: Limits): Limits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined && value !== 0));
}

/** Some of several limits, those of the last one before. `undefined`: none at all. */
export function mergeLimits(...all: readonly (Limits | undefined)[]): Limits | undefined {
  const merged = Object.assign({}, ...all) as Limits;
  return Object.keys(merged).length > 0 ? merged : undefined;
}

/** The limits among the arguments of a command; `undefined`: none is given. @throws InputError */
export function limitsIn(args: Limits): Limits | undefined {
  const given: Limits = {};
  for (const name of NAMES) {
    const value = args[name];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < 0 || value > MOST[name])
      throw new InputError(`${name}: expected 0 to ${MOST[name]}, got ${value}`, name);
    given[name] = value;
  }
  return mergeLimits(given);
}

/** The member `limits` of what was kept, or came from somebody. @throws WireError */
export function readLimits(fields: JsonFields): { limits?: Limits } {
  if (!fields.has('limits')) return {};
  const members = fields.fields('limits');
  const limits: Limits = {};
  for (const name of NAMES) if (members.has(name)) limits[name] = members.whole(name, 0, MOST[name]);
  return { limits };
}

/** In a sentence. */
export function limitWords(limits: Limits): string {
  const words: Readonly<Record<keyof Limits, (value: number) => string>> = {
    quota_mb: (value) => `${value} MB a month`,
    down_kbits: (value) => `${value} kbit/s down`,
    up_kbits: (value) => `${value} kbit/s up`,
    flows: (value) => `${value} connections`,
  };
  const none: Readonly<Record<keyof Limits, string>> = {
    quota_mb: 'any volume',
    down_kbits: 'any speed down',
    up_kbits: 'any speed up',
    flows: 'any number of connections',
  };
  return NAMES.flatMap((name) => {
    const value = limits[name];
    return value === undefined ? [] : value === 0 ? none[name] : words[name](value);
  }).join(', ');
}
