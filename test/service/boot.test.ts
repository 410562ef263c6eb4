import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HELPER_OBJECT } from '../../src/api/helper.ts';
import { startStandin } from '../../src/dev/standin.ts';
import { type FoundProgram, findDebianProgram } from '../support/debian-program.ts';
import { BUS, Router, RUN, routerProblem, until } from './router.ts';

const STRACE = { name: 'strace', libraries: ['libunwind8'], path: 'usr/bin/strace', proof: ['true'] } as const;
const SOCKET = '/tmp/yggdrasil/ygg0.sock';

/** What a traced program did to others: each once. */
interface Doings {
  /** Unix sockets that it connected to. */
  connected: string[];
  /** Calls that use another family of addresses. */
  network: string[];
  /** Files that it made, opened for writing, renamed, removed or gave away. */
  written: string[];
}

/** Reads what `strace -f` wrote from the moment on at which the daemon itself runs. */
function readTrace(text: string): Doings {
  const doings: Doings = { connected: [], network: [], written: [] };
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => line.includes('execve("/usr/sbin/meshbridge"') && line.endsWith('= 0'));
  assert.ok(begin >= 0, '~> the daemon was not traced');
  const add = (list: string[], what: string): void => {
    if (!list.includes(what)) list.push(what);
  };
  for (const line of lines.slice(begin)) {
    const [, call, args] = /^(?:\d+ +)?(\w+)\((.*)/.exec(line) ?? [];
    if (call === undefined || args === undefined) continue;
    const path = /"((?:[^"\\]|\\.)*)"/.exec(args)?.[1] ?? '';
    if (call === 'connect' && args.includes('AF_UNIX')) add(doings.connected, path);
    else if (/AF_(?!UNIX)/.test(args)) add(doings.network, line);
    else if (/^(open|openat|creat)$/.test(call) && /O_(WRONLY|RDWR|CREAT)/.test(args)) add(doings.written, path);
    else if (/^(rename|unlink|mkdir|rmdir|link|symlink|mknod|chmod|fchmodat|chown|lchown|fchownat|truncate)/.test(call))
      add(doings.written, path);
  }
  return doings;
}

const trace = suite('readTrace');
trace('tells what a program did after it began', () => {
  const text = `7 connect(3, {sa_family=AF_UNIX, sun_path="/before"}, 110) = 0
7 execve("/usr/sbin/meshbridge", ["meshbridge"], 0x7ffe /* 1 var */) = 0
7 connect(3, {sa_family=AF_UNIX, sun_path="/a"}, 110) = 0
7 socket(AF_INET6, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 4
8 openat(AT_FDCWD, "/read", O_RDONLY|O_CLOEXEC) = 3
7 openat(AT_FDCWD, "/written", O_RDWR|O_CREAT|O_EXCL, 0600) = 3
7 rename("/old", "/new") = 0
7 +++ exited with 0 +++
`;
  const { network, ...rest } = readTrace(text);
  assert.equal(rest, { connected: ['/a'], written: ['/written', '/old'] });
  assert.is(network.length, 1);
});
trace.run();

const boot = suite('the first start on a router that has Yggdrasil');
const strace = await findDebianProgram(STRACE);
const problem = (await routerProblem()) ?? (typeof strace === 'string' ? strace : undefined);
if (problem) console.log(`skipped: what the daemon does at its first start: ${problem}`);
else
  boot('talks to ubus and to Yggdrasil alone, and changes nothing', async () => {
    const { path, env } = strace as FoundProgram;
    const router = await Router.open();
    const { root } = router;
    const standin = await (async () => {
      router.makeSockets();
      return startStandin({ directory: root.path('/tmp/yggdrasil'), nodes: ['a'] });
    })();
    try {
      router.lendSockets();
      const before = root.tree();
      const log = root.path('/strace.log');
      const library = `LD_LIBRARY_PATH=${env.LD_LIBRARY_PATH ?? ''}`;
      await router.startDaemon([
        'env',
        library,
        path,
        '-f',
        '-qq',
        '-s',
        '256',
        '-e',
        'trace=%network,%file',
        '-o',
        log,
      ]);
      await router.published();
      await until('Yggdrasil is asked', async () => (await router.status()).interfaces[0]?.connected);
      await until(
        'it knows itself',
        async () => (await router.call('yggdrasil', 'self')).address === standin.node('a').address,
      );
      await router.stopDaemon();

      const { connected, network, written } = readTrace(readFileSync(log, 'utf8'));
      assert.equal(connected.sort(), [SOCKET, BUS]);
      assert.equal(network, []);
      assert.equal(
        written.filter((file) => file !== '/dev/null' && !file.startsWith(`${RUN}/`)),
        [],
      );
      const after = root.tree();
      after.delete('/strace.log');
      assert.equal(after, before);
      const questions = ['network.interface dump', 'network.device status', `${HELPER_OBJECT} network_read`];
      assert.equal(
        router.calls.filter((call) => !questions.includes(call)),
        [],
      );
    } finally {
      await standin.close();
      await router.close();
    }
  });
boot.run();
