// The box of the adviser for public peers: what it does, which peers it keeps and measured, and how to undo all of it.

import type { Candidate } from '../../../src/api/model.ts';
import { actButton } from '../part/act.ts';
import { card } from '../part/card.ts';
import { method, type Reply } from '../part/daemon.ts';
import { failureText } from '../part/failure.ts';
import { ago, duration } from '../part/format.ts';
import { join } from '../part/join.ts';
import { pageLink } from '../part/link.ts';
import { say } from '../part/say.ts';
import { type Row, Table } from '../part/table.ts';

type Status = Reply<'meshbridge', 'adviser'>;

const readAdviser = method('meshbridge', 'adviser');
const undoAdviser = method('meshbridge', 'adviser_undo');

/** Rows shown; the others are worse. */
const MOST = 8;

function stateOf({ enabled, state, listed, next_s: next, problem }: Status): string {
  const again = next === undefined ? '' : ` ${_('It looks again in %s.').format(duration(next))}`;
  const states: Record<string, string> = {
    off: enabled
      ? _('It rests: all that it did was undone. Switch it off and on to have it begin again.')
      : _('It is off. Once on, it measures public peers from here and keeps at most three good ones.'),
    no_list: join([_('It has no list of public peers. The page Settings takes one.'), problem]),
    measuring: _('It measures the %d public peers of its list.').format(listed),
    trial: _('It tries one out.'),
    waiting: (problem === undefined ? _('It waits.') : _('It waits for the Internet.')) + again,
  };
  return states[state] ?? _('It is content.') + again;
}

function rowOf({
  uri,
  operator,
  region,
  latency_ms: ms,
  measured_ago_s: measured,
  role,
  problem = '',
}: Candidate): Row {
  return {
    key: uri,
    cells: [
      uri,
      region === undefined ? operator : `${operator} (${region})`,
      ms === undefined ? '' : _('%s ms').format(Math.round(ms)),
      measured === undefined ? '' : ago(measured * 1000),
      role === 'kept' ? _('kept') : role === 'trial' ? _('on trial') : say(problem, {}),
    ],
  };
}

/** Those in use come first, then the near ones. */
function worthOf({ role, latency_ms: ms = 1e9 }: Candidate): number {
  return role ? ms - 1e9 : ms;
}

/** The box. */
export interface Advice {
  root: HTMLElement;
  /** Asks and shows; `operate`: the login may have things done. Never rejects. @returns what is known; `undefined`: nothing. */
  refresh(operate: boolean): Promise<Status | undefined>;
}

/** Makes it. @param onUndone its peers are gone. */
export function makeAdvice(onUndone: (told: string) => Promise<void>): Advice {
  const text = E('p', { role: 'status' });
  const table = new Table(_('Public peers'), [_('Public peer'), _('Operator'), _('Latency'), _('Measured'), _('Role')]);
  const undo = actButton(
    _('Undo all of it'),
    async () => {
      await undoAdviser({});
      await onUndone(_('The peers of the adviser are removed.'));
      return '';
    },
    { confirm: _('All peers that the adviser added are removed, and it rests until the daemon restarts.') },
  );
  undo.hidden = table.root.hidden = true;
  const root = card(
    _('Adviser for public peers'),
    [text, table.root, undo],
    [pageLink('admin/mesh/settings', _('Settings'))],
  );

  async function refresh(operate: boolean): Promise<Status | undefined> {
    let status: Status | undefined;
    try {
      status = await readAdviser({});
      text.textContent = stateOf(status);
    } catch (error) {
      text.textContent = failureText(error);
    }
    const candidates = status?.candidates ?? [];
    const best = [...candidates].sort((a, b) => worthOf(a) - worthOf(b)).slice(0, MOST);
    table.root.hidden = best.length === 0;
    table.update(best.map(rowOf));
    undo.hidden = !operate || !candidates.some(({ role }) => role);
    return status;
  }

  return { root, refresh };
}
