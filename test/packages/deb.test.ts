// The package for Debian: what is in it, and a machine's life with it: installed by dpkg into a root of its own, configured, run beside a real
// Yggdrasil, asked, upgraded, removed, purged.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeAr, encodeDeb, makeDebs } from '../../build/deb.ts';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { Child, findProgram } from '../../src/dev/child.ts';
import { Namespace } from '../../src/dev/lab/namespace.ts';
import { parseCard } from '../../src/lib/enrolment.ts';
import { crypto } from '../support/crypto.ts';
import { makeCode } from '../support/enrolment.ts';
import { networkProblem } from '../support/network.ts';

const TIME = 1_800_000_000;
const say = (line: string): void => console.log(line);

const form = suite('deb');

form('is an archive as ar(5) has it', () => {
  const bytes = Buffer.from(
    encodeAr(
      [
        ['a', Buffer.from('xyz')],
        ['b', Buffer.from('12')],
      ],
      TIME,
    ),
  ).toString('latin1');
  assert.is(bytes.slice(0, 8), '!<arch>\n');
  assert.is(bytes.slice(8, 68), 'a               1800000000  0     0     100644  3         `\n');
  assert.is(bytes.slice(68, 72), 'xyz\n');
  assert.is(bytes.length, 8 + 60 + 4 + 60 + 2);
});

const dpkgDeb = findProgram('dpkg-deb');
if (!dpkgDeb) say('skipped: what dpkg-deb reads of the package for Debian: not on PATH');
else
  form('is read by dpkg-deb', () => {
    const directory = mkdtempSync(join(tmpdir(), 'meshbridge-deb-'));
    try {
      const path = join(directory, 'x.deb');
      writeFileSync(path, encodeDeb('arm64', Buffer.from('program'), TIME));
      const read = (...args: string[]): string => spawnSync(dpkgDeb, [...args, path], { encoding: 'utf8' }).stdout;
      assert.match(read('--info'), /Architecture: arm64/);
      assert.match(read('--contents'), /-rwxr-xr-x (root|0)\/(root|0) .* \.\/usr\/bin\/meshbridge/);
      assert.match(read('--contents'), /-rw-r----- (root|0)\/(root|0) .* \.\/etc\/meshbridge\/meshbridge\.conf/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
form.run();

/** A copy of this machine's files in RAM, for whoever is in its mount namespace; what is done there is gone with it. */
class OwnRoot {
  private constructor(
    private readonly holder: Child,
    private readonly space: Namespace,
  ) {}

  static async open(space: Namespace): Promise<OwnRoot> {
    const script = `set -e
      mount -t tmpfs own /mnt
      mkdir /mnt/upper /mnt/work /mnt/root
      mount -t overlay own -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
      mount -t proc proc /mnt/root/proc
      mount -t sysfs sysfs /mnt/root/sys
      mount --rbind /dev /mnt/root/dev
      mount -t tmpfs run /mnt/root/run
      mount -t tmpfs tmp /mnt/root/tmp
      echo ready
      exec cat`;
    let tell: () => void = () => {};
    const ready = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const argv = space.command(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script]);
    const holder = await Child.start(argv, (line) => line === 'ready' && tell());
    await Promise.race([ready, holder.ended]);
    if (!holder.isRunning) throw new Error(holder.tail.join(' '));
    return new OwnRoot(holder, space);
  }

  command(argv: readonly string[]): string[] {
    const { pid } = this.holder;
    const inside = ['nsenter', `--mount=/proc/${pid}/ns/mnt`, `--root=/proc/${pid}/root/mnt/root`, '--wd=/', '--'];
    return this.space.command([...inside, ...argv]);
  }

  run(...argv: string[]): { status: number | null; output: string } {
    const [program, ...args] = this.command(argv);
    const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  /** As `run`. @throws Error when it fails */
  well(...argv: string[]): string {
    const { status, output } = this.run(...argv);
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${output}`);
    return output;
  }

  write(path: string, bytes: Uint8Array | string): void {
    const [program, ...args] = this.command(['sh', '-c', `cat > ${path}`]);
    const { status } = spawnSync(program!, args, { input: bytes });
    if (status !== 0) throw new Error(`${path}: not written`);
  }

  async close(): Promise<void> {
    this.holder.kill('SIGKILL');
    await this.holder.ended;
  }
}

async function until<T>(what: string, test: () => T | undefined, limitMs = 30_000): Promise<T> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const found = test();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const problem =
  (await networkProblem()) ??
  (process.arch !== 'x64' ? 'not on amd64' : findProgram('dpkg') ? undefined : 'dpkg: not on PATH') ??
  (findProgram('setpriv') ? undefined : 'setpriv: not on PATH');
const yggdrasil = problem ? undefined : await ensureYggdrasil(say).catch((error: Error) => void say(error.message));
if (problem || !yggdrasil) say(`skipped: the package for Debian on a machine: ${problem ?? 'no Yggdrasil'}`);
else {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-debs-'));
  const [path] = await makeDebs(['amd64'], directory, say);
  const deb = readFileSync(path!);
  rmSync(directory, { recursive: true });
  const space = await Namespace.open();
  const root = await OwnRoot.open(space);
  const children: Child[] = [];
  const life = suite('deb on a machine');
  life.after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await root.close();
    await space.close();
  });
  /** As its unit starts it. */
  const start = async (): Promise<Child> => {
    const caps = [
      '--inh-caps',
      '-all,+net_admin',
      '--ambient-caps',
      '-all,+net_admin',
      '--bounding-set',
      '-all,+net_admin',
    ];
    const argv = [
      'setpriv',
      '--reuid',
      'meshbridge',
      '--regid',
      'meshbridge',
      '--init-groups',
      '--no-new-privs',
      ...caps,
    ];
    const program = ['/usr/bin/meshbridge', '--config', '/etc/meshbridge/meshbridge.conf'];
    const child = await Child.start(root.command([...argv, '--', ...program]));
    children.push(child);
    return child;
  };
  const call = (...question: string[]): { status: number | null; output: string } =>
    root.run('meshbridge', 'call', ...question);
  let daemon: Child;

  life('is installed, with a user of its own, and starts nothing', () => {
    root.run('groupadd', '--system', 'yggdrasil');
    root.write('/tmp/meshbridge.deb', deb);
    const output = root.well('dpkg', '--force-depends', '-i', '/tmp/meshbridge.deb');
    assert.match(output, /systemctl enable --now meshbridge/);
    assert.match(root.well('id', 'meshbridge'), /groups=.*\(yggdrasil\)/);
    assert.match(root.well('stat', '-c', '%U:%G %a', '/etc/meshbridge/meshbridge.conf'), /root:meshbridge 640/);
    assert.match(root.well('meshbridge', '--check', '--config', '/etc/meshbridge/meshbridge.conf'), /ok/);
    assert.match(root.well('meshbridge', '--version'), /^\d+\.\d+\.\d+/);
    assert.is(root.run('dpkg', '--verify', 'meshbridge').output.trim(), '');
  });

  life('serves as a gateway beside a real Yggdrasil, with nothing of root but one capability', async () => {
    await space.ip(['link add wan0 type veth peer name wan1', 'link set wan0 up', 'link set wan1 up']);
    await space.ip(['addr add 203.0.113.2/24 dev wan0', 'route add default via 203.0.113.1']);
    root.well('install', '-d', '-g', 'yggdrasil', '-m', '0755', '/run/yggdrasil');
    root.write('/tmp/yggdrasil', readFileSync(yggdrasil));
    root.well('chmod', '755', '/tmp/yggdrasil');
    root.write(
      '/tmp/y.conf',
      JSON.stringify({ IfName: 'ygg0', AdminListen: 'unix:///run/yggdrasil/yggdrasil.sock', MulticastInterfaces: [] }),
    );
    children.push(
      await Child.start(
        root.command([
          'setpriv',
          '--regid',
          'yggdrasil',
          '--clear-groups',
          '--',
          '/tmp/yggdrasil',
          '-useconffile',
          '/tmp/y.conf',
        ]),
      ),
    );
    await until('Yggdrasil runs', () => root.run('ls', '/run/yggdrasil/yggdrasil.sock').status === 0 || undefined);
    const file = '/etc/meshbridge/meshbridge.conf';
    const before = root.well('cat', file);
    root.well('sed', '-i', "/registrar/,$ s/option enabled '0'/option enabled '1'/", file);
    assert.is.not(root.well('cat', file), before);
    root.well('install', '-d', '-o', 'meshbridge', '-m', '0700', '/var/lib/meshbridge', '/var/lib/meshbridge/clients');
    daemon = await start();
    await until('it serves', () => {
      if (!daemon.isRunning) throw new Error(daemon.tail.join('\n'));
      return daemon.tail.some((line) => line.includes('serving')) || undefined;
    }).catch((error) => {
      throw new Error(`${error.message}\n${daemon.tail.join('\n')}`);
    });
    assert.match(root.well('nft', 'list', 'tables'), /meshbridge_gw/);
    assert.match(root.well('cat', `/proc/sys/net/ipv4/ip_forward`), /1/);
    const [address] = /2[0-9a-f]{2}:[0-9a-f:]+/.exec(root.well('ip', '-o', 'addr', 'show', 'dev', 'ygg0')) ?? [];
    assert.match(root.well('curl', '-s', `http://[${address}]:8080/v1/info`), /"admission":"ask"/);
  });

  life('is asked by the operator, and by nobody else', () => {
    const status = JSON.parse(call('meshbridge', 'status').output) as { links: { name: string; state: string }[] };
    assert.ok(status.links.some(({ name, state }) => name === 'yggdrasil.ygg0' && state === 'up'));
    assert.match(call('meshbridge.client', 'summary').output, /"max_clients": 100/);
    const admit = call(
      'meshbridge.client',
      'admit',
      '{"addresses":["200:85a9:4320:fa5c:97fa:5870:b0ec:51c9"],"by":"test"}',
    );
    assert.match(admit.output, /1 home let in/);
    assert.match(call('meshbridge.client', 'list').output, /200:85a9:4320:fa5c:97fa:5870:b0ec:51c9/);
    assert.match(call('meshbridge.client', 'nothing').output, /method: expected one of/);
    assert.is(call('meshbridge.client', 'nothing').status, 1);
    const stranger = root.run(
      'setpriv',
      '--reuid',
      'nobody',
      '--clear-groups',
      '--',
      'meshbridge',
      'call',
      'meshbridge',
      'status',
    );
    assert.is.not(stranger.status, 0);
  });

  life('joins a fleet by card and code, typed by root, and the daemon has the key that signs', async () => {
    const card = /\n\n(\S[\s\S]*)\n$/.exec(root.well('meshbridge', 'enroll'))![1]!;
    const { node } = parseCard(crypto, card);
    assert.match(root.well('stat', '-c', '%U:%G %a', '/etc/meshbridge/node.key'), /root:meshbridge 640/);
    root.well('meshbridge', 'enroll', makeCode({ node, exp: Math.floor(Date.now() / 1000) + 3600 }));
    assert.match(root.well('stat', '-c', '%U:%G %a', '/etc/meshbridge/meshbridge.conf'), /root:meshbridge 640/);
    daemon.kill('SIGHUP');
    const told = (): string => call('meshbridge', 'telemetry').output;
    await until('it goes to its broker', () => told().includes(`"node": "${node}"`) || undefined);
    assert.match(told(), /mqtts:|broker\.example\.org/);
  });

  life('is upgraded and started anew; rules stay, and what was decided', async () => {
    daemon.kill('SIGTERM');
    await daemon.ended;
    root.well('dpkg', '--force-depends', '-i', '/tmp/meshbridge.deb');
    assert.match(root.well('nft', 'list', 'tables'), /meshbridge_gw/);
    assert.match(root.well('cat', '/etc/meshbridge/meshbridge.conf'), /option enabled '1'/);
    daemon = await start();
    await until('it serves again', () => daemon.tail.some((line) => line.includes('serving')) || undefined);
    assert.match(call('meshbridge.client', 'list').output, /"standing": "admitted"/);
  });

  life('leaves nothing on the machine when it is removed, and no file once it is purged', async () => {
    daemon.kill('SIGTERM');
    await daemon.ended;
    root.well('dpkg', '--force-depends', '-r', 'meshbridge');
    assert.not.match(root.well('sh', '-c', 'nft list tables; ip -o link; ip -o addr show lo'), /meshbridge|mbc|10\.43/);
    assert.is(root.run('ls', '/usr/bin/meshbridge').status === 0, false);
    assert.is(root.run('ls', '/etc/meshbridge/meshbridge.conf').status, 0);
    root.well('dpkg', '--force-depends', '-P', 'meshbridge');
    for (const left of ['/etc/meshbridge', '/var/lib/meshbridge']) assert.is.not(root.run('ls', left).status, 0, left);
  });

  life.run();
}
