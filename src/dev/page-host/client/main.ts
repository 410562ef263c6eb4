// A stand-in for LuCI's client that runs one view: what our pages use of it, as it behaves, and an error on everything else.
// Source: luci-base, resources/luci.js, rpc.js and cbi.js. Text that LuCI would parse as HTML, and calls that hide failures, are refused.

import { element } from './element.ts';
import { env } from './env.ts';
import { form } from './form.ts';
import { format } from './format.ts';
import { poll } from './poll.ts';
import { rpc } from './rpc.ts';
import { strict } from './strict.ts';
import { translate, translateCount } from './translate.ts';
import { uci } from './uci.ts';
import { ui } from './ui.ts';
import { show, type View } from './view.ts';

const CLASSES: Record<string, object> = {
  baseclass: strict('baseclass', { extend: classOf }),
  view: strict('view', { extend: classOf }),
  rpc: strict('rpc', rpc),
  poll: strict('poll', poll),
  uci: strict('uci', uci),
  ui: strict('ui', { ...ui, changes: strict('ui.changes', ui.changes) }),
  form: strict('form', form),
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

async function start(): Promise<void> {
  const view = await load(`view.${env.view.replace(/\//g, '.')}`);
  await show(view as View);
  poll.start();
}

Object.assign(window, GLOBALS);
Object.defineProperty(String.prototype, 'format', { value: format });
void start();
