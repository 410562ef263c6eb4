// Homes that come by themselves where anybody may: so many a day that were never here before. Keys are free, so no number of keys has a say in it.

const DAY_MS = 86_400_000;
/** Homes that are known by a number made of their address: 16 KB for ever. */
const MAX_KNOWN = 4096;

export interface NewcomersOptions {
  /** A day. */
  readonly most: number;
  nowMs(): number;
}

/** Those of one gateway. */
export class Newcomers {
  /** When the last ones came, monotonic, the oldest first. */
  private readonly cameMs: number[] = [];
  private readonly known = new Uint32Array(MAX_KNOWN);
  private next = 0;

  constructor(private readonly options: NewcomersOptions) {}

  /** A home was here: it may come back at any time. @param ago how long ago it first came, milliseconds. */
  remember(address: string, agoMs = DAY_MS): void {
    if (this.isKnown(address)) return;
    this.known[this.next] = numberOf(address);
    this.next = (this.next + 1) % MAX_KNOWN;
    if (agoMs >= DAY_MS) return;
    this.cameMs.push(this.options.nowMs() - agoMs);
    this.cameMs.sort((a, b) => a - b);
  }

  /** Whether a home may come now. @param before how many others wait for the same, and came first. */
  isLet(address: string, before: number): boolean {
    if (this.isKnown(address)) return true;
    const { most, nowMs } = this.options;
    while (this.cameMs.length > 0 && nowMs() - this.cameMs[0]! >= DAY_MS) this.cameMs.shift();
    return most - this.cameMs.length > before;
  }

  /** A home came by itself. */
  came(address: string): void {
    this.remember(address, 0);
  }

  private isKnown(address: string): boolean {
    return this.known.includes(numberOf(address));
  }
}

/** FNV-1a, never 0, which stands for nobody. */
function numberOf(address: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < address.length; i++) sum = Math.imul(sum ^ address.charCodeAt(i), 0x01000193);
  return sum >>> 0 || 1;
}
