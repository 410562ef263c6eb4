import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFlag } from '../../src/lib/flag.ts';

const flag = suite('flag');
flag('reads the words of config_get_bool, and no others', () => {
  for (const word of ['1', 'on', 'true', 'yes', 'enabled']) assert.is(readFlag(word), true, `~> ${word}`);
  for (const word of ['0', 'off', 'false', 'no', 'disabled']) assert.is(readFlag(word), false, `~> ${word}`);
  for (const word of ['', ' ', '2', '01', 'ON', 'Yes', 'y', 'disable', '1 '])
    assert.is(readFlag(word), undefined, `~> ${JSON.stringify(word)}`);
});
flag.run();
