// The daemon on the C host at a broker that means it ill, and somebody with a key who shows after each attack that the router is the same.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type EnvelopeKind, type EnvelopeSigner, sealEnvelope } from '../../src/lib/envelope.ts';
import { CONNECT, PUBLISH, type PublishPacket, SUBSCRIBE, type Version } from '../../src/mqtt/packet.ts';
import { Router } from '../lab/router.ts';
import { broker as packets } from '../support/mqtt.ts';
import { ScriptedBroker, type ScriptedConnection, waitFor } from '../support/scripted-broker.ts';
import { OPERATOR, SECOND, SITE, Signer } from '../support/signed.ts';
import { sleep } from '../support/sleep.ts';

/** Somebody whose key was switched off. */
export const FORMER = new Signer(new Uint8Array(32).fill(4));
/** How often the router is ordered anew where its limits say that it is too soon. */
const AGAIN_MS = 500;
/** The daemon takes the clock for a right one. */
const CLOCK_MARK = 'clock-set';

/** What the daemon says of itself. */
interface Told {
  refused: Record<string, number>;
  unasked: number;
  alarm: string | undefined;
  /** Why it is not connected. */
  lost: string | undefined;
  /** Lines of its log so far. */
  lines: number;
}

/** One router at one broker. */
export class Scene {
  node = '';
  sid = '';
  /** What an attack has to tell beside what the router says. */
  note = '';
  private ctr = 1000;
  private count = 0;
  private login = '';
  private logins = 0;
  private files = '';
  /** Commands that were meant. */
  private readonly meant = new Set<string>();

  private constructor(
    readonly router: Router,
    readonly broker: ScriptedBroker,
  ) {}

  static async open(): Promise<Scene> {
    const broker = await ScriptedBroker.start();
    const router = new Router([{ iface: 'ygg0', socket: '/nowhere/ygg0.sock', peers: ['tls://192.0.2.1:443'] }]);
    const scene = new Scene(router, broker);
    scene.configure();
    writeFileSync(join(router.directory, 'state', CLOCK_MARK), '');
    await router.startBroker();
    await router.startDaemon();
    await scene.meet(0);
    scene.files = scene.readFiles();
    return scene;
  }

  async close(): Promise<void> {
    await this.router.close();
    await this.broker.stop();
  }

  get live(): ScriptedConnection {
    return this.broker.live;
  }

  topic(name: string): string {
    return `mb/1/${SITE}/${this.node}/${name}`;
  }

  /** The body of a command that would change the router, and is all right unless `more` says otherwise. */
  body(more: object = {}): object {
    return {
      cid: `c${++this.count}`,
      op: 'config_set',
      args: { changes: [{ set: 'meshbridge.main.poll_idle', to: '99' }], confirm_s: 30 },
      aud: { node: this.node, sid: this.sid },
      ctr: ++this.ctr,
      ...more,
    };
  }

  seal(body: object, signers: readonly EnvelopeSigner[] = [OPERATOR], kind: EnvelopeKind = 'cmd'): Uint8Array {
    const own = signers.map(({ key, sign }, i) => ({ key, sign: sign.bind(signers[i]) }));
    return sealEnvelope(kind, JSON.stringify(body), own);
  }

  /** As `seal`, of a command with this difference. */
  command(more: object = {}, signers?: readonly EnvelopeSigner[]): Uint8Array {
    return this.seal(this.body(more), signers);
  }

  /** The bytes of a message to the router; a command's, unless another topic is given. */
  packet(payload: Uint8Array, more: Partial<PublishPacket> = {}): Uint8Array {
    return packets.publish(this.live.version, { topic: this.topic('cmd'), payload, ...more });
  }

  send(payload: Uint8Array, more: Partial<PublishPacket> = {}): void {
    this.live.send(this.packet(payload, more));
  }

  /** Orders something harmless until it is done; answers with the message. */
  async good(): Promise<Uint8Array> {
    for (let tries = 0; ; tries++) {
      const body = this.body({ op: 'keyframe', args: {} }) as { cid: string };
      this.meant.add(body.cid);
      const payload = this.seal(body);
      const { live } = this;
      this.send(payload);
      const answer = (): string | undefined =>
        live.messages().find(({ topic, text }) => topic === this.topic('res') && text.includes(`"cid":"${body.cid}"`))
          ?.text;
      for (let ms = 0; ms < AGAIN_MS && !answer(); ms += 10) await sleep(10);
      if (answer()?.includes('"st":"done"')) return payload;
      if (tries > 40)
        throw new Error(`no command is done any more: ${answer()}\n${this.router.lines.slice(-20).join('\n')}`);
    }
  }

  /** Has the daemon connect as if for the first time: after the wait of a start, not after that of what failed before. */
  async again(): Promise<ScriptedConnection> {
    this.configure();
    await this.router.reload();
    const mine = (): ScriptedConnection | undefined =>
      this.broker.connections
        .filter(({ packets: [first] }) => first?.type === CONNECT && first.username === this.login)
        .at(-1);
    await waitFor('the router connects', mine);
    return mine()!;
  }

  /** Waits until the router has told on the newest connection what it is. @param after connections before that one. */
  async meet(after: number): Promise<void> {
    const told = (): { node: string; sid: string } | undefined => {
      const { connections } = this.broker;
      const live = connections.length > after ? this.live : undefined;
      if (!live || live.closed || live.of(SUBSCRIBE).length === 0) return undefined;
      const info = live.messages().find(({ topic }) => topic.endsWith('/info'));
      return info && JSON.parse(info.text);
    };
    await waitFor('the router tells what it is', told);
    const { node, sid } = told()!;
    [this.node, this.sid] = [node, sid];
  }

  /** Ends the daemon by force and starts it again. @param isBoot as if the router itself had started: with a new session. */
  async restart(isBoot: boolean): Promise<void> {
    const before = this.broker.connections.length;
    await this.router.killDaemon();
    const session = join(this.router.directory, 'state', 'session');
    if (isBoot) writeFileSync(session, '');
    await this.router.startDaemon();
    await this.meet(before);
  }

  /** The messages that the router published on this connection, on topics that begin so. */
  published(head: string): number {
    return this.live.of(PUBLISH).filter(({ topic }) => topic.startsWith(head)).length;
  }

  /** Which version is spoken now. */
  get version(): Version {
    return this.live.version;
  }

  async told(): Promise<Told> {
    const { refused } = (await this.router.call('meshbridge', 'commands')) as {
      refused: { code: string; count: number }[];
    };
    const { brokers } = (await this.router.call('meshbridge', 'telemetry')) as {
      brokers: { unasked: number; alarm?: string; state: string; last_error?: string }[];
    };
    const [one] = brokers;
    return {
      refused: Object.fromEntries(refused.map(({ code, count }) => [code, count])),
      unasked: one?.unasked ?? 0,
      alarm: one?.alarm,
      lost: one?.state === 'up' ? undefined : one?.last_error,
      lines: this.router.lines.length,
    };
  }

  /** What the router did since `before`, in words. */
  async did(before: Told): Promise<string> {
    const now = await this.told();
    const words: string[] = [];
    for (const [code, count] of Object.entries(now.refused)) {
      const more = count - (before.refused[code] ?? 0);
      if (more > 0) words.push(`refused ${more > 1 ? `${more} times ` : ''}as ${code}`);
    }
    if (now.unasked > before.unasked) words.push(`passed over ${now.unasked - before.unasked} that nobody asked for`);
    const untold = new Set<string>();
    const lost = new Set(now.lost === undefined ? [] : [now.lost]);
    for (const line of this.router.lines.slice(before.lines)) {
      const want = / want refused .*code=(\S+)/.exec(line);
      if (want) words.push(`refused the want as ${want[1]}`);
      const reason = / not told .*error=".*: ([^":]+)"$/.exec(line)?.[1];
      // that is when it is told to connect anew
      if (reason !== undefined && reason !== 'client stopped') untold.add(reason);
      const why = / lost .*error="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
      // that is when it is told to connect anew
      if (why !== undefined && why !== 'link stopped') lost.add(why);
    }
    if (untold.size > 0) words.push(`could not tell: ${[...untold].join(', ')}`);
    if (lost.size > 0) words.push(`ended the connection: ${[...lost].join(', ')}`);
    if (now.alarm !== undefined && now.alarm !== before.alarm) words.push(`raised an alarm: ${now.alarm}`);
    if (this.note !== '') words.push(this.note);
    return words.join('; ');
  }

  /** @throws AssertionError when something was changed, or done that nobody meant */
  async unchanged(): Promise<void> {
    assert.is(this.readFiles(), this.files, 'the configuration is as it was');
    const { commands } = (await this.router.call('meshbridge', 'commands')) as {
      commands: { cid: string; state: string; op: string }[];
    };
    for (const { cid, state, op } of commands)
      if (!['rejected', 'expired'].includes(state)) assert.ok(this.meant.has(cid), `${op} ${cid} is ${state}`);
  }

  /** What is changed of the configuration from now on is meant. */
  accept(): void {
    this.files = this.readFiles();
  }

  /** The configuration, but for the login, which is changed to have it connect again. */
  private readFiles(): string {
    const { config, network, directory } = this.router;
    return [config, network, join(directory, 'node.key')]
      .map((path) => readFileSync(path, 'utf8').replace(/option username '.*'/, ''))
      .join('\n');
  }

  private configure(): void {
    const { config } = this.router;
    this.login = `u${++this.logins}`;
    const login = `option username '${this.login}'`;
    const text = readFileSync(config, 'utf8');
    if (text.includes('option username')) {
      writeFileSync(config, text.replace(/option username '.*'/, login));
      return;
    }
    const main = `config meshbridge 'main'\n\toption mqtt '1'\n\toption site '${SITE}'\n\toption manage_cap 'configure'\n`;
    const key = (name: string, signer: Signer, scope: string, enabled: string): string =>
      `\nconfig key '${name}'\n\toption public '${signer.public}'\n\toption scope '${scope}'\n\toption enabled '${enabled}'\n`;
    writeFileSync(
      config,
      `${text.replace("config meshbridge 'main'\n", main)}
config mqtt 'home'
	option url 'mqtt://127.0.0.1:${this.broker.port}'
	option profile 'home'
	option manage '1'
	option discovery '1'
	${login}
${key('operator', OPERATOR, 'configure', '1')}${key('observer', SECOND, 'observe', '1')}${key('former', FORMER, 'configure', '0')}`,
    );
  }
}
