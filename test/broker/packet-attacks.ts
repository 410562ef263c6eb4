// What a broker may try by breaking the protocol: packets that are none, or not allowed. It is told why, where it can be told, and left.

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

/** One byte of each packet that a broker sends, changed. */
export const MALFORMED: readonly Attack[] = [
  ['CONNACK', '2003000000', 0, 5] as const,
  ['PUBLISH', '320c000161000705020000003c68', 0, 7] as const,
  ['PUBLISH', '320c000161000705020000003c68', 7, 14] as const,
  ['SUBACK', '900400010001', 0, 6] as const,
  ['PUBACK', '40020001', 0, 4] as const,
  ['PINGRESP', 'd000', 0, 2] as const,
].map(([name, hex, from, to]) => ({
  what: `malformed: each byte of ${name}, from ${from} to ${to - 1}`,
  ends: true,
  did: /\d+ changed: ended the connection each time$/,
  run: async (it: Scene) => {
    const bytes = bytesOf(hex);
    const ended: string[] = [];
    for (let at = from; at < to; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 0xff;
      // behind it so much that whatever length it announces is filled, or too long
      const tail = new Uint8Array(300).fill(0xff);
      const isGreeting = name === 'CONNACK';
      if (isGreeting)
        await anew(
          it,
          but(CONNECT, () => joinBytes([changed, tail])),
        );
      else if (it.live.closed) {
        const { length } = it.broker.connections;
        await anew(it, obey);
        await it.meet(length);
      }
      const { live } = it;
      if (!isGreeting) live.send(changed, tail);
      await waitFor(`${name} with byte ${at} changed ends the connection`, () => live.closed);
      ended.push(String(at));
    }
    it.note = `${ended.length} changed: ended the connection each time`;
  },
}));
