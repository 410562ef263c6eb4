import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { parseCard, passwordOf, saltOf } from '../../src/lib/enrolment.ts';
import { Enrolment } from '../../src/system/enrolment.ts';
import { crypto } from '../support/crypto.ts';
import { MADE_NODE, MADE_SEED, makeCode, OPERATOR, SALT } from '../support/enrolment.ts';
import { MemoryRouter } from '../support/router.ts';

const FILE = '/etc/config/meshbridge';
const PASSWORD = passwordOf(crypto, MADE_SEED, saltOf({ salt: SALT })!);

function make(text?: string) {
  const router = new MemoryRouter();
  if (text !== undefined) router.write(FILE, text);
  const enrolment = new Enrolment(router, '/etc/config', MADE_SEED, (content) => void parseConfig(content));
  return { router, enrolment, config: () => parseConfig(router.text(FILE)) };
}

const enrolment = suite('Enrolment');
enrolment('shows a card that an operator can read, and changes nothing', () => {
  const { router, enrolment } = make();
  const { node, key, card } = enrolment.card();
  assert.equal(parseCard(crypto, card).node, node);
  assert.equal(parseCard(crypto, card).key, key);
  assert.equal(router.files.writes, []);
});
enrolment('tells what a code would do, and changes nothing', () => {
  const { router, enrolment } = make();
  const { node, site, url, keys, cap, expires_at } = enrolment.propose(makeCode());
  assert.equal([node, site, url], [MADE_NODE, 'elm-street', 'mqtts://broker.example.org:8883']);
  assert.equal(keys, [{ name: 'anna', public: OPERATOR, scope: 'configure' }]);
  assert.equal([cap, expires_at], ['operate', 1_900_000_000]);
  assert.equal(router.files.writes, []);
});
enrolment('writes broker, site, keys and cap, and switches MQTT on', () => {
  for (const text of [undefined, '', "config meshbridge 'main'\n\toption mqtt '0'\n", '# mine\n']) {
    const { enrolment, config } = make(text);
    enrolment.accept(makeCode({ pins: [`${'A'.repeat(43)}=`], server_name: 'broker' }));
    const { mqtt, site, manageCap, brokers, keys } = config();
    assert.equal([mqtt, site, manageCap], [true, 'elm-street', 'operate']);
    assert.equal(keys, [{ name: 'anna', public: OPERATOR, scope: 'configure' }]);
    assert.is(brokers.length, 1);
    const { name, profile, url, username, password, pins, serverName } = brokers[0]!;
    assert.equal([name, profile, username, password], ['fleet', 'fleet', undefined, PASSWORD]);
    assert.equal([url.secure, pins, serverName], [true, [`${'A'.repeat(43)}=`], 'broker']);
  }
});
enrolment('lets the owner permit less than the code asks for', () => {
  const { enrolment, config } = make();
  enrolment.accept(makeCode(), 'observe');
  assert.is(config().manageCap, 'observe');
});
enrolment('takes the password of a code that has one', () => {
  const { enrolment, config } = make();
  enrolment.accept(makeCode({ salt: undefined, password: 'hunter2' }));
  assert.is(config().brokers[0]!.password, 'hunter2');
});

const OTHERS = `# what I wrote myself
config meshbridge 'main'
	option poll_idle '60' # slow line
	option site 'oak-lane'

config interface 'ygg0'
	option socket 'unix:///tmp/yggdrasil/ygg0.sock'

config mqtt 'home'
	option profile 'home'
	option url 'mqtt://192.168.1.2'
	option password 'mine'

config mqtt 'old'
	option enabled '0'
	option url 'mqtt://elsewhere.example'
	option username 'u'
	option password 'p'
	option ca_file '/etc/ssl/elsewhere.pem'
	option interval '600'
	list metrics 'own'
	list pin '${'B'.repeat(43)}='

config key 'otto'
	option public '${'c'.repeat(64)}'
	option scope 'observe'
`;
enrolment("leaves what is the owner's, and takes the place of another fleet's broker", () => {
  const { router, enrolment, config } = make(OTHERS);
  enrolment.accept(makeCode());
  const { site, brokers, keys, pollIdleMs } = config();
  assert.equal([site, pollIdleMs], ['elm-street', 60_000]);
  assert.equal(
    brokers.map(({ name, password }) => [name, password]),
    [
      ['home', 'mine'],
      ['old', PASSWORD],
    ],
  );
  const { username, caFile, pins, intervalMs, metrics } = brokers[1]!;
  assert.equal([username, caFile, pins], [undefined, undefined, []], '~> they were of the other broker');
  assert.equal([intervalMs, metrics], [600_000, ['own']]);
  assert.equal(
    keys.map(({ name }) => name),
    ['otto', 'anna'],
  );
  assert.match(
    router.text(FILE),
    "# what I wrote myself\nconfig meshbridge 'main'\n\toption poll_idle '60' # slow line",
  );
});
enrolment('does not collect brokers and keys when it is done again', () => {
  const { enrolment, config } = make(OTHERS);
  for (const scope of ['observe', 'operate'])
    enrolment.accept(makeCode({ keys: [{ name: 'anna', public: OPERATOR, scope }] }));
  const { brokers, keys } = config();
  assert.is(brokers.length, 2);
  assert.equal(
    keys.map(({ name, scope }) => [name, scope]),
    [
      ['otto', 'observe'],
      ['anna', 'operate'],
    ],
  );
});
enrolment('gives a key another name where its own is taken', () => {
  for (const name of ['otto', 'main', 'fleet', 'home', 'ygg0']) {
    const { enrolment, config } = make(OTHERS);
    enrolment.accept(makeCode({ keys: [{ name, public: OPERATOR, scope: 'operate' }] }));
    const made = config().keys.find((key) => key.public === OPERATOR)!;
    assert.is(made.name, `${name}_${OPERATOR.slice(0, 8)}`);
    assert.is(config().keys.length, 2);
  }
});
for (const [what, code, expected] of [
  [
    'for another router',
    () => makeCode({ node: 'aaaaaaaaaaaaa' }),
    `code: it is for the router aaaaaaaaaaaaa, this one is ${MADE_NODE}`,
  ],
  ['that is too old', () => makeCode({ exp: 1_700_000_000 }), 'code: it counted until 2023-11-14, today is 2027-01-15'],
  ['that was changed', () => makeCode().replace('e', 'f'), 'code: expected'],
] as const)
  enrolment(`refuses a code ${what}, and writes nothing`, () => {
    const { router, enrolment } = make(OTHERS);
    for (const run of [() => enrolment.propose(code()), () => enrolment.accept(code())])
      assert.throws(run, (error: Error) => error.message.startsWith(expected));
    assert.is(router.text(FILE), OTHERS);
  });
enrolment('takes a code whatever it is too old for while the clock stands in 1970', () => {
  const { router, enrolment, config } = make();
  router.clock.bootUnixMs = 0;
  enrolment.accept(makeCode({ exp: 1_700_000_000 }));
  assert.ok(config().mqtt);
});
enrolment('writes nothing when the configuration would not do', () => {
  const { router, enrolment } = make(OTHERS);
  assert.throws(() => enrolment.accept(makeCode(), 'everything'), /manage_cap: expected one of/);
  assert.throws(
    () => enrolment.accept(makeCode({ keys: [{ name: 'a', public: OPERATOR, scope: 'upgrade' }] })),
    /scope/,
  );
  assert.throws(() => enrolment.accept(makeCode({ url: 'mqtt://host:99999999' })), /url/);
  assert.is(router.text(FILE), OTHERS);
});
enrolment.run();
