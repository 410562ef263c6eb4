import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HELPER_METHODS, type HelperVerb } from '../../src/api/helper.ts';
import {
  BusyError,
  errorText,
  InputError,
  LinkDownError,
  RemoteError,
  TimeoutError,
  WireError,
} from '../../src/errors.ts';
import { Helper } from '../../src/system/helper.ts';
import type { Table } from '../../src/ubus/blobmsg.ts';
import {
  statusError,
  UBUS_STATUS_NO_DATA,
  UBUS_STATUS_NOT_FOUND,
  UBUS_STATUS_PERMISSION_DENIED,
} from '../../src/ubus/status.ts';
import { settle } from '../support/clock.ts';

const PEERING = { interface: 'ygg0', uri: 'tcp://a:1' };

/** A bus on which each call waits until the test answers it. */
function make() {
  const asked: string[] = [];
  const pending: { resolve(data: Table[]): void; reject(error: Error): void }[] = [];
  const helper = new Helper({
    call: (path, method, args, options) => {
      asked.push(`${path} ${method} ${JSON.stringify(args)} ${options?.timeoutMs}`);
      return new Promise((resolve, reject) => {
        pending.push({ resolve, reject });
      });
    },
  });
  return { asked, pending, helper };
}

/** How a call ends that the bus answers so. */
async function outcome(verb: HelperVerb, given: Table[] | Error): Promise<unknown> {
  const { helper, pending } = make();
  const done = helper.call(verb, PEERING).catch((error: unknown) => error);
  await settle();
  if (given instanceof Error) pending[0]!.reject(given);
  else pending[0]!.resolve(given);
  return done;
}

function assertError(error: unknown, kind: abstract new (...args: never[]) => Error, message: RegExp): void {
  assert.instance(error, kind);
  assert.match(errorText(error), message);
}

const call = suite('Helper');
call('asks by way of the bus and gives what the contract names', async () => {
  const { asked, pending, helper } = make();
  const reply = helper.call('peer_keep', PEERING);
  await settle();
  assert.equal(asked, ['meshbridge.helper peer_keep {"interface":"ygg0","uri":"tcp://a:1"} 15000']);
  pending[0]!.resolve([{ result: 'added', more: 1 }]);
  assert.equal(await reply, { result: 'added' });
});
call('says what to do when there is no helper', async () => {
  const error = await outcome('network_read', statusError('lookup meshbridge.helper', UBUS_STATUS_NOT_FOUND));
  assertError(error, LinkDownError, /^meshbridge\.helper: not on ubus: .*\/etc\/init\.d\/rpcd restart/);
});
call('tells a helper that was killed from one that refuses', async () => {
  assertError(
    await outcome('lint', statusError('call', UBUS_STATUS_NO_DATA)),
    TimeoutError,
    /^meshbridge\.helper lint: ended without a reply$/,
  );
  const refused = await outcome('peer_keep', [{ error: 'uri: no', field: 'uri' }]);
  assertError(refused, InputError, /^uri: no$/);
  assert.is((refused as InputError).field, 'uri');
  const failed = await outcome('peer_keep', [{ error: 'read /etc/config/network: no' }]);
  assertError(failed, Error, /^read \/etc\/config\/network: no$/);
  assert.not.instance(failed, InputError);
});
call('passes on what else the bus says', async () => {
  for (const error of [
    statusError('call', UBUS_STATUS_PERMISSION_DENIED),
    new TimeoutError('call: no answer'),
    new LinkDownError('call: not connected'),
  ])
    assert.is(await outcome('lint', error), error);
  assert.instance(statusError('call', UBUS_STATUS_PERMISSION_DENIED), RemoteError);
});
const STRANGE: [HelperVerb, Table[]][] = [
  ['peer_keep', []],
  ['peer_keep', [{}]],
  ['peer_keep', [{ result: 1 }]],
  ['network_read', [{ interfaces: {} }]],
  ['network_read', [{ interfaces: [7] }]],
  ['network_read', [{ interfaces: [{ interface: 'ygg0', peers: [{}] }] }]],
  ['network_read', [{ interfaces: [{ interface: 'ygg0', peers: [], node_info: 7 }] }]],
  ['lint', [{ findings: [{ id: 'x' }] }]],
];
for (const [verb, data] of STRANGE)
  call(`refuses ${JSON.stringify(data)} for ${verb}`, async () => {
    assertError(await outcome(verb, data), WireError, new RegExp(`^meshbridge\\.helper ${verb}: \\w+: `));
  });
call('changes one thing after the other, and reads meanwhile', async () => {
  const { asked, pending, helper } = make();
  const verbs = () => asked.map((line) => line.split(' ')[1]);
  const first = helper.call('peer_keep', PEERING).catch(errorText);
  const second = helper.call('peer_forget', PEERING);
  const read = helper.call('network_read', {});
  await settle();
  assert.equal(verbs(), ['network_read', 'peer_keep']);
  pending[1]!.reject(new Error('full'));
  assert.is(await first, 'full');
  await settle();
  assert.equal(verbs(), ['network_read', 'peer_keep', 'peer_forget'], '~> a failure holds up nobody');
  pending[2]!.resolve([{ result: 'absent' }]);
  pending[0]!.resolve([{}]);
  assert.equal([await second, await read], [{ result: 'absent' }, {}]);
});
call('lets no more than a few changes wait', async () => {
  const { helper, pending, asked } = make();
  const ends = Array.from({ length: 9 }, () => helper.call('config_publish', {}).catch((error: Error) => error));
  assertError(await ends[8], BusyError, /8 changes wait already/);
  for (let i = 0; i < 8; i++) {
    await settle();
    pending[i]!.resolve([{}]);
    assert.equal(await ends[i], {});
  }
  assert.is(asked.length, 8);
  const next = helper.call('config_publish', {});
  await settle();
  pending[8]!.resolve([{}]);
  assert.equal(await next, {});
});
call('does every verb in its turn that its contract calls a change', async () => {
  for (const verb of Object.keys(HELPER_METHODS) as HelperVerb[]) {
    const { helper, asked } = make();
    void helper.call('config_publish', {});
    void helper.call(verb, PEERING);
    await settle();
    assert.is(asked.length, verb.endsWith('read') || verb === 'lint' ? 2 : 1, verb);
  }
});
call('asks once for all who want to know the same at a time', async () => {
  const { helper, pending, asked } = make();
  const answers = Array.from({ length: 50 }, () => helper.call('lint', {}).catch((error: Error) => error.message));
  await settle();
  assert.is(asked.length, 1);
  pending[0]!.reject(new Error('broken'));
  assert.equal(await Promise.all(answers), new Array(50).fill('broken'));
  const next = helper.call('lint', {});
  await settle();
  pending[1]!.resolve([{ findings: [] }]);
  assert.equal(await next, { findings: [] });
});
call.run();
