// LuCI's uci: the packages as the router has them, and on top what was changed in this page until it is saved.
// Source: luci-base, resources/uci.js.

import { rpc } from '../../../page-host/client/rpc.ts';

type Value = string | readonly string[];
interface Section {
  '.name': string;
  '.type': string;
  '.anonymous': boolean;
  '.index': number;
  [option: string]: unknown;
}
interface Package {
  loaded: Record<string, Section>;
  /** Made here; those without a name have a provisional one. */
  made: Map<string, { section: Section; named: boolean }>;
  changed: Map<string, Map<string, Value>>;
  /** Options that go; `all`: the section does. */
  removed: Map<string, Set<string> | 'all'>;
}

const callGet = rpc.declare({ object: 'uci', method: 'get', params: ['config'], reject: true });
const callAdd = rpc.declare({
  object: 'uci',
  method: 'add',
  params: ['config', 'type', 'name', 'values'],
  reject: true,
});
const callSet = rpc.declare({ object: 'uci', method: 'set', params: ['config', 'section', 'values'], reject: true });
const callDelete = rpc.declare({
  object: 'uci',
  method: 'delete',
  params: ['config', 'section', 'options'],
  reject: true,
});

const packages = new Map<string, Package>();
let made = 0;

async function load(names: string | readonly string[]): Promise<string[]> {
  const missing = [names].flat().filter((name) => !packages.has(name));
  const replies = await Promise.all(missing.map((name) => callGet(name)));
  for (const [i, name] of missing.entries()) {
    const { values = {} } = replies[i] as { values?: Record<string, Section> };
    packages.set(name, { loaded: values, made: new Map(), changed: new Map(), removed: new Map() });
  }
  // LuCI counts the changes that wait to be applied anew
  if (missing.length > 0) document.dispatchEvent(new CustomEvent('uci-loaded'));
  return missing;
}

function get(config: string, name: string, option?: string): unknown {
  const uci = packages.get(config);
  const own = uci?.made.get(name)?.section;
  if (own) return option === undefined ? own : own[option];
  const section = uci?.loaded[name];
  const removed = uci?.removed.get(name);
  if (!uci || !section || removed === 'all') return null;
  const changed = uci.changed.get(name);
  if (option !== undefined) return removed?.has(option) ? null : (changed?.get(option) ?? section[option]);
  const merged = { ...section, ...Object.fromEntries(changed ?? []) };
  for (const gone of removed ?? []) delete merged[gone];
  return merged;
}

function set(config: string, name: string, option: string, value: Value | null): void {
  const uci = packages.get(config);
  if (!uci || option.startsWith('.')) return;
  const own = uci.made.get(name)?.section;
  if (own) {
    if (value === null) delete own[option];
    else own[option] = value;
    return;
  }
  const removed = uci.removed.get(name);
  if (!uci.loaded[name] || removed === 'all') return;
  const changed = uci.changed.get(name) ?? new Map<string, Value>();
  if (value !== null && value !== '') {
    removed?.delete(option);
    uci.changed.set(name, changed.set(option, value));
  } else {
    changed.delete(option);
    if (Object.hasOwn(uci.loaded[name], option)) uci.removed.set(name, (removed ?? new Set<string>()).add(option));
  }
}

function remove(config: string, name: string): void {
  const uci = packages.get(config);
  if (!uci || uci.made.delete(name) || !uci.loaded[name]) return;
  uci.changed.delete(name);
  uci.removed.set(name, 'all');
}

function add(config: string, type: string, name?: string): string {
  const uci = packages.get(config);
  if (!uci) throw new Error(`uci.add: ${config}: this stand-in adds to packages that are loaded`);
  const id = name ?? `new${(++made).toString(16).padStart(6, '0')}`;
  const section = { '.name': id, '.type': type, '.anonymous': name === undefined, '.index': 1000 + made };
  uci.made.set(id, { section, named: name !== undefined });
  return id;
}

function sections(config: string, type?: string): Section[] {
  const uci = packages.get(config);
  if (!uci) return [];
  const all = [...Object.keys(uci.loaded), ...uci.made.keys()]
    .map((name) => get(config, name) as Section | null)
    .filter((section): section is Section => section !== null)
    .filter((section) => type === undefined || section['.type'] === type)
    .sort((a, b) => a['.index'] - b['.index']);
  return all.map((section, i) => ({ ...section, '.index': i }));
}

/** What one package has to be told, in LuCI's order: what goes, what is new, what changes. */
function callsOf(config: string, { made, changed, removed }: Package): Promise<unknown>[] {
  const calls: Promise<unknown>[] = [];
  for (const [name, options] of removed)
    if (options === 'all') calls.push(callDelete(config, name, null));
    else if (options.size > 0) calls.push(callDelete(config, name, [...options]));
  for (const [name, { section, named }] of made) {
    const values = Object.fromEntries(Object.entries(section).filter(([option]) => !option.startsWith('.')));
    calls.push(callAdd(config, section['.type'], named ? name : undefined, values));
  }
  for (const [name, values] of changed)
    if (values.size > 0) calls.push(callSet(config, name, Object.fromEntries(values)));
  return calls;
}

async function save(): Promise<unknown> {
  const calls = new Map([...packages].map(([config, uci]) => [config, callsOf(config, uci)]));
  const touched = [...calls].filter(([, one]) => one.length > 0).map(([config]) => config);
  await Promise.all([...calls.values()].flat());
  for (const config of touched) packages.delete(config);
  return load(touched);
}

export const uci = {
  load,
  get,
  set,
  add,
  remove,
  sections,
  save,
  unset(config: string, name: string, option: string): void {
    set(config, name, option, null);
  },
  unload(names: string | readonly string[]): void {
    for (const name of [names].flat()) packages.delete(name);
  },
};
