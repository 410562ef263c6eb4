import { chownSync, rmSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OPTIONS } from '../../src/config.ts';
import type { ListSpec, OptionSpec } from '../../src/option.ts';
import { read } from '../rules/source.ts';
import { DAEMON_ID, type End, RouterRoot, rootProblem, type ShellName, shellNames } from './root.ts';

const INIT = '/etc/init.d/meshbridge';
const SETTLE = '/etc/init.d/meshbridge-settle';
const TRIAL = '/etc/meshbridge/trial.json';
const RUN = '/var/run/meshbridge';
const CONFIG = '/etc/config/meshbridge';

/** Plays the program: publishes as the helper does, and refuses with the words of /tmp/refusal, where there is one. */
const PROGRAM = `#!/bin/sh
echo "$0 $*" >> /tmp/calls
case "\${0##*/} $1" in
'meshbridge.helper call')
	[ -e /tmp/answer ] && exec cat /tmp/answer
	rm -f ${RUN}/config
	[ ! -e ${CONFIG} ] || (umask 0227 && cat ${CONFIG} > ${RUN}/config)
	echo '{}'
	;;
'meshbridge.helper settle')
	[ ! -e /tmp/settle ] || { cat /tmp/settle; exit 1; }
	;;
'meshbridge --check')
	[ ! -e /tmp/refusal ] || { cat /tmp/refusal >&2; exit 1; }
	[ ! -e /tmp/findings ] || { cat /tmp/findings; exit 3; }
	;;
esac
`;

const INSTANCE = [
  'procd_open_instance',
  `procd_set_param|command|/usr/sbin/meshbridge|--config|${RUN}/config`,
  'procd_set_param|user|meshbridge',
  'procd_set_param|group|meshbridge',
  'procd_set_param|no_new_privs|1',
  'procd_set_param|stderr|1',
  'procd_set_param|respawn|3600|5|0',
];

/** The rule of OpenWrt's validate_data for an option, of what is said of it: `name:type:default`. */
function ruleOf(name: string, spec: OptionSpec<unknown> | ListSpec<unknown>): string {
  const type = typeOf(spec.takes);
  if ('items' in spec) return `${name}:list(${type})`;
  return [name, type, ...(spec.default ? [spec.default] : [])].join(':');
}

function typeOf(takes: string): string {
  const choices = /^one of (.*)$/.exec(takes)?.[1]?.split(', ');
  if (choices) return `or(${choices.map((choice) => `"${choice}"`).join(',')})`;
  const range = /^(?:whole seconds|a whole number) from (\d+) to (\d+)$/.exec(takes);
  if (range) return `range(${range[1]},${range[2]})`;
  if (takes === '1 or 0') return 'bool';
  assert.match(
    takes,
    /^(an? (absolute path|host name|logical interface|MAC address|address|prefix|IPv[46] prefix)|(unix|mqtt):\/\/|address:port|\d+ (to \d+ )?(lower-case|characters|letters|hex digits)|at most \d+ characters|two capital letters)/,
    `~> what is ${takes} to validate_data?`,
  );
  return 'string';
}

/** Rules of all options, as procd gets them. */
const VALIDATIONS = Object.entries(OPTIONS).map(([type, specs]) =>
  ['validate', 'meshbridge', type, ...Object.entries(specs).map(([name, spec]) => ruleOf(name, spec))].join('|'),
);
const TRIGGERS = ['procd_add_reload_trigger|meshbridge|network', ...VALIDATIONS];

const rules = suite('the options that the init script knows');
rules('are those of the configuration, with types, ranges and defaults', () => {
  const text = read('openwrt-feed/meshbridge/files/meshbridge.init');
  for (const [type, specs] of Object.entries(OPTIONS)) {
    const block = new RegExp(`uci_load_validate meshbridge ${type} ((?:.*\\\\\\n)+.*)`).exec(text)![1]!;
    const found = [...block.matchAll(/^\t+'(.*)'/gm)].map((match) => match[1]!);
    assert.equal(
      found,
      Object.entries<OptionSpec<unknown> | ListSpec<unknown>>(specs).map(([name, spec]) => ruleOf(name, spec)),
    );
  }
});
rules('have the same defaults where there is no file', () => {
  const text = read('openwrt-feed/meshbridge/files/meshbridge.init');
  const defaults = [...text.matchAll(/\$\{(\w+):-(\/[^}]*)\}/g)].map(([, name, value]) => [name, value]);
  assert.is(defaults.length, 3);
  for (const [name, value] of defaults) assert.is(value, OPTIONS.meshbridge[name as 'state_dir'].default, `~> ${name}`);
});
rules.run();

const problem = await rootProblem();
if (problem) console.log(`skipped: the init script in a root of its own: ${problem}`);
else for (const shell of shellNames()) init(shell).run();

function init(shell: ShellName) {
  const init = suite<{ root: RouterRoot }>(`the init script (${shell})`);
  init.before.each(async (context) => {
    const root = await RouterRoot.open(shell);
    context.root = root;
    root.write('/etc/rc.common', read('test/service/stub/rc.common'));
    root.write('/usr/sbin/meshbridge', PROGRAM, 0o755);
  });
  init.after.each(({ root }) => root.close());

  const run = (root: RouterRoot, command: string): End => {
    rmSync(root.path('/tmp/procd'), { force: true });
    return root.run(['sh', '/etc/rc.common', INIT, command]);
  };
  /** What procd was told. */
  const told = (root: RouterRoot): string[] => root.read('/tmp/procd').trim().split('\n');
  const started = (...more: string[]): string[] => [
    'procd_open_service|meshbridge',
    ...INSTANCE,
    ...more,
    'procd_close_instance',
    ...TRIGGERS,
    'procd_close_service',
  ];
  const config = (root: RouterRoot, text: string): void => root.write(CONFIG, text, 0o600);
  const withJail = (root: RouterRoot): void => root.write('/sbin/ujail', '', 0o755);

  init('starts one instance as user meshbridge, without privileges', ({ root }) => {
    assert.equal(run(root, 'start'), { status: 0, stdout: '', stderr: '' });
    assert.equal(told(root), started());
  });
  init('hands the configuration over in a directory where only root replaces what root made', ({ root }) => {
    run(root, 'start');
    assert.equal(root.entry(RUN), { mode: '43770', owner: `0:${DAEMON_ID}` });
    const copy = root.entry(`${RUN}/config`)!;
    assert.is(copy.mode, '100440');
    assert.is(copy.owner, `0:${DAEMON_ID}`);
    assert.is(copy.content, root.read(CONFIG));
    const user = { user: DAEMON_ID };
    assert.not.equal(root.run(['mv', `${RUN}/config`, `${RUN}/other`], user).status, 0);
    assert.not.equal(root.run(['rm', '-f', `${RUN}/config`], user).status, 0);
    assert.is(root.run(['touch', `${RUN}/trials.json`], user).status, 0);
    assert.not.equal(root.run(['ls', RUN], { user: 1000 }).status, 0);
  });
  init('jails the instance where ujail and the capabilities are', ({ root }) => {
    withJail(root);
    assert.is(run(root, 'start').status, 0);
    assert.equal(
      told(root),
      started(
        'procd_set_param|capabilities|/etc/capabilities/meshbridge.json',
        'procd_add_jail|meshbridge|procfs|sysfs',
        `procd_add_jail_mount_rw|${RUN}`,
        'procd_add_jail_mount|/tmp/yggdrasil',
        'procd_add_jail_mount|/var/run/ubus',
        'procd_add_jail_mount|/etc/hosts|/etc/resolv.conf|/etc/ssl',
      ),
    );
    rmSync(root.path('/etc/capabilities/meshbridge.json'));
    run(root, 'start');
    assert.equal(told(root), started());
  });
  init('shows the jail what the configuration names, directories rather than sockets', ({ root }) => {
    withJail(root);
    config(
      root,
      `config meshbridge 'main'
	option ubus_socket '/run/other/ubus.sock'
	option state_dir '/tmp/meshbridge-state'
	option socket_dir '/srv/sockets'
config interface 'ygg1'
	option socket 'unix:///srv/ygg1/admin.sock'
config interface 'ygg2'
	option socket 'unix:///ygg2.sock'
	option enabled 'on'
config interface 'ygg3'
	option socket 'unix:///srv/ygg3/admin.sock'
	option enabled 'off'
config interface 'ygg4'
	option socket 'tcp://localhost:9001'
config interface 'ygg5'
	option socket 'unix://@ygg5'
`,
    );
    assert.is(run(root, 'start').status, 0);
    assert.equal(
      told(root).filter((line) => line.startsWith('procd_add_jail_mount')),
      [
        `procd_add_jail_mount_rw|${RUN}`,
        'procd_add_jail_mount_rw|/tmp/meshbridge-state',
        'procd_add_jail_mount|/srv/sockets',
        'procd_add_jail_mount|/run/other',
        'procd_add_jail_mount|/srv/ygg1',
        'procd_add_jail_mount|/ygg2.sock',
        'procd_add_jail_mount|/etc/hosts|/etc/resolv.conf|/etc/ssl',
      ],
    );
    assert.equal(root.entry('/tmp/meshbridge-state'), { mode: '40700', owner: `${DAEMON_ID}:${DAEMON_ID}` });
    assert.equal(root.entry('/srv/sockets'), { mode: '40750', owner: `0:${DAEMON_ID}` });
  });
  init('shows the jail what brokers need, while there are to be any', ({ root }) => {
    withJail(root);
    const brokers = `
config mqtt 'fleet'
	option url 'mqtts://broker'
	option ca_file '/etc/meshbridge/ca.pem'
	option cert_file '/srv/client/cert.pem'
	option key_file '/srv/client/key.pem'
config mqtt 'home'
	option url 'unix:///run/mosquitto/mqtt.sock'
config mqtt 'other'
	option url 'unix:///run/other/mqtt.sock'
	option enabled '0'
`;
    const mounted = (): string[] => {
      assert.equal(run(root, 'start'), { status: 0, stdout: '', stderr: '' });
      return told(root).filter((line) => /^procd_add_jail_mount\|\/(srv|run|etc\/mesh)/.test(line));
    };
    config(root, `config meshbridge 'main'\n\toption mqtt '1'\n${brokers}`);
    assert.equal(mounted(), [
      'procd_add_jail_mount|/etc/meshbridge',
      'procd_add_jail_mount|/srv/client',
      'procd_add_jail_mount|/srv/client',
      'procd_add_jail_mount|/run/mosquitto',
    ]);
    config(root, `config meshbridge 'main'\n${brokers}`);
    assert.equal(mounted(), []);
  });
  init('makes the directory of a gateway, for the daemon alone, and has its jail show it', ({ root }) => {
    withJail(root);
    const mount = 'procd_add_jail_mount_rw|/etc/meshbridge/clients';
    config(root, "config registrar 'registrar'\n\toption enabled '0'\n");
    assert.is(run(root, 'start').status, 0);
    assert.is(root.entry('/etc/meshbridge/clients'), undefined);
    assert.not.ok(told(root).includes(mount));
    config(root, "config registrar 'registrar'\n\toption enabled '1'\n");
    for (const _ of ['made', 'there']) {
      assert.equal(run(root, 'start'), { status: 0, stdout: '', stderr: '' });
      assert.equal(root.entry('/etc/meshbridge/clients'), { mode: '40700', owner: `${DAEMON_ID}:${DAEMON_ID}` });
      assert.ok(told(root).includes(mount));
    }
    assert.is(root.run(['touch', '/etc/meshbridge/clients/log'], { user: DAEMON_ID }).status, 0);
    assert.not.equal(root.run(['touch', '/etc/meshbridge/log'], { user: DAEMON_ID }).status, 0);
    for (const path of ['/etc/hotplug.d/neigh', '/etc/meshbridge/../neigh', '/neigh']) {
      config(root, `config registrar 'registrar'\n\toption enabled '1'\n\toption clients_dir '${path}'\n`);
      const { stderr } = run(root, 'start');
      assert.is(stderr, `meshbridge: clients_dir: ${path} is not there, and is made in /etc/meshbridge only\n`);
      assert.not.ok(told(root).includes(`procd_add_jail_mount_rw|${path}`));
      for (const made of ['/etc/hotplug.d/neigh', '/etc/neigh', '/neigh']) assert.is(root.entry(made), undefined, made);
    }
  });
  init('makes no directory for the daemon where root may look for what to run', ({ root }) => {
    withJail(root);
    root.directoryAt('/etc/hotplug.d', 0o755);
    for (const path of [
      '/etc/hotplug.d/neigh',
      '/tmp/../etc/hotplug.d/neigh',
      '/tmp//../etc/neigh',
      '/tmp/a/b',
      '/neigh',
    ]) {
      config(root, `config meshbridge 'main'\n\toption state_dir '${path}'\n`);
      const { status, stderr } = run(root, 'start');
      assert.is(status, 0);
      assert.is(stderr, `meshbridge: state_dir: ${path} is not there, and is made in /tmp and /var/run only\n`);
      assert.not.ok(told(root).includes(`procd_add_jail_mount_rw|${path}`));
      for (const made of ['/etc/hotplug.d/neigh', '/etc/neigh', '/tmp/a', '/neigh'])
        assert.is(root.entry(made), undefined, made);
    }
  });
  init('leaves directories that are there as they are', ({ root }) => {
    config(root, "config meshbridge 'main'\n\toption state_dir '/etc'\n\toption socket_dir '/srv'\n");
    root.directoryAt('/srv', 0o711, 1000);
    const before = [root.entry('/etc'), root.entry('/srv')];
    assert.is(run(root, 'start').status, 0);
    assert.equal([root.entry('/etc'), root.entry('/srv')], before);
  });
  init('starts with the defaults when there is no configuration', ({ root }) => {
    withJail(root);
    rmSync(root.path(CONFIG));
    assert.is(run(root, 'start').status, 0);
    assert.ok(told(root).includes('procd_add_jail_mount|/tmp/yggdrasil'));
    assert.ok(told(root).includes('procd_add_jail_mount|/var/run/ubus'));
    assert.is(root.entry(`${RUN}/config`), undefined);
  });
  init('tells in the words of the daemon what is refused, and waits for a change', ({ root }) => {
    root.write('/tmp/refusal', 'meshbridge: main.probe: expected 1\nmeshbridge: main.probo: unknown\n');
    const { status, stderr } = run(root, 'start');
    assert.not.equal(status, 0);
    const words = ['main.probe: expected 1', 'main.probo: unknown', 'not started'];
    assert.is(stderr, words.map((line) => `meshbridge: ${line}\n`).join(''));
    assert.equal(told(root), ['procd_open_service|meshbridge', ...TRIGGERS, 'procd_close_service']);
    assert.match(root.read('/tmp/calls'), `/usr/sbin/meshbridge --check --config ${CONFIG}\n`);
  });
  init('does not end a running instance because of a refused configuration', ({ root }) => {
    root.write('/tmp/refusal', 'meshbridge: main.probe: expected 1\n');
    root.write('/tmp/running-meshbridge', '');
    assert.match(run(root, 'start').stderr, 'main.probe');
    assert.equal(told(root), ['procd_open_service|meshbridge']);
  });
  init('starts in spite of findings', ({ root }) => {
    root.write('/tmp/findings', 'a finding\n');
    assert.equal(run(root, 'start'), { status: 0, stdout: '', stderr: '' });
    assert.equal(told(root), started());
  });
  init('says why the configuration was not handed over', ({ root }) => {
    root.write('/tmp/answer', '{"error":"no space left"}\n');
    const { status, stderr } = run(root, 'start');
    assert.not.equal(status, 0);
    assert.match(stderr, 'configuration not handed over: {"error":"no space left"}');
    assert.not.ok(told(root).includes('procd_open_instance'));
  });
  init('reloads by a signal, so that the history is kept', ({ root }) => {
    run(root, 'start');
    root.write('/tmp/running-meshbridge', '');
    config(root, "config meshbridge 'main'\n\toption log_level 'warn'\n");
    assert.equal(run(root, 'reload'), { status: 0, stdout: '', stderr: '' });
    assert.is(root.read(`${RUN}/config`), root.read(CONFIG));
    // the same instance again, which procd leaves alone
    assert.equal(told(root), ['procd_send_signal|meshbridge|*|HUP', ...started()]);
  });
  init('lets a running daemon tell what it refuses of a reload', ({ root }) => {
    run(root, 'start');
    root.write('/tmp/running-meshbridge', '');
    root.write('/tmp/refusal', 'meshbridge: main.probe: expected 1\n');
    run(root, 'reload');
    assert.equal(told(root), ['procd_send_signal|meshbridge|*|HUP', 'procd_open_service|meshbridge']);
  });
  init('ends by procd, and leaves the trials for the next start', ({ root }) => {
    run(root, 'start');
    root.write(`${RUN}/trials.json`, '[]');
    assert.is(run(root, 'stop').status, 0);
    assert.equal(told(root), ['procd_kill|meshbridge']);
    assert.ok(root.entry(`${RUN}/trials.json`));
  });
  init('ends what was on trial with the service, for nobody is left to confirm it', ({ root }) => {
    run(root, 'stop');
    assert.is(root.read('/tmp/calls'), '');
    root.write(TRIAL, '{}');
    assert.is(run(root, 'stop').status, 0);
    assert.equal(told(root), ['procd_kill|meshbridge']);
    assert.is(root.read('/tmp/calls'), '/usr/libexec/rpcd/meshbridge.helper settle\n');
  });
  const atBoot = (root: RouterRoot, command: string): End => root.run(['sh', '/etc/rc.common', SETTLE, command]);
  init('settles a change from afar at boot, before the network, and says what came of it', ({ root }) => {
    assert.match(read('openwrt-feed/meshbridge/files/meshbridge-settle.init'), /^START=18$/m);
    root.write(TRIAL, '{}');
    assert.equal(atBoot(root, 'boot'), { status: 0, stdout: '', stderr: '' });
    assert.is(root.read('/tmp/calls'), '/usr/libexec/rpcd/meshbridge.helper settle\n');
    root.write('/tmp/settle', 'it was not undone\n');
    assert.equal(atBoot(root, 'boot'), { status: 0, stdout: '', stderr: 'meshbridge: it was not undone\n' });
  });
  init('settles nothing where nothing is on trial, and when a package is installed', ({ root }) => {
    assert.equal(atBoot(root, 'boot'), { status: 0, stdout: '', stderr: '' });
    root.write(TRIAL, '{}');
    for (const command of ['start', 'stop']) assert.is(atBoot(root, command).status, 0);
    assert.is(root.read('/tmp/calls'), '');
  });
  init('lends the sockets of Yggdrasil that are there', ({ root }) => {
    root.directoryAt('/tmp/yggdrasil', 0o700);
    run(root, 'start');
    assert.equal(root.entry('/tmp/yggdrasil'), { mode: '40750', owner: `0:${DAEMON_ID}` });
    chownSync(root.path('/tmp/yggdrasil'), 1000, 1000);
    const before = root.entry('/tmp/yggdrasil');
    assert.is(run(root, 'start').status, 0);
    assert.equal(root.entry('/tmp/yggdrasil'), before);
  });
  init('changes nothing but its own directory, and who may use the sockets', ({ root }) => {
    root.directoryAt('/tmp/yggdrasil', 0o700);
    root.write('/tmp/yggdrasil/ygg0.conf', '{"PrivateKey":"…"}', 0o600);
    const own = [RUN, `${RUN}/config`, '/tmp/yggdrasil', '/tmp/procd', '/tmp/calls'];
    const others = () => [...root.tree()].filter(([path]) => !own.includes(path));
    const before = others();
    assert.is(run(root, 'start').status, 0);
    assert.is(run(root, 'reload').status, 0);
    assert.equal(others(), before);
  });
  init('has a command that looks for what is unsafe', ({ root }) => {
    root.write('/tmp/findings', 'a finding\n');
    const { status, stdout } = run(root, 'lint');
    assert.is(status, 3);
    assert.is(stdout, 'a finding\n');
    assert.is(root.read('/tmp/calls'), '/usr/sbin/meshbridge --check\n');
  });
  return init;
}
