import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText, WireError } from '../../src/errors.ts';
import { setOption } from '../../src/lib/uci.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { fromRaw, toRaw, UciFile } from '../../src/system/uci-file.ts';
import { MemoryFiles } from '../support/files.ts';

const PATH = '/etc/config/rpcd';

function make(bytes?: Uint8Array): { files: MemoryFiles; file: UciFile } {
  const files = new MemoryFiles();
  if (bytes) files.all.set(PATH, { bytes, mode: 0o644 });
  return { files, file: new UciFile(files, '/etc/config', 'rpcd') };
}

const edits = suite('UciFile');
edits('leaves what is no UTF-8 as it is', () => {
  const bytes = Uint8Array.of(...encodeUtf8("config a 'b'\n#"), 0xff, 0x0a);
  const { files, file } = make(bytes);
  assert.ok(file.edit((text) => setOption(text, 'b', 'x', toRaw('é'))));
  const { bytes: now, mode } = files.all.get(PATH)!;
  assert.equal([...now], [...encodeUtf8("config a 'b'\n\toption x 'é'\n#"), 0xff, 0x0a]);
  assert.is(mode, 0o644, '~> as it was');
});
edits('makes a file that is missing, and writes none that stays the same', () => {
  const { files, file } = make();
  assert.is(file.read(), undefined);
  assert.not.ok(file.edit((text) => text));
  assert.is(files.all.size, 0);
  assert.ok(file.edit(() => 'config a\n'));
  assert.is(file.read()?.sections.length, 1);
});
edits('starts again when the file changes meanwhile, and gives up when it does not rest', () => {
  const { files, file } = make(encodeUtf8('config a\n'));
  let reads = 0;
  files.onRead = () => {
    if (++reads === 2) files.all.set(PATH, { bytes: encodeUtf8('config b\n'), mode: 0o600 });
  };
  assert.ok(file.edit((text) => `${text}config c\n`));
  assert.equal(
    file.read()?.sections.map(({ type }) => type),
    ['b', 'c'],
  );
  files.onRead = () => files.all.set(PATH, { bytes: encodeUtf8(`config a${++reads}\n`), mode: 0o600 });
  assert.throws(() => file.edit((text) => `${text}config c\n`), /expected it to rest while it is edited, it changed 5/);
});
edits('clears away what a killed one left of this file alone', () => {
  const { files, file } = make(encodeUtf8('config a\n'));
  for (const name of ['rpcd~aB3dEf', 'rpcd~x', 'network~aB3dEf'])
    files.all.set(`/etc/config/${name}`, { bytes: new Uint8Array(), mode: 0o600 });
  file.edit(() => '');
  assert.equal(files.list('/etc/config'), ['network~aB3dEf', 'rpcd', 'rpcd~x']);
});
edits('says where a file breaks, and not what it holds', () => {
  const { file } = make(encodeUtf8("config login\n\toption password 'sec' ret\n"));
  for (const work of [() => file.read(), () => file.edit(() => '')])
    try {
      work();
      assert.unreachable();
    } catch (error) {
      assert.instance(error, WireError);
      assert.is(errorText(error), `${PATH}: expected a UCI file, it has an error in line 2, column 24`);
    }
});
edits.run();

const raw = suite('toRaw');
raw('is undone by fromRaw', () => {
  for (const text of ['', 'plain', 'é😀\u00a0']) assert.is(fromRaw(toRaw(text)), text);
  assert.is(toRaw('é'), 'Ã©');
});
raw.run();
