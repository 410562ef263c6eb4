// The page Mesh > Telemetry: what leaves this house and to whom, who may order something here, and how a router joins a fleet.

import type { BrokerStatus, CommandList } from '../../src/api/model.ts';
import { shown } from '../../src/lib/words.ts';
import { actButton } from './part/act.ts';
import { button } from './part/button.ts';
import { card, Facts } from './part/card.ts';
import { makeCopyable } from './part/copy.ts';
import { method, type Reply } from './part/daemon.ts';
import { Keyed } from './part/keyed.ts';
import { Page, pageView } from './part/page.ts';
import { type Rights, readRights } from './part/rights.ts';
import { type Broker, makeBroker } from './telemetry/broker.ts';
import { makeCommands } from './telemetry/command.ts';
import { makeEnrolment } from './telemetry/enrol.ts';
import {
  editBroker,
  isInUse,
  loadOptions,
  MAX_BROKERS,
  sectionsOf,
  switchOff,
  switchOn,
  unknownOptions,
} from './telemetry/option.ts';
import { fingerprint, word } from './telemetry/word.ts';

const POLL_S = 5;

type Answer = Reply<'meshbridge', 'telemetry'>;

const read = method('meshbridge', 'telemetry', ['look']);
const sendNow = method('meshbridge', 'telemetry_send');

function brokersOf({ brokers, enabled: isOn }: Answer, rights: Rights): Broker[] {
  const sections = sectionsOf('mqtt');
  const found = new Map<string, Broker>();
  for (const section of sections ?? [])
    found.set(section['.name'], {
      name: section['.name'],
      status: undefined,
      url: String(section.url ?? ''),
      isInUse: isInUse(section),
      isOn,
      isOurs: true,
      rights,
    });
  for (const status of brokers as BrokerStatus[]) {
    const known = found.get(status.name);
    found.set(status.name, {
      name: status.name,
      url: status.endpoint,
      isInUse: true,
      isOn,
      isOurs: known !== undefined,
      rights,
      status,
    });
  }
  return [...found.values()];
}

function start(): HTMLElement {
  let rights: Rights = { operate: false, operator: false };
  let answer: Answer | undefined;
  const list = E('div', { class: 'mb-cards' });
  const brokers = new Keyed(list, makeBroker, (item, broker: Broker) => item.fill(broker));
  const none = E('p', [_('No broker is set up.')]);
  const commands = makeCommands();
  const self = new Facts();
  const [id, digits] = [makeCopyable(_('Copy the id')), makeCopyable(_('Copy the key'))];
  const selfCard = card(_('This router at its brokers'), [self.root]);
  const problem = E('p', { class: 'mb-dim' });
  const adding = button(_('Add a broker'), () => editBroker());
  const on = button(_('Switch on'), switchOn, 'positive');
  const off = actButton(_('Switch off'), switchOff, {
    kind: 'negative',
    confirm: _('Nothing is told and nothing is taken any more. What is set up stays.'),
  });
  const sending = actButton(_('Measure and send now'), async () => {
    await sendNow({});
    return _('It shows below in some seconds.');
  });
  const enrolment = makeEnrolment(async () => {
    await Promise.all([readOptions(), page.refresh()]);
    if (answer) draw(answer);
  });
  for (const one of [adding, on, off, sending, enrolment]) one.hidden = true;

  const page = new Page<Answer>({
    title: _('Telemetry'),
    ask: () => read({ look: true }),
    show: (next) => {
      draw(next);
      answer = next;
    },
    seconds: POLL_S,
  });
  page.body.append(
    E('div', { class: 'mb-row mb-switch' }, [on, off, sending]),
    E('div', { class: 'mb-head' }, [E('h3', [_('What leaves this house')]), adding]),
    none,
    list,
    commands.root,
    E('div', { class: 'mb-cards' }, [enrolment, selfCard]),
    problem,
  );

  async function readOptions(): Promise<void> {
    try {
      await loadOptions();
    } catch (error) {
      problem.textContent = unknownOptions(error);
    }
  }

  async function prepare(): Promise<void> {
    rights = await readRights();
    if (rights.operator) {
      await readOptions();
      if (sectionsOf('key')) commands.allowChanging();
    } else
      problem.textContent = _(
        'You may look, but change nothing here: that takes a login with the right “luci-app-meshbridge-operator”.',
      );
    if (answer) draw(answer);
  }

  function tell(
    { enabled, problem: why, config_errors: errors = [], management }: Answer,
    all: readonly Broker[],
  ): void {
    if (errors.length > 0)
      page.tell(
        'weak',
        _('The options have mistakes; the last good ones stay in force. Correct them below.'),
        shown(errors.join(' · '), 500),
      );
    else if (!enabled)
      page.tell(
        'good',
        _('Telemetry is off: nothing leaves this house, and nobody can order anything.'),
        _(
          'To have this router looked after, join a neighbourhood below. For a broker of your own, add it and switch on.',
        ),
      );
    else if (why !== undefined)
      page.tell(
        'bad',
        _('Telemetry is on, but does not work: %s').format(shown(why)),
        _('Restart “meshbridge” under System → Startup.'),
      );
    else
      tellBrokers(
        all.filter(({ status }) => status),
        management as CommandList,
      );
  }

  function tellBrokers(all: readonly Broker[], management: CommandList): void {
    const names = (some: readonly Broker[]): string => some.map(({ name }) => shown(name)).join(', ');
    const away = all.filter(({ status }) => status!.state !== 'up');
    const ill = all.filter(({ status }) => status!.alarm !== undefined);
    if (all.length === 0)
      page.tell(
        'weak',
        _('Telemetry is on, but no broker is in use: nothing leaves this house.'),
        _('Add one, or switch telemetry off.'),
      );
    else if (away.length > 0)
      page.tell(
        'bad',
        _('This router does not reach: %s.').format(names(away)),
        _('“Test” says at which step it fails. What is measured meanwhile is kept and sent later.'),
      );
    else if (ill.length > 0)
      page.tell('weak', _('This broker needs you: %s.').format(names(ill)), _('“Test” says what is wrong.'));
    else page.tell('good', _('This router reports to: %s.').format(names(all)), whoMay(management));
  }

  function whoMay({ cap, keys }: CommandList): string {
    return cap === 'none' || keys.length === 0
      ? _('Nobody can order anything here.')
      : N_(keys.length, '%d key may order something here.', '%d keys may order something here.').format(keys.length);
  }

  function draw(next: Answer): void {
    const { enabled, management, node, key, site = '', clock = '' } = next;
    const all = brokersOf(next, rights);
    tell(next, all);
    none.hidden = all.length > 0;
    brokers.update(new Map(all.map((broker) => [broker.name, broker])));
    commands.update(management as CommandList, enabled);
    const mayChange = rights.operator && sectionsOf('mqtt') !== undefined;
    on.hidden = enabled || !mayChange || !all.some((broker) => broker.isInUse);
    off.hidden = !enabled || !mayChange;
    adding.hidden = !mayChange || all.filter((broker) => broker.isInUse).length >= MAX_BROKERS;
    sending.hidden = !rights.operate || !all.some(({ status }) => status?.state === 'up');
    // the daemon must be told that there is something new
    enrolment.hidden = !rights.operate || !rights.operator;
    selfCard.hidden = node === undefined;
    if (node !== undefined)
      self.update([
        [_('Known as'), id(shown(node))],
        [_('Key begins with'), digits(fingerprint(shown(key ?? '')))],
        [_('Part of'), shown(site)],
        [_('Clock'), clockWord(clock)],
      ]);
  }

  void prepare();
  return page.start();
}

/** How far the times in messages can be believed. */
function clockWord(clock: string): string {
  const words: Record<string, string> = {
    ntp: _('right, set over the network'),
    rtc: _('kept by a battery'),
    file: _('about right: not older than the newest file here'),
    none: _('not set: messages are dated later'),
  };
  return word(words, shown(clock));
}

export default pageView(start);
