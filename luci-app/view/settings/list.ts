// The list of public peers that the adviser chooses from: uploaded here, kept by root.

import { actButton } from '../part/act.ts';
import { card } from '../part/card.ts';
import { method } from '../part/daemon.ts';

const setList = method('meshbridge.helper', 'public_peers_set', ['list'], true);
const reload = method('meshbridge', 'reload');

/** uhttpd refuses a longer request and rpcd cuts longer arguments: 64 KiB, with what goes around the list. */
const MAX_LIST = 60_000;
/** Of an entry, beside its address: key, names, and marks that are escaped within the request. */
const ENTRY = 90;

type Peers = Record<string, { up?: unknown; key?: unknown } | null>;

/** The list without what is not looked at, cut to what can be sent; empty when nothing is left. @throws SyntaxError, TypeError */
export function shorten(text: string): string {
  const list: Record<string, Peers> = {};
  let size = 0;
  for (const [region, peers] of Object.entries(JSON.parse(text) as Record<string, Peers | null>))
    for (const [uri, about] of Object.entries(peers ?? {})) {
      // what is not asked for over TCP cannot be measured
      if (about?.up === false || !/^(tls|tcp|wss?):/.test(uri)) continue;
      size += uri.length + ENTRY;
      if (size > MAX_LIST) break;
      list[region] ??= {};
      list[region][uri] = { key: about?.key };
    }
  return size > 0 ? JSON.stringify(list) : '';
}

/** The box to upload it. */
export function makeUpload(): HTMLElement {
  const title = _('List of public peers');
  const file = E('input', { type: 'file', accept: '.json', 'aria-label': title });

  async function upload(): Promise<string> {
    let list = '';
    try {
      list = shorten((await file.files?.[0]?.text()) ?? '');
    } catch {}
    if (list === '') return _('Choose a file publicnodes.json, please.');
    const { entries } = await setList({ list });
    await reload({});
    return N_(entries, '%d peer can be measured.', '%d peers can be measured.').format(entries);
  }

  return card(title, [
    E('p', [_('The adviser chooses from it, once it is switched on below.')]),
    E('p', { class: 'mb-dim' }, [
      _('It is a file publicnodes.json, such as that of publicpeers.neilalexander.dev. Another one takes its place.'),
    ]),
    E('div', { class: 'mb-row' }, [file, actButton(_('Upload'), upload)]),
  ]);
}
