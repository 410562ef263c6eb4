import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText } from '../../src/errors.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { callUbus } from '../../src/system/ubus-program.ts';
import type { ProcessEvents, Processes } from '../../src/transport/host.ts';
import { ManualClock } from '../support/clock.ts';

/** A machine whose `ubus` is played by the test. */
function make() {
  const clock = new ManualClock();
  const started: (readonly string[])[] = [];
  const killed: number[] = [];
  let child: ProcessEvents | undefined;
  const processes: Processes = {
    spawn(argv, events) {
      started.push(argv);
      child = events;
      return { pid: 1, write: (bytes) => assert.is(bytes, undefined), kill: (signal) => killed.push(signal) };
    },
  };
  return { clock, processes, started, killed, child: () => child! };
}

const calls = suite('callUbus');
calls('passes the arguments as one word, and gives what is printed', async () => {
  const { clock, processes, started, child } = make();
  const called = callUbus({ clock, processes }, 'service', 'event', { type: "it's; $(x)" });
  assert.equal(started, [['ubus', '-t', '5', 'call', 'service', 'event', '{"type":"it\'s; $(x)"}']]);
  child().onStdout!(encodeUtf8('{\n}'));
  child().onStdout!(encodeUtf8('\n'));
  child().onExit({ code: 0 });
  assert.is(await called, '{\n}\n');
  assert.is(clock.pending, 0);
});
for (const [what, end, words] of [
  ['fails', { code: 4 }, 'ended with 4'],
  ['is killed', { signal: 15 }, 'killed by signal 15'],
] as const)
  calls(`says when it ${what}`, async () => {
    const { clock, processes, child } = make();
    const called = callUbus({ clock, processes }, 'a.b', 'c');
    child().onExit(end);
    assert.is(await called.catch(errorText), `ubus call a.b c: ${words}`);
    assert.is(clock.pending, 0);
  });
calls('gives up after 5 s', async () => {
  const { clock, processes, killed, child } = make();
  const called = callUbus({ clock, processes }, 'a', 'b').catch(errorText);
  await clock.advance(4999);
  assert.equal(killed, []);
  await clock.advance(1);
  assert.is(await called, 'ubus call a b: no answer in 5 s');
  assert.equal(killed, [9]);
  child().onExit({ signal: 9 });
});
calls('takes no more than a megabyte', async () => {
  const { clock, processes, killed, child } = make();
  const called = callUbus({ clock, processes }, 'a', 'b').catch(errorText);
  child().onStdout!(new Uint8Array(1024 * 1024));
  child().onStdout!(new Uint8Array(1));
  assert.is(await called, 'ubus call a b: more than 1048576 bytes');
  assert.equal(killed, [9]);
});
calls('says when there is no such program', async () => {
  const { clock } = make();
  const processes: Processes = {
    spawn() {
      throw new Error('spawn ubus: No such file or directory');
    },
  };
  assert.is(
    await callUbus({ clock, processes }, 'a', 'b').catch(errorText),
    'ubus call a b: the program ubus cannot be started',
  );
  assert.is(clock.pending, 0);
});
calls.run();
