// The form that adds a peering; where the daemon refuses one, the field at fault is named and focused.

import { withOptions } from '../../../src/lib/peer-text.ts';
import { failureText } from '../part/failure.ts';
import { Refusal } from '../part/refusal.ts';
import { describeFault, FIELDS, type FieldName } from './address.ts';
import { type AddingWay, addPeering, TRIAL_S } from './command.ts';

/** The form. */
export interface AddForm {
  root: HTMLElement;
  /** Whether the login may write the configuration. */
  allowKeeping(may: boolean): void;
}

/** The address with what the other fields say in place of the same options in it. */
export function uriOf({ address, key, priority, password }: Record<FieldName, string>): string {
  let uri = address.trim();
  // OpenWrt's start script reads it without quotes
  for (const [name, value] of Object.entries({ key: key.trim(), priority: priority.trim(), password }))
    if (value) {
      const coded = encodeURIComponent(value).replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
      uri = withOptions(uri, `?${name}=${coded}`);
    }
  return uri;
}

/**
 * Makes it.
 * @param interfaceOf the interface that gets the peering.
 * @param onAdded something was added: `told` says so.
 */
export function makeForm(interfaceOf: () => string, onAdded: (told: string) => Promise<void>): AddForm {
  const texts: Record<FieldName, [label: string, hint: string]> = {
    address: [_('Address'), _('As its owner gives it, such as tls://example.org:443?key=…')],
    key: [_('Key to pin'), _('Only the node with this key is accepted.')],
    priority: [_('Priority'), _('0 to 254; lower is preferred.')],
    password: [_('Password'), _('If its owner wants one.')],
    device: [_('Network device'), _('Dial over this one only, such as eth1.')],
  };
  const fields = {} as Record<FieldName, { root: HTMLElement; input: HTMLInputElement; error: HTMLElement }>;
  for (const name of FIELDS) {
    const [label, hint] = texts[name];
    const id = `mb-add-${name}`;
    const error = E('strong', { class: 'mb-error', id: `${id}-error` });
    const input = E('input', {
      class: 'cbi-input-text',
      id,
      type: name === 'password' ? name : 'text',
      autocomplete: name === 'password' ? 'new-password' : 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      'aria-describedby': `${id}-error ${id}-hint`,
      input: () => mark(name, ''),
    });
    const root = E('div', { class: 'mb-field' }, [
      E('label', { for: id }, [label]),
      input,
      error,
      E('small', { class: 'mb-dim', id: `${id}-hint` }, [hint]),
    ]);
    fields[name] = { root, input, error };
  }
  const options = E('details', [
    E('summary', [_('Options')]),
    E(
      'div',
      { class: 'mb-cards' },
      FIELDS.slice(1).map((name) => fields[name].root),
    ),
  ]);
  const said = E('p', { class: 'mb-said', role: 'status' });
  const submit = (way: AddingWay, label: string, kind: string): HTMLElement =>
    E('button', { class: `btn cbi-button cbi-button-${kind}`, type: 'submit', value: way }, [label]);
  const keeping = submit('keep', _('Add for good'), 'neutral');
  let busy = false;

  function mark(name: FieldName, text: string): void {
    const { input, error } = fields[name];
    error.textContent = text;
    input.setAttribute('aria-invalid', String(text !== ''));
  }

  function tell(error: unknown, values: Record<FieldName, string>): void {
    const fault = error instanceof Refusal ? describeFault(error) : undefined;
    if (!fault) {
      said.textContent = failureText(error);
      return;
    }
    said.textContent = '';
    const part = fault.part as FieldName;
    const name = FIELDS.includes(part) && values[part] ? part : 'address';
    if (name !== 'address') options.open = true;
    mark(name, fault.text);
    fields[name].input.focus();
  }

  async function send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const values = {} as Record<FieldName, string>;
    for (const name of FIELDS) {
      values[name] = fields[name].input.value;
      mark(name, '');
    }
    said.dataset.health = 'unknown';
    said.textContent = '…';
    try {
      const device = values.device.trim();
      const way = (event.submitter as HTMLButtonElement | null)?.value ?? 'try';
      const peering = { uri: uriOf(values), interface: interfaceOf(), ...(device && { device }) };
      const told = await addPeering(way as AddingWay, peering);
      said.textContent = '';
      for (const name of FIELDS) fields[name].input.value = '';
      await onAdded(told);
    } catch (error) {
      said.dataset.health = 'bad';
      tell(error, values);
    } finally {
      busy = false;
    }
  }

  const root = E('form', { novalidate: '', submit: (event) => void send(event as SubmitEvent) }, [
    fields.address.root,
    options,
    E('div', { class: 'mb-row' }, [
      submit('try', _('Try for %d seconds').format(TRIAL_S), 'positive'),
      submit('add', _('Add until a restart'), 'neutral'),
      keeping,
    ]),
    E('p', { class: 'mb-dim' }, [_('What is tried is removed again by itself unless you confirm it.')]),
    said,
  ]);
  return {
    root,
    allowKeeping(may) {
      keeping.hidden = !may;
    },
  };
}
