import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { switchLease } from '../../src/system/lease-switch.ts';
import { PlayedMachine } from '../support/played-machine.ts';

const PATH = '/c/meshbridge';
const GATEWAY = "config gateway 'boston'\n\toption address '200::1'\n";

/** The text of the file after it was switched. */
function switched(text: string, enabled: boolean): { text: string; changed: boolean } {
  const { files } = new PlayedMachine();
  files.write(PATH, encodeUtf8(text), 0o600);
  const changed = switchLease(files, PATH, enabled);
  return { text: decodeUtf8(files.read(PATH, 1 << 20)!), changed };
}

const test = suite('switchLease');
test('writes what the daemon takes, where there was no section of a lease', () => {
  const { text, changed } = switched(`# mine\n${GATEWAY}`, true);
  assert.is(changed, true);
  assert.match(text, /^# mine\n/);
  assert.is(parseConfig(text).lease?.enabled, true);
  assert.is(parseConfig(switched(text, false).text).lease?.enabled, false);
});
test('keeps the other options of a section that is there', () => {
  const { text } = switched(`${GATEWAY}\nconfig lease 'home'\n\toption name 'Anna'\n`, true);
  const { enabled, name } = parseConfig(text).lease!;
  assert.equal({ enabled, name }, { enabled: true, name: 'Anna' });
});
test('leaves a file alone that says so already, or is not there', () => {
  assert.equal(switched(GATEWAY, false), { text: GATEWAY, changed: false });
  assert.is(switchLease(new PlayedMachine().files, PATH, true), false);
});
test.run();
