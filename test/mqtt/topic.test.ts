import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filterProblem, isCovered, topicProblem } from '../../src/mqtt/topic.ts';

const topic = suite('topicProblem');
for (const text of ['mb/1/site/node/tele', '/', 'a//b', '$SYS/broker', ' ', 'ä/📶'])
  topic(`has nothing against ${text}`, () => assert.is(topicProblem(text), undefined));
for (const [text, problem] of [
  ['', 'empty, expected the name of a topic'],
  ['a/+/b', 'a wildcard or NUL in it: "a/+/b"'],
  ['a/#', 'a wildcard or NUL in it: "a/#"'],
  ['a#', 'a wildcard or NUL in it: "a#"'],
  ['a\0', 'a wildcard or NUL in it: "a\\u0000"'],
] as const)
  topic(`refuses ${JSON.stringify(text)}`, () => assert.is(topicProblem(text), problem));
topic('shows the beginning of a long one', () => assert.ok(topicProblem(`+${'x'.repeat(60_000)}`)!.length < 120));
topic.run();

// ---

const filter = suite('filterProblem');
for (const text of ['#', '+', '+/+', 'a/#', 'a/+/b', '/+', '+/', '/', '$share/group/a/+', 'a b'])
  filter(`has nothing against ${text}`, () => assert.is(filterProblem(text), undefined));
for (const text of ['', 'a#', 'a/#/b', '#/a', 'a+', 'a/+b/c', '++', 'a\0'])
  filter(`refuses ${JSON.stringify(text)}`, () => assert.type(filterProblem(text), 'string'));
filter.run();

// ---

const covered = suite('isCovered');
for (const [topic, ...filters] of [
  ['a', 'a', '+', '#', 'a/#'],
  ['a/b', 'a/b', '+/b', 'a/+', '+/+', 'a/#', 'a/b/#', '#'],
  ['a/', 'a/', 'a/+', '+/', '+/+', 'a/#'],
  ['/', '/', '+/+', '/+', '+/', '/#'],
  ['/a', '/a', '+/a', '/+', '#'],
  ['a//b', 'a//b', 'a/+/b', 'a/#'],
  ['$SYS/a', '$SYS/a', '$SYS/+', '$SYS/#'],
  ['ä b', 'ä b', '+'],
] as const)
  for (const filter of filters) covered(`${topic} by ${filter}`, () => assert.ok(isCovered(topic, filter)));
for (const [topic, ...filters] of [
  ['a', 'b', 'A', 'a/', 'a/+', '/a', '/+', '+/a', '/#', 'ab', ''],
  ['a/b', 'a', '+', 'a/b/c', 'a/+/+', 'b/#', 'a/b/'],
  ['ab', 'a', 'a/#', 'abc'],
  ['/', '', '+', '/a'],
  ['$SYS/a', '#', '+/a', '+/+', '$SYS'],
] as const)
  for (const filter of filters) covered(`${topic} not by ${filter}`, () => assert.not.ok(isCovered(topic, filter)));
covered.run();
