// LuCI's ui: notes above the page, the count of changes that wait, and how they are applied; one dialogue, for that and for failed forms.
// Source: luci-base, resources/ui.js.

import { element as E } from '../../../page-host/client/element.ts';
import { env } from '../../../page-host/client/env.ts';
import { rpc } from '../../../page-host/client/rpc.ts';

/** Seconds: how long a router may take to be back, and how long the last word stands. LuCI's server says other ones. */
const HOLDOFF_S = 1;
const DISPLAY_S = 1.5;
/** Between two tries to confirm. */
const RETRY_MS = 1000;

const callChanges = rpc.declare({ object: 'uci', method: 'changes', reject: true });

/** Shows a dialogue instead of the one that is open. */
export function showModal(title: string, children: readonly (Node | string)[]): void {
  let overlay = document.getElementById('modal_overlay');
  if (!overlay) {
    overlay = E('div', { id: 'modal_overlay', tabindex: -1 }, [E('div', { class: 'modal', role: 'dialog' })]);
    document.body.append(overlay);
  }
  overlay.firstElementChild!.replaceChildren(E('h4', [title]), ...children);
  document.body.classList.add('modal-overlay-active');
}

/** Closes it. */
export function hideModal(): void {
  document.body.classList.remove('modal-overlay-active');
}

function showIndicator(count: number): void {
  const old = document.querySelector('#indicators [data-indicator="uci-changes"]');
  const label = `Unsaved Changes: ${count}`;
  if (count === 0) old?.remove();
  else if (old) old.textContent = label;
  else
    document
      .getElementById('indicators')!
      .append(E('span', { 'data-indicator': 'uci-changes', 'data-clickable': 'true', click: showChanges }, [label]));
}

function button(label: string, kind: string, work: () => void): HTMLElement {
  return E('button', { class: `btn cbi-button ${kind}`, click: work }, [label]);
}

async function readChanges(): Promise<Record<string, unknown[][]>> {
  return ((await callChanges()) as { changes: Record<string, unknown[][]> }).changes;
}

async function showChanges(): Promise<void> {
  const lines = Object.entries(await readChanges()).flatMap(([config, changes]) =>
    changes.map(([kind, section, ...rest]) => E('li', [`${kind} ${config}.${section} ${rest.join(' ')}`])),
  );
  showModal('Configuration / Changes', [
    E('ul', lines),
    E('div', { class: 'button-row' }, [
      button('Close', '', hideModal),
      button('Save & Apply', 'cbi-button-positive', () => changes.apply(true)),
      button('Revert', 'cbi-button-reset', () => void revert()),
    ]),
  ]);
}

function post(action: string): Promise<Response> {
  return fetch(`/cgi-bin/luci/admin/uci/${action}?sid=${env.session}&token=${env.token}`, { method: 'POST' });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    window.setTimeout(resolve, ms);
  });
}

async function reload(text: string): Promise<void> {
  showIndicator(0);
  showModal('', [E('p', [text])]);
  await wait(DISPLAY_S * 1000);
  location.reload();
}

async function revert(): Promise<void> {
  const { ok } = await post('revert');
  if (ok) await reload('Changes have been reverted.');
  else showModal('', [E('p', ['Revert request failed'])]);
}

async function apply(checked: boolean): Promise<void> {
  showModal('', [E('p', ['Starting configuration apply…'])]);
  const { status } = await post(checked ? 'apply_rollback' : 'apply_unchecked');
  if (checked && status === 204) {
    showModal('', [E('p', ['There are no changes to apply'])]);
    await wait(DISPLAY_S * 1000);
    hideModal();
    return;
  }
  if (status !== 200 && status !== 204) {
    showModal('', [E('p', [`Apply request failed with status ${status}`])]);
    return;
  }
  const deadline = Date.now() + env.rollbackS * 1000;
  await wait(HOLDOFF_S * 1000);
  while (Date.now() < deadline) {
    const confirmed = await post('confirm').catch(() => undefined);
    if (confirmed?.status === 200 || confirmed?.status === 204) return reload('Configuration changes applied.');
    await wait(RETRY_MS);
  }
  showModal('Configuration changes have been rolled back!', [button('Dismiss', '', hideModal)]);
}

const changes = {
  async init(): Promise<void> {
    const all = Object.values(await readChanges());
    showIndicator(all.reduce((sum, { length }) => sum + length, 0));
  },
  apply(checked: boolean): void {
    void apply(checked);
  },
};

export const ui = {
  changes,
  addNotification(title: unknown, children: unknown, ...classes: string[]): HTMLElement {
    const text = E('div', title === null ? [] : [E('h4', title)]);
    text.append(...E('div', children).childNodes);
    const note = E('div', { class: 'alert-message fade-in' }, [text]);
    note.append(E('div', [E('button', { class: 'btn', click: () => note.remove() }, ['Dismiss'])]));
    note.classList.add(...classes);
    document.getElementById('maincontent')!.prepend(note);
    return note;
  },
};

document.addEventListener('uci-loaded', () => void changes.init());
