import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RemoteError } from '../../src/errors.ts';
import {
  statusError,
  statusName,
  statusText,
  UBUS_STATUS_NOT_FOUND,
  UBUS_STATUS_SYSTEM_ERROR,
} from '../../src/ubus/status.ts';

const name = suite('statusName');
name('names what ubus defines', () => {
  assert.is(statusName(UBUS_STATUS_NOT_FOUND), 'NOT_FOUND');
  assert.is(statusName(UBUS_STATUS_SYSTEM_ERROR), 'SYSTEM_ERROR');
});
name('shows the number of what it does not', () => assert.is(statusName(99), 'STATUS_99'));
name.run();

const text = suite('statusText');
text('is what the command line prints', () => {
  assert.is(statusText(7), 'Request timed out');
  assert.is(statusText(99), 'Unknown error');
});
text.run();

const error = suite('statusError');
error('carries the number and says what was asked', () => {
  const made = statusError('call yggdrasil peers', 4);
  assert.instance(made, RemoteError);
  assert.is(made.status, 4);
  assert.is(made.message, 'call yggdrasil peers: not found (NOT_FOUND)');
});
error('prefers the reason that the other side gave', () =>
  assert.is(statusError('call x y', 2, 'level: unknown').message, 'call x y: level: unknown (INVALID_ARGUMENT)'),
);
error.run();
