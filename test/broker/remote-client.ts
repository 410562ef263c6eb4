// A client of ours that a test orders about by messages, on whatever host: it tells all that happens to it, a line each.

import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Log } from '../../src/log.ts';
import { MqttClient, type MqttOptions } from '../../src/mqtt/client.ts';
import type { Endpoint, Host } from '../../src/transport/host.ts';

/** What the client is to be. It hears `do/<clientId>` beside what it subscribes to. */
export interface ClientOrder
  extends Pick<
    MqttOptions,
    | 'clientId'
    | 'username'
    | 'password'
    | 'version'
    | 'sessionExpiryS'
    | 'keepaliveS'
    | 'receiveMaximum'
    | 'maxPacketBytes'
  > {
  endpoint: Endpoint;
  subscribe?: [filter: string, qos: 0 | 1][];
  will?: { topic: string; text: string; qos: 0 | 1; retain: boolean; delayS: number };
  /** How long each message is held before it is acknowledged. */
  holdMs?: number;
}

/** What it is told by a message. */
export type Deed =
  | { publish: { topic: string; text: string; qos: 0 | 1; retain?: boolean; expiryS?: number; alias?: boolean } }
  /** Only tells that it was told. */
  | { tell: string }
  | { stop: 'quiet' | 'will' };

/** What happened. */
export type Happening =
  | { up: true; protocol: number | undefined; session: unknown }
  | { down: string }
  | { message: string; text: string; qos: number; retain: boolean; expiryS?: number }
  /** QoS 1: the broker has it, or why not; QoS 0: it went out, or not. */
  | { published: string; error?: string }
  | { told: string }
  | { alarm: string; why?: string }
  /** An attempt failed. */
  | { lost: string };

/** Runs a client until it is told to stop. */
export function playClient(host: Host, order: ClientOrder, tell: (happening: Happening) => void): Promise<void> {
  const { endpoint, subscribe = [], will, holdMs = 0, ...options } = order;
  const { streams, clock } = host;
  let session: unknown;
  const log: Log = {
    error() {},
    warn() {},
    info: (event, fields) => {
      if (event === 'connected') session = fields?.session;
    },
    debug: (event, fields) => {
      if (event === 'lost') tell({ lost: String(fields?.error) });
    },
  };
  return new Promise((resolve) => {
    const act = (deed: Deed): void => {
      if ('stop' in deed) {
        client.stop(deed.stop);
        resolve();
        return;
      }
      if ('tell' in deed) {
        tell({ told: deed.tell });
        return;
      }
      const { text, ...message } = deed.publish;
      const publication = { ...message, payload: encodeUtf8(text) };
      const sent = client.publish(publication);
      if (typeof sent === 'boolean') tell({ published: text, ...(!sent && { error: 'not sent' }) });
      else
        sent.then(
          () => tell({ published: text }),
          (error) => tell({ published: text, error: String(error) }),
        );
    };
    const client: MqttClient = new MqttClient({
      streams,
      clock,
      random: Math.random,
      log,
      endpoint,
      ...options,
      profile: 'home',
      spreadS: 0,
      ...(will && { will: () => ({ ...will, payload: encodeUtf8(will.text) }) }),
      onChange: (up, error) => {
        if (up) tell({ up, protocol: client.report().protocol, session });
        else tell({ down: String(error?.message) });
      },
      onMessage: ({ topic, payload, qos, retain, expiryS }) => {
        const text = decodeUtf8(payload);
        if (topic === `do/${order.clientId}`) {
          act(JSON.parse(text));
          return undefined;
        }
        tell({ message: topic, text, qos, retain, ...(expiryS !== undefined && { expiryS }) });
        return holdMs > 0 ? new Promise((done) => clock.after(holdMs, done)) : undefined;
      },
      onAlarm: (id, why) => tell({ alarm: id, ...(why !== undefined && { why }) }),
    });
    client.subscribe(`do/${order.clientId}`, 1);
    for (const [filter, qos] of subscribe) client.subscribe(filter, qos);
    client.start();
  });
}
