import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Finding, InterfaceStatus, LinkStatus } from '../../src/api/model.ts';
import { OPTIONS } from '../../src/config.ts';
import { parseUci } from '../../src/lib/uci.ts';
import { fillWords } from '../../src/lib/words.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import { DESKTOP, type Opened, Pages, PHONE, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { HOSTILE, ok, SELF } from './made-answer.ts';
import { box, opener, written } from './scene.ts';

const INTERFACE: InterfaceStatus = {
  interface: 'ygg0',
  connected: true,
  found_by: 'netifd',
  build_version: '0.5.12',
  key: SELF.key,
  address: SELF.address,
  peers_up: 3,
  peers_total: 4,
};
const LINKS: LinkStatus[] = [
  { name: 'ubus', endpoint: 'unix:/var/run/ubus/ubus.sock', state: 'up', since_s: 93_784, ups: 1 },
  { name: 'yggdrasil.ygg0', endpoint: 'unix:/tmp/yggdrasil/ygg0.sock', state: 'up', since_s: 59, ups: 2 },
];

function status(interfaces: InterfaceStatus[], links = LINKS, config_errors: string[] = []): PageAnswer {
  return ok({ version: '0.1.0', uptime_s: 93_784, log_level: 'info', config_errors, links, interfaces });
}
function finding(words: Finding['words'], values: Record<string, string>, more: Partial<Finding> = {}): Finding {
  const { what, why, fix } = words;
  const filled = { what: fillWords(what, values), why: fillWords(why, values), fix: fillWords(fix, values) };
  const fixable = words.does !== undefined;
  const made = { id: 'no_autostart', level: 'note', option: 'network.ygg0.auto', ...filled, words, values, fixable };
  return { ...made, level: 'note', ...more };
}
function lint(...findings: Finding[]): PageAnswer {
  return ok({ findings });
}

const AUTOSTART = finding(
  {
    what: '{interface} is not brought up when the router starts.',
    why: 'After a power cut the router stays out of the mesh until somebody brings the interface up.',
    fix: 'Run: uci delete network.{interface}.auto; uci commit network.',
    does: 'Lets {interface} come up whenever the router starts.',
  },
  { interface: 'ygg0' },
);
const NO_ZONE = finding(
  {
    what: '{interface} is in no zone of the firewall.',
    why: 'Everybody in the Yggdrasil network reaches the router.',
    fix: 'Make a zone for it.',
  },
  { interface: 'ygg0' },
  { id: 'no_zone_open', level: 'error', option: 'network.ygg0' },
);

const GOOD: Script = {
  'meshbridge.status': status([INTERFACE]),
  'meshbridge.lint': lint(),
  'meshbridge.helper.member_read': ok({}),
};
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
    [LINKS[0]!, { ...LINKS[1]!, state: 'waiting', last_error: 'connect /tmp/yggdrasil/ygg0.sock: No such file' }],
    ["meshbridge.main.log_level: expected one of error, warn, info, debug, got 'loud'"],
  ),
  'meshbridge.lint': lint(NO_ZONE, AUTOSTART),
  'meshbridge.helper.member_read': ok({ username: 'home' }),
};
const CONFIG = { meshbridge: "config meshbridge 'main'\n" };
const VIEWER = `
config login
	option username 'viewer'
	option password '$5$'
	list read 'unauthenticated'
	list read 'luci-base'
	list read 'luci-app-meshbridge'
`;
const NEVER = (): Promise<PageAnswer> => new Promise(() => {});

const pages = await Pages.start();
const at = opener(pages, 'settings', { visit: { config: CONFIG } });

async function press({ page }: Opened, name: string, inside = '.mb-page'): Promise<void> {
  await page.locator(inside).getByRole('button', { name, exact: true }).click();
}
const field = ({ page }: Opened, name: string) => page.locator(`[data-name="${name}"]`).locator('input, select').last();

const page = suite('the page Settings');
if (pages) {
  page.after(() => pages.close());
  page(
    'says that it asks, until the daemon has answered',
    at({ 'meshbridge.status': NEVER, 'meshbridge.lint': NEVER }, async (opened) => {
      await opened.page.locator('.mb-lead', { hasText: 'Asking the mesh daemon …' }).waitFor({ timeout: 15_000 });
      await box(opened, 'Safety check', 'Checking the configuration …');
      assert.is(await opened.page.getByRole('region', { name: 'Mesh daemon' }).isVisible(), false);
      assert.is(await field(opened, 'log_level').isVisible(), true, '~> the form does without the daemon');
    }),
  );
  page(
    'shows a router on which nothing is to do',
    at(GOOD, async (opened) => {
      await box(opened, 'Safety check', 'Nothing unsafe was found.');
      assert.match(await box(opened, 'Mesh daemon', 'connected'), /meshbridge 0\.1\.0, running for 26 hours/);
      await box(opened, 'Login for the household', 'There is no such login.');
      await box(opened, 'List of public peers', 'Upload');
      assert.is(await opened.page.locator('.mb-lead').isVisible(), false);
      await opened.shoot('settings-good-desktop');
    }),
  );
  page(
    'shows what is wrong, and what to do',
    at(BROKEN, async (opened) => {
      await opened.page
        .locator('.mb-lead', { hasText: /The options have mistakes.*got 'loud'/s })
        .waitFor({ timeout: 15_000 });
      const check = await box(opened, 'Safety check', 'Unsafe or broken: ygg0 is in no zone of the firewall.');
      assert.match(check, /Run: uci delete network\.ygg0\.auto/);
      assert.match(await box(opened, 'Mesh daemon', 'not connected'), /connect .*No such file/);
      await box(opened, 'Login for the household', 'The login is “home”.');
      await opened.shoot('settings-broken-desktop');
    }),
  );

  // ---  fixes

  page(
    'puts right what can be, after it said what will be done',
    at(BROKEN, async (opened) => {
      const fixed: unknown[] = [];
      opened.script = {
        ...BROKEN,
        'meshbridge.helper.fix': (args) => {
          fixed.push(args);
          opened.script = { ...opened.script, 'meshbridge.lint': lint(NO_ZONE) };
          return ok({ result: 'x' });
        },
      };
      await box(opened, 'Safety check', 'ygg0 is not brought up');
      assert.is(await opened.page.getByRole('button', { name: 'Put it right' }).count(), 1);
      await press(opened, 'Put it right');
      await opened.page.getByRole('dialog', { name: 'Put it right' }).getByText('Lets ygg0 come up whenever').waitFor();
      await opened.shoot('settings-fix-dialog');
      assert.equal(fixed, []);
      await press(opened, 'Put it right', 'dialog');
      assert.not.match(
        await box(opened, 'Safety check', 'Done: Lets ygg0 come up whenever the router starts.'),
        /power cut/,
      );
      assert.equal(fixed, [{ id: 'no_autostart', option: 'network.ygg0.auto' }]);
      assert.is(
        await opened.page.evaluate('document.activeElement.textContent'),
        'Check again',
        '~> the focus is lost',
      );
    }),
  );
  page(
    'says why something was not put right',
    at({ ...BROKEN, 'meshbridge.helper.fix': ok({ error: 'id: expected a finding', field: 'id' }) }, async (opened) => {
      await box(opened, 'Safety check', 'ygg0 is not brought up');
      await press(opened, 'Put it right');
      await press(opened, 'Put it right', 'dialog');
      await box(opened, 'Safety check', 'refused: id: expected a finding');
    }),
  );
  page(
    'restarts an interface, after it said what that breaks',
    at(
      { ...GOOD, 'meshbridge.helper.interface_restart': (args) => ok(args.interface === 'ygg0' ? {} : { error: 'x' }) },
      async (opened) => {
        await opened.page.getByRole('button', { name: 'Restart ygg0' }).waitFor({ timeout: 15_000 });
        await press(opened, 'Restart ygg0');
        await opened.page.getByRole('dialog').getByText('All its peerings break for some seconds').waitFor();
        await press(opened, 'Restart ygg0', 'dialog');
        await box(opened, 'Mesh daemon', 'Restarted.');
      },
    ),
  );
  page(
    'checks again by keyboard, and keeps the focus',
    at(GOOD, async (opened) => {
      await box(opened, 'Safety check', 'Nothing unsafe was found.');
      opened.script = BROKEN;
      const focused = (): Promise<unknown> => opened.page.evaluate('document.activeElement.textContent');
      for (let i = 0; i < 30 && (await focused()) !== 'Check again'; i++) await opened.page.keyboard.press('Tab');
      await opened.page.keyboard.press('Enter');
      await box(opened, 'Safety check', 'ygg0 is in no zone');
      assert.is(await focused(), 'Check again');
    }),
  );

  // ---  the login of the household

  /** Fills the dialog in and sends it. */
  async function fillLogin({ page }: Opened, name: string, password: string, again = password): Promise<void> {
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('User name:').fill(name);
    await dialog.getByLabel('Password:').fill(password);
    await dialog.getByLabel('The same again').fill(again);
    await dialog.getByRole('button', { name: 'Save' }).click();
  }
  page(
    'makes the login of the household, whose password stays here',
    at(GOOD, async (opened) => {
      const sent: Record<string, unknown>[] = [];
      opened.script = {
        ...GOOD,
        'meshbridge.helper.member_set': (args) => {
          sent.push(args as Record<string, unknown>);
          opened.script = { ...opened.script, 'meshbridge.helper.member_read': ok({ username: 'mill' }) };
          return ok({});
        },
      };
      await box(opened, 'Login for the household', 'There is no such login.');
      await press(opened, 'Make a login');
      const dialog = opened.page.getByRole('dialog', { name: 'Make a login' });
      await dialog.getByLabel('Password:').fill('abcabcabc');
      await dialog.getByText('Easy to guess.').waitFor();
      await dialog.getByLabel('Password:').fill('correct horse battery');
      await dialog.getByText('Hard to guess.').waitFor();
      await opened.shoot('settings-login-dialog');
      await fillLogin(opened, 'mill', 'correct horse battery');
      await box(opened, 'Login for the household', 'The login is “mill”.');
      assert.is(sent.length, 1);
      assert.is(sent[0]!.username, 'mill');
      assert.match(String(sent[0]!.hash), /^\$5\$[./A-Za-z0-9]{16}\$[./A-Za-z0-9]{43}$/);
      assert.not.match(JSON.stringify(sent), /horse/);
    }),
  );
  for (const [what, name, password, again, at_fault] of [
    ['a name that is none', 'Mill Roof', 'long enough', 'long enough', 'User name:'],
    ['a short password', 'mill', 'short', 'short', 'Password:'],
    ['a password that is not repeated', 'mill', 'long enough', 'long enuogh', 'The same again'],
  ] as const)
    page(
      `takes no login with ${what}`,
      at(GOOD, async (opened) => {
        await box(opened, 'Login for the household', 'There is no such login.');
        await press(opened, 'Make a login');
        await fillLogin(opened, name, password, again);
        const dialog = opened.page.getByRole('dialog');
        const label = await dialog.locator('label', { has: opened.page.locator('input:invalid') }).innerText();
        assert.ok(label.startsWith(at_fault), `~> ${label}`);
        assert.is(await dialog.locator('input:invalid:focus').count(), 1);
        assert.not.ok(opened.calls.includes('meshbridge.helper.member_set'));
        await fillLogin(opened, 'mill', 'long enough');
        await dialog
          .getByText('daemon is not running')
          .or(dialog.getByText('refused'))
          .first()
          .waitFor({ timeout: 15_000 });
        await opened.page.keyboard.press('Escape');
        assert.is(await opened.page.getByRole('dialog').count(), 0);
      }),
    );
  page(
    'says why the router does not take a login',
    at(
      { ...GOOD, 'meshbridge.helper.member_set': ok({ error: 'username: expected another', field: 'username' }) },
      async (opened) => {
        await box(opened, 'Login for the household', 'There is no such login.');
        await press(opened, 'Make a login');
        await fillLogin(opened, 'captain', 'long enough');
        await opened.page
          .getByRole('dialog')
          .getByText('refused: username: expected another')
          .waitFor({ timeout: 15_000 });
      },
    ),
  );
  page(
    'removes the login',
    at(BROKEN, async (opened) => {
      opened.script = {
        ...BROKEN,
        'meshbridge.helper.member_remove': () => {
          opened.script = { ...opened.script, 'meshbridge.helper.member_read': ok({}) };
          return ok({});
        },
      };
      await box(opened, 'Login for the household', 'The login is “home”.');
      await press(opened, 'Remove the login');
      await press(opened, 'Remove the login', 'dialog');
      await box(opened, 'Login for the household', 'There is no such login.');
      assert.is(await opened.page.evaluate('document.activeElement.textContent'), 'Make a login');
    }),
  );

  // ---  public peers

  const PUBLIC = {
    'germany.md': {
      'tls://a.example:443': { up: true, key: 'ab'.repeat(32), imported: 1_700_000_000, response_ms: 12 },
      'tls://b.example:443': { up: false },
    },
  };
  const file = (text: string) => ({
    name: 'publicnodes.json',
    mimeType: 'application/json',
    buffer: Buffer.from(text),
  });
  page(
    'uploads a list without what is not looked at, and has it read',
    at(GOOD, async (opened) => {
      const lists: unknown[] = [];
      opened.script = {
        ...GOOD,
        'meshbridge.reload': ok({ message: 'x' }),
        'meshbridge.helper.public_peers_set': ({ list }) => {
          lists.push(JSON.parse(String(list)));
          return ok({ entries: 1 });
        },
      };
      await box(opened, 'List of public peers', 'Upload');
      await opened.page.locator('input[type=file]').setInputFiles(file(JSON.stringify(PUBLIC)));
      await press(opened, 'Upload');
      await box(opened, 'List of public peers', '1 peer can be measured.');
      assert.equal(lists, [{ 'germany.md': { 'tls://a.example:443': { key: 'ab'.repeat(32) } } }]);
      assert.ok(opened.calls.includes('meshbridge.reload'));
    }),
  );
  page(
    'cuts a list to what can be sent',
    at(GOOD, async (opened) => {
      let longest = 0;
      opened.script = {
        ...GOOD,
        'meshbridge.reload': ok({ message: 'x' }),
        'meshbridge.helper.public_peers_set': (args) => {
          longest = JSON.stringify(JSON.stringify(args)).length;
          return ok({ entries: 7 });
        },
      };
      const peers = Array.from({ length: 2000 }, (_, i) => [
        `tls://n${i}.example:443`,
        { up: true, key: 'ab'.repeat(32) },
      ]);
      await box(opened, 'List of public peers', 'Upload');
      await opened.page
        .locator('input[type=file]')
        .setInputFiles(file(JSON.stringify({ x: Object.fromEntries(peers) })));
      await press(opened, 'Upload');
      await box(opened, 'List of public peers', '7 peers can be measured.');
      assert.ok(longest > 50_000 && longest < 65_000, `~> ${longest}`);
    }),
  );
  for (const text of ['<html>', '[]', 'null', '7', '{"a":null}', '{"a":{"tls://a:1":{"up":false}}}', '{"a":"b"}'])
    page(
      `uploads no list that is ${text}`,
      at(GOOD, async (opened) => {
        await box(opened, 'List of public peers', 'Upload');
        await opened.page.locator('input[type=file]').setInputFiles(file(text));
        await press(opened, 'Upload');
        await box(opened, 'List of public peers', 'Choose a file publicnodes.json, please.');
        assert.not.ok(opened.calls.includes('meshbridge.helper.public_peers_set'));
      }),
    );

  // ---  the form

  page(
    'has a field for every option of the daemon that is not on the page Telemetry, with its default',
    at(GOOD, async (opened) => {
      await field(opened, 'log_level').waitFor({ timeout: 15_000 });
      for (const [name, spec] of Object.entries(OPTIONS.meshbridge)) {
        if (['mqtt', 'site', 'manage_cap'].includes(name)) continue;
        const input = field(opened, name);
        assert.is(await input.count(), 1, name);
        const shown = await input.evaluate((element) => {
          const { type, checked, value, placeholder } = element as unknown as {
            type: string;
            checked: boolean;
            value: string;
            placeholder: string;
          };
          return type === 'checkbox' ? String(Number(checked)) : value || placeholder;
        });
        assert.is(shown, (spec as { default: string }).default, name);
      }
    }),
  );
  page(
    'saves and applies what was changed, and nothing else',
    at(GOOD, async (opened) => {
      await field(opened, 'poll_brisk').fill('5');
      await field(opened, 'log_level').selectOption('debug');
      await opened.page.getByText('Choose public peers').click();
      await opened.page.locator('.cbi-page-actions .cbi-button-apply').click();
      await written(opened, /poll_brisk/);
      const [main, ...others] = parseUci(opened.config('meshbridge')).sections;
      assert.equal([main!.type, main!.name, others], ['meshbridge', 'main', []]);
      assert.equal([...main!.options].map(([name, { value }]) => `${name}=${value}`).sort(), [
        'adviser=1',
        'log_level=debug',
        'poll_brisk=5',
      ]);
    }),
  );
  /** Texts that the page must take or mark as the daemon does; what it lets pass, the daemon refuses with the field's name. */
  const TEXTS: [section: 'meshbridge' | 'interface', option: string, texts: string[]][] = [
    ['meshbridge', 'poll_brisk', ['1', '60', '0', '61', '1.5', '-1', 'x', '0002', '1e1', '9999999']],
    ['meshbridge', 'poll_idle', ['5', '3600', '4', '3601', '', ' 30']],
    ['meshbridge', 'socket_dir', ['/tmp', 'tmp', '/', '/a b', `/${'x'.repeat(255)}`, `/${'x'.repeat(256)}`]],
    ['meshbridge', 'state_dir', ['/var/x', '~/x', '/é']],
    ['meshbridge', 'ubus_socket', ['/run/ubus', '@x']],
    [
      'interface',
      'socket',
      [
        'unix:///tmp/x.sock',
        'unix://@x',
        'unix://x',
        'unix:/x',
        '/tmp/x.sock',
        'tcp://localhost:9001',
        'localhost:9001',
        'tcp://[::1]:9001',
        'tcp://::1:9001',
        'tcp://a',
        'tcp://-a:1',
        'http://a:1',
        `unix:///${'x'.repeat(107)}`,
      ],
    ],
  ];
  page(
    'takes what the daemon takes, and marks the rest',
    at(
      GOOD,
      async (opened) => {
        await field(opened, 'socket').waitFor({ timeout: 15_000 });
        for (const [type, option, texts] of TEXTS) {
          const { read, default: normal } = (
            OPTIONS[type] as Record<string, { read(text: string): object | undefined; default?: string }>
          )[option]!;
          const input = field(opened, option);
          for (const text of texts) {
            await input.fill(text);
            await input.blur();
            const taken = text === '' ? normal !== undefined : 'value' in (read(text) ?? {});
            const marked = await input.evaluate((element) => element.classList.contains('cbi-input-invalid'));
            assert.is(marked, !taken, `~> ${option}: ${JSON.stringify(text)}`);
          }
          await input.fill(normal ?? 'unix:///x');
        }
        await opened.shoot('settings-form-desktop');
      },
      DESKTOP,
      { config: { meshbridge: `${CONFIG.meshbridge}\nconfig interface 'ygg0'\n\toption socket 'unix:///x'\n` } },
    ),
  );
  page(
    'works on a file without a section',
    at(
      GOOD,
      async (opened) => {
        await field(opened, 'poll_brisk').fill('5');
        await opened.page.locator('.cbi-page-actions .cbi-button-apply').click();
        await written(opened, /config meshbridge 'main'\n(.*\n)*\toption poll_brisk '5'/);
      },
      DESKTOP,
      { config: { meshbridge: '' } },
    ),
  );
  page(
    'shows the rest where there is no file of options',
    at(
      GOOD,
      async (opened) => {
        await opened.page.getByText(/The options cannot be shown: .*ubus code 4/).waitFor({ timeout: 15_000 });
        await box(opened, 'Safety check', 'Nothing unsafe was found.');
      },
      DESKTOP,
      { config: {} },
    ),
  );

  // ---  rights, failures, hostile texts

  page(
    'offers nothing to a login that may only look',
    at(
      BROKEN,
      async (opened) => {
        await box(opened, 'Safety check', 'ygg0 is not brought up');
        await box(opened, 'Mesh daemon', 'not connected');
        const buttons = await opened.page.locator('.mb-page').getByRole('button', { disabled: false }).allInnerTexts();
        assert.equal(buttons, ['Check again']);
        for (const hidden of ['Login for the household', 'List of public peers'])
          assert.is(await opened.page.getByRole('region', { name: hidden }).isVisible(), false, hidden);
        await opened.page.getByText('The options hold passwords').waitFor({ timeout: 15_000 });
        assert.is(await field(opened, 'log_level').count(), 0);
        await opened.shoot('settings-viewer-desktop');
      },
      DESKTOP,
      { as: 'viewer', config: { ...CONFIG, rpcd: VIEWER } },
    ),
  );
  page(
    'says what failed, and keeps what does without the daemon',
    at({ 'meshbridge.helper.member_read': ok({}) }, async (opened) => {
      await opened.page
        .locator('.mb-lead', { hasText: /^The mesh daemon is not running\./ })
        .waitFor({ timeout: 15_000 });
      await box(opened, 'Safety check', 'The configuration was not checked: The mesh daemon is not running.');
      await box(opened, 'Login for the household', 'There is no such login.');
      assert.is(await opened.page.getByRole('region', { name: 'Mesh daemon' }).isVisible(), false);
      await opened.shoot('settings-down-desktop');
      opened.script = GOOD;
      await opened.page.clock.runFor(5000);
      await box(opened, 'Mesh daemon', 'ygg0');
    }),
  );
  page(
    'asks once every five seconds',
    at(GOOD, async (opened) => {
      await opened.page.getByRole('button', { name: 'Restart ygg0' }).waitFor({ timeout: 15_000 });
      await opened.stopClock();
      await opened.answered(opened.requests);
      opened.calls.length = 0;
      for (let i = 0; i < 3; i++) {
        const { finished } = opened;
        await opened.page.clock.runFor(5000);
        await opened.page.clock.runFor(50); // LuCI sends calls with the next frame
        await opened.answered(finished + 1);
      }
      assert.equal(opened.calls, Array(3).fill('meshbridge.status'));
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
      [{ name: HOSTILE, endpoint: HOSTILE, state: HOSTILE, since_s: 1, ups: 1, last_error: HOSTILE }],
      [HOSTILE],
    ),
    'meshbridge.lint': lint(
      finding({ what: HOSTILE, why: '{a}', fix: HOSTILE, does: `${HOSTILE} {a}` }, { a: HOSTILE }, { option: HOSTILE }),
    ),
    'meshbridge.helper.member_read': ok({ username: HOSTILE }),
    'meshbridge.helper.fix': ok({ error: HOSTILE }),
  };
  page(
    'runs nothing of what names and errors hold',
    at(
      hostile,
      async (opened) => {
        await box(opened, 'Login for the household', 'onerror');
        await box(opened, 'Mesh daemon', 'onerror');
        await press(opened, 'Put it right');
        await press(opened, 'Put it right', 'dialog');
        await box(opened, 'Safety check', 'refused');
        assert.is(await opened.page.locator('#view img, #view script, dialog img').count(), 0);
        assert.is(await opened.page.evaluate('window.harmed'), undefined);
        assert.ok((await opened.page.locator('.mb-page').innerText()).split('<script>').length > 10);
      },
      DESKTOP,
      {
        config: {
          meshbridge: `config meshbridge 'main'\n\toption socket_dir '${HOSTILE}'\n\nconfig interface 'ygg0'\n\toption socket '${HOSTILE}'\n`,
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
          await opened.page.getByRole('button', { name: 'Restart' }).first().waitFor({ timeout: 15_000 });
          await box(opened, 'Safety check', 'Check again');
          assert.is(
            await opened.page.evaluate('document.documentElement.scrollWidth'),
            PHONE.width,
            '~> it scrolls sideways',
          );
          await opened.shoot(`settings-${name}-phone-dark`);
        },
        { ...PHONE, theme: 'dark' },
      ),
    );
  page(
    'fits a phone with its dialog open',
    at(
      BROKEN,
      async (opened) => {
        await box(opened, 'Login for the household', 'The login is');
        await press(opened, 'Change name or password');
        assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), PHONE.width);
        await opened.shoot('settings-login-phone');
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
          await opened.page.getByRole('button', { name: 'Put it right' }).waitFor({ timeout: 15_000 });
          await opened.page.getByRole('button', { name: 'Restart ygg0' }).waitFor({ timeout: 15_000 });
          // LuCI's own button in its form is what it is
          const weak = (await opened.page.evaluate<string[]>(WEAK_TEXTS)).filter((line) => !line.endsWith(' Add'));
          assert.equal(weak, []);
          if (theme === 'dark') await opened.shoot('settings-broken-desktop-dark');
        },
        { ...DESKTOP, theme },
      ),
    );
  page(
    'tells every screen reader what its fields are, also after they were drawn anew',
    at(GOOD, async (opened) => {
      const tick = opened.page.getByRole('checkbox', { name: 'Choose public peers', exact: true });
      await tick.click({ timeout: 15_000 });
      await opened.page.getByRole('button', { name: 'Save', exact: true }).click();
      await tick.waitFor();
      await opened.page.getByRole('textbox', { name: 'Interface', exact: true }).waitFor();
    }),
  );
}
page.run();
