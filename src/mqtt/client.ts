// The MQTT client: what it is told and what it tells.

import type { Log } from '../log.ts';
import type { Clock, Endpoint, Streams } from '../transport/host.ts';
import type { LinkReport } from '../transport/link.ts';
import type { Version } from './packet.ts';

/** Whom a broker serves: many routers, which must not return in step, or a home. */
export type Profile = 'fleet' | 'home';

/** What needs a person; each is raised once and withdrawn when it is over. */
export type AlarmId = 'duplicate-id' | 'not-authorised' | 'quota' | 'subscription-refused';

/** What the broker publishes for us when it loses us. */
export interface Will {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  /** How long the broker waits for us to come back; MQTT 5 only, before that it does not wait. */
  delayS: number;
}

/** A message to be published. */
export interface Publication {
  topic: string;
  /** Not to be changed afterwards. */
  payload: Uint8Array;
  qos: 0 | 1;
  retain?: boolean;
  /** Nobody gets it after so long; also while it waits here. The broker's part of it is of MQTT 5. */
  expiryS?: number;
  /** MQTT 5 only. */
  contentType?: string;
  /** Published often: its topic is sent once a connection, where the broker allows it. */
  alias?: boolean;
}

/** A message that came. */
export interface Message {
  topic: string;
  /** Shares memory with others: what is kept is to be copied. */
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  /** Perhaps not for the first time. */
  dup: boolean;
  responseTopic?: string;
  correlationData?: Uint8Array;
  contentType?: string;
  /** What is left of it, seconds. */
  expiryS?: number;
}

export interface SubscribeOptions {
  /** Retained messages come: 0 with each connection, 1 (default) when the broker did not know the subscription, 2 never. Before MQTT 5: always. */
  retainHandling?: 0 | 1 | 2;
  /** What we publish ourselves does not come back; default false, and so before MQTT 5. */
  noLocal?: boolean;
}

export interface MqttOptions {
  streams: Streams;
  clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  log: Log;
  endpoint: Endpoint;
  clientId: string;
  username?: string;
  password?: string;
  /** Asked for each connection. */
  will?(): Will | undefined;
  /** How long the broker keeps our session after it lost us; default 600. Before MQTT 5, 0 means not at all and anything else for ever. */
  sessionExpiryS?: number;
  /** Longest silence; default 240. Shorter when it turns out that the line does not stand it. */
  keepaliveS?: number;
  /** Messages with QoS 1 that may be on their way to us without our answer; default 20. */
  receiveMaximum?: number;
  /** Longest packet that is taken, default 16,384. */
  maxPacketBytes?: number;
  profile: Profile;
  /** As `setSpread`; default: 180 for a fleet, 5 for a home. */
  spreadS?: number;
  /** The broker greeted us, or the connection was lost; called once per change. */
  onChange?(up: boolean, error: Error | undefined): void;
  /** A message came; with QoS 1 it is acknowledged when this returns, or when its promise is settled. */
  onMessage(message: Message): void | Promise<void>;
  /** A person is needed, and why; `undefined`: not any more. */
  onAlarm?(id: AlarmId, why: string | undefined): void;
}

/** The state of the connection, for people. */
export interface MqttReport extends LinkReport {
  /** 4 is MQTT 3.1.1; `undefined` while there is no connection. */
  protocol: Version | undefined;
  /** Why a person is needed. */
  alarm?: string;
}

/** What the parts of the daemon that publish need of the client. */
export interface MqttPublisher {
  /** The broker has greeted us, and nothing was heard of the connection's end. */
  readonly up: boolean;
  /** More waits to be sent or acknowledged than should: what can be left out should be. */
  readonly congested: boolean;
  /** QoS 0: false when it is not sent, because there is no connection or too much waits. */
  publish(message: Publication & { qos: 0 }): boolean;
  /**
   * QoS 1: resolves when the broker has it, also on a later connection.
   *
   * Rejects with RemoteError (a reason code of MQTT 5 as status) when it was refused, InputError when it is longer than the broker takes or is
   * no message, TimeoutError when it expired here, BusyError when too many wait, LinkDownError when the client is stopped.
   */
  publish(message: Publication & { qos: 1 }): Promise<void>;
}
