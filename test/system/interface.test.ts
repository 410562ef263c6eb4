import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText } from '../../src/errors.ts';
import { restartInterface } from '../../src/system/interface.ts';
import { MemoryRouter } from '../support/router.ts';

/** What was called in turn, and what came of it, where `failing` fails. */
async function restart(failing?: string): Promise<[calls: string[], end: string]> {
  const router = new MemoryRouter();
  const calls: string[] = [];
  router.program = (argv) => {
    calls.push(argv.slice(3).join(' '));
    return { code: argv.includes(failing ?? '') ? 7 : 0 };
  };
  const end = await restartInterface(router, 'ygg0').then(() => 'done', errorText);
  return [calls, end];
}

const DOWN = 'call network.interface down {"interface":"ygg0"}';
const UP = 'call network.interface up {"interface":"ygg0"}';

const interfaces = suite('restartInterface');
interfaces('takes it down, then up', async () => {
  assert.equal(await restart(), [[DOWN, UP], 'done']);
});
interfaces('leaves it up when it does not go down', async () => {
  assert.equal(await restart('down'), [[DOWN], 'ubus call network.interface down: ended with 7']);
});
interfaces('says that it is down, and what to do', async () => {
  assert.equal(await restart('up'), [[DOWN, UP], 'ygg0: down now, run: ifup ygg0']);
});
interfaces.run();
