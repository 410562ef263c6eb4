// How this router joins a fleet: shows its card, takes the code that an operator made of it, and says what that would do before it is done.

import { CAPS } from '../../../src/api/scope.ts';
import { shown } from '../../../src/lib/words.ts';
import { choiceField } from '../more/field.ts';
import { actButton } from '../part/act.ts';
import { card, Facts } from '../part/card.ts';
import { makeCopyable } from '../part/copy.ts';
import { method, type Reply } from '../part/daemon.ts';
import { openDialog } from '../part/dialog.ts';
import { fingerprint, scopeChoices, scopeWord } from './word.ts';

const readCard = method('meshbridge.helper', 'enroll_card', [], true);
const check = method('meshbridge.helper', 'enroll_check', ['code'], true);
const enroll = method('meshbridge.helper', 'enroll', ['code', 'cap'], true);
const reload = method('meshbridge', 'reload', [], true);

type Proposal = Reply<'meshbridge.helper', 'enroll_check'>;

/** Shows what a code would do, and does it when that is wanted. */
function openProposal(code: string, proposal: Proposal, onDone: () => Promise<void>): void {
  const { site, url, node, keys, cap, expires_at: expiresAt } = proposal;
  const facts = new Facts();
  // never more than is asked for
  const caps = CAPS.slice(0, Math.max(1, (CAPS as readonly string[]).indexOf(cap) + 1));
  const limit = choiceField(_('You permit at most'), caps[caps.length - 1]!, scopeChoices(caps));
  facts.update([
    [_('Its name'), shown(site)],
    [_('Broker'), shown(url)],
    [_('This router is'), shown(node)],
    [_('Counts until'), new Date(expiresAt * 1000).toLocaleDateString()],
  ]);
  const whose = keys.map(({ name, public: key, scope }) =>
    E('li', [
      E('p', [E('strong', [shown(name)]), ' – ', _('may: %s').format(scopeWord(shown(scope)))]),
      E('p', [E('code', [fingerprint(shown(key))])]),
    ]),
  );
  openDialog({
    title: _('Join this neighbourhood?'),
    content: [
      facts.root,
      E('p', [
        _(
          'These keys would be trusted. Have your operator read the digits out to you: only who holds the right ones is your operator.',
        ),
      ]),
      E('ul', { class: 'mb-list' }, whose),
      limit.root,
      E('p', [_('Telemetry is switched on. You can lower the limit, remove keys and switch it off at any time.')]),
    ],
    actions: [
      {
        label: _('Join'),
        kind: 'positive',
        work: async () => {
          await enroll({ code, cap: String(limit.read()) });
          await reload({});
          await onDone();
        },
      },
    ],
  });
}

/** The box for that. @param onJoined what changed is to be shown. */
export function makeEnrolment(onJoined: () => Promise<void>): HTMLElement {
  const ours = E('p');
  const copyable = makeCopyable(_('Copy the card'));
  const code = E('textarea', {
    class: 'cbi-input-text mb-code',
    rows: 4,
    autocapitalize: 'none',
    spellcheck: 'false',
    placeholder: 'mbcode…',
    'aria-label': _('Code of the operator'),
  });
  const told = E('p', { class: 'mb-said', role: 'status' });

  async function show(): Promise<string> {
    const { card: text } = await readCard({});
    ours.replaceChildren(copyable(text));
    return '';
  }

  async function look(): Promise<string> {
    told.textContent = '';
    const text = code.value.trim();
    if (text === '') return _('Paste the code first.');
    const proposal = await check({ code: text });
    openProposal(text, proposal, async () => {
      code.value = '';
      told.textContent = _('This router has joined “%s”.').format(shown(proposal.site));
      await onJoined();
    });
    return '';
  }

  return card(_('Join a neighbourhood'), [
    E('p', [_('An operator who looks after many routers can look after this one as well, as far as you permit.')]),
    E('ol', { class: 'mb-steps' }, [
      E('li', [
        E('p', [_('Send your operator the card of this router, by any chat or mail: it holds no secret.')]),
        E('p', [actButton(_('Show the card'), show)]),
        ours,
      ]),
      E('li', [
        E('p', [_('Paste the code that comes back. You see what it would do before anything is done.')]),
        code,
        E('p', [actButton(_('Look at the code'), look, { kind: 'action' })]),
        told,
      ]),
    ]),
  ]);
}
