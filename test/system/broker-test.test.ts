import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BrokerTests } from '../../src/broker-test.ts';
import { parseConfig } from '../../src/config.ts';
import { BusyError, InputError } from '../../src/errors.ts';
import { MemoryRouter } from '../support/router.ts';

const CONFIG = parseConfig(
  "config meshbridge 'main'\n\toption site 'hill'\nconfig mqtt 'fleet'\n\toption url 'mqtt://192.0.2.1'\n" +
    "config mqtt 'off'\n\toption url 'mqtt://192.0.2.2'\n\toption enabled '0'\n",
);

function make() {
  const host = new MemoryRouter();
  return { host, tests: new BrokerTests({ host, config: () => CONFIG, keyPath: '/var/run/meshbridge/node.key' }) };
}

const tests = suite('BrokerTests');
tests('know the brokers that are enabled', async () => {
  for (const name of ['off', 'other', 'x'.repeat(100)]) {
    const error = await make()
      .tests.test(name)
      .catch((refusal: Error) => refusal);
    assert.instance(error, InputError);
    assert.match((error as Error).message, /^name: expected a section mqtt that is enabled \(fleet\), got "/);
    assert.ok((error as Error).message.length < 110);
  }
});
tests('try one at a time, and say where it fails', async () => {
  const { host, tests: it } = make();
  const first = it.test('fleet');
  const second = await it.test('fleet').catch((error: Error) => error);
  assert.instance(second, BusyError);
  while (host.streams.dialled.length === 0) await new Promise<void>((resolve) => resolve());
  assert.equal(host.streams.last().endpoint, { host: '192.0.2.1', port: 1883 });
  host.streams.last().end(new Error('dial 192.0.2.1: Connection refused'));
  const { ok, steps } = await first;
  assert.is(ok, false);
  assert.equal(
    steps.map(({ step, state }) => [step, state]),
    [
      ['dns', 'unused'],
      ['tcp', 'bad'],
    ],
  );
  assert.is(steps[1]!.values && JSON.stringify(steps[1]!.values), '{"place":"192.0.2.1:1883"}');
  const again = it.test('fleet');
  assert.not.instance(await Promise.race([again, Promise.resolve(undefined)]), BusyError);
});
tests.run();
