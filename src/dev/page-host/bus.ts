// The way from pages to a broker: a call's JSON to ubus, its answer back, as uhttpd passes them. Source: uhttpd, ubus.c.

import { nodeHost } from '../../host/node/host.ts';
import type { PageAnswer, PageCall } from '../../page-host/ubus.ts';
import { decodeTable, type Table } from '../../ubus/blobmsg.ts';
import { UBUS_MSG_INVOKE } from '../../ubus/message.ts';
import { UBUS_STATUS_OK, UBUS_STATUS_TIMEOUT } from '../../ubus/status.ts';
import { encodeJson } from '../cli/json.ts';
import { Session } from '../cli/session.ts';

/** uhttpd's own. */
const CALL_TIMEOUT_MS = 60_000;

/** What answers the calls of pages. */
export interface Bus {
  /** Whether there is such an object; it is asked before rights are. */
  has(object: string): Promise<boolean>;
  call(call: PageCall): Promise<PageAnswer>;
}

/** A broker by its socket; connected when needed, and again after it broke. */
export class BrokerBus implements Bus {
  private session: Promise<Session> | undefined;

  constructor(private readonly socket: string) {}

  async has(object: string): Promise<boolean> {
    try {
      const { status } = await (await this.open()).find(object);
      return status === UBUS_STATUS_OK;
    } catch {
      return false;
    }
  }

  async call({ object, method, args }: PageCall): Promise<PageAnswer> {
    const session = await this.open();
    const { status: found, id } = await session.find(object);
    if (found !== UBUS_STATUS_OK) return 'absent';
    const reply: Table = {};
    let replied = false;
    const status = await session.request({
      type: UBUS_MSG_INVOKE,
      peer: id,
      attributes: { objectId: id, method, data: encodeJson(JSON.stringify(args)) },
      timeoutMs: CALL_TIMEOUT_MS,
      onData: ({ attributes }) => {
        if (attributes.data) Object.assign(reply, decodeTable(attributes.data));
        replied = true;
      },
    });
    if (status === UBUS_STATUS_TIMEOUT && !replied) return 'silent';
    return replied && Object.keys(reply).length > 0 ? { status, reply } : { status };
  }

  async close(): Promise<void> {
    (await this.session?.catch(() => undefined))?.close();
  }

  private open(): Promise<Session> {
    if (this.session) return this.session;
    const { streams, clock } = nodeHost({ signals: false });
    const opened = Session.open(streams, clock, this.socket);
    const forget = (): void => {
      if (this.session === opened) this.session = undefined;
    };
    this.session = opened;
    opened.then((session) => session.closed.then(forget), forget);
    return opened;
  }
}
