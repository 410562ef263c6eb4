// What a broker may try by how it treats a connection: floods, silence, other versions, other places, throwing out.

import * as assert from 'uvu/assert';
import { joinBytes } from '../../src/lib/bytes.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { CONNECT, PUBLISH, SUBSCRIBE } from '../../src/mqtt/packet.ts';
import { bytesOf } from '../fixtures/mqtt/packets.ts';
import { broker as packets } from '../support/mqtt.ts';
import { type Answer, obey, ScriptedBroker, waitFor } from '../support/scripted-broker.ts';
import { sleep } from '../support/sleep.ts';
import { type Attack, anew, but, FORGER } from './attack.ts';

const FLOOD_PER_S = 10_000;
const FLOOD_S = 4;
const FLAP_S = 15;
/** Of a flood, so much waits here at most: the rest is not offered any more. */
const MAX_WAITING = 4_000_000;

/** Attacks that take the machine's means, or time. */
export const MEANS: readonly Attack[] = [
  {
    what: `flood of ${FLOOD_PER_S} commands a second`,
    ends: true,
    run: async (it) => {
      const packet = it.packet(it.command({}, [FORGER]));
      const { live } = it;
      let offered = 0;
      let worstMs = 0;
      const look = async (): Promise<void> => {
        const startMs = performance.now();
        await it.router.status();
        worstMs = Math.max(worstMs, performance.now() - startMs);
      };
      const hundredth = joinBytes(Array.from({ length: FLOOD_PER_S / 100 }, () => packet));
      const startMs = performance.now();
      for (let turn = 0; turn < FLOOD_S * 100; turn++) {
        if (live.waitingBytes < MAX_WAITING) {
          live.send(hundredth);
          offered += FLOOD_PER_S / 100;
        }
        if (turn % 20 === 0) await look();
        for (; performance.now() - startMs < turn * 10; ) await sleep(1);
      }
      const peakKib = it.router.holding()!.peakKib;
      live.end();
      it.note = `${offered} offered; slowest answer on ubus meanwhile ${worstMs.toFixed(0)} ms, peak RSS ${peakKib} KiB`;
    },
    did: /refused \d+ times as busy/,
  },
  {
    what: 'flood by a broker that reads nothing, and says that it does',
    ends: true,
    run: async (it) => {
      const { live } = it;
      live.deafen();
      let sent = 0;
      for (let turn = 0; turn < 300 && !live.closed; turn++) {
        for (let i = 0; i < 30; i++) it.send(encodeUtf8('x'), { qos: 1, id: 1 + (sent++ % 60_000) });
        live.send(packets.pingresp(), packets.puback(5, 1 + turn));
        await sleep(20);
      }
      it.note = `${sent} messages to acknowledge, none of the answers read`;
      live.end();
    },
    did: /refused \d+ times as (busy|malformed)/,
  },
  {
    what: 'half-open connection: no greeting',
    ends: true,
    run: async (it) => {
      await anew(it, () => undefined);
      const { live } = it;
      await waitFor('the router gives it up', () => live.closed);
    },
    did: /ended the connection: connect: no answer within 20000 ms/,
  },
  {
    what: 'slow greeting: a byte a second',
    ends: true,
    run: async (it) => {
      await anew(it, () => undefined);
      const { live } = it;
      const bytes = joinBytes([bytesOf('20ff01'), new Uint8Array(200)]);
      for (let at = 0; at < bytes.length && !live.closed; at++) {
        live.send(bytes.subarray(at, at + 1));
        await sleep(1000);
      }
    },
    did: /ended the connection: connect: no answer within 20000 ms/,
  },
];

/** Attacks on which broker, which version and whose connection it is. */
export const PLACES: readonly Attack[] = [
  {
    what: 'downgrade to MQTT 3.1.1',
    ends: true,
    run: async (it) => {
      const refuse: Answer = (packet, connection) =>
        packet.type === CONNECT && connection.version === 5 ? bytesOf('20020001') : obey(packet, connection);
      const count = it.broker.connections.length;
      await anew(it, refuse);
      await it.meet(count + 1);
      assert.is(it.version, 4);
      it.send(it.command({}, [FORGER]));
      it.send(it.command(), { retain: true });
      it.send(it.command(), { topic: it.topic('res') });
      const payload = await it.good();
      it.send(payload);
    },
    did: /refused as dup; refused as retained; refused as signature; passed over 1 /,
  },
  {
    what: 'server moved',
    ends: true,
    run: async (it) => {
      const other = await ScriptedBroker.start();
      try {
        const { live } = it;
        const count = it.broker.connections.length;
        const reference = encodeUtf8(`127.0.0.1:${other.port}`);
        const properties = [0x1c, 0, reference.length, ...reference];
        live.send(Uint8Array.of(0xe0, properties.length + 2, 0x9d, properties.length, ...properties));
        await it.broker.connection(count + 1, CONNECT);
        assert.is(other.connections.length, 0, 'it goes nowhere else');
        it.note = 'connected to the same broker again';
      } finally {
        await other.stop();
      }
    },
    did: /ended the connection: the broker ended the connection: server moved.*; connected to the same broker again$/,
  },
  {
    what: 'clone id: taken over twice',
    ends: true,
    run: async (it) => {
      for (let i = 0; i < 2; i++) {
        const count = it.broker.connections.length;
        it.live.send(packets.disconnect(0x8e));
        if (i === 0) await it.meet(count);
      }
    },
    did: /raised an alarm: another client seems to use our id/,
  },
  {
    what: 'link flapping: greeted and thrown out',
    ends: true,
    run: async (it) => {
      const before = it.broker.connections.length;
      await anew(it, (packet, connection) => {
        if (packet.type === PUBLISH) connection.end();
        return obey(packet, connection);
      });
      await sleep(FLAP_S * 1000);
      const count = it.broker.connections.length - before;
      assert.ok(count >= 2 && count <= FLAP_S, `~> ${count} connections`);
      it.note = `connected ${count} times in ${FLAP_S} s, ever later`;
    },
    did: /ended the connection: .*(closed|Broken pipe|reset).*; connected \d+ times in/,
  },
  {
    what: 'subscriptions refused',
    ends: true,
    run: (it) =>
      anew(
        it,
        but(SUBSCRIBE, (packet, version) =>
          packet.type === SUBSCRIBE
            ? packets.suback(
                version,
                packet.id,
                packet.requests.map(() => 0x87),
              )
            : undefined,
        ),
      ),
    did: /raised an alarm: .*not authorised/,
  },
  {
    what: 'nothing acknowledged, all refused',
    ends: true,
    run: async (it) => {
      await anew(
        it,
        but(PUBLISH, (packet) =>
          packet.type === PUBLISH && packet.qos === 1 ? packets.puback(5, packet.id!, 0x97) : undefined,
        ),
      );
      await waitFor('it has published', () => it.live.of(PUBLISH).length > 2);
      it.live.send(packets.puback(5, 1, 0x97));
    },
    did: /could not tell: quota exceeded/,
  },
];
