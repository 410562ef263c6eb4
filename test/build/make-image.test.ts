// The script that makes images, on a made ImageBuilder whose only recipe writes down what it was given; and the overlay's first boot.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { formatPublicKey, keyName, makeKey } from '../../build/usign.ts';

const IMAGE = inProject('openwrt-feed/image');
const work = mkdtempSync(join(tmpdir(), 'meshbridge-image-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

const key = makeKey();
const keyFile = join(work, 'feed.pub');
writeFileSync(keyFile, formatPublicKey(key, 'feed'));

/** An ImageBuilder, and a feed with the packages of one version. */
function made(name: string, suffix: 'ipk' | 'apk'): { builder: string; feed: string } {
  const builder = join(work, name);
  const feed = join(builder, 'feed');
  mkdirSync(feed, { recursive: true });
  mkdirSync(join(builder, 'packages'));
  writeFileSync(
    join(builder, '.config'),
    `CONFIG_TARGET_ARCH_PACKAGES="mips_24kc"\n${suffix === 'apk' ? 'CONFIG_USE_APK=y\n' : ''}`,
  );
  const recipe =
    'image:\n\t@printf "%s|%s|%s\\n" "$(PROFILE)" "$(PACKAGES)" "$(BIN_DIR)" > given\n\t@cp -Rp $(FILES) overlay\n';
  writeFileSync(join(builder, 'Makefile'), recipe);
  for (const one of ['meshbridge', 'meshbridge-tls', 'luci-app-meshbridge'])
    writeFileSync(join(feed, suffix === 'ipk' ? `${one}_0.1.0-r1_x.ipk` : `${one}-0.1.0-r1.apk`), one);
  return { builder, feed };
}

function run(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('sh', [join(IMAGE, 'make-image.sh'), ...args], { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

const image = suite('make-image.sh');
const hasMake = spawnSync('make', ['--version']).status === 0;
if (!hasMake) console.log('skipped: making images: no make on PATH');
else {
  image('gives ImageBuilder packages, profile and overlay', () => {
    const { builder, feed } = made('plain', 'ipk');
    writeFileSync(join(builder, 'packages/meshbridge_0.0.9-r1_x.ipk'), 'older');
    const { status, said } = run('--builder', builder, '--profile', 'tplink_archer-c7-v2', '--feed', feed);
    assert.is(status, 0, said);
    const [profile, packages, out] = readFileSync(join(builder, 'given'), 'utf8').trimEnd().split('|');
    assert.is(profile, 'tplink_archer-c7-v2');
    assert.equal(packages!.split(/\s+/).filter(Boolean), [
      'meshbridge',
      'luci-app-meshbridge',
      'yggdrasil',
      'luci-proto-yggdrasil',
      'luci',
    ]);
    assert.is(out, '');
    assert.equal(readdirSync(join(builder, 'packages')).sort(), [
      'luci-app-meshbridge_0.1.0-r1_x.ipk',
      'meshbridge_0.1.0-r1_x.ipk',
    ]);
    assert.equal(readdirSync(join(builder, 'overlay/etc')), ['uci-defaults']);
  });
  image('lets everybody into the directories of the router', () => {
    const { builder, feed } = made('modes', 'ipk');
    assert.is(run('--builder', builder, '--profile', 'x', '--feed', feed, '--key', keyFile).status, 0);
    for (const path of ['', 'etc', 'etc/uci-defaults', 'etc/opkg/keys'])
      assert.is(statSync(join(builder, 'overlay', path)).mode & 0o777, 0o755, path);
  });
  image('takes the other flavour, further packages and another place', () => {
    const { builder, feed } = made('options', 'ipk');
    const out = join(builder, 'out');
    writeFileSync(join(builder, 'packages/meshbridge_0.1.0-r1_x.ipk'), 'of an earlier image');
    const options = ['--tls', '--packages', 'htop -ppp', '--out', out];
    assert.is(run('--builder', builder, '--profile', 'x', '--feed', feed, ...options).status, 0);
    const [, packages, given] = readFileSync(join(builder, 'given'), 'utf8').trimEnd().split('|');
    assert.match(packages!, /^ ?meshbridge-tls luci-app-meshbridge .*htop -ppp$/);
    assert.is(given, out);
    assert.ok(existsSync(join(builder, 'packages/meshbridge-tls_0.1.0-r1_x.ipk')));
    assert.not.ok(existsSync(join(builder, 'packages/meshbridge_0.1.0-r1_x.ipk')));
  });
  image('makes the router trust the feed under the name that opkg looks for', () => {
    const { builder, feed } = made('trust', 'ipk');
    const url = 'https://feed.example/mips_24kc';
    assert.is(run('--builder', builder, '--profile', 'x', '--feed', feed, '--key', keyFile, '--url', url).status, 0);
    const kept = join(builder, 'overlay/etc/opkg');
    assert.is(readFileSync(join(kept, 'keys', keyName(key)), 'utf8'), readFileSync(keyFile, 'utf8'));
    assert.is(readFileSync(join(kept, 'customfeeds.conf'), 'utf8'), `src/gz meshbridge ${url}\n`);
  });
  image('takes apk packages where the release has apk', () => {
    const { builder, feed } = made('apk', 'apk');
    const pem = join(work, 'feed.pem');
    writeFileSync(pem, '-----BEGIN PUBLIC KEY-----\n');
    assert.is(run('--builder', builder, '--profile', 'x', '--feed', feed, '--key', pem).status, 0);
    assert.equal(readdirSync(join(builder, 'packages')).sort(), [
      'luci-app-meshbridge-0.1.0-r1.apk',
      'meshbridge-0.1.0-r1.apk',
    ]);
    assert.equal(readdirSync(join(builder, 'overlay/etc/apk/keys')), ['meshbridge.pem']);
  });
  image('says how it ended when ImageBuilder fails', () => {
    const { builder, feed } = made('failing', 'ipk');
    writeFileSync(join(builder, 'Makefile'), 'image:\n\t@false\n');
    assert.is.not(run('--builder', builder, '--profile', 'x', '--feed', feed).status, 0);
  });

  const { builder, feed } = made('refusals', 'ipk');
  const doubled = join(work, 'doubled');
  cpSync(feed, doubled, { recursive: true });
  writeFileSync(join(doubled, 'meshbridge_0.2.0-r1_x.ipk'), 'newer');
  const REFUSED: [what: string, args: string[], status: number, complaint: string][] = [
    ['nothing', [], 2, '--builder: expected a directory'],
    ['no profile', ['--builder', builder], 2, '--profile: expected a device'],
    ['an unknown argument', ['--bulder', builder], 2, 'unknown argument "--bulder"'],
    ['an option without its value', ['--builder'], 2, '--builder: expected a value'],
    ['a place that is none', ['--builder', join(work, 'none'), '--profile', 'x'], 2, 'no such directory'],
    ['a directory without ImageBuilder', ['--builder', work, '--profile', 'x'], 1, 'no ImageBuilder'],
    ['shell code as profile', ['--builder', builder, '--profile', 'x"; id; "'], 2, '--profile: expected letters'],
    ['make code as package', ['--builder', builder, '--profile', 'x', '--packages', '$(shell id)'], 2, '--packages'],
    ['a feed without packages', ['--builder', builder, '--profile', 'x', '--feed', work], 1, 'found 0'],
    ['a feed with two versions', ['--builder', builder, '--profile', 'x', '--feed', doubled], 1, 'found 2'],
    [
      'a feed on the net without its key',
      ['--builder', builder, '--profile', 'x', '--url', 'https://feed.example/'],
      2,
      '--url: expected --key too',
    ],
    [
      'what is no key',
      ['--builder', builder, '--profile', 'x', '--feed', feed, '--key', join(builder, '.config')],
      2,
      'expected a public key of usign, 42 bytes',
    ],
  ];
  for (const [what, args, status, complaint] of REFUSED)
    image(`refuses ${what}`, () => {
      const result = run(...args);
      assert.is(result.status, status, result.said);
      assert.match(result.said, complaint);
      assert.not.ok(existsSync(join(builder, 'given')), 'ImageBuilder was called');
    });
}
image('says how it is called', () => {
  const { status, said } = run('--help');
  assert.is(status, 0);
  assert.match(said, 'usage: make-image.sh');
});
image.run();

const overlay = suite('overlay of images');
const FIRST_BOOT = join(IMAGE, 'files/etc/uci-defaults/60-ygg0');

/** Runs the first boot's script with a uci that writes down what it is told. */
function boot(hasInterface: boolean, failing = false): { status: number | null; told: string } {
  const directory = mkdtempSync(join(work, 'boot-'));
  const log = join(directory, 'log');
  const uci = `#!/bin/sh
case "$*" in
	'-q get network.ygg0') exit ${hasInterface ? 0 : 1} ;;
	batch) cat >> ${log}; exit ${failing ? 1 : 0} ;;
	*) echo "$*" >> ${log} ;;
esac
`;
  writeFileSync(join(directory, 'uci'), uci);
  chmodSync(join(directory, 'uci'), 0o755);
  const env = { PATH: `${directory}:${process.env.PATH}` };
  const { status } = spawnSync('sh', [FIRST_BOOT], { env });
  return { status, told: existsSync(log) ? readFileSync(log, 'utf8') : '' };
}

overlay('makes an interface whose identity the router makes, in a zone that lets nothing in', () => {
  const { status, told } = boot(false);
  assert.is(status, 0);
  assert.match(told, "set network.ygg0.private_key='auto'\n");
  assert.match(told, "set firewall.ygg0.input='REJECT'\n");
  assert.match(told, "set firewall.ygg0.forward='REJECT'\n");
  assert.ok(told.endsWith('commit network\ncommit firewall\n'), told);
});
overlay('leaves an interface that is there as it is', () => {
  assert.equal(boot(true), { status: 0, told: '' });
});
overlay('is tried again at the next boot when it failed', () => {
  const { status, told } = boot(false, true);
  assert.is(status, 1);
  assert.not.match(told, 'commit');
});
overlay('holds no key and no name', () => {
  const files = readdirSync(join(IMAGE, 'files'), { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  assert.equal(
    files.map(({ name }) => name),
    ['60-ygg0'],
  );
  assert.not.match(readFileSync(FIRST_BOOT, 'utf8'), /[0-9a-f]{32}|hostname|public_key|password/i);
});
overlay.run();
