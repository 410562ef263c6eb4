import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findLimitAbility, limitRules, limitScript, portScript, unlimitScript } from '../../src/plane/client-limit.ts';
import { PlayedMachine } from '../support/played-machine.ts';

const HOME = { slot: 2, home4: '10.43.0.2', home6: 'fd00::2' };
const OTHER = { slot: 0xabc, home4: '10.43.10.188', home6: 'fd00::abc' };
const ABLE = { rates: true, flows: true };
const T = 'inet meshbridge_gw';
const lines = (script: string): string[] => script.split('\n').filter((line) => line !== '');

const limits = suite('limits of homes');
limits('are one bucket for each way, for both families', () => {
  const script = limitScript([{ ...HOME, limits: { downKbits: 8000, upKbits: 64 } }], ABLE);
  const buckets = lines(script).filter((line) => line.startsWith('add limit'));
  assert.equal(
    buckets.filter((line) => !line.includes('over 125 bytes')),
    [
      `add limit ${T} up0002 { rate over 8000 bytes/second burst 65536 bytes }`,
      `add limit ${T} down0002 { rate over 1000000 bytes/second burst 65536 bytes }`,
    ],
  );
  for (const element of [
    'up4 { 10.43.0.2 : "up0002" }',
    'up6 { fd00::2 : "up0002" }',
    'down6 { fd00::2 : "down0002" }',
  ])
    assert.is(lines(script).filter((line) => line === `add element ${T} ${element}`).length, 2, element);
});
limits('delete only what they made sure is there, and leave nothing of a home without limits', () => {
  for (const script of [
    limitScript([{ ...HOME, limits: {} }], ABLE),
    limitScript([{ ...HOME, limits: { downKbits: 8000, upKbits: 1, flows: 5 } }], ABLE) + unlimitScript([HOME], ABLE),
  ]) {
    const there = new Set<string>();
    for (const line of lines(script)) {
      const [, act, what, rest] = /^(add|delete|flush) (\w+) inet meshbridge_gw (.*)$/.exec(line)!;
      const key = `${what} ${rest!.replace(/(?<=^\w+) \{ rate .*/, '')}`;
      if (act === 'add' && what !== 'rule' && what !== 'set') there.add(key);
      else if (act === 'flush') assert.ok(there.has(key), line);
      else if (act === 'delete') assert.ok(there.delete(key), line);
    }
    assert.equal([...there], []);
  }
});
limits('count connections by a set of those that may have as many', () => {
  const script = limitScript(
    [
      { ...HOME, limits: { flows: 64 } },
      { ...OTHER, limits: { flows: 64 } },
    ],
    ABLE,
  );
  const sets = lines(script).filter((line) => line.startsWith('add set'));
  assert.is(sets.length, 2);
  assert.ok(lines(script).includes(`add rule ${T} flows0abc add @open64_6 { ip6 saddr ct count over 64 } goto refuse`));
  assert.ok(
    lines(script).includes(`add element ${T} flows4 { 10.43.0.2 : jump flows0002, 10.43.10.188 : jump flows0abc }`),
  );
});
limits('leave out what the kernel cannot, and nobody is kept to it', () => {
  const homes = [{ ...HOME, limits: { downKbits: 8000, flows: 5 } }];
  assert.not.match(limitScript(homes, { rates: false, flows: true }), /limit|up4|down4/);
  assert.not.match(limitScript(homes, { rates: true, flows: false }), /ct count|flows/);
  assert.is(limitScript(homes, { rates: false, flows: false }), '');
  assert.not.match(unlimitScript([HOME], { rates: false }), /limit/);
  assert.not.match(Object.values(limitRules({ rates: false })).join(), /limit name/);
  assert.match(Object.values(limitRules({ rates: true })).join(), /limit name ip6 daddr map @down6 drop/);
});
limits('give ports by a chain of each home', () => {
  const script = portScript([{ ...HOME, ports: { first: 2048, last: 3071 } }]);
  assert.equal(lines(script), [
    `add chain ${T} ports0002`,
    `flush chain ${T} ports0002`,
    `add rule ${T} ports0002 meta l4proto tcp masquerade to :2048-3071`,
    `add rule ${T} ports0002 meta l4proto udp masquerade to :2048-3071`,
    `add rule ${T} ports0002 masquerade`,
    `add element ${T} ports4 { 10.43.0.2 : goto ports0002 }`,
    `add element ${T} ports6 { fd00::2 : goto ports0002 }`,
  ]);
  assert.is(portScript([]) + limitScript([], ABLE) + unlimitScript([], ABLE), '');
});
limits.run();

const able = suite('findLimitAbility');
/** A machine whose kernel refuses what is said with these words. */
function machineWithout(...words: string[]): PlayedMachine {
  const machine = new PlayedMachine();
  machine.says.set('nft -f -', ({ stdin }) =>
    words.some((word) => stdin?.includes(word)) ? { code: 1, stderr: 'Error: Could not process rule' } : {},
  );
  return machine;
}
able('asks once where all can be done, and leaves nothing', async () => {
  const machine = machineWithout();
  assert.equal(await findLimitAbility(machine), { rates: true, flows: true, lacks: [] });
  assert.is(machine.runs.length, 1);
  const tables = [...machine.runs[0]!.stdin!.matchAll(/^(table|delete table) (.*?)( \{)?$/gm)].map(([, act, of]) => [
    act,
    of,
  ]);
  assert.equal(tables, [
    ['table', 'inet mbprobe0'],
    ['delete table', 'inet mbprobe0'],
    ['table', 'inet mbprobe1'],
    ['delete table', 'inet mbprobe1'],
  ]);
});
able('says what the kernel cannot, and which package brings it', async () => {
  const { rates, flows, lacks } = await findLimitAbility(machineWithout('ct count'));
  assert.equal([rates, flows, lacks.length, lacks[0]!.what], [true, false, 1, 'flows']);
  assert.match(lacks[0]!.problem, /kmod-nft-connlimit/);
  assert.equal(
    (await findLimitAbility(machineWithout('limit'))).lacks.map(({ what }) => what),
    ['rates'],
  );
  assert.equal(
    (await findLimitAbility(machineWithout('table'))).lacks.map(({ what }) => what),
    ['rates', 'flows'],
  );
});
able.run();
