// Checks of the operator's desk with real traffic: captains, reports and vouches, drain, undo, and all homes turned off at once.

import { CAPTAIN_PATHS } from '../../../src/api/lease.ts';
import { ECHO_PORT, INTERNET, WEB_PORT } from './address.ts';
import type { GetOptions, GetResult } from './ask.ts';
import { CAPTAIN, STRANGER } from './captain.ts';
import { choose, situation, untilExit } from './home-check.ts';
import { expect, type LabReport, ms } from './report.ts';
import { patient, sleep, until } from './until.ts';
import type { GatewayLetter, World } from './world.ts';

const REGISTRAR_PORT = 8080;
const TOO_MANY = 429;
const BREATH_MS = 1100;
const DRAIN_S = 20;
/** A home learns within this what is decided on it. */
const TOLD_MS = 5000;
const OBJECT = 'meshbridge.client';

type Table = Record<string, unknown>;

/** The operator, the captain, and a stranger who is a node of its own. */
export class DeskCheck {
  constructor(
    private readonly world: World,
    private readonly report: LabReport,
  ) {}

  async run(): Promise<void> {
    // what the configuration says of a home counts before what is decided at the desk
    for (const { name, daemon } of this.world.gateways.values()) {
      daemon.configure([this.world.registrar(name)]);
      daemon.reload();
    }
    await this.report.check('nothing is decided in the file any more', async () => {
      const configured = async (name: GatewayLetter): Promise<boolean> => {
        const { clients } = (await this.desk(name, 'list', { by: undefined })) as { clients: Table[] };
        return clients.some((client) => client.configured === true);
      };
      await until('both gateways read it again', async () => !(await configured('g1')) && !(await configured('g2')));
      await choose(this.world, 'g1');
      return 'the desk decides';
    });
    await this.reports();
    await this.stranger();
    await this.undo();
    await this.all();
    await this.drain();
    await this.vouch();
  }

  private desk(name: GatewayLetter, method: string, args: object = {}): Promise<Table> {
    return this.world.gateway(name).daemon.call(OBJECT, method, { by: 'the lab', ...args });
  }

  private status(): Promise<Table> {
    return this.world.home.call('meshbridge.lease', 'status');
  }

  /** Asks a registrar from the stranger's node. */
  private async ask(name: GatewayLetter, options: Omit<GetOptions, 'host'>): Promise<GetResult & { answer: Table }> {
    const host = this.world.gateway(name).node.address;
    const request = { host, port: REGISTRAR_PORT, timeoutMs: patient(5000), ...options };
    let got = await this.world.strangerHands.do('get', request);
    for (; got.status === TOO_MANY; got = await this.world.strangerHands.do('get', request)) await sleep(BREATH_MS);
    let answer: Table = {};
    try {
      answer = JSON.parse(got.body) as Table;
    } catch {
      // no JSON: whoever expects some says so
    }
    return { ...got, answer };
  }

  private message(word: 'report' | 'vouch', name: GatewayLetter, address: string, more: object = {}): object {
    const { node } = this.world.gateway(name);
    return { kind: word, address, at_s: Math.floor(Date.now() / 1000), gateway: node.key, ...more };
  }

  private async reports(): Promise<void> {
    const { world, report } = this;
    const home = world.homeNode.address;
    const canary = `${world.options.directory}/ran`;
    const reason = `spam; touch ${canary} $(touch ${canary}) \`touch ${canary}\` <img src=x onerror=alert(1)>`;
    const body = CAPTAIN.sign('report', this.message('report', 'g1', home, { reason, contact: 'otto' }));
    const post = (name: GatewayLetter, text: string) =>
      this.ask(name, { method: 'POST', path: CAPTAIN_PATHS.report, body: text });
    await report.check("a captain's report reaches the desk, and the home reads it", async () => {
      const startMs = performance.now();
      const { status, answer } = await post('g1', body);
      expect(status === 200, `got ${status} ${answer.error}: ${answer.reason}`);
      const { reports } = (await this.desk('g1', 'reports', { by: undefined })) as { reports: Table[] };
      expect(
        reports.length === 1 && reports[0]!.address === home && reports[0]!.contact === 'otto',
        JSON.stringify(reports),
      );
      await until('the home reads it', async () => (await this.status()).report !== undefined, TOLD_MS);
      const said = (await this.status()).report as Table;
      expect(said.reason === reason && said.state === 'open', JSON.stringify(said));
      return `after ${ms(performance.now() - startMs)}`;
    });
    await report.check('it is decided, and the home reads that', async () => {
      await this.desk('g1', 'decide_report', { id: 1, decision: 'upheld', note: 'change your passwords' });
      const tookMs = await until(
        'the home reads it',
        async () => ((await this.status()).report as Table | undefined)?.note === 'change your passwords',
        TOLD_MS,
      );
      return `after ${ms(tookMs)}`;
    });
    await report.check('the same bytes count once, and nowhere else', async () => {
      const again = await post('g1', body);
      expect(again.status === 200 && again.answer.id === 1, `again: ${again.status} ${again.body}`);
      const other = await post('g2', body);
      expect(
        other.status === 409 && other.answer.error === 'stale',
        `the other gateway: ${other.status} ${other.body}`,
      );
      const { total } = await this.desk('g1', 'reports', { by: undefined });
      expect(total === 1, `${total} reports`);
      return `"${again.answer.message}"; the other gateway says ${other.answer.error}`;
    });
    await report.check("a stranger's report is refused, and tells nobody who is served", async () => {
      const told = await Promise.all(
        [home, world.gateway('g2').node.address].map((address) =>
          post('g1', STRANGER.sign('report', this.message('report', 'g1', address, { reason: 'x' }))),
        ),
      );
      expect(
        told.every(({ status }) => status === 403),
        told.map(({ status }) => status).join(),
      );
      expect(told[0]!.body === told[1]!.body, told.map(({ body: said }) => said).join(' and '));
      return told[0]!.body;
    });
    await report.check('who had an inner address is answered, and what is kept is told', async () => {
      const { terms } = (await this.status()) as { terms: { home4: string } };
      const { leases, message } = await this.desk('g1', 'who', { by: undefined, address4: terms.home4 });
      const [first] = leases as Table[];
      expect(first?.address === home && first.to_s === undefined, `${message}: ${JSON.stringify(leases)}`);
      const { logging } = await this.desk('g1', 'summary', { by: undefined });
      const { answer } = await this.ask('g1', { path: '/v1/info' });
      expect(answer.logging === logging && /is kept for 30 days/.test(String(logging)), String(answer.logging));
      return `${message}; "${String(logging).slice(0, 60)}…"`;
    });
    await report.check('what strangers write runs nowhere', async () => {
      const place = world.place('home');
      await place.must(['sh', '-c', `test ! -e ${canary}`]);
      return 'no word of it was a command';
    });
  }

  private async stranger(): Promise<void> {
    const { world, report } = this;
    await report.check('a home sees and changes nothing of another', async () => {
      const before = await this.status();
      const victim = world.homeNode;
      const { home4 } = before.terms as { home4: string };
      const secrets = [victim.address, victim.key, home4, 'spam', 'otto', CAPTAIN.key];
      const tried: string[] = [];
      for (const [method, path] of [
        ...[
          ['GET', '/v1/info'],
          ['GET', '/v1/lease'],
          ['DELETE', '/v1/lease'],
          ['GET', '/v1/report'],
        ],
        ...[
          ['GET', '/v1/reports'],
          ['GET', '/v1/clients'],
          ['GET', '/metrics'],
          ['GET', `/v1/lease/${victim.address}`],
        ],
        ...[
          ['GET', `/v1/lease?address=${victim.address}`],
          ['DELETE', `/v1/lease?key=${victim.key}`],
        ],
        ...[
          ['GET', '/register'],
          ['POST', '/register'],
          ['POST', '/renew'],
          ['POST', '/release'],
        ],
      ] as [string, string][]) {
        const headers = { 'x-forwarded-for': victim.address, forwarded: `for="[${victim.address}]"` };
        const body =
          method === 'POST' ? JSON.stringify({ ID: 1, PublicKey: victim.key, YggIP: victim.address }) : undefined;
        const got = await this.ask('g1', { method, path, headers, ...(body !== undefined && { body }) });
        // what it sent itself may come back
        for (const secret of secrets) expect(!got.body.includes(secret), `${method} ${path}: ${got.body}`);
        tried.push(`${got.status}`);
      }
      const after = await this.status();
      expect(JSON.stringify(after.terms) === JSON.stringify(before.terms), 'the lease of the home is another one');
      expect((after.report as Table).state === 'upheld', 'the report on the home is another one');
      return `${tried.length} attempts: ${tried.join(' ')}`;
    });
  }

  /** A download of the home that runs, and is cut. @returns how long after `act` it went on, milliseconds. */
  private async cutBy(name: string, act: () => Promise<unknown>): Promise<number> {
    const { host } = this.world;
    await host.do('download', { name, host: INTERNET.web4, port: WEB_PORT, path: '/?rate=200000' });
    const film = async () => (await host.do('downloaded')).find((one) => one.name === name)!;
    await until('it runs', async () => (await film()).received > 100_000);
    const startMs = performance.now();
    await act();
    await until('nothing of it comes any more', async () => (await film()).silentMs > patient(1000));
    const cutMs = Math.max(0, performance.now() - startMs - (await film()).silentMs);
    expect(cutMs < patient(3000), `it went on for ${ms(cutMs)}`);
    return cutMs;
  }

  private both(act: (name: GatewayLetter) => Promise<unknown>): Promise<unknown> {
    return Promise.all([...this.world.gateways.keys()].map(act));
  }

  private async undo(): Promise<void> {
    const { world, report } = this;
    const addresses = [world.homeNode.address];
    await report.check('the desk suspends a home within a running download, and undoes it', async () => {
      const entries = new Map<GatewayLetter, number>();
      const cutMs = await this.cutBy('undone', () =>
        this.both(async (name) => {
          const { entry } = await this.desk(name, 'suspend', { addresses, reason: 'by mistake' });
          entries.set(name, entry as number);
        }),
      );
      await until('the home says why', async () => (await situation(world)).includes('by mistake'));
      await this.both((name) => this.desk(name, 'undo', { entry: entries.get(name) }));
      await world.home.call('meshbridge.lease', 'ask');
      const backMs = await untilExit(world, 'g1', 60_000);
      return `cut after ${ms(cutMs)}, back after ${ms(backMs)}`;
    });
  }

  private async all(): Promise<void> {
    const { world, report } = this;
    const what = { what: 'suspend', reason: 'the line is attacked' };
    await report.check('all homes are turned off in two steps, with the flows that run', async () => {
      await choose(world, 'g1');
      await world.host.do('open', { name: 'steady', host: INTERNET.web4, port: ECHO_PORT });
      await sleep(1000);
      const confirms = new Map<GatewayLetter, unknown>();
      await this.both(async (name) => void confirms.set(name, (await this.desk(name, 'all', what)).confirm));
      await sleep(1500);
      const [steady] = await world.host.do('flows');
      await world.host.do('hangUp');
      expect(steady!.ended === undefined && steady!.gapMs < patient(1000), 'the first step cut a flow already');
      const refused = await this.desk('g1', 'all', { ...what, confirm: 'guessed' }).then(
        () => undefined,
        (error: Error) => error.message,
      );
      expect(refused !== undefined, 'a confirmation that was guessed was taken');
      const cutMs = await this.cutBy('all', () =>
        this.both((name) => this.desk(name, 'all', { ...what, confirm: confirms.get(name) })),
      );
      // it moves to the other gateway, of which it had no lease yet
      await until('the home says why', async () =>
        JSON.stringify(await world.home.call('meshbridge.lease', 'gateways')).includes('the line is attacked'),
      );
      await this.both(async (name) => {
        const { confirm } = await this.desk(name, 'all', { what: 'admit' });
        await this.desk(name, 'all', { what: 'admit', confirm });
      });
      await choose(world, 'g1');
      return `cut after ${ms(cutMs)}; "${refused}"`;
    });
  }

  private async drain(): Promise<void> {
    const { world, report } = this;
    await report.check('a drain with notice moves the home to the other gateway before its time', async () => {
      await choose(world, 'g1');
      const startMs = performance.now();
      await this.desk('g1', 'drain', { in_s: DRAIN_S, reason: 'new disks' });
      await until('the home is told', async () => (await situation(world)).includes('new disks'), TOLD_MS);
      await untilExit(world, 'g2', DRAIN_S * 1000);
      const tookMs = performance.now() - startMs;
      await this.desk('g1', 'undrain');
      expect(tookMs < patient(DRAIN_S * 1000), `it took ${ms(tookMs)}`);
      await choose(world, 'g1');
      return `after ${ms(tookMs)} of ${DRAIN_S} s`;
    });
  }

  /** Where the operator decides, a stranger waits; the captain lets it in. */
  private async vouch(): Promise<void> {
    const { world, report } = this;
    const { strangerNode } = world;
    const put = (): ReturnType<DeskCheck['ask']> => {
      const { kind } = world.options;
      const request = {
        key: strangerNode.key,
        kinds: [kind === 'wireguard' ? 'vxlan' : kind],
        mesh_mtu: 65_535,
        software: 'new',
      };
      return this.ask('g2', { method: 'PUT', path: '/v1/lease', body: JSON.stringify(request) });
    };
    await report.check("a home waits, and comes in by a captain's word", async () => {
      const { daemon } = world.gateway('g2');
      const open = world.registrar('g2');
      await this.desk('g2', 'admit', { addresses: [world.homeNode.address] });
      const since = daemon.lines.length;
      daemon.configure([
        { ...open, options: { ...open.options, admission: 'ask', ask: 'otto', kinds: ['vxlan', world.options.kind] } },
      ]);
      daemon.reload();
      await daemon.logged(/registrar: serving/, since);
      await this.ask('g2', { method: 'DELETE', path: '/v1/lease' });
      const waiting = await put();
      expect(waiting.status === 202 && waiting.answer.place === 1 && waiting.answer.ask === 'otto', waiting.body);
      const body = (): string => CAPTAIN.sign('vouch', this.message('vouch', 'g2', strangerNode.address));
      const early = await this.ask('g2', { method: 'POST', path: CAPTAIN_PATHS.vouch, body: body() });
      expect(early.status === 403, `nobody named the captain yet: ${early.status} ${early.body}`);
      await this.desk('g2', 'captain', { key: CAPTAIN.key, name: 'Otto', max_homes: 1 });
      const taken = await this.ask('g2', { method: 'POST', path: CAPTAIN_PATHS.vouch, body: body() });
      expect(taken.status === 200, `${taken.status} ${taken.body}`);
      const let_ = await put();
      expect(let_.status === 200, `${let_.status} ${let_.body}`);
      const { clients } = (await this.desk('g2', 'list', { by: undefined, search: strangerNode.address })) as {
        clients: Table[];
      };
      expect(clients[0]!.vouched_by === CAPTAIN.key, JSON.stringify(clients));
      await this.ask('g2', { method: 'DELETE', path: '/v1/lease' });
      const again = daemon.lines.length;
      daemon.configure([open]);
      daemon.reload();
      await daemon.logged(/registrar: serving/, again);
      await untilExit(world, 'g1', 60_000);
      return `"${taken.answer.message}"`;
    });
  }
}
