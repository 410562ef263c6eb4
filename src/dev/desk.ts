// The desk router: Yggdrasil nodes, an ubus broker and the daemon on a developer's machine, started in order and ended in order.

import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Release, tryLock } from '../../build/lock.ts';
import { ROOT } from '../../build/project.ts';
import { ensureYggdrasil, findYggdrasil } from '../../build/yggdrasil.ts';
import { errorText } from '../errors.ts';
import { Logger } from '../log.ts';
import { makePassword } from '../page-host/password.ts';
import { startBroker } from './broker/broker.ts';
import { Child, findProgram } from './child.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { DESK_DIRECTORY, DESK_SOCKET } from './desk-path.ts';
import { publish, serveHelper } from './helper.ts';
import { namespaceProblem } from './lab/namespace.ts';
import { type Lab, startLab } from './lab.ts';
import { type PlayedNetifd, serveNetifd } from './netifd.ts';
import { hashPassword, Pages } from './pages.ts';
import { rootLogin, routerConfig } from './router-config.ts';
import { labStage, type Stage, standinStage } from './stage.ts';
import { startStandin } from './standin.ts';

export interface DeskOptions {
  /** Play the nodes from transcripts even where Yggdrasil is to be had. */
  embedded: boolean;
  /** Run the daemon on the C host instead of QuickJS in WebAssembly. */
  native: boolean;
  /** Port of the web pages; without, the usual one, or any that is free. */
  port?: number | undefined;
  /** Takes a line for people, while it starts. */
  say(line: string): void;
  /** Takes each line of the daemon's log. */
  onDaemonLine(line: string): void;
  /** The daemon ended by itself. */
  onDaemonEnd(reason: string): void;
}

const NODES = 3;
const YGGDRASIL_DIRECTORY = join(DESK_DIRECTORY, 'yggdrasil');
const CONFIG_DIRECTORY = join(DESK_DIRECTORY, 'config');
const STATE_DIRECTORY = join(DESK_DIRECTORY, 'state');
const PUBLISHED = join(STATE_DIRECTORY, 'config');
const BROKER_TIMEOUT_MS = 5000;

/** Something that was started, to be ended in turn. */
type Closer = () => Promise<void>;

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('error', () => {});
    socket.once('connect', () => socket.destroy());
    socket.once('close', (failed) => resolve(!failed));
  });
}

/** Makes the desk's directory ours alone. @throws Error when somebody else's is in its place. */
function makeDirectory(): void {
  try {
    mkdirSync(DESK_DIRECTORY, { recursive: true, mode: 0o700 });
    const owner = statSync(DESK_DIRECTORY).uid;
    const me = process.getuid?.();
    if (me !== undefined && owner !== me) throw new Error(`it belongs to user ${owner}, not to you (${me})`);
  } catch (error) {
    throw new Error(`cannot use ${DESK_DIRECTORY}: ${errorText(error)}`, { cause: error });
  }
}

/** A running desk router. */
export class Desk {
  stage: Stage = { nodes: [], cables: () => [], setCut: async () => {} };
  /** Absent when the nodes are played. */
  lab: Lab | undefined;
  /** What runs, for people. */
  readonly words = { yggdrasil: '', broker: '', engine: '' };
  /** Plays the router's interfaces. */
  netifd: PlayedNetifd | undefined;
  pages: Pages | undefined;
  private readonly password = makePassword();
  private readonly closers: Closer[] = [];
  private isClosing = false;

  private constructor(private readonly options: DeskOptions) {}

  /** Starts everything; resolves when the daemon runs. @throws Error with one line; then nothing is left behind. */
  static async open(options: DeskOptions): Promise<Desk> {
    const desk = new Desk(options);
    try {
      await desk.start();
      return desk;
    } catch (error) {
      await desk.close();
      throw error;
    }
  }

  /** Ends everything, last started first. */
  async close(): Promise<void> {
    this.isClosing = true;
    for (let closer = this.closers.pop(); closer; closer = this.closers.pop()) await closer();
  }

  private async start(): Promise<void> {
    await this.lock();
    makeDirectory();
    await this.startNodes();
    await this.startBus();
    this.writeConfig();
    this.startNetifd();
    await this.startPages();
    await this.startHelper();
    await this.startDaemon();
  }

  private async lock(): Promise<void> {
    const release: Release | undefined = await tryLock(DESK_DIRECTORY);
    if (!release) throw new Error(`a desk router of ${ROOT} is running already: watch it there, or end it first`);
    this.closers.push(release);
  }

  private async startNodes(): Promise<void> {
    const { embedded, say } = this.options;
    const yggdrasil = embedded ? undefined : await this.yggdrasil();
    if (!yggdrasil) {
      mkdirSync(YGGDRASIL_DIRECTORY, { recursive: true });
      const standin = await startStandin({ directory: YGGDRASIL_DIRECTORY, log: say });
      this.closers.push(() => standin.close());
      this.stage = standinStage(standin);
      this.words.yggdrasil = `${standin.nodes.length} x stand-in`;
      return;
    }
    const problem = await namespaceProblem();
    const start = (namespaces: boolean): Promise<Lab> =>
      startLab({ nodes: NODES, directory: YGGDRASIL_DIRECTORY, yggdrasil, namespaces, log: say });
    if (problem) say(`${problem}: the nodes share the loopback device, without TUN`);
    const lab = problem
      ? await start(false)
      : await start(true).catch((error: Error) => {
          say(`${error.message}: falling back to the loopback device, without TUN`);
          return start(false);
        });
    this.closers.push(() => lab.close());
    this.lab = lab;
    this.stage = labStage(lab);
    this.words.yggdrasil = `${NODES} x Yggdrasil ${lab.version}, ${lab.isIsolated ? 'namespaces' : 'loopback, no TUN'}`;
  }

  /** A `yggdrasil` to run; `undefined`, after saying why, when there is none. */
  private async yggdrasil(): Promise<string | undefined> {
    const { say } = this.options;
    try {
      if (!findYggdrasil()) say('setting up Yggdrasil in the cache; it is not installed, and no service is started');
      return await ensureYggdrasil(say);
    } catch (error) {
      say(errorText(error));
      say('playing the nodes from transcripts instead');
      return undefined;
    }
  }

  private async startBus(): Promise<void> {
    // Its access lists let nobody but root publish, and it wants them owned by root.
    const ubusd = process.getuid?.() === 0 ? findProgram('ubusd') : undefined;
    if (!ubusd) {
      const log = new Logger(this.options.say);
      log.level = 'warn';
      const broker = await startBroker({ path: DESK_SOCKET, log: log.scope('broker') });
      this.closers.push(() => broker.close());
      this.words.broker = 'own broker';
      return;
    }
    if (await isListening(DESK_SOCKET)) throw new Error(`${DESK_SOCKET}: another broker is listening there`);
    const child = await Child.start([ubusd, '-s', DESK_SOCKET]);
    this.closers.push(async () => {
      await child.stop();
      rmSync(DESK_SOCKET, { force: true });
    });
    const deadlineMs = performance.now() + BROKER_TIMEOUT_MS;
    while (!(await isListening(DESK_SOCKET))) {
      if (!child.isRunning || performance.now() > deadlineMs)
        throw new Error(`${ubusd} does not listen on ${DESK_SOCKET}: ${child.tail.at(-1) ?? 'it said nothing'}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.words.broker = 'ubusd';
    void child.ended.then(() => {
      if (!this.isClosing) this.options.say(`ubusd ended by itself: ${child.tail.at(-1) ?? 'it said nothing'}`);
    });
  }

  /** Writes what a router has in /etc/config. */
  private writeConfig(): void {
    for (const directory of [CONFIG_DIRECTORY, STATE_DIRECTORY]) {
      rmSync(directory, { recursive: true, force: true }); // of a run that was killed
      mkdirSync(directory);
      this.closers.push(async () => rmSync(directory, { recursive: true, force: true }));
    }
    const files = routerConfig(this.stage.nodes, { ubusSocket: DESK_SOCKET, stateDirectory: STATE_DIRECTORY });
    const rpcd = rootLogin(hashPassword(this.password));
    for (const [name, text] of Object.entries({ ...files, rpcd, luci: '' }))
      writeFileSync(join(CONFIG_DIRECTORY, name), text, { mode: 0o600 });
  }

  private startNetifd(): void {
    const { netifd, stop } = serveNetifd(DESK_SOCKET, this.stage);
    this.netifd = netifd;
    this.closers.push(async () => stop());
  }

  private async startPages(): Promise<void> {
    const { port, say: log } = this.options;
    const pages = await Pages.start({
      socket: DESK_SOCKET,
      directory: CONFIG_DIRECTORY,
      port,
      password: this.password,
      log,
    });
    this.pages = pages;
    this.closers.push(() => pages.close());
  }

  private async startHelper(): Promise<void> {
    const place = { directory: CONFIG_DIRECTORY, published: PUBLISHED };
    await publish(place);
    const { pages } = this;
    const stop = serveHelper({ socket: DESK_SOCKET, ...place }, (...call) => pages!.call(...call));
    this.closers.push(async () => stop());
  }

  private async startDaemon(): Promise<void> {
    const { native, say, onDaemonLine, onDaemonEnd } = this.options;
    const daemon: Daemon = await startDaemon({ native, config: PUBLISHED, say, onLine: onDaemonLine });
    this.closers.push(() => daemon.close());
    this.words.engine = daemon.engine;
    void daemon.ended.then((reason) => {
      if (!this.isClosing) onDaemonEnd(reason);
    });
  }
}
