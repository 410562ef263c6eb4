import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loggingStatement, MAX_STATEMENT } from '../../src/mesh/logging-statement.ts';

const statement = suite('loggingStatement');
statement('says what is kept, for how long, and what is not', () => {
  const text = loggingStatement({ keepDays: 30, hasPorts: true, asksFor: ['name', 'email'], words: ' Ask Otto. ' });
  assert.is(
    text,
    'Which home had which addresses and source ports when is kept for 30 days. How many bytes each home used is kept for this month, of all together ' +
      'for 90 days. What homes connect to, ask for by name, send and receive is not logged by this program. Asked of homes: name, e-mail address; deleted ' +
      'with the lease, and with what is kept of it. What the operator decided on a home is kept until it is taken back, and in a log of bounded size. Ask Otto.',
  );
});
statement('says what is not kept, and asked for', () => {
  const text = loggingStatement({ keepDays: 0, hasPorts: false, asksFor: [], words: '' });
  assert.match(text, /^Which home had which addresses when is not kept\. /);
  assert.match(text, /Nothing is asked of the people of a home\./);
  assert.match(
    loggingStatement({ keepDays: 0, hasPorts: false, asksFor: ['phone'], words: '' }),
    /deleted with the lease\. /,
  );
  assert.match(loggingStatement({ keepDays: 1, hasPorts: true, asksFor: [], words: '' }), /is kept today\./);
});
statement("is bounded, and cuts the operator's own words", () => {
  const text = loggingStatement({
    keepDays: 365,
    hasPorts: true,
    asksFor: ['name', 'email', 'phone'],
    words: 'x'.repeat(5000),
  });
  assert.is(text.length, MAX_STATEMENT);
  assert.match(text, /bounded size\. xxx/);
});
statement.run();
