// The list of homes: the gateway searches, filters and sorts; a page at a time is asked for and drawn.

import type { ClientState, ClientView } from '../../../src/api/client-object.ts';
import { actButton } from '../part/act.ts';
import { button } from '../part/button.ts';
import { card } from '../part/card.ts';
import { Table } from '../part/table.ts';
import type { readHomes } from './call.ts';
import { makeChoice } from './choice.ts';
import { homesAsCsv } from './csv.ts';
import type { Done } from './done.ts';
import { type Counts, makeFilter } from './filter.ts';
import { columns, type HomeRow, makeHomeRow } from './home-row.ts';
import { saveFile } from './save.ts';
import { today } from './word.ts';

type Homes = Awaited<ReturnType<typeof readHomes>>;

export interface HomeList {
  root: HTMLElement;
  /** Asks for the page that shows. */
  ask(): Promise<Homes>;
  show(homes: Homes, counts: Counts): void;
  /** Shows only homes of a state. */
  only(state: ClientState): void;
}

export interface HomeListOptions {
  done: Done;
  /** Shows one home. */
  open(address: string): void;
  /** Something else is to be shown. */
  changed(): void;
  /** What to do while there is no home at all. */
  first: HTMLElement;
}

/** Makes it. */
export function makeHomeList({ done, open, changed, first }: HomeListOptions): HomeList {
  let shown: Homes = { total: 0, clients: [] };
  const rows = new Map<string, HomeRow>();
  const filter = makeFilter(changed);
  const choice = makeChoice(done, () => filter.askAll(), draw);
  const page = E('input', {
    type: 'checkbox',
    'aria-label': _('Choose all homes of this page'),
    change: () => choice.set(shown.clients, page.checked),
  });
  const table = new Table(_('Homes'), ['', ...columns()]);
  table.root.querySelector('th')!.replaceChildren(page);
  table.root.classList.add('mb-homes');
  const nothing = E('p', { class: 'mb-row' }, [
    _('No home fits what is searched for.'),
    button(_('Show all'), () => filter.only(undefined)),
  ]);
  const save = actButton(_('Save as CSV'), async () => {
    const chosen = choice.list();
    const homes = chosen.length > 0 ? chosen : await filter.askAll();
    saveFile(`homes-${today()}.csv`, 'text/csv', homesAsCsv(homes));
    return N_(homes.length, '%d home, for a spreadsheet.', '%d homes, for a spreadsheet.').format(homes.length);
  });

  function rowOf({ address }: ClientView): HomeRow {
    let row = rows.get(address);
    if (!row) {
      const choose = (isOn: boolean): void =>
        choice.set(
          shown.clients.filter((home) => home.address === address),
          isOn,
        );
      row = makeHomeRow(() => open(address), choose);
      rows.set(address, row);
    }
    return row;
  }

  function draw(): void {
    const { clients, total } = shown;
    const focused = document.activeElement;
    table.update(
      clients.map((home) => ({ key: home.address, cells: rowOf(home).fill(home, choice.has(home.address)) })),
    );
    for (const address of rows.keys()) if (!clients.some((home) => home.address === address)) rows.delete(address);
    // what is moved loses the focus
    if (focused instanceof HTMLElement && focused !== document.activeElement && table.root.contains(focused))
      focused.focus({ preventScroll: true });
    const chosen = clients.filter(({ address }) => choice.has(address)).length;
    page.checked = chosen > 0 && chosen === clients.length;
    page.indeterminate = chosen > 0 && chosen < clients.length;
    table.root.hidden = total === 0;
    nothing.hidden = total > 0 || !filter.isSet;
    first.hidden = total > 0 || filter.isSet;
    choice.update(total);
  }

  return {
    root: card(_('Homes'), [filter.root, first, nothing, table.root, filter.pages, choice.root], [save]),
    ask: () => filter.ask(),
    only: (state) => filter.only(state),
    show(homes, counts) {
      shown = homes;
      filter.update(homes.total, counts);
      draw();
    },
  };
}
