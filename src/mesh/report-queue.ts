// What could not be told because the broker was gone, in RAM and within bounds: events are kept longest, the oldest heartbeats go first.

/** Something that was to be told. */
export interface Report {
  readonly kind: 'tele' | 'evt';
  /** Kind of an event. */
  readonly tail?: string;
  readonly text: string;
}

/** Bytes of all queues of a router together. */
export const MAX_QUEUED_BYTES = 262_144;
/** What the engine takes for one beside its texts, about. */
const OVERHEAD_BYTES = 96;

function weigh({ tail = '', text }: Report): number {
  return tail.length + text.length + OVERHEAD_BYTES;
}

/** Reports in the order in which they came. */
export class ReportQueue {
  private readonly reports: Report[] = [];
  private heartbeats = 0;
  private bytes = 0;
  private lost = 0;

  constructor(private readonly maxBytes: number) {}

  get size(): number {
    return this.reports.length;
  }

  /** About, with what the engine takes for them. */
  get queuedBytes(): number {
    return this.bytes;
  }

  /** How many were given up. */
  get dropped(): number {
    return this.lost;
  }

  /** Adds one at the end; where there is no room, heartbeats are given up, oldest first, and then events. */
  push(report: Report): void {
    this.reports.push(report);
    this.add(report);
  }

  /** Takes the oldest one away. */
  shift(): Report | undefined {
    return this.reports.length > 0 ? this.take(0) : undefined;
  }

  /** Puts one back at the front that was taken away, and was not told. */
  unshift(report: Report): void {
    this.reports.unshift(report);
    this.add(report);
  }

  /** One that was taken away was refused. */
  countLost(): void {
    this.lost++;
  }

  private add(report: Report): void {
    this.bytes += weigh(report);
    if (report.kind === 'tele') this.heartbeats++;
    while (this.bytes > this.maxBytes) {
      const at = this.heartbeats > 0 ? this.reports.findIndex(({ kind }) => kind === 'tele') : 0;
      this.take(at);
      this.lost++;
    }
  }

  private take(at: number): Report {
    const [report] = this.reports.splice(at, 1);
    this.bytes -= weigh(report!);
    if (report!.kind === 'tele') this.heartbeats--;
    return report!;
  }
}
