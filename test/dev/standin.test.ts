import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findYggdrasil } from '../../build/yggdrasil.ts';
import { startStandin } from '../../src/dev/standin.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { SILENT } from '../../src/log.ts';
import { YggdrasilClient } from '../../src/yggdrasil/client.ts';
import { toPeers } from '../../src/yggdrasil/entries.ts';
import badUri from '../fixtures/yggdrasil/0.5.12-addPeer-bad-uri.json';
import argumentsString from '../fixtures/yggdrasil/0.5.12-err-arguments-string.json';
import array from '../fixtures/yggdrasil/0.5.12-err-array.json';
import garbage from '../fixtures/yggdrasil/0.5.12-err-garbage.json';
import nothing from '../fixtures/yggdrasil/0.5.12-err-null.json';
import unknown from '../fixtures/yggdrasil/0.5.12-err-unknown.json';
import halfMessage from '../fixtures/yggdrasil/0.5.12-half-message-halfclose.json';
import halfClose from '../fixtures/yggdrasil/0.5.12-keepalive-halfclose.json';
import thenGarbage from '../fixtures/yggdrasil/0.5.12-keepalive-then-garbage.json';
import noKeepalive from '../fixtures/yggdrasil/0.5.12-no-keepalive-pipelined.json';
import { sleep } from '../support/sleep.ts';

interface Heard {
  text: string;
  closed: boolean;
}

/** Sends a text and hears what comes until the node closes, or for as long as it is silent. */
function exchange(path: string, text: string, { half = false, silenceMs = 150 } = {}): Promise<Heard> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ path, allowHalfOpen: true });
    const end = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text: heard, closed });
    };
    let timer = setTimeout(() => end(false), Math.max(2000, silenceMs));
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      if (half) socket.end(text);
      else socket.write(text);
    });
    socket.on('data', (data: string) => {
      heard += data;
      clearTimeout(timer);
      timer = setTimeout(() => end(false), silenceMs);
    });
    socket.on('end', () => end(true));
    socket.on('error', () => end(true));
  });
}

/** An outermost "}" is the only one in column 0. */
function answersIn(text: string): { status: string; error?: string; request: unknown; response: unknown }[] {
  return text
    .split(/(?<=^}\n)/m)
    .filter((part) => part !== '')
    .map((part) => JSON.parse(part));
}

async function directory<T>(run: (path: string) => Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), 'mb-standin-'));
  try {
    return await run(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

const captured = suite('stand-in: as captured');
const CAPTURED: [string, { request: string; response: string; server_closed: boolean }, boolean][] = [
  ['garbage', garbage, false],
  ['null', nothing, false],
  ['a list', array, false],
  ['an unknown request', unknown, false],
  ['arguments that are a string', argumentsString, false],
  ['an URI that cannot be parsed', badUri, false],
  ['half a message and a half-close', halfMessage, true],
  ['a half-close after a kept connection', halfClose, true],
  ['garbage after a kept connection', thenGarbage, false],
  ['two requests without keepalive', noKeepalive, false],
];
captured('answers byte for byte', () =>
  directory(async (path) => {
    const standin = await startStandin({ directory: path });
    try {
      for (const [what, { request, response, server_closed }, half] of CAPTURED) {
        const heard = await exchange(standin.node('a').socket, request, { half });
        assert.is(heard.text, response, `~> ${what}`);
        assert.is(heard.closed, server_closed, `~> ${what}`);
      }
    } finally {
      await standin.close();
    }
  }),
);
captured.run();

// ---

const life = suite('stand-in: life');

/** Runs with a client on node a of a stand-in. */
async function withClient(
  run: (client: YggdrasilClient, standin: Awaited<ReturnType<typeof startStandin>>) => Promise<void>,
  version = '0.5.12',
): Promise<void> {
  await directory(async (path) => {
    const standin = await startStandin({ directory: path, version });
    const { streams, clock } = nodeHost();
    let tell: () => void = () => {};
    const client = new YggdrasilClient({
      streams,
      clock,
      random: Math.random,
      endpoint: { path: standin.node('a').socket },
      log: SILENT,
      name: 'ygg0',
      onChange: () => tell(),
    });
    try {
      const changed = new Promise<void>((resolve) => {
        tell = resolve;
      });
      client.start();
      await Promise.race([changed, sleep(3000)]);
      await run(client, standin);
    } finally {
      client.stop();
      await standin.close();
    }
  });
}

async function peersOf(client: YggdrasilClient) {
  return toPeers(await client.getPeers()).entries;
}

life('counters and uptimes move', () =>
  withClient(async (client) => {
    const before = await peersOf(client);
    await sleep(1100);
    const after = await peersOf(client);
    const up = before.findIndex((peer) => peer.up);
    assert.ok(after[up]!.rx_bytes! > before[up]!.rx_bytes!);
    assert.is(after[up]!.uptime_s! - before[up]!.uptime_s!, 1);
  }),
);
life('peers are added and removed', () =>
  withClient(async (client) => {
    const uri = 'tcp://127.0.0.1:1';
    assert.is(await client.addPeer(uri), 'added');
    assert.is(await client.addPeer(`${uri}?priority=2`), 'present');
    const added = (await peersOf(client)).find((peer) => peer.remote === uri);
    assert.is(added?.last_error, 'dial tcp 127.0.0.1:1: connect: connection refused');
    assert.is(await client.removePeer(uri), 'removed');
    assert.is(await client.removePeer(uri), 'absent');
  }),
);
life('a peer that worked works again after it was removed and added', () =>
  withClient(async (client) => {
    const uri = 'tls://10.99.0.2:4001';
    await client.removePeer(uri);
    await client.addPeer(uri);
    assert.is((await peersOf(client)).find((peer) => peer.remote === uri)?.up, false);
    await sleep(350);
    assert.is((await peersOf(client)).find((peer) => peer.remote === uri)?.up, true);
  }),
);
life('links are cut on both sides and come back', () =>
  withClient(async (client, standin) => {
    const { key } = standin.node('b');
    const up = async () => (await peersOf(client)).filter((peer) => peer.key === key).length;
    const whole = await up();
    assert.ok(whole > 0);
    standin.cut('a', 'b');
    assert.is(await up(), 0);
    const there = JSON.parse((await exchange(standin.node('b').socket, '{"request":"getpeers"}')).text).response.peers;
    assert.ok(there.every((peer: { key: string }) => peer.key !== standin.node('a').key));
    standin.restore('a', 'b');
    await sleep(350);
    assert.is(await up(), whole);
    assert.throws(() => standin.cut('a', 'x'), /no node x: a, b, c/);
  }),
);
life('links whose cable was pulled claim to be up, and nothing moves', () =>
  withClient(async (client, standin) => {
    standin.cut('a', 'b', true);
    const { key } = standin.node('b');
    const before = (await peersOf(client)).filter((peer) => peer.key === key);
    await sleep(200);
    const after = (await peersOf(client)).filter((peer) => peer.key === key);
    assert.ok(before.length > 0 && before.every((peer) => peer.up));
    assert.equal(
      after.map((peer) => peer.rx_bytes),
      before.map((peer) => peer.rx_bytes),
    );
  }),
);
life('other nodes answer', () =>
  withClient(async (client, standin) => {
    const { key, address } = standin.node('b');
    const info = (await client.getNodeInfo(key)) as { [key: string]: { name: string } };
    assert.is(info[key]!.name, 'gateway-b');
    assert.ok(Object.hasOwn(await client.remotePeers(key), address));
    assert.equal(await client.remoteSelf(key), { [address]: { key, routing_entries: '3' } });
  }),
);
life('removing an inbound link ends the node, which can be started again', () =>
  directory(async (path) => {
    const lines: string[] = [];
    const standin = await startStandin({ directory: path, log: (line) => lines.push(line) });
    const node = standin.node('a');
    const uri = 'tcp://10.99.0.4:42832';
    const heard = await exchange(node.socket, JSON.stringify({ request: 'removePeer', arguments: { uri } }));
    assert.equal(heard, { text: '', closed: true });
    assert.is(node.isRunning, false);
    assert.equal(lines, ['node a crashed']);
    await node.start();
    assert.is((await exchange(node.socket, '{"request":"gettun"}')).closed, true);
    await standin.close();
  }),
);
for (const version of ['0.5.5', '0.5.6', '0.5.10', '0.5.14']) {
  life(`a client takes it for ${version}`, () =>
    withClient(async (client) => {
      assert.is(client.node?.version, version);
      const entries = await peersOf(client);
      const one = entries.find((peer) => peer.remote === 'tls://10.99.0.2:4001')!;
      const patch = Number(version.slice(4));
      assert.is(one.latency_ms, patch >= 6 ? 2.85 : undefined);
      assert.is(one.cost, patch >= 9 ? 13 : undefined);
      assert.is(one.rx_bytes_per_s !== undefined, patch >= 10);
    }, version),
  );
}
life('a client refuses it as 0.4.7', () =>
  withClient(async (client) => {
    assert.is(client.up, false);
    assert.match(client.report().last_error!, /yggdrasil 0\.4 is too old/);
  }, '0.4.7'),
);
life('a version that nobody knows is refused', () =>
  directory(async (path) => {
    for (const version of ['0.5.4', '0.5.99', 'x'])
      await startStandin({ directory: path, version }).then(
        () => assert.unreachable(version),
        (error) => assert.match(error.message, /expected 0\.4\.7 or 0\.5\.5 to 0\.5\.14/),
      );
  }),
);
life.run();

// ---

/** A node to be asked, and its neighbour. */
interface Subject {
  socket: string;
  key: string;
  neighbour: { socket: string; key: string };
}

/** Asked in this order; `K` is the neighbour's key. */
const REQUESTS: readonly (string | { half: string })[] = [
  ...['list', 'getSelf', 'getPeers', 'getSessions', 'getPaths', 'getTree', 'getTun', 'getMulticastInterfaces'].map(
    (request) => JSON.stringify({ request }),
  ),
  '{"request":"getNodeInfo","arguments":{"key":"K"}}',
  '{"request":"debug_remoteGetSelf","arguments":{"key":"K"}}',
  '{"request":"debug_remoteGetPeers","arguments":{"key":"K"}}',
  '{"request":"debug_remoteGetTree","arguments":{"key":"K"}}',
  '{"request":"getNodeInfo","arguments":{"key":"zz"}}',
  '{"request":"getNodeInfo","arguments":{}}',
  '{"request":"getNodeInfo","arguments":null}',
  '{"request":"debug_remoteGetSelf","arguments":{"key":"zz"}}',
  '{"request":"debug_remoteGetSelf"}',
  '{"REQUEST":"GETTUN","KeepAlive":true}',
  '{"request":"nope","keepalive":true}{"request":"getTun","keepalive":true}',
  '{"request":"getSelf","keepalive":true}\n{"request":"getTun","keepalive":true}\n{"request":"getTun"}\n{"request":"getTun"}',
  '{"request":"getTun"}x',
  '{"request":"getTun","arguments":null}',
  '{"request":"getTun","arguments":{"uri":5}}',
  '{"request":"getTun","arguments":[]}',
  '{"request":"getNodeInfo","arguments":{"key":7}}',
  '{"request":"debug_remoteGetPeers","arguments":true}',
  '{"request":5}',
  '{"request":5,"keepalive":true}',
  '{"request":"getTun","keepalive":"true"}',
  '{"request":""}',
  '{"foo":1}',
  'null\n',
  '[1,2]',
  '{a}',
  '@',
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  { half: '' },
  { half: '{"request":"getSe' },
  { half: '{"request":"getTun","keepalive":true}' },
  '{"request":"addPeer","arguments":{"uri":"tcp://127.0.0.1:2"}}',
  '{"request":"addPeer","arguments":{"uri":"tcp://127.0.0.1:2"}}',
  '{"request":"addPeer","arguments":{"uri":"tcp://127.0.0.1:2?priority=9"}}',
  '{"request":"addPeer","arguments":{"uri":"tcp://127.0.0.1:2","interface":"eth0"}}',
  '{"request":"removePeer","arguments":{"uri":"tcp://127.0.0.1:2","interface":"eth9"}}',
  '{"request":"removePeer","arguments":{"uri":"tcp://127.0.0.1:2","interface":"eth0"}}',
  '{"request":"removePeer","arguments":{"uri":"tcp://127.0.0.1:2"}}',
  '{"request":"removePeer","arguments":{"uri":"tcp://127.0.0.1:77"}}',
  '{"request":"addPeer","arguments":{"uri":"tcp://[::1"}}',
  '{"request":"addPeer","arguments":{"uri":"10.0.0.1:80"}}',
  '{"request":"addPeer","arguments":{"uri":"tcp://1.2.3.4:5?priority=300"}}',
  '{"request":"addPeer","arguments":{"uri":"tcp://1.2.3.4:5?key=zz"}}',
  `{"request":"addPeer","arguments":{"uri":"tcp://1.2.3.4:5?password=${'x'.repeat(65)}"}}`,
  '{"request":"addPeer","arguments":{"uri":"tcp://1.2.3.4:5?maxbackoff=1s"}}',
  '{"request":"addPeer","arguments":{"uri":5}}',
];

/** Fields that depend on what a node has lived through. */
const SOMETIMES = new Set(
  'address bytes_recvd bytes_sent rate_recvd rate_sent uptime latency last_error last_error_time name mtu'.split(' '),
);

/** Names and types of a value; the elements of a list are laid over one another. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    const shapes = value.map(shapeOf);
    const objects = shapes.filter((shape) => typeof shape === 'object');
    return objects.length > 0 ? [Object.assign({}, ...objects)] : [shapes[0] ?? 'empty'];
  }
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  const entries = Object.entries(value).map(([name, content]) => {
    // node info is what its owner likes
    if (/^[0-9a-f]{64}$/.test(name)) return ['<key>', 'json'];
    return [/^[23][0-9a-f]{2}:/.test(name) ? '<address>' : name, shapeOf(content)];
  });
  return Object.fromEntries(entries);
}

function sameShape(one: unknown, other: unknown, at: string): void {
  if (Array.isArray(one) && Array.isArray(other)) {
    if (one[0] !== 'empty' && other[0] !== 'empty') sameShape(one[0], other[0], `${at}[]`);
    return;
  }
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    assert.equal(one, other, `~> ${at}`);
    return;
  }
  const [a, b] = [one as Record<string, unknown>, other as Record<string, unknown>];
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (name in a && name in b) sameShape(a[name], b[name], `${at}.${name}`);
    else assert.ok(SOMETIMES.has(name), `~> ${at}.${name}: only one has it`);
  }
}

interface Played {
  sent: string;
  closed: boolean;
  answers: { error: string | undefined; request: unknown; response: unknown }[];
}

async function play(subject: Subject): Promise<Played[]> {
  const played: Played[] = [];
  for (const request of REQUESTS) {
    const half = typeof request === 'object';
    const sent = (half ? request.half : request).replace('"K"', JSON.stringify(subject.neighbour.key));
    const heard = await exchange(subject.socket, sent, { half });
    const hide = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(subject.neighbour.key, 'K'));
    played.push({
      sent: half ? `${request.half} and a half-close` : request,
      closed: heard.closed,
      answers: answersIn(heard.text).map(({ error, request, response }) => ({
        error,
        request: hide(request),
        response: shapeOf(response),
      })),
    });
    // a removed peer is on the list for a moment longer
    if (sent.includes('removePeer')) await sleep(300);
  }
  return played;
}

/** Two real nodes over loopback: `b` dials `a`, and somebody who is not there. */
class RealPair {
  private readonly children: ChildProcess[] = [];
  readonly exits: Promise<void>[] = [];

  constructor(private readonly directory: string) {}

  async start(yggdrasil: string, port: number): Promise<Subject> {
    const node = (name: string, listen: string[], peers: string[]): { socket: string; key: string } => {
      const config = JSON.parse(execFileSync(yggdrasil, ['-genconf', '-json'], { encoding: 'utf8' }));
      const socket = join(this.directory, `${name}.sock`);
      const file = join(this.directory, `${name}.conf`);
      Object.assign(config, { IfName: 'none', MulticastInterfaces: [], Listen: listen, Peers: peers });
      writeFileSync(file, JSON.stringify({ ...config, AdminListen: `unix://${socket}` }), { mode: 0o600 });
      const key = execFileSync(yggdrasil, ['-useconffile', file, '-publickey'], { encoding: 'utf8' }).trim();
      const child = spawn(yggdrasil, ['-useconffile', file], { stdio: 'ignore' });
      this.children.push(child);
      this.exits.push(new Promise((resolve) => child.once('exit', () => resolve())));
      return { socket, key };
    };
    const neighbour = node('a', [`tcp://127.0.0.1:${port}`], []);
    await sleep(1000);
    const subject = node('b', [], [`tcp://127.0.0.1:${port}`, 'tcp://127.0.0.1:1']);
    await sleep(1000);
    // nothing finds its way until both know one tree and have told each other who is where; a node waits 6 s for an answer
    const request = JSON.stringify({ request: 'getNodeInfo', arguments: { key: neighbour.key } });
    for (let tries = 0; tries < 10; tries++) {
      const [answer] = answersIn((await exchange(subject.socket, request, { silenceMs: 7000 })).text);
      if (answer?.status === 'success') return { ...subject, neighbour };
    }
    throw new Error('the two nodes did not find one another');
  }

  async stop(): Promise<void> {
    for (const child of this.children) child.kill();
    await Promise.all(this.exits);
  }
}

const conformance = suite('stand-in: conformance');
const yggdrasil = findYggdrasil();
if (yggdrasil) {
  conformance(`answers as ${yggdrasil.replace(/^.*\//, '')} does, and dies as it does`, () =>
    directory(async (path) => {
      const pair = new RealPair(path);
      const standin = await startStandin({ directory: path });
      try {
        const subject = await pair.start(yggdrasil, 40_000 + (process.pid % 20_000));
        const real = await play(subject);
        const [a, b] = [standin.node('a'), standin.node('b')];
        const played = await play({ socket: a.socket, key: a.key, neighbour: { socket: b.socket, key: b.key } });
        for (const [i, { sent, closed, answers }] of real.entries()) {
          const mine = played[i]!;
          assert.is(mine.closed, closed, `~> ${sent}: closed`);
          assert.is(mine.answers.length, answers.length, `~> ${sent}: answers`);
          for (const [n, answer] of answers.entries()) {
            assert.is(mine.answers[n]!.error, answer.error, `~> ${sent}`);
            assert.equal(mine.answers[n]!.request, answer.request, `~> ${sent}`);
            sameShape(mine.answers[n]!.response, answer.response, sent);
          }
        }
        const [answer] = answersIn((await exchange(subject.neighbour.socket, '{"request":"getPeers"}')).text);
        const { peers } = answer!.response as { peers: { remote: string; inbound: boolean }[] };
        const uri = peers.find((peer) => peer.inbound)!.remote;
        const kill = JSON.stringify({ request: 'removePeer', arguments: { uri } });
        assert.equal(await exchange(subject.neighbour.socket, kill), { text: '', closed: true });
        await pair.exits[0];
      } finally {
        await pair.stop();
        await standin.close();
      }
    }),
  );
} else {
  console.log('skipped: stand-in against a real yggdrasil: none in the cache, and MESHBRIDGE_YGGDRASIL names none');
  conformance('plays every request without a real node to compare with', () =>
    directory(async (path) => {
      const standin = await startStandin({ directory: path });
      const [a, b] = [standin.node('a'), standin.node('b')];
      const played = await play({ socket: a.socket, key: a.key, neighbour: { socket: b.socket, key: b.key } });
      assert.ok(played.every(({ answers }) => answers.length > 0));
      await standin.close();
    }),
  );
}
conformance.run();
