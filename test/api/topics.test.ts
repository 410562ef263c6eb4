import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ALARM_IDS,
  EVENT_KINDS,
  GROUPS,
  METRIC_GROUPS,
  OPTIONAL_TOPICS,
  PAYLOADS,
  TOPICS,
  type TopicName,
  topicOf,
  USUAL_METRIC_GROUPS,
} from '../../src/api/topics.ts';

const topics = suite('topics');
topics('are of letters, digits and -, with at most six slashes', () => {
  for (const name of Object.keys(TOPICS) as TopicName[])
    assert.match(topicOf('hill-12', 'abcdefghij234', name), /^mb\/1\/hill-12\/abcdefghij234\/[a-z]+$/);
  for (const tail of [...Object.keys(EVENT_KINDS), ...Object.keys(ALARM_IDS)])
    assert.match(topicOf('s', 'n', 'evt', tail), /^mb\/1\/s\/n\/evt\/[a-z0-9-]+$/);
});
topics('have a payload each', () => assert.equal(Object.keys(PAYLOADS), Object.keys(TOPICS)));
topics('are never commands that are kept', () => assert.is(TOPICS.cmd.retain, false));
topics('that may be kept from a broker are written by the router', () => {
  for (const name of OPTIONAL_TOPICS) assert.is(TOPICS[name].direction, 'up');
});
topics('have a table for each group of measurements', () => {
  assert.equal(
    Object.keys(GROUPS).map((name) => name.replace('?', '')),
    [...METRIC_GROUPS],
  );
});
topics('tell brokers of homes only where somebody said so', () => {
  assert.equal(
    METRIC_GROUPS.filter((group) => !USUAL_METRIC_GROUPS.includes(group)),
    ['gateway'],
  );
});
topics.run();
