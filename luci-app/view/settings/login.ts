// The login for the household: is there one, make it, change it, remove it. The password is hashed here.

import { actButton } from '../part/act.ts';
import { button } from '../part/button.ts';
import { card } from '../part/card.ts';
import { method } from '../part/daemon.ts';
import { openDialog } from '../part/dialog.ts';
import { describeFailure } from '../part/failure.ts';
import { hashPassword } from './crypt.ts';

const readLogin = method('meshbridge.helper', 'member_read');
const setLogin = method('meshbridge.helper', 'member_set', ['username', 'hash']);
const removeLogin = method('meshbridge.helper', 'member_remove');

/** So many different characters make a password fair, and good. */
const FAIR = 8;
const GOOD = 11;

export interface Login {
  /** Hidden until `start`. */
  root: HTMLElement;
  /** Asks whether there is one, and offers what can be done. Never rejects. */
  start(): Promise<void>;
}

/** Asks for name and password; the browser says which field does not do. */
function openLogin(title: string, known: string, onSet: () => Promise<void>): void {
  const strength = E('p', { class: 'mb-said', role: 'status' });
  const input = (attributes: Record<string, string>): HTMLInputElement =>
    E('input', { class: 'cbi-input-text', ...attributes });
  const labelled = (text: string, field: Node): Node => E('label', { class: 'mb-field' }, [text, field]);
  const secret = { type: 'password', autocomplete: 'new-password' };
  const name = input({ value: known, autocapitalize: 'none', pattern: '[a-z0-9_\\-]{1,32}', required: '' });
  const password = input({ ...secret, pattern: '.{8,64}', required: '' });
  const again = input(secret);
  password.oninput = () => {
    const { size } = new Set(password.value);
    strength.dataset.health = size < FAIR ? 'bad' : 'good';
    strength.textContent = size < FAIR ? _('Easy to guess.') : size < GOOD ? _('Fair.') : _('Hard to guess.');
  };

  async function send(): Promise<boolean> {
    again.setCustomValidity(again.value === password.value ? '' : _('This is not the same.'));
    if (![name, password, again].every((one) => one.reportValidity())) return false;
    await setLogin({ username: name.value, hash: hashPassword(password.value) });
    await onSet();
    return true;
  }

  openDialog({
    title,
    content: [
      labelled(_('User name: small letters, digits, hyphens and underscores'), name),
      labelled(_('Password: 8 to 64 characters'), password),
      strength,
      labelled(_('The same again'), again),
    ],
    actions: [{ label: _('Save'), kind: 'positive', work: send }],
  });
}

/** Makes it; nothing is asked before `start`. */
export function makeLogin(): Login {
  const state = E('p', { role: 'status' });
  const actions = E('div', { class: 'mb-row' });
  const root = card(_('Login for the household'), [
    E('p', [_('It shows one page: whether the mesh works, and what this home uses of it. It can change nothing.')]),
    state,
    actions,
  ]);
  root.hidden = true;

  async function start(): Promise<void> {
    root.hidden = false;
    try {
      const { username } = await readLogin({});
      const isThere = username !== undefined;
      const label = isThere ? _('Change name or password') : _('Make a login');
      const remove = async (): Promise<string> => {
        await removeLogin({});
        await start();
        actions.querySelector('button')?.focus();
        return '';
      };
      state.textContent = isThere ? _('The login is “%s”.').format(username) : _('There is no such login.');
      actions.replaceChildren(
        button(label, () => openLogin(label, username ?? 'home', start), 'action'),
        ...(isThere
          ? [
              actButton(_('Remove the login'), remove, {
                confirm: _('Whoever is logged in by it is logged out at once.'),
              }),
            ]
          : []),
      );
    } catch (error) {
      state.textContent = describeFailure(error).what;
    }
  }

  return { root, start };
}
