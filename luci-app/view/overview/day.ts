// The last 24 hours as a picture: how many peers were up, how far away the nearest was, and when nothing went.

import type { HistorySample } from '../../../src/api/model.ts';
import { describeFailure } from '../part/failure.ts';
import { duration } from '../part/format.ts';
import { setContent } from '../part/keyed.ts';
import { svg } from '../part/svg.ts';
import { type DaySummary, isOut, summarizeDay } from './day-summary.ts';

const DAY_S = 86_400;
// the plot, in units of its own: a step of five minutes is 2.5 wide
const WIDTH = 720;
const PEERS_TOP = 4;
const PEERS_BOTTOM = 70;
const LATENCY_TOP = 82;
const LATENCY_BOTTOM = 116;
const HEIGHT = 120;

/** One step of the picture. */
interface Step {
  sample: HistorySample;
  left: number;
  right: number;
}

function range(from: number, to: number): string {
  const [low, high] = [Math.round(from), Math.round(to)];
  return low === high ? String(low) : _('%d to %d').format(low, high);
}

function tell({ watchedS, outages, outS, peers, latency }: DaySummary): string {
  return [
    watchedS < DAY_S - 600 ? _('Watched for %s.').format(duration(watchedS)) : '',
    outages === 0
      ? _('At every moment a peer was up.')
      : N_(outages, '%d outage, about %s in all.', '%d outages, about %s in all.').format(outages, duration(outS)),
    peers ? _('Peers up: %s.').format(range(...peers)) : '',
    latency ? _('Nearest peer: %s ms.').format(range(...latency)) : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function tellStep(sample: HistorySample, stepS: number): string {
  const end = new Date(Date.now() - sample.ago_s * 1000);
  const { peers_up_min: fewest, peers_up_max: most, peers_total: total, latency_ms: latency } = sample;
  return [
    _('%s to %s:').format(clock(new Date(end.getTime() - stepS * 1000)), clock(end)),
    most === 0 ? _('no peer up.') : _('%s of %d peers up.').format(range(fewest, most), total),
    latency === undefined ? '' : _('Nearest peer: %s ms.').format(range(latency, latency)),
  ]
    .join(' ')
    .trim();
}

function clock(time: Date): string {
  return time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** A line of steps at the heights that `at` gives; it breaks where there is none. */
function stepLine(steps: readonly Step[], at: (sample: HistorySample) => number | undefined): string {
  let path = '';
  let right: number | undefined;
  for (const step of steps) {
    const y = at(step.sample);
    if (y !== undefined) path += `${right === step.left ? 'V' : `M${step.left} `}${y.toFixed(1)}H${step.right}`;
    right = y === undefined ? undefined : step.right;
  }
  return path;
}

/** The area between the heights `at` and the bottom. */
function stepArea(steps: readonly Step[], bottom: number, at: (sample: HistorySample) => number): string {
  return steps
    .map(({ sample, left, right }) => `M${left} ${bottom}V${at(sample).toFixed(1)}H${right}V${bottom}Z`)
    .join('');
}

function legendEntry(kind: string): { root: HTMLElement; text: HTMLElement } {
  const text = E('span');
  return { root: E('li', [E('span', { class: `mb-key ${kind}` }), text]), text };
}

/** The picture, its summary, and a slider that goes through its steps. */
export class Day {
  readonly root: HTMLElement;
  private readonly summary = E('p');
  private readonly most = svg('path', { class: 'mb-most' });
  private readonly fewest = svg('path', { class: 'mb-fewest' });
  private readonly latency = svg('path', { class: 'mb-latency' });
  private readonly outages = svg('path', { class: 'mb-out' });
  private readonly cursor = svg('path', { class: 'mb-cursor' });
  private readonly peersKey = legendEntry('mb-fewest');
  private readonly latencyKey = legendEntry('mb-latency');
  private readonly slider = E('input', {
    type: 'range',
    min: 0,
    'aria-label': _('Moment of the last 24 hours'),
    input: () => this.point(Number(this.slider.value)),
  });
  private readonly moment = E('p');
  private readonly plot: HTMLElement;
  private steps: Step[] = [];
  private stepS = 1;

  constructor() {
    const grid = [1, 2, 3].map((n) => `M${(WIDTH / 4) * n} 0V${HEIGHT}`).join('');
    const picture = svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      [
        svg('path', { class: 'mb-grid', d: `${grid}M0 ${PEERS_BOTTOM}H${WIDTH}M0 ${LATENCY_BOTTOM}H${WIDTH}` }),
        this.outages,
        this.most,
        this.fewest,
        this.latency,
        this.cursor,
      ],
    );
    const follow = (event: MouseEvent): void => {
      const { left, width } = picture.getBoundingClientRect();
      this.pointAt(((event.clientX - left) / width) * WIDTH);
    };
    picture.addEventListener('pointermove', follow);
    picture.addEventListener('pointerdown', follow);
    const some = legendEntry('mb-most');
    some.text.textContent = _('up for a part of five minutes');
    const out = legendEntry('mb-out');
    out.text.textContent = _('no peer up');
    this.plot = E('div', { class: 'mb-day', hidden: '' }, [
      picture,
      E('div', { class: 'mb-times' }, [E('span', [_('24 h ago')]), E('span', [_('12 h ago')]), E('span', [_('now')])]),
      this.slider,
      this.moment,
      E('ul', { class: 'mb-legend' }, [this.peersKey.root, some.root, this.latencyKey.root, out.root]),
    ]);
    this.root = E('div', [this.summary, this.plot]);
  }

  /** Shows these samples, oldest first; the last one is of now. */
  update(samples: readonly HistorySample[], stepS: number): void {
    const width = (stepS / DAY_S) * WIDTH;
    const fromEnd = (count: number): number => Math.round((WIDTH - count * width) * 100) / 100;
    const { length } = samples;
    this.stepS = stepS;
    this.steps = samples.map((sample, i) => ({ sample, left: fromEnd(length - i), right: fromEnd(length - i - 1) }));
    this.plot.hidden = length === 0;
    const summary = summarizeDay(samples, stepS);
    setContent(this.summary, length === 0 ? _('Nothing is recorded yet: this fills as time passes.') : tell(summary));
    if (length > 0) this.draw(summary);
  }

  /** Says why there is no picture. */
  fail(error: unknown): void {
    const { what, fix } = describeFailure(error);
    this.plot.hidden = true;
    setContent(this.summary, `${what} ${fix}`.trim());
  }

  private draw({ latency, peers }: DaySummary): void {
    const { steps, slider } = this;
    const mostPeers = Math.max(1, peers?.[1] ?? 0);
    const mostMs = Math.max(1, latency?.[1] ?? 0);
    const peersAt = (count: number): number => PEERS_BOTTOM - (count / mostPeers) * (PEERS_BOTTOM - PEERS_TOP);
    const latencyAt = (ms: number): number => LATENCY_BOTTOM - (ms / mostMs) * (LATENCY_BOTTOM - LATENCY_TOP);
    this.most.setAttribute(
      'd',
      stepArea(steps, PEERS_BOTTOM, ({ peers_up_max: most }) => peersAt(most)),
    );
    this.fewest.setAttribute(
      'd',
      stepArea(steps, PEERS_BOTTOM, ({ peers_up_min: fewest }) => peersAt(fewest)),
    );
    this.latency.setAttribute(
      'd',
      stepLine(steps, ({ latency_ms: ms }) => (ms === undefined ? ms : latencyAt(ms))),
    );
    this.outages.setAttribute(
      'd',
      stepArea(
        steps.filter(({ sample }) => isOut(sample)),
        HEIGHT,
        () => 0,
      ),
    );
    this.peersKey.text.textContent = N_(mostPeers, 'peers up (at most %d)', 'peers up (at most %d)').format(mostPeers);
    this.latencyKey.text.textContent = _('latency of the nearest peer (at most %d ms)').format(Math.ceil(mostMs));
    // whoever looks at now goes on looking at now
    const atEnd = Number(slider.value) >= Number(slider.max);
    slider.max = String(steps.length - 1);
    this.point(atEnd ? steps.length - 1 : Number(slider.value));
  }

  private pointAt(x: number): void {
    const found = this.steps.findIndex(({ right }) => x < right);
    if (found >= 0) this.point(found);
  }

  /** Marks one step and tells of it. */
  private point(index: number): void {
    const step = this.steps[index];
    if (!step) return;
    const text = tellStep(step.sample, this.stepS);
    this.slider.value = String(index);
    this.slider.setAttribute('aria-valuetext', text);
    this.cursor.setAttribute('d', `M${(step.left + step.right) / 2} 0V${HEIGHT}`);
    setContent(this.moment, text);
  }
}
