// What runs one view in a browser, as LuCI's client does: its globals, its loader, and those of its classes that every page takes.
// Source: luci-base, resources/luci.js, rpc.js and cbi.js. Text that LuCI would parse as HTML, and calls that hide failures, are refused.

import { element } from './element.ts';
import { env } from './env.ts';
import { format } from './format.ts';
import { poll } from './poll.ts';
import { rpc } from './rpc.ts';
import { strict } from './strict.ts';
import { translate, translateCount } from './translate.ts';

const CLASSES: Record<string, object> = {
  baseclass: strict('baseclass', { extend: classOf }),
  view: strict('view', { extend: classOf }),
  rpc: strict('rpc', rpc),
  poll: strict('poll', poll),
};

/** A class of which each one has these members. */
function classOf(members: object): new () => object {
  return class {
    constructor() {
      Object.assign(this, members);
    }
  };
}

/** A part of a path as LuCI lets it stand in an address. */
const PLAIN = /^([\w.%,;-]+\/)*[\w.%,;-]+$/;

function addressBelow(root: string, parts: string[]): string {
  const plain = parts.filter((part) => PLAIN.test(part));
  return plain.length === 0 ? `${root}/` : [root, ...plain].join('/');
}

const L = strict('L', {
  url: (...parts: string[]) => addressBelow('/cgi-bin/luci', parts),
  resource: (...parts: string[]) => addressBelow('/luci-static/resources', parts),
});

/** What LuCI puts into every page's global scope. */
const GLOBALS = {
  _: translate,
  N_: translateCount,
  E: element,
  L,
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

/** Classes that are there, or on their way. */
const loaded = new Map<string, Promise<object>>();

/** One of a class, whoever asks for it. */
function require(name: string): Promise<object> {
  let made = loaded.get(name);
  if (!made) {
    made = load(name);
    loaded.set(name, made);
  }
  return made;
}

/** Loads a class file and the classes of ours that it asks for; one of the class that it returns. */
async function load(name: string): Promise<object> {
  const response = await fetch(`/luci-static/resources/${name.replace(/\./g, '/')}.js`);
  if (!response.ok) throw new Error(`class ${name}: HTTP ${response.status}`);
  const source = await response.text();
  const wanted = pragmasOf(source);
  const given = await Promise.all(
    wanted.map(async (one) => {
      if (/^meshbridge\./.test(one.name)) return strict(one.name, await require(one.name));
      const found = CLASSES[one.name];
      if (!found) throw new Error(`this stand-in has no class ${one.name}`);
      return found;
    }),
  );
  const body = new Function('window', 'document', 'L', ...wanted.map(({ as }) => as), source);
  const made: new () => object = body(window, document, L, ...given);
  return new made();
}

/** Loads the view that the page names, and shows it. @param more classes that views may ask for. */
export async function start(more: Record<string, object>, show: (view: object) => Promise<void>): Promise<void> {
  Object.assign(CLASSES, more);
  Object.assign(window, GLOBALS);
  Object.defineProperty(String.prototype, 'format', { value: format });
  await show(await load(`view.${env.view.replace(/\//g, '.')}`));
  poll.start();
}
