// The fields of forms: what a person sees and fills in, and whether it will do.
// Source: luci-base, resources/ui.js (Textfield, Checkbox, Select, DynamicList) and validation.js.

import { element as E } from '../../../page-host/client/element.ts';
import { faultOf } from './datatype.ts';

/** What all fields have in common. */
export interface FieldOptions {
  id: string;
  disabled: boolean;
  /** Empty will do. */
  optional: boolean;
  datatype: string;
  validate(value: string): true | string;
}

/** One field. */
export interface Field {
  readonly root: HTMLElement;
  value(): string | string[];
  /** What is wrong; empty: nothing. */
  fault: string;
  check(): void;
}

/** Has a field checked on events; `shown` is marked where it does not do. */
function checked(
  field: Omit<Field, 'check' | 'fault'>,
  shown: HTMLElement,
  text: () => string,
  options: FieldOptions,
  events: readonly string[],
): Field {
  const made: Field = {
    ...field,
    fault: '',
    check() {
      const value = text();
      const fault =
        value === '' ? (options.optional ? undefined : 'Expecting: non-empty value') : faultOf(options.datatype, value);
      const said = fault ?? options.validate(value);
      made.fault = said === true ? '' : said;
      shown.classList.toggle('cbi-input-invalid', made.fault !== '');
      if (made.fault === '') shown.removeAttribute('data-tooltip');
      else shown.setAttribute('data-tooltip', made.fault);
    },
  };
  for (const name of events) shown.addEventListener(name, made.check);
  return made;
}

/** Tells the form that a person changed a field. */
function telling(root: HTMLElement, source: HTMLElement, event: string): void {
  source.addEventListener(event, () => root.dispatchEvent(new CustomEvent('widget-change', { bubbles: true })));
}

/** A line of text, hidden by dots where it is a password. */
export function textField(value: string, placeholder: string | null, password: boolean, options: FieldOptions): Field {
  const input = E('input', {
    id: `widget.${options.id}`,
    type: password ? 'password' : 'text',
    class: password ? 'cbi-input-password' : 'cbi-input-text',
    disabled: options.disabled ? '' : null,
    placeholder,
    value,
  }) as HTMLInputElement;
  const reveal = (event: Event): void => {
    input.type = input.type === 'password' ? 'text' : 'password';
    event.preventDefault();
  };
  const label = 'Reveal/hide password';
  const button = E(
    'button',
    { class: 'cbi-button cbi-button-neutral', title: label, 'aria-label': label, click: reveal },
    ['∗'],
  );
  const root = E(
    'div',
    { id: options.id },
    password ? [E('div', { class: 'control-group' }, [input, button])] : [input],
  );
  telling(root, input, 'change');
  return checked({ root, value: () => input.value }, input, () => input.value, options, ['keyup', 'blur']);
}

/** One box to tick; its value is 1 or 0. */
export function checkbox(isChecked: boolean, options: FieldOptions): Field {
  const input = E('input', {
    type: 'checkbox',
    value: '1',
    checked: isChecked ? '' : null,
    disabled: options.disabled ? '' : null,
    'data-widget-id': `widget.${options.id}`,
  }) as HTMLInputElement;
  const root = E('div', { id: options.id, class: 'cbi-checkbox' }, [input]);
  telling(root, input, 'change');
  const value = (): string => (input.checked ? '1' : '0');
  return checked({ root, value }, input, () => input.value, { ...options, optional: true }, ['click', 'blur']);
}

/** One of several choices, in a drop-down; unless `optional`, one is always taken. */
export function selection(
  value: string,
  choices: readonly (readonly [key: string, title: string])[],
  options: FieldOptions,
): Field {
  const empty = options.optional ? [E('option', { value: '' }, ['-- Please choose --'])] : [];
  const select = E(
    'select',
    { id: `widget.${options.id}`, class: 'cbi-input-select', disabled: options.disabled ? '' : null },
    [
      ...empty,
      ...choices.map(([key, title]) => E('option', { value: key, selected: key === value ? '' : null }, [title])),
    ],
  ) as HTMLSelectElement;
  const root = E('div', { id: options.id }, [select]);
  telling(root, select, 'change');
  return checked({ root, value: () => select.value }, select, () => select.value, options, ['change', 'click', 'blur']);
}

/** Values to add to and take from, one a line. */
export function listField(values: readonly string[], placeholder: string | null, options: FieldOptions): Field {
  const { disabled } = options;
  const input = E('input', {
    id: `widget.${options.id}`,
    type: 'text',
    class: 'cbi-input-text',
    disabled: disabled ? '' : null,
    placeholder,
  }) as HTMLInputElement;
  const plus = E('div', { class: 'btn cbi-button cbi-button-add', click: () => take() }, ['+']);
  const last = E('div', { class: 'add-item control-group' }, [input, plus]);
  const root = E('div', { id: options.id, class: 'cbi-dynlist', disabled: disabled ? '' : null }, [last]);
  const items = (): string[] => [...root.querySelectorAll<HTMLInputElement>('.item > input')].map((item) => item.value);
  const changed = (): boolean => root.dispatchEvent(new CustomEvent('widget-change', { bubbles: true }));
  const add = (value: string): void => {
    if (items().includes(value)) return;
    const item = E('div', { class: 'item', tabindex: 0 }, [E('span', [value]), E('input', { type: 'hidden', value })]);
    item.addEventListener('keydown', ({ key }) => {
      if (disabled || (key !== 'Delete' && key !== 'Backspace')) return;
      item.remove();
      changed();
    });
    // the cross at its end is no element
    item.addEventListener('click', ({ clientX }) => {
      const width = Number.parseFloat(getComputedStyle(item, '::after').width) || 0;
      if (disabled || item.getBoundingClientRect().right - clientX > width) return;
      item.remove();
      changed();
    });
    last.before(item);
  };
  const take = (): void => {
    if (disabled || input.value === '' || input.classList.contains('cbi-input-invalid')) return;
    add(input.value);
    input.value = '';
    changed();
  };
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    take();
  });
  for (const value of values) add(value);
  // each line is checked as it is written; the list as a whole, as LuCI has it, as an empty text
  const line = checked({ root, value: () => '' }, input, () => input.value, { ...options, optional: true }, [
    'blur',
    'keyup',
  ]);
  line.check();
  const value = (): string[] => {
    const rest = input.value.trim() !== '' && line.fault === '' && !items().includes(input.value) ? [input.value] : [];
    return [...items(), ...rest];
  };
  return checked({ root, value }, root, () => '', options, []);
}
