import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TimeoutError } from '../../src/errors.ts';
import { connect, DIAL_STEP_MS } from '../../src/host/dial.ts';
import { type Native, READABLE } from '../../src/host/native.ts';
import { NativeStreams } from '../../src/host/stream.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Endpoint } from '../../src/transport/host.ts';
import { ManualClock } from '../support/clock.ts';

/** What becomes of a connection: it stands, it fails now or later, or nothing ever happens. */
type Fate = 'stands' | 'throws' | 'fails' | 'hangs';
/** What a handshake does on each step: it waits for more, ends with a server's key or fails. */
type Shake = 'waits' | 'key' | 'other key' | 'fails';

/** A machine whose resolver and connections do as the test says. */
class Machine {
  readonly tried: string[] = [];
  readonly open = new Set<number>();
  private readonly watchers = new Map<number, () => void>();
  private readonly connections = new Map<number, Fate>();
  private nextFd = 3;
  /** What the resolver says, in pieces; `undefined`: nothing, ever. */
  answer: string[] | undefined = [];
  acceptThrows = false;
  /** Connections that wait and are gone again before anybody can ask whose they are. */
  gone = 0;
  shake: Shake = 'key';
  readonly started: [fd: number, name: string, bytes: number][] = [];

  constructor(readonly fates: Readonly<Record<string, Fate>> = {}) {}

  get native(): Native {
    return this as unknown as Native;
  }

  connectTcp(address: string): number {
    this.tried.push(address);
    const fate = this.fates[address] ?? 'fails';
    if (fate === 'throws') throw new Error(`connect ${address}:1: Network is unreachable`);
    const fd = this.add();
    this.connections.set(fd, fate);
    return fd;
  }

  resolve(): number {
    return this.add();
  }

  listenUnix(): number {
    return this.add();
  }

  accept(): number | undefined {
    if (this.acceptThrows) throw new Error('accept: Too many open files');
    return this.gone-- > 0 ? this.add() : undefined;
  }

  peerAddress(): string {
    throw new Error('peer: Transport endpoint is not connected');
  }

  socketError(fd: number): string | undefined {
    return this.connections.get(fd) === 'fails' ? 'Connection refused' : undefined;
  }

  tlsStart(fd: number, name: string, authorities: ArrayBuffer, identity: ArrayBuffer): void {
    assert.is(this.watchers.has(fd), false, '~> nobody watches what becomes TLS');
    this.started.push([fd, name, authorities.byteLength + identity.byteLength]);
  }

  tlsHandshake(): number | ArrayBuffer {
    if (this.shake === 'fails') throw new Error('tls: alert 40 came');
    if (this.shake === 'waits') return READABLE;
    return new Uint8Array(36).fill(this.shake === 'key' ? 0 : 1, 4).buffer;
  }

  unixMs(): number {
    return Date.UTC(2030, 0);
  }

  read(): ArrayBuffer | null {
    const piece = this.answer?.shift();
    return piece === undefined ? null : (encodeUtf8(piece).buffer as ArrayBuffer);
  }

  watch(fd: number, events: number, callback?: () => void): void {
    assert.ok(this.open.has(fd), `~> ${fd} is open`);
    if (events === 0) this.watchers.delete(fd);
    else this.watchers.set(fd, callback!);
  }

  close(fd: number): void {
    assert.ok(this.open.delete(fd), `~> ${fd} is open`);
    this.watchers.delete(fd);
  }

  removeFile(): void {}

  get watching(): number {
    return this.watchers.size;
  }

  /** Tells everybody who watches, once. */
  tell(): void {
    for (const callback of [...this.watchers.values()]) callback();
  }

  /** Tells of all that is ready, until nothing is. */
  run(): void {
    for (let i = 0; i < 100; i++) {
      const ready = [...this.watchers].find(([fd]) =>
        this.connections.has(fd) ? this.connections.get(fd) !== 'hangs' : this.answer !== undefined,
      );
      if (!ready) return;
      ready[1]();
    }
  }

  private add(): number {
    this.open.add(this.nextFd);
    return this.nextFd++;
  }
}

function dial(machine: Machine, to: Endpoint = { host: 'node.example', port: 1 }) {
  const clock = new ManualClock();
  const outcomes: (number | Error)[] = [];
  const cancel = connect(machine.native, clock, to, (outcome) => outcomes.push(outcome));
  assert.equal(outcomes, [], '~> nothing from inside');
  /** Lets everything happen that needs no time. */
  const run = async (): Promise<void> => {
    machine.run();
    await clock.advance(0);
  };
  return { clock, outcomes, cancel, run };
}

function messageOf(outcome: number | Error | undefined): string {
  return outcome instanceof Error ? outcome.message : `connected as ${outcome}`;
}

const names = suite('connect to a name');
names('tries the addresses in the order of the resolver', async () => {
  const machine = new Machine({ '::1': 'fails', '::2': 'throws', '10.0.0.1': 'stands' });
  machine.answer = ['::1\n::', '2\n10.0', '.0.1\n10.0.0.2\n'];
  const { outcomes, run, clock } = dial(machine);
  await run();
  assert.equal(machine.tried, ['::1', '::2', '10.0.0.1']);
  assert.equal(outcomes, [...machine.open], '~> the one that stands is the only one open');
  assert.is(machine.watching, 0);
  assert.is(clock.pending, 0);
});
names('tells why each of them failed', async () => {
  const machine = new Machine({ '::2': 'throws' });
  machine.answer = ['::1\n::2\n'];
  const { outcomes, run } = dial(machine);
  await run();
  assert.is(messageOf(outcomes[0]), 'connect [::1]:1: Connection refused; connect ::2:1: Network is unreachable');
  assert.is(machine.open.size, 0);
});
names('goes on to the next address when one does not answer', async () => {
  const machine = new Machine({ '::1': 'hangs', '10.0.0.1': 'stands' });
  machine.answer = ['::1\n10.0.0.1\n'];
  const { outcomes, run, clock } = dial(machine);
  await run();
  await clock.advance(DIAL_STEP_MS - 1);
  assert.equal(machine.tried, ['::1']);
  await clock.advance(1);
  assert.equal(machine.tried, ['::1', '10.0.0.1']);
  await run();
  assert.type(outcomes[0], 'number');
});
names('gives the resolver up in time', async () => {
  const machine = new Machine();
  machine.answer = undefined;
  const { outcomes, run, clock } = dial(machine);
  await run();
  await clock.advance(DIAL_STEP_MS);
  assert.instance(outcomes[0], TimeoutError);
  assert.is(messageOf(outcomes[0]), `resolve node.example: no answer after ${DIAL_STEP_MS} ms`);
  assert.is(machine.open.size, 0);
});
names('tries at most eight addresses', async () => {
  const machine = new Machine();
  machine.answer = [Array.from({ length: 50 }, (_, i) => `10.0.0.${i}\n`).join('')];
  const { outcomes, run } = dial(machine);
  await run();
  assert.is(machine.tried.length, 8);
  assert.is(outcomes.length, 1);
});
names('reads at most 4 KiB of answer, and no address cut off', async () => {
  const machine = new Machine();
  machine.answer = ['10.0.0.1\n10.0.0', ...Array.from({ length: 50 }, () => 'x'.repeat(100))];
  const { run } = dial(machine);
  await run();
  assert.equal(machine.tried, ['10.0.0.1']);
  assert.ok(machine.answer.length > 0);
});
names('ends at each step when it is cancelled', async () => {
  for (const fate of ['hangs', 'fails'] as const) {
    for (const answer of [undefined, ['::1\n']]) {
      const machine = new Machine({ '::1': fate });
      machine.answer = answer;
      const { outcomes, cancel, clock } = dial(machine);
      machine.run();
      cancel();
      await clock.advance(10 * DIAL_STEP_MS);
      assert.equal(outcomes, []);
      assert.is(machine.open.size, 0);
      assert.is(clock.pending, 0);
    }
  }
});
names.run();

// ---

const numeric = suite('connect to an address');
for (const host of ['10.0.0.1', '::1', 'fe80::1%eth0', '::ffff:10.0.0.1']) {
  numeric(`asks no resolver for ${host}`, async () => {
    const machine = new Machine({ [host]: 'stands' });
    machine.answer = undefined;
    const { outcomes, run } = dial(machine, { host, port: 1 });
    await run();
    assert.equal(machine.tried, [host]);
    assert.type(outcomes[0], 'number');
  });
}
numeric('gives an address up in time', async () => {
  const machine = new Machine({ '::1': 'hangs' });
  const { outcomes, clock } = dial(machine, { host: '::1', port: 1 });
  await clock.advance(DIAL_STEP_MS);
  assert.instance(outcomes[0], TimeoutError);
  assert.is(messageOf(outcomes[0]), `connect [::1]:1: no answer after ${DIAL_STEP_MS} ms`);
});
for (const host of ['', '.', 'a b', 'a/b', 'x'.repeat(254), '-h', '1.2.3.4\0'])
  numeric(`refuses ${JSON.stringify(host).slice(0, 20)}`, async () => {
    const machine = new Machine();
    const { outcomes, run } = dial(machine, { host, port: 1 });
    await run();
    assert.match(messageOf(outcomes[0]), /: expected a host name or a numeric address$/);
    assert.is(machine.open.size, 0);
  });
numeric.run();

// ---

const secure = suite('connect through TLS');
const ZERO_KEY = `${'A'.repeat(43)}=`;
const TO = { host: '::1', port: 1, tls: { pins: [ZERO_KEY] } } as const;
secure('gives the descriptor when the server has proved who it is', async () => {
  const machine = new Machine({ '::1': 'stands' });
  const { outcomes, run, clock } = dial(machine, TO);
  await run();
  assert.equal(outcomes, [...machine.open]);
  assert.equal(machine.started, [[outcomes[0] as number, '', 0]]);
  assert.is(machine.watching, 0);
  assert.is(clock.pending, 0);
});
secure('asks for the host, or for the name that is given', async () => {
  const machine = new Machine({ '::1': 'stands' });
  for (const tls of [{ pins: [ZERO_KEY] }, { pins: [ZERO_KEY], serverName: 'other.example' }]) {
    machine.answer = ['::1\n'];
    await dial(machine, { host: 'node.example', port: 1, tls }).run();
  }
  assert.equal(
    machine.started.map(([, name]) => name),
    ['node.example', 'other.example'],
  );
});
secure('gives a handshake one time limit, whatever comes meanwhile', async () => {
  const machine = new Machine({ '::1': 'stands' });
  machine.shake = 'waits';
  const { outcomes, clock } = dial(machine, TO);
  machine.run();
  await clock.advance(DIAL_STEP_MS / 2);
  machine.run();
  await clock.advance(DIAL_STEP_MS / 2 - 1);
  machine.run();
  assert.equal(outcomes, []);
  await clock.advance(1);
  assert.instance(outcomes[0], TimeoutError);
  assert.is(messageOf(outcomes[0]), `connect [::1]:1: no answer after ${DIAL_STEP_MS} ms`);
  assert.is(machine.open.size, 0);
});
secure('goes on to the next address after another server, or none that speaks TLS', async () => {
  const machine = new Machine({ '::1': 'stands', '::2': 'stands' });
  for (const [shake, why] of [
    ['other key', `its key is ${'AQEB'.repeat(10)}AQE=, expected ${ZERO_KEY}`],
    ['fails', 'tls: alert 40 came'],
  ] as const) {
    machine.answer = ['::1\n::2\n'];
    machine.shake = shake;
    const { outcomes, run } = dial(machine, { ...TO, host: 'node.example' });
    await run();
    assert.is(messageOf(outcomes[0]), `connect [::1]:1: ${why}; connect [::2]:1: ${why}`);
    assert.is(machine.open.size, 0);
  }
});
secure('ends in the middle of a handshake when it is cancelled', async () => {
  const machine = new Machine({ '::1': 'stands' });
  machine.shake = 'waits';
  const { outcomes, cancel, clock } = dial(machine, TO);
  machine.run();
  cancel();
  await clock.advance(10 * DIAL_STEP_MS);
  assert.equal(outcomes, []);
  assert.is(machine.open.size, 0);
  assert.is(clock.pending, 0);
});
for (const tls of [
  {},
  { caFile: '/x' },
  { caFile: '/x', pins: [] },
  { serverName: '::1' },
  { pins: [], serverName: 'a b' },
])
  secure(`connects to no address when it should know its name: ${JSON.stringify(tls)}`, async () => {
    const machine = new Machine();
    const { outcomes, run } = dial(machine, { host: '::1', port: 1, tls });
    await run();
    assert.is(messageOf(outcomes[0]), 'connect [::1]:1: expected the name that its certificate is for');
    assert.equal(machine.tried, []);
  });
secure('says what is missing where TLS was left out', async () => {
  const machine = new Machine();
  Object.assign(machine, { tlsStart: undefined });
  const { outcomes, run } = dial(machine, TO);
  await run();
  assert.is(messageOf(outcomes[0]), 'connect [::1]:1: this program was built without TLS, install meshbridge-tls');
  assert.equal(machine.tried, []);
});
secure.run();

// ---

const listen = suite('listen without descriptors');
listen('waits a second before it accepts again, and not once it is closed', async () => {
  const machine = new Machine();
  const clock = new ManualClock();
  machine.acceptThrows = true;
  const watches: number[] = [];
  const watch = machine.watch.bind(machine);
  machine.watch = (fd, events, callback) => {
    watches.push(events);
    watch(fd, events, callback);
    if (events === READABLE && watches.length === 1) clock.after(0, callback!);
  };
  const close = new NativeStreams(machine.native, clock).listen({ path: '/x' }, () => {
    throw new Error('nobody came');
  });
  await clock.advance(0);
  assert.equal(watches, [READABLE, 0]);
  await clock.advance(999);
  assert.equal(watches, [READABLE, 0]);
  await clock.advance(1);
  assert.equal(watches, [READABLE, 0, READABLE]);
  close();
  close();
  assert.is(clock.pending, 0);
  assert.is(machine.open.size, 0);
});
listen('passes over who is gone again', async () => {
  const machine = new Machine();
  machine.gone = 3;
  const close = new NativeStreams(machine.native, new ManualClock()).listen({ path: '/x' }, () => {
    throw new Error('nobody came');
  });
  machine.tell();
  assert.is(machine.gone, -1);
  close();
  assert.is(machine.open.size, 0);
});
listen.run();
