// LuCI's view: what a page renders, and below a form the buttons Save & Apply, Save and Reset.
// Source: luci-base, resources/luci.js (view).

import { element as E } from '../../../page-host/client/element.ts';
import { type FormMap, maps, workButton } from './form.ts';
import { ui } from './ui.ts';

const HANDLERS = ['handleSave', 'handleSaveApply', 'handleReset'] as const;

export interface View extends Partial<Record<(typeof HANDLERS)[number], null>> {
  render(): Node | Promise<Node>;
}

function mapsIn(root: Element): FormMap[] {
  return [...root.querySelectorAll('.cbi-map')].map((element) => maps.get(element)!);
}

async function save(root: Element): Promise<void> {
  await Promise.all(mapsIn(root).map((map) => map.save()));
}

function buttons(root: Element): HTMLElement {
  const disabled = mapsIn(root).every(({ readonly }) => readonly === true);
  const apply = async (): Promise<void> => {
    await save(root);
    ui.changes.apply(true);
  };
  return E('div', { class: 'cbi-page-actions' }, [
    workButton('Save & Apply', 'btn cbi-button cbi-button-apply important', disabled, apply),
    workButton('Save', 'cbi-button cbi-button-save', disabled, () => save(root)),
    workButton('Reset', 'cbi-button cbi-button-reset', disabled, async () => {
      for (const map of mapsIn(root)) await map.reset();
    }),
  ]);
}

/** Shows a view. @throws Error on what this stand-in would not do */
export async function show(view: View): Promise<void> {
  for (const key of Object.keys(view))
    if (key !== 'render' && !(HANDLERS as readonly string[]).includes(key))
      throw new Error(`this stand-in calls no ${key} of a view`);
  const missing = HANDLERS.filter((key) => view[key] === null);
  if (missing.length !== 0 && missing.length !== HANDLERS.length)
    throw new Error('this stand-in has all buttons below a view, or none');
  const root = document.getElementById('view')!;
  const content = await view.render();
  root.replaceChildren(content);
  if (missing.length === 0) root.append(buttons(root));
}
