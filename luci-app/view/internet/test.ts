// The test of the way to the Internet, step by step, with its progress.

import type { TestStatus } from '../../../src/api/lease-object.ts';
import type { CheckState } from '../../../src/api/model.ts';
import { told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { badge } from '../part/badge.ts';
import { card } from '../part/card.ts';
import { method } from '../part/daemon.ts';
import { duration } from '../part/format.ts';
import { Keyed, setContent } from '../part/keyed.ts';
import { say } from '../part/say.ts';

const begin = method('meshbridge.lease', 'test');

type Step = TestStatus['steps'][number];

const HEALTH: Record<string, CheckState> = { good: 'good', bad: 'bad', skipped: 'unused' };

function wordOf(state: string): string {
  const words: Record<string, string> = {
    waiting: _('waits'),
    running: _('running'),
    good: _('fine'),
    bad: _('fault'),
    skipped: _('skipped'),
  };
  return words[state] ?? '';
}

function makeStep(): { root: HTMLElement; state: HTMLElement; text: HTMLElement; bar: HTMLProgressElement } {
  const [state, text] = [badge('unknown', ''), E('span')];
  const bar = E('progress', { max: 100, value: 0, 'aria-label': _('Progress') });
  return { root: E('li', [E('p', [state, ' ', text]), bar]), state, text, bar };
}

function fillStep({ state, text, bar }: ReturnType<typeof makeStep>, step: Step): void {
  state.dataset.health = HEALTH[step.state] ?? 'unknown';
  setContent(state, wordOf(step.state));
  setContent(text, say(step.words.sentence, step.values));
  bar.hidden = step.done_percent === undefined;
  bar.value = step.done_percent ?? 0;
}

/** Makes its box. @param changed a test was begun: the page asks anew. */
export function makeTest(changed: () => void): {
  root: HTMLElement;
  allow(operate: boolean): void;
  update(status: TestStatus): void;
} {
  const list = E('ol', { class: 'mb-list' });
  const steps = new Keyed<ReturnType<typeof makeStep>, Step>(list, makeStep, fillStep);
  const [about, result] = [E('p', { class: 'mb-dim' }), E('p', { role: 'status' })];
  const start = actButton(
    _('Test the way now'),
    async () => {
      await begin({});
      changed();
      return '';
    },
    { kind: 'action' },
  );
  start.hidden = true;
  setContent(
    about,
    _('From this router to the gateway and on to the Internet, in less than a minute; it uses up to 32 MB.'),
  );
  return {
    root: card(_('Self-test'), [about, start, result, list]),
    allow(operate) {
      start.hidden = !operate;
    },
    update({ running, gateway, begun_ago_s: agoS = 0, steps: all }) {
      const faults = all.filter(({ state }) => state === 'bad').length;
      setContent(
        result,
        gateway === undefined
          ? ''
          : running
            ? _('The way by %s is being tested.').format(told(gateway))
            : faults === 0
              ? _('Tested %s ago by %s: no fault was found.').format(duration(agoS), told(gateway))
              : N_(faults, 'Tested %s ago by %s: %d fault.', 'Tested %s ago by %s: %d faults.').format(
                  duration(agoS),
                  told(gateway),
                  faults,
                ),
      );
      steps.update(new Map(all.map((step) => [step.id, step])));
    },
  };
}
