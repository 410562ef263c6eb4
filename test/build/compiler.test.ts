import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toolTarget } from '../../build/native.ts';
import { THIS_MACHINE } from '../../build/targets.ts';
import { ensureZig } from '../../build/zig.ts';
import { errorText } from '../../src/errors.ts';

const target = suite('toolTarget');
const zig = await ensureZig(console.log).catch((error: unknown) =>
  console.log(`skipped: toolTarget: ${errorText(error)}`),
);
if (typeof zig === 'string')
  target('is zig where the machine has no C compiler', async () => {
    const none = { ...THIS_MACHINE, cc: ['/nonexistent/cc'] };
    const { cc } = await toolTarget(none, () => {});
    assert.equal(cc.slice(0, 4), [zig, 'cc', '-target', 'x86_64-linux-musl']);
  });
target('is the machine itself where that has one', async () => {
  const own = { ...THIS_MACHINE, cc: [process.execPath] };
  assert.is(await toolTarget(own, () => assert.unreachable()), own);
});
target.run();
