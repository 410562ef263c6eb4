import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, LinkDownError } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import type { AdviserRecord } from '../../src/mesh/adviser.ts';
import { Node } from '../../src/mesh/node.ts';
import type { PeeringName } from '../../src/mesh/peer.ts';
import { Peering } from '../../src/mesh/peering.ts';
import { type Trial, Trials } from '../../src/mesh/trial.ts';
import { AdviserSource } from '../../src/source/adviser.ts';
import { YggdrasilSource } from '../../src/source/yggdrasil.ts';
import { AdviserFile } from '../../src/system/adviser-file.ts';
import { FakeAdmin, peerEntry } from '../support/admin.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { MemoryRouter } from '../support/router.ts';

const MINUTE = 60_000;
const LIST = '/var/run/meshbridge/publicnodes.json';
const RECORD = '/var/run/meshbridge/adviser.json';
const HOSTS = { '198.51.100.1': 10, '203.0.113.1': 20, '192.0.2.1': 30, '192.0.2.2': 5 };
const url = (host: string): string => `tls://${host}:443`;
const NEAREST = ['192.0.2.2', '198.51.100.1', '203.0.113.1'].map(url);

/** A Yggdrasil whose peerings come up a minute after they were added. */
class Yggdrasil extends FakeAdmin {
  readonly peerings = new Map<string, number>();
  readonly silent = new Set<string>();
  refusing: Error | undefined;

  constructor(private readonly clock: ManualClock) {
    super();
  }

  override getPeers = async () => {
    if (!this.up) throw new LinkDownError('not connected');
    const entries = [...this.peerings].map(([remote, sinceMs]) => {
      const uptime = Math.floor((this.clock.monotonicMs() - sinceMs) / 1000) - 60;
      const key = [...remote].map((char) => char.charCodeAt(0).toString(16)).join('');
      if (uptime < 0 || this.silent.has(remote)) return peerEntry(remote, { up: false, key: undefined, uptime: 0 });
      return peerEntry(remote, { key: key.padEnd(64, '0').slice(0, 64), uptime, bytes_recvd: uptime * 100 });
    });
    return { peers: entries };
  };

  override async addPeer(uri: string): Promise<'added' | 'present'> {
    if (this.refusing) throw this.refusing;
    const known = this.peerings.has(uri);
    if (!known) this.peerings.set(uri, this.clock.monotonicMs());
    return known ? 'present' : 'added';
  }

  override async removePeer(uri: string): Promise<'removed'> {
    if (!this.up) throw new LinkDownError('not connected');
    this.peerings.delete(uri);
    return 'removed';
  }
}

/** A router with one Yggdrasil; every host answers after its latency. */
class Desk {
  readonly router = new MemoryRouter();
  readonly clock = this.router.clock;
  readonly yggdrasil = new Yggdrasil(this.clock);
  online: boolean | undefined = true;
  configured: PeeringName[] = [];
  trialRecord: readonly Trial[] = [];
  dials = 0;
  node!: Node;
  peering!: Peering;
  adviser!: AdviserSource;
  private source!: YggdrasilSource;
  private trials!: Trials;

  constructor(list: string | undefined = listOf(HOSTS)) {
    if (list !== undefined) this.router.write(LIST, list);
    this.startDaemon();
  }

  startDaemon(): void {
    const { clock } = this;
    const nowMs = () => clock.monotonicMs();
    this.node = new Node(
      'ygg0',
      'config',
      { configured: () => this.configured, dialledHere: () => undefined, nameOf: () => undefined },
      () => {},
    );
    const pace = { briskMs: 2000, idleMs: 30_000, probe: false };
    const after = { nameless: () => undefined, learnName: async () => {}, polled: () => {} };
    this.source = new YggdrasilSource(this.node, this.yggdrasil, clock, SILENT, pace, after);
    this.node.source = this.source;
    const store = {
      load: () => [...this.trialRecord],
      save: (trials: readonly Trial[]) => {
        this.trialRecord = trials;
      },
    };
    this.trials = new Trials(store, clock, () => void this.peering.undoTrials());
    const config = {
      peers: () => this.configured,
      options: () => undefined,
      keep: async () => 'added' as const,
      forget: async () => 'absent' as const,
    };
    this.peering = new Peering(this.node, this.source, config, this.trials, nowMs);
    this.adviser = new AdviserSource({
      host: this.router,
      random: () => 0,
      view: {
        members: () => [{ node: this.node, peering: this.peering }],
        configured: () => this.configured,
        isOnline: () => this.online,
      },
      store: new AdviserFile(this.router.files, '/var/run/meshbridge/adviser.json', SILENT),
      list: LIST,
      log: SILENT,
    });
  }

  /** Without a chance to tidy up. */
  killDaemon(): void {
    this.adviser.stop();
    this.trials.stop();
    this.source.stop();
  }

  link(up: boolean): void {
    this.yggdrasil.up = up;
    this.source.onLink(up, up ? undefined : new LinkDownError('ended'));
    if (!up) return;
    void this.peering.undoTrials();
    this.adviser.linkUp('ygg0');
  }

  async run(ms: number): Promise<void> {
    const { streams } = this.router;
    for (const endMs = this.clock.monotonicMs() + ms; this.clock.monotonicMs() < endMs; ) {
      await this.clock.advance(5);
      for (; this.dials < streams.dialled.length; this.dials++) {
        const end = streams.dialled[this.dials]!;
        const { host } = end.endpoint as { host: string };
        this.clock.after((HOSTS as Record<string, number>)[host] ?? 40, () => end.closed || end.accept());
      }
      // nothing happens sooner while nobody is measured
      if (this.adviser.status().state !== 'measuring') await this.clock.advance(Math.min(995, endMs));
    }
    await settle();
  }

  /** Switched on, connected, and three are kept. */
  async keepThree(): Promise<this> {
    this.adviser.setEnabled(true);
    this.link(true);
    await this.run(40 * MINUTE);
    assert.equal(this.roles('kept'), NEAREST);
    return this;
  }

  roles(role: string): string[] {
    return this.adviser.status().candidates.flatMap((c) => (c.role === role ? [c.uri] : []));
  }

  get peerings(): string[] {
    return [...this.yggdrasil.peerings.keys()];
  }

  get record(): AdviserRecord {
    return JSON.parse(this.router.text(RECORD));
  }
}

function listOf(hosts: object): string {
  return JSON.stringify({ germany: Object.fromEntries(Object.keys(hosts).map((host) => [url(host), { up: true }])) });
}

const OFF = { enabled: false, state: 'off', listed: 0, candidates: [] };

const life = suite('AdviserSource');
life('holds nothing and does nothing while it is off', async () => {
  const desk = new Desk();
  const read: string[] = [];
  desk.router.files.onRead = (path) => read.push(path);
  desk.adviser.setEnabled(false);
  desk.adviser.setEnabled(false);
  assert.equal([desk.clock.pending, read, desk.router.files.writes], [0, [RECORD, RECORD], []]);
  assert.equal(desk.adviser.status(), OFF);
});
life('measures, tries and keeps', async () => {
  const desk = new Desk();
  desk.adviser.setEnabled(true);
  desk.link(true);
  const states: string[] = [];
  for (let i = 0; i < 50; i++) {
    await desk.run(MINUTE);
    const { state } = desk.adviser.status();
    if (states.at(-1) !== state) states.push(state);
  }
  assert.equal(states, ['measuring', 'trial', 'content']);
  assert.equal(desk.peerings, NEAREST);
  assert.equal(desk.trialRecord, []);
  assert.equal(
    desk.record.kept,
    NEAREST.map((uri) => ({ interface: 'ygg0', uri })),
  );
  const { enabled, listed, candidates, next_s, problem } = desk.adviser.status();
  assert.equal([enabled, listed, candidates.length, problem], [true, 4, 4, undefined]);
  assert.ok(next_s! > 5 * 3600);
  assert.is(candidates[0]!.latency_ms, 5);
});
life('dials gently', async () => {
  const desk = await new Desk().keepThree();
  assert.is(desk.router.streams.dialled.length, 12);
  await desk.run(5 * 60 * MINUTE);
  assert.is(desk.router.streams.dialled.length, 12);
});
life('says that there is no list, and notices one that comes', async () => {
  const desk = new Desk('');
  desk.router.files.remove(LIST);
  desk.adviser.setEnabled(true);
  desk.link(true);
  await desk.run(10 * MINUTE);
  assert.equal(desk.adviser.status(), { enabled: true, state: 'no_list', listed: 0, candidates: [] });
  desk.router.write(LIST, listOf(HOSTS));
  await desk.run(MINUTE);
  assert.is(desk.adviser.status().listed, 4);
  assert.is(desk.adviser.status().state, 'trial');
});
life('says what is wrong with a list, until it is replaced', async () => {
  const desk = new Desk('<html>');
  desk.adviser.setEnabled(true);
  assert.match(desk.adviser.status().problem!, /^list: expected the JSON of publicnodes\.json, got /);
  assert.is(desk.adviser.status().state, 'no_list');
  desk.router.write(LIST, listOf(HOSTS));
  desk.adviser.setEnabled(true);
  assert.is(desk.adviser.status().problem, undefined);
});
life('waits for a line, and says so', async () => {
  const desk = new Desk();
  desk.online = false;
  desk.adviser.setEnabled(true);
  desk.link(true);
  await desk.run(60 * MINUTE);
  assert.is(desk.router.streams.dialled.length, 0);
  const { state, problem } = desk.adviser.status();
  assert.equal([state, problem], ['waiting', 'no line to the Internet: it waits for one']);
});
life('breaks a round off when the line goes, and begins another half an hour later', async () => {
  const many = Array.from({ length: 30 }, (_, i) => [`198.51.${i}.1`, 0]);
  const desk = new Desk(listOf(Object.fromEntries(many)));
  desk.adviser.setEnabled(true);
  desk.link(true);
  await desk.run(65_000);
  assert.is(desk.adviser.status().state, 'measuring');
  desk.online = false;
  await desk.run(40_000);
  assert.is(desk.adviser.status().state, 'waiting');
  desk.online = true;
  const { length } = desk.router.streams.dialled;
  await desk.run(20 * MINUTE);
  assert.is(desk.router.streams.dialled.length, length);
  await desk.run(15 * MINUTE);
  assert.is(desk.adviser.status().state, 'trial');
});
life('removes everything when it is undone, and rests', async () => {
  const desk = await new Desk().keepThree();
  desk.yggdrasil.peerings.set('tls://10.0.0.1:1', 0);
  assert.is(
    await desk.adviser.undo(),
    '3 peerings removed; the adviser rests until it is switched off and on, or the daemon starts again',
  );
  assert.equal(desk.peerings, ['tls://10.0.0.1:1']);
  assert.equal([desk.record.kept, desk.record.leaving], [[], []]);
  const resting = { ...OFF, enabled: true, problem: 'undone by hand: it rests until it is switched off and on' };
  desk.adviser.setEnabled(true);
  await desk.run(24 * 60 * MINUTE);
  assert.equal(desk.adviser.status(), resting);
  assert.equal(desk.peerings, ['tls://10.0.0.1:1']);
  desk.adviser.setEnabled(false);
  desk.adviser.setEnabled(true);
  await desk.run(40 * MINUTE);
  assert.is(desk.roles('kept').length, 3);
});
life('removes what is on trial, too, when it is undone', async () => {
  const desk = new Desk();
  desk.adviser.setEnabled(true);
  desk.link(true);
  await desk.run(5 * MINUTE);
  assert.equal([desk.peerings, desk.trialRecord.length], [[NEAREST[0]!], 1]);
  assert.match(await desk.adviser.undo(), /^1 peering removed; /);
  assert.equal([desk.peerings, desk.trialRecord.length], [[], 0]);
});
life('removes later what it cannot remove at once', async () => {
  const desk = await new Desk().keepThree();
  desk.link(false);
  assert.match(await desk.adviser.undo(), /^3 peerings removed, 3 of them as soon as Yggdrasil answers; /);
  assert.is(desk.record.leaving.length, 3);
  desk.link(true);
  await desk.run(MINUTE);
  assert.equal(desk.peerings, []);
  assert.equal(desk.record.leaving, []);
});
life('refuses to undo what is off', async () => {
  const desk = new Desk();
  desk.adviser.setEnabled(false);
  try {
    await desk.adviser.undo();
    assert.unreachable();
  } catch (error) {
    assert.instance(error, InputError);
  }
});
life('removes everything when it is switched off, and is gone then', async () => {
  const desk = await new Desk().keepThree();
  desk.adviser.setEnabled(false);
  await desk.run(MINUTE);
  assert.equal([desk.peerings, desk.adviser.status()], [[], OFF]);
  assert.equal(desk.record.kept, []);
});
life('removes what an earlier daemon left, when it is off', async () => {
  const desk = await new Desk().keepThree();
  desk.killDaemon();
  desk.startDaemon();
  desk.adviser.setEnabled(false);
  desk.link(true);
  await desk.run(MINUTE);
  assert.equal(desk.peerings, []);
});
life('leaves nothing of a trial behind when the daemon is killed', async () => {
  const desk = new Desk();
  desk.adviser.setEnabled(true);
  desk.link(true);
  await desk.run(5 * MINUTE);
  assert.equal(desk.peerings, [NEAREST[0]!]);
  desk.killDaemon();
  desk.startDaemon();
  desk.link(true);
  await desk.run(MINUTE);
  assert.equal([desk.peerings, desk.trialRecord], [[], []]);
});
life('goes on with what it keeps when the daemon or Yggdrasil starts again', async () => {
  const desk = await new Desk().keepThree();
  desk.killDaemon();
  desk.startDaemon();
  desk.adviser.setEnabled(true);
  desk.link(true);
  await desk.run(MINUTE);
  assert.equal(desk.roles('kept'), NEAREST);
  desk.link(false);
  desk.yggdrasil.peerings.clear();
  await desk.run(MINUTE);
  desk.link(true);
  await desk.run(MINUTE);
  assert.equal(desk.peerings, NEAREST);
});
life('never removes a peering that people made meanwhile', async () => {
  const desk = new Desk();
  desk.yggdrasil.refusing = new InputError('uri: is a peer already');
  desk.adviser.setEnabled(true);
  desk.link(true);
  await desk.run(90_000);
  desk.yggdrasil.peerings.set(NEAREST[0]!, 0);
  await desk.run(60 * MINUTE);
  assert.equal(desk.peerings, [NEAREST[0]!]);
});
life('has what may have been added in spite of an error removed', async () => {
  const desk = new Desk();
  const add = desk.yggdrasil.addPeer;
  desk.yggdrasil.addPeer = async (uri) => {
    await add.call(desk.yggdrasil, uri);
    throw new LinkDownError('ended before the answer');
  };
  desk.adviser.setEnabled(true);
  desk.link(true);
  await desk.run(90 * MINUTE);
  assert.equal([desk.peerings, desk.roles('kept')], [[], []]);
});
life('leaves no timer behind when it is stopped', async () => {
  const desk = new Desk();
  desk.adviser.setEnabled(true);
  const before = new ManualClock().pending;
  await desk.run(1000);
  desk.killDaemon();
  await settle();
  assert.is(desk.clock.pending, before);
});
life.run();
