// What the signs of the picture mean.

import { svg } from '../part/svg.ts';
import { SIGNS } from './picture.ts';

/** A list of signs and words. */
export function makeLegend(): HTMLElement {
  const signs: [kind: string, health: string, text: string, line?: string][] = [
    ['node self', 'self', _('this router')],
    ['node', 'good', _('neighbour')],
    ['node', 'weak', _('not proven')],
    ['node', 'bad', _('down')],
    ['node root', 'unused', _('root of the tree')],
    ['wire own', 'good', _('by cable or radio'), 'M0 9H28'],
    ['wire own', 'good', _('over the Internet'), 'M0 16Q14 0 28 16'],
    ['wire tree', '', _('link of the tree'), 'M0 9H28'],
    ['way', '', _('way to the root'), 'M5 9H23'],
  ];
  return E(
    'ul',
    { class: 'mb-legend' },
    signs.map(([kind, health, text, d]) => {
      const look = { class: `mb-${kind}`, 'data-health': health, 'stroke-width': 4 };
      const sign = d
        ? svg('path', { ...look, d })
        : svg('g', { ...look, transform: 'translate(14 9)' }, [svg('rect'), svg('text', {}, [SIGNS[health] ?? ''])]);
      return E('li', [svg('svg', { 'aria-hidden': 'true' }, [sign]), text]);
    }),
  );
}
