import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { main } from '../../src/verb.ts';
import { MemoryRouter } from '../support/router.ts';

const PATH = '/etc/config/meshbridge';
const GOOD = "config interface 'ygg0'\n\toption socket 'unix:///tmp/yggdrasil/ygg0.sock'\n";
const BAD = `config meshbridge 'main'
	option log_level 'loud'
	option poll_idle '1'
	option colour 'red'
config interface 'ygg0'
`;
const PROBLEMS = ['main.colour', 'main.log_level', 'main.poll_idle', 'ygg0.socket'];
/** Gives every start another identity. */
const KEYLESS = "config interface 'ygg0'\n\toption proto 'yggdrasil'\n";

/** What `meshbridge --check` printed, logged and ended with, given files by path. */
async function check(args: readonly string[], files: Readonly<Record<string, string>>) {
  const router = new MemoryRouter(['--check', ...args]);
  for (const [path, text] of Object.entries(files)) router.write(path, text);
  await main(router, () => assert.unreachable('standard input is not its business') as never);
  assert.is(router.clock.pending, 0);
  const { printed, lines, exits } = router;
  return { printed, lines, exits };
}

const configuration = suite('check: configuration');
configuration('is good, or none is needed', async () => {
  assert.equal(await check([], { [PATH]: GOOD }), { printed: `${PATH}: ok\n`, lines: [], exits: [0] });
  assert.equal(await check(['--config', '/tmp/x'], { '/tmp/x': GOOD }), {
    printed: '/tmp/x: ok\n',
    lines: [],
    exits: [0],
  });
  const none = { printed: '/tmp/x: does not exist, the defaults apply\n', lines: [], exits: [0] };
  assert.equal(await check(['--config', '/tmp/x'], {}), none);
});
configuration('has everything that is wrong with it listed', async () => {
  const { printed, lines, exits } = await check(['--config', PATH], { [PATH]: BAD });
  assert.is(printed, '');
  assert.equal(
    lines.map((line) => line.split(': ').slice(0, 2).join(': ')).sort(),
    PROBLEMS.map((option) => `meshbridge: meshbridge.${option}`),
  );
  assert.equal(exits, [1]);
});
configuration('ends with 2 when it is not looked at', async () => {
  const large = await check(['--config', PATH], { [PATH]: '#'.repeat(262_145) });
  assert.equal(large, { printed: '', lines: [`meshbridge: read ${PATH}: larger than 262144 bytes`], exits: [2] });
  for (const [args, message] of [
    [['--config'], '--config: expected a file'],
    [['--config', ''], '--config: expected a file'],
    [['--cheque'], '--cheque: unknown option with --check, which takes --config FILE'],
  ] as const)
    assert.equal(await check(args, {}), { printed: '', lines: [`meshbridge: ${message}`], exits: [2] });
});
configuration.run();

// ---

const router = suite('check: router');
router('has what is unsafe told, which does not count', async () => {
  const { printed, lines, exits } = await check([], { [PATH]: GOOD, '/etc/config/network': KEYLESS });
  assert.ok(printed.startsWith(`${PATH}: ok\n\nerror: network.ygg0.private_key (`), printed);
  assert.equal([lines, exits], [[], [0]]);
});
router('has it told with a bad configuration, too', async () => {
  const { printed, lines, exits } = await check([], { [PATH]: BAD, '/etc/config/network': KEYLESS });
  assert.match(printed, /^\nerror: network\.ygg0\.private_key/);
  assert.is(lines.length, PROBLEMS.length);
  assert.equal(exits, [1]);
});
router('is not looked at when a file is named', async () => {
  const { printed } = await check(['--config', PATH], { [PATH]: GOOD, '/etc/config/network': KEYLESS });
  assert.is(printed, `${PATH}: ok\n`);
});
router.run();
