// Cuts the power at every point of every write of a change, and of what is done about it at boot.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from '../../src/lib/uci-path.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import type { DesiredRecord } from '../../src/system/change-journal.ts';
import type { DesiredState } from '../../src/system/desired-state.ts';
import {
  boot,
  CONFIG,
  contentsOf,
  makeDisk,
  makeState,
  NEW_PEER,
  orderOf,
  PATHS,
  STATE,
  textOf,
} from '../support/change.ts';
import type { MemoryFiles } from '../support/files.ts';
import { PoweredFiles } from '../support/power.ts';

/** What people and operators do, in order; each file is one of the states that are listed. */
interface Scenario {
  what: string;
  run(state: DesiredState, disk: MemoryFiles): Promise<void>;
  /** Generations of the node, each with the content that it leaves. */
  ends: readonly number[];
}

const SECOND: readonly Change[] = [
  { set: 'meshbridge.main.log_level', to: 'warn' },
  { unset: 'meshbridge.fleet.metrics' },
  { remove: 'network.yggdrasil_ygg0_peer.address', value: NEW_PEER },
  { add: 'network.yggdrasil_ygg0_peer.address', value: 'tcp://two.example:1' },
  { set: 'wireless.radio0.txpower', to: '3' },
];
const FOREIGN = "config wifi-iface 'guest'\n\toption device 'radio1'\n";

const SCENARIOS: readonly Scenario[] = [
  {
    what: 'a change that is confirmed',
    ends: [0, 1],
    run: async (state) => {
      await state.apply(orderOf(1));
      await state.confirm('node-1');
    },
  },
  {
    what: 'a change that is undone',
    ends: [0],
    run: async (state) => {
      await state.apply(orderOf(1));
      await state.undo('node-1', 'unwell');
    },
  },
  {
    what: 'two changes, one after the other',
    ends: [0, 1, 2],
    run: async (state) => {
      await state.apply(orderOf(1));
      await state.confirm('node-1');
      await state.apply(orderOf(2, SECOND));
      await state.confirm('node-2');
    },
  },
  {
    what: 'a change that is undone after one that was confirmed',
    ends: [0, 1],
    run: async (state) => {
      await state.apply(orderOf(1));
      await state.confirm('node-1');
      await state.apply(orderOf(2, SECOND));
      await state.undo('node-2', 'unwell');
    },
  },
];

/** The contents that belong to each generation, without any cut. */
async function contents(): Promise<string[]> {
  const disk = makeDisk();
  const state = makeState(disk);
  const known = [contentsOf(disk)];
  for (const order of [orderOf(1), orderOf(2, SECOND)]) {
    await state.apply(order);
    await state.confirm(order.id);
    known.push(contentsOf(disk));
  }
  return known;
}

/** Lets a scenario run until the power fails after so many points; answers with the points that were passed when it did not. */
async function runUntil(disk: MemoryFiles, lasts: number, { run }: Scenario): Promise<number | undefined> {
  const files = new PoweredFiles(disk, lasts);
  try {
    await run(makeState(files), disk);
  } catch (error) {
    if (!files.isCut) throw error;
  }
  return files.isCut ? undefined : files.passed;
}

/** Boots with power for so many points; `false` when it fails again. */
async function bootUntil(disk: MemoryFiles, id: string, lasts = Number.POSITIVE_INFINITY): Promise<boolean> {
  boot(disk, id);
  const files = new PoweredFiles(disk, lasts);
  try {
    // as the init script does
    if (disk.list(STATE).includes('trial.json')) await makeState(files).settle('ended');
  } catch (error) {
    if (!files.isCut) throw error;
  }
  return !files.isCut;
}

const record = (disk: MemoryFiles): DesiredRecord => JSON.parse(textOf(disk, `${STATE}/desired.json`) || '{}');

/** What is on the disk after a boot: old or new, and it is known which. */
function assertWhole(disk: MemoryFiles, known: readonly string[], { ends }: Scenario, where: string): void {
  const now = contentsOf(disk);
  const gen = known.indexOf(now);
  assert.ok(ends.includes(gen), `~> ${where}: ${gen < 0 ? `mixed: ${now}` : `generation ${gen}`}`);
  const { node } = record(disk);
  const inForce = node === undefined ? 0 : node.st === 'applied' ? node.gen : node.gen - 1;
  // a change that was begun and not decided is not told of where it was never known to be complete
  assert.is(inForce, gen, `~> ${where}: decided ${JSON.stringify(node)}, generation ${gen} on the disk`);
  assert.not.ok(disk.list(STATE).includes('trial.json'), `~> ${where}: the trial is still there`);
  for (const name of disk.list(CONFIG)) assert.not.ok(name.includes('~'), `~> ${where}: ${name} is left behind`);
}

const power = suite('a cut of power');
let cuts = 0;
for (const scenario of SCENARIOS)
  power(`leaves old or new, never mixed, at every point of ${scenario.what}`, async () => {
    const known = await contents();
    for (let lasts = 0; ; lasts++) {
      const disk = makeDisk();
      const passed = await runUntil(disk, lasts, scenario);
      if (passed !== undefined) break;
      cuts++;
      assert.ok(await bootUntil(disk, 'second'));
      assertWhole(disk, known, scenario, `cut at ${lasts}`);
    }
  });
power('does no harm at every point of the boot after it either', async () => {
  const known = await contents();
  const scenario = SCENARIOS[0]!;
  // every third point of the change: engines without a compiler take their time
  for (let lasts = 1; ; lasts += 3) {
    if ((await runUntil(makeDisk(), lasts, scenario)) !== undefined) break;
    for (let again = 0; ; again++) {
      const disk = makeDisk();
      await runUntil(disk, lasts, scenario);
      const done = await bootUntil(disk, 'second', again);
      if (!done) {
        cuts++;
        assert.ok(await bootUntil(disk, 'third'));
      }
      assertWhole(disk, known, scenario, `cut at ${lasts}, and at ${again} of the boot`);
      if (done) break;
    }
  }
});
power('keeps what somebody else wrote while a change was on trial', async () => {
  const append = (disk: MemoryFiles, path: string, text: string): void => {
    disk.all.set(path, { bytes: encodeUtf8(`${textOf(disk, path)}\n${text}`), mode: 0o600 });
  };
  const scenario: Scenario = {
    what: '',
    ends: [],
    run: async (state, disk) => {
      await state.apply(orderOf(1));
      append(disk, PATHS[2]!, FOREIGN);
      await state.undo('node-1', 'unwell');
    },
  };
  const before = makeDisk();
  append(before, PATHS[2]!, FOREIGN);
  const wanted = [contentsOf(makeDisk()), contentsOf(before)];
  let edited = 0;
  for (let lasts = 0; ; lasts++) {
    const disk = makeDisk();
    const passed = await runUntil(disk, lasts, scenario);
    if (passed !== undefined) break;
    cuts++;
    const isEdited = textOf(disk, PATHS[2]!).includes('guest');
    if (isEdited) edited++;
    assert.ok(await bootUntil(disk, 'second'));
    assert.is(contentsOf(disk), wanted[isEdited ? 1 : 0], `~> cut at ${lasts}`);
  }
  assert.ok(edited > 10, `~> ${edited}`);
});
power('was tried often', () => {
  console.log(
    `measured: ${cuts} cuts of power, each at another point of a write, over three files: old or new each time`,
  );
  assert.ok(cuts >= 200, `~> ${cuts}`);
});
power.run();
