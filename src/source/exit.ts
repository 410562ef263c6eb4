// Does this gateway reach the Internet: connects to hosts there now and then, and closes again.

import { errorText } from '../errors.ts';
import type { Cancel, Clock, Streams } from '../transport/host.ts';

const EVERY_MS = 30_000;
const TIMEOUT_MS = 5000;
/** Rounds in a row in which none answered. */
const LOST = 2;

/** Looks from `start()` to `stop()`. */
export class ExitCheck {
  private timer: Cancel | undefined;
  private readonly open = new Set<Cancel>();
  private lost = 0;

  /**
   * @param hosts `address:port`, an IPv6 address in brackets; none: nothing is looked at, and nothing told.
   * @param tell whether it is reached, after each round; false only after two in which nobody answered.
   */
  constructor(
    private readonly streams: Pick<Streams, 'dial'>,
    private readonly clock: Pick<Clock, 'after'>,
    private readonly hosts: readonly string[],
    private readonly tell: (online: boolean) => void,
  ) {}

  start(): void {
    if (this.hosts.length > 0) this.round();
  }

  stop(): void {
    this.timer?.();
    for (const close of this.open) close();
    this.open.clear();
  }

  private round(): void {
    let left = this.hosts.length;
    let answered = false;
    const end = (reached: boolean): void => {
      left--;
      if (reached && !answered) {
        answered = true;
        this.lost = 0;
        this.tell(true);
      }
      if (left === 0 && !answered && ++this.lost >= LOST) this.tell(false);
    };
    for (const host of this.hosts) this.dial(host, end);
    this.timer = this.clock.after(EVERY_MS, () => this.round());
  }

  private dial(target: string, done: (reached: boolean) => void): void {
    const [, host = '', port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(target) ?? [];
    const end = (reached: boolean): void => {
      close();
      done(reached);
    };
    const close = (): void => {
      this.open.delete(close);
      cancel();
      stream.close();
    };
    const cancel = this.clock.after(TIMEOUT_MS, () => end(false));
    const stream = this.streams.dial(
      { host, port: Number(port) },
      {
        onOpen: () => end(true),
        onData() {},
        // who refuses is there, unless it is this machine itself
        onClose: (error) => end(/refused/i.test(errorText(error))),
      },
    );
    this.open.add(close);
  }
}
