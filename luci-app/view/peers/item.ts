// One peering on the page Peers: a line that opens, what is wrong and what to do about it, and the details, drawn as long as it is open.

import { actButton } from '../part/act.ts';
import { type ButtonKind, button } from '../part/button.ts';
import { Facts } from '../part/card.ts';
import { makeCopyable } from '../part/copy.ts';
import { openDialog } from '../part/dialog.ts';
import { ago, bytes, duration, rate } from '../part/format.ts';
import { setContent } from '../part/keyed.ts';
import { labelOf, warningsOf } from './command.ts';
import { type Action, type ActionName, isPinned, knownOptions, type Line, originOf } from './line.ts';

/** Does an action; resolves when it is done and told. */
export type Doer = (action: ActionName, line: Line, priority?: string) => Promise<void>;

/** What stands for one peering. */
export interface Item {
  root: HTMLElement;
  /** @param endsAtMs when its trial ends, by this device's clock. */
  fill(line: Line, endsAtMs: number | undefined): void;
  /** A second has passed. */
  tick(): void;
}

const KINDS: Partial<Record<ActionName, ButtonKind>> = {
  confirm: 'positive',
  retry: 'action',
  dial: 'action',
  keep: 'action',
  remove: 'negative',
  forget: 'negative',
};
/** Before one removes anything, changes options, or breaks a link for a moment. */
const ASKED: readonly ActionName[] = ['remove', 'forget', 'pin', 'priority', 'redial'];

/** Makes it. */
export function makeItem(doer: Doer): Item {
  let line: Line;
  let endsAtMs: number | undefined;
  const badge = E('span', { class: 'mb-badge' });
  const title = E('strong');
  const remote = E('span', { class: 'mb-dim' });
  const state = E('span');
  const numbers = E('span', { class: 'mb-dim' });
  const facts = new Facts();
  const far = E('div', { class: 'mb-row' });
  const why = E('p', { class: 'mb-dim' });
  const what = E('p');
  const left = E('p', { class: 'mb-dim' });
  const near = E('div', { class: 'mb-row' });
  const note = E('div', { class: 'mb-what', hidden: '' }, [what, left, near]);
  const details = E('details', { toggle: () => showDetails() }, [
    E('summary', [badge, E('span', [title, remote]), E('span', [state, numbers])]),
    facts.root,
    why,
    far,
  ]);
  const buttons = new Map<ActionName, HTMLElement>();
  const copies = [_('Copy the address'), _('Copy the key'), _('Copy the mesh address')].map(makeCopyable);

  function ask(name: ActionName): void {
    const label = labelOf(name);
    const { peer } = line;
    const field = E('input', { class: 'cbi-input-text', type: 'number', min: 0, max: 254, value: peer?.priority ?? 0 });
    openDialog({
      title: label,
      content: [
        E('p', [E('strong', [line.title]), ' ', line.remote]),
        ...(name === 'pin' ? [E('p', [E('code', [peer?.key ?? ''])])] : []),
        ...(name === 'priority' ? [E('label', { class: 'mb-field' }, [_('0 to 254; lower is preferred'), field])] : []),
        ...warningsOf(name, line).map((text) => E('p', [text])),
      ],
      actions: [{ label, kind: KINDS[name] ?? 'action', work: () => doer(name, line, field.value) }],
    });
  }

  function buttonOf(name: ActionName): HTMLElement {
    let made = buttons.get(name);
    if (!made) {
      const kind = KINDS[name] ?? 'neutral';
      const work = (): Promise<string> => doer(name, line).then(() => '');
      made = ASKED.includes(name)
        ? button(`${labelOf(name)} …`, () => ask(name), kind)
        : actButton(labelOf(name), work, { kind });
      buttons.set(name, made);
    }
    return made;
  }

  function showActions(place: HTMLElement, actions: readonly Action[]): void {
    const wanted = actions.map(({ name }) => buttonOf(name));
    // a button that is put where it is already would lose the focus
    if (wanted.length !== place.childNodes.length || wanted.some((one, i) => one !== place.childNodes[i]))
      place.replaceChildren(...wanted);
  }

  function factsOf(): [string, Node | string][] {
    const { peer, device } = line;
    const [copyRemote, copyKey, copyAddress] = copies;
    const found: [string, Node | string | undefined | false][] = [
      [_('Address'), copyRemote!(line.remote || '–')],
      [_('Origin'), originOf(line)],
      [_('Device'), device],
      [_('Options'), knownOptions(line).join(' ')],
    ];
    if (peer) {
      const { up, key, address, latency_ms: ms, last_error: error, last_error_ago_ms: errorAgo } = peer;
      const sinceMs = up && peer.uptime_s !== undefined ? peer.uptime_s * 1000 : peer.state_ago_ms;
      const keyName = peer.key_remembered ? _('Last key') : isPinned(line) ? _('Key, pinned') : _('Key');
      found.push(
        [_('Yggdrasil says'), up ? _('up') : _('down')],
        [_('Proven'), provenOf(line)],
        [up ? _('Up since') : _('Down since'), ago(sinceMs)],
        [_('Changes'), peer.changes_per_hour > 0 && _('%d in the last hour').format(peer.changes_per_hour)],
        [keyName, key && copyKey!(key)],
        [_('Mesh address'), address && copyAddress!(address)],
        [_('Latency'), ms !== undefined && latency(ms)],
        [_('Cost'), up && peer.cost !== undefined && String(peer.cost)],
        [_('Priority'), up && peer.priority !== undefined && String(peer.priority)],
        [_('Received'), up && totals(peer.rx_bytes, peer.rx_bytes_per_s)],
        [_('Sent'), up && totals(peer.tx_bytes, peer.tx_bytes_per_s)],
        [_('Last error'), error && (errorAgo === undefined ? error : `${error} (${ago(errorAgo)})`)],
      );
    }
    return found.filter((fact): fact is [string, Node | string] => Boolean(fact[1]));
  }

  function showDetails(): void {
    if (!details.open) return;
    facts.update(factsOf());
    const { inbound, origin } = line.peer ?? {};
    setContent(
      why,
      inbound
        ? _('The other side made this link, and only it can end it: removing it here would stop Yggdrasil.')
        : origin === 'multicast'
          ? _('Multicast would find this neighbour again at once. See Network → Interfaces.')
          : '',
    );
  }

  function tick(): void {
    if (endsAtMs === undefined) return;
    const seconds = Math.max(0, Math.ceil((endsAtMs - Date.now()) / 1000));
    setContent(left, _('Undone in %d s.').format(seconds));
  }

  function fill(next: Line, ends: number | undefined): void {
    line = next;
    endsAtMs = ends;
    const { peer, health } = line;
    badge.dataset.health = health;
    setContent(badge, line.badge);
    setContent(title, line.title);
    setContent(remote, peer?.inbound ? originOf(line) : line.remote);
    setContent(state, line.state);
    setContent(numbers, peer?.up ? numbersOf(line) : '');
    note.hidden = !line.note;
    note.dataset.health = peer?.trial_left_s === undefined ? health : 'unknown';
    setContent(what, line.note ? `${line.note.what} ${line.note.fix}` : '');
    if (ends === undefined) setContent(left, '');
    tick();
    showActions(
      near,
      line.actions.filter((action) => action.near),
    );
    showActions(
      far,
      line.actions.filter((action) => !action.near),
    );
    showDetails();
  }

  return { root: E('li', { class: 'mb-card mb-peer' }, [details, note]), fill, tick };
}

function latency(ms: number): string {
  return _('%s ms').format(ms < 10 ? ms.toFixed(1) : Math.round(ms));
}

function totals(count = 0, perS = 0): string {
  return `${bytes(count)}, ${rate(perS)}`;
}

function numbersOf({ peer }: Line): string {
  const { latency_ms: ms, rx_bytes_per_s: rx = 0, tx_bytes_per_s: tx = 0 } = peer!;
  return `${ms === undefined ? '' : `${latency(ms)} · `}↓ ${rate(rx)} ↑ ${rate(tx)}`;
}

function provenOf({ peer, state }: Line): string {
  const { proven_ago_ms: proven, state: found } = peer!;
  if (found === 'unproven')
    return proven === undefined ? _('nothing arrived') : _('silent for %s').format(duration(proven / 1000));
  return found === 'up' ? state : '';
}
