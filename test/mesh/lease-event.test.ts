import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LeaseEvents } from '../../src/mesh/lease-event.ts';

type Status = Parameters<LeaseEvents['see']>[0];
const status = (state: string, id: string, gateway?: string, mode = 'kept'): Status => ({
  ...{ mode, state, id },
  ...(gateway !== undefined && { gateway }),
});
/** What is told of one after the other. */
const told = (...all: Status[]): unknown[] => {
  const events = new LeaseEvents();
  return all.flatMap((one) => events.see(one) ?? []);
};

const events = suite('LeaseEvents');
events('tells that it serves, once', () => {
  assert.equal(
    told(
      status('asking', 'asking'),
      status('up', 'up', 'a'),
      status('degraded', 'suspect', 'a'),
      status('up', 'up', 'a'),
    ),
    [{ kind: 'lease-up', fields: { gateway: 'a' } }],
  );
});
events('tells a move, also by way of a moment without any', () => {
  assert.equal(
    told(
      status('up', 'up', 'a'),
      status('degraded', 'suspect', 'a'),
      status('asking', 'preparing'),
      status('up', 'up', 'b'),
    ),
    [
      { kind: 'lease-up', fields: { gateway: 'a' } },
      { kind: 'lease-moved', fields: { from: 'a', gateway: 'b' } },
    ],
  );
});
events('tells that nothing goes out, each reason once, and that it serves again', () => {
  assert.equal(
    told(
      status('up', 'up', 'a'),
      status('blocked', 'unreachable'),
      status('blocked', 'unreachable'),
      status('blocked', 'suspended'),
      status('up', 'up', 'a'),
    ),
    [
      { kind: 'lease-up', fields: { gateway: 'a' } },
      { kind: 'lease-blocked', fields: { situation: 'unreachable' } },
      { kind: 'lease-blocked', fields: { situation: 'suspended' } },
      { kind: 'lease-up', fields: { gateway: 'a' } },
    ],
  );
});
events('tells the end of what it told the begin of, and of nothing else', () => {
  assert.equal(told(status('idle', 'off', undefined, 'off')), []);
  assert.equal(
    told(status('up', 'up', 'a'), status('idle', 'off', undefined, 'off'), status('idle', 'off', undefined, 'off')),
    [
      { kind: 'lease-up', fields: { gateway: 'a' } },
      { kind: 'lease-off', fields: { situation: 'off' } },
    ],
  );
});
events.run();
