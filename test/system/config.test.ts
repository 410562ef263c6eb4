import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Config, MAX_INTERFACES, OPTIONS, parseConfig } from '../../src/config.ts';
import { ConfigError } from '../../src/errors.ts';

const DEFAULTS: Config = {
  logLevel: 'info',
  ubusSocket: '/var/run/ubus/ubus.sock',
  stateDirectory: '/var/run/meshbridge',
  discover: true,
  socketDirectory: '/tmp/yggdrasil',
  pollBriskMs: 2000,
  pollIdleMs: 30_000,
  probe: true,
  adviser: false,
  interfaces: [],
};

/** A file whose section `main` holds these lines. */
function main(...lines: string[]): string {
  return `config meshbridge 'main'\n${lines.map((line) => `\t${line}\n`).join('')}`;
}

/** `option: message` of each problem. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text);
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as ConfigError).problems.map(({ option, message }) => `${option}: ${message}`);
  }
  return [];
}

const parse = suite('parseConfig');
parse('gives the defaults without a file, a section or an option', () => {
  for (const text of [undefined, '', '# nothing\n', main()]) assert.equal(parseConfig(text), DEFAULTS);
});
parse('has defaults that it would take', () => {
  const lines = Object.entries(OPTIONS.meshbridge).map(([name, spec]) => `option ${name} '${spec.default}'`);
  assert.equal(parseConfig(main(...lines)), DEFAULTS);
});
parse('takes every option', () => {
  const text = `
config meshbridge 'main'
	option log_level 'debug'
	option ubus_socket '/tmp/ubus.sock'
	option state_dir '/tmp/state'
	option discover 'off'
	option socket_dir '/run/ygg'
	option poll_brisk '60'
	option poll_idle '3600'
	option probe '0'
	option adviser '1'

config interface 'ygg0'
	option socket 'unix:///tmp/yggdrasil/ygg0.sock'

config interface 'ygg1'
	option socket 'tcp://[::1]:9001'
	option enabled 'no'

config interface 'ygg2'
	option enabled '1'
	option socket 'localhost:9001'

config interface 'ygg3'
	option socket 'unix://@ygg3'
`;
  assert.equal(parseConfig(text), {
    logLevel: 'debug',
    ubusSocket: '/tmp/ubus.sock',
    stateDirectory: '/tmp/state',
    discover: false,
    socketDirectory: '/run/ygg',
    pollBriskMs: 60_000,
    pollIdleMs: 3_600_000,
    probe: false,
    adviser: true,
    interfaces: [
      { name: 'ygg0', endpoint: { path: '/tmp/yggdrasil/ygg0.sock' } },
      { name: 'ygg2', endpoint: { host: 'localhost', port: 9001 } },
      { name: 'ygg3', endpoint: { path: '@ygg3' } },
    ],
  });
});
for (const [words, value] of [
  [['1', 'on', 'true', 'yes', 'enabled'], true],
  [['0', 'off', 'false', 'no', 'disabled'], false],
] as const)
  parse(`reads ${words.join(', ')} as ${value}`, () => {
    for (const word of words) assert.is(parseConfig(main(`option probe '${word}'`)).probe, value);
  });

const BAD: [string, string][] = [
  ["option log_level 'verbose'", 'log_level: expected one of error, warn, info, debug, got "verbose"'],
  ["option log_level 'INFO'", 'log_level: expected one of error, warn, info, debug, got "INFO"'],
  ["option discover 'True'", 'discover: expected 1 or 0, got "True"'],
  ["option probe '2'", 'probe: expected 1 or 0, got "2"'],
  ["option ubus_socket 'ubus.sock'", 'ubus_socket: expected an absolute path, got "ubus.sock"'],
  [
    `option ubus_socket '/${'x'.repeat(107)}'`,
    `ubus_socket: expected a path of at most 107 bytes, it has 108, got "/${'x'.repeat(79)}…"`,
  ],
  ["option state_dir '/'", 'state_dir: expected an absolute path, got "/"'],
  ["option state_dir '/a\nb'", 'state_dir: expected an absolute path, got "/a\\nb"'],
  [`option socket_dir '/${'x'.repeat(256)}'`, `socket_dir: expected an absolute path, got "/${'x'.repeat(79)}…"`],
  ["option poll_brisk '0'", 'poll_brisk: expected whole seconds from 1 to 60, got "0"'],
  ["option poll_brisk '61'", 'poll_brisk: expected whole seconds from 1 to 60, got "61"'],
  ["option poll_brisk '1.5'", 'poll_brisk: expected whole seconds from 1 to 60, got "1.5"'],
  ["option poll_brisk '2s'", 'poll_brisk: expected whole seconds from 1 to 60, got "2s"'],
  ["option poll_idle '-5'", 'poll_idle: expected whole seconds from 5 to 3600, got "-5"'],
  ["option poll_idle '4'", 'poll_idle: expected whole seconds from 5 to 3600, got "4"'],
  ["option poll_idle '3601'", 'poll_idle: expected whole seconds from 5 to 3600, got "3601"'],
  ["option poll_idle '5'\n\toption poll_brisk '6'", 'poll_idle: expected at least poll_brisk (6), got "5"'],
  ["list probe '1'", 'probe: expected one value, got a list of 1'],
  ["option pol_idle '5'", 'pol_idle: unknown option "pol_idle", did you mean poll_idle?'],
  [
    "option colour 'red'",
    `colour: unknown option "colour", expected one of ${Object.keys(OPTIONS.meshbridge).join(', ')}`,
  ],
  [
    "option __proto__ '5'",
    `__proto__: unknown option "__proto__", expected one of ${Object.keys(OPTIONS.meshbridge).join(', ')}`,
  ],
];
for (const [line, problem] of BAD)
  parse(`refuses ${line.slice(0, 50)}`, () => assert.equal(problemsOf(main(line)), [`meshbridge.main.${problem}`]));

const BAD_FILES: [string, string][] = [
  ['garbage\n', 'meshbridge: line 1: expected config, option, list or package, got "garbage"'],
  ["config meshbridg 'main'\n", 'meshbridge.main: unknown section type "meshbridg", did you mean meshbridge?'],
  ['config x\nconfig x\n', 'meshbridge.@x[1]: unknown section type "x", expected one of meshbridge, interface'],
  ['config meshbridge\n', "meshbridge.@meshbridge[0]: expected config meshbridge 'main', got no name"],
  ["config meshbridge 'other'\n", 'meshbridge.other: expected config meshbridge \'main\', got "other"'],
  [
    "config interface\n\toption socket 'h:1'\n",
    "meshbridge.@interface[0]: expected config interface 'name', got no name",
  ],
  [
    "config interface 'a'\n",
    'meshbridge.a.socket: expected unix:///path, unix://@name or tcp://host:port, got nothing',
  ],
  ["config interface 'a'\n\toption socket '/x'\n", 'meshbridge.a.socket: expected unix:// before a path, got "/x"'],
  [
    "config interface 'a'\n\toption socket 'h:1'\n\toption enable '1'\n",
    'meshbridge.a.enable: unknown option "enable", did you mean enabled?',
  ],
];
for (const [text, problem] of BAD_FILES)
  parse(`refuses ${JSON.stringify(text)}`, () => assert.is(problemsOf(text).at(-1), problem));

parse('lists every problem at once', () => {
  const text = `config interface 'a'\n\toption socket 'x'\n\toption enabled 'maybe'\n${main("option log_level 'x'", "option prob '1'")}`;
  assert.equal(
    problemsOf(text).map((problem) => problem.split(': ')[0]),
    ['meshbridge.a.socket', 'meshbridge.a.enabled', 'meshbridge.main.prob', 'meshbridge.main.log_level'],
  );
});
parse('says package, section and option in the text of the error', () => {
  assert.throws(() => parseConfig(main("option probe 'x'")), 'meshbridge.main.probe: expected 1 or 0, got "x"');
});
parse(`takes ${MAX_INTERFACES} interfaces that are enabled, not more`, () => {
  const section = (i: number, enabled: number): string =>
    `config interface 'y${i}'\n\toption socket 'h:1'\n\toption enabled '${enabled}'\n`;
  const fits = [1, 2, 3, 4].map((i) => section(i, 1)).join('') + section(5, 0);
  assert.is(parseConfig(fits).interfaces.length, MAX_INTERFACES);
  assert.equal(problemsOf(fits + section(6, 1)), ['meshbridge.interface: expected at most 4 that are enabled, got 5']);
});
parse('counts problems beyond the first 64', () => {
  const problems = problemsOf('config x\n'.repeat(1000));
  assert.is(problems.length, 65);
  assert.is(problems.at(-1), 'meshbridge: 936 problems more');
});
parse.run();
