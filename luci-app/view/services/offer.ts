// What this node offers: its name in the mesh and its services, changed in a form and announced by its node info.

import { MAX_SERVICES, type Service } from '../../../src/lib/node-info.ts';
import { button } from '../part/button.ts';
import { method } from '../part/daemon.ts';
import { openDialog } from '../part/dialog.ts';
import { Refusal } from '../part/refusal.ts';

const announce = method('meshbridge.helper', 'announce', ['interface', 'node_info']);
const restart = method('meshbridge.helper', 'interface_restart', ['interface'], true);

/** What a node tells of itself. */
export interface Offer {
  name: string;
  services: readonly Service[];
}

interface Field {
  root: HTMLElement;
  input: HTMLInputElement;
  error: HTMLElement;
}

let made = 0;

function field(label: string, value: string, hint = ''): Field {
  const id = `mb-offer-${made++}`;
  const error = E('strong', { class: 'mb-error', id: `${id}-error` });
  const input = E('input', { class: 'cbi-input-text', id, value, 'aria-describedby': `${id}-error` });
  const root = E('div', { class: 'mb-field' }, [E('label', { for: id }, [label]), input, error, E('small', [hint])]);
  return { root, input, error };
}

/** Opens the form. @param onDone told what was done. */
export function editOffer(iface: string, offer: Offer, address: string, onDone: (told: string) => void): void {
  const name = field(_('Name of this router in the mesh'), offer.name, _('Everybody in the mesh can read it.'));
  const list = E('div');
  let rows: Record<keyof Service, Field>[] = [];

  function add(service: Service): void {
    if (rows.length >= MAX_SERVICES) return;
    const row = {
      name: field(_('Service'), service.name, _('What people call it: Wiki, Camera at the gate.')),
      url: field(_('Address'), service.url, _('As in a browser; of this router or of a computer behind it.')),
      description: field(_('Description'), service.description ?? ''),
    };
    const root = E('fieldset', { class: 'mb-card' }, [
      ...Object.values(row).map((one) => one.root),
      button(
        _('Remove this service'),
        () => {
          rows = rows.filter((one) => one !== row);
          root.remove();
        },
        'negative',
      ),
    ]);
    rows.push(row);
    list.append(root);
    row.name.input.focus();
  }

  /** Shows a refusal beside the field that it is about. */
  function blame({ field: place = '', message }: Refusal): boolean {
    for (const row of [{ name }, ...rows]) for (const { error } of Object.values(row)) error.textContent = '';
    const [, index, part] = /^services\[(\d+)\]\.(\w+)$/.exec(place) ?? [];
    const at = place === 'name' ? name : rows[Number(index)]?.[part as keyof Service];
    if (!at) return false;
    at.error.textContent = message.replace(`${place}: `, '');
    at.input.focus();
    return true;
  }

  async function save(): Promise<void> {
    const services = rows.map((row) => ({
      name: row.name.input.value,
      url: row.url.input.value,
      description: row.description.input.value,
    }));
    const told = { name: name.input.value.trim() || null, services };
    try {
      const { result } = await announce({ interface: iface, node_info: JSON.stringify(told) });
      if (result === 'changed') offerRestart(iface, onDone);
      else onDone(_('Nothing was changed.'));
    } catch (error) {
      if (error instanceof Refusal && blame(error)) throw new Refusal(_('One field is not right yet.'));
      throw error;
    }
  }

  for (const service of offer.services) add(service);
  openDialog({
    title: _('What this router offers'),
    content: [
      name.root,
      list,
      E('p', [button(_('Add a service'), () => add({ name: '', url: `http://[${address}]/` }))]),
    ],
    actions: [{ label: _('Save'), kind: 'positive', work: save }],
  });
}

/** Yggdrasil reads what it tells only when it starts. */
function offerRestart(iface: string, onDone: (told: string) => void): void {
  onDone(_('Saved. It is announced when %s starts next.').format(iface));
  const work = async (): Promise<void> => {
    await restart({ interface: iface });
    onDone(_('Announced. Others see it within some minutes.'));
  };
  openDialog({
    title: _('Announce it now?'),
    content: [E('p', [_('For that %s is started again, and its connections break for some seconds.').format(iface)])],
    actions: [{ label: _('Start it again'), kind: 'action', work }],
  });
}
