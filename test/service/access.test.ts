import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DAEMON_USER } from '../../build/packages.ts';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { Child } from '../../src/dev/child.ts';
import { startStandin } from '../../src/dev/standin.ts';
import { errorText } from '../../src/errors.ts';
import { DAEMON_ID, type RouterRoot } from './root.ts';
import { Router, routerProblem, until } from './router.ts';

/** Something that answers at `/tmp/yggdrasil/ygg0.sock`, made by root, and how to end it. */
type Start = (root: RouterRoot) => Promise<() => Promise<void>>;

const STARTS: Record<string, Start> = {
  async 'played Yggdrasil'(root) {
    const standin = await startStandin({ directory: root.path('/tmp/yggdrasil'), nodes: ['a'] });
    return () => standin.close();
  },
};

try {
  const yggdrasil = await ensureYggdrasil((line) => console.log(line));
  STARTS['real Yggdrasil'] = async (root) => {
    const conf = root.path('/tmp/yggdrasil/node.conf');
    const socket = root.path('/tmp/yggdrasil/ygg0.sock');
    root.write('/tmp/yggdrasil/node.conf', JSON.stringify({ IfName: 'none', AdminListen: `unix://${socket}` }), 0o600);
    // under umask 077, as netifd's handler
    const child = await Child.start(['sh', '-c', 'umask 077; exec "$@"', 'sh', yggdrasil, '-useconffile', conf]);
    await until('Yggdrasil made its socket', () => root.entry('/tmp/yggdrasil/ygg0.sock'));
    return () => child.stop();
  };
} catch (error) {
  console.log(`skipped: the daemon's user and a real Yggdrasil: ${errorText(error)}`);
}

const access = suite('the user meshbridge');
access('has the number under which it is tried here', () => {
  assert.is(DAEMON_USER, `meshbridge=${DAEMON_ID}:meshbridge=${DAEMON_ID}`);
});
const problem = await routerProblem();
if (problem) console.log(`skipped: the daemon as its own user: ${problem}`);
else
  for (const [what, start] of Object.entries(STARTS))
    access(`reaches a ${what} once its socket was lent, and never its key`, async () => {
      const router = await Router.open();
      let end: (() => Promise<void>) | undefined;
      try {
        router.makeSockets();
        end = await start(router.root);
        await router.startDaemon();
        await router.published();
        const link = async () => (await router.status()).links.find(({ name }) => name === 'yggdrasil.ygg0');
        await until('the socket is refused', async () => /EACCES|[Pp]ermission/.test((await link())?.last_error ?? ''));
        assert.not.equal((await link())!.state, 'up');
        assert.not.ok(router.isKeyReadable());

        router.lendSockets();
        await until('the socket is reached', async () => (await link())?.state === 'up');
        await until('Yggdrasil is asked', async () =>
          /^[0-9a-f]{64}$/.test(String((await router.call('yggdrasil', 'self')).key)),
        );
        assert.not.ok(router.isKeyReadable());
      } finally {
        await end?.();
        await router.close();
      }
    });
access.run();
