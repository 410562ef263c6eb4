// The safety check: what is unsafe or broken in the router's configuration, and a button where one click puts it right.

import type { Finding } from '../../../src/api/model.ts';
import { actButton } from '../part/act.ts';
import { button } from '../part/button.ts';
import { card } from '../part/card.ts';
import { method, readFindings } from '../part/daemon.ts';
import { describeFailure } from '../part/failure.ts';
import { say } from '../part/say.ts';

const applyFix = method('meshbridge.helper', 'fix', ['id', 'option'], true);

export interface SafetyCheck {
  root: HTMLElement;
  /** Has the configuration checked and shows what was found. Never rejects. */
  run(): Promise<void>;
  /** Offers to put right what can be. */
  allowFixing(): void;
}

/** Makes it; nothing is asked before `run`. */
export function makeCheck(): SafetyCheck {
  const said = E('p', { role: 'status' });
  const list = E('ul', { 'aria-live': 'polite' });
  const again = button(_('Check again'), () => void run());
  let findings: readonly Finding[] = [];
  let mayFix = false;
  /** The button stays enabled meanwhile: one that is disabled loses the focus. */
  let checking = false;

  function itemOf({ id, level, option, words, values, fixable }: Finding): HTMLElement {
    const does = say(words.does ?? '', values);
    const fix = async (): Promise<string> => {
      await applyFix({ id, option });
      said.textContent = _('Done: %s').format(does);
      again.focus();
      await run();
      return '';
    };
    const word = level === 'error' ? _('Unsafe or broken') : level === 'warning' ? _('Warning') : _('Note');
    return E('li', { class: 'mb-note', 'data-level': level }, [
      E('p', [E('strong', [word, ': ']), say(words.what, values)]),
      E('p', [say(words.why, values)]),
      E('p', [say(words.fix, values)]),
      E('p', { class: 'mb-row' }, [
        E('code', [option]),
        ...(fixable && mayFix ? [actButton(_('Put it right'), fix, { kind: 'action', confirm: does })] : []),
      ]),
    ]);
  }

  function show(): void {
    list.replaceChildren(...findings.map(itemOf));
  }

  async function run(): Promise<void> {
    if (checking) return;
    checking = true;
    let text: string;
    if (findings.length === 0) list.textContent = _('Checking the configuration …');
    try {
      findings = (await readFindings({})).findings as Finding[];
      text = _('Nothing unsafe was found.');
    } catch (error) {
      findings = [];
      text = _('The configuration was not checked: %s').format(describeFailure(error).what);
    }
    checking = false;
    show();
    if (findings.length === 0) list.textContent = text;
  }

  return {
    root: card(_('Safety check'), [list, said, E('p', [again])]),
    run,
    allowFixing() {
      mayFix = true;
      if (findings.length > 0) show();
    },
  };
}
