import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HeldSpan } from '../../src/api/client-object.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { LeaseLog, type LeaseLogOptions } from '../../src/mesh/lease-log.ts';
import { LeaseLogFile } from '../../src/system/lease-log-file.ts';
import { MemoryFiles } from '../support/files.ts';
import { nodeOf } from '../support/node-key.ts';

const DIRECTORY = '/etc/meshbridge/clients';
const DAY_S = 86_400;
/** The start of a day. */
const DAY = 20_833;
const START_S = DAY * DAY_S;
const [ANN, BOB] = [1, 2].map((number) => nodeOf(number).address) as [string, string];

/** A gateway's time, leases, and disk. */
function make(files = new MemoryFiles(), more: Partial<LeaseLogOptions> = {}, sinceS = START_S + 3600) {
  const time = { nowMs: 1000, dateS: sinceS as number | undefined };
  const now = new Map<string, HeldSpan>();
  const problems: string[] = [];
  const log = new LeaseLog({
    store: new LeaseLogFile(files, DIRECTORY),
    ...{ keepDays: 30, maxPieces: 512, hasPorts: true, spans: () => [...now.values()] },
    ...{ nowMs: () => time.nowMs, dateS: () => time.dateS, onProblem: (problem: string) => problems.push(problem) },
    ...more,
  });
  const pass = (seconds: number): void => {
    time.nowMs += seconds * 1000;
    if (time.dateS !== undefined) time.dateS += seconds;
  };
  const span = (address: string, slot: number, told = {}): HeldSpan => ({
    ...{ address, home4: `10.43.0.${slot}`, home6: `fd01::${slot}`, from_s: time.dateS ?? 0, ...told },
    ports: { first: 1024 + slot * 64, last: 1087 + slot * 64 },
  });
  const begin = (address: string, slot: number, told = {}): void => {
    const one = span(address, slot, told);
    now.set(address, one);
    log.began(one);
  };
  const end = (address: string): void => {
    const one = now.get(address)!;
    now.delete(address);
    log.ended(one);
  };
  const text = (): string =>
    files
      .list(DIRECTORY)
      .map((name) => decodeUtf8(files.all.get(`${DIRECTORY}/${name}`)!.bytes))
      .join('');
  return { log, time, now, problems, files, pass, begin, end, text, span };
}

const asks = suite('LeaseLog');
asks('answers who had a source port, an address, at a time', () => {
  const { log, begin, end, pass } = make();
  begin(ANN, 7);
  pass(600);
  end(ANN);
  pass(600);
  begin(BOB, 7);
  pass(600);
  const at = (seconds: number, what: object) => log.at(START_S + 3600 + seconds, what).map(({ address }) => address);
  assert.equal([at(300, { port: 1480 }), at(900, { port: 1480 }), at(1500, { port: 1480 })], [[ANN], [], [BOB]]);
  assert.equal([at(300, { port: 1471 }), at(300, { port: 1536 })], [[], []], '~> ports of the neighbours');
  assert.equal([at(300, { held: '10.43.0.7' }), at(1500, { held: 'fd01::7' })], [[ANN], [BOB]]);
  const [found] = log.at(START_S + 3900, { port: 1480 });
  assert.equal([found!.from_s, found!.to_s], [START_S + 3600, START_S + 4200]);
  assert.is(log.at(START_S + 5100, { port: 1480 })[0]!.to_s, undefined, '~> it has them still');
});
asks('answers what a home had, the newest first', () => {
  const { log, begin, end, pass } = make();
  begin(ANN, 7, { name: 'Ann' });
  pass(3 * DAY_S);
  log.flush();
  end(ANN);
  pass(60);
  begin(BOB, 7);
  begin(ANN, 8, { name: 'Ann' });
  pass(60);
  assert.equal(
    log.of(ANN).map(({ home4, from_s, to_s, name }) => [home4, from_s, to_s, name]),
    [
      ['10.43.0.8', START_S + 3600 + 3 * DAY_S + 60, undefined, 'Ann'],
      ['10.43.0.7', START_S + 3600, START_S + 3600 + 3 * DAY_S, 'Ann'],
    ],
  );
  assert.equal(
    log.of(ANN, START_S + DAY_S).map(({ home4 }) => home4),
    ['10.43.0.7'],
  );
});
asks('knows days in which nothing happened but that a lease went on', () => {
  const { log, begin, end, pass } = make();
  begin(ANN, 7);
  for (let day = 0; day < 5; day++) {
    pass(DAY_S);
    log.flush();
  }
  end(ANN);
  pass(60);
  const [found] = log.at(START_S + 2 * DAY_S, { port: 1480 });
  assert.equal([found!.address, found!.from_s, found!.to_s], [ANN, START_S + 3600, START_S + 3600 + 5 * DAY_S]);
});
asks('takes a home that was away for a moment for one that stayed, and writes nothing of it', () => {
  const { log, begin, end, pass, files } = make();
  begin(ANN, 7);
  log.flush();
  const { length } = files.writes;
  for (let i = 0; i < 500; i++) {
    end(ANN);
    pass(1);
    begin(ANN, 7);
    pass(1);
  }
  log.flush();
  assert.is(files.writes.length, length);
  assert.is(log.of(ANN).length, 1);
});
asks('dates what came while the clock was wrong, once it is right', () => {
  const { log, begin, end, time, pass, files } = make();
  time.dateS = undefined;
  begin(ANN, 7);
  pass(100);
  end(ANN);
  log.flush();
  assert.equal(files.writes, []);
  pass(100);
  time.dateS = START_S + 5000;
  assert.equal(
    log.of(ANN).map(({ to_s }) => to_s),
    [START_S + 4900],
  );
});
asks('goes on with the day when the clock is set back, and keeps what is there', () => {
  const { log, begin, time, problems } = make();
  begin(ANN, 7);
  log.flush();
  time.dateS! -= 2 * DAY_S;
  begin(BOB, 8);
  log.flush();
  assert.equal([log.of(ANN).length, log.of(BOB).length, problems], [1, 1, []]);
});
asks.run();

const restart = suite('LeaseLog, another daemon');
restart('goes on with leases that go on, and ends those that do not', () => {
  const one = make();
  one.begin(ANN, 7);
  one.begin(BOB, 8);
  one.log.flush();
  const two = make(one.files, {}, START_S + 7200);
  two.now.set(ANN, one.now.get(ANN)!);
  two.log.adopt();
  two.pass(60);
  const [ann] = two.log.of(ANN);
  assert.equal([ann!.from_s, ann!.to_s], [START_S + 3600, undefined]);
  assert.is(two.log.of(BOB)[0]!.to_s, START_S + 7200);
});
restart('ends what was open when the machine was off for days', () => {
  const one = make();
  one.begin(ANN, 7);
  one.log.flush();
  const two = make(one.files, {}, START_S + 3 * DAY_S);
  two.log.adopt();
  two.pass(60);
  assert.is(two.log.at(START_S + 4000, { port: 1480 })[0]!.address, ANN);
  assert.equal(two.log.at(START_S + DAY_S + 4000, { port: 1480 }), []);
});
restart('passes over what is broken in the file', () => {
  const one = make();
  one.begin(ANN, 7);
  one.log.flush();
  const [name] = one.files.list(DIRECTORY);
  const path = `${DIRECTORY}/${name}`;
  const good = decodeUtf8(one.files.all.get(path)!.bytes);
  const bad = '{"address":"fd00::1"}\n[]\nnull\n{"address":1}\n{"a\u0000\n';
  one.files.write(path, encodeUtf8(`${bad}${good}${bad}`), 0o600);
  const two = make(one.files);
  two.now.set(ANN, one.now.get(ANN)!);
  two.log.adopt();
  assert.equal([two.log.of(ANN).length, two.problems], [1, []]);
});
restart('knows which homes there were, and since when', () => {
  const one = make();
  one.begin(ANN, 7);
  one.pass(2 * DAY_S);
  one.begin(BOB, 8);
  one.log.flush();
  const two = make(one.files, {}, START_S + 3 * DAY_S);
  assert.equal(
    [...two.log.homes()].sort(([, a], [, b]) => a - b),
    [
      [ANN, START_S + 3600],
      [BOB, START_S + 3600 + 2 * DAY_S],
    ],
  );
});
restart.run();

const keeps = suite('LeaseLog, what it keeps');
keeps('deletes a day when its time is over, and is exact to the day', () => {
  const { log, begin, end, pass, files, text } = make(undefined, { keepDays: 3 });
  begin(ANN, 7, { name: 'Ann', phone: '1' });
  log.flush();
  pass(DAY_S);
  end(ANN);
  begin(BOB, 8);
  log.flush();
  // ended in the second day: gone with the start of the fifth
  pass(3 * DAY_S - 3601);
  log.flush();
  assert.equal([text().includes(ANN), log.of(ANN).length], [true, 1]);
  pass(1);
  log.flush();
  assert.equal([text().includes(ANN), text().includes('Ann'), log.of(ANN)], [false, false, []]);
  assert.ok(files.list(DIRECTORY).every((name) => name >= `held-${DAY + 2}`));
});
keeps('has today alone, where one day is kept', () => {
  const { log, begin, end, pass, text } = make(undefined, { keepDays: 1 });
  begin(ANN, 7);
  end(ANN);
  log.flush();
  assert.ok(text().includes(ANN));
  pass(DAY_S);
  log.flush();
  assert.is(text(), '');
});
keeps('deletes the oldest days early where there is no room, and says so', () => {
  const { log, now, span, pass, problems, files } = make(undefined, { maxPieces: 20 });
  for (let i = 0; i < 100; i++) now.set(nodeOf(i).address, span(nodeOf(i).address, i));
  for (let day = 0; day < 10; day++) {
    log.flush();
    pass(DAY_S);
  }
  // and one day of 14 pieces that is begun
  assert.ok(files.list(DIRECTORY).length <= 34, `~> ${files.list(DIRECTORY).length} pieces`);
  assert.match(problems[0]!, /deleted early/);
});
keeps('erases a home out of all of it, and writes down anew what it has now, without what it told', () => {
  const { log, begin, end, pass, text, now } = make();
  begin(ANN, 7, { name: 'Ann' });
  begin(BOB, 8, { name: 'Bob' });
  pass(DAY_S);
  log.flush();
  end(ANN);
  pass(600);
  begin(ANN, 9, { name: 'Ann' });
  log.flush();
  const { name: _, ...bare } = now.get(ANN)!;
  now.set(ANN, bare);
  log.erase(ANN);
  pass(60);
  log.flush();
  assert.not.ok(text().includes('"Ann"'));
  assert.equal(
    log.of(ANN).map(({ home4, name }) => [home4, name]),
    [['10.43.0.9', undefined]],
  );
  assert.is(log.of(BOB)[0]!.name, 'Bob');
});
keeps('writes little: small pieces, each replaced as a whole', () => {
  const { log, begin, end, pass, files } = make(undefined, {}, START_S);
  const home = (number: number): string => nodeOf(number).address;
  for (let i = 0; i < 100; i++) begin(home(i), i);
  pass(60);
  log.flush();
  let bytes = 0;
  const write = files.write.bind(files);
  files.write = (path, text, mode) => {
    bytes += text.length;
    write(path, text, mode);
  };
  // each of a hundred homes is away for half an hour a day; the last write begins the next day
  for (let half = 0; half < 50; half++) {
    pass(1800);
    for (const i of [2 * half - 2, 2 * half - 1]) if (i >= 0) begin(home(i), i);
    for (const i of [2 * half, 2 * half + 1]) if (i < 100) end(home(i));
    log.flush();
  }
  for (const name of files.list(DIRECTORY)) {
    const { length: size } = files.all.get(`${DIRECTORY}/${name}`)!.bytes;
    assert.ok(size < 4700, `~> ${name}: ${size}`);
  }
  console.log(
    `measured: ${Math.round(bytes / 1000)} KB a day, 100 homes that come and go once, written each half hour`,
  );
  assert.ok(bytes < 200_000, `~> ${bytes}`);
});
keeps('does not lose what waits when the disk is full', () => {
  const files = new MemoryFiles();
  const { log, begin, problems, pass } = make(files);
  const write = files.write.bind(files);
  files.write = () => {
    throw new Error('No space left on device');
  };
  begin(ANN, 7);
  log.flush();
  log.flush();
  assert.equal(problems, ['No space left on device'], '~> told once');
  files.write = write;
  pass(60);
  assert.is(log.of(ANN).length, 1);
});
keeps.run();
