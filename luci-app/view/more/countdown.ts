// A time that runs out, second by second, between two answers of the daemon. Not read aloud each second.

import poll from 'luci:poll';
import { setContent } from '../part/keyed.ts';

/** A sentence with the seconds that are left; hidden while nothing runs out. */
export class Countdown {
  readonly root = E('p', { class: 'mb-count', role: 'timer', hidden: '' });
  private untilMs: number | undefined;

  /** @param words the sentence, with `%d` for the seconds. */
  constructor(private readonly words: (left: number) => string) {
    poll.add(async () => this.paint(), 1);
  }

  /** So much is left; absent: nothing runs. */
  update(leftS: number | undefined): void {
    this.untilMs = leftS === undefined ? undefined : performance.now() + leftS * 1000;
    this.paint();
  }

  private paint(): void {
    const { root, untilMs } = this;
    root.hidden = untilMs === undefined;
    if (untilMs === undefined) return;
    setContent(root, this.words(Math.max(0, Math.round((untilMs - performance.now()) / 1000))));
  }
}
