// What every host owes the port, written once against `Host`; real sockets, files and children below one directory.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { joinBytes } from '../../src/lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Endpoint, Host, ListenEndpoint, Stream, StreamEvents } from '../../src/transport/host.ts';
import { testCrypto } from './crypto.ts';

/** Far beyond what any step takes: reaching it means that it never comes. */
const PATIENCE_MS = 20_000;
const BIG_BYTES = 8 * 1024 * 1024;

/** Everything that one stream told, in order. */
class Witness implements StreamEvents {
  events: string[] = [];
  chunks: Uint8Array[] = [];
  bytes = 0;
  error: Error | undefined;
  stream!: Stream;
  /** Of an accepted one: the address of its other side. */
  from: string | undefined;
  constructor(private readonly then: Partial<StreamEvents> = {}) {}
  onOpen(): void {
    this.events.push('open');
    this.then.onOpen?.();
  }
  onData(bytes: Uint8Array): void {
    if (this.events.at(-1) !== 'data') this.events.push('data');
    this.chunks.push(bytes);
    this.bytes += bytes.length;
    this.then.onData?.(bytes);
  }
  onDrain(): void {
    this.events.push('drain');
    this.then.onDrain?.();
  }
  onClose(error: Error | undefined): void {
    this.events.push('close');
    this.error = error;
    this.then.onClose?.(error);
  }
  get closed(): boolean {
    return this.events.includes('close');
  }
  get text(): string {
    return decodeUtf8(joinBytes(this.chunks));
  }
}

/** Registers the suites of the port contract; `directory` is empty and the test's own. */
export function testPort(host: Host, directory: string): void {
  const { streams, clock, files, processes } = host;
  let names = 0;
  const path = (): string => `${directory}/${++names}`;
  const unique = host.randomBytes(6).join('');
  const abstract = (): ListenEndpoint => ({ path: `@meshbridge-${unique}-${++names}` });

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  async function until(what: string, condition: () => boolean): Promise<void> {
    const endMs = clock.monotonicMs() + PATIENCE_MS;
    while (!condition()) {
      if (clock.monotonicMs() > endMs) throw new Error(`never: ${what}`);
      await sleep(1);
    }
  }

  function dial(to: Endpoint, then?: Partial<StreamEvents>): Witness {
    const witness = new Witness(then);
    witness.stream = streams.dial(to, witness);
    return witness;
  }

  /** Accepts everything; each accepted stream is in `peers`. */
  function listen(at: ListenEndpoint, then: (stream: Stream) => Partial<StreamEvents> = () => ({})) {
    const peers: Witness[] = [];
    const close = streams.listen(at, (stream, from) => {
      const peer = new Witness(then(stream));
      peer.stream = stream;
      peer.from = from;
      peers.push(peer);
      return peer;
    });
    return { at, peers, close };
  }

  const echo = (stream: Stream): Partial<StreamEvents> => ({ onData: (bytes) => void stream.write(bytes) });

  /** A listener on a port that is free, below those that the kernel gives out by itself. */
  function listenTcp(address: string, then?: (stream: Stream) => Partial<StreamEvents>) {
    for (let i = 0; ; i++) {
      const [high, low] = host.randomBytes(2);
      try {
        return listen({ host: address, port: 20_000 + ((high! * 256 + low!) % 10_000) }, then);
      } catch (error) {
        if (i === 20) throw error;
      }
    }
  }

  const hasIpv6 = decodeUtf8(files.read('/proc/net/if_inet6', 65536) ?? new Uint8Array()).includes(' lo');
  const LISTENERS: [string, (then?: (stream: Stream) => Partial<StreamEvents>) => ReturnType<typeof listen>][] = [
    ['a unix socket', (then) => listen({ path: path() }, then)],
    ['an abstract socket', (then) => listen(abstract(), then)],
    ['TCP over IPv4', (then) => listenTcp('127.0.0.1', then)],
  ];
  if (hasIpv6) LISTENERS.push(['TCP over IPv6', (then) => listenTcp('::1', then)]);

  /** Both ends of a connection, open. */
  async function pair(then: Partial<StreamEvents> = {}) {
    const server = listen({ path: path() });
    const near = dial(server.at, then);
    await until('connected', () => near.events.includes('open') && server.peers.length === 1);
    server.close();
    return { near, far: server.peers[0]! };
  }

  // ---

  const dialling = suite('dial and listen');
  for (const [name, listenAt] of LISTENERS) {
    dialling(`carries bytes both ways over ${name}`, async () => {
      const server = listenAt(echo);
      const near = dial(server.at);
      near.stream.write(encodeUtf8('before it is open, '));
      await until('open', () => near.events.includes('open'));
      near.stream.write(encodeUtf8('and after'));
      await until('all is back', () => near.text === 'before it is open, and after');
      assert.is(near.events[0], 'open');
      near.stream.close();
      await until('the server saw the end', () => server.peers[0]!.closed);
      assert.is(server.peers[0]!.error, undefined);
      assert.not.ok(near.closed, '~> the one who closes is not told');
      server.close();
    });
    dialling(`carries ${BIG_BYTES} bytes each way at once over ${name}, bounded by back-pressure`, async () => {
      const block = new Uint8Array(65536);
      for (let i = 0; i < block.length; i++) block[i] = (i * 7) & 255;
      const pump = (get: () => Stream): (() => void) => {
        let sent = 0;
        let most = 0;
        return () => {
          for (let room = true; room && sent < BIG_BYTES; sent += block.length) {
            room = get().write(block);
            most = Math.max(most, get().queuedBytes);
          }
          assert.ok(most <= block.length, `~> at most one write is queued, not ${most} bytes`);
        };
      };
      const checked = (): Partial<StreamEvents> => {
        let at = 0;
        return {
          onData: (bytes) => {
            for (let i = 0; i < bytes.length; i += 4093)
              if (bytes[i] !== (((at + i) & 65535) * 7) % 256) throw new Error(`wrong byte at ${at + i}`);
            at += bytes.length;
          },
        };
      };
      const server = listenAt((stream) => {
        const fill = pump(() => stream);
        clock.after(0, fill);
        return { ...checked(), onDrain: fill };
      });
      const fill = pump(() => near.stream);
      const near = dial(server.at, { ...checked(), onOpen: fill, onDrain: fill });
      await until('all arrived', () => near.bytes === BIG_BYTES && server.peers[0]?.bytes === BIG_BYTES);
      near.stream.close();
      server.close();
    });
  }
  dialling('tells of a socket that is not there', async () => {
    const to = path();
    const near = dial({ path: to });
    assert.equal(near.events, [], '~> not from inside dial');
    await until('closed', () => near.closed);
    assert.is(near.error?.message, `connect ${to}: No such file or directory`);
    assert.equal(near.events, ['close']);
  });
  dialling('tells of refused connections', async () => {
    const name = abstract();
    const server = listenTcp('127.0.0.1');
    server.close();
    const nears = [dial(name), dial(server.at)];
    await until('closed', () => nears.every((near) => near.closed));
    assert.is(nears[0]!.error?.message, `connect ${'path' in name && name.path}: Connection refused`);
    assert.is(
      nears[1]!.error?.message,
      `connect 127.0.0.1:${'port' in server.at && server.at.port}: Connection refused`,
    );
  });
  if (hasIpv6)
    dialling('writes IPv6 addresses in brackets', async () => {
      const server = listenTcp('::1');
      server.close();
      const near = dial(server.at);
      await until('closed', () => near.closed);
      assert.is(near.error?.message, `connect [::1]:${'port' in server.at && server.at.port}: Connection refused`);
    });
  const IMPOSSIBLE: [ListenEndpoint, string][] = [
    [{ path: 'relative' }, 'connect relative: expected an absolute path or @name'],
    [{ path: `/${'x'.repeat(107)}` }, `connect /${'x'.repeat(107)}: File name too long`],
    [{ host: '127.0.0.1', port: 0 }, 'connect 127.0.0.1:0: expected a port from 1 to 65535'],
    [{ host: '-f x', port: 1 }, 'connect -f x:1: expected a host name or a numeric address'],
  ];
  for (const [to, message] of IMPOSSIBLE) {
    dialling(`refuses ${JSON.stringify(to).slice(0, 40)}`, async () => {
      const near = dial(to);
      await until('closed', () => near.closed);
      assert.is(near.error?.message, message);
      assert.throws(
        () => listen(to),
        (error: Error) => error.message === message.replace('connect', 'listen'),
      );
    });
  }
  dialling('tells nothing more after close, whatever was under way', async () => {
    const server = listen({ path: path() }, (stream) => {
      stream.write(encodeUtf8('welcome'));
      return {};
    });
    const early = dial(server.at);
    early.stream.close();
    const missing = dial({ path: path() });
    missing.stream.close();
    const inOpen = dial(server.at, { onOpen: () => inOpen.stream.close() });
    const inData = dial(server.at, { onData: () => inData.stream.close() });
    await until('the last one spoke', () => inData.events.includes('data'));
    await sleep(5);
    assert.equal([early.events, missing.events, inOpen.events, inData.events], [[], [], ['open'], ['open', 'data']]);
    early.stream.close();
    early.stream.setReading(true);
    assert.is(early.stream.write(encodeUtf8('late')), false);
    assert.is(early.stream.queuedBytes, 0);
    server.close();
  });
  dialling('listens where nobody else does, and leaves nothing behind', async () => {
    const server = listen({ path: path() });
    const name = 'path' in server.at ? server.at.path : '';
    assert.throws(
      () => listen(server.at),
      (error: Error) => new RegExp(`^listen ${name}: Address (already )?in use$`).test(error.message),
    );
    assert.throws(
      () => listen({ path: `${path()}/x` }),
      (error: Error) => /^listen .*: No such file or directory$/.test(error.message),
    );
    server.close();
    server.close();
    assert.not.ok(files.list(directory).includes(name.slice(directory.length + 1)));
    listen(server.at).close();
  });
  dialling('replaces a socket file that nobody answers on, but no other file', async () => {
    const at = path();
    // what a killed server leaves: bound, not listening
    const script = 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])';
    if (await run(['python3', '-c', script, at]).catch(() => undefined)) listen({ path: at }).close();
    files.write(at, encodeUtf8('precious'), 0o600);
    assert.throws(() => listen({ path: at }), /in use/);
    assert.is(decodeUtf8(files.read(at, 100)!), 'precious');
  });
  dialling('closes and dials 2,000 times with as many descriptors open as before', async () => {
    const server = listen({ path: path() }, echo);
    const count = (): number => files.list('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 2000; i++) {
      const near = dial(server.at);
      near.stream.write(encodeUtf8('x'));
      // one in four is left at once, the others in turn by either side
      if (i % 4 === 0) near.stream.close();
      else {
        await new Promise<void>((resolve) => {
          near.onData = () => resolve();
        });
        if (i % 2 === 0) near.stream.close();
        else server.peers.at(-1)!.stream.close();
      }
    }
    await until('all closed', () => count() <= before);
    server.close();
  });
  dialling.run();

  // ---

  const flow = suite('Stream');
  flow('holds the other side back while it does not read', async () => {
    const { near, far } = await pair();
    near.stream.setReading(false);
    let sent = 0;
    while (far.stream.write(new Uint8Array(65536))) sent += 65536;
    const other = await pair();
    other.far.stream.write(encodeUtf8('x'));
    await until('another stream works', () => other.near.bytes === 1);
    assert.is(near.bytes, 0);
    assert.ok(far.stream.queuedBytes > 0);
    near.stream.setReading(true);
    await until('all arrived', () => near.bytes === sent + 65536);
    await until('drained', () => far.events.includes('drain'));
    assert.is(far.stream.queuedBytes, 0);
    assert.equal(far.events, ['drain']);
    for (const end of [near, far, other.near, other.far]) end.stream.close();
  });
  flow('keeps the order of small and large writes', async () => {
    const { near, far } = await pair();
    near.stream.setReading(false);
    let written = '';
    for (let i = 0; i < 3000; i++) {
      const text = `${i}:${'.'.repeat((i * 37) % 400)};`;
      written += text;
      far.stream.write(encodeUtf8(text));
    }
    near.stream.setReading(true);
    await until('all arrived', () => near.bytes === written.length);
    assert.ok(near.text === written, '~> the same, in order');
    near.stream.close();
    far.stream.close();
  });
  flow('hands over what was sent before the end', async () => {
    const { near, far } = await pair();
    far.stream.write(encodeUtf8('last words'));
    far.stream.close();
    await until('closed', () => near.closed);
    assert.is(near.text, 'last words');
    assert.equal(near.events, ['open', 'data', 'close']);
    assert.is(near.error, undefined);
  });
  flow('tells once that the other side is gone, never from inside write', async () => {
    const { near, far } = await pair();
    near.stream.setReading(false);
    far.stream.close();
    let inside = false;
    await until('closed', () => {
      inside = !near.closed;
      near.stream.write(new Uint8Array(4096));
      if (inside && near.closed) throw new Error('told from inside write');
      return near.closed;
    });
    assert.match(near.error!.message, /: write: (Broken pipe|Connection reset by peer)$/);
    assert.equal(near.events.filter((event) => event === 'close').length, 1);
  });
  flow('lets streams speak while another one floods', async () => {
    const flood = await pair();
    const quiet = await pair();
    const fill = (): void => {
      while (flood.far.stream.write(new Uint8Array(65536)));
    };
    flood.far.onDrain = fill;
    fill();
    for (let i = 1; i <= 50; i++) {
      quiet.far.stream.write(encodeUtf8('x'));
      await until('the quiet one is heard', () => quiet.near.bytes === i);
    }
    for (const end of [flood.near, flood.far, quiet.near, quiet.far]) end.stream.close();
  });
  flow.run();

  // ---

  const addresses = suite('addresses');
  const comesFrom = async (server: ReturnType<typeof listen>, from?: string): Promise<string | undefined> => {
    const at = server.at as { host: string; port: number };
    const near = dial(from === undefined ? at : { ...at, from });
    await until('accepted', () => server.peers.length === 1);
    near.stream.close();
    server.close();
    return server.peers[0]!.from;
  };
  addresses('of who comes over IPv4 are told', async () => {
    assert.is(await comesFrom(listenTcp('127.0.0.1')), '127.0.0.1');
  });
  addresses('of who comes over IPv6 are told', async () => {
    if (hasIpv6) assert.is(await comesFrom(listenTcp('::1')), '::1');
  });
  addresses('are empty over a unix socket', async () => {
    assert.is(await comesFrom(listen({ path: path() })), '');
  });
  addresses('are those that a stream is told to come from', async () => {
    assert.is(await comesFrom(listenTcp('127.0.0.1'), '127.0.0.7'), '127.0.0.7');
  });
  for (const [from, why] of [
    // as glibc, and as musl says it
    ['192.0.2.1', '(Cannot assign requested address|Address not available)'],
    ['here', 'not a numeric address'],
  ] as const)
    addresses(`do not do when they are ${from}`, async () => {
      const server = listenTcp('127.0.0.1');
      const near = dial({ ...(server.at as { host: string; port: number }), from });
      await until('closed', () => near.closed);
      assert.match(near.error!.message, new RegExp(`^connect (127\\.0\\.0\\.1|here):\\d+: ${why}$`));
      assert.is(server.peers.length, 0);
      server.close();
    });
  addresses.run();

  // ---

  const resolving = suite('names');
  resolving('resolves localhost', async () => {
    const server = listenTcp('127.0.0.1', echo);
    const near = dial({ host: 'localhost', port: 'port' in server.at ? server.at.port : 0 });
    near.stream.write(encodeUtf8('by name'));
    await until('echoed', () => near.text === 'by name');
    near.stream.close();
    server.close();
  });
  resolving('names every address that failed', async () => {
    const server = listenTcp('127.0.0.1');
    server.close();
    const near = dial({ host: 'localhost', port: 'port' in server.at ? server.at.port : 0 });
    await until('closed', () => near.closed);
    assert.match(near.error!.message, /connect 127\.0\.0\.1:\d+: Connection refused/);
  });
  resolving('says that a name is unknown', async () => {
    const name = `${'x'.repeat(64)}.invalid`; // longer than a label may be: no server is asked
    const near = dial({ host: name, port: 1 });
    await until('closed', () => near.closed);
    assert.is(near.error?.message, `resolve ${name}: unknown name`);
  });
  resolving('forgets a name that is not wanted any more', async () => {
    const near = dial({ host: 'localhost', port: 1 });
    near.stream.close();
    await sleep(50);
    assert.equal(near.events, []);
  });
  const resolve = (name: string) => new Promise((answer) => host.names.resolve(name, answer));
  resolving('gives the addresses of a name', async () => {
    assert.ok(((await resolve('localhost')) as string[]).includes('127.0.0.1'));
  });
  resolving('says of a name that it is unknown, and of a text that it is none', async () => {
    const unknown = `${'x'.repeat(64)}.invalid`;
    assert.is(((await resolve(unknown)) as Error).message, `resolve ${unknown}: unknown name`);
    for (const text of ['', '192.0.2.1', '::1', 'a b', 'a\0b'])
      assert.is(((await resolve(text)) as Error).message, `resolve ${text}: expected a host name`);
  });
  resolving('does not tell of a name that was cancelled, and lets it be cancelled when it is over', async () => {
    let told = 0;
    const cancel = host.names.resolve('localhost', () => told++);
    cancel();
    cancel();
    await sleep(50);
    assert.is(told, 0);
    const over = await new Promise<() => void>((answer) => {
      const late = host.names.resolve('localhost', () => answer(late));
    });
    over();
  });
  resolving.run();

  // ---

  const time = suite('Clock');
  time('keeps the order of equal and of different times', async () => {
    const seen: string[] = [];
    for (const [name, ms] of [['c', 20], ['a', 0], ['d', 20], ['b', 5]] as const) // biome-ignore format: a table
      clock.after(ms, () => seen.push(name));
    clock.after(5, () => seen.push('never'))();
    await sleep(25);
    assert.equal(seen, ['a', 'b', 'c', 'd']);
  });
  time('is never early', async () => {
    for (const ms of [0, 1, 7.3, 30]) {
      const start = clock.monotonicMs();
      await sleep(ms);
      assert.ok(clock.monotonicMs() - start >= ms, `~> after ${ms} ms`);
    }
  });
  time('never fires from inside `after`, and leaves room for streams', async () => {
    const { near, far } = await pair();
    let turns = 0;
    let stop = false;
    const again = (): void => {
      turns++;
      if (!stop) clock.after(0, again);
    };
    clock.after(-5, again);
    assert.is(turns, 0);
    far.stream.write(encodeUtf8('x'));
    await until('heard', () => near.bytes === 1);
    stop = true;
    assert.ok(turns > 0);
    near.stream.close();
    far.stream.close();
  });
  time('tells the time of day', () => assert.ok(clock.unixMs() > 1_700_000_000_000));
  time.run();

  // ---

  const filing = suite('Files');
  filing('writes and reads a file as a whole', () => {
    const file = path();
    files.write(file, encodeUtf8('old'), 0o600);
    files.write(file, new Uint8Array([0, 1, 255, 10]).subarray(1, 3), 0o640);
    assert.equal([...files.read(file, 2)!], [1, 255]);
    assert.equal([...files.read(file, 100)!], [1, 255]);
    files.write(file, new Uint8Array(0), 0o600);
    assert.is(files.read(file, 0)?.length, 0);
  });
  filing('keeps absent, empty and too large apart', () => {
    const file = path();
    assert.is(files.read(file, 10), undefined);
    files.write(file, encodeUtf8('0123456789'), 0o600);
    assert.is(files.read(file, 10)?.length, 10);
    assert.throws(() => files.read(file, 9), text(`read ${file}: larger than 9 bytes`));
  });
  filing('reads files of the kernel that have no size', () => {
    assert.match(decodeUtf8(files.read('/proc/self/status', 65536)!), /^Name:/);
    assert.throws(() => files.read('/proc/self/status', 5), /larger than 5 bytes/);
  });
  filing('gives a file its mode whatever the umask', async () => {
    const file = path();
    files.write(file, new Uint8Array(1), 0o666);
    assert.is((await run(['stat', '-c', '%a', file])).stdout, '666\n');
  });
  filing('leaves a file its mode and its owner where it is told to', async () => {
    const file = path();
    files.write(file, new Uint8Array(1), 0o604, true);
    assert.is((await run(['stat', '-c', '%a', file])).stdout, '604\n', '~> there was none');
    const isRoot = (await run(['id', '-u'])).stdout === '0\n';
    if (isRoot) await run(['chown', '480:481', file]);
    const owner = (await run(['stat', '-c', '%u:%g', file])).stdout;
    if (isRoot) assert.is(owner, '480:481\n');
    files.write(file, new Uint8Array(2), 0o600, true);
    assert.is((await run(['stat', '-c', '%a %u:%g %s', file])).stdout, `604 ${owner.trim()} 2\n`);
    files.write(file, new Uint8Array(3), 0o600);
    assert.is((await run(['stat', '-c', '%a', file])).stdout, '600\n');
    if (isRoot)
      assert.is((await run(['stat', '-c', '%u', file])).stdout, '0\n', '~> else it is whose program wrote it');
  });
  filing('lists names in order, and nothing where nothing is', () => {
    const folder = path();
    assert.equal(files.list(folder), []);
    files.write(`${directory}/z-b`, new Uint8Array(1), 0o600);
    files.write(`${directory}/z-a`, new Uint8Array(1), 0o600);
    assert.equal(
      files.list(directory).filter((name) => name.startsWith('z-')),
      ['z-a', 'z-b'],
    );
    files.remove(`${directory}/z-a`);
    files.remove(`${directory}/z-a`);
    assert.equal(
      files.list(directory).filter((name) => name.startsWith('z-')),
      ['z-b'],
    );
  });
  filing('says which path failed and why, and leaves nothing behind', async () => {
    const gone = path();
    const folder = path();
    await run(['mkdir', folder]);
    const before = files.list(directory);
    assert.throws(() => files.write(`${gone}/x`, new Uint8Array(1), 0o600), text(`write ${gone}/x: No such file or directory`)); // biome-ignore format: one line each
    assert.throws(() => files.write(folder, new Uint8Array(1), 0o600), text(`write ${folder}: Is a directory`));
    assert.throws(() => files.read(folder, 10), text(`read ${folder}: Is a directory`));
    assert.throws(() => files.list('/proc/self/status'), text('list /proc/self/status: Not a directory'));
    assert.throws(() => files.remove(folder), text(`remove ${folder}: Is a directory`));
    assert.throws(() => files.read('relative', 1), text('read relative: expected an absolute path'));
    assert.throws(() => files.read('/etc/passwd\0.txt', 1), /a zero byte/);
    assert.equal(files.list(directory), before);
  });
  filing.run();

  // ---

  /** Runs a child to its end. */
  function run(argv: string[], input?: Uint8Array) {
    return new Promise<{ stdout: string; stderr: string; bytes: number; status: object }>((resolve) => {
      let stdout = '';
      let stderr = '';
      let bytes = 0;
      const child = processes.spawn(argv, {
        onStdout: (chunk) => {
          bytes += chunk.length;
          if (bytes < 10_000) stdout += decodeUtf8(chunk);
        },
        onStderr: (chunk) => {
          stderr += decodeUtf8(chunk);
        },
        onExit: (status) => resolve({ stdout, stderr, bytes, status }),
      });
      if (input) child.write(input);
      child.write(undefined);
    });
  }

  const spawning = suite('Processes');
  spawning('feeds a child and hears it out', async () => {
    const { stdout, stderr, status } = await run(['sh', '-c', 'cat; echo oops >&2; exit 3'], encodeUtf8('input'));
    assert.equal([stdout, stderr, status], ['input', 'oops\n', { code: 3 }]);
  });
  spawning('gives arguments as they are, without a shell', async () => {
    const { stdout } = await run(['printf', '%s|', 'a b', '$HOME', '*', '', '"']);
    assert.is(stdout, 'a b|$HOME|*||"|');
  });
  spawning('carries a megabyte in and out', async () => {
    const { bytes, status } = await run(['cat'], new Uint8Array(1_000_000));
    assert.equal([bytes, status], [1_000_000, { code: 0 }]);
  });
  spawning('bears a child that does not read', async () => {
    assert.equal((await run(['true'], new Uint8Array(1_000_000))).status, { code: 0 });
  });
  spawning('tells the signal that killed it', async () => {
    const status = await new Promise<object>((resolve) => {
      processes.spawn(['sleep', '60'], { onExit: resolve }).kill(15);
    });
    assert.equal(status, { signal: 15 });
  });
  spawning('says at once which program cannot be started', () => {
    const file = path();
    files.write(file, encodeUtf8('#!/bin/sh'), 0o600);
    const spawn = (...argv: string[]) => processes.spawn(argv, { onExit: () => assert.unreachable() });
    assert.throws(() => spawn('no-such-program'), text('spawn no-such-program: No such file or directory'));
    assert.throws(() => spawn(`${file}/x`), /^spawn .*: (No such file or directory|Not a directory)$/);
    assert.throws(() => spawn(file), text(`spawn ${file}: Permission denied`));
    assert.throws(() => spawn(), text('spawn: no program given'));
    assert.throws(() => spawn('echo', 'a\0b'), text('spawn echo: a zero byte in an argument'));
  });
  spawning('does not wait for a grandchild that keeps the pipes', async () => {
    const { stdout, status } = await run(['sh', '-c', 'sleep 60 & echo $!']);
    assert.equal(status, { code: 0 });
    await run(['kill', stdout.trim()]);
  });
  spawning('leaves no descriptor behind', async () => {
    const count = (): number => files.list('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 20; i++) await run(['true']);
    await until('all closed', () => count() <= before);
  });
  spawning.run();

  // ---

  const signals = suite('onSignal');
  signals('gives the signal to who asked', async () => {
    let hangUps = 0;
    host.onSignal('SIGHUP', () => hangUps++);
    host.onSignal('SIGUSR1', () => assert.unreachable());
    await run(['sh', '-c', 'kill -HUP $PPID']);
    await until('heard', () => hangUps === 1);
  });
  signals.run();

  testCrypto(host.crypto, async () => sleep(0));

  const random = suite('randomBytes');
  random('gives as many bytes as asked for, and never the same', () => {
    assert.is(host.randomBytes(0).length, 0);
    assert.is(host.randomBytes(100_000).length, 100_000);
    assert.not.equal([...host.randomBytes(16)], [...host.randomBytes(16)]);
  });
  random.run();
}

/** For `assert.throws`: exactly this message. */
function text(message: string): (error: Error) => boolean {
  return (error) => {
    assert.is(error.message, message);
    return true;
  };
}
