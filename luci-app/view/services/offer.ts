// What this node offers: its name in the mesh and its services, changed in a form and announced by its node info.

import { MAX_SERVICES, type Service } from '../../../src/lib/node-info.ts';
import { button } from '../part/button.ts';
import { method } from '../part/daemon.ts';
import { openDialog } from '../part/dialog.ts';
import { describeFailure } from '../part/failure.ts';
import { setContent } from '../part/keyed.ts';
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

function field(id: string, label: string, value: string, hint = ''): Field {
  const error = E('strong', { class: 'mb-error', id: `${id}-error` });
  const input = E('input', {
    class: 'cbi-input-text',
    id,
    value,
    autocapitalize: 'none',
    'aria-describedby': `${id}-error`,
  });
  const root = E('div', { class: 'mb-field' }, [
    E('label', { for: id }, [label]),
    input,
    error,
    E('small', { class: 'mb-dim' }, [hint]),
  ]);
  return { root, input, error };
}

/** The rows of the form: one for each service. */
class Editor {
  readonly name: Field;
  readonly list = E('div');
  private rows: Record<keyof Service, Field>[] = [];
  private made = 0;

  constructor(
    offer: Offer,
    private readonly url: string,
  ) {
    this.name = field(
      'mb-node-name',
      _('Name of this router in the mesh'),
      offer.name,
      _('Everybody in the mesh can read it.'),
    );
    for (const service of offer.services) this.add(service);
  }

  add(service: Service): void {
    if (this.rows.length >= MAX_SERVICES) return;
    const id = `mb-service-${this.made++}`;
    const row = {
      name: field(`${id}-name`, _('Service'), service.name, _('What people call it: Wiki, Camera at the gate.')),
      url: field(
        `${id}-url`,
        _('Address'),
        service.url,
        _('As in a browser; of this router or of a computer behind it.'),
      ),
      description: field(`${id}-description`, _('Description'), service.description ?? ''),
    };
    const remove = (): void => {
      this.rows = this.rows.filter((one) => one !== row);
      root.remove();
    };
    const root = E('fieldset', { class: 'mb-card' }, [
      row.name.root,
      row.url.root,
      row.description.root,
      button(_('Remove this service'), remove, 'negative'),
    ]);
    this.rows.push(row);
    this.list.append(root);
  }

  addEmpty(): void {
    this.add({ name: '', url: this.url });
    this.rows[this.rows.length - 1]?.name.input.focus();
  }

  /** What was entered, as the helper takes it. */
  text(): string {
    const services = this.rows.map(({ name, url, description }) => ({
      name: name.input.value,
      url: url.input.value,
      ...(description.input.value.trim() !== '' && { description: description.input.value }),
    }));
    return JSON.stringify({
      name: this.name.input.value.trim() || null,
      services: services.length > 0 ? services : null,
    });
  }

  /** Shows a refusal beside the field that it is about. @returns whether there is one. */
  blame({ field: place = '', message }: Refusal): boolean {
    for (const one of [this.name, ...this.rows.flatMap((row) => Object.values(row))]) one.error.textContent = '';
    const [, index, part] = /^services\[(\d+)\]\.(\w+)$/.exec(place) ?? [];
    const row = this.rows[Number(index)];
    const at = place === 'name' ? this.name : row?.[part as keyof Service];
    if (!at) return false;
    at.error.textContent = message.replace(`${place}: `, '');
    at.input.focus();
    return true;
  }
}

/** Opens the form. @param onDone told what was done. */
export function editOffer(iface: string, offer: Offer, address: string, onDone: (told: string) => void): void {
  const editor = new Editor(offer, `http://[${address}]/`);
  const save = async (): Promise<void> => {
    try {
      const { result } = await announce({ interface: iface, node_info: editor.text() });
      if (result === 'changed') offerRestart(iface, onDone);
      else onDone(_('Nothing was changed.'));
    } catch (error) {
      if (error instanceof Refusal && editor.blame(error)) throw new Refusal(_('One field is not right yet.'));
      throw error;
    }
  };
  openDialog({
    title: _('What this router offers'),
    content: [editor.name.root, editor.list, E('p', [button(_('Add a service'), () => editor.addEmpty())])],
    actions: [{ label: _('Save'), kind: 'positive', work: save }],
  });
}

/** Yggdrasil reads what it tells only when it starts. */
function offerRestart(iface: string, onDone: (told: string) => void): void {
  onDone(_('Saved. It is announced when %s starts next.').format(iface));
  const said = E('p', { class: 'mb-dim' });
  openDialog({
    title: _('Announce it now?'),
    content: [
      E('p', [
        _(
          'Yggdrasil tells the mesh when %s starts. Starting it again now breaks its connections for some seconds.',
        ).format(iface),
      ]),
      said,
    ],
    actions: [
      {
        label: _('Start it again'),
        kind: 'action',
        work: async () => {
          setContent(said, '…');
          try {
            await restart({ interface: iface });
          } catch (error) {
            setContent(said, '');
            const { what, fix } = describeFailure(error);
            throw new Refusal(`${what} ${fix}`);
          }
          onDone(_('Announced. Others see it within some minutes.'));
        },
      },
    ],
  });
}
