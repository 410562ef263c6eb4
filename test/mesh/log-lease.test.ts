import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PAYLOADS } from '../../src/api/topics.ts';
import { Logger } from '../../src/log.ts';
import { LogLease } from '../../src/mesh/log-lease.ts';
import { ManualClock } from '../support/clock.ts';
import { layoutFaults } from '../support/layout.ts';

function make() {
  const clock = new ManualClock();
  const sunk: string[] = [];
  const told: { lines: string[]; lost?: number; mono: number }[] = [];
  const lease = new LogLease(
    clock,
    () => ({ sid: 'a', mono: clock.monotonicMs(), clk: 'none' }),
    (text) => {
      assert.equal(layoutFaults(PAYLOADS.log, JSON.parse(text)), []);
      told.push(JSON.parse(text));
    },
  );
  const logger = new Logger((line) => sunk.push(line));
  logger.tap = lease;
  return { clock, lease, logger, sunk, told };
}

const lease = suite('LogLease');
lease('tells lines of its level while it is in force, whatever else is logged', async () => {
  const { clock, lease: it, logger, sunk, told } = make();
  const log = logger.scope('ubus');
  log.warn('before');
  it.grant('debug', 10);
  log.debug('fine');
  log.info('plain');
  await clock.advance(10_000);
  log.error('after');
  await clock.advance(10_000);
  assert.equal(told, [{ sid: 'a', mono: 1000, lines: ['debug ubus: fine', 'info ubus: plain'] }]);
  assert.equal(sunk, ['warn ubus: before', 'info ubus: plain', 'error ubus: after']);
});
lease('tells no more than 20 lines a second, and how many were too many', async () => {
  const { clock, lease: it, logger, told } = make();
  it.grant('info', 600);
  for (let i = 0; i < 1000; i++) logger.scope('x').info('line', { i: 'y'.repeat(500) });
  await clock.advance(1000);
  assert.equal([told.length, told[0]!.lines.length, told[0]!.lost], [1, 20, 980]);
  assert.ok(told[0]!.lines.every((line) => line.length === 240));
  assert.ok(JSON.stringify(told[0]).length < 16_384);
});
lease('leaves out what the telling itself logs, but for faults', async () => {
  const { clock, lease: it, logger, told } = make();
  it.grant('debug', 600);
  logger.scope('mqtt.fleet').debug('sent');
  logger.scope('mqtt.fleet').warn('not told');
  await clock.advance(1000);
  assert.equal(told[0]!.lines, ['warn mqtt.fleet: not told']);
});
lease('is never longer than ten minutes, and may be ended', async () => {
  const { clock, lease: it, logger, told } = make();
  assert.throws(() => it.grant('debug', 601), /^seconds: expected 0 to 600, got 601$/);
  it.grant('debug', 600);
  it.grant('debug', 0);
  logger.scope('x').info('line');
  await clock.advance(5000);
  assert.equal(told, []);
  it.grant('debug', 600);
  logger.scope('x').info('line');
  it.stop();
  assert.equal([clock.pending, it.level], [0, undefined]);
});
lease.run();
