// Bytes of all homes on each of the last days, as a picture; a slider, the mouse and a finger go through its days.

import type { ClientUse } from '../../../src/api/client-object.ts';
import { bytes } from '../part/format.ts';
import { setContent } from '../part/keyed.ts';
import { svg } from '../part/svg.ts';
import { dimLine } from './dim.ts';
import { total, useText } from './word.ts';

const DAYS = 90;
const DAY_MS = 86_400_000;
/** Of the plot, in units of its own: a day is 1 wide. */
const HEIGHT = 30;
const GAP = 0.12;

/** A day by how long ago it was, as the gateway counts them: by UTC. */
function dayText(ago: number, style: 'medium' | 'full' = 'medium'): string {
  return new Date(Date.now() - ago * DAY_MS).toLocaleDateString([], { dateStyle: style, timeZone: 'UTC' });
}

function legend(kind: string, says: string): HTMLElement {
  return E('li', [E('span', { class: `mb-key mb-${kind}` }), says]);
}

export interface Days {
  root: HTMLElement;
  /** The oldest day first, today last. */
  update(days: readonly ClientUse[]): void;
}

/** Makes it. */
export function makeDays(): Days {
  const path = (kind: string): SVGElement => svg('path', { class: `mb-${kind}` });
  const [down, up, mark] = [path('fewest'), path('most'), path('mark')];
  const most = E('span');
  const [first, last] = [E('span'), E('span', [_('today')])];
  const told = dimLine();
  const slider = E('input', {
    type: 'range',
    min: 0,
    max: DAYS - 1,
    value: DAYS - 1,
    'aria-label': _('Day of the last 90 days'),
    input: () => point(Number(slider.value)),
  });
  const picture = svg('svg', { viewBox: `0 0 ${DAYS} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, [
    mark,
    down,
    up,
    svg('path', { class: 'mb-grid', d: `M0 ${HEIGHT}H${DAYS}` }),
  ]);
  const follow = ({ clientX }: MouseEvent): void => {
    const { left, width } = picture.getBoundingClientRect();
    point(Math.floor(((clientX - left) / width) * DAYS));
  };
  picture.addEventListener('pointermove', follow);
  picture.addEventListener('pointerdown', follow);
  const root = E('div', { class: 'mb-day mb-days' }, [
    E('div', { class: 'mb-times' }, [E('span', [_('The last 90 days')]), most]),
    picture,
    E('div', { class: 'mb-times' }, [first, last]),
    slider,
    told,
    E('ul', { class: 'mb-legend' }, [legend('fewest', _('received by homes')), legend('most', _('sent by homes'))]),
  ]);
  let shown: readonly ClientUse[] = [];

  function bars(of: (use: ClientUse) => [from: number, to: number]): string {
    const left = DAYS - shown.length;
    return shown
      .map((use, at) => {
        const [from, to] = of(use);
        const x = left + at;
        return to > from
          ? `M${x + GAP} ${(HEIGHT - from).toFixed(2)}V${(HEIGHT - to).toFixed(2)}H${x + 1 - GAP}V${(HEIGHT - from).toFixed(2)}Z`
          : '';
      })
      .join('');
  }

  /** Marks a day, counted from the left of the picture, and tells of it; before the first one, the first one. */
  function point(at: number): void {
    const place = Math.max(DAYS - shown.length, Math.min(at, DAYS - 1));
    const use = shown[place - DAYS + shown.length];
    if (!use) return;
    const text = `${dayText(DAYS - 1 - place, 'full')}: ${useText(use)}`;
    slider.value = String(place);
    slider.setAttribute('aria-valuetext', text);
    mark.setAttribute('d', `M${place} 0V${HEIGHT}H${place + 1}V0Z`);
    setContent(told, text);
  }

  return {
    root,
    update(days) {
      const atEnd = Number(slider.value) === DAYS - 1;
      shown = days.slice(-DAYS);
      const highest = Math.max(1, ...shown.map(total));
      const heightOf = (count: number): number => (count / highest) * (HEIGHT - 1);
      down.setAttribute(
        'd',
        bars(({ rx_bytes: rx }) => [0, heightOf(rx)]),
      );
      up.setAttribute(
        'd',
        bars((use) => [heightOf(use.rx_bytes), heightOf(total(use))]),
      );
      setContent(most, _('at most %s a day').format(bytes(highest)));
      setContent(first, dayText(DAYS - 1));
      point(atEnd ? DAYS - 1 : Number(slider.value));
    },
  };
}
