import { rmSync, symlinkSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PACKAGES } from '../../build/packages.ts';
import { read } from '../rules/source.ts';
import { DAEMON_ID, type End, type RouterRoot } from './root.ts';
import { Router, RUN, routerProblem } from './router.ts';

const whole = suite('the init script with the program itself');
whole('calls what the package brings', () => {
  const text = read('openwrt-feed/meshbridge/files/meshbridge.init');
  const brought = PACKAGES.find(({ name }) => name === 'meshbridge')!.files.map(({ path }) => path);
  for (const name of ['PROG', 'HELPER', 'SOCKETS', 'CAPABILITIES']) {
    const path = new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1];
    assert.ok(brought.includes(path!), `~> ${name}=${path}`);
  }
});
const problem = await routerProblem();
if (problem) console.log(`skipped: the init script with the program itself: ${problem}`);
else {
  const start = (root: RouterRoot): End => {
    root.write('/etc/rc.common', read('test/service/stub/rc.common'));
    return root.run(['sh', '/etc/rc.common', '/etc/init.d/meshbridge', 'start']);
  };
  const published = `${RUN}/config`;
  whole('publishes the configuration so that its user can read it', async () => {
    const router = await Router.open();
    const { root } = router;
    try {
      rmSync(root.path(published));
      // a daemon that was taken over is there first
      symlinkSync('/etc/passwd', root.path(published));
      const accounts = root.entry('/etc/passwd');
      assert.equal(start(root), { status: 0, stdout: '', stderr: '' });
      assert.equal(root.entry('/etc/passwd'), accounts);
      assert.equal(root.entry(published), {
        mode: '100440',
        owner: `0:${DAEMON_ID}`,
        content: root.read('/etc/config/meshbridge'),
      });
      await router.startDaemon();
      await router.published();
    } finally {
      await router.close();
    }
  });
  whole('makes the key of the node, for root alone, and hands it over', async () => {
    const router = await Router.open();
    const { root } = router;
    const [kept, copy] = ['/etc/meshbridge/node.key', `${RUN}/node.key`];
    try {
      assert.equal(start(root), { status: 0, stdout: '', stderr: '' });
      assert.is(root.entry(kept), undefined, '~> nobody wants one yet');
      root.write('/etc/config/meshbridge', "config meshbridge 'main'\n\toption mqtt '1'\n", 0o600);
      assert.equal(start(root), { status: 0, stdout: '', stderr: '' });
      const { content, ...rest } = root.entry(kept)!;
      assert.match(content!, /^[0-9a-f]{64}\n$/);
      assert.equal(rest, { mode: '100600', owner: '0:0' });
      assert.equal(root.entry(copy), { mode: '100440', owner: `0:${DAEMON_ID}`, content });
      const asDaemon = (...argv: string[]) => root.run(argv, { user: DAEMON_ID }).status;
      assert.is(asDaemon('cat', copy), 0);
      for (const argv of [
        ['cat', kept],
        ['rm', '-f', copy],
        ['sh', '-c', `echo > ${copy}`],
      ])
        assert.is.not(asDaemon(...argv), 0, argv.join(' '));
      assert.equal(start(root).status, 0);
      assert.is(root.entry(kept)!.content, content, '~> it stays the same');
    } finally {
      await router.close();
    }
  });
  whole('tells all that is wrong with a configuration, and does not start', async () => {
    const router = await Router.open();
    const { root } = router;
    try {
      root.write(
        '/etc/config/meshbridge',
        "config meshbridge 'main'\n\toption probe 'maybe'\n\toption probo '1'\n",
        0o600,
      );
      const { status, stderr } = start(root);
      assert.not.equal(status, 0);
      assert.match(stderr, 'meshbridge.main.probe: expected 1 or 0, got "maybe"\n');
      assert.match(stderr, 'meshbridge.main.probo: unknown option "probo", did you mean probe?\n');
      assert.not.match(root.read('/tmp/procd'), 'procd_open_instance');
    } finally {
      await router.close();
    }
  });
}
whole.run();
