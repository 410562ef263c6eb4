// Which homes are wanted in the list, and in which order: what is searched for, a state, a page.

import type { ClientState } from '../../../src/api/client-object.ts';
import { button } from '../part/button.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { readHomes } from './call.ts';
import { row } from './items.ts';
import { stateOf } from './word.ts';

type Question = Parameters<typeof readHomes>[0];
type Homes = Awaited<ReturnType<typeof readHomes>>;
/** How many homes are in each state. */
export type Counts = Readonly<Record<ClientState, number>>;

export const PAGE = 50;
/** What the gateway gives at once at most. */
const MOST = 200;
/** From the last letter to the question. */
const TYPING_MS = 300;
const STATES = ['waiting', 'active', 'suspended', 'refused', 'away'] as const satisfies readonly ClientState[];

export interface Filter {
  /** Search, states and order. */
  root: HTMLElement;
  /** Where one is, and on to the next page. */
  pages: HTMLElement;
  /** Whether some homes may be left out. */
  readonly isSet: boolean;
  /** Asks for the page that is wanted. */
  ask(): Promise<Homes>;
  /** All homes that are wanted, whatever page they are on. */
  askAll(): Promise<Homes['clients']>;
  /** Only homes of this state, or all. */
  only(state: ClientState | undefined): void;
  /** Shows how many there are; goes back where the page is past the end. */
  update(total: number, counts: Counts): void;
}

/** Makes it. @param changed others are wanted. */
export function makeFilter(changed: () => void): Filter {
  let wanted: Question = {};
  let skip = 0;
  let typing: number | undefined;

  const search = E('input', {
    class: 'cbi-input-text',
    type: 'search',
    'aria-label': _('Search for homes'),
    placeholder: _('Name, site, address, key …'),
    input: () => {
      clearTimeout(typing);
      typing = window.setTimeout(() => want({ search: search.value.trim() }), TYPING_MS);
    },
  });
  const orders: [string, string][] = [
    ['', _('Those who wait first')],
    ['month', _('Most used this month')],
    ['today', _('Most used today')],
    ['name', _('By name')],
    ['since', _('Newest first')],
  ];
  const sort = E(
    'select',
    { class: 'cbi-input-select', 'aria-label': _('Order'), change: () => want({ sort: sort.value }) },
    orders.map(([value, title]) => E('option', { value }, [title])),
  );
  const chips = [undefined, ...STATES].map((state) => {
    const chip = E('button', { type: 'button', class: 'mb-chip', click: () => only(state) });
    return { state, chip };
  });
  const place = E('span', { role: 'status' });
  const before = button(_('Previous'), () => turn(-PAGE));
  const after = button(_('Next'), () => turn(PAGE));
  const pages = E('nav', { class: 'mb-row mb-pages', 'aria-label': _('Pages of the list') }, [before, place, after]);

  function question(): Question {
    return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== '' && value !== undefined));
  }

  function want(more: Question): void {
    wanted = { ...wanted, ...more };
    skip = 0;
    changed();
  }

  function turn(by: number): void {
    skip = Math.max(0, skip + by);
    changed();
  }

  function only(state: ClientState | undefined): void {
    // a home of another state would be found by nothing
    search.value = '';
    want({ search: '', state: state ?? '' });
  }

  return {
    root: E('div', { class: 'mb-filter' }, [
      row(search, sort),
      E(
        'div',
        { class: 'mb-row', role: 'group', 'aria-label': _('Only homes of one state') },
        chips.map(({ chip }) => chip),
      ),
    ]),
    pages,
    get isSet() {
      return Boolean(wanted.search || wanted.state);
    },
    ask: () => readHomes({ ...question(), skip, count: PAGE }),
    async askAll() {
      const found: Homes['clients'] = [];
      for (let got = MOST; got === MOST; ) {
        const { clients } = await readHomes({ ...question(), skip: found.length, count: MOST });
        found.push(...clients);
        got = clients.length;
      }
      return found;
    },
    only,
    update(total, counts) {
      const all = STATES.reduce((sum, state) => sum + counts[state], 0);
      for (const { state, chip } of chips) {
        chip.setAttribute('aria-pressed', String((wanted.state ?? '') === (state ?? '')));
        setContent(chip, join([state ? stateOf(state)[1] : _('all'), String(state ? counts[state] : all)]));
      }
      if (skip >= total && skip > 0) turn(Math.floor(Math.max(0, total - 1) / PAGE) * PAGE - skip);
      before.disabled = skip === 0;
      after.disabled = skip + PAGE >= total;
      pages.hidden = total <= PAGE;
      setContent(place, _('%d to %d of %d').format(skip + 1, Math.min(skip + PAGE, total), total));
    },
  };
}
