import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText, TimeoutError } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { HostMachine, MAX_STDOUT, readKnob, runWell } from '../../src/plane/machine.ts';
import type { ProcessEvents, Processes } from '../../src/transport/host.ts';
import { ManualClock } from '../support/clock.ts';
import { MemoryFiles } from '../support/files.ts';

function make() {
  const clock = new ManualClock();
  const files = new MemoryFiles();
  const started: (readonly string[])[] = [];
  const killed: number[] = [];
  let input = '';
  let ended = false;
  let child: ProcessEvents | undefined;
  const processes: Processes = {
    spawn(argv, events) {
      if (argv[0] === 'none') throw new Error('no such file');
      started.push(argv);
      child = events;
      return {
        pid: 1,
        write: (bytes) => {
          if (bytes) input += decodeUtf8(bytes);
          else ended = true;
        },
        kill: (signal) => killed.push(signal),
      };
    },
  };
  const machine = new HostMachine({ files, clock, processes });
  return {
    machine,
    clock,
    files,
    processes,
    started,
    killed,
    child: () => child!,
    input: () => (ended ? input : undefined),
  };
}

const runs = suite('HostMachine');
runs('hands over arguments as they are, and standard input', async () => {
  const { machine, started, child, input, clock } = make();
  const run = machine.run('nft', ['-f', '-; reboot'], { stdin: 'table ip é\n' });
  assert.equal(started, [['nft', '-f', '-; reboot']]);
  assert.is(input(), 'table ip é\n');
  child().onStdout!(encodeUtf8('a'));
  child().onStderr!(encodeUtf8('b'));
  child().onStdout!(encodeUtf8('c'));
  child().onExit({ code: 3 });
  assert.equal(await run, { code: 3, stdout: 'ac', stderr: 'b' });
  assert.is(clock.pending, 0);
});
runs('has all programs end before it is ended itself', async () => {
  const { files, clock, started, killed, processes } = make();
  const machine = new HostMachine({ files, clock, processes, endsAtMs: clock.monotonicMs() + 7000 });
  const first = machine.run('nft', [], { timeoutMs: 60_000 }).catch(errorText);
  await clock.advance(6999);
  assert.equal(killed, []);
  await clock.advance(1);
  assert.is(await first, 'nft: not done after 7 s');
  assert.equal(killed, [9]);
  const second = machine.run('ip', []);
  assert.instance(await second.catch((error) => error), TimeoutError);
  assert.equal(started.length, 1, '~> it is not begun');
});
runs('ends standard input where there is none', () => {
  const { machine, input } = make();
  void machine.run('ip', ['-V']);
  assert.is(input(), '');
});
runs('counts a signal as a shell does', async () => {
  const { machine, child } = make();
  const run = machine.run('ip', []);
  child().onExit({ signal: 9 });
  assert.is((await run).code, 137);
});
runs('gives up in time', async () => {
  const { machine, clock, killed, child } = make();
  const run = machine.run('ip', [], { timeoutMs: 700 }).catch((error) => error);
  await clock.advance(699);
  assert.equal(killed, []);
  await clock.advance(1);
  assert.equal(killed, [9]);
  child().onExit({ signal: 9 });
  assert.instance(await run, TimeoutError);
  assert.is(errorText(await run), 'ip: not done after 0.7 s');
});
runs('takes so much output and no more', async () => {
  const { machine, killed, child, clock } = make();
  const run = machine.run('ip', []).catch(errorText);
  child().onStdout!(new Uint8Array(MAX_STDOUT));
  child().onStderr!(new Uint8Array(1024 * 1024));
  assert.equal(killed, []);
  child().onStdout!(new Uint8Array(1));
  assert.equal(killed, [9]);
  assert.is(await run, `ip: says more than ${MAX_STDOUT} bytes`);
  assert.is(clock.pending, 0);
});
runs('says when there is no such program', async () => {
  const { machine, clock } = make();
  assert.is(await machine.run('none', []).catch(errorText), 'none: cannot be started');
  assert.is(clock.pending, 0);
});
runs('says what a program that has to succeed complained of', async () => {
  const { machine, child } = make();
  const run = runWell(machine, 'nft', []).catch(errorText);
  child().onStderr!(encodeUtf8('Error: no such chain\nmore\n'));
  child().onExit({ code: 1 });
  assert.is(await run, 'nft: Error: no such chain');
  const silent = runWell(machine, 'nft', []).catch(errorText);
  child().onExit({ code: 1 });
  assert.is(await silent, 'nft: ended with 1');
});
runs('reads files of the kernel', () => {
  const { files } = make();
  files.write('/sys/a', encodeUtf8('65535\n'), 0o600);
  assert.is(readKnob(files, '/sys/a'), '65535');
  assert.is(readKnob(files, '/sys/b'), undefined);
  files.onRead = () => {
    throw new Error('refused');
  };
  assert.is(readKnob(files, '/sys/a'), undefined);
});
runs.run();
