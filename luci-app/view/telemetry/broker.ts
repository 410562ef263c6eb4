// One broker on the page: is it reached, what does it get, what was sent last, and a test that says where it fails.

import type { BrokerStatus, BrokerStep, CheckState } from '../../../src/api/model.ts';
import { replaceInvisible } from '../../../src/lib/text.ts';
import { shown } from '../../../src/lib/words.ts';
import { actButton } from '../part/act.ts';
import { badge } from '../part/badge.ts';
import { button } from '../part/button.ts';
import { Facts } from '../part/card.ts';
import { method } from '../part/daemon.ts';
import { ago, bytes, duration } from '../part/format.ts';
import { join } from '../part/join.ts';
import { Keyed, setContent } from '../part/keyed.ts';
import type { Rights } from '../part/rights.ts';
import { say } from '../part/say.ts';
import { editBroker, removeSection } from './option.ts';
import { messageWord, metricChoices, topicChoices, word } from './word.ts';

/** On its own, for it takes up to 20 s. */
const test = method('meshbridge', 'broker_test', ['name'], true);

/** A broker: as it is, where the daemon has it; else as it is set up. */
export interface Broker {
  name: string;
  status: BrokerStatus | undefined;
  /** Where it is, where that is known. */
  url: string;
  /** It is set up to be used. */
  isInUse: boolean;
  /** Telemetry is switched on. */
  isOn: boolean;
  /** It may be changed here. */
  isOurs: boolean;
  rights: Rights;
}

export interface BrokerItem {
  root: HTMLElement;
  fill(broker: Broker): void;
}

type Sent = BrokerStatus['sent'][number];

function stepWord(step: string): string {
  const words: Record<string, string> = {
    dns: _('Name'),
    tcp: _('Connection'),
    tls: _('Encryption'),
    login: _('Login'),
    permission: _('Permission'),
    publish: _('A message'),
  };
  return word(words, shown(step));
}

function stepItem({ step, state, words, values }: BrokerStep): HTMLElement {
  return E('li', [
    E('p', [E('strong', [stepWord(step)]), ' ', badge(state as CheckState)]),
    E('p', [say(words.sentence, values)]),
  ]);
}

function makeMessage(): { root: HTMLElement; head: HTMLElement; text: HTMLElement } {
  const [head, text] = [E('summary'), E('code')];
  return { root: E('li', [E('details', [head, E('p', [text])])]), head, text };
}

function fillMessage({ head, text }: ReturnType<typeof makeMessage>, sent: Sent): void {
  setContent(
    head,
    join(
      [messageWord(shown(sent.topic)), bytes(sent.bytes), ago(sent.age_ms), sent.retain && _('the broker keeps it')],
      ' · ',
    ),
  );
  setContent(
    text,
    join(
      [
        shown(sent.topic),
        sent.bytes === 0
          ? _('Empty: what was said before counts no more.')
          : sent.text === undefined
            ? _('Sent while nobody looked at this page, so what it says was not kept.')
            : replaceInvisible(sent.text, '·'),
      ],
      '\n',
    ),
  );
}

/** What is ticked of choices, in words. */
function chosen(of: readonly string[], choices: readonly (readonly [string, string])[]): string {
  if (choices.every(([value]) => of.includes(value))) return _('everything');
  return join(
    choices.map(([value, title]) => of.includes(value) && title),
    ', ',
  );
}

function factsOf({ status, url, isInUse, isOn }: Broker): [string, string][] {
  const where = (secure: boolean): string => (secure ? _('encrypted by TLS') : _('not encrypted by itself'));
  if (!status)
    return [
      [_('Where'), shown(url)],
      [
        _('State'),
        !isInUse ? _('not in use') : isOn ? _('not in force yet') : _('waits until telemetry is switched on'),
      ],
    ];
  const { endpoint, secure, profile, manage, metrics, send, metered, interval_s: everyS } = status;
  const {
    state,
    since_s: sinceS,
    last_error: error = '',
    alarm = '',
    queued,
    dropped,
    messages,
    received,
    unasked,
  } = status;
  return (
    [
      [_('Where'), join([shown(endpoint.replace(/^tcp:\/\//, '')), where(secure)], ', ')],
      [_('Whose'), profile === 'fleet' ? _('of those who look after many routers') : _('of this home')],
      [_('Since'), join([duration(sinceS), state !== 'up' && shown(error)], ': ')],
      [_('Attention'), shown(alarm)],
      [_('It gets'), join([chosen(metrics, metricChoices()), _('every %s').format(duration(everyS))], ', ')],
      [_('It is told'), join([chosen(send, topicChoices()), metered && _('as little as possible')], '; ')],
      [_('Commands'), manage ? _('taken from it, if a key below signed them') : _('none are taken from it')],
      [
        _('So far'),
        join(
          [
            N_(messages, '%d message sent', '%d messages sent').format(messages),
            bytes(status.bytes),
            received > 0 && _('%d received').format(received),
            unasked > 0 && _('%d that nobody asked for').format(unasked),
          ],
          ', ',
        ),
      ],
      [
        _('Waiting'),
        queued + dropped > 0
          ? join([_('%d until it is back').format(queued), dropped > 0 && _('%d given up').format(dropped)], ', ')
          : '',
      ],
    ] as [string, string][]
  ).filter(([, text]) => text !== '');
}

/** Makes it. */
export function makeBroker(name: string): BrokerItem {
  const state = badge('unknown');
  const facts = new Facts();
  const steps = E('ol', { class: 'mb-list', 'aria-label': _('What the test found') });
  const list = E('ul', { class: 'mb-list mb-sent' });
  const messages = new Keyed(list, makeMessage, fillMessage);
  const summary = E('summary', [_('The last messages')]);
  const last = E('details', [summary, list]);

  async function run(): Promise<string> {
    steps.replaceChildren();
    const { steps: found } = await test({ name });
    steps.replaceChildren(...found.map((step) => stepItem(step)));
    const fault = found.find((step) => step.state === 'bad');
    return fault ? _('It fails here: %s.').format(stepWord(fault.step)) : _('Nothing is wrong with it.');
  }

  const testing = actButton(_('Test'), run, { kind: 'action' });
  const changing = button(_('Change'), () => editBroker(name));
  const removing = actButton(_('Remove'), () => removeSection(name), {
    kind: 'negative',
    confirm: _('Nothing is sent to it any more, and what is set up for it is lost.'),
  });
  const root = E('section', { class: 'mb-card', 'aria-label': name }, [
    E('div', { class: 'mb-head' }, [E('h3', [name]), state]),
    facts.root,
    E('div', { class: 'mb-row' }, [testing, changing, removing]),
    steps,
    last,
  ]);

  function fill(broker: Broker): void {
    const { status, isInUse, isOurs, rights } = broker;
    const [health, text]: [CheckState, string] = !status
      ? ['unused', _('Off')]
      : status.state !== 'up'
        ? ['bad', _('not connected')]
        : status.alarm === undefined
          ? ['good', _('connected')]
          : ['weak', _('Attention')];
    state.dataset.health = health;
    setContent(state, text);
    facts.update(factsOf(broker));
    testing.hidden = !rights.operate || !(status || isInUse);
    for (const one of [changing, removing]) one.hidden = !isOurs || !rights.operator;
    last.hidden = !status?.sent.length;
    // each has a number of its own, by which it is found again
    messages.update(new Map(status?.sent.map((sent, i) => [String(status.messages - i), sent])));
  }
  return { root, fill };
}
