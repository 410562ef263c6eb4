import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { identityOf, keepNodeKey, publishNodeKey, readSeed } from '../../src/system/node-key.ts';
import { crypto } from '../support/crypto.ts';
import { MemoryFiles } from '../support/files.ts';

const PATHS = { kept: '/etc/meshbridge/node.key', published: '/var/run/meshbridge/node.key' };

function make() {
  const files = new MemoryFiles();
  let made = 0;
  const spawned: string[] = [];
  const host = {
    files,
    randomBytes: (count: number) => new Uint8Array(count).fill(++made),
    processes: {
      spawn: (argv: readonly string[], events: { onExit(status: { code: number }): void }) => {
        spawned.push(argv.join(' '));
        void Promise.resolve().then(() => events.onExit({ code: 0 }));
        return { pid: 1, write() {}, kill() {} };
      },
    },
  };
  const text = (path: string): string | undefined => {
    const file = files.all.get(path);
    return file && `${decodeUtf8(file.bytes)}${file.mode.toString(8)}`;
  };
  return { files, host, spawned, text };
}

const ONE = '01'.repeat(32);

const keep = suite('keepNodeKey');
keep('makes a key once, for root alone', async () => {
  const { host, text } = make();
  assert.is(toHex(await keepNodeKey(host, PATHS.kept)), ONE);
  assert.is(text(PATHS.kept), `${ONE}\n600`);
  assert.is(toHex(await keepNodeKey(host, PATHS.kept)), ONE, '~> the second time it is the same');
});
keep('makes the directory where it is missing', async () => {
  const { files, host, spawned, text } = make();
  const { write } = files;
  files.write = (path, bytes, mode) => {
    if (spawned.length === 0) throw new Error(`write ${path}: No such file or directory`);
    write.call(files, path, bytes, mode);
  };
  await keepNodeKey(host, PATHS.kept);
  assert.equal(spawned, ['mkdir -p -m 0755 /etc/meshbridge']);
  assert.is(text(PATHS.kept), `${ONE}\n600`);
});
keep('never replaces what is no key, for that is who this node is', async () => {
  for (const content of ['', 'x', ONE.slice(1), `${ONE}0`, ONE.toUpperCase().replace('01', '0A'), `${ONE}\n${ONE}`]) {
    const { files, host } = make();
    files.all.set(PATHS.kept, { bytes: encodeUtf8(content), mode: 0o600 });
    const error = await keepNodeKey(host, PATHS.kept).catch((error: Error) => error);
    assert.is((error as Error).message, `${PATHS.kept}: expected a line of 64 hex digits, the key of this node`);
    assert.is(decodeUtf8(files.all.get(PATHS.kept)!.bytes), content);
  }
});
keep.run();

const publish = suite('publishNodeKey');
publish('hands the key over while it is wanted', async () => {
  const { host, text } = make();
  await publishNodeKey(host, PATHS, true);
  assert.is(text(PATHS.published), `${ONE}\n440`);
  await publishNodeKey(host, PATHS, false);
  assert.is(text(PATHS.published), undefined);
  assert.is(text(PATHS.kept), `${ONE}\n600`, '~> root keeps it');
  await publishNodeKey(host, PATHS, true);
  assert.is(text(PATHS.published), `${ONE}\n440`);
});
publish('makes none that nobody wants', async () => {
  const { files, host } = make();
  await publishNodeKey(host, PATHS, false);
  assert.is(files.all.size, 0);
});
publish('leaves no copy where there is no key to be had', async () => {
  const { files, host, text } = make();
  await publishNodeKey(host, PATHS, true);
  files.all.set(PATHS.kept, { bytes: encodeUtf8('broken'), mode: 0o600 });
  await publishNodeKey(host, PATHS, true);
  assert.is(text(PATHS.published), undefined);
});
publish.run();

const read = suite('readSeed');
read('reads what was handed over', async () => {
  const { files, host } = make();
  assert.is(readSeed(files, PATHS.published), undefined);
  await publishNodeKey(host, PATHS, true);
  assert.is(toHex(readSeed(files, PATHS.published)!), ONE);
});
read('quotes nothing of a file that is something else', () => {
  const { files } = make();
  files.all.set(PATHS.published, { bytes: encodeUtf8('secret'), mode: 0o440 });
  assert.throws(() => readSeed(files, PATHS.published), /^((?!secret).)*$/);
  files.all.set(PATHS.published, { bytes: new Uint8Array(257), mode: 0o440 });
  assert.throws(() => readSeed(files, PATHS.published), /larger than 256 bytes/);
});
read.run();

const identity = suite('identityOf');
identity('signs with what its name is made of', () => {
  // RFC 8032, TEST 2
  const seed = fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
  const { node, publicKey, key, sign } = identityOf(crypto, seed);
  assert.is(publicKey, '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  assert.is(key, '3d4017c3e843895a');
  assert.match(node, /^[a-z2-7]{13}$/);
  assert.ok(crypto.ed25519Verify(fromHex(publicKey), Uint8Array.of(0x72), sign(Uint8Array.of(0x72))));
});
identity.run();
