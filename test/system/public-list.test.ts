import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { MAX_KEPT_BYTES } from '../../src/lib/public-peers.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { keepPublicList, publishPublicList } from '../../src/system/public-list.ts';
import type { Processes } from '../../src/transport/host.ts';
import { MemoryFiles } from '../support/files.ts';

const PATHS = { kept: '/etc/meshbridge/list', delivered: '/usr/share/meshbridge/list', published: '/var/run/list' };
const LIST = '{"germany.md":{"tls://a.example:1":{"up":true,"last_seen":1},"quic://a.example:1":{"up":true}}}';
const SHORT = '{"germany":{"tls://a.example:1":{}}}';

/** Files whose directory is there, or is made by the first program that is started. */
function make(hasDirectory = true, code = 0) {
  const files = new MemoryFiles();
  const started: string[] = [];
  const { write } = files;
  files.write = (path, ...rest) => {
    if (!hasDirectory && path === PATHS.kept) throw new Error(`write ${path}: No such file or directory`);
    write.call(files, path, ...rest);
  };
  const processes: Processes = {
    spawn: (argv, events) => {
      started.push(argv.join(' '));
      hasDirectory = code === 0;
      void Promise.resolve().then(() => events.onExit({ code }));
      return { pid: 1, write() {}, kill() {} };
    },
  };
  const text = (path: string) => {
    const file = files.all.get(path);
    return file && decodeUtf8(file.bytes);
  };
  return { files, started, text, host: { files, processes } };
}

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a refusal');
}

const keep = suite('keepPublicList');
keep('keeps what can be measured, and hands it over', async () => {
  const { files, started, text, host } = make();
  assert.is(await keepPublicList(host, PATHS, LIST), 1);
  assert.equal([text(PATHS.kept), text(PATHS.published)], [SHORT, SHORT]);
  assert.equal([files.all.get(PATHS.kept)!.mode, files.all.get(PATHS.published)!.mode], [0o644, 0o440]);
  assert.equal(started, []);
});
keep('makes the directory where it is missing', async () => {
  const { started, text, host } = make(false);
  await keepPublicList(host, PATHS, LIST);
  assert.equal(started, ['mkdir -p -m 0755 /etc/meshbridge']);
  assert.is(text(PATHS.kept), SHORT);
});
keep('says that the directory could not be made', async () => {
  const { files, host } = make(false, 1);
  const error = await refusal(keepPublicList(host, PATHS, LIST));
  assert.is((error as Error).message, '/etc/meshbridge: not made, mkdir failed');
  assert.is(files.all.size, 0);
});
keep('removes both for an empty text', async () => {
  const { files, host } = make();
  await keepPublicList(host, PATHS, LIST);
  assert.is(await keepPublicList(host, PATHS, ' \n'), 0);
  assert.is(files.all.size, 0);
});
const LONG = JSON.stringify({
  x: Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`tls://${'long-'.repeat(11)}${i}.example:1`, {}])),
});
for (const [list, message] of [
  ['<html>', /^list: expected the JSON of publicnodes\.json, got /],
  ['{"a":{"quic://a.example:1":{}}}', /^list: expected a peer of tcp, tls, ws or wss that is up, got none$/],
  [LONG, /^list: expected at most 60000 bytes of addresses, got \d+$/],
] as const)
  keep(`refuses ${list.slice(0, 20)}, and keeps the old one`, async () => {
    const { text, host } = make();
    await keepPublicList(host, PATHS, LIST);
    const error = await refusal(keepPublicList(host, PATHS, list));
    assert.instance(error, InputError);
    assert.is((error as InputError).field, 'list');
    assert.match((error as Error).message, message);
    assert.equal([text(PATHS.kept), text(PATHS.published)], [SHORT, SHORT]);
  });
keep.run();

const publish = suite('publishPublicList');
const file = (text: string) => ({ bytes: encodeUtf8(text), mode: 0o644 });
publish('hands over what was kept, else what a package brought, else nothing', () => {
  const { files, text } = make();
  files.all.set(PATHS.delivered, file('{"be":{"tls://b.example:1":{"up":true}}}'));
  files.all.set(PATHS.kept, file(LIST));
  publishPublicList(files, PATHS);
  assert.is(text(PATHS.published), SHORT);
  files.remove(PATHS.kept);
  publishPublicList(files, PATHS);
  assert.is(text(PATHS.published), '{"be":{"tls://b.example:1":{}}}');
  files.remove(PATHS.delivered);
  publishPublicList(files, PATHS);
  assert.is(files.all.size, 0);
});
for (const broken of ['<html>', ' '.repeat(MAX_KEPT_BYTES + 1)])
  publish(`passes over a file that is broken: ${broken.slice(0, 6)}`, () => {
    const { files, text } = make();
    files.all.set(PATHS.delivered, file(LIST));
    files.all.set(PATHS.kept, file(broken));
    publishPublicList(files, PATHS);
    assert.is(text(PATHS.published), SHORT);
  });
publish.run();
