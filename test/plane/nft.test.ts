import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText } from '../../src/errors.ts';
import { Nft, nftSet, quoted } from '../../src/plane/nft.ts';
import { PlayedMachine } from '../support/played-machine.ts';

function make() {
  const machine = new PlayedMachine();
  return { machine, nft: new Nft(machine) };
}

const nft = suite('Nft');
nft('replaces a table in one transaction', async () => {
  const { machine, nft } = make();
  await nft.replace('inet t', '\tchain a {\n\t}\n');
  assert.equal(machine.take(), [
    'nft -f - <<< table inet t\ndelete table inet t\ntable inet t {\n\tchain a {\n\t}\n}\n',
  ]);
  await nft.remove('inet t');
  assert.equal(machine.take(), ['nft -f - <<< table inet t\ndelete table inet t\n']);
});
nft('says what was wrong', async () => {
  const { machine, nft } = make();
  machine.says.set('nft', { code: 1, stderr: '/dev/stdin:1:1-3: Error: syntax error\nmore' });
  assert.is(await nft.load('x').catch(errorText), 'nft: /dev/stdin:1:1-3: Error: syntax error');
  assert.is(await nft.show('inet t').catch(errorText), 'nft list table inet t: /dev/stdin:1:1-3: Error: syntax error');
});
nft('shows a table, and whether there is one', async () => {
  const { machine, nft } = make();
  machine.says.set('nft -s list table inet t', { stdout: 'table inet t {\n}\n' });
  assert.is(await nft.show('inet t'), 'table inet t {\n}\n');
  machine.says.set('nft', { code: 1, stderr: 'Error: No such file or directory\nlist table inet u' });
  assert.is(await nft.show('inet u'), undefined);
});
nft('writes sets, but no empty ones', () => {
  assert.is(nftSet([25, 465]), '{ 25, 465 }');
  assert.is(nftSet(['br-lan', 'lan1'].map(quoted)), '{ "br-lan", "lan1" }');
  assert.is(nftSet([]), undefined);
});
nft('takes for a device what can be one, and nothing that says more', () => {
  for (const name of ['lo', 'br-lan', 'eth0.1', 'pppoe-wan', 'a@b', 'fifteen-letters'])
    assert.is(quoted(name), `"${name}"`);
  for (const name of ['', 'a"', 'a b', 'mb*', 'a\\', 'a/b', 'a:1', 'a\n', 'sixteen--letters'])
    assert.throws(() => quoted(name), /device: expected a name/, `~> ${name}`);
});
nft.run();
