// The last 24 hours as a picture: how many peers were up, how far away the nearest was, and when nothing went.

import type { HistorySample } from '../../../src/api/model.ts';
import { failureText } from '../part/failure.ts';
import { duration } from '../part/format.ts';
import { join } from '../part/join.ts';
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
  return join([
    watchedS < DAY_S - 600 && _('Watched for %s.').format(duration(watchedS)),
    outages > 0
      ? N_(outages, '%d outage, about %s in all.', '%d outages, about %s in all.').format(outages, duration(outS))
      : peers?.[0] === 0
        ? _('At moments no peer was up, but never for five minutes.')
        : _('At every moment a peer was up.'),
    peers && _('Peers up: %s.').format(range(...peers)),
    latency && _('Nearest peer: %s ms.').format(range(...latency)),
  ]);
}

function tellStep(sample: HistorySample, stepS: number): string {
  const end = new Date(Date.now() - sample.ago_s * 1000);
  const { peers_up_min: fewest, peers_up_max: most, peers_total: total, latency_ms: latency } = sample;
  return join([
    _('%s to %s:').format(clock(new Date(end.getTime() - stepS * 1000)), clock(end)),
    most === 0 ? _('no peer up.') : _('%s of %d peers up.').format(range(fewest, most), total),
    latency !== undefined && _('Nearest peer: %s ms.').format(range(latency, latency)),
  ]);
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

function legendEntry(kind: string, says = ''): { root: HTMLElement; text: HTMLElement } {
  const text = E('span', [says]);
  return { root: E('li', [E('span', { class: `mb-key ${kind}` }), text]), text };
}

/** The picture, its summary, and a slider that goes through its steps. */
export interface Day {
  root: HTMLElement;
  /** Shows these samples, oldest first; the last one is of now. */
  update(samples: readonly HistorySample[], stepS: number): void;
  /** Says why there is no picture. */
  fail(error: unknown): void;
}

/** Makes it. */
export function makeDay(): Day {
  const summary = E('p');
  const path = (kind: string): SVGElement => svg('path', { class: `mb-${kind}` });
  const [outages, most, fewest] = [path('out'), path('most'), path('fewest')];
  const [latency, cursor] = [path('latency'), path('cursor')];
  const peersKey = legendEntry('mb-fewest');
  const latencyKey = legendEntry('mb-latency');
  const slider = E('input', {
    type: 'range',
    'aria-label': _('Moment of the last 24 hours'),
    input: () => point(Number(slider.value)),
  });
  const moment = E('p');
  const grid = [1, 2, 3].map((n) => `M${(WIDTH / 4) * n} 0V${HEIGHT}`).join('');
  const lines = `M0 ${PEERS_BOTTOM}H${WIDTH}M0 ${LATENCY_BOTTOM}H${WIDTH}`;
  const picture = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    [svg('path', { class: 'mb-grid', d: grid + lines }), outages, most, fewest, latency, cursor],
  );
  const follow = (event: MouseEvent): void => {
    const { left, width } = picture.getBoundingClientRect();
    point(Math.floor(((event.clientX - left) / width) * (DAY_S / stepS)));
  };
  picture.addEventListener('pointermove', follow);
  picture.addEventListener('pointerdown', follow);
  const plot = E('div', { class: 'mb-day', hidden: '' }, [
    picture,
    E('div', { class: 'mb-times' }, [E('span', [_('24 h ago')]), E('span', [_('12 h ago')]), E('span', [_('now')])]),
    slider,
    moment,
    E('ul', { class: 'mb-legend' }, [
      peersKey.root,
      legendEntry('mb-most', _('up for a part of five minutes')).root,
      latencyKey.root,
      legendEntry('mb-out', _('no peer up')).root,
    ]),
  ]);
  let steps: readonly Step[] = [];
  let stepS = 1;

  function draw({ latency: ms, peers }: DaySummary): void {
    const mostPeers = Math.max(1, peers?.[1] ?? 0);
    const mostMs = Math.max(1, ms?.[1] ?? 0);
    const peersAt = (count: number): number => PEERS_BOTTOM - (count / mostPeers) * (PEERS_BOTTOM - PEERS_TOP);
    const latencyAt = (at: number): number => LATENCY_BOTTOM - (at / mostMs) * (LATENCY_BOTTOM - LATENCY_TOP);
    const paths: [SVGElement, string][] = [
      [most, stepArea(steps, PEERS_BOTTOM, ({ peers_up_max: count }) => peersAt(count))],
      [fewest, stepArea(steps, PEERS_BOTTOM, ({ peers_up_min: count }) => peersAt(count))],
      [latency, stepLine(steps, ({ latency_ms: at }) => (at === undefined ? at : latencyAt(at)))],
      [
        outages,
        stepArea(
          steps.filter(({ sample }) => isOut(sample)),
          HEIGHT,
          () => 0,
        ),
      ],
    ];
    for (const [drawn, d] of paths) drawn.setAttribute('d', d);
    setContent(peersKey.text, N_(mostPeers, 'peers up (at most %d)', 'peers up (at most %d)').format(mostPeers));
    setContent(latencyKey.text, _('latency of the nearest peer (at most %d ms)').format(Math.ceil(mostMs)));
    // the slider goes as far as the picture, and whoever looks at now goes on looking at now
    const atEnd = slider.max === '' || slider.value === slider.max;
    slider.max = String(DAY_S / stepS - 1);
    point(Number(atEnd ? slider.max : slider.value));
  }

  /** Marks one step, counted from the left of the picture, and tells of it; before the first one, the first one. */
  function point(at: number): void {
    const first = DAY_S / stepS - steps.length;
    const index = Math.max(0, Math.min(at - first, steps.length - 1));
    const step = steps[index];
    if (!step) return;
    const text = tellStep(step.sample, stepS);
    slider.value = String(first + index);
    slider.setAttribute('aria-valuetext', text);
    cursor.setAttribute('d', `M${(step.left + step.right) / 2} 0V${HEIGHT}`);
    setContent(moment, text);
  }

  return {
    root: E('div', [summary, plot]),
    update(samples, step) {
      const width = (step / DAY_S) * WIDTH;
      const fromEnd = (count: number): number => Math.round((WIDTH - count * width) * 100) / 100;
      const { length } = samples;
      stepS = step;
      steps = samples.map((sample, i) => ({ sample, left: fromEnd(length - i), right: fromEnd(length - i - 1) }));
      plot.hidden = length === 0;
      const day = summarizeDay(samples, step);
      setContent(summary, length === 0 ? _('Nothing is recorded yet: this fills as time passes.') : tell(day));
      if (length > 0) draw(day);
    },
    fail(error) {
      plot.hidden = true;
      setContent(summary, failureText(error));
    },
  };
}
