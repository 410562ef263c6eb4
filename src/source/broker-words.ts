// What the test of a broker says of each of its steps, in people's language: `{name}` stands for a value.

/** Sentences by step and outcome. */
export const BROKER_SENTENCES = {
  dns: {
    found: '{host} has the address {address}.',
    unused: 'The broker is given by its address: there is no name to look up.',
    failed: 'The name {host} cannot be found: {error}. Check the spelling, and whether this router has a line.',
  },
  tcp: {
    open: 'A connection to {place} took {ms} ms.',
    refused: 'Nothing listens at {place}. Check the port, and whether the broker runs.',
    silent: 'Nothing answered at {place}. A firewall on the way, or a wrong address.',
    failed: 'No connection to {place}: {error}.',
  },
  tls: {
    proven: 'The broker proved who it is.',
    unused: 'The connection is not encrypted. Within the mesh, Yggdrasil encrypts it.',
    failed: 'The broker did not prove who it is: {error}.',
  },
  login: {
    done: 'The broker let this router in, by MQTT {version}.',
    refused: 'The broker does not let this router in: {error}. Check user name and password.',
    silent: 'Something answers at {place}, but no broker of MQTT within {seconds} s.',
    failed: 'The broker does not let this router in: {error}.',
  },
  permission: {
    granted: 'This router may read its commands.',
    unused: 'Nothing is taken from this broker.',
    anonymous: 'This router has no id yet: it gets one when MQTT is switched on.',
    refused: 'This router may not read its commands: {error}. The access list of the broker lacks {node}.',
  },
  publish: {
    done: 'A message reached the broker after {ms} ms.',
    unknown: 'A message reached the broker after {ms} ms. By MQTT 3.1.1 it does not say whether it dropped it.',
    anonymous: 'This router has no id yet: it gets one when MQTT is switched on.',
    refused: 'This router may not send anything: {error}. The access list of the broker lacks {node}.',
    failed: 'A message did not reach the broker: {error}.',
  },
} as const;
export type BrokerStepName = keyof typeof BROKER_SENTENCES;
