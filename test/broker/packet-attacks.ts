// What a broker may try by breaking the protocol: packets that are none, or not allowed. It is told why, where it can be told, and left.

import * as assert from 'uvu/assert';
import { joinBytes } from '../../src/lib/bytes.ts';
import { CONNECT, SUBSCRIBE } from '../../src/mqtt/packet.ts';
import { bytesOf } from '../fixtures/mqtt/packets.ts';
import { broker as packets } from '../support/mqtt.ts';
import { obey, waitFor } from '../support/scripted-broker.ts';
import { type Attack, anew, but } from './attack.ts';
import type { Scene } from './hostile-scene.ts';

/** Whole packets. */
export const VIOLATIONS: readonly Attack[] = (
  [
    ['oversize packet', (it) => it.send(new Uint8Array(20_000)), /PUBLISH: \d+ bytes, expected at most 16384/],
    [
      'a packet of 256 MB announced',
      (it) => it.live.send(bytesOf('30ffffff7f')),
      /PUBLISH: \d+ bytes, expected at most/,
    ],
    [
      'endless properties',
      (it) => {
        const userProperties = Array.from({ length: 2000 }, (): [string, string] => ['a', 'b']);
        it.send(it.command(), { properties: { userProperties } });
      },
      /properties: more than 64/,
    ],
    [
      'a wildcard in a topic',
      (it) => it.live.send(bytesOf('3006 0003 612f23 00'.replaceAll(' ', ''))),
      /topic: a wildcard/,
    ],
    [
      'a topic alias that was not allowed',
      (it) => it.send(it.command(), { properties: { topicAlias: 1 } }),
      /a topic alias/,
    ],
    ['QoS 2', (it) => it.send(it.command(), { qos: 2, id: 1 }), /a message with QoS 2/],
    ['a second greeting', (it) => it.live.send(packets.connack(5)), /CONNACK twice/],
    [
      'a command before the greeting',
      (it) =>
        anew(
          it,
          but(CONNECT, () => it.packet(it.command())),
        ),
      /PUBLISH before CONNACK/,
    ],
    [
      'a session that was never begun',
      (it) =>
        anew(
          it,
          but(CONNECT, (_, version) => packets.connack(version, { session: true })),
        ),
      /a session although we began a new one/,
    ],
    [
      'a subscription granted with more',
      (it) =>
        anew(
          it,
          but(SUBSCRIBE, (packet, version) =>
            packet.type === SUBSCRIBE
              ? packets.suback(
                  version,
                  packet.id,
                  packet.requests.map(() => 2),
                )
              : undefined,
          ),
        ),
      /granted with QoS 2, we asked for 1/,
    ],
  ] as [string, Attack['run'], RegExp][]
).map(([what, run, did]) => ({ what, run, did, ends: true }));

/** Behind a packet so much that whatever length it announces is filled, or too long: answers to pings, which end nothing. */
const TAIL = joinBytes(Array.from({ length: 150 }, () => packets.pingresp()));

interface Changes {
  name: string;
  /** The packet; of an answer to SUBSCRIBE, what stands in its place where that is known. */
  bytes: Uint8Array;
  /** By byte: how the connection ends once it is changed. The other bytes hold what nobody can tell: numbers, seconds, a letter. */
  ends: Readonly<Record<number, RegExp>>;
  /** Of the packet that it answers; absent: it comes unasked. */
  answers?: typeof CONNECT | typeof SUBSCRIBE;
}

const LENGTH = /more bytes than the number needs/;
const CHANGES: readonly Changes[] = [
  {
    name: 'CONNACK',
    bytes: bytesOf('2003000000'),
    answers: CONNECT,
    ends: {
      0: /PINGRESP: flags 15, expected 0/,
      1: LENGTH,
      2: /CONNACK: flags 255/,
      3: /connect: code 0xff/,
      4: /properties: 0 bytes left, expected 1/,
    },
  },
  {
    name: 'PUBLISH',
    bytes: bytesOf('320c000161000705020000003c68'),
    ends: {
      0: /PINGREQ: flags 13, expected 0/,
      1: LENGTH,
      2: /topic: 10 bytes left, expected 65281/,
      3: /topic: 10 bytes left, expected 254/,
      4: /topic: no UTF-8/,
      7: /properties: 5 bytes left, expected 378/,
      8: LENGTH,
    },
  },
  {
    name: 'SUBACK',
    bytes: bytesOf('900400010001'),
    answers: SUBSCRIBE,
    ends: { 0: /PUBREL: flags 15, expected 2/, 1: LENGTH, 4: /properties: \d+ bytes? left, expected 255/ },
  },
  { name: 'PUBACK', bytes: bytesOf('40020001'), ends: { 0: /UNSUBACK: flags 15, expected 0/, 1: LENGTH } },
  { name: 'PINGRESP', bytes: bytesOf('d000'), ends: { 0: /CONNACK: flags 15, expected 0/, 1: LENGTH } },
];

/** Has the router get a packet with one byte changed. @param at -1: none */
async function sendChanged(it: Scene, { bytes, answers }: Changes, at: number): Promise<void> {
  const changed = (packet: Uint8Array): Uint8Array =>
    joinBytes([packet.map((byte, i) => (i === at ? byte ^ 0xff : byte)), TAIL]);
  if (answers === CONNECT)
    await anew(
      it,
      but(CONNECT, () => changed(bytes)),
    );
  else if (answers === SUBSCRIBE)
    await anew(
      it,
      but(SUBSCRIBE, (packet, version) =>
        packet.type === SUBSCRIBE
          ? changed(
              packets.suback(
                version,
                packet.id,
                packet.requests.map(({ qos }) => qos),
              ),
            )
          : undefined,
      ),
    );
  else {
    const { length } = it.broker.connections;
    if (it.live.closed || it.broker.answer !== obey) await anew(it, obey);
    if (it.broker.connections.length > length) await it.meet(length);
    it.live.send(changed(bytes));
  }
}

/** One byte of each packet that a broker sends, changed. */
export const MALFORMED: readonly Attack[] = CHANGES.map((one) => ({
  what: `malformed: each byte of ${one.name}`,
  ends: true,
  did: /changed: \d+ ended the connection, \d+ did not/,
  run: async (it: Scene) => {
    let ended = 0;
    // as it should be, it ends nothing
    for (let at = -1; at < one.bytes.length; at++) {
      const before = await it.told();
      const { length } = it.broker.connections;
      await sendChanged(it, one, at);
      const why = one.ends[at];
      if (why) {
        await waitFor(`${one.name} with byte ${at} changed: ${why}`, async () => why.test(await it.did(before)));
        ended++;
      } else {
        if (one.answers) await it.meet(length);
        const { live } = it;
        await it.good();
        assert.is(live.closed, false, `~> ${one.name} with byte ${at} changed: ${await it.did(before)}`);
      }
    }
    it.note = `bytes changed: ${ended} ended the connection, ${one.bytes.length - ended} did not`;
  },
}));
