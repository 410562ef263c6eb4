// The page Mesh > Operator, where this machine is a gateway: who waits and who is there, what they use, and what the operator decides on them.

import { told } from './more/text.ts';
import { makeForAll } from './operator/all.ts';
import { readCaptains, readHomes, readInvites, readReports, readSummary } from './operator/call.ts';
import { makeCaptainList } from './operator/captain.ts';
import { makeDone } from './operator/done.ts';
import { makeDrain } from './operator/drain.ts';
import { makeGlance } from './operator/glance.ts';
import { type HomeAnswer, makeHomeCard } from './operator/home-card.ts';
import { makeHomeList } from './operator/home-list.ts';
import { makeInviteList } from './operator/invite.ts';
import { makeLog } from './operator/log.ts';
import { FIRST, makeQueue } from './operator/queue.ts';
import { makeReports } from './operator/report.ts';
import { Tabs } from './operator/tabs.ts';
import { makeWho } from './operator/who.ts';
import { card } from './part/card.ts';
import { makeCopyable } from './part/copy.ts';
import { method, type Reply, readStatus } from './part/daemon.ts';
import { setContent } from './part/keyed.ts';
import { Page, pageView } from './part/page.ts';
import { Refusal } from './part/refusal.ts';

const POLL_S = 5;
const MOST_REPORTS = 200;
const MAX_STATEMENT = 4000;
const ADDRESS = /^[0-9a-f:]{3,39}$/;

const readSelf = method('yggdrasil', 'self');

type Summary = Reply<'meshbridge.client', 'summary'>;
type Homes = Reply<'meshbridge.client', 'list'>;

interface Answer {
  /** Absent: this machine is no gateway. */
  summary?: Summary;
  waiting?: Homes;
  /** What belongs to the part that shows. */
  homes?: Homes;
  home?: HomeAnswer;
  invites?: Reply<'meshbridge.client', 'invites'>;
  captains?: Reply<'meshbridge.client', 'captains'>;
  reports?: Reply<'meshbridge.client', 'reports'>;
  log?: Reply<'meshbridge.client', 'audit'>;
}

/** The object is not on the bus. */
function isAbsent(error: unknown): boolean {
  return /error -32000|ubus code 4/.test(String(error));
}

/** Whether it is the gateway alone that is not there: the daemon runs, and knows of none. */
async function isNoGateway(error: unknown): Promise<boolean> {
  if (error instanceof Refusal || !isAbsent(error)) return false;
  return (await readStatus({})).version !== '';
}

function start(): HTMLElement {
  let place = { tab: 'homes', home: '' };
  const refresh = (): void => void page.refresh();
  const done = makeDone(refresh);
  const open = (address: string): void => tabs.go('homes', address);
  const toList = (): void => tabs.go('homes');
  const drain = makeDrain(done);
  const glance = makeGlance();
  const ownKey = E('p');
  const first = E('div', [
    E('p', [E('strong', [_('No home has come yet.')])]),
    E('p', [
      _(
        'Tell people the key of this gateway: at home they enter it under Mesh → Internet. Or make an invite, so that they need not wait.',
      ),
    ]),
    ownKey,
  ]);
  const list = makeHomeList({ done, open, changed: refresh, first });
  const home = makeHomeCard(done, toList);
  const queue = makeQueue(done, open, () => {
    list.only('waiting');
    toList();
  });
  const invites = makeInviteList(done);
  const captains = makeCaptainList(done);
  const reports = makeReports(done, open);
  const log = makeLog(done, open, refresh);
  const [gatewayKey, terms, statement, kept] = [E('p'), E('p'), E('p'), E('p', { class: 'mb-dim' })];
  const gateway = [
    card(_('Before it is stopped'), [drain.begin]),
    card(_('All homes at once'), [makeForAll(done)]),
    card(_('What homes are told of what is kept'), [statement, kept]),
    card(_('This gateway'), [
      gatewayKey,
      terms,
      E('p', [
        _(
          'Who gets in, how much each home may use and what is said of logging stands in the configuration of the daemon, section “registrar”.',
        ),
      ]),
    ]),
  ];
  const all = E('div', [queue.root, glance.root, list.root]);
  const tabs = new Tabs(
    _('Parts of this page'),
    [
      { id: 'homes', title: _('Homes'), content: [all, home.root] },
      { id: 'invites', title: _('Invites'), content: [invites.root] },
      {
        id: 'people',
        title: _('Reports'),
        content: [card(_('Reports'), [reports.root]), captains.root, makeWho(open)],
      },
      { id: 'log', title: _('Log'), content: [log.root] },
      { id: 'gateway', title: _('Gateway'), content: gateway },
    ],
    (tab, rest) => {
      place = { tab, home: tab === 'homes' && ADDRESS.test(rest) ? rest : '' };
      all.hidden = place.home !== '';
      home.begin(place.home);
      refresh();
    },
  );
  const none = E('div', { hidden: '' }, [
    card(_('To become one'), [
      E('ol', { class: 'mb-steps' }, [
        E('li', [_('Read the contract of your line, and think of who answers for what goes out.')]),
        E('li', [
          _('In the configuration of the daemon, section “registrar”, set “enabled” to 1 and say who runs it.'),
        ]),
        E('li', [_('Restart the daemon. This page then shows who comes.')]),
      ]),
    ]),
  ]);
  const some = E('div', [drain.running, tabs.root]);

  async function ask(): Promise<Answer> {
    const { tab, home: address } = place;
    try {
      const [summary, waiting, more] = await Promise.all([
        readSummary({}),
        readHomes({ state: 'waiting', count: FIRST }),
        askPart(tab, address),
      ]);
      return { summary, waiting, ...more };
    } catch (error) {
      if (await isNoGateway(error)) return {};
      throw error;
    }
  }

  /** What the part that shows is about. */
  async function askPart(tab: string, address: string): Promise<Partial<Answer>> {
    if (tab === 'homes') return address === '' ? { homes: await list.ask() } : { home: await home.ask() };
    if (tab === 'invites') return { invites: await readInvites({}) };
    if (tab === 'people') {
      const [all, captain] = await Promise.all([readReports({ count: MOST_REPORTS }), readCaptains({})]);
      return { reports: all, captains: captain };
    }
    if (tab === 'log') return { log: await log.ask() };
    return {};
  }

  function show({ summary, waiting, ...part }: Answer): void {
    none.hidden = summary !== undefined;
    some.hidden = summary === undefined;
    if (!summary) {
      page.tell(
        'unknown',
        _('This machine is no gateway.'),
        _('A gateway lets homes of the mesh out to the Internet by its own line.'),
      );
      return;
    }
    tell(summary);
    tabs.count('homes', summary.waiting);
    tabs.count('people', summary.reports_open);
    showTerms(summary);
    drain.update(summary.drain);
    queue.update(waiting?.clients ?? [], summary.waiting);
    glance.update(summary);
    if (part.homes) list.show(part.homes, summary);
    if (part.home) home.show(part.home);
    if (part.invites) invites.update(part.invites.invites);
    if (part.reports) reports.update(part.reports.reports);
    if (part.captains) captains.update(part.captains.captains);
    if (part.log) log.show(part.log);
  }

  function showTerms({ admission, logging, keep_days: days }: Summary): void {
    const admissions: Record<string, string> = {
      open: _('Whoever asks gets in.'),
      ask: _('Whoever asks waits for you; invites and captains let in at once.'),
      closed: _('Nobody new gets in.'),
    };
    setContent(terms, admissions[admission] ?? '');
    setContent(statement, told(logging, MAX_STATEMENT));
    setContent(
      kept,
      days > 0
        ? N_(days, 'It is kept for %d day, then deleted.', 'It is kept for %d days, then deleted.').format(days)
        : _('Nothing of that is kept.'),
    );
  }

  function tell({
    online,
    drain: stops,
    waiting,
    active,
    max_clients: most,
    broken_at: brokenAt,
    reports_open: open,
  }: Summary): void {
    if (brokenAt !== undefined)
      page.tell(
        'bad',
        _(
          'The log of what was decided does not fit together from entry %d on: something was changed or lost there.',
        ).format(brokenAt),
        _('Save all of it under Log, compare it with the system log, and find out who can write on this machine.'),
      );
    else if (!online)
      page.tell(
        'bad',
        _('This gateway does not reach the Internet.'),
        _('Homes know it, and move where they can. Look after its own line.'),
      );
    else if (stops) page.tell('weak', _('Homes are told that this gateway stops.'));
    else if (waiting > 0)
      page.tell(
        'weak',
        N_(waiting, '%d home waits for you.', '%d homes wait for you.').format(waiting),
        _('Let in or turn away, under Homes.'),
      );
    else if (open > 0)
      page.tell(
        'weak',
        N_(open, '%d report waits for your decision.', '%d reports wait for your decision.').format(open),
        _('They are under Reports.'),
      );
    else if (active >= most)
      page.tell(
        'weak',
        _('This gateway is full: it takes no more homes.'),
        _('“max_clients” in its configuration says how many it takes.'),
      );
    else page.tell('good', _('This gateway serves, and nobody waits.'));
  }

  async function showKey(): Promise<void> {
    try {
      const { key } = await readSelf({});
      for (const at of [ownKey, gatewayKey])
        at.replaceChildren(_('Its key: %s').format(''), makeCopyable(_('Copy the key'))(key));
    } catch {
      // then it stands on the page Overview
    }
  }

  const page = new Page<Answer>({
    title: _('Operator'),
    ask,
    show,
    seconds: POLL_S,
    loading: _('Asking the gateway …'),
  });
  page.body.append(none, some, done.root);
  tabs.read();
  void showKey();
  return page.start();
}

export default pageView(start);
