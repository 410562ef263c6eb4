// What operators did, and what happened by itself: the newest first, each act with a way back where there is one.

import type { AuditEntry } from '../../../src/api/client-object.ts';
import { told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { button } from '../part/button.ts';
import { card } from '../part/card.ts';
import type { Reply } from '../part/daemon.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { readLog, sign, signature } from './call.ts';
import { dimLine } from './dim.ts';
import type { Done } from './done.ts';
import { type Item, type Items, makeItems, row } from './items.ts';
import { linkButton } from './link.ts';
import { saveFile } from './save.ts';
import { deedText, isUndoable, moment, today } from './word.ts';

type Log = Reply<'meshbridge.client', 'audit'>;

const PAGE = 30;
/** What the gateway gives at once at most. */
const MOST = 200;
const MAX_HOMES = 3;

/** An act: one entry, or several where it was done to many homes. */
interface Act {
  /** Number of its first entry. */
  key: string;
  entry: AuditEntry;
  homes: AuditEntry['clients'];
  /** Of its last entry. */
  last: number;
}

/** Entries of one act together, the newest act first. */
function actsOf(entries: readonly AuditEntry[]): Act[] {
  const acts = new Map<string, Act>();
  for (const entry of entries) {
    const key = String(entry.of ?? entry.n);
    const known = acts.get(key);
    if (known) known.homes = [...entry.clients, ...known.homes];
    else acts.set(key, { key, entry, homes: entry.clients, last: entry.n });
  }
  return [...acts.values()];
}

/** Makes what shows one act. @param open shows a home; absent: they are not named. */
function makeItem(done: Done, open: ((address: string) => void) | undefined): Item<Act> {
  let act: Act;
  const what = E('p');
  const about = dimLine();
  const homes = row();
  const back = button(_('Undo'), () => void done.undo([act.last]));
  const root = E('li', { class: 'mb-asks' }, [E('div', [what, about, homes]), E('div', [back])]);
  let shown = '';
  return {
    root,
    fill(next) {
      act = next;
      const { entry, homes: all } = act;
      const { n, at_s: atS, by, did, reason } = entry;
      setContent(
        what,
        join(
          [
            `${told(by)}: ${deedText(did)}`,
            open && all.length > 0 && N_(all.length, '%d home', '%d homes').format(all.length),
          ],
          ', ',
        ),
      );
      setContent(about, join([moment(atS), _('entry %d').format(n), told(reason)], ' · '));
      // where one home shows, nobody expects that others are meant, too
      back.hidden = !isUndoable(did) || (open ? all.length === 0 : all.length !== 1);
      const key = all.map(({ address }) => address).join();
      homes.hidden = !open || all.length === 0;
      if (key === shown || !open) return;
      shown = key;
      const more = all.length - MAX_HOMES;
      homes.replaceChildren(
        ...all.slice(0, MAX_HOMES).map(({ address }) => linkButton(() => open(address), address)),
        ...(more > 0 ? [_('and %d more').format(more)] : []),
      );
    },
  };
}

/** Makes a list of acts. @param open shows a home; absent: they are not named. */
export function makeActList(done: Done, none: string, open?: (address: string) => void): Items<AuditEntry> {
  const { root, update } = makeItems<Act>(
    () => makeItem(done, open),
    ({ key }) => key,
    none,
  );
  return { root, update: (entries) => update(actsOf(entries)) };
}

export interface LogView {
  root: HTMLElement;
  ask(): Promise<Log>;
  show(log: Log): void;
}

/** Makes the log. @param changed more of it is wanted. */
export function makeLog(done: Done, open: (address: string) => void, changed: () => void): LogView {
  let count = PAGE;
  const list = makeActList(done, _('Nothing was done yet.'), open);
  const more = button(_('Show more'), () => {
    count = Math.min(MOST, count + PAGE);
    changed();
  });
  const name = E('input', {
    class: 'cbi-input-text',
    value: signature(),
    maxlength: 64,
    change: () => sign(name.value.trim()),
  });
  const save = actButton(_('Save all of it'), async () => {
    const entries: AuditEntry[] = [];
    let last: Log | undefined;
    for (let got = MOST; got === MOST; got = last.entries.length) {
      const before = entries[entries.length - 1]?.n;
      last = await readLog({ count: MOST, ...(before !== undefined && { before }) });
      entries.push(...last.entries);
    }
    const { head, broken_at } = last!;
    const text = JSON.stringify({ head, ...(broken_at !== undefined && { broken_at }), entries }, undefined, 1);
    saveFile(`log-${today()}.json`, 'application/json', `${text}\n`);
    return N_(entries.length, '%d entry, as JSON.', '%d entries, as JSON.').format(entries.length);
  });
  return {
    root: card(
      _('Log'),
      [
        dimLine(
          _(
            'Each entry bears the hash of the one before it: what is changed or taken out by hand shows at the top of this page.',
          ),
        ),
        E('label', { class: 'mb-field' }, [_('Your name in this log, kept on this device'), name]),
        list.root,
        more,
      ],
      [save],
    ),
    ask: () => readLog({ count }),
    show({ entries }) {
      more.hidden = entries.length < count || count === MOST;
      list.update(entries);
    },
  };
}
