import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allOperations, type DeskParts, openCommandDesk } from '../../src/command-desk.ts';
import { parseConfig } from '../../src/config.ts';
import { InputError } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { ManualClock } from '../support/clock.ts';
import { type Answer, command, MemoryJournal, NODE, OPERATOR, SID } from '../support/command.ts';
import { crypto } from '../support/crypto.ts';
import { keyOf, meshOf } from '../support/member.ts';

/** What a key with each scope may do, and no other. */
const SCOPES: Record<string, string[]> = {
  observe: [
    'history',
    'keyframe',
    'lease_gateways',
    'lease_status',
    'lease_test_status',
    'node_info',
    'node_peers',
    'peers',
    'self',
    'snapshot',
    'verdict',
  ],
  diagnose: ['boost', 'lease_test', 'log_lease', 'ping', 'trace', 'watch'],
  operate: [
    ...['lease_ask', 'lease_choose', 'lease_connect', 'lease_let_out', 'lease_undo'],
    ...['peer_add', 'peer_remove', 'peer_retry', 'reload', 'restart'],
  ],
  configure: ['config_get', 'config_set', 'lease_confirm', 'lease_release'],
};

function make(cap: string) {
  const clock = new ManualClock();
  const { mesh, peered } = meshOf({ 0: [1], 1: [0] });
  const answers: Answer[] = [];
  const did: string[] = [];
  const config = parseConfig(`
config meshbridge 'main'
	option manage_cap '${cap}'
config key 'ops'
	option public '${OPERATOR.public}'
	option scope 'configure'
`);
  const parts: DeskParts = {
    node: NODE,
    sid: SID,
    journal: new MemoryJournal(),
    config: () => config,
    crypto,
    clock: {
      monotonicMs: () => clock.monotonicMs(),
      unixMs: () => clock.unixMs(),
      isTrusted: () => true,
      after: (delayMs, callback) => clock.after(delayMs, callback),
    },
    mesh,
    overview: { look: () => Promise.reject(new Error('nobody looks here')) },
    services: { knock: async (address, port) => ({ error: `${address} ${port}` }) },
    lease: () => {
      throw new InputError('this router uses no gateway: name one first');
    },
    service: { reload: async () => 'read', restart: () => void did.push('restart') },
    reporting: {
      keyframe: () => void did.push('keyframe'),
      snapshot: () => ({}),
      lease: (kind, seconds) => void did.push(`${kind} ${seconds}`),
      leaseLog: () => {},
    },
    configuration: {
      get: async () => ({}),
      set: async () => ({ st: 'applied', rejected: [] }),
    },
    late: () => ({}),
    answer: (body) => void answers.push(JSON.parse(body)),
    log: SILENT,
  };
  return { clock, peered, answers, did, parts };
}

const operations = suite('allOperations');
operations('are these, by scope', () => {
  const found: Record<string, string[]> = {};
  for (const [name, { scope }] of Object.entries(allOperations(make('none').parts)))
    found[scope] = [...(found[scope] ?? []), name].sort();
  assert.equal(found, SCOPES);
});
operations.run();

const desk = suite('openCommandDesk');
desk('does what keys and owner of the configuration allow', async () => {
  const { clock, peered, answers, did, parts } = make('operate');
  const opened = openCommandDesk(parts);
  for (const [op, args] of [
    ['self', {}],
    ['ping', { key: keyOf(1), count: 1 }],
    ['watch', { seconds: 60 }],
    ['peer_add', { uri: 'tls://192.0.2.1:443' }],
    ['ping', { address: '200::1', port: 80, count: 1 }],
    ['restart', {}],
    ['config_get', {}],
    ['lease_status', {}],
  ] as const) {
    opened.take(command({ op, args }), false);
    await clock.advance(1000);
  }
  assert.equal(
    answers.filter(({ st }) => st !== 'accepted' && st !== 'running').map(({ op, st, code }) => [op, st, code]),
    [
      ['self', 'done', undefined],
      ['ping', 'done', undefined],
      ['watch', 'done', undefined],
      ['peer_add', 'done', undefined],
      ['ping', 'done', undefined],
      ['restart', 'done', undefined],
      ['config_get', 'rejected', 'scope'],
      ['lease_status', 'failed', 'failed'],
    ],
  );
  assert.equal([peered, did], [['add tls://192.0.2.1:443'], ['watch 60', 'restart']]);
  assert.is(opened.list().commands.length, 8);
});
desk('does nothing while the owner allows nothing', async () => {
  const { clock, answers, parts } = make('none');
  const opened = openCommandDesk(parts);
  opened.take(command({ op: 'self' }), false);
  await clock.advance(0);
  assert.equal([answers[0]!.st, answers[0]!.code], ['rejected', 'scope']);
  assert.match(String(answers[0]!.error), 'the owner of this router allows none');
});
desk.run();
