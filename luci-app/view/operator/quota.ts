// How far a home is with the volume of its month.

import type { ClientView } from '../../../src/api/client-object.ts';
import { bytes } from '../part/format.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { dim } from './dim.ts';

export interface Quota {
  root: HTMLElement;
  update(quota: ClientView['quota']): void;
}

/** Makes a bar with its words; hidden where there is no limit. */
export function makeQuota(): Quota {
  const bar = E('progress', { max: 100, 'aria-hidden': 'true' });
  const words = dim();
  const root = E('span', { class: 'mb-stack mb-quota', hidden: '' }, [bar, words]);
  return {
    root,
    update(quota) {
      root.hidden = quota === undefined;
      if (!quota) return;
      const { bytes: all, used_bytes: used, state, at_quota: atQuota } = quota;
      const health: Record<string, string> = { near: 'weak', over: 'bad' };
      bar.dataset.health = health[state] ?? 'good';
      bar.value = all > 0 ? Math.min(100, (100 * used) / all) : 100;
      setContent(
        words,
        join(
          [
            _('of %s').format(bytes(all)),
            state === 'over' && (atQuota === 'stop' ? _('stopped until next month') : _('slow until next month')),
          ],
          ', ',
        ),
      );
    },
  };
}
