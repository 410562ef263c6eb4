// Nobody is stranded: the LAN gets its own line back when the package is gone, is removed, or nothing runs any more.

import { chownSync, renameSync, rmSync, statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PACKAGES } from '../../build/packages.ts';
import { DAEMON_ID, RouterRoot, rootProblem, shellNames } from './root.ts';
import { Router, routerProblem } from './router.ts';

const SCRIPT = '/etc/uci-defaults/95-meshbridge-line';
const PROGRAM = '/usr/sbin/meshbridge';
const CALLS = '/tmp/calls';

/** Files as a home writes them that keeps a lease, and as they were before. */
const FILES: Record<string, [kept: string, before: string]> = {
  network: [
    `config interface 'loopback'\n\toption device 'lo'\n\nconfig interface 'mbt0'\n\toption proto 'vxlan6'\n
config interface 'mbt0a'\n\toption proto 'static'\n\nconfig rule 'mb_rule4_1010'\n\toption lookup '430'\n
config interface 'mbtest'\n\toption proto 'none' # mine\n`,
    `config interface 'loopback'\n\toption device 'lo'\n\nconfig interface 'mbtest'\n\toption proto 'none' # mine\n`,
  ],
  firewall: [
    `# by hand\nconfig forwarding\n\toption src lan\n\toption dest "wan"\n\toption enabled '0'\n
config forwarding\n\toption src 'guest'\n\toption dest 'wan'\n\toption enabled '0'\n
config forwarding 'iot'\n\toption src 'iot'\n\toption enabled '0'\n\toption dest 'wan'\n
config meshbridge 'mb_saved'\n\tlist was 'enabled - lan>wan'\n\tlist was 'enabled 1 iot>wan'\n
config include 'mb_guard'\n\toption type 'script'\n`,
    `# by hand\nconfig forwarding\n\toption src lan\n\toption dest "wan"\n
config forwarding\n\toption src 'guest'\n\toption dest 'wan'\n\toption enabled '0'\n
config forwarding 'iot'\n\toption src 'iot'\n\toption enabled '1'\n\toption dest 'wan'\n`,
  ],
  dhcp: [
    `config dnsmasq\n\toption domain 'lan'\n\toption localuse '0'\n
config meshbridge 'mb_saved'\n\tlist was 'localuse - :lan'\n`,
    `config dnsmasq\n\toption domain 'lan'\n`,
  ],
};
const trimmed = (text: string): string => text.replace(/\n+$/, '\n').replace(/\n\n+/g, '\n\n');

function prepare(root: RouterRoot): void {
  for (const [name, [kept]] of Object.entries(FILES)) root.write(`/etc/config/${name}`, kept, 0o600);
  root.write('/etc/meshbridge/guard.nft', 'table inet meshbridge {\n}\n');
  for (const program of [
    '/usr/sbin/nft',
    '/sbin/ip',
    '/etc/init.d/network',
    '/etc/init.d/firewall',
    '/etc/init.d/dnsmasq',
  ])
    root.write(
      program,
      `#!/bin/sh\necho "\${0##*/} $*" >> ${CALLS}\n[ "\${0##*/}" != ip ] || { [ "$2" != rule ] && echo '[]'; }\n`,
      0o755,
    );
  root.write(CALLS, '');
}

/** What is asked of `ip` to take rules and tables away: the first rule that is not there ends it. */
const ROUTING = ['-4', '-6']
  .flatMap((family) =>
    ['430', '431', '432'].map(
      (table) => `ip ${family} rule del lookup ${table}\nip ${family} route flush table ${table}\n`,
    ),
  )
  .join('');

function expectBefore(root: RouterRoot): void {
  for (const [name, [, before]] of Object.entries(FILES)) {
    assert.is(trimmed(root.read(`/etc/config/${name}`)), trimmed(before), name);
    assert.is(statSync(root.path(`/etc/config/${name}`)).mode & 0o777, 0o600);
    assert.not.ok(root.entry(`/etc/config/${name}~line`));
  }
  assert.not.ok(root.entry('/etc/meshbridge/guard.nft'));
}

const nowhere = await rootProblem();
if (nowhere) console.log(`skipped: the script that gives the line back: ${nowhere}`);
else
  for (const shell of shellNames()) {
    const script = suite(`95-meshbridge-line on ${shell}`);
    /** As OpenWrt does at boot: removed where it succeeds. */
    const boot = `( . ${SCRIPT} ) && rm -f ${SCRIPT}`;
    // this busybox takes its own `ip` and `awk`, whatever is on PATH; OpenWrt's does not
    const hasOwn = shell.startsWith('busybox');
    let root: RouterRoot;
    script.before.each(async () => {
      root = await RouterRoot.open(shell);
      prepare(root);
    });
    script.after.each(() => root.close());
    script('changes nothing and stays while the program is there', () => {
      root.write(PROGRAM, '#!/bin/sh\n', 0o755);
      root.run(['sh', '-c', boot]);
      assert.ok(root.entry(SCRIPT));
      for (const [name, [kept]] of Object.entries(FILES)) assert.is(root.read(`/etc/config/${name}`), kept);
    });
    script('gives the line back where an image came without the program, and goes', () => {
      const { stderr } = root.run(['sh', '-c', boot]);
      assert.is(stderr, '');
      expectBefore(root);
      assert.not.ok(root.entry(SCRIPT));
      assert.is(root.read(CALLS), '');
    });
    script('does it at once when told so, and tells who reads those files', () => {
      root.write(PROGRAM, '#!/bin/sh\n', 0o755);
      // netifd answers
      root.write('/usr/bin/ubus', '#!/bin/sh\n', 0o755);
      assert.is(root.run(['sh', SCRIPT, 'now']).status, 0);
      expectBefore(root);
      const told = `nft delete table inet meshbridge\n${hasOwn ? '' : ROUTING}`;
      assert.is(root.read(CALLS), `${told}network reload\nfirewall reload\ndnsmasq restart\n`);
      root.write(CALLS, '');
      root.write('/tmp/dnsmasq.cfg01411c.d/meshbridge.conf', 'no-resolv\n');
      assert.is(root.run(['sh', SCRIPT, 'now']).status, 0);
      assert.is(root.read(CALLS), `${told}dnsmasq restart\n`);
      assert.not.ok(root.entry('/tmp/dnsmasq.cfg01411c.d/meshbridge.conf'));
      expectBefore(root);
    });
    script('has the firewall read its file by what it knew of networks, where netifd does not answer', () => {
      const state = '/var/run/fw4.state';
      const networks = '{ "lan": { "device": "br-lan" } }';
      root.write(state, `{ "networks": ${networks}, "zones": [ 1 ] }`);
      root.write('/usr/bin/ubus', '#!/bin/sh\nexit 4\n', 0o755);
      root.write(
        '/usr/bin/jsonfilter',
        `#!/bin/sh\n[ "$*" = "-i ${state} -e @.networks" ] && echo '${networks}'\n`,
        0o755,
      );
      root.write('/usr/bin/utpl', `#!/bin/sh\necho "utpl $ACTION $*" >> ${CALLS}\n`, 0o755);
      assert.is(root.run(['sh', SCRIPT, 'firewall']).status, 0);
      assert.is(root.read(state).trim(), `{"networks":${networks}}`);
      const calls = root.read(CALLS).trim().split('\n').sort();
      assert.equal(calls, ['nft -f -', 'utpl start -S /usr/share/firewall4/main.uc']);
      // it was stopped: there is nothing to read anew
      root.write('/usr/bin/jsonfilter', '#!/bin/sh\nexit 1\n', 0o755);
      root.write(CALLS, '');
      assert.is(root.run(['sh', SCRIPT, 'firewall']).status, 1);
      assert.is(root.read(CALLS), '');
    });
    (hasOwn ? script.skip : script)(
      'stays for the next boot where it could not do its work, and leaves no copy behind',
      () => {
        root.write('/usr/bin/awk', '#!/bin/sh\nexit 1\n', 0o755);
        root.run(['sh', '-c', `PATH=/usr/bin:$PATH; hash -r; ${boot}`]);
        for (const [name, [kept]] of Object.entries(FILES)) {
          assert.is(root.read(`/etc/config/${name}`), kept);
          assert.not.ok(root.entry(`/etc/config/${name}~line`));
        }
        assert.ok(root.entry(SCRIPT));
      },
    );
    script('leaves files alone that hold nothing of ours', () => {
      root.write(
        '/etc/config/firewall',
        `config forwarding\n\toption src 'lan'\n\toption dest 'wan'\n\toption enabled '0'\n`,
      );
      root.run(['sh', SCRIPT, 'now']);
      assert.match(root.read('/etc/config/firewall'), /enabled '0'/);
    });
    script('serves where the package is removed and the program does not run, but not when it is upgraded', () => {
      root.write(PROGRAM, '#!/bin/sh\nexit 1\n', 0o755);
      const { prerm } = PACKAGES.find(({ name }) => name === 'meshbridge')!.scripts;
      assert.is(root.run(['sh', '-c', prerm!], { env: { PKG_UPGRADE: '1' } }).status, 0);
      assert.is(root.read('/etc/config/network'), FILES.network![0]);
      assert.is(root.run(['sh', '-c', prerm!]).status, 0);
      expectBefore(root);
    });
    script.run();
  }

const problem = await routerProblem();
if (problem) console.log(`skipped: meshbridge release: ${problem}`);
else {
  const release = suite('meshbridge release');
  release('gives the line back with no daemon, no ubus, no Yggdrasil', async () => {
    const router = await Router.open();
    const { root } = router;
    try {
      prepare(root);
      root.write('/etc/config/meshbridge', "config lease 'home'\n\toption enabled '1'\n", 0o600);
      root.write('/var/run/home.json', '{"blocked":true,"used":0}', 0o600);
      const { status, stdout, stderr } = root.run([PROGRAM, 'release']);
      assert.is(status, 0, stderr);
      assert.is(
        stdout,
        'all that leases and a gateway brought is gone: the own line serves, and leases are switched off\n',
      );
      expectBefore(root);
      assert.match(root.read('/etc/config/meshbridge'), /enabled '0'/);
      assert.not.ok(root.entry('/var/run/home.json'));
      assert.match(root.read(CALLS), /^nft -f -$/m);
      // what could not be done is told, and the rest is done
      prepare(root);
      renameSync(root.path('/sbin/ip'), root.path('/sbin/ip.gone'));
      const broken = root.run([PROGRAM, 'release']);
      assert.is(broken.status, 1);
      assert.match(broken.stderr, /^meshbridge: not all of it could be taken away: ip/);
      expectBefore(root);
      assert.match(root.read(CALLS), /^nft -f -$/m);
    } finally {
      await router.close();
    }
  });
  release('leaves a configuration whose it is where the daemon reads it as it is', async () => {
    const router = await Router.open();
    const { root } = router;
    try {
      prepare(root);
      rmSync(root.path('/etc/config/meshbridge'));
      const path = '/etc/meshbridge/meshbridge.conf';
      root.write(path, "config lease 'home'\n\toption enabled '1'\n", 0o640);
      chownSync(root.path(path), 0, DAEMON_ID);
      const { status, stderr } = root.run([PROGRAM, 'release']);
      assert.is(status, 0, stderr);
      assert.equal(root.entry(path), {
        mode: '100640',
        owner: `0:${DAEMON_ID}`,
        content: "config lease 'home'\n\toption enabled '0'\n",
      });
    } finally {
      await router.close();
    }
  });
  release.run();
}
