import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Finding, InterfaceStatus, LinkStatus } from '../../src/api/model.ts';
import type { PageAnswer } from '../../src/dev/page-host/ubus.ts';
import { DESKTOP, type Opened, Pages, PHONE, type Screen, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';

const KEY = 'd91b81ea43a8bd6b1ef7bfcbf6a3c8d2d91b81ea43a8bd6b1ef7bfcbf6a3c8d2';
const HOSTILE = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>%s%d&amp;';

const INTERFACE: InterfaceStatus = {
  interface: 'ygg0',
  connected: true,
  found_by: 'netifd',
  build_version: '0.5.12',
  key: KEY,
  address: '200:4dc8:fc2b:78ae:8529:c210:8068:12b8',
  peers_up: 3,
  peers_total: 4,
};
const LINKS: LinkStatus[] = [
  { name: 'ubus', endpoint: 'unix:/var/run/ubus/ubus.sock', state: 'up', since_s: 93_784, ups: 1 },
  { name: 'yggdrasil.ygg0', endpoint: 'unix:/tmp/yggdrasil/ygg0.sock', state: 'up', since_s: 59, ups: 2 },
];
const FINDING: Finding = {
  id: 'empty_private_key',
  level: 'error',
  option: 'network.ygg0.private_key',
  what: 'The interface ygg0 has no private key.',
  why: 'It gets a new identity and address at every start, and whoever knows the old one loses it.',
  fix: 'Make a key and store it in this option.',
  words: { what: '', why: '', fix: '' },
  values: {},
  fixable: false,
};

function status(interfaces: InterfaceStatus[], links = LINKS, config_errors: string[] = []): PageAnswer {
  const reply = { version: '0.1.0', uptime_s: 93_784, log_level: 'info', config_errors, links, interfaces };
  return { status: 0, reply };
}
function lint(...findings: Finding[]): PageAnswer {
  return { status: 0, reply: { findings } };
}

const GOOD: Script = { 'meshbridge.status': status([INTERFACE]), 'meshbridge.lint': lint() };
const BROKEN: Script = {
  'meshbridge.status': status(
    [
      {
        interface: 'ygg0',
        connected: false,
        found_by: 'config',
        problem: 'connect /tmp/yggdrasil/ygg0.sock: No such file',
      },
      { ...INTERFACE, interface: 'ygg1', peers_up: 0, peers_total: 2 },
    ],
    [
      LINKS[0]!,
      {
        name: 'yggdrasil.ygg0',
        endpoint: 'unix:/tmp/yggdrasil/ygg0.sock',
        state: 'waiting',
        since_s: 12,
        ups: 0,
        last_error: 'connect /tmp/yggdrasil/ygg0.sock: No such file or directory',
      },
    ],
    ["meshbridge.daemon.log_level: expected error, warn, info or debug, got 'loud'"],
  ),
  'meshbridge.lint': lint(FINDING, { ...FINDING, level: 'warning', what: 'Node info is 14 KB, at most 16 KB pass.' }),
};
const FOCUSED = 'document.activeElement.textContent';
const NEVER = (): Promise<PageAnswer> => new Promise(() => {});

const pages = await Pages.start();

async function lead({ page }: Opened, text: RegExp): Promise<void> {
  await page.locator('.mb-lead', { hasText: text }).waitFor({ timeout: 5000 });
}

function at(script: Script, work: (opened: Opened) => Promise<void>, screen: Screen = DESKTOP): () => Promise<void> {
  return async () => {
    await pages!.show('admin/mesh/status', screen, script, async (opened) => {
      await work(opened);
      assert.equal(opened.faults, []);
    });
  };
}

const page = suite('the page Status');
if (pages) {
  page.after(() => pages.close());
  page(
    'says that it asks, until the daemon has answered',
    at({ 'meshbridge.status': NEVER, 'meshbridge.lint': NEVER }, async (opened) => {
      await lead(opened, /^Asking the mesh daemon …$/);
      assert.is(await opened.page.locator('h3', { hasText: 'Yggdrasil interfaces' }).isVisible(), false);
      assert.match(await opened.page.locator('.mb-page').innerText(), /Checking the configuration …/);
    }),
  );
  page(
    'shows a mesh that works',
    at(GOOD, async (opened) => {
      await lead(opened, /^The mesh works: 3 of 4 peers are up\.$/);
      const rows = await opened.page.getByRole('row').allInnerTexts();
      assert.equal(
        rows.map((row) => row.split('\t').map((cell) => cell.trim())),
        [
          ['Interface', 'State', 'Peers', 'Address', 'Version', 'What is wrong'],
          ['ygg0', 'running', '3 of 4 up', INTERFACE.address, '0.5.12', ''],
          ['Connection', 'State', 'For', 'To', 'Last error'],
          ['ubus', 'connected', '1d 2h 3m 4s', 'unix:/var/run/ubus/ubus.sock', ''],
          ['yggdrasil.ygg0', 'connected', '0h 0m 59s', 'unix:/tmp/yggdrasil/ygg0.sock', ''],
        ],
      );
      assert.match(await opened.page.locator('.mb-page').innerText(), /Nothing unsafe was found\./);
      assert.match(await opened.page.locator('.mb-page').innerText(), /meshbridge 0\.1\.0, running for 1d 2h 3m 4s/);
      await opened.shoot('status-good-desktop');
    }),
  );
  page(
    'shows what is broken, and what to do',
    at(BROKEN, async (opened) => {
      await lead(opened, /ygg0: Yggdrasil does not answer: connect .*: No such file/);
      await lead(opened, /Is the interface up\? See Network → Interfaces\./);
      const text = await opened.page.locator('.mb-page').innerText();
      assert.match(text, /ygg1: Yggdrasil runs, but none of its 2 peers can be reached\./);
      assert.match(text, /waiting to try again/);
      assert.match(text, /meshbridge\.daemon\.log_level: expected error, warn, info or debug, got 'loud'/);
      assert.match(text, /Unsafe or broken: The interface ygg0 has no private key\./);
      assert.match(text, /Make a key and store it in this option\.\s+network\.ygg0\.private_key/);
      await opened.shoot('status-broken-desktop');
    }),
  );

  const FAILURES: [string, PageAnswer, RegExp][] = [
    ['is not on the bus', 'absent', /^The mesh daemon is not running\.\s+Start “meshbridge” under System → Startup\./],
    ['left the bus meanwhile', { status: 4 }, /^The mesh daemon is not running\./],
    ['is out of bounds for this login', 'denied', /^You are not allowed to see this\.\s+Log in as root, or ask for/],
    ['denies the call', { status: 6 }, /^You are not allowed to see this\./],
    ['does not answer in time', { status: 7 }, /^The mesh daemon does not answer\./],
    ['does not know the method', { status: 3 }, /^The mesh daemon does not know this question\.\s+It is older/],
    [
      'refuses',
      { status: 9 },
      /^The mesh daemon refused: RPC call to meshbridge\/status failed with ubus code 9: [^\n]*\n/,
    ],
    [
      'says why it refuses',
      { status: 4, reply: { error: 'interface: no Yggdrasil interface was found', field: 'interface' } },
      /^The mesh daemon refused: interface: no Yggdrasil interface was found\n/,
    ],
    ['answers something else', { status: 0, reply: {} }, /^The mesh daemon answers in a way that this page does not/],
    ['answers nothing', { status: 0 }, /^The mesh daemon answers in a way that this page does not/],
  ];
  for (const [what, answer, text] of FAILURES)
    page(
      `says so when the daemon ${what}`,
      at({ 'meshbridge.status': answer, 'meshbridge.lint': answer }, async (opened) => {
        await lead(opened, /\./);
        const shown = await opened.page.locator('.mb-lead').innerText();
        assert.match(shown, text);
        assert.is(await opened.page.locator('h3', { hasText: 'Yggdrasil interfaces' }).isVisible(), false);
        await opened.page.getByText('The configuration was not checked.').waitFor({ timeout: 5000 });
      }),
    );
  page(
    'says so when the router is gone, and recovers when it is back',
    at(GOOD, async (opened) => {
      await lead(opened, /^The mesh works/);
      await opened.page.route('**/ubus/**', (route) => route.abort());
      await opened.page.clock.runFor(5000);
      await lead(opened, /^The router does not answer: /);
      assert.is(await opened.page.locator('h3', { hasText: 'Yggdrasil interfaces' }).isVisible(), false);
      await opened.page.unroute('**/ubus/**');
      await opened.page.clock.runFor(5000);
      await lead(opened, /^The mesh works/);
      assert.is(await opened.page.locator('h3', { hasText: 'Yggdrasil interfaces' }).isVisible(), true);
    }),
  );
  page(
    'recovers when the daemon is started',
    at({ 'meshbridge.lint': lint() }, async (opened) => {
      await lead(opened, /^The mesh daemon is not running/);
      opened.script = GOOD;
      await opened.page.clock.runFor(5000);
      await lead(opened, /^The mesh works/);
    }),
  );

  page(
    'needs two requests at first, and one call each five seconds',
    at(GOOD, async (opened) => {
      await lead(opened, /^The mesh works/);
      await opened.page.getByText('Nothing unsafe was found.').waitFor({ timeout: 5000 });
      assert.ok(opened.requests <= 2, `~> ${opened.requests} requests`);
      await opened.stopClock();
      await opened.answered(opened.requests);
      opened.calls.length = 0;
      for (let i = 0; i < 4; i++) {
        const { finished } = opened;
        await opened.page.clock.runFor(5000);
        await opened.page.clock.runFor(50); // LuCI sends calls with the next frame
        await opened.answered(finished + 1);
      }
      assert.equal(opened.calls, Array(4).fill('meshbridge.status'));
    }),
  );
  page(
    'asks for nothing more while an answer is due',
    at({ ...GOOD, 'meshbridge.status': NEVER }, async (opened) => {
      await opened.page.getByText('Nothing unsafe was found.').waitFor({ timeout: 5000 });
      await opened.page.clock.runFor(15_000);
      assert.equal(opened.calls.filter((name) => name === 'meshbridge.status').length, 1);
    }),
  );
  page(
    'changes what is new and leaves the rest, focus too',
    at(GOOD, async (opened) => {
      await lead(opened, /3 of 4/);
      const row = opened.page.getByRole('row', { name: 'ygg0 running' });
      await row.evaluate((element) => Object.assign(element, { mine: true }));
      await opened.page.getByRole('button', { name: 'Check again' }).focus();
      const second = { ...INTERFACE, interface: 'mesh', peers_up: 1, peers_total: 1 };
      opened.script = { ...GOOD, 'meshbridge.status': status([second, { ...INTERFACE, peers_up: 4 }]) };
      await opened.page.clock.runFor(5000);
      await lead(opened, /5 of 5/);
      const rows = opened.page.getByRole('table', { name: 'Yggdrasil interfaces' }).locator('tbody').getByRole('row');
      assert.equal(
        (await rows.allInnerTexts()).map((text) => text.split(/\s/)[0]),
        ['mesh', 'ygg0'],
      );
      const marks = await rows.evaluateAll((elements) => elements.map((element) => 'mine' in element));
      assert.equal(marks, [false, true]);
      assert.is(await opened.page.evaluate(FOCUSED), 'Check again');
      opened.script = GOOD;
      await opened.page.clock.runFor(5000);
      await lead(opened, /3 of 4/);
      assert.is(await rows.count(), 1);
    }),
  );
  page(
    'checks the configuration again by keyboard',
    at(GOOD, async (opened) => {
      await opened.page.getByText('Nothing unsafe was found.').waitFor({ timeout: 5000 });
      opened.script = BROKEN;
      const focused = (): Promise<unknown> => opened.page.evaluate(FOCUSED);
      for (let i = 0; i < 30 && (await focused()) !== 'Check again'; i++) await opened.page.keyboard.press('Tab');
      await opened.page.keyboard.press('Enter');
      await opened.page.getByText('The interface ygg0 has no private key.').waitFor({ timeout: 5000 });
      assert.is(await focused(), 'Check again', '~> the focus is lost');
    }),
  );

  const hostile: Script = {
    'meshbridge.status': status(
      [
        {
          ...INTERFACE,
          interface: HOSTILE,
          connected: false,
          problem: HOSTILE,
          build_version: HOSTILE,
          address: HOSTILE,
        },
      ],
      [{ name: HOSTILE, endpoint: HOSTILE, state: HOSTILE, since_s: 1, ups: 1, last_error: HOSTILE.repeat(20) }],
      [HOSTILE],
    ),
    'meshbridge.lint': lint({ id: HOSTILE, level: 'note', option: HOSTILE, what: HOSTILE, why: HOSTILE, fix: HOSTILE }),
  };
  page(
    'runs nothing of what names and errors hold',
    at(hostile, async (opened) => {
      await lead(opened, /onerror/);
      await opened.page.locator('li.mb-note').waitFor({ timeout: 5000 });
      assert.is(await opened.page.locator('#view img, #view script').count(), 0);
      assert.is(await opened.page.evaluate('window.harmed'), undefined);
      const text = await opened.page.locator('.mb-page').innerText();
      assert.is(text.split(HOSTILE).length - 1, 35);
    }),
  );

  for (const [name, script] of Object.entries({ good: GOOD, broken: BROKEN, hostile }))
    page(
      `fits a phone, dark: ${name}`,
      at(
        script,
        async (opened) => {
          await lead(opened, /Yggdrasil|mesh works/);
          await opened.page.locator('li.mb-note, :text("Nothing unsafe")').first().waitFor({ timeout: 5000 });
          const width = await opened.page.evaluate('document.documentElement.scrollWidth');
          assert.is(width, PHONE.width, '~> it scrolls sideways');
          await opened.shoot(`status-${name}-phone-dark`);
        },
        { ...PHONE, theme: 'dark' },
      ),
    );
  for (const theme of ['light', 'dark'] as const)
    page(
      `is readable: ${theme}`,
      at(
        BROKEN,
        async (opened) => {
          await opened.page.locator('li.mb-note').first().waitFor({ timeout: 5000 });
          await lead(opened, /Yggdrasil/);
          const weak = await opened.page.evaluate(WEAK_TEXTS);
          assert.equal(weak, []);
          if (theme === 'dark') await opened.shoot('status-broken-desktop-dark');
        },
        { ...DESKTOP, theme },
      ),
    );
  page(
    'fits a narrow window too',
    at(
      BROKEN,
      async (opened) => {
        await lead(opened, /Yggdrasil/);
        assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), 360);
        await opened.shoot('status-broken-narrow');
      },
      { width: 360, height: 740 },
    ),
  );
}
page.run();
