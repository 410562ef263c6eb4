import { generate, type Packet as Judged, parser } from 'mqtt-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePacket } from '../../src/mqtt/decode.ts';
import {
  encodeAck,
  encodeConnect,
  encodePing,
  encodePublish,
  encodeReason,
  encodeSubscribe,
  encodeUnsubscribe,
} from '../../src/mqtt/encode.ts';
import {
  AUTH,
  CONNACK,
  DISCONNECT,
  type FilterRequest,
  type Packet,
  PINGRESP,
  PUBACK,
  PUBCOMP,
  PUBLISH,
  PUBREC,
  PUBREL,
  type Qos,
  SUBACK,
  UNSUBACK,
  type Version,
} from '../../src/mqtt/packet.ts';
import type { Properties } from '../../src/mqtt/property.ts';
import { seededRandom } from '../support/random.ts';

/** Packets of each kind, in each direction. */
const ROUNDS = 500;

/** How the oracle names properties; those that are flags there are booleans. */
const NAMES: Record<keyof Properties, string> = {
  payloadFormat: 'payloadFormatIndicator',
  messageExpiryS: 'messageExpiryInterval',
  contentType: 'contentType',
  responseTopic: 'responseTopic',
  correlationData: 'correlationData',
  subscriptionIds: 'subscriptionIdentifier',
  sessionExpiryS: 'sessionExpiryInterval',
  assignedClientId: 'assignedClientIdentifier',
  serverKeepAliveS: 'serverKeepAlive',
  authMethod: 'authenticationMethod',
  authData: 'authenticationData',
  requestProblemInfo: 'requestProblemInformation',
  willDelayS: 'willDelayInterval',
  requestResponseInfo: 'requestResponseInformation',
  responseInfo: 'responseInformation',
  serverReference: 'serverReference',
  reasonString: 'reasonString',
  receiveMaximum: 'receiveMaximum',
  topicAliasMaximum: 'topicAliasMaximum',
  topicAlias: 'topicAlias',
  maximumQos: 'maximumQoS',
  retainAvailable: 'retainAvailable',
  userProperties: 'userProperties',
  maximumPacketBytes: 'maximumPacketSize',
  wildcardsAvailable: 'wildcardSubscriptionAvailable',
  subscriptionIdsAvailable: 'subscriptionIdentifiersAvailable',
  sharedAvailable: 'sharedSubscriptionAvailable',
};
const FLAGS: readonly (keyof Properties)[] = [
  'payloadFormat',
  'requestProblemInfo',
  'requestResponseInfo',
  'retainAvailable',
  'wildcardsAvailable',
  'subscriptionIdsAvailable',
  'sharedAvailable',
];

/** Random values of all that packets are made of. */
class Maker {
  constructor(private readonly random: () => number) {}

  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  flag(): boolean {
    return this.random() < 0.5;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  /** Often small, often at the end of the range. */
  number(most: number): number {
    return this.one([this.below(most + 1), this.below(Math.min(most, 300) + 1), most]);
  }

  positive(most: number): number {
    return Math.max(1, this.number(most));
  }

  text(most = 20): string {
    const pool = [...'abcxyz0-/ _$ä€ß漢字📶\ufffd\ufeff'];
    return Array.from({ length: this.below(most + 1) }, () => this.one(pool)).join('');
  }

  topic(): string {
    return this.one([`a${this.text()}`, `mb/1/site/${this.text(8)}/tele`, '/', this.text(300) || 'x']);
  }

  bytes(most = 40): Uint8Array {
    return Uint8Array.from({ length: this.one([0, this.below(most), this.below(most * 50)]) }, () => this.below(256));
  }

  qos(): Qos {
    return this.one([0, 1, 2]);
  }

  id(): number {
    return this.positive(65_535);
  }

  /** Some of the properties that are named. */
  properties(...names: (keyof Properties)[]): Properties {
    const all: Required<Properties> = {
      payloadFormat: this.below(2),
      messageExpiryS: this.number(0xffffffff),
      contentType: this.text(),
      responseTopic: this.topic(),
      correlationData: this.bytes(),
      subscriptionIds: [this.positive(268_435_455)],
      sessionExpiryS: this.number(0xffffffff),
      assignedClientId: this.text(),
      serverKeepAliveS: this.number(65_535),
      authMethod: this.text(),
      authData: this.bytes(),
      requestProblemInfo: this.below(2),
      willDelayS: this.number(0xffffffff),
      requestResponseInfo: this.below(2),
      responseInfo: this.text(),
      serverReference: this.text(),
      reasonString: this.text(),
      receiveMaximum: this.positive(65_535),
      topicAliasMaximum: this.number(65_535),
      topicAlias: this.positive(65_535),
      maximumQos: this.below(2),
      retainAvailable: this.below(2),
      userProperties: Array.from({ length: 1 + this.below(3) }, (_, i) => [`k${i}${this.text()}`, this.text()]),
      maximumPacketBytes: this.positive(0xffffffff),
      wildcardsAvailable: this.below(2),
      subscriptionIdsAvailable: this.below(2),
      sharedAvailable: this.below(2),
    };
    const chosen = [...names, 'userProperties' as const].filter(() => this.random() < 0.4);
    return Object.fromEntries(chosen.map((name) => [name, all[name]]));
  }
}

/** Our properties as the oracle has them; it leaves an empty table away. */
function named(properties: Properties): { properties?: Record<string, unknown> } {
  const entries = Object.entries(properties).map(([name, value]): [string, unknown] => {
    const key = name as keyof Properties;
    if (key === 'userProperties') return [NAMES[key], Object.fromEntries(value as [string, string][])];
    if (key === 'subscriptionIds') return [NAMES[key], (value as number[])[0]];
    if (value instanceof Uint8Array) return [NAMES[key], Buffer.from(value)];
    return [NAMES[key], FLAGS.includes(key) ? value === 1 : value];
  });
  return entries.length === 0 ? {} : { properties: Object.fromEntries(entries) };
}

/** What the oracle reads, in a form to compare: bytes as such, tables as plain ones, without what it notes for itself. */
function judged(bytes: Uint8Array, version: Version): unknown {
  const found: Judged[] = [];
  const judge = parser({ protocolVersion: version });
  judge.on('packet', (packet) => found.push(packet));
  judge.on('error', (error) => {
    throw error;
  });
  judge.parse(Buffer.from(bytes));
  assert.is(found.length, 1, '~> one packet');
  return plain(found[0]);
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name, one]) => name !== 'length' && one !== undefined && one !== null);
  return Object.fromEntries(entries.map(([name, one]) => [name, plain(one)]).sort());
}

function each(what: string, run: (make: Maker, version: Version) => void): () => void {
  return () => {
    const make = new Maker(seededRandom([...what].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7)));
    for (let i = 0; i < ROUNDS; i++) run(make, make.one([4, 5]));
  };
}

const ACKS = [
  [PUBACK, 'puback', [0, 0x10, 0x80, 0x83, 0x87, 0x97]],
  [PUBREC, 'pubrec', [0, 0x10, 0x80, 0x99]],
  [PUBREL, 'pubrel', [0, 0x92]],
  [PUBCOMP, 'pubcomp', [0, 0x92]],
] as const;

// what we write, it reads

const ours = suite('mqtt-packet reads');
const head = { dup: false, qos: 0, retain: false };
ours(
  'our CONNECT',
  each('connect', (make, version) => {
    const username = make.flag() ? make.text() : undefined;
    const password = username !== undefined && make.flag() ? make.bytes() : undefined;
    const properties = make.properties(
      'sessionExpiryS',
      'receiveMaximum',
      'maximumPacketBytes',
      'topicAliasMaximum',
      'requestProblemInfo',
      'requestResponseInfo',
    );
    const willProperties = make.properties(
      'willDelayS',
      'payloadFormat',
      'messageExpiryS',
      'contentType',
      'responseTopic',
      'correlationData',
    );
    const will = make.flag()
      ? { topic: make.topic(), payload: make.bytes(), qos: make.qos(), retain: make.flag() }
      : undefined;
    const base = { clientId: make.text(), cleanStart: make.flag(), keepAliveS: make.number(65_535) };
    const bytes = encodeConnect(
      {
        ...base,
        properties,
        ...(username !== undefined && { username }),
        ...(password && { password }),
        ...(will && { will: { ...will, properties: willProperties } }),
      },
      version,
    );
    const isNew = version === 5;
    const expected = {
      ...head,
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: version,
      clean: base.cleanStart,
      clientId: base.clientId,
      keepalive: base.keepAliveS,
      ...(isNew && named(properties)),
      ...(username !== undefined && { username }),
      ...(password && { password }),
      ...(will && { will: { ...will, ...(isNew && named(willProperties)) } }),
    };
    assert.equal(judged(bytes, version), plain(expected));
  }),
);
ours(
  'our PUBLISH',
  each('publish', (make, version) => {
    const qos = make.qos();
    const packet = {
      topic: make.topic(),
      payload: make.bytes(),
      qos,
      retain: make.flag(),
      dup: qos > 0 && make.flag(),
      ...(qos > 0 && { id: make.id() }),
      properties: make.properties(
        'payloadFormat',
        'messageExpiryS',
        'topicAlias',
        'responseTopic',
        'correlationData',
        'contentType',
      ),
    };
    const { id, properties, ...rest } = packet;
    const expected = { cmd: 'publish', ...rest, ...(id && { messageId: id }), ...(version === 5 && named(properties)) };
    assert.equal(judged(encodePublish(packet, version), version), plain(expected));
  }),
);
ours(
  'our acknowledgements',
  each('acks', (make, version) => {
    const [type, cmd, codes] = make.one(ACKS);
    const [id, code, properties] = [make.id(), make.one(codes), make.properties('reasonString')];
    const expected = {
      ...head,
      qos: type === PUBREL ? 1 : 0,
      cmd,
      messageId: id,
      ...(version === 5 && { reasonCode: code, ...named(properties) }),
    };
    assert.equal(judged(encodeAck(type, id, version, code, properties), version), plain(expected));
  }),
);
ours(
  'our SUBSCRIBE and UNSUBSCRIBE',
  each('subscribe', (make, version) => {
    const id = make.id();
    const properties = make.properties('subscriptionIds');
    const requests = Array.from(
      { length: 1 + make.below(8) },
      (): Required<FilterRequest> => ({
        filter: make.one([make.topic(), '#', '+/a/#']),
        qos: make.qos(),
        noLocal: make.flag(),
        retainAsPublished: make.flag(),
        retainHandling: make.one([0, 1, 2]),
      }),
    );
    const common = { ...head, qos: 1, messageId: id };
    assert.equal(
      judged(encodeSubscribe(id, requests, version, properties), version),
      plain({
        ...common,
        cmd: 'subscribe',
        ...(version === 5 && named(properties)),
        subscriptions: requests.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) => ({
          topic: filter,
          qos,
          ...(version === 5 && { nl: noLocal, rap: retainAsPublished, rh: retainHandling }),
        })),
      }),
    );
    const filters = requests.map(({ filter }) => filter);
    assert.equal(
      judged(encodeUnsubscribe(id, filters, version), version),
      plain({ ...common, cmd: 'unsubscribe', unsubscriptions: filters }),
    );
  }),
);
ours(
  'our DISCONNECT, AUTH and PINGREQ',
  each('disconnect', (make, version) => {
    assert.equal(judged(encodePing(), version), plain({ ...head, cmd: 'pingreq' }));
    const leave = [
      make.one([0, 4, 0x81, 0x82, 0x93, 0x95]),
      make.properties('sessionExpiryS', 'reasonString'),
    ] as const;
    assert.equal(
      judged(encodeReason(DISCONNECT, leave[0], version, leave[1]), version),
      plain({ ...head, cmd: 'disconnect', ...(version === 5 && { reasonCode: leave[0], ...named(leave[1]) }) }),
    );
    if (version < 5) return;
    const auth = [make.one([0x18, 0x19]), make.properties('authMethod', 'authData', 'reasonString')] as const;
    assert.equal(
      judged(encodeReason(AUTH, auth[0], 5, auth[1]), 5),
      plain({ ...head, cmd: 'auth', reasonCode: auth[0], ...named(auth[1]) }),
    );
  }),
);
ours.run();

// ---

// what it writes, we read

const theirs = suite('mqtt-packet writes');
function assertRead(packet: Record<string, unknown>, version: Version, expected: Packet): void {
  const bytes = generate(packet as unknown as Judged, { protocolVersion: version });
  assert.equal(plain(decodePacket(bytes, version)), plain(expected), bytes.toString('hex'));
}
theirs(
  'our CONNACK',
  each('connack', (make, version) => {
    const code = version === 5 ? make.one([0, 0, 0x80, 0x84, 0x86, 0x87, 0x97, 0x9f]) : make.below(6);
    const sessionPresent = code === 0 && make.flag();
    const properties =
      version === 5
        ? make.properties(
            'sessionExpiryS',
            'receiveMaximum',
            'maximumQos',
            'retainAvailable',
            'maximumPacketBytes',
            'assignedClientId',
            'topicAliasMaximum',
            'reasonString',
            'wildcardsAvailable',
            'subscriptionIdsAvailable',
            'sharedAvailable',
            'serverKeepAliveS',
            'responseInfo',
            'serverReference',
            'authMethod',
            'authData',
          )
        : {};
    const code_ = version === 5 ? { reasonCode: code } : { returnCode: code };
    assertRead({ cmd: 'connack', sessionPresent, ...code_, ...named(properties) }, version, {
      type: CONNACK,
      sessionPresent,
      code,
      properties,
    });
  }),
);
theirs(
  'our PUBLISH',
  each('publish to us', (make, version) => {
    const qos = make.qos();
    const dup = qos > 0 && make.flag();
    const [topic, payload, retain, id] = [make.topic(), Buffer.from(make.bytes()), make.flag(), make.id()];
    const properties =
      version === 5
        ? make.properties(
            'payloadFormat',
            'messageExpiryS',
            'topicAlias',
            'responseTopic',
            'correlationData',
            'subscriptionIds',
            'contentType',
          )
        : {};
    assertRead({ cmd: 'publish', topic, payload, qos, dup, retain, messageId: id, ...named(properties) }, version, {
      type: PUBLISH,
      topic,
      payload,
      qos,
      dup,
      retain,
      ...(qos > 0 && { id }),
      properties,
    });
  }),
);
theirs(
  'our acknowledgements',
  each('acks to us', (make, version) => {
    const [type, cmd, codes] = make.one(ACKS);
    const [id, code] = [make.id(), version === 5 ? make.one(codes) : 0];
    const properties = version === 5 ? make.properties('reasonString') : {};
    assertRead({ cmd, messageId: id, reasonCode: code, ...named(properties) }, version, { type, id, code, properties });
  }),
);
theirs(
  'our SUBACK and UNSUBACK',
  each('suback', (make, version) => {
    const id = make.id();
    const properties = version === 5 ? make.properties('reasonString') : {};
    const codes = Array.from({ length: 1 + make.below(8) }, () =>
      make.one(version === 5 ? [0, 1, 2, 0x80, 0x87, 0x8f, 0x97] : [0, 1, 2, 0x80]),
    );
    assertRead({ cmd: 'suback', messageId: id, granted: codes, ...named(properties) }, version, {
      type: SUBACK,
      id,
      codes,
      properties,
    });
    const answers = version === 5 ? codes.map((code) => (code < 3 ? make.one([0, 0x11]) : 0x87)) : [];
    assertRead({ cmd: 'unsuback', messageId: id, granted: answers, ...named(properties) }, version, {
      type: UNSUBACK,
      id,
      codes: answers,
      properties,
    });
  }),
);
theirs(
  'our DISCONNECT, AUTH and PINGRESP',
  each('disconnect to us', (make) => {
    assertRead({ cmd: 'pingresp' }, make.one([4, 5]), { type: PINGRESP });
    const code = make.one([0, 0x81, 0x8b, 0x8d, 0x8e, 0x97, 0x9c]);
    const properties = make.properties('reasonString', 'serverReference');
    assertRead({ cmd: 'disconnect', reasonCode: code, ...named(properties) }, 5, {
      type: DISCONNECT,
      code,
      properties,
    });
    const auth = make.properties('authMethod', 'authData', 'reasonString');
    assertRead({ cmd: 'auth', reasonCode: 0x18, ...named(auth) }, 5, { type: AUTH, code: 0x18, properties: auth });
  }),
);
theirs.run();
