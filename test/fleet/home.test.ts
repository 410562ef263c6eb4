import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nextCounter } from '../../src/fleet/counter.ts';
import { defaultHome, Home } from '../../src/fleet/home.ts';

async function withHome(use: (home: Home) => void | Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'meshbridge-home-'));
  try {
    await use(new Home(join(path, 'meshctl')));
  } finally {
    rmSync(path, { recursive: true });
  }
}

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

const home = suite('Home');
home('is where a variable says, else in the configuration of its owner', () => {
  assert.is(defaultHome({ MESHCTL_HOME: '/x' }), '/x');
  assert.is(defaultHome({ XDG_CONFIG_HOME: '/y' }), '/y/meshctl');
  assert.match(defaultHome({}), /\/\.config\/meshctl$/);
});
home('reads what it wrote, for its owner alone', () =>
  withHome((it) => {
    assert.is(it.read('pins.json'), undefined);
    it.write('keys/anna.json', { a: 1 });
    assert.equal(it.read('keys/anna.json', true), { a: 1 });
    assert.equal(it.list('keys'), ['anna.json']);
    const mode = (path: string) => statSync(path).mode & 0o777;
    assert.equal([mode(it.path), mode(it.file('keys')), mode(it.file('keys/anna.json'))], [0o700, 0o700, 0o600]);
    it.remove('keys/anna.json');
    it.remove('keys/anna.json');
    assert.equal(it.list('keys'), []);
    assert.equal(it.list('none'), []);
  }),
);
home('reads no secret that others can read, and says what to do', () =>
  withHome((it) => {
    it.write('key.json', {});
    chmodSync(it.file('key.json'), 0o640);
    assert.equal(it.read('key.json'), {});
    assert.match(
      failure(() => it.read('key.json', true)),
      /expected mode 0600, got 0640/,
    );
  }),
);
home('quotes nothing of a file that is no JSON', () =>
  withHome((it) => {
    it.write('config.json', {});
    writeFileSync(it.file('config.json'), '{"seed":"5ec7e7');
    const message = failure(() => it.read('config.json'));
    assert.match(message, 'expected JSON');
    assert.not.match(message, '5ec7e7');
  }),
);
home('leaves the old file when it cannot write a new one', () =>
  withHome((it) => {
    it.write('pins.json', { old: true });
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    failure(() => it.write('pins.json', loop));
    assert.equal(it.read('pins.json'), { old: true });
  }),
);
home.run();

// ---

const lock = suite('locked');
lock('lets one change happen after the other', () =>
  withHome(async (it) => {
    it.write('n.json', 0);
    const add = () =>
      new Home(it.path).locked(async () => {
        const n = it.read('n.json') as number;
        await new Promise((resolve) => setTimeout(resolve, 5));
        it.write('n.json', n + 1);
      });
    await Promise.all(Array.from({ length: 8 }, add));
    assert.is(it.read('n.json'), 8);
    assert.not.ok(existsSync(it.file('lock')));
  }),
);
lock('takes over from a holder that is dead', () =>
  withHome(async (it) => {
    const { pid } = spawnSync('true');
    mkdirSync(it.file('lock'), { recursive: true });
    writeFileSync(join(it.file('lock'), String(pid)), '');
    assert.is(await it.locked(() => 7), 7);
    assert.equal(readdirSync(it.path), []);
  }),
);
lock('waits for a holder that lives', () =>
  withHome(async (it) => {
    // this process: it lives
    mkdirSync(it.file('lock'), { recursive: true });
    const holder = join(it.file('lock'), '1');
    writeFileSync(holder, '');
    const done = it.locked(() => 7);
    setTimeout(() => rmSync(holder), 200);
    assert.is(await done, 7);
  }),
);
lock('is given back by a change that fails', () =>
  withHome(async (it) => {
    const failed = await it
      .locked(() => {
        throw new Error('no');
      })
      .catch((error: Error) => error.message);
    assert.is(failed, 'no');
    assert.is(await it.locked(() => 1), 1);
  }),
);
lock.run();

// ---

const counter = suite('nextCounter');
counter('only rises, also when the clock is set back', () =>
  withHome(async (it) => {
    assert.is(await nextCounter(it, ['a'], 1000), 1000);
    assert.is(await nextCounter(it, ['a'], 1000), 1001);
    assert.is(await nextCounter(it, ['a', 'b'], 5), 1002);
    assert.is(await nextCounter(it, ['b'], 2000), 2000);
    assert.is(await nextCounter(it, ['c'], 7), 7);
    assert.match(readFileSync(it.file('counters.json'), 'utf8'), '"b": 2000');
  }),
);
counter.run();
