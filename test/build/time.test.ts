import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { releaseTime, sourceTime } from '../../build/time.ts';

const CHANGELOG =
  '# Changelog\n\n## 1.10.0, 2026-12-24\n\n- 1.1.0 of 2020-01-01\n\n## Unreleased: 1.2.0\n\n## 1.1.0 (2025-11-24)\n';

const release = suite('releaseTime');
release('is midnight of the day in the heading', () => {
  assert.is(releaseTime(CHANGELOG, '1.1.0'), Date.UTC(2025, 10, 24) / 1000);
  assert.is(releaseTime(CHANGELOG, '1.10.0'), Date.UTC(2026, 11, 24) / 1000);
});
for (const version of ['1.2.0', '1.1', '0.1.0', '10.0'])
  release(`is unknown of ${version}`, () => assert.is(releaseTime(CHANGELOG, version), undefined));
release.run();

const source = suite('sourceTime');
const given = process.env.SOURCE_DATE_EPOCH;
source.after(() => {
  if (given === undefined) delete process.env.SOURCE_DATE_EPOCH;
  else process.env.SOURCE_DATE_EPOCH = given;
});
source('is what SOURCE_DATE_EPOCH says, if that is a time', () => {
  process.env.SOURCE_DATE_EPOCH = '1764000000';
  assert.is(sourceTime(), 1_764_000_000);
  for (const wrong of ['', 'now', '-1', '1.5', '99999999999']) {
    process.env.SOURCE_DATE_EPOCH = wrong;
    assert.throws(sourceTime, /SOURCE_DATE_EPOCH: expected Unix seconds/, `~> ${wrong}`);
  }
});
source('is the same at each call', () => {
  delete process.env.SOURCE_DATE_EPOCH;
  const time = sourceTime();
  assert.ok(Number.isInteger(time) && time > 0);
  assert.is(sourceTime(), time);
});
source("is the commit's, also in a clone of somebody else", () => {
  delete process.env.SOURCE_DATE_EPOCH;
  const time = sourceTime();
  process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER = '1';
  try {
    assert.is(sourceTime(), time);
  } finally {
    delete process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER;
  }
});
source.run();
