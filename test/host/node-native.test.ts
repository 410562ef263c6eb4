import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { READABLE, WRITABLE } from '../../src/host/native.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { createNodeNative } from '../../src/host/node/native.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-node-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

const life = suite('createNodeNative');
life('holds the loop of Node only while something is watched, timed or spawned', async () => {
  const native = createNodeNative();
  const held = (): string => process.getActiveResourcesInfo().join();
  await turns(2);
  const before = held();
  const server = native.listenUnix(join(directory, 'hold'));
  const fd = native.connectUnix(join(directory, 'hold'));
  await turns(5); // to connect takes hold by itself
  assert.is(held(), before, '~> open alone holds nothing');
  native.watch(server, READABLE, () => {});
  assert.is.not(held(), before);
  native.watch(server, 0);
  await new Promise<void>((resolve) => native.watch(fd, WRITABLE, () => resolve()));
  native.watch(fd, 0);
  native.wakeAt(native.monotonicMs() + 60_000);
  assert.is.not(held(), before);
  native.wakeAt(Number.POSITIVE_INFINITY);
  await turns(2);
  assert.is(held(), before);
  native.dispose();
});
life('closes everything on exit, and calls nobody back', async () => {
  const fds = readdirSync('/proc/self/fd').length;
  const codes: number[] = [];
  const native = createNodeNative({ exit: (code) => codes.push(code) });
  const never = (): void => assert.unreachable();
  const server = native.listenUnix(join(directory, 'exit'));
  native.watch(server, READABLE, never);
  native.watch(native.connectUnix(join(directory, 'exit')), WRITABLE, never);
  native.onChildExit(never);
  native.spawn(['sleep', '60']);
  native.onWake(never);
  native.wakeAt(0);
  native.exit(3);
  assert.equal(codes, [3]);
  native.close(server);
  native.watch(server, READABLE, never);
  native.wakeAt(0);
  assert.throws(() => native.connectUnix('/x'), 'connect /x: the host has ended');
  while (readdirSync('/proc/self/fd').length > fds) await turns(1);
  await turns(5);
});
life('refuses descriptors that are not open, or of another kind', () => {
  const native = createNodeNative();
  const fd = native.listenUnix('@meshbridge-kind');
  for (const call of ['read', 'write', 'accept', 'peerAddress', 'watch', 'close'] as const)
    assert.throws(() => native[call](99, 1 as never, 0 as never, 0), `${call}: Bad file descriptor`);
  assert.throws(() => native.read(fd, 1), 'read: Bad file descriptor');
  native.close(fd);
  assert.throws(() => native.close(fd), 'close: Bad file descriptor');
});
life('delivers what write took before close, though nobody has read yet', async () => {
  const native = createNodeNative();
  const path = join(directory, 'linger');
  const server = native.listenUnix(path);
  const near = native.connectUnix(path);
  await new Promise<void>((resolve) => native.watch(server, READABLE, () => resolve()));
  const far = native.accept(server)!;
  let sent = 0;
  for (let taken = 1; taken > 0; sent += taken) taken = native.write(near, new ArrayBuffer(65536), 0, 65536);
  native.close(near);
  let received = 0;
  await new Promise<void>((resolve) =>
    native.watch(far, READABLE, () => {
      const bytes = native.read(far, 65536);
      if (bytes) received += bytes.byteLength;
      else if (bytes === null) resolve();
    }),
  );
  assert.is(received, sent);
  native.dispose();
});
life('tells of a child that ended before anybody asked', async () => {
  const native = createNodeNative();
  const { pid, stdout } = native.spawn(['sh', '-c', 'exit 5']);
  await new Promise<void>((resolve) => native.watch(stdout, READABLE, () => resolve()));
  native.close(stdout);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const told = await new Promise((resolve) => native.onChildExit((...all) => resolve(all)));
  assert.equal(told, [pid, 5]);
  native.dispose();
});
life('takes arguments, outputs and signals as it is told', () => {
  const lines: string[] = [];
  const host = nodeHost({
    args: ['a', 'b'],
    log: (line) => lines.push(`log ${line}`),
    print: (text) => lines.push(`print ${text}`),
    signals: false,
  });
  const listeners = process.listenerCount('SIGTERM');
  host.onSignal('SIGTERM', () => {});
  host.log('one');
  host.print('two\n');
  assert.equal(
    [host.args, lines],
    [
      ['a', 'b'],
      ['log one', 'print two\n'],
    ],
  );
  assert.is(process.listenerCount('SIGTERM'), listeners);
});
life('gives signals back when it ends', () => {
  const listeners = process.listenerCount('SIGTERM');
  const native = createNodeNative();
  native.onSignal(() => {});
  assert.is(process.listenerCount('SIGTERM'), listeners + 1);
  native.dispose();
  assert.is(process.listenerCount('SIGTERM'), listeners);
});
life('replaces the socket of a server that was killed', () => {
  const path = join(directory, 'stale');
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  assert.ok(readdirSync(directory).includes('stale'));
  const native = createNodeNative();
  native.listenUnix(path);
  assert.throws(() => createNodeNative().listenUnix(path), `listen ${path}: Address already in use`);
  native.dispose();
});
life('starts the program that PATH names first, and no directory', async () => {
  writeFileSync(join(directory, 'tool'), '#!/bin/sh\nexit 9\n', { mode: 0o755 });
  const { PATH } = process.env;
  process.env.PATH = `${directory}:${PATH}`;
  const native = createNodeNative();
  const status = await new Promise<number>((resolve) => {
    native.onChildExit((_pid, status) => resolve(status));
    native.spawn(['tool']);
  });
  process.env.PATH = PATH;
  assert.is(status, 9);
  assert.throws(() => native.spawn(['/']), 'spawn /: Permission denied');
  native.dispose();
});
life.run();
