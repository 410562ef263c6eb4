// LuCI's forms: a map over one package, its sections, their options; what is saved, and when.
// Source: luci-base, resources/form.js.

import { element as E } from '../../../page-host/client/element.ts';
import { rpc } from '../../../page-host/client/rpc.ts';
import { strict } from '../../../page-host/client/strict.ts';
import { uci } from './uci.ts';
import { hideModal, showModal } from './ui.ts';
import { checkbox, type Field, type FieldOptions, listField, selection, textField } from './widget.ts';

type Value = string | string[] | null | undefined;

const callAccess = rpc.declare({
  object: 'session',
  method: 'access',
  params: ['scope', 'object', 'function'],
  reject: true,
});

function isEmpty(value: Value): boolean {
  return value === null || value === undefined || value.length === 0;
}

function isSame(a: Value, b: Value): boolean {
  return typeof a === typeof b && JSON.stringify(a) === JSON.stringify(b);
}

function titled(title: string | undefined, tag: string, name?: string): HTMLElement[] {
  return title ? [E(tag, name === undefined ? {} : { class: name }, [title])] : [];
}

/** A button that is disabled while its work lasts; a failure of that is nobody's, as in LuCI. */
export function workButton(label: string, name: string, disabled: boolean, work: () => Promise<unknown>): HTMLElement {
  const button = E('button', { class: name, disabled: disabled ? '' : null }, [label]) as HTMLButtonElement;
  button.addEventListener('click', () => {
    button.disabled = true;
    button.blur();
    void work().finally(() => {
      button.disabled = false;
    });
  });
  return button;
}

class Option {
  default: string | string[] | null = null;
  rmempty = true;
  optional = false;
  readonly: boolean | null = null;
  retain = false;
  datatype = 'string';
  placeholder: string | null = null;
  password = false;
  validate: (section: string, value: string) => true | string = () => true;
  protected readonly choices: [key: string, title: string][] = [];
  private readonly conditions: Record<string, string>[] = [];
  private readonly fields = new Map<string, { field: Field; frame: HTMLElement }>();
  private readonly kept = new Map<string, Value>();

  constructor(
    readonly map: FormMap,
    readonly name: string,
    readonly title: string,
    readonly description = '',
  ) {}

  depends(option: string | Record<string, string>, value?: string): void {
    const condition = typeof option === 'string' ? { [option]: value! } : option;
    const operator = Object.keys(condition).find((key) => /[!.]/.test(key));
    if (operator) throw new Error(`depends: this stand-in knows no ${operator}`);
    this.conditions.push(condition);
  }

  load(section: string): void {
    this.kept.set(section, uci.get(this.map.config, section, this.name) as Value);
  }

  /** The field in its frame: a row of a form, or a cell of a table. */
  render(section: string, index: number, inTable: boolean): HTMLElement {
    const id = `cbid.${this.map.config}.${section}.${this.name}`;
    const field = this.makeField(this.kept.get(section) ?? this.default, {
      id,
      disabled: this.readonly ?? this.map.readonly ?? false,
      optional: this.optional || this.rmempty,
      datatype: this.datatype,
      validate: (value) => this.validate(section, value),
    });
    const place = {
      id: `cbi-${this.map.config}-${section}-${this.name}`,
      'data-index': index,
      'data-field': id,
    };
    const about = { 'data-name': this.name, 'data-widget': `CBI.${(this.constructor as typeof Option).widget}` };
    let root: HTMLElement;
    let frame: HTMLElement;
    if (inTable) {
      frame = E('div', place, [field.root]);
      root = E('td', { class: 'td cbi-value-field', 'data-title': this.title, ...about }, [frame]);
    } else {
      const label = E('label', { class: 'cbi-value-title', for: `widget.${id}` }, [this.title]);
      label.addEventListener('click', () => {
        const box = field.root.querySelector<HTMLElement>('[data-widget-id]');
        box?.click();
        box?.focus();
      });
      const below = titled(this.description, 'div', 'cbi-value-description');
      frame = E('div', { class: 'cbi-value', ...place, ...about }, [
        label,
        E('div', { class: 'cbi-value-field' }, [field.root, ...below]),
      ]);
      root = frame;
    }
    frame.classList.toggle('hidden', this.conditions.length > 0);
    root.addEventListener('widget-change', () => this.map.checkDepends());
    this.fields.set(section, { field, frame });
    return root;
  }

  formvalue(section: string): Value {
    return this.fields.get(section)?.field.value() ?? null;
  }

  isActive(section: string): boolean {
    const frame = this.fields.get(section)?.frame;
    return frame !== undefined && !frame.classList.contains('hidden');
  }

  /** Shows or hides the field by what it depends on; true when that changed. */
  checkDepends(section: string, siblings: readonly Option[]): boolean {
    const meets = (condition: Record<string, string>): boolean =>
      Object.entries(condition).every(([name, wanted]) => {
        const other = siblings.find((one) => one.name === name);
        return other?.isActive(section) === true && isSame(other.formvalue(section), wanted);
      });
    const wanted = this.conditions.length === 0 || this.conditions.some(meets);
    if (wanted === this.isActive(section)) return false;
    this.fields.get(section)?.frame.classList.toggle('hidden', !wanted);
    return true;
  }

  check(section: string): void {
    this.fields.get(section)?.field.check();
  }

  /** Puts what the field holds into the package. @throws TypeError when it does not do */
  parse(section: string): void {
    if (!this.isActive(section)) {
      if (!this.retain) this.unset(section);
      return;
    }
    const fault = this.fields.get(section)?.field.fault;
    if (fault) throw new TypeError(`Option "${this.title || this.name}" contains an invalid input value. ${fault}`);
    this.store(section, this.formvalue(section));
  }

  protected store(section: string, value: Value): void {
    if (!isEmpty(value)) {
      if (!isSame(value, this.kept.get(section))) uci.set(this.map.config, section, this.name, value!);
    } else if (this.rmempty || this.optional) this.unset(section);
    else throw new TypeError(`Option "${this.title || this.name}" must not be empty.`);
  }

  protected unset(section: string): void {
    uci.unset(this.map.config, section, this.name);
  }

  protected makeField(value: Value, options: FieldOptions): Field {
    return textField([value ?? ''].flat().join(' '), this.placeholder, this.password, options);
  }

  static readonly widget: string = 'Value';
}

class Flag extends Option {
  static override readonly widget = 'FlagValue';
  override default: string = '0';

  protected override makeField(value: Value, options: FieldOptions): Field {
    return checkbox(value === '1', options);
  }

  protected override store(section: string, value: Value): void {
    if (value === this.default && (this.optional || this.rmempty)) this.unset(section);
    else uci.set(this.map.config, section, this.name, value!);
  }
}

class ListValue extends Option {
  static override readonly widget = 'ListValue';

  value(key: string, title: string): void {
    this.choices.push([key, title]);
  }

  protected override makeField(value: Value, options: FieldOptions): Field {
    return selection(String(value ?? ''), this.choices, { ...options, optional: this.optional });
  }
}

class DynamicList extends Option {
  static override readonly widget = 'DynamicList';

  protected override makeField(value: Value, options: FieldOptions): Field {
    const values = typeof value === 'string' ? value.split(/\s+/).filter(Boolean) : (value ?? []);
    return listField(values, this.placeholder, options);
  }
}

class DummyValue extends Option {
  static override readonly widget = 'DummyValue';

  protected override makeField(value: Value, { id }: FieldOptions): Field {
    const text = [value ?? ''].flat().join(' ');
    const root = E('div', [E('output', { for: id }, [text]), E('input', { id, type: 'hidden', value: text })]);
    return { root, value: () => text, fault: '', check() {} };
  }

  protected override store(): void {}
  protected override unset(): void {}
}

const OPTIONS = [Option, Flag, ListValue, DynamicList, DummyValue];

abstract class Section {
  protected readonly options: Option[] = [];

  constructor(
    readonly map: FormMap,
    readonly type: string,
    readonly title?: string,
    readonly description?: string,
  ) {}

  abstract names(): string[];
  abstract render(): HTMLElement;

  option(kind: typeof Option, name: string, title: string, description?: string): Option {
    if (!OPTIONS.includes(kind)) throw new TypeError('Class must be a descendant of CBIAbstractValue');
    const option = new kind(this.map, name, title, description);
    this.options.push(option);
    return strict(kind.widget, option);
  }

  load(): void {
    for (const name of this.names()) for (const option of this.options) option.load(name);
  }

  parse(): void {
    for (const name of this.names()) for (const option of this.options) option.parse(name);
  }

  /** True when a field came or went. */
  checkDepends(withValues: boolean): boolean {
    let changed = false;
    for (const name of this.names())
      for (const option of this.options) {
        if (option.checkDepends(name, this.options)) changed = true;
        if (withValues && option.isActive(name)) option.check(name);
      }
    return changed;
  }

  protected fieldsOf(name: string, inTable: boolean): HTMLElement[] {
    return this.options.map((option, i) => option.render(name, i, inTable));
  }

  protected headed(attributes: Record<string, string>): HTMLElement {
    const heads = [...titled(this.title, 'h3'), ...titled(this.description, 'div', 'cbi-section-descr')];
    return E('div', { class: 'cbi-section', ...attributes }, heads);
  }

  protected node(name: string): HTMLElement {
    const attributes = { id: `cbi-${this.map.config}-${name}`, class: 'cbi-section-node', 'data-section-id': name };
    return E('div', attributes, this.fieldsOf(name, false));
  }
}

class NamedSection extends Section {
  constructor(
    map: FormMap,
    readonly name: string,
    type: string,
    title?: string,
    description?: string,
  ) {
    super(map, type, title, description);
  }

  names(): string[] {
    return [this.name];
  }

  render(): HTMLElement {
    const root = this.headed({});
    if (uci.get(this.map.config, this.name)) root.append(this.node(this.name));
    return root;
  }
}

class TypedSection extends Section {
  anonymous = false;
  addremove = false;
  filter: (section: string) => boolean = () => true;

  names(): string[] {
    return uci
      .sections(this.map.config, this.type)
      .map((section) => section['.name'])
      .filter((name) => this.filter(name));
  }

  render(): HTMLElement {
    const root = this.headed({ id: `cbi-${this.map.config}-${this.type}` });
    const names = this.names();
    for (const name of names) {
      if (this.addremove) root.append(E('div', { class: 'cbi-section-remove right' }, [this.removeButton(name, '')]));
      if (!this.anonymous) root.append(E('h3', [name.toUpperCase()]));
      root.append(this.node(name));
    }
    if (names.length === 0) root.append(this.placeholder());
    root.append(...this.adder(''));
    return root;
  }

  protected placeholder(): HTMLElement {
    return E('em', ['This section contains no values yet']);
  }

  protected removeButton(name: string, more: string): HTMLElement {
    return workButton('Delete', `cbi-button${more}`, this.map.readonly === true, () => {
      uci.remove(this.map.config, name);
      return this.map.save(true);
    });
  }

  protected adder(more: string): HTMLElement[] {
    if (!this.addremove) return [];
    const input = E('input', { type: 'text', class: 'cbi-section-create-name' }) as HTMLInputElement;
    const add = workButton('Add', 'cbi-button cbi-button-add', this.map.readonly === true || !this.anonymous, () => {
      uci.add(this.map.config, this.type, this.anonymous ? undefined : input.value);
      return this.map.save(true);
    }) as HTMLButtonElement;
    input.disabled = this.map.readonly === true;
    input.addEventListener('keyup', () => {
      const isName = /^[a-zA-Z0-9_]*$/.test(input.value);
      input.classList.toggle('cbi-input-invalid', !isName);
      add.disabled = !isName || input.value === '';
    });
    return [E('div', { class: `cbi-section-create${more}` }, this.anonymous ? [add] : [E('div', [input]), add])];
  }
}

class TableSection extends TypedSection {
  override render(): HTMLElement {
    const root = this.headed({ id: `cbi-${this.map.config}-${this.type}`, class: 'cbi-section cbi-tblsection' });
    const named = this.anonymous ? [] : ['Name'];
    const titles = [...named, ...this.options.map(({ title }) => title), ...(this.addremove ? [''] : [])];
    const heads = titles.map((title) => E('th', { class: 'th cbi-section-table-cell' }, [title]));
    const names = this.names();
    const rows = names.map((name) => {
      const first = this.anonymous ? [] : [E('td', { class: 'td cbi-value-field cbi-section-table-titles' }, [name])];
      const last = this.addremove
        ? [
            E('td', { class: 'td cbi-section-table-cell nowrap cbi-section-actions' }, [
              E('div', [this.removeButton(name, ' cbi-button-remove')]),
            ]),
          ]
        : [];
      const attributes = {
        id: `cbi-${this.map.config}-${name}`,
        class: 'tr cbi-section-table-row',
        'data-sid': name,
        'data-title': this.anonymous ? null : name,
        'data-section-id': name,
      };
      return E('tr', attributes, [...first, ...this.fieldsOf(name, true), ...last]);
    });
    if (rows.length === 0)
      rows.push(
        E('tr', { class: 'tr cbi-section-table-row placeholder' }, [E('td', { class: 'td' }, [this.placeholder()])]),
      );
    root.append(
      E('table', { class: 'table cbi-section-table' }, [
        E('thead', [E('tr', { class: 'tr cbi-section-table-titles' }, heads)]),
        E('tbody', rows),
      ]),
      ...this.adder(' cbi-tblsection-create'),
    );
    return root;
  }
}

type SectionClass = new (map: FormMap, ...args: never[]) => Section;
const SECTIONS: readonly unknown[] = [NamedSection, TypedSection, TableSection];
/** LuCI's limit. */
const MAX_ROUNDS = 10;

/** Forms of this page, by their element. */
export const maps = new Map<Element, FormMap>();

/** A form over one package of the configuration, as LuCI's `form.Map`. */
export class FormMap {
  /** True: the login must not change the package. */
  readonly: boolean | null = null;
  private root: HTMLElement | undefined;
  private readonly sections: Section[] = [];

  constructor(
    readonly config: string,
    readonly title?: string,
    readonly description?: string,
  ) {}

  section(kind: SectionClass, ...args: never[]): Section {
    if (!SECTIONS.includes(kind)) throw new TypeError('Class must be a descendant of CBIAbstractSection');
    const section = new kind(this, ...args);
    this.sections.push(section);
    return strict('Section', section);
  }

  async render(): Promise<HTMLElement> {
    await this.load();
    return this.draw();
  }

  checkDepends(): void {
    for (let round = 0; round < MAX_ROUNDS; round++)
      if (!this.sections.map((section) => section.checkDepends(round === 0)).includes(true)) return;
  }

  /** @param silent shows no dialogue when it fails. */
  async save(silent = false): Promise<void> {
    try {
      this.checkDepends();
      for (const section of this.sections) section.parse();
      await uci.save();
      await this.load();
    } catch (error) {
      if (!silent)
        showModal('Save error', [
          E('p', ['An error occurred while saving the form:']),
          E('p', [E('em', [error instanceof Error ? error.message : String(error)])]),
          E('div', { class: 'right' }, [E('button', { class: 'cbi-button', click: hideModal }, ['Dismiss'])]),
        ]);
      throw error;
    }
    this.draw();
  }

  async reset(): Promise<void> {
    this.draw();
  }

  private async load(): Promise<void> {
    const [answer] = await Promise.all([callAccess('uci', this.config, 'write'), uci.load(this.config)]);
    if ((answer as { access: boolean }).access === false) this.readonly = true;
    for (const section of this.sections) section.load();
  }

  private draw(): HTMLElement {
    this.root ??= E('div', { id: `cbi-${this.config}`, class: 'cbi-map' });
    maps.set(this.root, this);
    this.root.replaceChildren(
      ...titled(this.title, 'h2'),
      ...titled(this.description, 'div', 'cbi-map-descr'),
      ...this.sections.map((section) => section.render()),
    );
    this.checkDepends();
    return this.root;
  }
}

export const form = {
  Map: FormMap,
  NamedSection,
  TypedSection,
  TableSection,
  Value: Option,
  Flag,
  ListValue,
  DynamicList,
  DummyValue,
};
