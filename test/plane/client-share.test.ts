import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  isByLine,
  LineShare,
  readShares,
  removeShares,
  shareRules,
  shareScript,
  unshareScript,
} from '../../src/plane/client-share.ts';
import { PlayedMachine, type PlayedRun } from '../support/played-machine.ts';

const T = 'inet meshbridge_gw';
const SHARE = { down: 100_000, up: 20_000 };
const MB = 1_000_000;
const HOME = { slot: 0xabc, home4: '10.43.10.188', home6: 'fd00::abc' };

/** A machine with queues, by device; its kernel knows some kinds. */
function make(kinds: readonly string[], share = SHARE as { down?: number; up?: number }) {
  const machine = new PlayedMachine();
  const roots = new Map([
    ['ygg0', 'fq_codel 0:'],
    ['wan', 'noqueue 0:'],
  ]);
  const classes = new Map<string, Set<string>>();
  const classesOf = (device: string): Set<string> => {
    if (!classes.has(device)) classes.set(device, new Set());
    return classes.get(device)!;
  };
  const qdisc = ({ line }: PlayedRun) => {
    const [, act, device = '', handle = '8001:', kind = ''] =
      /^tc qdisc (\w+) dev (\S+) root(?: handle (\S+))?(?: (\S+))?/.exec(line) ?? [];
    if (act === 'del') roots.set(device, 'fq_codel 0:');
    else if (!kinds.includes(kind)) return { code: 2, stderr: 'Error: Specified qdisc kind is unknown.\n' };
    else if (device !== 'mbprobe') roots.set(device, `${kind} ${handle}`);
    return {};
  };
  machine.says.set('tc qdisc replace', qdisc);
  machine.says.set('tc qdisc del', qdisc);
  machine.says.set('tc qdisc show dev', ({ line }) => {
    const device = line.split(' ').at(-1)!;
    return { stdout: `qdisc ${roots.get(device)} root refcnt 2\nqdisc fq_codel 0: parent 4d42:1\n` };
  });
  machine.says.set('tc qdisc show', ({ line }) =>
    line.includes(' dev ')
      ? { stdout: `qdisc ${roots.get(line.split(' ').at(-1)!)} root refcnt 2\n` }
      : { stdout: [...roots].map(([device, root]) => `qdisc ${root} dev ${device} root refcnt 2\n`).join('') },
  );
  machine.says.set('tc class show dev', ({ line }) => ({
    stdout: [...classesOf(line.split(' ').at(-1)!)].map((id) => `class htb ${id} parent 4d42:ffff prio 0\n`).join(''),
  }));
  machine.says.set('tc -force -batch -', ({ stdin = '' }) => {
    for (const [, act, device, id] of stdin.matchAll(/^class (\w+) dev (\S+) (?:parent \S+ )?classid (\S+)/gm))
      if (act === 'del') classesOf(device!).delete(id!);
      else classesOf(device!).add(id!);
    return {};
  });
  const queues = new LineShare(machine, share);
  // homes come by radio
  queues.byLine = false;
  const keep = (slots: number[], isKnown = false) => queues.keep('ygg0', ['wan'], async () => slots, isKnown);
  /** What was changed since. */
  const changes = () =>
    machine.take().filter((line) => /^tc (qdisc (replace|del)|-force)/.test(line) && !/mbprobe/.test(line));
  return { machine, queues, keep, roots, classesOf, changes };
}

const share = suite('LineShare');
share('asks for nothing where no bandwidth is told', async () => {
  const { queues, keep, machine } = make(['cake'], {});
  assert.is(queues.isWanted, false);
  assert.equal(await queues.lacks('ygg0', ['wan']), []);
  await keep([2], true);
  assert.equal(machine.runs, []);
});
share('takes cake where there is one, by homes in the mesh and behind the translation of addresses', async () => {
  const { keep, queues, changes } = make(['cake', 'htb']);
  assert.equal(await queues.lacks('ygg0', ['wan']), []);
  changes();
  await keep([2, 3]);
  assert.equal(changes(), [
    'tc qdisc replace dev ygg0 root handle 4d42: cake bandwidth 95000kbit besteffort dual-dsthost nonat',
    'tc qdisc replace dev wan root handle 4d42: cake bandwidth 19000kbit besteffort dual-srchost nat',
  ]);
  await queues.change('ygg0', ['wan'], [4], [2]);
  await keep([3, 4], true);
  assert.equal(changes(), [], '~> cake knows homes by itself');
});
share('makes a class for each home without it, and takes those of homes that are gone away', async () => {
  const { keep, queues, classesOf, changes, roots } = make(['htb', 'fq_codel']);
  await keep([2, 0xabc]);
  assert.equal([...classesOf('wan')], ['4d42:ffff', '4d42:1', '4d42:2', '4d42:abc']);
  assert.is(roots.get('wan'), 'htb 4d42:');
  const made = changes().join('\n');
  assert.match(
    made,
    /class replace dev wan parent 4d42: classid 4d42:ffff htb rate 19000kbit ceil 19000kbit quantum 23750\n/,
  );
  assert.match(made, /class replace dev wan parent 4d42:ffff classid 4d42:1 htb rate 9500kbit ceil 19000kbit/);
  assert.match(
    made,
    /class replace dev ygg0 parent 4d42:ffff classid 4d42:abc htb rate 8kbit ceil 95000kbit quantum 65536\n/,
  );
  assert.match(made, /qdisc replace dev ygg0 parent 4d42:abc fq_codel\n/);
  await queues.change('ygg0', ['wan'], [3], [2]);
  assert.equal([...classesOf('ygg0')], ['4d42:ffff', '4d42:1', '4d42:abc', '4d42:3']);
  changes();
  await keep([3]);
  assert.equal([...classesOf('wan')], ['4d42:ffff', '4d42:1', '4d42:3']);
  assert.not.match(changes().join('\n'), /qdisc replace|qdisc del/, '~> what stands goes on');
});
share('bounds what waits by itself where there is no better queue for it', async () => {
  const { keep, changes } = make(['htb']);
  await keep([2]);
  const made = changes().join('\n');
  assert.match(made, /qdisc replace dev ygg0 parent 4d42:2 bfifo limit 1187500\n/);
  assert.match(made, /qdisc replace dev wan parent 4d42:2 bfifo limit 237500\n/);
});
share('leaves alone what somebody set up, and says so', async () => {
  const { keep, queues, roots, changes } = make(['cake']);
  roots.set('wan', 'cake 8003:');
  const [lack, ...more] = await queues.lacks('ygg0', ['wan']);
  assert.equal([lack!.what, more], ['fair', []]);
  assert.match(lack!.problem, /do not share wan evenly: .* somebody else \(cake 8003:\)/);
  changes();
  await keep([2]);
  assert.equal(
    changes().map((line) => line.split(' ')[4]),
    ['ygg0'],
  );
  assert.is(roots.get('wan'), 'cake 8003:');
});
share('says what is missing', async () => {
  const [lack] = await make([]).queues.lacks('ygg0', ['wan']);
  assert.match(lack!.problem, /neither cake nor htb .*unknown.*kmod-sched-cake/);
  const { machine, queues, keep } = make(['cake']);
  machine.says.set('tc', { code: 127 });
  machine.says.set('tc -V', { code: 127 });
  assert.match((await queues.lacks('ygg0', []))[0]!.problem, /no program tc/);
  await keep([2]);
});
share('makes again what somebody took away, and only that', async () => {
  const { keep, roots, changes } = make(['htb', 'fq_codel']);
  await keep([2]);
  roots.set('ygg0', 'fq_codel 0:');
  changes();
  await keep([2], true);
  const made = changes();
  assert.ok(made.length > 0 && made.every((line) => line.includes('ygg0') && !line.includes('wan')), made.join('\n'));
});
share('goes from a line that is none any more, and with all of it', async () => {
  const { queues, keep, roots, machine } = make(['cake'], { down: 1000 });
  roots.set('wan', 'htb 4d42:');
  await keep([2]);
  assert.is(roots.get('wan'), 'fq_codel 0:');
  assert.is(roots.get('ygg0'), 'cake 4d42:');
  await removeShares(machine);
  assert.is(roots.get('ygg0'), 'fq_codel 0:');
  assert.is(queues.isWanted, true);
});
share('is narrower than what the line sends where homes are reached by it, as soon as that is seen', async () => {
  const { queues, keep, changes } = make(['cake']);
  queues.byLine = true;
  await keep([2]);
  const [mesh, wan] = changes();
  assert.match(mesh!, /dev ygg0 .* bandwidth 16000kbit/);
  assert.match(wan!, /dev wan .* bandwidth 19000kbit/);
  await keep([2], true);
  assert.equal(changes(), []);
  queues.byLine = false;
  await keep([2], true);
  assert.equal(
    changes().map((line) => /dev (\S+) .* bandwidth (\d+)/.exec(line)!.slice(1)),
    [['ygg0', '95000']],
  );
});
share('knows by what this machine sends whether homes are reached by the line', () => {
  assert.is(isByLine({ lines: 0, mesh: 0 }), true, '~> nothing is known yet');
  assert.is(isByLine({ lines: 112 * MB, mesh: 100 * MB }), true);
  assert.is(isByLine({ lines: 4 * MB, mesh: 100 * MB }), false);
});
share('marks packets only for queues that are wanted', () => {
  assert.match(shareRules({ down: 1 }), /@mesh/);
  assert.not.match(shareRules({ down: 1 }), /@lines/);
  assert.not.match(shareRules({}), /priority/);
  const script = shareScript([{ ...HOME, outer: '200::abc' }]);
  assert.is(
    script,
    `add element ${T} shares4 { 10.43.10.188 : 4d42:abc }
add element ${T} shares6 { fd00::abc : 4d42:abc }
add element ${T} shares { 200::abc : 4d42:abc }
`,
  );
  const listing =
    '\tmap shares {\n\t\ttype ipv6_addr : classid\n\t\telements = { 200::abc : 4d42:abc,\n\t\t\t     200::2 : 4d42:2 }\n';
  assert.equal(readShares(listing), [
    { outer: '200::abc', slot: 0xabc },
    { outer: '200::2', slot: 2 },
  ]);
  assert.match(unshareScript([HOME], ['200::abc']), /delete element inet meshbridge_gw shares \{ 200::abc \}\n$/);
});
share.run();
