// A stand-in for LuCI's client that runs one view: what our pages use of it, as it behaves, and an error on everything else.
// Source: luci-base, resources/luci.js, rpc.js and cbi.js. Text that LuCI would parse as HTML, and calls that hide failures, are refused.

import { element } from './element.ts';
import { format } from './format.ts';
import { poll } from './poll.ts';
import { rpc } from './rpc.ts';

/** Any use of what is not there throws, but for `then`, which a promise asks every value for. */
function strict<T extends object>(name: string, module: T): T {
  return new Proxy(module, {
    get(target, key) {
      if (key in target || typeof key === 'symbol' || key === 'then') return Reflect.get(target, key);
      throw new Error(`this stand-in has no ${name}.${key}`);
    },
  });
}

interface Page {
  render(): Node;
  handleSave: null;
  handleSaveApply: null;
  handleReset: null;
}

const CLASSES: Record<string, object> = {
  baseclass: strict('baseclass', { extend: (members: object) => strict('class', members) }),
  view: strict('view', { extend: (page: Page) => page }),
  rpc: strict('rpc', rpc),
  poll: strict('poll', poll),
};

/** What LuCI puts into every page's global scope. */
const GLOBALS = {
  _: (text: string) => text,
  N_: (count: number, one: string, many: string) => (count === 1 ? one : many),
  E: element,
};

/** The classes that a file's pragmas ask for, and what they are called in it. */
function pragmasOf(source: string): { name: string; as: string }[] {
  const found: { name: string; as: string }[] = [];
  for (const [, text] of source.matchAll(/\s*'([^']*)';/gy)) {
    const [, name, as] = /^require (\S+)(?: as (\S+))?$/.exec(text!) ?? [];
    if (name) found.push({ name, as: as ?? name.replace(/\W/g, '_') });
    else if (text !== 'use strict') break;
  }
  return found;
}

/** Loads a class file and the classes of ours that it asks for; what the file returns. */
async function load(name: string): Promise<unknown> {
  const response = await fetch(`/luci-static/resources/${name.replace(/\./g, '/')}.js`);
  if (!response.ok) throw new Error(`class ${name}: HTTP ${response.status}`);
  const source = await response.text();
  const wanted = pragmasOf(source);
  const given = await Promise.all(
    wanted.map(async (one) => {
      if (/^meshbridge\./.test(one.name)) return load(one.name);
      const found = CLASSES[one.name];
      if (!found) throw new Error(`this stand-in has no class ${one.name}`);
      return found;
    }),
  );
  return new Function('window', 'document', 'L', ...wanted.map(({ as }) => as), source)(window, document, {}, ...given);
}

async function start(view: string): Promise<void> {
  const page = (await load(`view.${view.replace(/\//g, '.')}`)) as Page;
  for (const key of Object.keys(page))
    if (!['render', 'handleSave', 'handleSaveApply', 'handleReset'].includes(key))
      throw new Error(`this stand-in calls no ${key} of a view`);
  if (page.handleSave !== null || page.handleSaveApply !== null || page.handleReset !== null)
    throw new Error('this stand-in has no buttons below a view');
  document.getElementById('view')!.replaceChildren(page.render());
  poll.start();
}

Object.assign(window, GLOBALS);
Object.defineProperty(String.prototype, 'format', { value: format });
const { view } = (document.currentScript as HTMLScriptElement).dataset;
void start(view!.replace(/^view\//, ''));
