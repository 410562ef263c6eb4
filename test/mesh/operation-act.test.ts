import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { readArguments } from '../../src/mesh/argument.ts';
import { type ChangeResult, configurationOperations } from '../../src/mesh/operation/configuration.ts';
import { peerOperations } from '../../src/mesh/operation/peer.ts';
import { serviceOperations } from '../../src/mesh/operation/service.ts';
import { OperationError, type Operations } from '../../src/mesh/operation.ts';
import { meshOf } from '../support/member.ts';
import { ORDER } from '../support/order.ts';

/** As the desk does it. */
async function run(operations: Operations, name: string, given: Record<string, unknown>): Promise<unknown> {
  const operation = operations[name]!;
  return operation.run(readArguments(operation.args, given), { ...ORDER, payload: 'signed' });
}
const failure = (done: Promise<unknown>): Promise<Error> =>
  done.then(
    () => assert.unreachable(),
    (error) => error,
  );

const URI = 'tls://192.0.2.1:443?key=ab';

const peers = suite('peerOperations');
peers('add, remove and retry, and leave the configuration alone', async () => {
  const { mesh, peered } = meshOf({ 0: [] });
  const operations = peerOperations(mesh);
  assert.equal(await run(operations, 'peer_add', { uri: 'tls://192.0.2.1:443' }), {
    interface: 'ygg0',
    message: 'add done',
  });
  await run(operations, 'peer_remove', { uri: 'tls://192.0.2.1:443', device: 'eth0' });
  await run(operations, 'peer_retry', { uri: 'tls://192.0.2.1:443', interface: 'ygg0' });
  assert.equal(peered, [
    'add tls://192.0.2.1:443',
    'remove tls://192.0.2.1:443 eth0 false',
    'retry tls://192.0.2.1:443',
  ]);
  assert.instance(await failure(run(operations, 'peer_remove', { uri: URI, forget: true })), InputError);
});
peers('add nothing that could not be configured from afar', async () => {
  const { mesh, peered } = meshOf({ 0: [] });
  for (const uri of [
    'unix:///var/run/x.sock',
    'socks://u:p@192.0.2.1:1/192.0.2.2:1',
    'tcp://a b:1',
    'file:///etc/passwd',
    'x',
  ]) {
    const error = await failure(run(peerOperations(mesh), 'peer_add', { uri }));
    assert.ok(error instanceof InputError && error.field === 'uri', uri);
  }
  assert.equal(peered, []);
});
peers('take the scope that operates', () => {
  assert.equal(
    Object.values(peerOperations(meshOf({}).mesh)).map(({ scope }) => scope),
    ['operate', 'operate', 'operate'],
  );
});
peers.run();

const service = suite('serviceOperations');
function makeService() {
  const did: string[] = [];
  const operations = serviceOperations(
    {
      reload: async () => {
        did.push('reload');
        return 'read';
      },
      restart: () => void did.push('restart'),
    },
    {
      keyframe: () => void did.push('keyframe'),
      snapshot: () => ({ own: { uptime_s: 1 } }),
      lease: (kind, seconds) => void did.push(`${kind} ${seconds}`),
      leaseLog: (level, seconds) => void did.push(`log ${level} ${seconds}`),
    },
  );
  return { did, operations };
}
service('do what they say', async () => {
  const { did, operations } = makeService();
  assert.equal(await run(operations, 'snapshot', {}), { own: { uptime_s: 1 } });
  assert.equal(await run(operations, 'reload', {}), { message: 'read' });
  for (const [name, args] of [
    ['keyframe', {}],
    ['watch', { seconds: 86_400 }],
    ['boost', { seconds: 0 }],
    ['log_lease', { seconds: 600 }],
    ['log_lease', { seconds: 1, level: 'debug' }],
    ['restart', {}],
  ] as const)
    assert.is(await run(operations, name, args), undefined);
  assert.equal(did, ['reload', 'keyframe', 'watch 86400', 'boost 0', 'log info 600', 'log debug 1', 'restart']);
});
service('lease nothing for longer than they say', async () => {
  const { did, operations } = makeService();
  for (const [name, args] of [
    ['watch', { seconds: 86_401 }],
    ['boost', { seconds: 601 }],
    ['boost', {}],
    ['log_lease', { seconds: 601 }],
    ['log_lease', { seconds: 1, level: 'all' }],
  ] as const)
    assert.instance(await failure(run(operations, name, args)), InputError, name);
  assert.equal(did, []);
});
service('know what ends the daemon', () => {
  const { operations } = makeService();
  assert.equal(
    Object.entries(operations)
      .filter(([, one]) => one.endsDaemon)
      .map(([name, { scope }]) => [name, scope]),
    [['restart', 'operate']],
  );
});
service.run();

const configuration = suite('configurationOperations');
function makeDesk(result: ChangeResult) {
  const asked: unknown[] = [];
  const operations = configurationOperations({
    get: async (paths) => {
      asked.push(paths);
      return { values: [] };
    },
    set: async (payload) => {
      asked.push(payload);
      return result;
    },
  });
  return { asked, operations };
}
const CHANGES = [{ set: 'meshbridge.main.probe', to: '1' }];
configuration('show what is asked for', async () => {
  const { asked, operations } = makeDesk({ st: 'applied', rejected: [] });
  assert.equal(await run(operations, 'config_get', { paths: ['meshbridge.main.probe'] }), { values: [] });
  await run(operations, 'config_get', {});
  assert.equal(asked, [['meshbridge.main.probe'], undefined]);
});
configuration('hand on the command itself, so that root can check it', async () => {
  const applied: ChangeResult = { st: 'applied', rejected: [{ path: 'a.b.c', reason: 'no' }] };
  const { asked, operations } = makeDesk(applied);
  assert.equal(await run(operations, 'config_set', { changes: CHANGES, confirm_s: 60 }), applied);
  assert.equal(asked, ['signed']);
});
configuration('tell what was not done', async () => {
  const undone: ChangeResult = { st: 'rolled-back', rejected: [], error: 'no peer came back' };
  const error = await failure(run(makeDesk(undone).operations, 'config_set', { changes: CHANGES }));
  assert.ok(error instanceof OperationError);
  assert.equal([error.message, error.out], ['rolled-back: no peer came back', undone]);
});
configuration('pass on nothing that is no change', async () => {
  const { asked, operations } = makeDesk({ st: 'applied', rejected: [] });
  for (const args of [
    {},
    { changes: 'all' },
    { changes: [{}] },
    { changes: [{ run: 'sh' }] },
    { changes: CHANGES, confirm_s: 10 },
  ])
    assert.instance(await failure(run(operations, 'config_set', args)), InputError, JSON.stringify(args));
  assert.equal(asked, []);
});
configuration.run();
