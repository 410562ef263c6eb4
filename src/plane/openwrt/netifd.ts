// OpenWrt's netifd by the program `ubus`: interfaces that live in RAM, and what it says of all of them.
//
// What it answers to a call says nothing: it takes an unknown protocol with a good grace, and a missing module makes it try for ever, tens of
// times a second, without an error. So its handler is looked for before, its status and the kernel are looked at afterwards.
//
// An interface is asked for by name of the object that is always there: that of the interface's own may go between being looked up and being
// called, and then nobody answers.

import { firstLine, type Machine } from '../machine.ts';

/** How often its status is asked for, and for how long. */
const LOOK_MS = 100;
const UP_MS = 8000;
const GONE_MS = 5000;
/** Seconds that `ubus` waits. */
const ANSWER_S = 4;
/** `ubus` ends with one of them where something is not there: what it looked up, or what the call was of; the second, where nobody sits before it. */
const NOT_FOUND: readonly (number | null)[] = [4, 252];

const INTERFACES = 'network.interface';

/** An interface as netifd shows it. */
export interface ShownInterface {
  readonly name: string;
  readonly proto: string;
  readonly isUp: boolean;
  /** Not from UCI. */
  readonly isDynamic: boolean;
  /** The device that packets take. */
  readonly device?: string;
  /** Codes, as `NO_DEVICE`. */
  readonly errors: readonly string[];
}

/** Options of an interface: integers and booleans as such, or netifd drops them without a word. */
export type InterfaceOptions = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** netifd of one machine. */
export class Netifd {
  constructor(private readonly machine: Machine) {}

  /** Protocols that it has a handler for. @throws (rejects) Error */
  async handlers(): Promise<string[]> {
    return Object.keys((await this.ask('network', 'get_proto_handlers')) ?? {});
  }

  /** Every interface. @throws (rejects) Error */
  async interfaces(): Promise<ShownInterface[]> {
    const { interface: list } = (await this.ask(INTERFACES, 'dump')) ?? {};
    return Array.isArray(list) ? list.map((one) => interfaceOf(String(one?.interface), one)) : [];
  }

  /** One interface; `undefined`: there is none. @throws (rejects) Error */
  async find(name: string): Promise<ShownInterface | undefined> {
    const status = await this.ask(INTERFACES, 'status', { interface: name });
    return status && interfaceOf(name, status);
  }

  /** Makes an interface in RAM, and waits until it is up; of one that does not get up nothing is left. @throws (rejects) Error */
  async add(name: string, options: InterfaceOptions): Promise<void> {
    await this.ask('network', 'add_dynamic', { name, ...options });
    try {
      await this.expectUp(name);
    } catch (error) {
      // it would be tried for ever
      await this.remove(name);
      throw error;
    }
  }

  /** Waits until an interface is up. @throws (rejects) Error with what netifd says of it */
  async expectUp(name: string): Promise<void> {
    let seen: ShownInterface | undefined;
    const isUp = await this.within(UP_MS, async () => {
      seen = await this.find(name);
      return seen?.isUp === true;
    });
    if (isUp) return;
    const why = seen === undefined ? 'there is none' : seen.errors.join(', ') || 'it says no reason';
    throw new Error(`netifd: ${name} expected to be up after ${UP_MS / 1000} s (${why})`);
  }

  /** Removes what is in RAM, and waits until it is gone: one that is made before, under the same name, goes with it. @throws (rejects) Error */
  async remove(name: string): Promise<void> {
    if (!(await this.find(name))) return;
    await this.ask(INTERFACES, 'remove', { interface: name });
    await this.expectGone(name);
  }

  /** Waits until there is no such interface. @throws (rejects) Error */
  async expectGone(name: string): Promise<void> {
    const isGone = await this.within(GONE_MS, async () => (await this.find(name)) === undefined);
    if (!isGone) throw new Error(`netifd: ${name} expected to be gone after ${GONE_MS / 1000} s, it is still there`);
  }

  /** Takes an interface of UCI down or up. @throws (rejects) Error */
  async set(name: string, way: 'up' | 'down'): Promise<void> {
    await this.ask(INTERFACES, way, { interface: name });
    if (way === 'up') return this.expectUp(name);
    const isDown = await this.within(GONE_MS, async () => (await this.find(name))?.isUp !== true);
    if (!isDown) throw new Error(`netifd: ${name} expected to be down after ${GONE_MS / 1000} s, it is up`);
  }

  /** Has it read its files anew. @throws (rejects) Error */
  async reload(): Promise<void> {
    await this.ask('network', 'reload');
  }

  /** What an object answers; `undefined`: there is no such object. */
  private async ask(path: string, method: string, args?: object): Promise<Record<string, unknown> | undefined> {
    return askUbus(this.machine, path, method, args);
  }

  private async within(ms: number, test: () => Promise<boolean>): Promise<boolean> {
    const { clock } = this.machine;
    const endMs = clock.monotonicMs() + ms;
    while (!(await test())) {
      if (clock.monotonicMs() >= endMs) return false;
      await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
    }
    return true;
  }
}

/** What an object on ubus answers, of nothing an empty table; `undefined`: there is no such object, or nothing of the name asked for. @throws (rejects) Error */
export async function askUbus(
  machine: Machine,
  path: string,
  method: string,
  args?: object,
): Promise<Record<string, unknown> | undefined> {
  const words = ['-t', String(ANSWER_S), 'call', path, method, ...(args ? [JSON.stringify(args)] : [])];
  const { code, stdout, stderr } = await machine.run('ubus', words);
  if (NOT_FOUND.includes(code)) return undefined;
  if (code !== 0) throw new Error(`ubus call ${path} ${method}: ${firstLine(stderr) || `ended with ${code}`}`);
  try {
    return JSON.parse(stdout.trim() || '{}') as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`ubus call ${path} ${method}: expected JSON`, { cause });
  }
}

function interfaceOf(name: string, status: unknown): ShownInterface {
  const { up, dynamic, proto, l3_device: device, errors } = (status ?? {}) as Record<string, unknown>;
  const codes = Array.isArray(errors) ? errors.map((error) => String(error?.code)) : [];
  return {
    ...{ name, proto: String(proto), isUp: up === true, isDynamic: dynamic === true, errors: codes },
    ...(typeof device === 'string' && { device }),
  };
}
