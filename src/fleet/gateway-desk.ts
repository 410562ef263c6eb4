// The desk of one gateway's operator as meshctl asks it: by signed commands through a broker, or by the daemon's own program, on this machine
// or on another one by ssh. The same methods with the same answers.

import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { CLIENT_METHODS, type ClientMethod } from '../api/client-object.ts';
import type { Shape } from '../api/model.ts';
import type { MethodContract } from '../api/objects.ts';
import { errorText, InputError } from '../errors.ts';
import { readBroker } from './broker.ts';
import { chosenKeys, openKeys } from './command/keys.ts';
import type { Context } from './command.ts';
import { nextCounter } from './counter.ts';
import { clean } from './display.ts';
import { Failure } from './failure.ts';
import { listKeys, type PublicKey, type Signer } from './key.ts';
import { conform } from './message.ts';
import { Order } from './order.ts';
import { findPin, type Pin, readPins } from './pin.ts';
import { Session } from './session.ts';

type Args<M extends ClientMethod> = Shape<(typeof CLIENT_METHODS)[M]['args']>;
type Answer<M extends ClientMethod> = Shape<(typeof CLIENT_METHODS)[M]['reply']>;

/** One gateway's. */
export interface GatewayDesk {
  /** As people call it. */
  readonly name: string;
  /** @throws (rejects) Failure when it says no, is not reached, or answers something else */
  ask<M extends ClientMethod>(method: M, args: Args<M>): Promise<Answer<M>>;
  close(): Promise<void>;
}

/** The daemon of this machine, and how one by ssh is named. */
const HERE = 'here';
const SSH = 'ssh:';
/** What is said of GATEWAY in helps. */
export const GATEWAY_WORDS = `GATEWAY is an enrolled node; "here", the daemon of this machine; or ssh:USER@HOST, that of
another one (both by its program meshbridge, as root).`;
const PROGRAM = 'meshbridge';
const RUN_MS = 60_000;
const MAX_SAID = 16 * 1024 * 1024;
/** What a router takes at once, and from one command to the next after that: it checks one signature a second. */
const AT_ONCE = 3;
const EACH_MS = 1100;

/** Opens the desk of a gateway. @throws (rejects) InputError, Failure */
export async function openDesk(context: Context, name: string): Promise<GatewayDesk> {
  if (name === HERE) return new ProgramDesk(HERE, [context.env.MESHBRIDGE ?? PROGRAM]);
  if (name.startsWith(SSH)) return new ProgramDesk(name, sshCommand(name.slice(SSH.length)));
  return BrokerDesk.open(context, findPin(readPins(context.home), name));
}

/** Opens a desk, lends it, and closes it. */
export async function withDesk<T>(context: Context, name: string, use: (desk: GatewayDesk) => Promise<T>): Promise<T> {
  const desk = await openDesk(context, name);
  try {
    return await use(desk);
  } finally {
    await desk.close();
  }
}

function sshCommand(host: string): string[] {
  // what begins with a dash would be an option of ssh
  if (!/^[A-Za-z0-9_][\w.@:[\]-]{0,254}$/.test(host))
    throw new InputError(`${SSH}: expected USER@HOST behind it, got ${JSON.stringify(host.slice(0, 60))}`);
  return ['ssh', '--', host];
}

/** The keys to sign with: those that are named, else the only one that decides on homes, else the only one there is. */
export function deskKeys(context: Context): PublicKey[] {
  if (context.options.list('key').length > 0) return chosenKeys(context);
  const desk = listKeys(context.home).filter(({ scope }) => scope === 'desk');
  return desk.length === 1 ? desk : chosenKeys(context);
}

/** By way of a broker. */
class BrokerDesk implements GatewayDesk {
  readonly name: string;
  private order: Order | undefined;
  private sent = 0;
  private lastMs = 0;
  private session!: Session;

  static async open(context: Context, pin: Pin): Promise<BrokerDesk> {
    const broker = readBroker(context.home);
    const desk = new BrokerDesk(context, pin, await openKeys(context, deskKeys(context)));
    desk.session = await Session.open({ broker, env: context.env, onMessage: (message) => desk.order?.take(message) });
    return desk;
  }

  private constructor(
    private readonly context: Context,
    private readonly pin: Pin,
    private readonly signers: readonly Signer[],
  ) {
    this.name = pin.name ?? pin.node;
  }

  async ask<M extends ClientMethod>(method: M, args: Args<M>): Promise<Answer<M>> {
    const { home, options, output } = this.context;
    const keys = this.signers.map(({ key }) => key);
    const order = new Order(this.pin, {
      op: `client_${method}`,
      args: args as Readonly<Record<string, unknown>>,
      counter: () => nextCounter(home, keys),
      signers: this.signers,
      timeoutMs: options.whole('wait', 2, 900, 60) * 1000,
    });
    this.order = order;
    let parts = 0;
    order.onPart = (count) => {
      parts = count;
    };
    await this.pace();
    const said = (): string => `${this.name}: ${parts > 0 ? `${parts} parts of the answer` : `waiting for ${method}`}`;
    const { st, code, error, out, left_out } = await output.waiting(said, order.run(this.session));
    if (order.forged > 0)
      output.warn(`${order.forged} messages in its name were not signed by its key: somebody at the broker interferes`);
    if (st !== 'done') throw refusal(this.name, method, [code, error].filter(Boolean).join(': ') || st);
    if (left_out === true)
      throw new Failure('failed', `${this.name}: ${method}: was done, but the answer is not kept`, 'Ask again.');
    return checked(this.name, method, out ?? {});
  }

  close(): Promise<void> {
    return this.session.close();
  }

  private async pace(): Promise<void> {
    const nowMs = performance.now();
    const waitMs = this.sent < AT_ONCE ? 0 : this.lastMs + EACH_MS - nowMs;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.sent++;
    this.lastMs = performance.now();
  }
}

/** By the program of a daemon. */
class ProgramDesk implements GatewayDesk {
  constructor(
    readonly name: string,
    private readonly command: readonly string[],
  ) {}

  async ask<M extends ClientMethod>(method: M, args: Args<M>): Promise<Answer<M>> {
    const contract: MethodContract = CLIENT_METHODS[method];
    const json = JSON.stringify({ ...(contract.writes && { by: userInfo().username }), ...(args as object) });
    const words = ['call', 'meshbridge.client', method, json];
    // ssh hands one line to a shell
    const argv =
      this.command[0] === 'ssh'
        ? [...this.command, [PROGRAM, ...words].map(quoted).join(' ')]
        : [...this.command, ...words];
    const { code, stdout, stderr } = await run(argv);
    if (code !== 0)
      throw refusal(this.name, method, clean(stderr.trim().replace(/^meshbridge: /, '')) || `ended with ${code}`);
    let out: unknown;
    try {
      out = JSON.parse(stdout);
    } catch {
      throw new Failure('failed', `${this.name}: ${method}: expected JSON, got ${JSON.stringify(stdout.slice(0, 60))}`);
    }
    return checked(this.name, method, out);
  }

  async close(): Promise<void> {}
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function run([program, ...args]: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { stdio: ['inherit', 'pipe', 'pipe'], timeout: RUN_MS });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > MAX_SAID) child.kill('SIGKILL');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4096);
    });
    child.once('error', (error) =>
      reject(new Failure('unreachable', `${program}: ${errorText(error)}`, 'Is meshbridge installed there?')),
    );
    child.once('close', (code) => resolve({ code: code ?? 128, stdout, stderr }));
  });
}

function refusal(name: string, method: string, why: string): Failure {
  const hint = /^scope/.test(why)
    ? 'The section registrar of the gateway says by desk_cap whose keys decide on homes; its manage_cap must not be none.'
    : /^unknown-op/.test(why)
      ? 'It is no gateway, or its desk_cap is none.'
      : undefined;
  return new Failure('failed', `${name}: ${method}: ${why}`, hint);
}

/** An answer as the contract has it; what it does not know is left out. @throws Failure */
function checked<M extends ClientMethod>(name: string, method: M, out: unknown): Answer<M> {
  const answer = conform(CLIENT_METHODS[method].reply, out);
  if (answer === undefined)
    throw new Failure(
      'failed',
      `${name}: ${method}: its answer is not what this meshctl expects`,
      'Are both of the same version?',
    );
  return answer as Answer<M>;
}
