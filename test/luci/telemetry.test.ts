import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BrokerStatus, BrokerStep, CommandList } from '../../src/api/model.ts';
import { MAX_BROKERS, OPTIONS } from '../../src/config.ts';
import { fillWords } from '../../src/lib/words.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import { BROKER_SENTENCES } from '../../src/source/broker-words.ts';
import { DESKTOP, type Opened, Pages, PHONE, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { HOSTILE, ok } from './made-answer.ts';
import { answer, box, dialog, lead, opener, sectionOf } from './scene.ts';

const NODE = 'k3q2ryv5mzcxa';
const ANNA = 'a1b2c3d4e5f60718'.repeat(4);
const OTTO = '0f1e2d3c4b5a6978'.repeat(4);
const HEAD = `mb/1/elm-street/${NODE}/`;
const TEXT = '{"sid":"abcdefghij23","seq":12,"mono":93784000,"t":1796042000,"clk":"ntp","own":{"uptime_s":93784}}';

function broker(more: Partial<BrokerStatus> = {}): BrokerStatus {
  return {
    name: 'fleet',
    profile: 'fleet',
    endpoint: 'tcp://mqtt.example.org:8883',
    secure: true,
    manage: true,
    interval_s: 300,
    metered: false,
    metrics: ['own', 'yggdrasil', 'uplink', 'radio', 'system', 'internet', 'gateway'],
    send: ['state', 'tele', 'evt', 'alarm', 'log'],
    state: 'up',
    since_s: 93_000,
    ups: 1,
    protocol: 5,
    queued: 0,
    dropped: 0,
    messages: 412,
    bytes: 187_400,
    received: 3,
    unasked: 0,
    sent: [
      { topic: `${HEAD}state`, bytes: TEXT.length, qos: 1, retain: true, age_ms: 4000, text: TEXT },
      { topic: `${HEAD}evt/peer-down`, bytes: 310, qos: 1, retain: false, age_ms: 130_000 },
      { topic: `${HEAD}alarm/mesh`, bytes: 0, qos: 1, retain: true, age_ms: 400_000 },
    ],
    ...more,
  };
}
const HOME = broker({
  name: 'house',
  profile: 'home',
  endpoint: 'tcp://192.168.1.20:1883',
  secure: false,
  manage: false,
  metered: true,
  metrics: ['own', 'system'],
  send: ['state', 'alarm'],
  sent: [],
});
const MANAGEMENT: CommandList = {
  cap: 'operate',
  keys: [{ name: 'anna', id: ANNA.slice(0, 16), scope: 'operate' }],
  commands: [
    { cid: 'c3', by: 'anna', key: ANNA.slice(0, 16), op: 'ping', state: 'done', ago_s: 12 },
    {
      cid: 'c2',
      by: 'anna',
      key: ANNA.slice(0, 16),
      op: 'config_set',
      state: 'rejected',
      code: 'scope',
      error: 'config_set: takes configure, anna has operate',
      ago_s: 3600,
    },
    {
      cid: 'c1',
      key: OTTO.slice(0, 16),
      op: 'trace',
      state: 'failed',
      code: 'failed',
      error: 'no such node',
      ago_s: 86_400,
    },
  ],
  refused: [
    { code: 'unknown-key', count: 12 },
    { code: 'retained', count: 1 },
  ],
};
const NOTHING: CommandList = { cap: 'none', keys: [], commands: [], refused: [] };

function telemetry(brokers: BrokerStatus[], more: object = {}): PageAnswer {
  return ok({
    enabled: true,
    node: NODE,
    key: OTTO,
    site: 'elm-street',
    sid: 'abcdefghij23',
    clock: 'ntp',
    brokers,
    config_errors: [],
    management: MANAGEMENT,
    ...more,
  });
}
const GOOD: Script = { 'meshbridge.telemetry': telemetry([broker(), HOME]) };
const AWAY = broker({
  state: 'waiting',
  last_error: 'connect 192.0.2.7:8883: connection refused',
  queued: 7,
  dropped: 2,
  unasked: 5,
});
const BROKEN: Script = { 'meshbridge.telemetry': telemetry([AWAY, HOME]) };
const EMPTY: Script = {
  'meshbridge.telemetry': ok({ enabled: false, brokers: [], config_errors: [], management: NOTHING }),
};

const CONFIG = `config meshbridge 'main'
	option mqtt '1'
	option site 'elm-street'
	option manage_cap 'operate'

config mqtt 'fleet'
	option url 'mqtts://mqtt.example.org'
	option password 'of this router'
	list pin '${'A'.repeat(43)}='

config mqtt 'house'
	option profile 'home'
	option url 'mqtt://192.168.1.20'
	option metered '1'
	list metrics 'own'
	list metrics 'system'
	list send 'state'
	list send 'alarm'

config key 'anna'
	option public '${ANNA}'
	option scope 'operate'

config key 'otto'
	option public '${OTTO}'
	option scope 'configure'
	option enabled '0'
`;
const NEW = "config meshbridge 'main'\n";
const VIEWER = `
config login
	option username 'viewer'
	option password '$5$'
	list read 'unauthenticated'
	list read 'luci-base'
	list read 'luci-app-meshbridge'
`;
const NEVER = (): Promise<PageAnswer> => new Promise(() => {});

function step(
  name: keyof typeof BROKER_SENTENCES,
  state: BrokerStep['state'],
  words: string,
  values: Record<string, string | number> = {},
): BrokerStep {
  return { step: name, state, sentence: fillWords(words, values), words: { sentence: words }, values };
}

const pages = await Pages.start();
const at = opener(pages, 'telemetry', { visit: { config: { meshbridge: CONFIG } } });

async function press({ page }: Opened, region: string, name: string): Promise<void> {
  const button = page.getByRole('region', { name: region, exact: true }).getByRole('button', { name, exact: true });
  await button.first().click();
}

const page = suite('the page Telemetry');
if (pages) {
  page.after(() => pages.close());
  page(
    'says that it asks, until the daemon has answered',
    at({ 'meshbridge.telemetry': NEVER }, async (opened) => {
      await lead(opened, 'Asking the mesh daemon …');
      assert.is(await opened.page.locator('.mb-body').isVisible(), false);
    }),
  );
  page(
    'shows to whom it reports, what they get, and who may order',
    at(GOOD, async (opened) => {
      await lead(opened, /^This router reports to: fleet, house\.\s*1 key may order something here\.$/);
      const fleet = await box(opened, 'fleet', 'connected');
      assert.match(fleet, /encrypted by TLS/);
      assert.match(fleet, /everything, every 5 minutes/);
      assert.match(fleet, /412 messages sent, 187 kB, 3 received/);
      const house = await box(opened, 'house', 'connected');
      assert.match(house, /whether the mesh works, load, memory, temperature/);
      assert.match(house, /as little as possible/);
      assert.match(house, /none are taken from it/);
      const orders = await box(opened, 'Who may order something here', 'ping');
      assert.match(orders, /You permit at most: operate\./);
      assert.match(orders, /a1b2 c3d4 e5f6 0718/);
      assert.match(orders, /takes configure, anna has operate/);
      assert.match(
        orders,
        /Refused since the daemon started: 12 × not signed by a trusted key, 1 × old, or sent twice\./,
      );
      assert.match(orders, /nothing: it is not in use/);
      await box(opened, 'This router at its brokers', NODE);
      await opened.shoot('telemetry-good-desktop');
    }),
  );
  page(
    'shows what was sent, as it left',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      await opened.page.getByText('The last messages').first().click();
      await opened.page.getByText(/^All measurements · 99 B · 4 seconds ago · the broker keeps it$/).click();
      assert.ok((await box(opened, 'fleet', '"seq":12')).includes(TEXT));
      await opened.page.getByText('Something happened: peer-down').click();
      await box(opened, 'fleet', 'Sent while nobody looked');
      await opened.shoot('telemetry-messages-desktop');
      // names of strangers are in it, too
      const turned = { ...broker().sent[0]!, text: '{"name":"a\u202eb\u2066c\u200dd"}' };
      opened.script = {
        'meshbridge.telemetry': telemetry([broker({ sent: [turned, ...broker().sent.slice(1)] }), HOME]),
      };
      await opened.page.clock.runFor(5000);
      await box(opened, 'fleet', '{"name":"a·b·c·d"}');
      // a new one pushes the others down, and what was opened stays open
      const sent = [
        { topic: `${HEAD}tele`, bytes: 5, qos: 0, retain: false, age_ms: 0, text: '{"a":1}' },
        ...broker().sent,
      ];
      opened.script = { 'meshbridge.telemetry': telemetry([broker({ messages: 413, sent }), HOME]) };
      await opened.page.clock.runFor(5000);
      await opened.page.getByText('Some measurements').waitFor({ timeout: 15_000 });
      const open = await opened.page.locator('.mb-sent details[open] summary').allInnerTexts();
      assert.is(open.length, 2);
      assert.match(open[0]!, /^All measurements/);
    }),
  );
  page(
    'says what leaves the house while it is off: nothing',
    at(
      EMPTY,
      async (opened) => {
        await lead(opened, /^Telemetry is off: nothing leaves this house/);
        await opened.page.getByText('No broker is set up.').waitFor({ timeout: 15_000 });
        await box(opened, 'Who may order something here', 'Nobody: telemetry is off');
        await box(opened, 'Join a neighbourhood', 'Show the card');
        // there is nothing to switch on yet
        assert.is(await opened.page.getByRole('button', { name: 'Switch on' }).isVisible(), false);
        assert.is(await opened.page.getByRole('button', { name: 'Switch off' }).isVisible(), false);
        await opened.shoot('telemetry-empty-desktop');
      },
      DESKTOP,
      { config: { meshbridge: NEW } },
    ),
  );
  page(
    'shows brokers that are set up while it is off',
    at(EMPTY, async (opened) => {
      await box(opened, 'fleet', 'waits until telemetry is switched on');
      await box(opened, 'house', 'mqtt://192.168.1.20');
      opened.script = { 'meshbridge.telemetry': telemetry([broker()]) };
      await opened.page.clock.runFor(5000);
      await box(opened, 'house', 'not in force yet');
    }),
  );
  page(
    'says which broker is not reached, and what to do',
    at(BROKEN, async (opened) => {
      await lead(opened, /^This router does not reach: fleet\.\s*“Test” says at which step it fails/);
      const text = await box(opened, 'fleet', 'not connected');
      assert.match(text, /connection refused/);
      assert.match(text, /7 until it is back, 2 given up/);
      assert.match(text, /3 received, 5 that nobody asked for/);
      await opened.shoot('telemetry-broken-desktop');
    }),
  );
  for (const [what, more, said] of [
    [
      'a broker that needs a person',
      { brokers: [broker({ alarm: 'another router has the id of this one' })] },
      'This broker needs you: fleet.',
    ],
    [
      'mistakes of the options',
      { config_errors: ['meshbridge.fleet.url: expected a host'] },
      /The options have mistakes.*meshbridge\.fleet\.url/s,
    ],
    ['a key that is missing', { brokers: [], problem: 'node.key: not there' }, 'does not work: node.key: not there'],
    ['no broker', { brokers: [] }, 'no broker is in use: nothing leaves this house'],
    ['nobody who may order', { management: { ...MANAGEMENT, cap: 'none' } }, 'Nobody can order anything here.'],
  ] as const)
    page(
      `says in its first sentence: ${what}`,
      at({ 'meshbridge.telemetry': telemetry([broker()], more) }, (opened) => lead(opened, said)),
    );

  // ---  tests, sending

  page(
    'tests a broker, and says at which step it fails',
    at(
      {
        ...BROKEN,
        'meshbridge.broker_test': (args) =>
          args.name === 'fleet'
            ? ok({
                ok: false,
                steps: [
                  step('dns', 'good', BROKER_SENTENCES.dns.found, { host: 'mqtt.example.org', address: '192.0.2.7' }),
                  step('tcp', 'bad', BROKER_SENTENCES.tcp.refused, { place: 'mqtt.example.org:8883' }),
                ],
              })
            : ok({ ok: true, steps: [step('publish', 'good', BROKER_SENTENCES.publish.done, { ms: 12 })] }),
      },
      async (opened) => {
        await box(opened, 'fleet', 'not connected');
        await press(opened, 'fleet', 'Test');
        const text = await box(opened, 'fleet', 'It fails here: Connection.');
        assert.match(text, /mqtt\.example\.org.*192\.0\.2\.7/);
        await press(opened, 'house', 'Test');
        await box(opened, 'house', 'Nothing is wrong with it.');
        await box(opened, 'house', 'A message reached the broker after 12 ms.');
        await opened.shoot('telemetry-test-desktop');
      },
    ),
  );
  page(
    'says why a broker was not tested',
    at(
      { ...GOOD, 'meshbridge.broker_test': { status: 2, reply: { error: 'another broker is being tested' } } },
      async (opened) => {
        await box(opened, 'fleet', 'connected');
        await press(opened, 'fleet', 'Test');
        await box(opened, 'fleet', 'refused: another broker is being tested');
      },
    ),
  );
  page(
    'has everything sent now',
    at({ ...GOOD, 'meshbridge.telemetry_send': ok({ message: 'x' }) }, async (opened) => {
      await box(opened, 'fleet', 'connected');
      await opened.page.getByRole('button', { name: 'Measure and send now' }).click();
      await opened.page.getByText('It shows below in some seconds.').waitFor({ timeout: 15_000 });
      assert.ok(opened.calls.includes('meshbridge.telemetry_send'));
    }),
  );

  // ---  options

  page(
    'adds a broker',
    at(
      EMPTY,
      async (opened) => {
        await opened.page.getByRole('button', { name: 'Add a broker' }).click();
        const form = dialog(opened);
        await form.waitFor();
        await opened.shoot('telemetry-broker-dialog');
        await answer(opened, 'Save and apply');
        const focused = await opened.page.evaluate('document.activeElement.id');
        assert.is(
          await form.getByLabel('Name', { exact: true }).getAttribute('id'),
          focused,
          '~> the first that does not fit',
        );
        await form.getByLabel('Name', { exact: true }).fill('fleet');
        await form.getByLabel('Address').fill('mqtts://mqtt.example.org');
        await answer(opened, 'Save and apply');
        await form.getByText('The broker of a fleet needs it.').waitFor({ timeout: 15_000 });
        await form.getByLabel('Neighbourhood').fill('elm-street');
        await form.getByLabel('Wi-Fi').uncheck();
        await answer(opened, 'Save and apply');
        assert.equal(await sectionOf(opened, 'fleet', /config mqtt/), {
          url: 'mqtts://mqtt.example.org',
          metrics: ['own', 'yggdrasil', 'uplink', 'system', 'internet'],
        });
        assert.equal(await sectionOf(opened, 'main', /site/), { site: 'elm-street' });
      },
      DESKTOP,
      { config: { meshbridge: NEW } },
    ),
  );
  page(
    'changes a broker, and leaves what is as usual out',
    at(GOOD, async (opened) => {
      await box(opened, 'house', 'connected');
      await press(opened, 'house', 'Change');
      const form = dialog(opened);
      await form.getByLabel('Peers and traffic', { exact: false }).check();
      await form.getByLabel('Send as little as possible').uncheck();
      await form.getByText('More', { exact: true }).click();
      await form.getByLabel('Tell Home Assistant').check();
      await form.getByLabel('Send every').fill('60');
      await form.getByLabel('Keys that the broker may have').fill(`${'B'.repeat(43)}=\n ${'C'.repeat(43)}=`);
      await opened.shoot('telemetry-change-dialog');
      await answer(opened, 'Save and apply');
      assert.equal(await sectionOf(opened, 'house', /discovery/), {
        profile: 'home',
        url: 'mqtt://192.168.1.20',
        metrics: ['own', 'yggdrasil', 'system'],
        send: ['state', 'alarm'],
        discovery: '1',
        interval: '60',
        pin: [`${'B'.repeat(43)}=`, `${'C'.repeat(43)}=`],
      });
      assert.equal(await sectionOf(opened, 'fleet', /./), {
        url: 'mqtts://mqtt.example.org',
        password: 'of this router',
        pin: [`${'A'.repeat(43)}=`],
      });
    }),
  );
  for (const [word, shown, kept] of [
    ['no', '0', '0'],
    ['off', '0', '0'],
    ['on', '1', '1'],
    ['maybe', '0', '0'],
    [undefined, '', undefined],
  ] as const)
    page(
      `leaves commands as they are: ${word ?? 'not said'}`,
      at(
        GOOD,
        async (opened) => {
          await box(opened, 'fleet', 'connected');
          await press(opened, 'fleet', 'Change');
          assert.is(await dialog(opened).getByLabel('Take signed commands from it').inputValue(), shown);
          await dialog(opened).getByLabel('User name').fill('me');
          await answer(opened, 'Save and apply');
          assert.is((await sectionOf(opened, 'fleet', /username 'me'/))?.manage, kept);
        },
        DESKTOP,
        {
          config: {
            meshbridge: word ? CONFIG.replace("'mqtts://mqtt.example.org'", `$&\n\toption manage '${word}'`) : CONFIG,
          },
        },
      ),
    );
  page(
    'changes what is there by now, not what was there when it was drawn',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      opened.setConfig('meshbridge', CONFIG.replace('mqtts://mqtt.example.org', 'mqtts://b.example'));
      await press(opened, 'fleet', 'Change');
      assert.is(await dialog(opened).getByLabel('Address').inputValue(), 'mqtts://b.example');
      await dialog(opened).getByLabel('User name').fill('me');
      await answer(opened, 'Save and apply');
      assert.is((await sectionOf(opened, 'fleet', /username 'me'/))?.url, 'mqtts://b.example');
    }),
  );
  page(
    'says that what shall be changed is not there any more',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      const without = CONFIG.slice(0, CONFIG.indexOf("config key 'anna'"));
      opened.setConfig('meshbridge', without);
      await press(opened, 'Who may order something here', 'Change');
      await dialog(opened).getByText('“anna” was taken away meanwhile.').waitFor({ timeout: 15_000 });
      await answer(opened, 'Cancel');
      assert.is(opened.config('meshbridge'), without);
    }),
  );
  page(
    'wants one thing at least that a broker gets',
    at(GOOD, async (opened) => {
      await box(opened, 'house', 'connected');
      await press(opened, 'house', 'Change');
      await dialog(opened).getByLabel('whether the mesh works').uncheck();
      await dialog(opened).getByLabel('load, memory').uncheck();
      await answer(opened, 'Save and apply');
      await dialog(opened).getByText('Tick one at least.').waitFor({ timeout: 15_000 });
    }),
  );
  page(
    'removes a broker, after it said what that means',
    at(GOOD, async (opened) => {
      await box(opened, 'house', 'connected');
      await press(opened, 'house', 'Remove');
      await dialog(opened).getByText('Nothing is sent to it any more').waitFor();
      assert.match(opened.config('meshbridge'), /config mqtt 'house'/);
      await answer(opened, 'Remove');
      assert.is(await sectionOf(opened, 'house', /^(?![\s\S]*config mqtt 'house')/), undefined);
    }),
  );
  page(
    'takes as many brokers as the daemon',
    at(GOOD, async (opened) => {
      await box(opened, 'house', 'connected');
      assert.is(await opened.page.getByRole('button', { name: 'Add a broker' }).isVisible(), false);
      assert.is(MAX_BROKERS, 2);
    }),
  );
  page(
    'switches off, after it said what that means',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      await opened.page.getByRole('button', { name: 'Switch off' }).click();
      await dialog(opened).getByText('Nothing is told and nothing is taken any more.').waitFor();
      await answer(opened, 'Switch off');
      assert.equal(await sectionOf(opened, 'main', /^(?![\s\S]*option mqtt)/), {
        site: 'elm-street',
        manage_cap: 'operate',
      });
    }),
  );
  page(
    'switches on, and asks for the neighbourhood where a fleet needs it',
    at(
      EMPTY,
      async (opened) => {
        await box(opened, 'fleet', 'waits until');
        await opened.page.getByRole('button', { name: 'Switch on' }).click();
        await dialog(opened).getByLabel('Neighbourhood').fill('');
        await answer(opened, 'Switch on');
        await dialog(opened).getByText('The broker of a fleet needs it.').waitFor({ timeout: 15_000 });
        await dialog(opened).getByLabel('Neighbourhood').fill('Elm Street');
        await answer(opened, 'Switch on');
        assert.is(await dialog(opened).locator('[aria-invalid=true]').count(), 1);
        await dialog(opened).getByLabel('Neighbourhood').fill('oak');
        await answer(opened, 'Switch on');
        assert.equal(await sectionOf(opened, 'main', /option mqtt '1'/), {
          site: 'oak',
          manage_cap: 'operate',
          mqtt: '1',
        });
      },
      DESKTOP,
      { config: { meshbridge: CONFIG.replace("\toption mqtt '1'\n", '') } },
    ),
  );
  page(
    'changes the limit',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      await press(opened, 'Who may order something here', 'Change the limit');
      await dialog(opened).waitFor();
      await opened.shoot('telemetry-limit-dialog');
      await dialog(opened).getByLabel('At most').selectOption('observe');
      await answer(opened, 'Save and apply');
      assert.is((await sectionOf(opened, 'main', /observe/))?.manage_cap, 'observe');
    }),
  );
  page(
    'trusts a key, once, and no other text',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      await press(opened, 'Who may order something here', 'Trust a key');
      const form = dialog(opened);
      await form.getByLabel('Name').fill('otto');
      for (const [text, said] of [
        [ANNA, 'There is something of this name already.'],
        [ANNA, 'This key is there already.'],
        [ANNA.toUpperCase(), '64 digits'],
      ] as const) {
        await form.getByLabel('Public key').fill(text);
        await answer(opened, 'Save and apply');
        await form.locator('.mb-error', { hasText: said }).waitFor({ timeout: 15_000 });
        await form.getByLabel('Name').fill('berta');
      }
      await form.getByLabel('Public key').fill(OTTO.replace('0f', 'f0'));
      await form.getByLabel('May').selectOption('diagnose');
      await answer(opened, 'Save and apply');
      assert.equal(await sectionOf(opened, 'berta', /berta/), { public: OTTO.replace('0f', 'f0'), scope: 'diagnose' });
    }),
  );
  page(
    'takes a key out of use, and removes one',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      await press(opened, 'Who may order something here', 'Change');
      await dialog(opened).getByLabel('In use').uncheck();
      await answer(opened, 'Save and apply');
      assert.is((await sectionOf(opened, 'anna', /operate'\n\toption enabled '0'/))?.enabled, '0');
      await opened.page.waitForLoadState();
      await box(opened, 'Who may order something here', 'anna');
    }),
  );
  /** Texts that the page must take or mark as the daemon does. */
  const TEXTS: [label: string, option: keyof typeof OPTIONS.mqtt, texts: string[]][] = [
    [
      'Address',
      'url',
      [
        'mqtt://a',
        'mqtts://a.example:8883',
        'mqtts://[200:db8::1]',
        'mqtts://[200:db8::1]:1/',
        'unix:///run/x',
        'http://a',
        'mqtt://',
        'mqtt://a/b',
        'mqtt://user:secret@a',
        'MQTT://a',
        'mqtts://A.Example',
        'mqtt://a:0',
        'mqtt://a:65535',
        'mqtt://a:65536',
        'mqtt://a..b',
        'mqtt://[1]',
        'mqtt://[fe80::1%lan]',
        'unix://run/x',
        'unix:///run/x@y',
        `unix:///${'ü'.repeat(53)}`,
        `unix:///${'ü'.repeat(54)}`,
        'a',
        '',
      ],
    ],
    ['Send every', 'interval', ['60', '3600', '59', '3601', '1e2', 'x']],
    ['Keys that the broker may have', 'pin', ['', `${'A'.repeat(43)}=`, 'A', `${'A'.repeat(44)}`]],
    ['Name in its certificate', 'server_name', ['', 'a.example', '-a', 'a b']],
    ['File of the authorities', 'ca_file', ['', '/etc/x', 'x', '/']],
  ];
  page(
    'takes what the daemon takes, and marks the rest',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      await press(opened, 'fleet', 'Change');
      const form = dialog(opened);
      await form.getByText('More', { exact: true }).click();
      // nothing is saved by what is tried here
      await form.getByLabel('Neighbourhood').fill('');
      for (const [label, option, texts] of TEXTS) {
        const input = form.getByLabel(label);
        const before = await input.inputValue();
        for (const text of texts) {
          await input.fill(text);
          await answer(opened, 'Save and apply');
          const spec = OPTIONS.mqtt[option] as { read(text: string): object | undefined; items?: unknown };
          const taken = (spec.items && text === '') || 'value' in (spec.read(text) ?? {});
          assert.is(await input.getAttribute('aria-invalid'), String(!taken), `~> ${option}: ${JSON.stringify(text)}`);
        }
        await input.fill(before);
      }
      assert.is(opened.config('meshbridge'), CONFIG);
    }),
  );
  page(
    'has a field for every option of a broker and a key',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      await press(opened, 'fleet', 'Change');
      // profile, site, manage; url, user, password, interval, 4 of certificates, pins; 4 flags; 7 groups, 5 topics
      const fields = dialog(opened).locator('input, select, textarea');
      await fields.first().waitFor();
      const lists = 7 + 5 - 2;
      const { length } = Object.keys(OPTIONS.mqtt);
      assert.is(await fields.count(), length + lists + 1);
      await opened.page.keyboard.press('Escape');
      await press(opened, 'Who may order something here', 'Change');
      await dialog(opened).getByLabel('Public key').waitFor();
      assert.is(await dialog(opened).locator('input, select').count(), Object.keys(OPTIONS.key).length);
    }),
  );

  // ---  joining

  const CODE = `mbcode${'abcdefgh'.repeat(40)}`;
  const PROPOSAL = {
    node: NODE,
    key: OTTO,
    site: 'elm-street',
    url: 'mqtts://mqtt.example.org',
    keys: [
      { name: 'anna', public: ANNA, scope: 'operate' },
      { name: 'otto', public: OTTO, scope: 'configure' },
    ],
    cap: 'operate',
    expires_at: 1_796_647_200,
  };
  page(
    'joins a neighbourhood: card, code, what it would do, a lower limit',
    at(
      EMPTY,
      async (opened) => {
        const sent: unknown[] = [];
        const card = `mbcard${'qrst2345'.repeat(34)}`;
        opened.script = {
          ...EMPTY,
          'meshbridge.helper.enroll_card': ok({ node: NODE, key: OTTO, card }),
          'meshbridge.helper.enroll_check': ok(PROPOSAL),
          'meshbridge.helper.enroll': (args) => {
            sent.push(args);
            opened.script = { ...opened.script, ...GOOD };
            return ok({ node: NODE, key: OTTO });
          },
          'meshbridge.reload': ok({ message: 'x' }),
        };
        await box(opened, 'Join a neighbourhood', 'Show the card');
        await press(opened, 'Join a neighbourhood', 'Show the card');
        assert.ok((await box(opened, 'Join a neighbourhood', 'mbcard')).includes(card));
        await press(opened, 'Join a neighbourhood', 'Look at the code');
        await box(opened, 'Join a neighbourhood', 'Paste the code first.');
        await opened.page.getByLabel('Code of the operator').fill(`${CODE}\n`);
        await press(opened, 'Join a neighbourhood', 'Look at the code');
        await dialog(opened).waitFor({ timeout: 15_000 });
        const told = await dialog(opened).innerText();
        for (const text of [
          'elm-street',
          'mqtts://mqtt.example.org',
          NODE,
          'a1b2 c3d4 e5f6 0718',
          '0f1e 2d3c',
          'may: change the configuration',
        ])
          assert.ok(told.includes(text), `~> ${text} in ${told}`);
        const limits = dialog(opened).getByLabel('You permit at most');
        assert.is(await limits.inputValue(), 'operate');
        assert.equal(await limits.locator('option').evaluateAll((all) => all.map((one) => one.getAttribute('value'))), [
          'none',
          'observe',
          'diagnose',
          'operate',
        ]);
        await limits.selectOption('diagnose');
        await opened.shoot('telemetry-join-dialog');
        assert.equal(sent, []);
        await answer(opened, 'Join');
        await box(opened, 'Join a neighbourhood', 'This router has joined “elm-street”.');
        assert.equal(sent, [{ code: CODE, cap: 'diagnose' }]);
        assert.ok(opened.calls.includes('meshbridge.reload'));
        await lead(opened, 'This router reports to');
      },
      DESKTOP,
      { config: { meshbridge: NEW } },
    ),
  );
  page(
    'says what is wrong with a code, and does nothing',
    at(
      {
        ...EMPTY,
        'meshbridge.helper.enroll_check': ok({
          error: `code: it is for the router x, this one is ${NODE}`,
          field: 'code',
        }),
      },
      async (opened) => {
        await box(opened, 'Join a neighbourhood', 'Show the card');
        await opened.page.getByLabel('Code of the operator').fill('mbcodex');
        await press(opened, 'Join a neighbourhood', 'Look at the code');
        await box(opened, 'Join a neighbourhood', 'refused: code: it is for the router x');
        assert.is(await dialog(opened).count(), 0);
        assert.not.ok(opened.calls.includes('meshbridge.helper.enroll'));
      },
    ),
  );

  // ---  rights, failures, hostile texts

  page(
    'lets a login that may only look see all, and change nothing',
    at(
      GOOD,
      async (opened) => {
        await box(opened, 'fleet', 'connected');
        await box(opened, 'Who may order something here', 'a1b2 c3d4 e5f6 0718');
        const buttons = await opened.page.locator('.mb-page').getByRole('button').allInnerTexts();
        assert.equal(buttons, ['Copy', 'Copy']);
        await opened.page.getByText('You may look, but change nothing here').waitFor({ timeout: 15_000 });
        assert.not.ok(opened.calls.includes('uci.get'), '~> passwords are none of its business');
        await opened.shoot('telemetry-viewer-desktop');
      },
      DESKTOP,
      { as: 'viewer', config: { meshbridge: CONFIG, rpcd: VIEWER } },
    ),
  );
  page(
    'says what failed, and shows nothing old',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'connected');
      opened.script = {};
      await opened.page.clock.runFor(5000);
      await lead(opened, /^The mesh daemon is not running\./);
      assert.is(await opened.page.getByRole('region', { name: 'fleet' }).isVisible(), false);
      opened.script = GOOD;
      await opened.page.clock.runFor(5000);
      await box(opened, 'fleet', 'connected');
    }),
  );
  page(
    'says when it does not understand the daemon',
    at({ 'meshbridge.telemetry': ok({ enabled: true, brokers: [] }) }, (opened) =>
      lead(opened, 'in a way that this page does not understand'),
    ),
  );
  page(
    'shows the rest where there is no file of options',
    at(
      GOOD,
      async (opened) => {
        await box(opened, 'fleet', 'connected');
        await opened.page.getByText('What the configuration says is not known').waitFor({ timeout: 15_000 });
        assert.is(await opened.page.getByRole('button', { name: 'Change', exact: true }).count(), 0);
      },
      DESKTOP,
      { config: {} },
    ),
  );
  page(
    'is drawn after two requests, and asks once every five seconds',
    at(GOOD, async (opened) => {
      await box(opened, 'fleet', 'Change');
      assert.ok(opened.requests <= 2, `~> ${opened.requests}`);
      await opened.stopClock();
      await opened.answered(opened.requests);
      opened.calls.length = 0;
      for (let i = 0; i < 3; i++) {
        const { finished } = opened;
        await opened.page.clock.runFor(5000);
        await opened.page.clock.runFor(50); // LuCI sends calls with the next frame
        await opened.answered(finished + 1);
      }
      assert.equal(opened.calls, Array(3).fill('meshbridge.telemetry'));
    }),
  );

  const hostile: Script = {
    'meshbridge.telemetry': telemetry(
      [
        broker({
          name: HOSTILE,
          profile: HOSTILE,
          endpoint: HOSTILE,
          state: HOSTILE,
          last_error: HOSTILE,
          alarm: HOSTILE,
          metrics: [HOSTILE],
          send: ['constructor'],
          sent: [
            { topic: HOSTILE, bytes: 5, qos: 1, retain: true, age_ms: 0, text: HOSTILE },
            { topic: `a/b/c/d/constructor/${HOSTILE}`, bytes: 5, qos: 1, retain: true, age_ms: 0, text: HOSTILE },
          ],
        }),
      ],
      {
        site: HOSTILE,
        node: HOSTILE,
        clock: 'constructor',
        config_errors: [HOSTILE],
        management: {
          cap: HOSTILE,
          keys: [{ name: HOSTILE, id: HOSTILE, scope: HOSTILE }],
          commands: [
            { cid: HOSTILE, by: HOSTILE, key: HOSTILE, op: HOSTILE, state: HOSTILE, error: HOSTILE, ago_s: 1 },
          ],
          refused: [{ code: HOSTILE, count: 1 }],
        },
      },
    ),
    'meshbridge.broker_test': ok({
      ok: false,
      steps: [
        {
          step: HOSTILE,
          state: 'bad',
          sentence: HOSTILE,
          words: { sentence: `${HOSTILE}{a}` },
          values: { a: HOSTILE },
        },
      ],
    }),
    'meshbridge.helper.enroll_card': ok({ node: HOSTILE, key: HOSTILE, card: HOSTILE }),
    'meshbridge.helper.enroll_check': ok({
      ...PROPOSAL,
      site: HOSTILE,
      url: HOSTILE,
      node: HOSTILE,
      cap: HOSTILE,
      keys: [{ name: HOSTILE, public: HOSTILE, scope: HOSTILE }],
    }),
  };
  page(
    'runs nothing of what brokers, commands and codes hold',
    at(
      hostile,
      async (opened) => {
        await lead(opened, 'onerror');
        await opened.page.getByText('The last messages').locator('visible=true').click();
        await opened.page.locator('.mb-sent summary').first().click();
        await opened.page.getByRole('button', { name: 'Test', exact: true }).click();
        await opened.page.getByText('It fails here').waitFor({ timeout: 15_000 });
        await press(opened, 'Join a neighbourhood', 'Show the card');
        await box(opened, 'Join a neighbourhood', 'onerror');
        await opened.page.getByLabel('Code of the operator').fill('x');
        await press(opened, 'Join a neighbourhood', 'Look at the code');
        await dialog(opened).getByText('onerror').first().waitFor({ timeout: 15_000 });
        assert.equal(
          await dialog(opened).locator('option').allInnerTexts(),
          ['nothing'],
          '~> an unknown limit is none',
        );
        assert.is(await opened.page.locator('#view img, #view script, dialog img').count(), 0);
        assert.is(await opened.page.evaluate('window.harmed'), undefined);
        assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), DESKTOP.width);
        await opened.shoot('telemetry-hostile-desktop');
      },
      DESKTOP,
      {
        config: {
          meshbridge: `${NEW}\nconfig mqtt 'x'\n\toption url '${HOSTILE}'\n\toption enabled '0'\n\nconfig key 'y'\n\toption public '${HOSTILE}'\n\toption scope 'constructor'\n`,
        },
      },
    ),
  );

  for (const [name, script] of Object.entries({ good: GOOD, broken: BROKEN, hostile }))
    page(
      `fits a phone, dark: ${name}`,
      at(
        script,
        async (opened) => {
          await opened.page.getByRole('button', { name: 'Test', exact: true }).first().waitFor({ timeout: 15_000 });
          await box(opened, 'Join a neighbourhood', 'Show the card');
          assert.is(
            await opened.page.evaluate('document.documentElement.scrollWidth'),
            PHONE.width,
            '~> it scrolls sideways',
          );
          await opened.shoot(`telemetry-${name}-phone-dark`);
        },
        { ...PHONE, theme: 'dark' },
      ),
    );
  page(
    'fits a phone with messages and a dialog open',
    at(
      GOOD,
      async (opened) => {
        await box(opened, 'fleet', 'connected');
        await opened.page.getByText('The last messages').first().click();
        await opened.page.locator('.mb-sent summary').first().click();
        assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), PHONE.width);
        await opened.shoot('telemetry-messages-phone');
        await press(opened, 'fleet', 'Change');
        await dialog(opened).getByLabel('Address').waitFor();
        assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), PHONE.width);
        await opened.shoot('telemetry-broker-phone');
      },
      PHONE,
    ),
  );
  for (const theme of ['light', 'dark'] as const)
    page(
      `is readable: ${theme}`,
      at(
        BROKEN,
        async (opened) => {
          await box(opened, 'fleet', 'Change');
          await opened.page.getByText('The last messages').first().click();
          assert.equal(await opened.page.evaluate(WEAK_TEXTS), []);
        },
        { ...DESKTOP, theme },
      ),
    );
}
page.run();
