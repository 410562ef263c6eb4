import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAccess, formatPassword, formatPasswords } from '../../src/fleet/access.ts';
import type { Pin } from '../../src/fleet/pin.ts';
import { Session } from '../../src/fleet/session.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';

const reason = await whyNoMosquitto();
const HERE = 'aaaaaaaaaaaaa';
const NEXT = 'bbbbbbbbbbbbb';
const AWAY = 'ccccccccccccc';

function pin(node: string, site: string, more: Partial<Pin> = {}): Pin {
  return {
    node,
    site,
    key: '0'.repeat(64),
    enrolled_at: 0,
    password_hash: formatPassword('x', node).slice(2),
    ...more,
  };
}
/** Two of these are gateways of a group, in two sites. */
const PINS = [
  pin(AWAY, 'oak', { group: 'east' }),
  pin(HERE, 'elm', { name: 'Anna\n# is here\nuser root', group: 'east' }),
  pin(NEXT, 'elm'),
];
const OTHERS = { operators: ['operator'], readers: ['telegraf'] };

const text = suite('formatAccess and formatPasswords');
text('let nobody add lines by a name', () => {
  const lines = formatAccess(PINS, OTHERS).split('\n');
  assert.equal(
    lines.filter((line) => line.startsWith('user ')),
    ['user operator', 'user telegraf', `user ${HERE}`, `user ${NEXT}`, `user ${AWAY}`],
  );
  for (const line of lines) assert.match(line, /^(#.*|user [\w.-]+|topic (read|write|readwrite) [\w$/+#-]+|)$/);
});
text('refuse users that would be wildcards', () => {
  for (const user of ['', '#', '+', 'a b', 'a\nb', 'a:b', 'x'.repeat(65)])
    assert.throws(() => formatAccess([], { operators: [user], readers: [] }), /^user: expected 1 to 64 letters/);
});
text('keep the lines of others', () => {
  const lines = formatPasswords(PINS, ['operator:$7$101$x$y']).split('\n');
  assert.equal(
    lines.map((line) => line.split(':')[0]),
    ['operator', HERE, NEXT, AWAY, ''],
  );
  assert.equal(formatPasswords([{ ...PINS[0]!, password_hash: undefined } as unknown as Pin], []), '');
});
text.run();

// ---

const rights = suite('mosquitto with that access list');
if (reason !== undefined) console.log(`skipped: the access list at mosquitto: ${reason}`);
else {
  const users = { [HERE]: HERE, [NEXT]: NEXT, [AWAY]: AWAY, operator: 'op', telegraf: 'tg' };
  const own = `mb/1/elm/${HERE}`;
  /** Who published where, and whether whom it is for got it. */
  const CASES: [from: string, topic: string, to: string, arrives: boolean][] = [
    ...['status', 'info', 'state', 'tele', 'evt/peer', 'alarm/no-peers', 'res', 'have', 'log'].map(
      (name): [string, string, string, boolean] => [HERE, `${own}/${name}`, 'operator', true],
    ),
    [HERE, `${own}/tele`, 'telegraf', true],
    ['operator', `${own}/cmd`, HERE, true],
    ['operator', `${own}/want`, HERE, true],
    ['operator', 'mb/1/elm/all/want', HERE, true],
    ['operator', 'mb/1/elm/all/want', NEXT, true],
    // gateways of a group
    [HERE, `${own}/held`, 'operator', true],
    [HERE, `${own}/use/7`, AWAY, true],
    [AWAY, `mb/1/oak/${AWAY}/use/0`, HERE, true],
    ['operator', 'mb/1/east/all/homes', HERE, true],
    ['operator', 'mb/1/east/all/part/12', AWAY, true],
    [HERE, `${own}/use/7`, NEXT, false],
    [HERE, `${own}/use/7`, 'telegraf', false],
    [HERE, `${own}/held`, AWAY, false],
    [HERE, `mb/1/oak/${AWAY}/use/7`, 'operator', false],
    [HERE, 'mb/1/east/all/homes', 'operator', false],
    [HERE, 'mb/1/east/all/part/0', 'operator', false],
    [NEXT, `mb/1/elm/${NEXT}/use/7`, 'operator', false],
    ['operator', 'mb/1/east/all/homes', NEXT, false],
    ['operator', 'mb/1/east/all/part/0', 'telegraf', false],
    // what no node may
    [HERE, `mb/1/elm/${NEXT}/status`, 'operator', false],
    [HERE, `mb/1/elm/${NEXT}/res`, 'operator', false],
    [HERE, `mb/1/oak/${HERE}/status`, 'operator', false],
    [HERE, `${own}/cmd`, 'operator', false],
    [HERE, `${own}/want`, 'operator', false],
    [HERE, 'mb/1/elm/all/want', 'operator', false],
    [HERE, `mb/1/elm/${NEXT}/cmd`, NEXT, false],
    [HERE, `${own}/tele`, NEXT, false],
    [HERE, `${own}/anything`, 'operator', false],
    ['operator', `mb/1/elm/${NEXT}/cmd`, HERE, false],
    ['operator', `mb/1/oak/${AWAY}/want`, HERE, false],
    ['operator', 'mb/1/oak/all/want', HERE, false],
    [HERE, 'homeassistant/device/x/config', 'operator', false],
    // what no reader may
    ['telegraf', `${own}/cmd`, HERE, false],
    ['telegraf', `${own}/tele`, 'operator', false],
    ['operator', `${own}/cmd`, 'telegraf', false],
  ];
  rights('lets each do what is its own, and nothing else', async () => {
    const broker = await Mosquitto.start({
      users,
      config: ['acl_file access'],
      files: { access: formatAccess(PINS, OTHERS) },
    });
    try {
      const heard: string[] = [];
      const sessions: Record<string, Session> = {};
      for (const [username, password] of Object.entries(users)) {
        const session = await Session.open({
          broker: { url: `mqtt://127.0.0.1:${broker.port()}` },
          env: {},
          login: { username, password },
          onMessage: ({ topic, payload }) => heard.push(`${username} ${topic} ${Buffer.from(payload).toString()}`),
        });
        sessions[username] = session;
        // a client may ask for anything; what it is given is what counts
        await session.subscribe(['#']).catch(() => {});
      }
      for (const [at, [from, topic]] of CASES.entries())
        await sessions[from]!.publish(topic, String(at)).catch(() => {});
      const last = CASES.map(([, , , arrives]) => arrives).lastIndexOf(true);
      const [, topic, to] = CASES[last]!;
      for (const until = Date.now() + 5000; !heard.includes(`${to} ${topic} ${last}`) && Date.now() < until; )
        await new Promise((resolve) => setTimeout(resolve, 10));
      // what the broker has taken from all of them is on its way to all of them
      for (const session of Object.values(sessions)) await session.unsubscribe(['none']);
      for (const [at, [from, topic, to, arrives]] of CASES.entries())
        assert.is(heard.includes(`${to} ${topic} ${at}`), arrives, `~> ${from} writes ${topic}, ${to} reads it`);
      for (const session of Object.values(sessions)) await session.close();
    } finally {
      await broker.stop();
    }
  });
  rights('knows passwords by the hashes that we make', async () => {
    const broker = await Mosquitto.start({ users: {}, files: {} });
    try {
      broker.write('passwords', `${formatPassword('anna', 'pass word ü')}\n`);
      await broker.restart();
      const open = (password: string): Promise<Session> =>
        Session.open({
          broker: { url: `mqtt://127.0.0.1:${broker.port()}` },
          env: {},
          login: { username: 'anna', password },
        });
      await (await open('pass word ü')).close();
      const refused = await open('another').catch((error: Error) => error.message);
      assert.match(String(refused), /login: (not permitted to connect, or )?wrong user name or password/);
    } finally {
      await broker.stop();
    }
  });
}
rights.run();
