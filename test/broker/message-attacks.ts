// What may be tried by messages: forged, changed, repeated, held back, put elsewhere.

import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { joinBytes } from '../../src/lib/bytes.ts';
import { sealEnvelope } from '../../src/lib/envelope.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { broker as packets } from '../support/mqtt.ts';
import { waitFor } from '../support/scripted-broker.ts';
import { OPERATOR, SECOND, SITE } from '../support/signed.ts';
import { type Attack, FORGER } from './attack.ts';
import { FORMER } from './hostile-scene.ts';

const nowS = (): number => Math.floor(Date.now() / 1000);
const changes = [{ set: 'meshbridge.main.poll_idle', to: '98' }];

/** Attacks by messages: the connection stays. */
export const MESSAGES: readonly Attack[] = [
  { what: 'forge a command', run: (it) => it.send(it.command({}, [FORGER])), did: /^refused as signature$/ },
  {
    what: 'forge a desired state',
    run: (it) => {
      const body = { gen: 1000, aud: { node: it.node }, confirm_s: 30, changes };
      it.send(it.seal(body, [FORGER], 'want'), { topic: it.topic('want'), retain: true, qos: 1, id: 1 });
    },
    did: /^refused the want as signature$/,
  },
  {
    what: 'change a command on its way',
    run: (it) => {
      const text = decodeUtf8(it.command());
      it.send(encodeUtf8(text.replace('"99"', '"98"')));
    },
    did: /^refused as signature$/,
  },
  { what: 'retain a command', run: (it) => it.send(it.command(), { retain: true }), did: /^refused as retained$/ },
  {
    what: 'swap targets',
    run: (it) => it.send(it.command({ aud: { node: 'abcdefghij234', sid: it.sid } })),
    did: /^refused as audience$/,
  },
  {
    what: 'foreign session',
    run: (it) => it.send(it.command({ aud: { node: it.node, sid: 'aaaabbbbcccc' } })),
    did: /^refused as session$/,
  },
  { what: 'counter back', run: (it) => it.send(it.command({ ctr: 1 })), did: /^refused as counter$/ },
  {
    what: 'reorder',
    run: async (it) => {
      const early = it.command();
      await it.good();
      it.send(early);
    },
    did: /refused as counter$/,
  },
  {
    what: 'replay, three times',
    run: async (it) => {
      const payload = await it.good();
      for (let i = 0; i < 3; i++) it.send(payload, { qos: 1, id: i + 1, dup: i > 0 });
    },
    did: /refused 3 times as dup$/,
  },
  {
    what: 'delay until it is over',
    run: async (it) => {
      const exp = nowS() + 1;
      const payload = it.command({ exp });
      await waitFor('it is over', () => nowS() > exp);
      it.send(payload);
    },
    did: /refused as expired$/,
  },
  { what: 'expired key', run: (it) => it.send(it.command({}, [FORMER])), did: /^refused as unknown-key$/ },
  { what: 'key of a lower scope', run: (it) => it.send(it.command({}, [SECOND])), did: /^refused as scope$/ },
  {
    what: 'a desired state as a command',
    run: (it) =>
      it.send(sealEnvelope('want', JSON.stringify(it.body()), [{ key: OPERATOR.key, sign: (b) => OPERATOR.sign(b) }])),
    did: /^refused as signature$/,
  },
  {
    what: 'oversize command',
    run: (it) => it.send(joinBytes([it.command(), new Uint8Array(9000).fill(0x20)])),
    did: /^refused as oversize$/,
  },
  {
    what: 'deep JSON',
    run: (it) => it.send(encodeUtf8(`{"a":${'['.repeat(8000)}`)),
    did: /^refused as malformed$/,
  },
  {
    what: 'topic injection',
    run: (it) => {
      for (const topic of [
        `mb/1/${SITE}/${it.node}/cmd/x`,
        `mb/1/${SITE}/${it.node}/cmd/`,
        `mb/1/${SITE}/${it.node}`,
        `mb/1/${SITE}/all/cmd`,
        `mb/1/other/${it.node}/cmd`,
        '$SYS/broker/cmd',
        `mb/1/${SITE}/${it.node}/res`,
        'x'.repeat(12_000),
      ])
        it.send(it.command(), { topic });
    },
    did: /^passed over 8 that nobody asked for$/,
  },
  {
    what: 'will flapping',
    run: (it) => {
      for (let i = 0; i < 50; i++)
        it.send(encodeUtf8(`{"state":"${i % 2 ? 'online' : 'offline'}"}`), { topic: it.topic('status'), retain: true });
    },
    did: /^passed over 50 that nobody asked for$/,
  },
  {
    what: 'discovery injection',
    run: async (it) => {
      const before = it.published('homeassistant/');
      for (let i = 0; i < 100; i++)
        it.send(encodeUtf8(i % 2 ? 'online' : '{{ states }}'), { topic: 'homeassistant/status' });
      it.send(encodeUtf8('{"dev":{}}'), { topic: `homeassistant/device/mb-${it.node}/config`, retain: true });
      await it.good();
      const more = it.published('homeassistant/') - before;
      assert.ok(more <= 2, `~> ${more} descriptions for 50 births`);
      it.note = `told Home Assistant of itself ${more} times for 50 births at once`;
    },
    did: /passed over 1 that nobody asked for; told/,
  },
  {
    what: 'acknowledgements of nothing',
    run: async (it) => {
      const { live } = it;
      for (let id = 1; id <= 200; id++)
        live.send(packets.puback(5, id), packets.suback(5, id, [0]), packets.unsuback(5, id, [0]), packets.pingresp());
      await it.good();
      assert.is(it.live, live, '~> the connection stays');
      it.note = 'passed them over';
    },
    // and did nothing else
    did: /^(refused (\d+ times )?as busy; )?passed them over$/,
  },
];

/** Attacks that wait until the daemon, or the router, has started anew, or until there is a newer state. */
export const REPLAYS: readonly Attack[] = [
  {
    what: 'replay to the next daemon',
    run: async (it) => {
      const payload = await it.good();
      await it.restart(false);
      it.send(payload);
    },
    did: /refused as dup$/,
  },
  {
    what: 'delay until the router has started anew',
    run: async (it) => {
      const payload = it.command();
      await it.restart(true);
      it.send(payload);
    },
    did: /^refused as session$/,
  },
  {
    what: 'roll a desired state back',
    run: async (it) => {
      const want = (gen: number, to: string): Uint8Array =>
        it.seal(
          { gen, aud: { node: it.node }, confirm_s: 30, changes: [{ set: 'meshbridge.main.poll_idle', to }] },
          [OPERATOR],
          'want',
        );
      // what is meant is done: else nothing would be proved by all that is not
      it.send(want(5, '98'), { topic: it.topic('want'), retain: true, qos: 1, id: 1 });
      const kept = (): boolean =>
        it.live.messages().some(({ topic, text }) => topic === it.topic('have') && text.includes('"st":"applied"'));
      await waitFor('the new state is kept', kept, 60_000);
      assert.match(readFileSync(it.router.config, 'utf8'), /option poll_idle '98'/);
      it.accept();
      it.send(want(4, '97'), { topic: it.topic('want'), retain: true, qos: 1, id: 2 });
    },
    did: /refused the want as generation$/,
  },
];
