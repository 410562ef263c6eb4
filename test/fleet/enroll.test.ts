import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { crypto } from '../../src/fleet/crypto.ts';
import { Session } from '../../src/fleet/session.ts';
import { makeCard, openCode, saltOf } from '../../src/lib/enrolment.ts';
import { Enrolment } from '../../src/system/enrolment.ts';
import { type Operator, withOperator } from '../support/meshctl.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { PlayedNode } from '../support/played-node.ts';
import { MemoryRouter } from '../support/router.ts';

const reason = await whyNoMosquitto();
const URL = 'mqtts://broker.example.org';
const NODE = new PlayedNode('house', 'elm-street');
const CARD = makeCard(crypto, NODE.seed, new Uint8Array(12).fill(5));

/** An operator with a key and a broker. */
async function ready(it: Operator): Promise<void> {
  await it.json(`broker set --url ${URL} --user operator --reader telegraf`);
  await it.json('keys new anna');
}

const setting = suite('meshctl broker');
setting('keeps what it was told, and removes what is told to be empty', () =>
  withOperator(async (it) => {
    const pin = `${'A'.repeat(43)}=`;
    await it.json(`broker set --url ${URL} --user operator --pin ${pin} --node-url mqtts://public.example.org:1`);
    const { broker } = await it.json<{ broker: object }>(['broker', 'set', '--node-url', '', '--pin', '']);
    assert.equal(broker, { url: URL, username: 'operator' });
    assert.equal((await it.json('broker show')).broker, broker);
  }),
);
setting('warns where a password could be read on the way', () =>
  withOperator(async (it) => {
    for (const [url, warns] of [
      ['mqtt://broker.example.org', true],
      ['mqtt://192.0.2.7', true],
      ['mqtts://broker.example.org', false],
      ['mqtt://[200:1:2:3:4:5:6:7]', false],
      ['mqtt://[3fe:1::1]:1884', false],
      ['mqtt://[2001:db8::1]', true],
      ['mqtt://127.0.0.1', false],
      ['unix:///run/mosquitto.sock', false],
    ] as const) {
      const { code, err } = await it.run(`broker set --url ${url} --user operator`);
      assert.is(code, 0, url);
      assert.is(/neither TLS nor Yggdrasil/.test(err), warns, url);
    }
  }),
);
for (const url of [
  'http://x',
  'mqtt://',
  'mqtt://a b',
  'mqtt://host:0',
  'mqtt://host:99999',
  'mqtt://[::g]',
  'unix://x',
  'host',
])
  setting(`refuses ${url}`, () =>
    withOperator(async (it) => {
      const { code, err } = await it.run(['broker', 'set', '--url', url]);
      assert.is(code, 2);
      assert.match(err, /--url: expected/);
    }),
  );
setting('shows nothing of an address that holds a password', () =>
  withOperator(async (it) => {
    const { code, err } = await it.run('broker set --url mqtt://operator:hunter2@host');
    assert.is(code, 2);
    assert.match(err, '--user and --password-file are for that');
    assert.not.match(err, 'hunter2');
  }),
);
setting.run();

// ---

const enroll = suite('meshctl enroll');
enroll('makes a code that the router takes, and pins its key', () =>
  withOperator(async (it) => {
    await ready(it);
    const args = ['enroll', 'new', CARD, '--site', 'elm-street', '--name', "Anna's roof"];
    const made = await it.json<Record<string, string>>(args);
    assert.equal([made.node, made.key, made.site], [NODE.node, NODE.key, 'elm-street']);
    const code = openCode(crypto, made.code!);
    assert.equal([code.node, code.url, code.cap], [NODE.node, URL, 'operate']);
    assert.equal(saltOf(code), new Uint8Array(12).fill(5));
    const { nodes } = await it.json<{ nodes: object[] }>('enroll list');
    const { code: _, password_line, acl, url, cap, ...pin } = made;
    assert.equal(nodes, [{ ...pin, joined: false }]);
    // what the router makes of it
    const router = new MemoryRouter();
    router.clock.bootUnixMs = Date.now();
    new Enrolment(router, '/etc/config', NODE.seed, (text) => void parseConfig(text)).accept(made.code!);
    const config = parseConfig(router.text('/etc/config/meshbridge'));
    assert.equal([config.mqtt, config.site, config.manageCap], [true, 'elm-street', 'operate']);
    assert.is(config.keys[0]!.public, (await it.json<{ public: string }>('keys show anna')).public);
  }),
);
enroll('tells people what to do next', () =>
  withOperator(async (it) => {
    await ready(it);
    const { out } = await it.run(['enroll', 'new', CARD, '--site', 'elm-street']);
    assert.match(out, /^mbcode[a-z2-7]+$/m);
    assert.match(out, new RegExp(`^${NODE.node}:\\$7\\$101\\$`, 'm'));
    assert.match(out, `topic write mb/1/elm-street/${NODE.node}/status`);
    assert.match(out, `meshctl enroll finish ${NODE.node}`);
    assert.match((await it.run('enroll list')).out, /NAME +SITE +NODE +KEY +ENROLLED +STATE\n.*code until/);
  }),
);
enroll('reads a card that a chat has broken into lines', () =>
  withOperator(async (it) => {
    await ready(it);
    const { node } = await it.json(['enroll', 'new', CARD.replace(/.{50}/g, '$&\n> '), '--site', 'elm-street']);
    assert.is(node, NODE.node);
  }),
);
enroll('puts a password into the code where the broker takes no hash', () =>
  withOperator(async (it) => {
    await ready(it);
    const made = await it.json<Record<string, string>>(['enroll', 'new', CARD, '--site', 'elm-street', '--password']);
    const { password, salt } = openCode(crypto, made.code!);
    assert.match(password!, /^[0-9a-f]{32}$/);
    assert.is(salt, undefined);
    assert.not.match(readFileSync(it.home.file('pins.json'), 'utf8'), password!);
  }),
);
enroll('signs with every key that is named, and names them in the code', () =>
  withOperator(async (it) => {
    await ready(it);
    await it.json('keys new otto --scope configure');
    const unclear = await it.run(['enroll', 'new', CARD, '--site', 'elm-street']);
    assert.is(unclear.code, 2);
    assert.match(unclear.err, '--key: expected one of anna, otto, got none');
    const words = ['enroll', 'new', CARD, '--site', 'elm-street', '--key', 'anna', '--key', 'otto', '--cap', 'observe'];
    const code = openCode(crypto, (await it.json<{ code: string }>(words)).code);
    assert.equal(
      code.keys.map(({ name, scope }) => [name, scope]),
      [
        ['anna', 'operate'],
        ['otto', 'configure'],
      ],
    );
    assert.is(code.cap, 'observe');
  }),
);
for (const [what, words, expected] of [
  ['without a site', [CARD], '--site: missing'],
  ['a site that is all sites', [CARD, '--site', 'all'], 'site: expected another name than all and doctor'],
  ['a site with capitals', [CARD, '--site', 'Elm'], 'site: expected 1 to 32 of a-z, 0-9 and -'],
  ['a card that was cut', [CARD.slice(0, 100), '--site', 'elm'], 'card: expected it whole and as it was sent'],
  [
    'a code for a card',
    [`mbcode${CARD.slice(6)}`, '--site', 'elm'],
    'card: expected a text that begins with mbcard, got a code',
  ],
  ['a name with a path', [CARD, '--site', 'elm', '--name', 'a/b'], 'name: expected 1 to 64 characters'],
  ['a name with an escape', [CARD, '--site', 'elm', '--name', 'a\x1b[2J'], 'name: expected 1 to 64 characters'],
  ['a code for ever', [CARD, '--site', 'elm', '--days', '365'], '--days: expected a whole number from 1 to 90'],
  ['another cap', [CARD, '--site', 'elm', '--cap', 'keys'], 'cap: expected one of observe'],
] as const)
  enroll(`refuses ${what}, and pins nothing`, () =>
    withOperator(async (it) => {
      await ready(it);
      const { code, err } = await it.run(['enroll', 'new', ...words]);
      assert.is(code, 2);
      assert.ok(err.includes(expected), err);
      assert.equal(await it.json('enroll list'), { nodes: [] });
    }),
  );
enroll('sends no router to a broker of this machine', () =>
  withOperator(async (it) => {
    await it.json('broker set --url mqtt://127.0.0.1');
    await it.json('keys new anna');
    const { code, err } = await it.run(['enroll', 'new', CARD, '--site', 'elm']);
    assert.is(code, 2);
    assert.match(err, 'routers do not reach the broker there');
    await it.json('broker set --node-url mqtts://public.example.org');
    assert.is((await it.json(['enroll', 'new', CARD, '--site', 'elm'])).url, 'mqtts://public.example.org');
  }),
);
enroll('gives no two nodes one name, and says when a node moves', () =>
  withOperator(async (it) => {
    await ready(it);
    await it.json(['enroll', 'new', CARD, '--site', 'elm', '--name', 'roof']);
    const other = makeCard(crypto, new PlayedNode('other', 'elm').seed, new Uint8Array(12));
    const { code, err } = await it.run(['enroll', 'new', other, '--site', 'elm', '--name', 'roof']);
    assert.is(code, 2);
    assert.match(err, 'name: expected one that no other node has');
    const moved = await it.run(['enroll', 'new', CARD, '--site', 'oak', '--name', 'roof']);
    assert.is(moved.code, 0);
    assert.match(moved.err, 'it was in elm before');
  }),
);
enroll('signs with a sealed key when its passphrase is said or asked for', () =>
  withOperator(async (it) => {
    await it.json(`broker set --url ${URL}`);
    const passphrase = 'correct horse';
    assert.is((await it.run('keys new anna --passphrase', { answers: [passphrase, 'something else'] })).code, 2);
    assert.is((await it.run('keys new anna --passphrase', { answers: ['short', 'short'] })).code, 2);
    assert.is((await it.run('keys new anna --passphrase', { answers: [passphrase, passphrase] })).code, 0);
    const words = ['enroll', 'new', CARD, '--site', 'elm'];
    assert.is((await it.run(words)).code, 2, '~> nobody to ask');
    assert.is((await it.run(words, { answers: ['wrong passphrase'] })).code, 1);
    assert.is((await it.run(words, { answers: [passphrase] })).code, 0);
    assert.is((await it.run(words, { env: { MESHCTL_PASSPHRASE: passphrase } })).code, 0);
    const file = it.file('passphrase', `${passphrase}\n`);
    assert.is((await it.run([...words, '--passphrase-file', file])).code, 0);
  }),
);
enroll.run();

// ---

const files = suite('meshctl enroll acl and passwords');
files('replace whole files, and keep whose they are and the lines of others', () =>
  withOperator(async (it) => {
    await ready(it);
    await it.json(['enroll', 'new', CARD, '--site', 'elm-street']);
    mkdirSync(it.path('broker'));
    const [acl, passwords] = [it.path('broker/acl'), it.path('broker/passwords')];
    writeFileSync(passwords, `operator:$7$101$a$b\n${NODE.node}:$7$101$old$hash\n`, { mode: 0o644 });
    await it.json(['enroll', 'acl', '--write', acl]);
    await it.json(['enroll', 'passwords', '--write', passwords, '--add', 'telegraf'], {
      env: { MESHCTL_NEW_PASSWORD: 'secret' },
    });
    assert.match(readFileSync(acl, 'utf8'), /user operator\ntopic readwrite mb\/1\/#/);
    assert.equal([statSync(acl).mode & 0o777, statSync(passwords).mode & 0o777], [0o640, 0o644]);
    const lines = readFileSync(passwords, 'utf8').trim().split('\n');
    assert.equal(
      lines.map((line) => line.split(':')[0]),
      ['operator', 'telegraf', NODE.node],
    );
    assert.is(lines[0], 'operator:$7$101$a$b');
    assert.not.match(lines[2]!, 'old');
    // a password that is known changes, and stands where it stood
    await it.json(['enroll', 'passwords', '--write', passwords, '--add', 'operator'], { answers: ['new'] });
    const again = readFileSync(passwords, 'utf8').trim().split('\n');
    assert.equal(
      again.map((line) => line.split(':')[0]),
      ['operator', 'telegraf', NODE.node],
    );
    assert.is.not(again[0], lines[0]);
  }),
);
files('say so when they cannot be written', () =>
  withOperator(async (it) => {
    await ready(it);
    const { code, err } = await it.run(['enroll', 'acl', '--write', it.path('nowhere/acl')]);
    assert.is(code, 1);
    assert.match(err, 'nowhere/acl: ENOENT');
  }),
);
if (reason !== undefined) console.log(`skipped: enrolment at mosquitto: ${reason}`);
else
  files('let the router in whose card it was, by the password that it alone can make', () =>
    withOperator(async (it) => {
      await it.json('broker set --url mqtt://192.0.2.1 --user operator');
      await it.json('keys new anna');
      const { code } = await it.json<{ code: string }>(['enroll', 'new', CARD, '--site', 'elm-street']);
      const router = new MemoryRouter();
      router.clock.bootUnixMs = Date.now();
      new Enrolment(router, '/etc/config', NODE.seed, () => {}).accept(code);
      const { password } = parseConfig(router.text('/etc/config/meshbridge')).brokers[0]!;
      const broker = await Mosquitto.start({ users: {}, config: ['acl_file access'], files: { access: '' } });
      try {
        await it.json(['enroll', 'acl', '--write', broker.path('access')]);
        await it.json(['enroll', 'passwords', '--write', broker.path('passwords')]);
        await broker.restart();
        const session = await Session.open({
          broker: { url: `mqtt://127.0.0.1:${broker.port()}` },
          env: {},
          login: { username: NODE.node, password: password! },
        });
        await session.publish(NODE.topic('status'), NODE.status(), { retain: true });
        const refused = await session
          .publish('mb/1/elm-street/aaaaaaaaaaaaa/status', 'x')
          .catch((error: Error) => error.message);
        assert.match(String(refused), 'not permitted to write mb/1/elm-street/aaaaaaaaaaaaa/status');
        await session.close();
      } finally {
        await broker.stop();
      }
    }),
  );
files.run();
