import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { homePlanes } from '../../src/home-planes.ts';
import { SILENT } from '../../src/log.ts';
import type { Endpoint, StreamEvents } from '../../src/transport/host.ts';
import { ManualClock } from '../support/clock.ts';
import { MemoryFiles } from '../support/files.ts';

/** Planes whose root is played: the kernel refuses as with our table, or as without it. */
async function make() {
  const clock = new ManualClock();
  const told: string[] = [];
  let stands = true;
  const streams = {
    dial(_: Endpoint, events: StreamEvents) {
      clock.after(0, () => events.onClose(new Error(stands ? 'No route to host' : 'Connection refused')));
      return { write: () => true, queuedBytes: 0, setReading() {}, close() {} };
    },
    listen: () => () => {},
  };
  const planes = await homePlanes({
    host: { streams, clock, files: new MemoryFiles() },
    by: {
      call: async (verb) => {
        told.push(verb);
        return {} as never;
      },
    },
    log: SILENT,
  });
  return { clock, planes, told, flush: () => (stands = false) };
}

const planes = suite('homePlanes');
planes('watches while the line is closed, and restores what somebody took away', async () => {
  const { clock, planes, told, flush } = await make();
  await clock.advance(10_000);
  await planes.routes.block(true);
  assert.equal(told, ['route_block']);
  flush();
  await clock.advance(2000);
  assert.equal(told, ['route_block', 'route_restore']);
  planes.stop();
  await clock.advance(60_000);
  assert.is(told.length, 2);
});
for (const open of ['block', 'undo'] as const)
  planes(`does not close again what was opened by ${open}`, async () => {
    const { clock, planes, told, flush } = await make();
    await planes.routes.block(true);
    flush();
    await (open === 'undo' ? planes.routes.undo() : planes.routes.block(false));
    await clock.advance(60_000);
    assert.equal(told, ['route_block', `route_${open}`]);
    assert.is(clock.pending, 0);
  });
planes('makes anew what follows from another configuration, while it is in force', async () => {
  const { clock, planes, told } = await make();
  planes.refresh();
  await clock.advance(1);
  assert.equal(told, []);
  await planes.routes.block(true);
  planes.refresh();
  await clock.advance(1);
  assert.equal(told, ['route_block', 'route_restore']);
});
planes.run();
