// One home: what it told, how it is, what it used, what can be done, and what was done.

import type { AuditEntry, ClientView } from '../../../src/api/client-object.ts';
import { told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { badge } from '../part/badge.ts';
import { button } from '../part/button.ts';
import { card, Facts } from '../part/card.ts';
import { makeCopyable } from '../part/copy.ts';
import type { Reply } from '../part/daemon.ts';
import { duration } from '../part/format.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { eraseHome, readHomes, readLog, readReports } from './call.ts';
import { askDeed } from './deed.ts';
import type { Done } from './done.ts';
import { limitsText } from './limit.ts';
import { makeActList } from './log.ts';
import { makeQuota } from './quota.ts';
import { makeReports } from './report.ts';
import { DEEDS, type Deed, kindOf, labelOf, moment, nameOf, stateOf, useText } from './word.ts';

const HISTORY = 20;
const MOST_REPORTS = 200;

/** What is known of a home. */
export interface HomeAnswer {
  address: string;
  /** Absent: it is not there any more. */
  home?: ClientView;
  entries: readonly AuditEntry[];
  reports: Reply<'meshbridge.client', 'reports'>['reports'];
}

export interface HomeCard {
  root: HTMLElement;
  /** Another home is to be shown, or none: what stands there is not of that one. */
  begin(address: string): void;
  /** Asks for that home. */
  ask(): Promise<HomeAnswer>;
  show(answer: HomeAnswer): void;
}

/** Deeds that make sense in a state. */
function deedsOf({ state, standing }: ClientView): Deed[] {
  const deeds: Record<string, Deed[]> = {
    waiting: ['admit', 'refuse'],
    active: ['limit', 'suspend', 'refuse'],
    suspended: ['admit', 'limit', 'refuse'],
    refused: ['admit'],
    away: ['limit', 'suspend', 'refuse'],
  };
  return [...(deeds[state] ?? []), ...(standing === undefined ? [] : (['forget'] as const))];
}

/** Makes it. @param back to the list. */
export function makeHomeCard(done: Done, back: () => void): HomeCard {
  let home: ClientView | undefined;
  const title = E('h3', { tabindex: -1 });
  const state = badge('unknown', '');
  const why = E('p');
  const [facts, use] = [new Facts(), new Facts()];
  const gone = E('p', { hidden: '' }, [
    _('This home is not known here any more: it did not ask again, and nothing is decided on it.'),
  ]);
  const acts = DEEDS.map((deed) => ({
    deed,
    made: button(`${labelOf(deed)} …`, () => home && askDeed(deed, [home], done), kindOf(deed)),
  }));
  const quota = makeQuota();
  const reports = makeReports(done);
  const reportCard = card(_('Reports'), [reports.root]);
  const erase = actButton(
    _('Delete what is personal'),
    async () => {
      if (home) await eraseHome(home.address);
      done.tell(_('Deleted: what it told, its use, when it had which address, and reports on it.'));
      return '';
    },
    {
      kind: 'negative',
      confirm: _(
        'What it told, its use, when it had which address, and reports on it are deleted now, and cannot be had back. What was decided stays.',
      ),
    },
  );
  const copies = new Map<string, (text: string) => HTMLElement>();
  const history = makeActList(done, _('Nothing was decided on it yet.'));
  const body = E('div', [
    why,
    E(
      'p',
      { class: 'mb-row' },
      acts.map(({ made }) => made),
    ),
    E('div', { class: 'mb-cards' }, [card(_('What is known'), [facts.root]), card(_('Use'), [use.root])]),
    reportCard,
    card(_('What was done'), [history.root]),
    E('p', [erase]),
  ]);
  const root = E('div', { hidden: '' }, [
    E('p', [button(`← ${_('All homes')}`, back)]),
    E('div', { class: 'mb-head mb-who' }, [title, state]),
    gone,
    body,
  ]);
  let wanted = '';

  /** A stranger's text with a button that copies it. */
  function copyable(name: string, text: string | undefined): HTMLElement | undefined {
    if (!text) return undefined;
    const copy = copies.get(name) ?? makeCopyable(_('Copy: %s').format(name));
    copies.set(name, copy);
    return copy(told(text));
  }

  function fill(next: ClientView): void {
    const [health, word] = stateOf(next.state);
    state.dataset.health = health;
    setContent(state, word);
    const { reason, until_s: untilS, configured, place, since_s: sinceS, left_s: leftS } = next;
    setContent(
      why,
      join([
        place !== undefined && _('It is number %d of those that wait.').format(place),
        reason && _('It reads: %s').format(told(reason)),
        untilS !== undefined && _('That is over on %s.').format(moment(untilS)),
        configured && _('The configuration decides on it, so only its file can change that.'),
      ]),
    );
    const deeds = deedsOf(next);
    for (const { deed, made } of acts) made.hidden = !deeds.includes(deed);
    const copied: [string, string | undefined][] = [
      [_('E-mail'), next.email],
      [_('Phone'), next.phone],
      [_('Address'), next.address],
      [_('Key'), next.key],
      [_('Captain'), next.captain_key],
      [_('Vouched for by'), next.vouched_by],
    ];
    const rows: [string, Node | string | undefined | false][] = [
      [_('Name'), told(next.name)],
      [_('Site'), told(next.site)],
      ...copied.map(([name, text]) => [name, copyable(name, text)] as [string, Node | undefined]),
      [_('Here since'), sinceS !== undefined && moment(sinceS)],
      [_('Lease'), leftS !== undefined && _('renewed by itself; %s are left').format(duration(leftS))],
      [_('Tunnel'), join([told(next.kind), told(next.home4), told(next.home6)], ', ')],
    ];
    facts.update(rows.filter((row): row is [string, Node | string] => Boolean(row[1])));
    quota.update(next.quota);
    const used: [string, Node | string | undefined | false][] = [
      [_('Today'), useText(next.today)],
      [_('This month'), useText(next.month)],
      [_('Elsewhere'), next.elsewhere && useText(next.elsewhere)],
      [_('Volume'), next.quota && quota.root],
      [_('Own limits'), limitsText(next.limits)],
      [_('Its ports'), next.ports && _('%d to %d').format(next.ports.first, next.ports.last)],
    ];
    use.update(used.filter((row): row is [string, Node | string] => Boolean(row[1])));
  }

  return {
    root,
    begin(address) {
      root.hidden = address === '';
      if (wanted === address) return;
      wanted = address;
      home = undefined;
      for (const part of [state, gone, body]) part.hidden = true;
      setContent(title, address);
      title.focus();
    },
    async ask() {
      const address = wanted;
      const [{ clients }, { entries }, { reports: all }] = await Promise.all([
        readHomes({ search: address, count: 5 }),
        readLog({ address, count: HISTORY }),
        readReports({ count: MOST_REPORTS }),
      ]);
      const found = clients.find((one) => one.address === address);
      const on = all.filter((one) => one.address === address);
      return { address, ...(found && { home: found }), entries, reports: on };
    },
    show(answer) {
      // somebody went on meanwhile
      if (answer.address !== wanted) return;
      home = answer.home;
      setContent(title, home ? nameOf(home) : wanted);
      gone.hidden = home !== undefined;
      state.hidden = body.hidden = home === undefined;
      if (home) fill(home);
      history.update(answer.entries);
      reportCard.hidden = answer.reports.length === 0;
      reports.update(answer.reports);
    },
  };
}
