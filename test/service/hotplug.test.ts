import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { DAEMON_ID, type End, OTHER_ID, RouterRoot, rootProblem, type ShellName, shellNames } from './root.ts';

const SCRIPT = '/etc/hotplug.d/iface/95-meshbridge';
const DIRECTORY = '/tmp/yggdrasil';
const SOCKET = `${DIRECTORY}/ygg0.sock`;
const LENT = {
  directory: { mode: '40750', owner: `0:${DAEMON_ID}` },
  socket: { mode: '140660', owner: `0:${DAEMON_ID}` },
};

/** As OpenWrt's hotplug-call does: the script is read, not run. Yggdrasil is `ygg0`, and time passes fast. */
const CALL = `
uci() { echo "$*" >> /tmp/uci; [ "$*" = "-q get network.ygg0.proto" ] && echo yggdrasil; }
logger() { echo "$*" >> /tmp/log; }
sleep() { busybox sleep 0.02; }
( . ${SCRIPT}; wait )
`;

const script = suite('the hotplug script');
script('is one that the shell here can read, too', () => {
  const file = inProject('openwrt-feed/meshbridge/files/meshbridge.hotplug');
  assert.is(spawnSync('sh', ['-n', file], { encoding: 'utf8' }).stderr, '');
});
script.run();

const problem = await rootProblem();
if (problem) console.log(`skipped: the hotplug script in a root of its own: ${problem}`);
else for (const shell of shellNames()) hotplug(shell).run();

interface Context {
  root: RouterRoot;
  servers: Server[];
}

/** A socket that somebody made. */
function listen({ root, servers }: Context, path: string, mode = 0o660, owner = 0, group = owner): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    servers.push(server);
    server.once('error', reject).listen(root.path(path), () => {
      chownSync(root.path(path), owner, group);
      chmodSync(root.path(path), mode);
      resolve();
    });
  });
}

function call({ root }: Context, env: Record<string, string> = {}): End {
  return root.run(['sh', '-c', CALL], { env: { ACTION: 'ifup', INTERFACE: 'ygg0', ...env } });
}

/** Whether a call changed nothing, and said so only where it refused. */
function changesNothing(context: Context, env: Record<string, string> = {}): void {
  const without = (): [string, unknown][] =>
    [...context.root.tree()].filter(([path]) => path !== '/tmp/uci' && path !== '/tmp/log');
  const before = without();
  assert.is(call(context, env).status, 0);
  assert.equal(without(), before);
}

function hotplug(shell: ShellName) {
  const hotplug = suite<Context>(`the hotplug script (${shell})`);
  hotplug.before.each(async (context) => {
    context.root = await RouterRoot.open(shell);
    context.servers = [];
    // as netifd's handler leaves it
    context.root.directoryAt(DIRECTORY, 0o700);
    context.root.write(`${DIRECTORY}/ygg0.conf`, '{"PrivateKey":"…"}', 0o600);
  });
  hotplug.after.each(({ root, servers }) => {
    for (const server of servers) server.close();
    root.close();
  });

  for (const action of ['ifup', 'ifupdate'])
    hotplug(`lends directory and socket to the group at ${action}, and never the .conf`, async (context) => {
      const { root } = context;
      await listen(context, SOCKET);
      assert.equal(call(context, { ACTION: action }), { status: 0, stdout: '', stderr: '' });
      assert.equal(root.entry(DIRECTORY), LENT.directory);
      assert.equal(root.entry(SOCKET), LENT.socket);
      const conf = root.entry(`${DIRECTORY}/ygg0.conf`)!;
      assert.equal([conf.mode, conf.owner], ['100600', '0:0']);
      const user = { user: DAEMON_ID };
      assert.is(root.run(['ls', DIRECTORY], user).stdout, 'ygg0.conf\nygg0.sock\n');
      assert.not.equal(root.run(['cat', `${DIRECTORY}/ygg0.conf`], user).status, 0);
      assert.not.equal(root.run(['touch', `${DIRECTORY}/new`], user).status, 0);
      assert.not.equal(root.run(['ls', DIRECTORY], { user: OTHER_ID }).status, 0);
      assert.is(root.read('/tmp/log'), '');
    });
  hotplug('lends the sockets that are there when the init script asks', async (context) => {
    const { root } = context;
    await listen(context, SOCKET, 0o600);
    await listen(context, `${DIRECTORY}/a strange\nname.sock`);
    assert.equal(call(context, { ACTION: 'start', INTERFACE: '' }), { status: 0, stdout: '', stderr: '' });
    assert.equal(root.entry(SOCKET), LENT.socket);
    assert.equal(root.entry(`${DIRECTORY}/a strange\nname.sock`), LENT.socket);
    const lent = [...root.tree(DIRECTORY)];
    call(context, { ACTION: 'start', INTERFACE: '' });
    assert.equal([...root.tree(DIRECTORY)], lent);
  });
  hotplug('does not hold netifd up, and lends a socket that comes a moment later', async (context) => {
    const { root } = context;
    const env = { ACTION: 'ifup', INTERFACE: 'ygg0' };
    // the socket of a predecessor, which Yggdrasil takes away
    await listen(context, SOCKET);
    const real = CALL.replace('; wait', '').replace(/sleep\(\).*\n/, '');
    const { status } = root.run(['sh', '-c', real], { env });
    assert.is(status, 0);
    rmSync(root.path(SOCKET));
    await listen(context, SOCKET, 0o700);
    const limitMs = Date.now() + 10_000;
    while (root.entry(SOCKET)!.owner !== LENT.socket.owner && Date.now() < limitMs)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.is(root.entry(SOCKET)!.owner, LENT.socket.owner);
    rmSync(root.path(DIRECTORY), { recursive: true });
  });
  hotplug('gives up when no socket comes', (context) => {
    assert.is(call(context).status, 0);
    assert.equal(context.root.entry(DIRECTORY), LENT.directory);
    rmSync(context.root.path(DIRECTORY), { recursive: true });
    assert.is(call(context).status, 0);
    assert.is(context.root.entry(DIRECTORY), undefined);
    assert.is(context.root.read('/tmp/log'), '');
  });

  for (const env of [
    { ACTION: 'ifdown' },
    { ACTION: '' },
    { INTERFACE: 'lan' },
    { INTERFACE: '' },
    { INTERFACE: 'ygg0 ygg1' },
    { INTERFACE: '../ygg0' },
    { INTERFACE: '$(touch /tmp/harm)' },
    { INTERFACE: 'ygg0;touch /tmp/harm' },
    { INTERFACE: '-c' },
  ])
    hotplug(`does nothing at ${JSON.stringify(env)}`, async (context) => {
      await listen(context, SOCKET);
      changesNothing(context, env);
      const asked = context.root.read('/tmp/uci');
      assert.is(asked, env.INTERFACE === 'lan' ? '-q get network.lan.proto\n' : '');
    });

  // whoever may write to /tmp could be first there
  hotplug('refuses a directory of somebody else', async (context) => {
    chownSync(context.root.path(DIRECTORY), OTHER_ID, OTHER_ID);
    await listen(context, SOCKET);
    changesNothing(context);
    assert.match(
      context.root.read('/tmp/log'),
      `-t meshbridge -p daemon.warn hotplug: ${DIRECTORY}: expected a directory that root alone may write to, got drwx------ of user 1000\n`,
    );
  });
  for (const mode of [0o777, 0o770, 0o707])
    hotplug(`refuses a directory with mode ${mode.toString(8)}`, async (context) => {
      await listen(context, SOCKET);
      chmodSync(context.root.path(DIRECTORY), mode);
      changesNothing(context);
      assert.match(context.root.read('/tmp/log'), 'expected a directory that root alone may write to, got drwx');
    });
  hotplug('refuses a link to a directory', async (context) => {
    const { root } = context;
    rmSync(root.path(DIRECTORY), { recursive: true });
    root.directoryAt('/srv', 0o700);
    await listen(context, '/srv/ygg0.sock');
    symlinkSync('/srv', root.path(DIRECTORY));
    changesNothing(context);
    assert.match(root.read('/tmp/log'), 'got lrwxrwxrwx of user 0');
  });
  hotplug('passes over what is no socket of root', async (context) => {
    const { root } = context;
    await listen(context, '/srv-root.sock', 0o600);
    symlinkSync('/srv-root.sock', root.path(`${DIRECTORY}/link.sock`));
    symlinkSync('/etc/passwd', root.path(`${DIRECTORY}/passwd.sock`));
    symlinkSync('/nowhere', root.path(`${DIRECTORY}/nowhere.sock`));
    root.write(`${DIRECTORY}/file.sock`, 'secret', 0o600);
    mkdirSync(root.path(`${DIRECTORY}/directory.sock`), { mode: 0o700 });
    await listen(context, `${DIRECTORY}/other.sock`, 0o600, OTHER_ID, 0);
    await listen(context, `${DIRECTORY}/socket.conf`, 0o600);
    await listen(context, SOCKET);
    // only these two may change
    chmodSync(root.path(DIRECTORY), 0o750);
    for (const path of [DIRECTORY, SOCKET]) chownSync(root.path(path), 0, DAEMON_ID);
    changesNothing(context);
  });
  hotplug('leaves what was given to another group as it is', async (context) => {
    await listen(context, SOCKET, 0o600, 0, OTHER_ID);
    chownSync(context.root.path(DIRECTORY), 0, OTHER_ID);
    changesNothing(context);
  });
  return hotplug;
}
