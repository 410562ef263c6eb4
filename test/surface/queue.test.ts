import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDownError } from '../../src/errors.ts';
import { formatLogLine, type Log, SILENT } from '../../src/log.ts';
import { MAX_UNDER_WAY, MAX_WAITING, SendQueue } from '../../src/surface/queue.ts';
import { settle } from '../support/clock.ts';

/** A queue over a bus that takes a send only when it is told to. */
function make() {
  const lines: string[] = [];
  const log: Log = {
    ...SILENT,
    warn: (event, fields) => lines.push(formatLogLine('warn', 'x', event, fields)),
    debug: (event, fields) => lines.push(formatLogLine('debug', 'x', event, fields)),
  };
  const queue = new SendQueue(log);
  const begun: number[] = [];
  const open: { resolve(): void; reject(error: Error): void }[] = [];
  const push = (n: number): void =>
    queue.push(() => {
      begun.push(n);
      return new Promise<void>((resolve, reject) => open.push({ resolve, reject }));
    });
  return { queue, lines, begun, open, push };
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

const queue = suite('SendQueue');
queue('sends at once, in order, as long as few are under way', async () => {
  const { begun, open, push, lines } = make();
  for (const n of range(0, MAX_UNDER_WAY + 2)) push(n);
  assert.equal(begun, range(0, MAX_UNDER_WAY));
  open[5]!.resolve();
  await settle();
  assert.equal(begun, range(0, MAX_UNDER_WAY + 1));
  open[0]!.reject(new LinkDownError('send x: not connected'));
  await settle();
  assert.equal(begun, range(0, MAX_UNDER_WAY + 2), '~> a failure frees the place too');
  assert.equal(lines, ['debug x: not told error="send x: not connected"']);
});
queue('loses the oldest beyond its bound and tells once how many', async () => {
  const { begun, open, push, lines } = make();
  const all = MAX_UNDER_WAY + MAX_WAITING + 3;
  for (const n of range(0, all)) push(n);
  while (open.length > 0) {
    for (const { resolve } of open.splice(0)) resolve();
    await settle();
  }
  assert.equal(begun, [...range(0, MAX_UNDER_WAY), ...range(MAX_UNDER_WAY + 3, all)]);
  assert.equal(lines, ['warn x: too much to tell at once, the oldest was lost lost=3 most=4096']);
});
queue('holds nothing back for later while every send fails', async () => {
  const { lines, queue } = make();
  let tried = 0;
  for (const _ of range(0, 200))
    queue.push(async () => {
      tried++;
      throw new LinkDownError('down');
    });
  for (let i = 0; i < 20; i++) await settle();
  assert.is(tried, 200);
  assert.is(lines.length, 200);
});
queue.run();
