// What our broker does beyond the protocol, which test/conformance holds it to: its socket, and clients that do not read.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BrokerOptions, startBroker } from '../../src/dev/broker/broker.ts';
import { processOwner } from '../../src/dev/broker/owner.ts';
import { Logger } from '../../src/log.ts';
import { encodeTable } from '../../src/ubus/blobmsg.ts';
import { encodeMessage, UBUS_MSG_NOTIFY, UBUS_MSG_PING, UBUS_MSG_SUBSCRIBE } from '../../src/ubus/message.ts';
import { RawClient, show } from '../conformance/raw.ts';

let directory: string;
let path: string;
let lines: string[];
let cleanups: (() => unknown)[];

const broker = suite('startBroker');
broker.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'meshbridge-broker-'));
  path = join(directory, 'ubus.sock');
  lines = [];
  cleanups = [];
});
broker.after.each(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  rmSync(directory, { recursive: true, force: true });
});

async function start(options: Partial<BrokerOptions> = {}): Promise<void> {
  const log = new Logger((line) => lines.push(line)).scope('broker');
  const started = await startBroker({ path, log, ...options });
  cleanups.push(() => started.close());
}

async function open(): Promise<RawClient> {
  const client = await RawClient.open(path);
  cleanups.push(() => client.close());
  return client;
}

async function logged(text: string): Promise<void> {
  while (!lines.some((line) => line.includes(text))) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function refusal(): Promise<string> {
  return start().then(
    () => 'started',
    (error: Error) => error.message,
  );
}

broker('serves its own user alone', async () => {
  await start();
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.equal(lines, [`info broker: listening socket=${path}`]);
});

broker('removes its socket when closed, and disconnects everybody', async () => {
  const started = await startBroker({ path, log: new Logger(() => {}).scope('') });
  const client = await open();
  await started.close();
  await client.closed();
  assert.not(existsSync(path));
});

broker('replaces the socket of a broker that died', async () => {
  // a process that is killed leaves its socket file
  const child = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`,
  ]);
  await new Promise((resolve) => child.on('exit', resolve));
  assert.ok(statSync(path).isSocket());
  await start();
  await (await open()).barrier();
});

broker('refuses the socket of a broker that lives', async () => {
  await start();
  assert.is(await refusal(), `socket ${path}: another broker listens there`);
  await (await open()).barrier();
});

broker('leaves a file alone that is no socket', async () => {
  writeFileSync(path, 'precious');
  assert.is(await refusal(), `socket ${path}: there is something else of that name`);
  assert.ok(statSync(path).isFile());
});

broker('refuses a path that the system would cut', async () => {
  path = join(directory, 'x'.repeat(108));
  assert.match(await refusal(), `path has ${Buffer.byteLength(path)} bytes, the system allows 107`);
});

broker('names the directory that is not there', async () => {
  path = join(directory, 'missing', 'ubus.sock');
  assert.match(await refusal(), /^socket .*missing\/ubus\.sock: .*(ENOENT|EACCES)/);
});

broker('tells why it drops a client that talks nonsense', async () => {
  await start();
  const client = await open();
  client.sendBytes(Buffer.from('GET / HTTP/1.1\r\n'));
  await client.closed();
  await logged('client dropped');
  assert.match(
    lines.at(-1)!,
    /^warn broker: client dropped client=[0-9a-f]{8} reason="bad frame: ubus: version 71, expected 0/,
  );
});

broker('tells of a request whose attributes lie', async () => {
  await start();
  const client = await open();
  client.sendBytes(Buffer.from('000700630000000000000010030000100000000000000000'.slice(0, 48), 'hex'));
  assert.is((await client.answer(99, 0)).status, 2);
  assert.match(lines.at(-1)!, /^warn broker: malformed request client=[0-9a-f]{8} error="blob: attribute of 16 bytes/);
});

/** A notifier, and a subscriber whose socket is not read from. */
async function deaf(): Promise<{ owner: RawClient; target: number; socket: Socket }> {
  const owner = await open();
  const target = await owner.add('source', {});
  const socket = connect(path);
  cleanups.push(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('readable', resolve));
  socket.read();
  const request = (type: number, attributes: object): void =>
    void socket.write(encodeMessage({ type, seq: 1, peer: 0, attributes }));
  request(6, {});
  await new Promise((resolve) => socket.once('readable', resolve));
  const answer: Buffer = socket.read();
  request(UBUS_MSG_SUBSCRIBE, { objectId: answer.readUInt32BE(16), target });
  assert.is(show(await owner.next()).active, true);
  return { owner, target, socket };
}

const TEXT = 'x'.repeat(50_000);

function notify(owner: RawClient, target: number, n: number): void {
  owner.send(UBUS_MSG_NOTIFY, { objectId: target, method: 'up', data: encodeTable({ n, text: TEXT }), noReply: true });
}

broker('loses nothing for a client that reads late', async () => {
  await start();
  const { owner, target, socket } = await deaf();
  for (let n = 0; n < 100; n++) notify(owner, target, n); // 5 MB; ubusd drops what exceeds 1 MiB
  const third = await open();
  await third.barrier();
  let bytes = 0;
  const complete = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes >= 100 * TEXT.length) resolve();
    });
  });
  await complete;
  await owner.barrier();
  assert.is(lines.filter((line) => line.startsWith('warn')).length, 0);
});

broker('holds back whoever sends to a client that does not read', async () => {
  await start();
  const { owner, target, socket } = await deaf();
  for (let n = 0; n < 100; n++) notify(owner, target, n);
  owner.send(UBUS_MSG_PING);
  const third = await open();
  for (let i = 0; i < 20; i++) await third.barrier();
  let answered = false;
  const answer = owner.next().then(() => {
    answered = true;
  });
  for (let i = 0; i < 20; i++) await third.barrier();
  assert.is(answered, false);
  socket.destroy(); // now nobody has to be waited for
  await answer;
});

broker('disconnects a client that does not read for too long', async () => {
  await start({ stallMs: 50 });
  const { owner, target } = await deaf();
  for (let n = 0; n < 100; n++) notify(owner, target, n);
  await logged('client dropped');
  assert.match(lines.at(-1)!, 'reason="does not read: not caught up in 50 ms"');
  await owner.answer(owner.send(UBUS_MSG_PING), 0);
});

broker('holds back a client that does not read its own answers', async () => {
  await start({ stallMs: 50 });
  const socket = connect(path);
  cleanups.push(() => socket.destroy());
  socket.on('error', () => {});
  const ping = encodeMessage({ type: UBUS_MSG_PING, seq: 1, peer: 0, attributes: { data: new Uint8Array(100_000) } });
  for (let i = 0; i < 100; i++) socket.write(ping);
  await logged('not caught up');
});
broker.run();

const owner = suite('processOwner');
owner('names user and group', () => {
  const { user, group } = processOwner();
  assert.ok(user.length > 0);
  assert.ok(group.length > 0);
});
owner('gives a group without a name as its number', () => {
  assert.is(processOwner('/dev/null').group, String(process.getgid?.()));
  assert.is(processOwner('/nowhere').group, String(process.getgid?.()));
});
owner.run();

const program = suite('npm run broker');

function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['build/run.mjs', 'src/dev/broker/main.ts', ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

program('explains itself', async () => {
  const { code, output } = await run('--help');
  assert.is(code, 0);
  assert.match(output, /^Usage: npm run broker -- \[-s SOCKET\]/);
});
program('says in one line what is wrong', async () => {
  assert.match((await run('-s', '/nowhere/ubus.sock')).output, /^broker: socket \/nowhere\/ubus\.sock: [^\n]*\n$/);
  const { code, output } = await run('--port', '5');
  assert.is(code, 1);
  assert.match(output, /^broker: [^\n]*'--port'[^\n]*\n$/);
});
program('runs until it is told to end', async () => {
  const own = mkdtempSync(join(tmpdir(), 'meshbridge-broker-'));
  const socket = join(own, 'ubus.sock');
  const child = spawn(process.execPath, ['build/run.mjs', 'src/dev/broker/main.ts', '-s', socket]);
  await new Promise<void>((resolve) =>
    child.stderr.on('data', (data) => String(data).includes('listening') && resolve()),
  );
  const client = await RawClient.open(socket);
  await client.barrier();
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  assert.is(await ended, 0);
  assert.not(existsSync(socket));
  rmSync(own, { recursive: true });
});
program.run();
