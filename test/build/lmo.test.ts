import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeLmo, translationTable } from '../../build/lmo.ts';
import { type Message, parsePo } from '../../build/po.ts';
import { inProject } from '../../build/project.ts';
import { hashText } from '../../src/lib/text-hash.ts';

const fixture = (name: string): string => inProject(`test/fixtures/packaging/${name}`);
const made = parsePo(readFileSync(fixture('made-catalogue.po'), 'utf8'), 'made-catalogue.po');
const golden = readFileSync(fixture('catalogue.lmo'));

/** What LuCI's server finds of a key: by bisection of the index, as it does. */
function find(lmo: Uint8Array, key: number): string | undefined {
  const data = Buffer.from(lmo);
  const start = data.readUInt32BE(data.length - 4);
  let [low, high] = [0, (data.length - 4 - start) / 16 - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = start + 16 * middle;
    const found = data.readUInt32BE(at);
    if (found === key) {
      const offset = data.readUInt32BE(at + 8);
      return data.subarray(offset, offset + data.readUInt32BE(at + 12)).toString();
    }
    if (found > key) high = middle - 1;
    else low = middle + 1;
  }
  return undefined;
}

const encode = suite('encodeLmo');
encode("gives the bytes of LuCI's po2lmo", () => assert.ok(Buffer.from(encodeLmo(made)).equals(golden)));
encode('is found in by each text, in each plural form', () => {
  const lmo = encodeLmo(made);
  assert.is(find(lmo, 0), 'nplurals=2; plural=(n != 1);');
  for (const { id, plural, translations } of made.messages)
    translations.forEach((text, form) => {
      const found = find(lmo, hashText(plural === undefined ? id : `${id}\x02${form}`));
      assert.is(found, text === '' || text === id ? undefined : text, id);
    });
  assert.is(find(lmo, hashText('not there')), undefined);
});
const message = (id: string): Message => ({ id, files: [], translations: ['x'] });
encode('refuses two texts of one hash', () => {
  assert.throws(
    () => encodeLmo({ ...made, messages: [message('a'), message('a')] }),
    /expected texts of different hashes, got a and a/,
  );
});
encode('refuses a catalogue without a rule for plurals', () => {
  assert.throws(() => encodeLmo({ header: new Map(), messages: [] }), /expected a field Plural-Forms/);
});
encode.run();

// ---

const table = suite('translationTable');
table('has what the bytes have', () => {
  const translations = translationTable(made);
  for (const [key, text] of Object.entries(translations)) {
    assert.match(key, /^[0-9a-f]{8}$/);
    assert.is(find(golden, Number.parseInt(key, 16)), text);
  }
  const index = golden.readUInt32BE(golden.length - 4);
  assert.is(Object.keys(translations).length, (golden.length - 4 - index) / 16);
});
table.run();
