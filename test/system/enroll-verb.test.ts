import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configPath, parseConfig } from '../../src/config.ts';
import { parseCard } from '../../src/lib/enrolment.ts';
import { main } from '../../src/verb.ts';
import { crypto } from '../support/crypto.ts';
import { MADE_NODE, MADE_SEED, makeCode, OPERATOR } from '../support/enrolment.ts';
import { MemoryRouter } from '../support/router.ts';

const PLAIN = '/etc/meshbridge/meshbridge.conf';
const OPENWRT = '/etc/config/meshbridge';
const KEY = '/etc/meshbridge/node.key';
const SEED = `${[...MADE_SEED].map((byte) => byte.toString(16).padStart(2, '0')).join('')}\n`;
const GATEWAY =
  "config meshbridge 'main'\n\toption ubus_socket 'none'\nconfig registrar 'registrar'\n\toption enabled '1'\n";

/** What root's terminal shows of `meshbridge enroll`, and which programs were run. */
async function enroll(args: readonly string[], files: Readonly<Record<string, string>>, status = 0) {
  const router = new MemoryRouter(['enroll', ...args]);
  for (const [path, text] of Object.entries({ [KEY]: SEED, ...files })) router.write(path, text);
  const ran: string[] = [];
  router.program = (argv) => {
    ran.push(argv.join(' '));
    return { code: status };
  };
  await main(router, () => assert.unreachable('standard input is not its business') as never);
  const { printed, lines, exits } = router;
  return { router, ran, printed, lines, exits };
}

const SHARED = [`chgrp --reference=/etc/meshbridge ${PLAIN} ${KEY}`, `chmod 0640 ${PLAIN} ${KEY}`];

const plain = suite('meshbridge enroll');
plain('shows a card that an operator can read, and lets the daemon have the key of it', async () => {
  const { router, printed, exits, ran } = await enroll([], { [PLAIN]: GATEWAY });
  const card = printed.split('\n\n')[1]!;
  assert.is(parseCard(crypto, card).node, MADE_NODE);
  assert.match(printed, `This machine is ${MADE_NODE}.`);
  assert.equal([exits, ran], [[0], SHARED]);
  assert.is(router.text(PLAIN), GATEWAY, '~> joins nobody');
});
plain('joins by a code, in the file of this machine, and says whose orders count', async () => {
  const code = makeCode();
  const half = Math.floor(code.length / 2);
  const { router, printed, exits, ran } = await enroll([code.slice(0, half), code.slice(half)], { [PLAIN]: GATEWAY });
  const { mqtt, site, manageCap, keys, ubusSocket, registrar } = parseConfig(router.text(PLAIN));
  assert.equal([mqtt, site, manageCap, ubusSocket], [true, 'elm-street', 'operate', undefined]);
  assert.equal([keys[0]!.public, registrar!.enabled], [OPERATOR, true]);
  for (const word of [OPERATOR, 'anna (configure)', 'operate at most', 'systemctl reload meshbridge', PLAIN])
    assert.ok(printed.includes(word), `~> ${word}: ${printed}`);
  assert.equal([exits, ran], [[0], SHARED]);
});
plain('lets the owner permit less', async () => {
  const { router } = await enroll(['--cap', 'observe', makeCode()], { [PLAIN]: GATEWAY });
  assert.is(parseConfig(router.text(PLAIN)).manageCap, 'observe');
});
plain('works on OpenWrt, too, where pages do the same', async () => {
  const { router, printed, ran } = await enroll([makeCode()], { [OPENWRT]: '', [PLAIN]: GATEWAY });
  assert.is(parseConfig(router.text(OPENWRT)).site, 'elm-street');
  assert.match(printed, 'service meshbridge reload');
  assert.equal([ran, router.text(PLAIN)], [[], GATEWAY]);
});
for (const [what, args, why] of [
  ['no code', ['hello'], 'enroll: code: '],
  ['another machine’s', [makeCode({ node: 'aaaaaaaaaaaaa' })], 'it is for the router aaaaaaaaaaaaa'],
  ['a cap that is none', [makeCode(), '--cap', 'desk'], '--cap: expected one of none, observe'],
  ['a cap without a code', ['--cap', 'none'], '--cap: expected a code with it'],
  ['an option that is none', ['--yes'], '--yes: expected CODE, or --cap CAP'],
] as const)
  plain(`refuses ${what}, and changes nothing`, async () => {
    const { router, lines, exits } = await enroll(args, { [PLAIN]: GATEWAY });
    assert.ok(lines[0]!.includes(why), `~> ${lines}`);
    assert.equal([exits, router.text(PLAIN)], [[1], GATEWAY]);
  });
plain('says so where the daemon could not read what root wrote', async () => {
  const { lines, exits } = await enroll([], { [PLAIN]: GATEWAY }, 1);
  assert.equal([lines, exits], [[`meshbridge: enroll: ${SHARED[0]}: failed`], [1]]);
});
plain.run();

const paths = suite('configPath');
paths('is that of OpenWrt, unless there is none there and one for other Linux', () => {
  const of = (...files: string[]): string => {
    const router = new MemoryRouter();
    for (const path of files) router.write(path, '');
    return configPath(router.files);
  };
  assert.equal([of(), of(OPENWRT), of(OPENWRT, PLAIN), of(PLAIN)], [OPENWRT, OPENWRT, OPENWRT, PLAIN]);
});
paths.run();
