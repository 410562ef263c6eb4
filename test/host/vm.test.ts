import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleProgram, bundleTests } from '../../build/bundle.ts';
import { inProject } from '../../build/project.ts';
import { createNodeNative, type NodeNativeOptions } from '../../src/host/node/native.ts';
import { runBundle, type VmOptions } from '../../src/host/node/vm.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-vm-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

/** A VM, what it printed, and how it ended. */
function start(source: string, options: Partial<VmOptions> & NodeNativeOptions = {}) {
  const output: string[] = [];
  let end: (value: number | Error) => void = () => {};
  const ended = new Promise<number | Error>((resolve) => {
    end = resolve;
  });
  const native = createNodeNative({ args: [directory], print: (text) => output.push(text), exit: end, ...options });
  const vm = runBundle({
    bundle: source,
    native,
    memoryLimitBytes: 64 * 1024 * 1024,
    name: 'bundle.js',
    onCrash: end,
    ...options,
  });
  return { vm, ended, output };
}

/** The error that a bundle dies of. */
async function crashOf(source: string, options?: Partial<VmOptions>): Promise<Error> {
  const { vm, ended } = start(source, options);
  const error = await ended;
  assert.instance(error, Error);
  assert.not.ok((await vm).alive);
  return error as Error;
}

const port = suite('the port in WebAssembly');
port('honours the contract', async () => {
  const program = join(directory, 'guest.js');
  await bundleTests({ files: [inProject('test/host/port-guest.ts')], out: program, platform: 'quickjs' });
  const { ended, output } = start(readFileSync(program, 'utf8'));
  const code = await ended;
  if (code instanceof Error) throw code;
  const text = output.join('');
  assert.is(code, 0, text);
  assert.match(text, /Passed:\D+[4-9]\d\b/, '~> and it did run');
});
port('takes no more memory after 3,000 connections than after 1,500', async () => {
  const program = join(directory, 'cycle.js');
  await bundleProgram(inProject('test/host/cycle.ts'), program, join(directory, 'cycle.json'));
  const bytes: number[] = [];
  const print = (): void => void machine.then((vm) => vm.alive && bytes.push(vm.memoryBytes()));
  const { vm: machine, ended } = start(readFileSync(program, 'utf8'), { print });
  const code = await ended;
  if (code instanceof Error) throw code;
  assert.ok(bytes.length > 50);
  // the engine collects cycles now and then, so that only the lows compare; 20 bytes a connection would show
  const [first, second] = [bytes.slice(0, 30), bytes.slice(30)].map((half) => Math.min(...half));
  assert.ok(second! - first! < 1500 * 20, bytes.join());
});
port.run();

// ---

const crash = suite('runBundle');
crash('tells what a callback throws, with the stack of the bundle', async () => {
  const error = await crashOf(`import native from 'native';
    native.onWake(function onWake() { throw new TypeError('wrong'); });
    native.wakeAt(0);`);
  assert.is(error.name, 'TypeError');
  assert.is(error.message, 'wrong');
  assert.match(error.stack!, /^TypeError: wrong\n\s+at onWake \(bundle\.js:2/);
});
crash('tells what the top level throws', async () => {
  assert.is((await crashOf('throw new Error("at once")')).message, 'at once');
  assert.is((await crashOf('await null; throw new Error("later")')).message, 'later');
  assert.match((await crashOf('import "fs"')).message, /import fs: expected native/);
  assert.match((await crashOf('let let')).name, /SyntaxError/);
});
crash('ends loops without end, in code and in promises', async () => {
  const limit = { runLimitMs: 200 };
  assert.is((await crashOf('for (;;);', limit)).message, 'bundle.js: still running after 200 ms');
  assert.match((await crashOf('const f = () => { Promise.resolve().then(f); }; f();', limit)).message, /still running/);
});
crash('ends a bundle that takes too much memory', async () => {
  const source = 'const all = []; for (;;) all.push({ text: "x".repeat(100) + all.length });';
  assert.match((await crashOf(source, { memoryLimitBytes: 4 * 1024 * 1024 })).message, /out of memory|null/);
});
crash('hands errors of the machine to the bundle', async () => {
  const { ended, output } = start(`import native from 'native';
    try { native.readFile('${directory}', 10); } catch (error) { native.print(error instanceof Error ? error.message : 'no Error'); }
    native.exit(7);
    native.print('still here');`);
  assert.is(await ended, 7);
  assert.equal(output, [`read ${directory}: Is a directory`, 'still here']);
});
crash('leaves nothing of itself in the global object', async () => {
  const { ended, output } = start(`import native from 'native';
    native.print(String(Object.getOwnPropertyNames(globalThis).filter((name) => name.includes('native'))));
    native.exit(0);`);
  await ended;
  assert.equal(output, ['']);
});
crash('frees sockets, timers and children when it is disposed', async () => {
  const before = readdirSync('/proc/self/fd').length;
  const { vm, output } = start(`import native from 'native';
    const server = native.listenUnix('${directory}/s');
    native.watch(server, 1, () => native.print('accepted'));
    const fd = native.connectUnix('${directory}/s');
    native.watch(fd, 2, () => native.print('connected'));
    native.print(String(native.spawn(['sleep', '60']).pid));
    native.onWake(() => native.print('woken'));
    native.wakeAt(native.monotonicMs() + 1);`);
  const machine = await vm;
  assert.ok(machine.memoryBytes() > 0);
  machine.dispose();
  machine.dispose();
  assert.not.ok(machine.alive);
  const pid = Number(output[0]);
  const isRunning = (): boolean => readdirSync('/proc').includes(String(pid));
  while (isRunning() || readdirSync('/proc/self/fd').length > before) await new Promise(setImmediate);
  assert.equal(output, [String(pid)], '~> nothing came after it');
});
crash('runs several side by side', async () => {
  const source = `import native from 'native';
    native.onWake(() => { native.print(native.args()[0]); native.exit(0); });
    native.wakeAt(native.monotonicMs() + 5);`;
  const all = ['a', 'b', 'c'].map((name) => start(source, { args: [name] }));
  await Promise.all(all.map(({ ended }) => ended));
  assert.equal(
    all.map(({ output }) => output.join('')),
    ['a', 'b', 'c'],
  );
});
crash.run();
