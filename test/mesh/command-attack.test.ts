import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { joinBytes } from '../../src/lib/bytes.ts';
import { sealEnvelope } from '../../src/lib/envelope.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { CommandJournal, CommandState } from '../../src/mesh/command.ts';
import { operation } from '../../src/mesh/operation.ts';
import { ManualClock } from '../support/clock.ts';
import { Bench, command, NODE, OBSERVER, OPERATOR, SID, STRANGER } from '../support/command.ts';
import { isEngine } from '../support/machine.ts';
import { seededRandom } from '../support/random.ts';

/** A signer who is not who he says. */
const FORGER = { key: OPERATOR.key, sign: STRANGER.sign };
/** The operator's signature, which says that it is the observer's, and the other way round. */
const DISGUISED = { key: OBSERVER.key, sign: OPERATOR.sign };
const PROMOTED = { key: OPERATOR.key, sign: OBSERVER.sign };

const replace = (payload: Uint8Array, from: string, to: string): Uint8Array => {
  const text = decodeUtf8(payload);
  assert.ok(text.includes(from), `${from} is in it`);
  return encodeUtf8(text.replace(from, to));
};

/** What a broker, or whoever writes to its topics, may try: which answer it gets, and as what it is counted. */
const ATTACKS: [
  what: string,
  payload: (bench: Bench) => Uint8Array,
  code: string,
  answer: string,
  retained?: boolean,
][] = [
  ['a forged signature', () => command({}, [FORGER]), 'signature', 'rejected signature'],
  ['a key that nobody knows', () => command({}, [STRANGER]), 'unknown-key', ''],
  ['no signature', () => encodeUtf8('{"cid":"a"}'), 'malformed', ''],
  [
    'a key that was switched off',
    (bench) => {
      bench.keys = [OBSERVER.entry('observer', 'observe')];
      return command();
    },
    'unknown-key',
    '',
  ],
  ['one that the broker keeps', () => command(), 'retained', '', true],
  ['one for another node', () => command({ aud: { node: 'nopqrstuvwxyz', sid: SID } }), 'audience', ''],
  [
    'one of an earlier session',
    () => command({ aud: { node: NODE, sid: 'ddddeeeeffff' } }),
    'session',
    'rejected session',
  ],
  [
    'one that is over',
    (bench) => command({ exp: Math.floor(bench.clock.unixMs() / 1000) - 60 }),
    'expired',
    'expired expired',
  ],
  [
    'one of later',
    (bench) => command({ not_before: Math.floor(bench.clock.unixMs() / 1000) + 60 }),
    'not-yet',
    'rejected not-yet',
  ],
  [
    'one without an end of it, made old',
    (bench) => command({ exp: 1, ctr: 10 ** 9, cid: bench.lines.length ? 'a' : 'b' }),
    'expired',
    'expired expired',
  ],
  ['too much', () => joinBytes([command(), new Uint8Array(8192).fill(0x20)]), 'oversize', ''],
  ['nothing', () => new Uint8Array(), 'malformed', ''],
  ['half of it', () => command().subarray(0, 100), 'malformed', ''],
  [
    'an operation changed on the way',
    () => replace(command({ op: 'look' }), '"op":"look"', '"op":"act"'),
    'signature',
    'rejected signature',
  ],
  [
    'arguments changed on the way',
    () => replace(command({ args: { count: 1 } }), '"count":1', '"count":5'),
    'signature',
    'rejected signature',
  ],
  [
    'a counter changed on the way',
    () => replace(command({ ctr: 10 ** 9 }), '"ctr":1', '"ctr":2'),
    'signature',
    'rejected signature',
  ],
  [
    'an end put off',
    (bench) => replace(command({ exp: Math.floor(bench.clock.unixMs() / 1000) - 60 }), '"exp":1', '"exp":2'),
    'signature',
    'rejected signature',
  ],
  [
    'a member added',
    () => replace(command(), ',"sigs"', ',"args":{"count":5},"sigs"'),
    'signature',
    'rejected signature',
  ],
  ['a blank added', () => replace(command(), '"args":{}', '"args": {}'), 'signature', 'rejected signature'],
  ['a scope too low', () => command({ op: 'act' }, [OBSERVER]), 'scope', 'rejected scope'],
  ['a lower key that says it is a higher', () => command({ op: 'act' }, [PROMOTED]), 'signature', 'rejected signature'],
  [
    'a higher key that says it is a lower',
    () => command({ op: 'look' }, [DISGUISED]),
    'signature',
    'rejected signature',
  ],
  [
    'a signature taken off, so that a lower one is left',
    () => {
      const text = decodeUtf8(command({ op: 'act' }, [OBSERVER, OPERATOR]));
      return encodeUtf8(text.replace(/,"[0-9a-f]{16}:[^"]*"\]\}$/, ']}'));
    },
    'scope',
    'rejected scope',
  ],
  [
    'a good signature with a bad one of a higher key',
    () => command({ op: 'look' }, [OBSERVER, FORGER]),
    'signature',
    'rejected signature',
  ],
  [
    'the signature of another command',
    () => {
      const [one, other] = [command(), command()].map((bytes) => decodeUtf8(bytes)) as [string, string];
      return encodeUtf8(one.slice(0, one.indexOf(',"sigs"')) + other.slice(other.indexOf(',"sigs"')));
    },
    'signature',
    'rejected signature',
  ],
  [
    'what was signed as a desired state',
    () => {
      const body = { cid: 'w', op: 'act', args: {}, aud: { node: NODE, sid: SID }, ctr: 10 ** 10 };
      return sealEnvelope('want', JSON.stringify(body), [OPERATOR]);
    },
    'signature',
    'rejected signature',
  ],
  [
    'an answer of a node',
    () => sealEnvelope('res', JSON.stringify({ cid: 'a', op: 'act', st: 'done', sid: SID }), [OPERATOR]),
    'malformed',
    '',
  ],
  ['a list for a body', () => command({ args: [] }), 'malformed', ''],
  ['a name that reaches into objects', () => command({ op: '__proto__' }), 'unknown-op', 'rejected unknown-op'],
  [
    'a table that says it is every table',
    () => replace(command(), '"args":{}', '"args":{"__proto__":{"count":5}}'),
    'signature',
    'rejected signature',
  ],
  ['a member that nobody knows', () => command({ also: 'act' }), 'malformed', ''],
  ['a counter that is none', () => command({ ctr: 1e300 }), 'malformed', ''],
  ['a counter below zero', () => command({ ctr: -1 }), 'malformed', ''],
  ['an id with a topic in it', () => command({ cid: 'a/../b' }), 'malformed', ''],
  ['a long id', () => command({ cid: 'a'.repeat(33) }), 'malformed', ''],
  ['no audience', () => command({ aud: undefined }), 'malformed', ''],
  ['an audience of lists', () => command({ aud: { node: [NODE], sid: [SID] } }), 'malformed', ''],
];

const attack = suite('attacks on commands');
for (const [what, make, code, answer, retained = false] of ATTACKS)
  attack(`refuse ${what}`, async () => {
    const bench = new Bench();
    await bench.take(command());
    await bench.clock.advance(10_000);
    const payload = make(bench);
    assert.is(await bench.verdict(payload, retained), answer);
    assert.equal(bench.refused(), { [code]: 1 });
    assert.equal(bench.done, ['act'], '~> nothing was done but what was ordered before');
    // and the desk is not the worse for it
    bench.keys = [OPERATOR.entry('operator', 'operate'), OBSERVER.entry('observer', 'observe')];
    assert.is(await bench.verdict(command({ ctr: 10 ** 12 })), 'done');
  });

attack('refuse replays: at once, later, to the next daemon, and once more after others', async () => {
  const first = new Bench();
  const messages = [command(), command(), command()];
  for (const message of messages) {
    assert.is(await first.verdict(message), 'done');
    await first.clock.advance(5000);
  }
  for (const bench of [first, new Bench({ journal: first.journal })])
    for (const message of [...messages, ...messages]) {
      await bench.clock.advance(5000);
      assert.is(await bench.verdict(message), 'done', '~> only told again');
    }
  assert.is(first.done.length, 3);
});

attack('refuse what comes after what was ordered later', async () => {
  const bench = new Bench();
  const [early, late] = [command(), command()];
  assert.is(await bench.verdict(late), 'done');
  assert.is(await bench.verdict(early), 'rejected counter');
  assert.is(bench.done.length, 1);
});

attack('refuse what was held back until it was over', async () => {
  const bench = new Bench();
  const message = command({ exp: Math.floor(bench.clock.unixMs() / 1000) + 60 });
  await bench.clock.advance(61_000);
  assert.is(await bench.verdict(message), 'expired expired');
  assert.is(await bench.verdict(message), 'expired expired');
  assert.equal(bench.done, []);
});

attack('cannot have one told as refused, and done all the same', async () => {
  const bench = new Bench();
  const good = command({ cid: 'x' });
  // whoever lies in between lets a broken copy through first
  assert.is(
    await bench.verdict(command({ cid: 'x', aud: { node: NODE, sid: 'ddddeeeeffff' } }, [FORGER])),
    'rejected session',
  );
  assert.is(await bench.verdict(good), 'rejected refused');
  assert.equal(bench.done, []);
});

attack('change nothing that is kept, before a signature holds', async () => {
  const bench = new Bench();
  const before = bench.journal.load();
  for (const [, make, code, , retained = false] of ATTACKS) {
    if (['expired', 'not-yet', 'scope', 'unknown-op'].includes(code)) continue;
    const { keys } = bench;
    await bench.take(make(bench), retained);
    bench.keys = keys;
    await bench.clock.advance(1000);
  }
  for (let i = 0; i < 20; i++)
    await bench.take(command({ ctr: 10 ** 14 }, [FORGER])).then(() => bench.clock.advance(1000));
  assert.equal(bench.journal.load(), before);
  assert.is(await bench.verdict(command()), 'done', '~> nor was a counter moved');
});

// ---

const FLOOD_PER_S = isEngine ? 1000 : 10_000;
const FLOOD_S = isEngine ? 3 : 10;

attack(`check one signature a second, and four at once, of a flood of ${FLOOD_PER_S} a second`, async () => {
  const bench = new Bench();
  const floods: (() => Uint8Array)[] = [
    () => command({}, [FORGER]),
    () => command({ aud: { node: NODE, sid: 'ddddeeeeffff' } }, [FORGER]),
    () => command({ ctr: 0 }, [OPERATOR]),
    () => command({}, [STRANGER]),
    () => command({ args: { text: 'x'.repeat(7000) } }, [FORGER]),
    () => encodeUtf8(`{"a":${'['.repeat(8000)}`),
  ];
  await bench.take(command({ op: 'look' }));
  await bench.clock.advance(10_000);
  const { journal } = bench;
  const [payloads, kept, checks, answers] = [
    floods.map((make) => make()),
    journal.load(),
    bench.checks,
    bench.answers.length,
  ];
  for (let s = 0; s < FLOOD_S; s++)
    for (let i = 0; i < FLOOD_PER_S; i++) {
      bench.desk.take(payloads[i % payloads.length]!, false);
      if ((i + 1) % (FLOOD_PER_S / 100) === 0) await bench.clock.advance(10);
    }
  const most = 4 + FLOOD_S;
  assert.ok(bench.checks - checks <= most, `${bench.checks - checks} signatures checked`);
  assert.ok(bench.answers.length - answers <= most, `${bench.answers.length - answers} answers`);
  assert.ok(bench.lines.length < 8, `${bench.lines.length} lines logged`);
  assert.equal(journal.load(), kept);
  const refused = Object.values(bench.refused()).reduce((sum, count) => sum + count, 0);
  assert.is(refused, FLOOD_PER_S * FLOOD_S, '~> each is counted');
  await bench.clock.advance(5000);
  assert.is(await bench.verdict(command()), 'done', '~> and afterwards it takes commands');
});

// ---

const MUTATIONS = isEngine ? 500 : 100_000;

attack(`refuse ${MUTATIONS} messages that were changed by chance`, async () => {
  const random = seededRandom(5);
  const below = (limit: number): number => Math.floor(random() * limit);
  const bases = Array.from({ length: 8 }, (_, i) =>
    command({ cid: `base-${i}`, ctr: 10 ** 9 + i, args: i % 2 ? { count: 2 } : {}, exp: 4_000_000_000 }),
  );
  const change = (bytes: Uint8Array): Uint8Array => {
    const at = below(bytes.length);
    const count = 1 + below(random() < 0.8 ? 2 : 40);
    const other = bases[below(bases.length)]!;
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + count))];
    switch (below(8)) {
      case 0:
      case 1: {
        const flipped = bytes.slice();
        flipped[at]! ^= 1 << below(8);
        return flipped;
      }
      case 2:
        return joinBytes([before, Uint8Array.from({ length: count }, () => below(256)), after]);
      case 3:
        return joinBytes([before, after]);
      case 4:
        return joinBytes([before, bytes.subarray(at, at + count), bytes.subarray(at)]);
      case 5: // of two good ones, at one place or at two
        return joinBytes([before, other.subarray(at)]);
      case 6:
        return joinBytes([before, other.subarray(below(other.length))]);
      default: // a character of the same kind
        return encodeUtf8(
          decodeUtf8(bytes).replace(/[0-9]/g, (digit) => (random() < 0.02 ? String(below(10)) : digit)),
        );
    }
  };
  const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
  let given = 0;
  let checks = 0;
  while (given < MUTATIONS) {
    let payload = bases[below(bases.length)]!;
    for (let times = 1 + below(3); times > 0; times--) payload = change(payload);
    if (bases.some((base) => same(base, payload))) continue;
    given++;
    // a desk of its own: else most would be refused because their ids were refused before
    const bench = new Bench();
    bench.desk.take(payload, false);
    assert.equal([bench.done, bench.desk.list().commands], [[], []], decodeUtf8(payload));
    checks += bench.checks;
  }
  assert.ok(checks > MUTATIONS / 20, `${checks} came as far as their signature`);
  assert.is(await new Bench().verdict(bases[0]!), 'done');
});

// ---

const TRIALS = isEngine ? 300 : 10_000;

/** Where signatures are believed unseen. */
const UNCHECKED = { key: OPERATOR.key, sign: () => new Uint8Array(64) };

/** What a kill throws: nothing that comes after it counts. */
class Killed extends Error {}

attack(`cannot have a command done twice, in ${TRIALS} trials of kills, doubles and other orders`, async () => {
  const random = seededRandom(9);
  const below = (limit: number): number => Math.floor(random() * limit);
  const seen = { done: 0, interrupted: 0, effects: 0, kills: 0 };
  for (let trial = 0; trial < TRIALS; trial++) {
    let disk: string | undefined;
    const effects = new Map<string, number>();
    const told = new Map<string, Set<string>>();
    const clock = new ManualClock();
    /** Steps until the next kill: writes, and moments around the effect. */
    let fuse = below(8);
    const live = () => {
      let dead = false;
      const step = (): void => {
        if (dead) throw new Killed();
        if (fuse-- !== 0) return;
        dead = true;
        seen.kills++;
        throw new Killed();
      };
      const journal: CommandJournal = {
        load: () => (disk === undefined ? { counters: {}, records: [] } : JSON.parse(disk)),
        save: (state: CommandState) => {
          step();
          disk = JSON.stringify(state);
          step();
        },
      };
      const effect = operation({
        scope: 'operate',
        args: {},
        run: async (_, { payload }) => {
          const { cid } = JSON.parse(payload);
          step();
          if (below(2)) await null;
          step();
          effects.set(cid, (effects.get(cid) ?? 0) + 1);
          step();
          if (below(2)) await null;
          step();
        },
      });
      const bench = new Bench({
        journal,
        clock,
        operations: { act: effect },
        verify: () => true,
        onAnswer: ({ cid, st, code }) => {
          if (!dead) told.set(cid, (told.get(cid) ?? new Set()).add(code ?? st));
        },
      });
      return { bench, isDead: () => dead };
    };
    const cids = Array.from({ length: 1 + below(3) }, (_, i) => `t${trial}-${i}`);
    const messages = cids.map((cid) => command({ cid }, [UNCHECKED]));
    const queue = Array.from(
      { length: messages.length + below(4) },
      (_, i) => messages[i] ?? messages[below(messages.length)]!,
    );
    if (below(3) === 0) queue.sort(() => random() - 0.5);
    let life = live();
    for (let deliveries = 0; queue.length > 0 && deliveries < 40; deliveries++) {
      const message = queue.shift()!;
      await clock.advance(1000);
      life.bench.desk.take(message, false);
      await clock.advance(0);
      if (!life.isDead()) continue;
      // the broker gives again what was not acknowledged
      if (below(2)) queue.unshift(message);
      fuse = below(3) ? below(8) : -1;
      life = live();
      if (!life.isDead()) life.bench.desk.brokerUp();
    }
    for (const cid of cids) {
      const count = effects.get(cid) ?? 0;
      const words = told.get(cid) ?? new Set();
      assert.ok(count <= 1, `trial ${trial}: ${cid} was done ${count} times`);
      if (words.has('done')) assert.is(count, 1, `trial ${trial}: ${cid} was told as done`);
      if (words.has('counter')) assert.is(count, 0, `trial ${trial}: ${cid} was told as refused`);
      seen.done += words.has('done') ? 1 : 0;
      seen.interrupted += words.has('interrupted') ? 1 : 0;
      seen.effects += count;
    }
  }
  assert.ok(seen.kills > TRIALS / 2 && seen.done > TRIALS / 4 && seen.interrupted > TRIALS / 10, JSON.stringify(seen));
});

attack.run();
