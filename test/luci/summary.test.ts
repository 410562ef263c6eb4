/// <reference path="../../luci-app/text.d.ts" />
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { faultOf, summarize } from '../../luci-app/view/part/summary.ts';
import type { InterfaceStatus } from '../../src/api/model.ts';
import { format } from '../../src/dev/page-host/client/format.ts';

Object.assign(globalThis, {
  _: (text: string) => text,
  N_: (count: number, one: string, many: string) => (count === 1 ? one : many),
});
Object.defineProperty(String.prototype, 'format', { value: format });

function made(name: string, more: Partial<InterfaceStatus> = {}): InterfaceStatus {
  return { interface: name, connected: true, found_by: 'netifd', ...more };
}
const works = made('a', { peers_up: 1, peers_total: 2 });
const unknown = made('b');
const alone = made('c', { peers_up: 0, peers_total: 0 });
const cutOff = made('d', { peers_up: 0, peers_total: 3 });
const gone = made('e', { connected: false, peers_up: 2, peers_total: 2 });

const FAULTS: [string, InterfaceStatus, string | undefined, string | undefined][] = [
  ['nothing where a peer is up', works, undefined, undefined],
  ['that peers are not known', unknown, 'weak', 'b: Yggdrasil runs, its peers are not known yet.'],
  ['that there are no peers', alone, 'bad', 'c: Yggdrasil runs, but has no peers.'],
  ['that no peer is up', cutOff, 'bad', 'd: Yggdrasil runs, but none of its 3 peers can be reached.'],
  [
    'that the only peer is down',
    { ...cutOff, peers_total: 1 },
    'bad',
    'd: Yggdrasil runs, but its only peer cannot be reached.',
  ],
  ['that Yggdrasil is gone, whatever was known before', gone, 'bad', 'e: Yggdrasil does not answer.'],
  ['why Yggdrasil is gone', { ...gone, problem: 'no %s' }, 'bad', 'e: Yggdrasil does not answer: no %s'],
];
const fault = suite('faultOf');
for (const [what, one, health, text] of FAULTS)
  fault(`tells ${what}`, () => {
    const found = faultOf(one);
    assert.is(found?.health, health);
    assert.is(found?.text, text);
  });
fault('has a sentence of its own, and an advice, for each', () => {
  const found = FAULTS.map(([, one]) => faultOf(one)).filter((one) => one !== undefined);
  assert.is(new Set(found.map(({ text }) => text)).size, found.length);
  for (const { fix } of found) assert.ok(fix);
});
fault.run();

// ---

const summary = suite('summarize');
const SUMMARIES: [string, InterfaceStatus[], string, RegExp][] = [
  ['nothing to look after', [], 'bad', /^This router has no Yggdrasil interface\.$/],
  ['one that works', [works], 'good', /^The mesh works: 1 of 2 peers are up\.$/],
  ['a single peer', [{ ...works, peers_total: 1 }], 'good', /^The mesh works: the peer is up\.$/],
  ['several that work, together', [works, { ...works, interface: 'f' }], 'good', /2 of 4 peers/],
  ['the one that is broken', [gone], 'bad', /^e: /],
  ['the first of those that are broken', [unknown, cutOff, gone], 'bad', /^d: /],
  ['what is broken beside one that works, which is enough', [works, gone], 'weak', /^e: /],
  ['one that is not known yet', [unknown], 'weak', /^b: /],
];
for (const [what, interfaces, health, text] of SUMMARIES)
  summary(`tells of ${what}`, () => {
    const found = summarize(interfaces);
    assert.is(found.health, health);
    assert.match(found.text, text);
  });
summary.run();
