import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { MAX_RECORDS } from '../../src/mesh/command.ts';
import { operation } from '../../src/mesh/operation.ts';
import { Bench, command, MemoryJournal, OBSERVER, OPERATOR, SID } from '../support/command.ts';

const desk = suite('CommandDesk');

desk('does what a key may ask for, and tells what became of it', async () => {
  const bench = new Bench();
  const [answer, ...more] = await bench.take(
    command({ cid: 'one', args: { count: 2 }, exp: bench.clock.unixMs() / 1000 + 60 }),
  );
  assert.equal(bench.done, ['act 2']);
  assert.equal(answer, { cid: 'one', op: 'act', st: 'done', sid: SID, t: Math.floor(bench.clock.unixMs() / 1000) });
  assert.is(more.length, 0);
  assert.equal(bench.refused(), {});
  assert.match(bench.lines.join('\n'), /^info command \{"by":"operator","op":"act","cid":"one"\}\ninfo command done /);
});

desk('gives what an operation tells, as far as there is room', async () => {
  const outs: unknown[] = [
    undefined,
    null,
    { x: 1 },
    'x'.repeat(4094),
    'x'.repeat(4095),
    'ä'.repeat(2047),
    'ä'.repeat(2048),
    '🦊'.repeat(1023),
    '🦊'.repeat(1024),
  ];
  let next: unknown;
  const bench = new Bench({ operations: { tell: operation({ scope: 'observe', args: {}, run: () => next }) } });
  const told: unknown[] = [];
  for (const out of outs) {
    next = out;
    await bench.clock.advance(1000);
    const [answer] = await bench.take(command({ op: 'tell' }));
    told.push(answer!.left_out ?? ('out' in answer! ? typeof answer!.out : 'nothing'));
  }
  assert.equal(told, ['nothing', 'object', 'object', 'string', true, 'string', true, 'string', true]);
});

desk('tells that a slow one was accepted, how it goes, and how it ended', async () => {
  const bench = new Bench();
  const begun = await bench.take(command({ op: 'wait' }));
  assert.equal(
    begun.map(({ st, out }) => [st, out]),
    [
      ['accepted', undefined],
      ['running', { step: 1 }],
    ],
  );
  bench.finish!({ steps: 2 });
  await bench.clock.advance(0);
  const { st, out } = bench.answers.at(-1)!;
  assert.equal([st, out], ['done', { steps: 2 }]);
});

desk('tells how it goes at most once a second, and sixteen times', async () => {
  let progress: (out: object) => void = () => {};
  const run = (_: object, order: { progress(out: object): void }) => {
    progress = (out) => order.progress(out);
    return new Promise(() => {});
  };
  const bench = new Bench({ operations: { watch: operation({ scope: 'observe', args: {}, run }) } });
  await bench.take(command({ op: 'watch' }));
  for (let i = 0; i < 400; i++) {
    progress({ i });
    await bench.clock.advance(100);
  }
  assert.equal(
    bench.answers.map(({ out }) => (out as { i: number }).i),
    Array.from({ length: 16 }, (_, i) => i * 10),
  );
});

desk('gives up what does not end', async () => {
  const run = () => new Promise(() => {});
  const bench = new Bench({ operations: { hang: operation({ scope: 'observe', args: {}, run }) } });
  await bench.take(command({ op: 'hang' }));
  await bench.clock.advance(659_999);
  assert.equal(bench.answers, []);
  await bench.clock.advance(1);
  assert.equal([bench.answers[0]!.st, bench.answers[0]!.error], ['failed', 'not over after 660 s']);
});

desk('tells why one failed', async () => {
  const bench = new Bench();
  const [answer] = await bench.take(command({ op: 'fail' }));
  assert.equal([answer!.st, answer!.code, answer!.error], ['failed', 'failed', 'it broke']);
});

desk('lets four be under way', async () => {
  const bench = new Bench();
  for (let i = 0; i < 4; i++) {
    assert.is(await bench.verdict(command({ op: 'wait' })), 'accepted, running');
    await bench.clock.advance(1000);
  }
  assert.is(await bench.verdict(command({ op: 'wait' })), 'rejected busy');
  bench.finish!();
  await bench.clock.advance(1000);
  assert.is(await bench.verdict(command({ op: 'wait' })), 'accepted, running');
});

desk('lists the newest first, with names, and counts what was refused', async () => {
  const bench = new Bench();
  await bench.take(command({ cid: 'first' }));
  await bench.take(command({ cid: 'second', op: 'change' }));
  await bench.take(command(), true);
  const { commands, refused } = bench.desk.list();
  assert.equal(
    commands.map(({ cid, name, op, st, code }) => [cid, name, op, st, code]),
    [
      ['second', 'operator', 'change', 'rejected', 'scope'],
      ['first', 'operator', 'act', 'done', undefined],
    ],
  );
  assert.equal(refused, { retained: 1, scope: 1 });
  bench.keys = [];
  assert.is(bench.desk.list().commands[0]!.name, undefined);
});

desk('remembers 64, and of the newest what they told', async () => {
  const journal = new MemoryJournal();
  const tell = operation({ scope: 'observe', args: {}, run: () => 'x'.repeat(4000) });
  const bench = new Bench({ journal, operations: { tell } });
  for (let i = 0; i < 70; i++) {
    await bench.take(command({ cid: `n${i}`, op: 'tell' }));
    await bench.clock.advance(1000);
  }
  const { commands } = bench.desk.list();
  assert.is(commands.length, MAX_RECORDS);
  assert.is(commands[0]!.cid, 'n69');
  assert.is(commands.filter(({ out }) => out !== undefined).length, 4);
  assert.ok(commands.slice(4).every((record) => record.left_out));
  assert.ok(journal.text!.length < 32_768, `${journal.text!.length} bytes`);
});

desk('judges times by a right clock alone', async () => {
  const bench = new Bench();
  const now = Math.floor(bench.clock.unixMs() / 1000);
  assert.is(await bench.verdict(command({ exp: now - 1 })), 'expired expired');
  assert.is(await bench.verdict(command({ not_before: now + 10 })), 'rejected not-yet');
  assert.is(await bench.verdict(command({ not_before: now - 10, exp: now + 10 })), 'done');
  bench.trusted = false;
  await bench.clock.advance(5000);
  assert.is(await bench.verdict(command({ exp: now - 1 })), 'done', '~> session and counter keep old ones away');
  assert.is(
    await bench.verdict(command({ not_before: now - 10 })),
    'rejected not-yet',
    '~> nobody knows whether it is time',
  );
  assert.is(bench.answers.at(-1)!.t, undefined);
});

desk('lets nobody do more than key and owner allow', async () => {
  const cases: [op: string, by: 'operator' | 'observer', cap: Bench['cap'], verdict: string][] = [
    ['look', 'observer', 'observe', 'done'],
    ['look', 'operator', 'observe', 'done'],
    ['look', 'operator', 'none', 'rejected scope'],
    ['act', 'observer', 'configure', 'rejected scope'],
    ['act', 'operator', 'diagnose', 'rejected scope'],
    ['act', 'operator', 'operate', 'done'],
    ['change', 'operator', 'configure', 'rejected scope'],
  ];
  for (const [op, by, cap, verdict] of cases) {
    const bench = new Bench();
    bench.cap = cap;
    const signer = by === 'operator' ? OPERATOR : OBSERVER;
    assert.is(await bench.verdict(command({ op }, [signer])), verdict, `${op} by ${by}, ${cap}`);
  }
});

desk('says what is reserved, and what there is', async () => {
  const bench = new Bench();
  for (const op of ['upgrade', 'upgrade_start', 'keys', 'keys_add'])
    assert.is(await bench.verdict(command({ op })), 'rejected reserved', op);
  await bench.clock.advance(4000);
  const [answer] = await bench.take(command({ op: 'upgrades' }));
  assert.equal(
    [answer!.code, answer!.error],
    ['unknown-op', 'upgrades: no such operation, there are look, act, change, fail, wait, list, restart'],
  );
  assert.is(await bench.verdict(command({ op: 'constructor' })), 'rejected unknown-op');
  assert.equal(bench.done, []);
});

desk('refuses arguments that an operation does not take', async () => {
  const bench = new Bench();
  for (const args of [
    { count: 0 },
    { count: 6 },
    { count: '2' },
    { count: 1.5 },
    { key: 'x' },
    { other: 1 },
    { count: null },
  ]) {
    await bench.clock.advance(1000);
    const [answer] = await bench.take(command({ args }));
    assert.is(answer!.code, 'arguments', JSON.stringify(args));
  }
  assert.equal(bench.done, []);
});

desk('takes the best of several signatures', async () => {
  const bench = new Bench();
  assert.is(await bench.verdict(command({}, [OBSERVER, OPERATOR])), 'done');
  assert.is(bench.checks, 1, '~> one is checked');
  assert.is(await bench.verdict(command({}, [OBSERVER])), 'rejected scope');
});

// ---

desk('does nothing that it cannot put on record', async () => {
  const journal = new MemoryJournal();
  const bench = new Bench({ journal });
  journal.failsFrom = 1;
  const message = command();
  assert.is(await bench.verdict(message), 'failed journal');
  assert.equal(bench.done, []);
  assert.is(await bench.verdict(message), 'rejected counter', '~> nor does it do it later');
  assert.match(bench.lines[0]!, 'error command not on record');
});

desk('tells the result once more to who asks once more, and does nothing', async () => {
  const bench = new Bench();
  const message = command({ op: 'act', args: { count: 3 } });
  await bench.take(message);
  for (const again of [message, command({ cid: JSON.parse(decodeUtf8(message)).cid, op: 'change' })]) {
    const [answer] = await bench.take(again);
    assert.equal([answer!.op, answer!.st], ['act', 'done']);
  }
  assert.equal([bench.done, bench.refused()], [['act 3'], { dup: 2 }]);
});

desk('tells what an earlier daemon left unfinished, and does not do it', async () => {
  const first = new Bench();
  const message = command({ cid: 'cut', op: 'wait' });
  await first.take(message);
  // killed: nothing more is written
  const next = new Bench({ journal: first.journal });
  next.desk.brokerUp();
  assert.equal(
    next.answers.map(({ cid, st, code }) => [cid, st, code]),
    [['cut', 'failed', 'interrupted']],
  );
  assert.is(await next.verdict(message), 'failed interrupted');
  assert.equal(next.done, []);
  next.desk.brokerUp();
  assert.is(next.answers.length, 2, '~> told once by itself');
  const third = new Bench({ journal: first.journal });
  third.desk.brokerUp();
  assert.equal(third.answers, []);
});

desk('has the one that ends the daemon on record as done before', async () => {
  const first = new Bench();
  const message = command({ op: 'restart' });
  assert.is(await first.verdict(message), 'done');
  assert.equal(first.done, ['restart']);
  const next = new Bench({ journal: first.journal });
  next.desk.brokerUp();
  assert.is(await next.verdict(message), 'done');
  assert.equal([next.done, next.answers.length], [[], 1]);
});

desk('keeps counters of keys that are gone for now', async () => {
  const bench = new Bench();
  const message = command();
  await bench.take(message);
  const { keys } = bench;
  bench.keys = [];
  assert.is(await bench.verdict(message), '');
  const next = new Bench({ journal: bench.journal });
  next.keys = keys;
  for (let i = 0; i < 70; i++)
    await next.take(command({ op: 'look' }, [OBSERVER])).then(() => next.clock.advance(1000));
  assert.is(await next.verdict(message), 'rejected counter', '~> though its record is forgotten');
});

desk('tells a long answer in parts, each numbered, and of people keeps nothing', async () => {
  const bench = new Bench();
  bench.keys = [OPERATOR.entry('otto', 'desk')];
  assert.is(await bench.verdict(command({ op: 'list' })), 'rejected scope', '~> the operator of the gateway says so');
  bench.deskCap = 'desk';
  const message = command({ op: 'list' });
  const answers = await bench.take(message);
  assert.equal(
    answers.map(({ st, part, parts, out }) => [st, part ?? parts, out]),
    [
      ['running', 1, { homes: [1, 2] }],
      ['running', 2, { homes: [3] }],
      ['running', 3, { homes: [4] }],
      ['done', 3, { total: 4, by: 'otto' }],
    ],
  );
  const { text } = bench.journal as MemoryJournal;
  assert.not.match(text!, /"homes":|"total":/);
  const [again, ...more] = await bench.take(message);
  assert.equal([again!.st, again!.left_out, more], ['done', true, []]);
});

desk('waits with each part until brokers have the one before it, and ends with so many', async () => {
  const told: { part?: number; st: string }[] = [];
  let have: (() => void) | undefined;
  let counted = 0;
  const bench = new Bench({
    operations: {
      list: operation({
        scope: 'observe',
        args: {},
        async run(_, { part }) {
          while (await part({ homes: [counted] })) counted++;
        },
      }),
    },
    onAnswer: (answer) => {
      told.push(answer);
      return new Promise((resolve) => {
        have = resolve;
      });
    },
  });
  await bench.take(command({ op: 'list' }));
  assert.is(told.length, 1);
  have!();
  await bench.clock.advance(0);
  assert.is(told.length, 2);
  for (let i = 0; i < 300; i++) {
    have!();
    await bench.clock.advance(0);
  }
  assert.equal([counted, told.length, told.at(-1)!.st], [128, 129, 'done']);
});

desk.run();
