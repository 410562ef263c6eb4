// The daemon's side of its root helper: calls the object that rpcd serves by starting the helper's program.

import { HELPER_METHODS, HELPER_OBJECT, type HelperVerb } from '../api/helper.ts';
import type { Shape } from '../api/model.ts';
import { BusyError, errorText, InputError, LinkDownError, RemoteError, TimeoutError, WireError } from '../errors.ts';
import type { Table } from '../ubus/blobmsg.ts';
import type { UbusClient } from '../ubus/client.ts';
import { checkArguments } from '../ubus/object.ts';
import { UBUS_STATUS_NO_DATA, UBUS_STATUS_NOT_FOUND } from '../ubus/status.ts';

/** A slow router starts a program in well under a second; `lint` waits up to 5 s for netifd. */
const TIMEOUT_MS = 15_000;
/** Where it has programs of the machine do something: rpcd ends it after 30 s. */
const SLOW_MS = 35_000;
/** Changes that wait for their turn. */
const MAX_WAITING = 8;

export type HelperReply<V extends HelperVerb> = Shape<(typeof HELPER_METHODS)[V]['reply']>;
export type HelperArguments<V extends HelperVerb> = Shape<(typeof HELPER_METHODS)[V]['args']>;

/** What asks the helper for something. */
export interface HelperCaller {
  call<V extends HelperVerb>(verb: V, args: HelperArguments<V>): Promise<HelperReply<V>>;
}

/** The helper, as far as it can be reached by way of a bus. */
export class Helper implements HelperCaller {
  private readonly asked = new Map<HelperVerb, Promise<Table>>();
  private waiting = 0;
  private lastChange: Promise<unknown> = Promise.resolve();

  constructor(private readonly bus: Pick<UbusClient, 'call'>) {}

  /**
   * Has the helper do a verb; changes are done one after the other. Whoever asks what is being asked gets the same answer: each question
   * starts a program, and anybody may ask.
   * @throws LinkDownError when there is no helper, or no ubus; InputError when the helper refuses an argument, Error when it failed
   * otherwise; TimeoutError; WireError when the reply is not the verb's; BusyError; RemoteError.
   */
  async call<V extends HelperVerb>(verb: V, args: HelperArguments<V>): Promise<HelperReply<V>> {
    const ask = (): Promise<Table> => this.ask(verb, args as object);
    const reply = await ('writes' in HELPER_METHODS[verb] ? this.inTurn(ask) : this.once(verb, ask));
    return reply as HelperReply<V>;
  }

  /** Verbs that change nothing take no arguments. */
  private once(verb: HelperVerb, ask: () => Promise<Table>): Promise<Table> {
    const asked = this.asked.get(verb) ?? ask().finally(() => this.asked.delete(verb));
    this.asked.set(verb, asked);
    return asked;
  }

  private async inTurn<T>(change: () => Promise<T>): Promise<T> {
    if (this.waiting >= MAX_WAITING) throw new BusyError(`${HELPER_OBJECT}: ${MAX_WAITING} changes wait already`);
    this.waiting++;
    try {
      const done = this.lastChange.then(change);
      this.lastChange = done.catch(() => {});
      return await done;
    } finally {
      this.waiting--;
    }
  }

  private async ask(verb: HelperVerb, args: object): Promise<Table> {
    const reply = await this.invoke(verb, args);
    const { error, field } = reply;
    if (typeof error === 'string') throw typeof field === 'string' ? new InputError(error, field) : new Error(error);
    try {
      return checkArguments(HELPER_METHODS[verb].reply, reply);
    } catch (cause) {
      throw new WireError(`${HELPER_OBJECT} ${verb}: ${errorText(cause)}`, -1, { cause });
    }
  }

  private async invoke(verb: HelperVerb, args: object): Promise<Table> {
    try {
      const timeoutMs = 'slow' in HELPER_METHODS[verb] ? SLOW_MS : TIMEOUT_MS;
      const [reply = {}] = await this.bus.call(HELPER_OBJECT, verb, args, { timeoutMs });
      return reply;
    } catch (cause) {
      const status = cause instanceof RemoteError ? cause.status : undefined;
      if (status === UBUS_STATUS_NOT_FOUND)
        throw new LinkDownError(
          `${HELPER_OBJECT}: not on ubus: rpcd does not run or has not found it, /etc/init.d/rpcd restart makes it look again`,
          { cause },
        );
      // what rpcd says of a program that it had to kill, too
      if (status === UBUS_STATUS_NO_DATA)
        throw new TimeoutError(`${HELPER_OBJECT} ${verb}: ended without a reply`, { cause });
      throw cause;
    }
  }
}
