// A stand-in for LuCI's client that runs one view: what our pages use of it, as it behaves, and an error on everything else.
// Source: luci-base, resources/luci.js, rpc.js and cbi.js. Text that LuCI would parse as HTML, and calls that hide failures, are refused.

import { element } from './element.ts';
import { format } from './format.ts';
import { poll } from './poll.ts';
import { rpc } from './rpc.ts';

/** Any use of what is not there throws. */
function strict<T extends object>(name: string, module: T): T {
  return new Proxy(module, {
    get(target, key) {
      if (key in target || typeof key === 'symbol') return Reflect.get(target, key);
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

/** The classes that a view's pragmas ask for. */
function pragmasOf(source: string): string[] {
  const names: string[] = [];
  for (const [, text] of source.matchAll(/\s*'([^']*)';/gy)) {
    const name = /^require (\S+)$/.exec(text!)?.[1];
    if (name) names.push(name);
    else if (text !== 'use strict') break;
  }
  return names;
}

async function start(view: string): Promise<void> {
  const response = await fetch(`/luci-static/resources/view/${view}.js`);
  if (!response.ok) throw new Error(`view ${view}: HTTP ${response.status}`);
  const source = await response.text();
  const names = pragmasOf(source);
  const given = names.map((name) => {
    const found = CLASSES[name];
    if (!found) throw new Error(`this stand-in has no class ${name}`);
    return found;
  });
  const page: Page = new Function('window', 'document', 'L', ...names, source)(window, document, {}, ...given);
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
