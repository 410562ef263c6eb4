// Translations as LuCI's server reads them (.lmo), and as its client gets them from there.
//
// Layout, numbers of 32 bits, big-endian: the translations one after the other, each padded to 4 bytes; an index sorted by key, of
// key, number of forms, offset, length; the offset of the index. A key is the hash of the English text, of a text with plural forms of
// `<singular>\x02<form>`; key 0, with 0 forms, is the rule that tells the form. A translation that is the English text is left out.
// Source: luci-base, src/po2lmo.c, src/lib/lmo.c (sfh_hash, after P. Hsieh's SuperFastHash) and resources/cbi.js (sfh, _, N_).

import { hashText } from '../src/lib/text-hash.ts';
import type { Message, Po } from './po.ts';

/** One translation in a catalogue. */
interface Entry {
  key: number;
  forms: number;
  text: string;
}

/** The rule of the header first, then what is translated. @throws Error when two texts have one hash: LuCI would mix them up. */
function entriesOf({ header, messages }: Po): Entry[] {
  const rule = header.get('Plural-Forms');
  if (rule === undefined) throw new Error('catalogue: expected a field Plural-Forms in the header');
  const origins = new Map([[0, 'Plural-Forms']]);
  const entries: Entry[] = [{ key: 0, forms: 0, text: rule }];
  const add = ({ plural, translations }: Message, source: string, text: string): void => {
    const key = hashText(source);
    const other = origins.get(key);
    if (other !== undefined)
      throw new Error(`catalogue: expected texts of different hashes, got ${other} and ${source}`);
    origins.set(key, source);
    if (text !== '' && key !== hashText(text))
      entries.push({ key, forms: plural === undefined ? 1 : translations.length, text });
  };
  for (const message of messages)
    message.translations.forEach((text, form) => {
      add(message, message.plural === undefined ? message.id : `${message.id}\x02${form}`, text);
    });
  return entries;
}

/** The bytes of an .lmo file. @throws Error when two texts have one hash. */
export function encodeLmo(po: Po): Uint8Array {
  const encoder = new TextEncoder();
  const entries = entriesOf(po).map((entry) => ({ ...entry, bytes: encoder.encode(entry.text), offset: 0 }));
  let end = 0;
  for (const entry of entries) {
    entry.offset = end;
    end += (entry.bytes.length + 3) & ~3;
  }
  const file = new Uint8Array(end + 16 * entries.length + 4);
  for (const { bytes, offset } of entries) file.set(bytes, offset);
  entries.sort((a, b) => a.key - b.key);
  const numbers = entries.flatMap(({ key, forms, offset, bytes }) => [key, forms, offset, bytes.length]);
  const view = new DataView(file.buffer);
  for (const [at, number] of [...numbers, end].entries()) view.setUint32(end + 4 * at, number);
  return file;
}

/** What LuCI's client has as `window.TR`: each translation by its key as 8 hex digits. @throws Error when two texts have one hash. */
export function translationTable(po: Po): Record<string, string> {
  return Object.fromEntries(entriesOf(po).map(({ key, text }) => [key.toString(16).padStart(8, '0'), text]));
}
