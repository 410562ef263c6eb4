// Fields of the dialogs, and the dialog that asks for some of them; what does not fit is said beside its field.

import type { ButtonKind } from '../part/button.ts';
import { openDialog } from '../part/dialog.ts';

/** What a field holds; a list where several may be chosen or entered. */
export type FieldValue = string | readonly string[];

/** A field. */
export interface Field {
  root: HTMLElement;
  read(): FieldValue;
  /** Says why what it holds does not do, and goes there. */
  check(): boolean;
}

/** One that may be found wrong later, too. */
export interface TextField extends Field {
  /** Says what is wrong, and goes there. */
  blame(fault: string): void;
}

interface TextOptions {
  hint?: string;
  type?: 'text' | 'password';
  /** Several lines make a list. */
  lines?: boolean;
  /** A number: phones show its keys. */
  numeric?: boolean;
  /** What it often is. */
  suggest?: readonly string[];
  /** True, or what is wrong. */
  fits?: (text: string) => true | string;
}

let made = 0;

/** A text, trimmed, or a list of them, one a line. */
export function textField(label: string, value: FieldValue, options: TextOptions = {}): TextField {
  const { hint = '', type = 'text', lines = false, numeric = false, suggest, fits = () => true } = options;
  const id = `mb-field-${made++}`;
  const attributes = {
    class: 'cbi-input-text',
    id,
    autocapitalize: 'none',
    spellcheck: 'false',
    autocomplete: type === 'password' ? 'new-password' : 'off',
    'aria-describedby': `${id}-error ${id}-hint`,
    ...(numeric && { inputmode: 'decimal' }),
    ...(suggest && { list: `${id}-list` }),
  };
  const text = typeof value === 'string' ? value : value.join('\n');
  const input = lines
    ? E('textarea', { ...attributes, rows: 3 }, [text])
    : E('input', { ...attributes, type, value: text });
  const error = E('strong', { class: 'mb-error', id: `${id}-error` });
  const parts = (): string[] =>
    lines ? input.value.split(/\s+/).filter(Boolean) : [type === 'password' ? input.value : input.value.trim()];
  function blame(fault: string): void {
    error.textContent = fault;
    input.setAttribute('aria-invalid', String(fault !== ''));
    if (fault) input.focus();
  }
  return {
    root: E('div', { class: 'mb-field' }, [
      E('label', { for: id }, [label]),
      input,
      ...(suggest
        ? [
            E(
              'datalist',
              { id: `${id}-list` },
              suggest.map((value) => E('option', { value })),
            ),
          ]
        : []),
      error,
      E('small', { class: 'mb-dim', id: `${id}-hint` }, [hint]),
    ]),
    read: () => (lines ? parts() : parts()[0]!),
    check() {
      for (const part of parts()) {
        const fault = fits(part);
        if (fault === true) continue;
        blame(fault);
        return false;
      }
      blame('');
      return true;
    },
    blame,
  };
}

/** Lets pass what has so many characters at most. */
export function atMost(most: number): (text: string) => true | string {
  return (text) => text.length <= most || _('%d characters at most').format(most);
}

/** A choice of one. */
export function choiceField(label: string, value: string, choices: readonly (readonly [string, string])[]): Field {
  const select = E(
    'select',
    { class: 'cbi-input-select' },
    choices.map(([of, title]) => E('option', { value: of }, [title])),
  );
  select.value = value;
  return {
    root: E('label', { class: 'mb-field' }, [label, select]),
    read: () => select.value,
    check: () => true,
  };
}

function tick(label: string, isOn: boolean): { root: HTMLElement; input: HTMLInputElement } {
  const input = E('input', { type: 'checkbox' });
  input.checked = isOn;
  return { root: E('label', { class: 'mb-tick' }, [input, E('span', [label])]), input };
}

/** A box to tick: `1` or `0`. */
export function tickField(label: string, isOn: boolean): Field {
  const { root, input } = tick(label, isOn);
  return { root, read: () => (input.checked ? '1' : '0'), check: () => true };
}

/** Boxes to tick, of which one must be. */
export function manyField(
  label: string,
  values: readonly string[],
  choices: readonly (readonly [string, string])[],
): Field {
  const ticks = choices.map(([value, title]) => ({ value, ...tick(title, values.includes(value)) }));
  const error = E('strong', { class: 'mb-error', role: 'status' });
  const read = (): string[] => ticks.filter(({ input }) => input.checked).map(({ value }) => value);
  return {
    root: E('fieldset', { class: 'mb-ticks' }, [E('legend', [label]), ...ticks.map(({ root }) => root), error]),
    read,
    check() {
      const isEmpty = read().length === 0;
      error.textContent = isEmpty ? _('Tick one at least.') : '';
      if (isEmpty) ticks[0]!.input.focus();
      return !isEmpty;
    },
  };
}

/** What is asked for. */
export interface FormOptions<K extends string> {
  title: string;
  intro?: string;
  fields: Readonly<Record<K, Field>>;
  /** Fields that few need, folded away. */
  rare?: readonly string[];
  label: string;
  /** Of the button; default: positive. */
  kind?: ButtonKind;
  save(values: Record<K, FieldValue>): Promise<unknown>;
}

/** Opens the dialog; it stays while a field does not fit. */
export function openForm<K extends string>({
  title,
  intro,
  fields,
  rare = [],
  label,
  kind = 'positive',
  save,
}: FormOptions<K>): void {
  const names = Object.keys(fields) as K[];
  const folded = E('details', [
    E('summary', [_('More')]),
    ...names.filter((name) => rare.includes(name)).map((name) => fields[name].root),
  ]);
  async function work(): Promise<unknown> {
    const fault = names.find((name) => !fields[name].check());
    if (fault === undefined)
      return save(Object.fromEntries(names.map((name) => [name, fields[name].read()])) as Record<K, FieldValue>);
    if (rare.includes(fault)) {
      folded.open = true;
      // what is folded takes no focus
      fields[fault].check();
    }
    return false;
  }
  openDialog({
    title,
    content: [
      ...(intro ? [E('p', [intro])] : []),
      ...names.filter((name) => !rare.includes(name)).map((name) => fields[name].root),
      ...(rare.length > 0 ? [folded] : []),
    ],
    actions: [{ label, kind, work }],
  });
}
