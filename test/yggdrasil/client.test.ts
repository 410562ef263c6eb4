import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, InputError, LinkDownError, RemoteError, TimeoutError, WireError } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Log } from '../../src/log.ts';
import { YggdrasilClient } from '../../src/yggdrasil/client.ts';
import oldList from '../fixtures/yggdrasil/0.4.7-a-list.json';
import peers from '../fixtures/yggdrasil/0.5.12-a-getPeers-after-traffic.json';
import self from '../fixtures/yggdrasil/0.5.12-a-getSelf-after-traffic.json';
import list from '../fixtures/yggdrasil/0.5.12-b-list.json';
import extra from '../fixtures/yggdrasil/0.5.12-keepalive-halfclose.json';
import { ManualClock, settle } from '../support/clock.ts';
import { type FarEnd, MemoryStreams } from '../support/stream.ts';

const OWN = '5f834fd742aa1172a88edd5c5fd17b9ed797d051c00ac0247254db85aa992419';
const KEY = '4512203662748b353e55c974da1247501b28711f0135fb3dab9ef82894adee11';
const OUT = 'tls://10.99.0.2:4001';
const IN = 'tcp://10.99.0.4:42832';

interface Asked {
  request: string;
  arguments: Record<string, string>;
  keepalive: boolean;
}

/** Takes the requests that came in since the last call. */
function asked(end: FarEnd): Asked[] {
  return decodeUtf8(end.take())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function answerTo(request: Asked, response: unknown): string {
  return `${JSON.stringify({ status: 'success', request, response }, null, 2)}\n`;
}

function responseOf(captured: { response: string }): unknown {
  return JSON.parse(captured.response).response;
}

function send(end: FarEnd, text: string): void {
  end.send(encodeUtf8(text));
}

/** What a promise came to, without waiting for it. */
function outcome<T>(promise: Promise<T>): { value?: T; error?: Error } {
  const result: { value?: T; error?: Error } = {};
  promise.then(
    (value) => {
      result.value = value;
    },
    (error) => {
      result.error = error;
    },
  );
  return result;
}

class Bench {
  readonly streams = new MemoryStreams();
  readonly clock = new ManualClock();
  readonly changes: boolean[] = [];
  readonly lines: string[] = [];
  readonly client: YggdrasilClient;

  constructor() {
    const line = (event: string): void => {
      this.lines.push(event);
    };
    const log: Log = { error: line, warn: line, info: line, debug() {} };
    this.client = new YggdrasilClient({
      streams: this.streams,
      clock: this.clock,
      random: () => 0.999,
      endpoint: { path: '/tmp/yggdrasil/ygg0.sock' },
      log,
      name: 'ygg0',
      onChange: (up) => this.changes.push(up),
    });
    this.client.start();
  }

  /** Plays the node up to the moment when the client counts as up. */
  async connect(version = '0.5.12'): Promise<FarEnd> {
    const end = this.streams.last().accept();
    await this.clock.advance(1000);
    this.answer(end, responseOf(list));
    await settle();
    this.answer(end, { ...(responseOf(self) as object), build_version: version });
    await settle();
    return end;
  }

  /** Answers the one request that is waiting. */
  answer(end: FarEnd, response: unknown): Asked {
    const requests = asked(end);
    assert.is(requests.length, 1, '~> one request is waiting');
    send(end, answerTo(requests[0]!, response));
    return requests[0]!;
  }
}

const link = suite('YggdrasilClient: link');
link('asks nothing for a second after the connection stands', async () => {
  const { streams, clock } = new Bench();
  const end = streams.last().accept();
  await clock.advance(999);
  assert.is(end.take().length, 0);
  await clock.advance(1);
  assert.equal(asked(end), [{ request: 'list', arguments: {}, keepalive: true }]);
});
link('is up when it knows commands, key and version', async () => {
  const bench = new Bench();
  assert.is(bench.client.node, undefined);
  await bench.connect();
  assert.equal(bench.changes, [true]);
  assert.is(bench.client.up, true);
  assert.is(bench.client.node!.key, OWN);
  assert.is(bench.client.node!.version, '0.5.12');
  assert.ok(bench.client.node!.commands.has('gettree'));
  assert.is(bench.client.report().state, 'up');
});
for (const version of ['0.5.5', '0.5.14', '0.5.14-3-gabcdef', '0.6.0', 'unknown']) {
  link(`takes a node of version ${version}`, async () => {
    const bench = new Bench();
    await bench.connect(version);
    assert.is(bench.client.up, true);
  });
}
link('refuses 0.4, says so once, and looks again after a minute', async () => {
  const bench = new Bench();
  for (let round = 1; round <= 3; round++) {
    const end = bench.streams.last().accept();
    await bench.clock.advance(1000);
    assert.is(asked(end)[0]!.request, 'list');
    send(end, oldList.response);
    await settle();
    assert.is(end.closed, true);
    assert.is(bench.client.report().state, 'waiting');
    assert.is(bench.client.report().last_error, 'yggdrasil 0.4 is too old: needs 0.5.5 or newer');
    await bench.clock.advance(59_000);
    assert.is(bench.streams.dialled.length, round);
    await bench.clock.advance(1000);
    assert.is(bench.streams.dialled.length, round + 1);
  }
  assert.equal(bench.lines, ['yggdrasil 0.4 is too old: needs 0.5.5 or newer']);
  assert.equal(bench.changes, []);
  await bench.connect();
  assert.is(bench.client.up, true);
  assert.is(bench.client.report().last_error, undefined);
});
link('refuses 0.5.4, and tells whoever asks', async () => {
  const bench = new Bench();
  const end = await bench.connect('0.5.4');
  assert.is(end.closed, true);
  const result = outcome(bench.client.getPeers());
  await settle();
  assert.instance(result.error, LinkDownError);
  assert.match(result.error!.message, /yggdrasil\.ygg0: not connected: yggdrasil 0\.5\.4 is too old/);
});
link('stops looking for a newer node when it is stopped', async () => {
  const bench = new Bench();
  await bench.connect('0.5.0');
  bench.client.stop();
  assert.is(bench.clock.pending, 0);
  await bench.clock.advance(200_000);
  assert.is(bench.streams.dialled.length, 1);
});
link('waits for a node whose list is not complete', async () => {
  const bench = new Bench();
  const end = bench.streams.last().accept();
  await bench.clock.advance(1000);
  bench.answer(end, { list: [{ command: 'list' }] });
  await settle();
  assert.is(end.closed, true);
  await bench.clock.advance(500);
  await bench.connect();
  assert.is(bench.client.up, true);
});
link('serves a node that returned within 3 s of its return, however long it was gone', async () => {
  const bench = new Bench();
  (await bench.connect()).end();
  assert.equal(bench.changes, [true, false]);
  for (let waited = 0; waited < 120_000; waited += 100) {
    await bench.clock.advance(100);
    const last = bench.streams.last();
    if (!last.closed) last.end(new Error('connect: no such file'));
  }
  const before = bench.streams.dialled.length;
  await bench.clock.advance(500);
  assert.is(bench.streams.dialled.length, before + 1, '~> dials at least every 500 ms');
  await bench.connect();
  assert.equal(bench.changes, [true, false, true]);
});
link('reads key and version anew after each connection', async () => {
  const bench = new Bench();
  (await bench.connect('0.5.10')).end();
  assert.is(bench.client.node, undefined);
  await bench.clock.advance(500);
  await bench.connect('0.5.12');
  assert.is(bench.client.node!.version, '0.5.12');
});
link('leaves no timer and no connection behind when it stops', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const local = outcome(bench.client.getPeers());
  const remote = outcome(bench.client.getNodeInfo(KEY));
  await settle();
  bench.client.stop();
  await settle();
  assert.is(bench.clock.pending, 0);
  assert.is(end.closed, true);
  assert.is(bench.streams.last().closed, true);
  assert.instance(local.error, LinkDownError);
  assert.instance(remote.error, LinkDownError);
});
link('does nothing after it was stopped while settling', async () => {
  const bench = new Bench();
  const end = bench.streams.last().accept();
  await bench.clock.advance(500);
  bench.client.stop();
  await bench.clock.advance(5000);
  assert.is(end.take().length, 0);
  assert.is(bench.streams.dialled.length, 1);
});
link.run();

// ---

const local = suite('YggdrasilClient: local requests');
local('asks by name, always with arguments and keepalive', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const { client } = bench;
  const names: [() => Promise<unknown>, string][] = [
    [() => client.getSelf(), 'getself'],
    [() => client.getPeers(), 'getpeers'],
    [() => client.getSessions(), 'getsessions'],
    [() => client.getPaths(), 'getpaths'],
    [() => client.getTree(), 'gettree'],
    [() => client.getTun(), 'gettun'],
    [() => client.getMulticastInterfaces(), 'getmulticastinterfaces'],
  ];
  for (const [ask, name] of names) {
    const result = outcome(ask());
    await settle();
    assert.equal(bench.answer(end, { [name]: 1 }), { request: name, arguments: {}, keepalive: true });
    await settle();
    assert.equal(result.value, { [name]: 1 });
  }
});
local('matches answers by order, also when they come in one part or byte by byte', async () => {
  for (const size of [1_000_000, 1, 7]) {
    const bench = new Bench();
    const end = await bench.connect();
    const results = [bench.client.getSelf(), bench.client.getTun(), bench.client.getSelf()].map(outcome);
    await settle();
    const requests = asked(end);
    assert.is(requests.length, 3, '~> all are sent at once');
    const bytes = encodeUtf8(requests.map((request, i) => answerTo(request, { nth: i })).join(''));
    for (let at = 0; at < bytes.length; at += size) end.send(bytes.slice(at, at + size));
    await settle();
    assert.equal(
      results.map((result) => result.value),
      [{ nth: 0 }, { nth: 1 }, { nth: 2 }],
    );
  }
});
local('passes the words of a refusal on and keeps the connection', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const result = outcome(bench.client.getTun());
  await settle();
  asked(end);
  send(
    end,
    '{"status":"error","error":"unknown action \'gettun\', try \'list\' for help","request":{"request":"gettun"},"response":null}',
  );
  await settle();
  assert.instance(result.error, RemoteError);
  assert.match(result.error!.message, /unknown action/);
  assert.is(bench.client.up, true);
});
local('refuses the 65th request that would wait', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const results = Array.from({ length: 65 }, () => outcome(bench.client.getTun()));
  await settle();
  assert.is(results.filter((result) => result.error).length, 1);
  assert.instance(results[64]!.error, BusyError);
  for (const request of asked(end)) send(end, answerTo(request, {}));
  await settle();
  assert.is(results.filter((result) => result.value).length, 64);
});
local('gives a connection up that does not answer in 5 s, and dials again', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const first = outcome(bench.client.getPeers());
  await bench.clock.advance(1000);
  const second = outcome(bench.client.getTun());
  await bench.clock.advance(3999);
  assert.is(end.closed, false);
  await bench.clock.advance(1);
  assert.instance(first.error, TimeoutError);
  assert.is(first.error!.message, 'getpeers: no answer within 5000 ms');
  assert.instance(second.error, LinkDownError);
  assert.is(end.closed, true);
  assert.equal(bench.changes, [true, false]);
  await bench.clock.advance(500);
  await bench.connect();
  assert.is(bench.client.up, true);
});
local('rejects at once while the node is not connected', async () => {
  const bench = new Bench();
  bench.streams.last().end(new Error('connect /tmp/yggdrasil/ygg0.sock: No such file or directory'));
  const { client } = bench;
  for (const ask of [() => client.getPeers(), () => client.getNodeInfo(KEY), () => client.addPeer('tcp://a:1')]) {
    const result = outcome<unknown>(ask());
    await settle();
    assert.instance(result.error, LinkDownError);
    assert.match(result.error!.message, /^yggdrasil\.ygg0: not connected: connect .*: No such file/);
  }
});

const MISBEHAVIOUR: [string, (end: FarEnd) => void, RegExp][] = [
  ['garbage', (end) => send(end, '@@@'), /expected { or \[, got byte 0x40 at byte/],
  ['an HTTP answer', (end) => send(end, 'HTTP/1.1 400 Bad Request\r\n'), /got byte 0x48/],
  ['what is no JSON', (end) => send(end, '{"status" "success"}'), /not JSON/],
  [
    'the answer to something else',
    (end) => send(end, answerTo({ request: 'gettun', arguments: {}, keepalive: true }, {})),
    /expected one to "getpeers", got one to "gettun"/,
  ],
  [
    'an answer without a response',
    (end) => send(end, '{"status":"success"}'),
    /expected status "success" with a response/,
  ],
  ['nesting without end', (end) => send(end, '['.repeat(100_000)), /nested deeper than 64/],
  ['a closed connection', (end) => end.end(), /closed the connection/],
  ['a broken connection', (end) => end.end(new Error('read: Connection reset by peer')), /reset by peer/],
  [
    'half an answer and the end',
    (end) => {
      send(end, '{"status":"succ');
      end.end();
    },
    /closed the connection/,
  ],
];
for (const [what, misbehave, message] of MISBEHAVIOUR) {
  local(`survives ${what}: this link is dropped, the next one works`, async () => {
    const bench = new Bench();
    const end = await bench.connect();
    const result = outcome(bench.client.getPeers());
    await settle();
    misbehave(end);
    await settle();
    assert.match(result.error!.message, message);
    assert.is(end.closed, true);
    assert.is(bench.client.up, false);
    await bench.clock.advance(500);
    const again = await bench.connect();
    const next = outcome(bench.client.getPeers());
    await settle();
    bench.answer(again, { peers: [] });
    await settle();
    assert.equal(next.value, { peers: [] });
  });
}
local('drops a connection that answers without being asked', async () => {
  for (const text of ['{}', '{"a"', extra.response]) {
    const bench = new Bench();
    const end = await bench.connect();
    send(end, text);
    assert.is(end.closed, true);
    assert.match(bench.client.report().last_error!, /nobody asked for/);
  }
});
local('drops a connection that answers before it was asked anything', async () => {
  const bench = new Bench();
  const end = bench.streams.last().accept();
  send(end, self.response);
  assert.is(end.closed, true);
  await bench.clock.advance(5000);
  assert.is(end.take().length, 0);
});
local('takes no more than 2 MiB of a flood', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const result = outcome(bench.client.getPeers());
  await settle();
  const part = new Uint8Array(65_536).fill(0x20);
  send(end, '{"peers":["');
  let taken = 0;
  while (!end.closed && taken < 64 << 20) {
    end.send(part);
    taken += part.length;
  }
  await settle();
  assert.ok(taken <= (2 << 20) + part.length, `~> took ${taken}`);
  assert.instance(result.error, WireError);
  assert.match(result.error!.message, /at most 2097152 bytes/);
});
local('gives up on half an answer and silence', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const result = outcome(bench.client.getPeers());
  await settle();
  send(end, peers.response.slice(0, 1000));
  await bench.clock.advance(5000);
  assert.instance(result.error, TimeoutError);
  assert.is(end.closed, true);
});
local('gives up on a node that is silent from the start', async () => {
  const bench = new Bench();
  const end = bench.streams.last().accept();
  await bench.clock.advance(6000);
  assert.is(end.closed, true);
  assert.is(bench.client.report().last_error, 'list: no answer within 5000 ms');
});
local.run();

// ---

const change = suite('YggdrasilClient: peerings');
change('adds a peering in the form that the node takes', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const result = outcome(bench.client.addPeer('TLS://[fe80::1%mesh0]:1?priority=3', 'mesh0'));
  await settle();
  assert.equal(bench.answer(end, {}), {
    request: 'addpeer',
    arguments: { uri: 'tls://[fe80::1%25mesh0]:1?priority=3', interface: 'mesh0' },
    keepalive: true,
  });
  await settle();
  assert.is(result.value, 'added');
});
for (const words of ['peer is already configured', 'Peer is already configured']) {
  change(`tells when a peering is there already (${words})`, async () => {
    const bench = new Bench();
    const end = await bench.connect();
    const result = outcome(bench.client.addPeer(OUT));
    await settle();
    asked(end);
    send(end, JSON.stringify({ status: 'error', error: words, request: null, response: null }));
    await settle();
    assert.is(result.value, 'present');
  });
}
change('sends no URI that cannot work', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  for (const uri of ['', 'http://x:1', 'tcp://1.2.3.4', 'tcp://[200::1]:5', 'tls://a:1?password=']) {
    const result = outcome(bench.client.addPeer(uri));
    await settle();
    assert.instance(result.error, InputError);
  }
  assert.is(end.take().length, 0);
});
change('repeats no password that the node quotes', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const result = outcome(bench.client.addPeer('tls://a:1?password=hunter2'));
  await settle();
  asked(end);
  send(
    end,
    '{"status":"error","error":"unable to parse peering URI: parse \\"tls://a:1?password=hunter2\\": no","request":null,"response":null}',
  );
  await settle();
  assert.instance(result.error, RemoteError);
  assert.not.match(result.error!.message, /hunter2/);
});
change('removes an outgoing peering, after the node confirmed that it is one', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const result = outcome(bench.client.removePeer(`${OUT}?priority=3`));
  await settle();
  assert.is(bench.answer(end, responseOf(peers)).request, 'getpeers');
  await settle();
  assert.equal(bench.answer(end, {}), { request: 'removepeer', arguments: { uri: OUT }, keepalive: true });
  await settle();
  assert.is(result.value, 'removed');
});
const NOT_REMOVED: [string, string, unknown][] = [
  ['inbound', IN, responseOf(peers)],
  [
    'inbound and outgoing',
    OUT,
    {
      peers: [
        { remote: OUT, inbound: false },
        { remote: OUT, inbound: true },
      ],
    },
  ],
  ['of unknown direction', OUT, { peers: [{ remote: OUT }] }],
];
for (const [what, uri, answer] of NOT_REMOVED) {
  change(`never removes a link that is ${what}`, async () => {
    const bench = new Bench();
    const end = await bench.connect();
    const result = outcome(bench.client.removePeer(uri));
    await settle();
    bench.answer(end, answer);
    await settle();
    assert.instance(result.error, InputError);
    assert.match(result.error!.message, /is inbound/);
    assert.is(end.take().length, 0, '~> nothing was sent');
  });
}
change('sends nothing for a peering that is not there', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  for (const answer of [{ peers: [] }, { peers: null }, {}]) {
    const result = outcome(bench.client.removePeer(OUT));
    await settle();
    bench.answer(end, answer);
    await settle();
    assert.is(result.value, 'absent');
    assert.is(end.take().length, 0);
  }
});
change.run();

// ---

function keyOf(n: number): string {
  return n.toString(16).padStart(64, '0');
}

const remote = suite('YggdrasilClient: remote requests');
remote('go over a connection of their own, which is kept and then closed after 30 s', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const result = outcome(bench.client.getNodeInfo(KEY.toUpperCase()));
  await settle();
  const line = bench.streams.last();
  assert.is.not(line, end);
  assert.is(line.take().length, 0, '~> nothing is written before it stands');
  line.accept();
  assert.equal(bench.answer(line, { [KEY]: {} }), { request: 'getnodeinfo', arguments: { key: KEY }, keepalive: true });
  await settle();
  assert.equal(result.value, { [KEY]: {} });
  await bench.clock.advance(29_000);
  const again = outcome(bench.client.remotePeers(KEY));
  await settle();
  assert.is(bench.streams.dialled.length, 2);
  assert.is(bench.answer(line, { a: { keys: [] } }).request, 'debug_remotegetpeers');
  await settle();
  assert.equal(again.value, { a: { keys: [] } });
  await bench.clock.advance(29_999);
  assert.is(line.closed, false);
  await bench.clock.advance(1);
  assert.is(line.closed, true);
  assert.is(bench.client.up, true);
});
remote('share one question per kind and key', async () => {
  const bench = new Bench();
  await bench.connect();
  const first = outcome(bench.client.getNodeInfo(KEY));
  const second = outcome(bench.client.getNodeInfo(KEY.toUpperCase()));
  const other = outcome(bench.client.remoteSelf(KEY));
  await settle();
  assert.is(bench.streams.dialled.length, 3, '~> two lines');
  const [info, self] = [bench.streams.dialled[1]!.accept(), bench.streams.dialled[2]!.accept()];
  bench.answer(info, { [KEY]: 1 });
  bench.answer(self, { a: 2 });
  await settle();
  assert.equal(first.value, { [KEY]: 1 });
  assert.is(second.value, first.value);
  assert.equal(other.value, { a: 2 });
  const later = outcome(bench.client.getNodeInfo(KEY));
  await settle();
  assert.is(bench.streams.dialled.length, 3);
  bench.answer(info, { [KEY]: 3 });
  await settle();
  assert.equal(later.value, { [KEY]: 3 });
});
remote('refuse the own key and what is no key, without asking', async () => {
  const bench = new Bench();
  await bench.connect();
  for (const [key, message] of [
    [OWN, /that of this node/],
    [OWN.toUpperCase(), /that of this node/],
    ['abc', /expected 64 hex digits/],
  ] as const) {
    const result = outcome(bench.client.getNodeInfo(key));
    await settle();
    assert.instance(result.error, InputError);
    assert.is((result.error as InputError).field, 'key');
    assert.match(result.error!.message, message);
  }
  assert.is(bench.streams.dialled.length, 1);
});
remote('use four connections at most, and queue 32 questions', async () => {
  const bench = new Bench();
  await bench.connect();
  const results = Array.from({ length: 40 }, (_, n) => outcome(bench.client.getNodeInfo(keyOf(n))));
  await settle();
  assert.is(bench.streams.dialled.length, 5);
  assert.is(results.filter((result) => result.error instanceof BusyError).length, 4);
  const lines = bench.streams.dialled.slice(1).map((line) => line.accept());
  for (let round = 0; round < 9; round++) {
    for (const line of lines) bench.answer(line, {});
    await settle();
  }
  assert.is(results.filter((result) => result.value).length, 36);
  assert.is(bench.streams.dialled.length, 5);
});
remote('time out after 7 s, alone', async () => {
  const bench = new Bench();
  await bench.connect();
  const slow = outcome(bench.client.getNodeInfo(keyOf(1)));
  const quick = outcome(bench.client.getNodeInfo(keyOf(2)));
  await settle();
  const [first, second] = [bench.streams.dialled[1]!.accept(), bench.streams.dialled[2]!.accept()];
  bench.answer(second, {});
  await bench.clock.advance(6999);
  assert.is(slow.error, undefined);
  await bench.clock.advance(1);
  assert.instance(slow.error, TimeoutError);
  assert.equal(quick.value, {});
  assert.is(first.closed, true);
  assert.is(second.closed, false);
  assert.is(bench.client.up, true);
});
for (const words of ['timeout', 'Timed out waiting for response']) {
  remote(`time out when the node says so (${words})`, async () => {
    const bench = new Bench();
    await bench.connect();
    const result = outcome(bench.client.remoteSelf(KEY));
    await settle();
    const line = bench.streams.last().accept();
    asked(line);
    send(line, JSON.stringify({ status: 'error', error: words, request: null, response: null }));
    await settle();
    assert.instance(result.error, TimeoutError);
    assert.match(result.error!.message, /the node does not answer/);
    assert.is(line.closed, false);
  });
}
remote('fail when their connection does, and leave the rest alone', async () => {
  for (const misbehave of [
    (line: FarEnd) => line.end(new Error('connect: refused')),
    (line: FarEnd) => line.accept().end(),
    (line: FarEnd) => send(line.accept(), '@'),
    (line: FarEnd) => send(line.accept(), `{"a":"${'x'.repeat(600_000)}`),
  ]) {
    const bench = new Bench();
    await bench.connect();
    const result = outcome(bench.client.getNodeInfo(KEY));
    await settle();
    const line = bench.streams.last();
    misbehave(line);
    await settle();
    assert.ok(result.error, '~> it failed');
    assert.is(line.closed, true);
    assert.is(bench.client.up, true);
    const next = outcome(bench.client.getNodeInfo(KEY));
    await settle();
    bench.answer(bench.streams.last().accept(), {});
    await settle();
    assert.equal(next.value, {}, '~> the next one works');
  }
});
remote('fail together when a connection cannot be made, each queued one on a try of its own', async () => {
  const bench = new Bench();
  await bench.connect();
  const results = Array.from({ length: 6 }, (_, n) => outcome(bench.client.getNodeInfo(keyOf(n))));
  await settle();
  for (let n = 1; n <= 6; n++) {
    bench.streams.dialled[n]!.end(new Error('connect: refused'));
    await settle();
  }
  assert.is(results.filter((result) => result.error instanceof LinkDownError).length, 6);
});
remote('fail when the main connection is lost, since the node may be starting', async () => {
  const bench = new Bench();
  const end = await bench.connect();
  const results = Array.from({ length: 6 }, (_, n) => outcome(bench.client.getNodeInfo(keyOf(n))));
  await settle();
  const lines = bench.streams.dialled.slice(1, 5);
  end.end();
  await settle();
  assert.is(results.filter((result) => result.error instanceof LinkDownError).length, 6);
  assert.ok(lines.every((line) => line.closed));
  assert.is(bench.streams.dialled.length, 5);
});
remote('give up dialling after 7 s', async () => {
  const bench = new Bench();
  await bench.connect();
  const result = outcome(bench.client.getNodeInfo(KEY));
  await bench.clock.advance(7000);
  assert.instance(result.error, TimeoutError);
  assert.is(bench.streams.last().closed, true);
});
remote.run();
