import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { parseBrokerUrl } from '../../src/transport/broker-url.ts';

const parse = suite('parseBrokerUrl');
for (const [text, endpoint, secure] of [
  ['mqtt://broker', { host: 'broker', port: 1883 }, false],
  ['mqtt://broker/', { host: 'broker', port: 1883 }, false],
  ['mqtt://192.0.2.1:2000', { host: '192.0.2.1', port: 2000 }, false],
  ['mqtts://broker.example.org', { host: 'broker.example.org', port: 8883 }, true],
  ['mqtts://[200:1::2]', { host: '200:1::2', port: 8883 }, true],
  ['mqtt://[200:1::2]:443', { host: '200:1::2', port: 443 }, false],
  ['unix:///tmp/mqtt.sock', { path: '/tmp/mqtt.sock' }, false],
  ['unix://@mqtt', { path: '@mqtt' }, false],
] as const)
  parse(`reads ${text}`, () => assert.equal(parseBrokerUrl(text), { endpoint, secure }));
for (const [text, problem] of [
  ['broker', 'expected mqtt://host, mqtts://host or unix:///path, got "broker"'],
  ['mqtt://', 'expected mqtt://host, mqtts://host or unix:///path, got "mqtt://"'],
  ['MQTT://broker', 'expected mqtt://host, mqtts://host or unix:///path, got "MQTT://broker"'],
  ['ws://broker:80', 'expected mqtt://host, mqtts://host or unix:///path, got "ws://broker:80"'],
  ['mqtt://broker:70000', 'expected a port from 1 to 65535, got "tcp://broker:70000"'],
  ['mqtt://200:1::2', 'expected unix:///path or tcp://host:port, got "tcp://200:1::2:1883"'],
  ['unix://mqtt.sock', 'expected an absolute path or @name, got "unix://mqtt.sock"'],
] as const)
  parse(`refuses ${text}`, () =>
    assert.throws(
      () => parseBrokerUrl(text),
      (error: unknown) => {
        assert.instance(error, InputError);
        assert.is((error as InputError).message, problem);
        return true;
      },
    ),
  );
parse('shows nothing of what may hold a password', () => {
  for (const text of ['mqtt://me:secret@broker', 'secret@', 'mqtts://secret@[::1]:1/x'])
    assert.throws(
      () => parseBrokerUrl(text),
      (error: Error) => !error.message.includes('secret'),
    );
});
parse.run();
