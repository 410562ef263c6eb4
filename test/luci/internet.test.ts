import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GatewayView, LeaseStatus, TestStatus } from '../../src/api/lease-object.ts';
import { parseConfig } from '../../src/config.ts';
import { describe } from '../../src/mesh/home-words.ts';
import { describeStep, newSteps } from '../../src/mesh/self-test.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY, TERMS } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { DESKTOP, type Opened, Pages, PHONE, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { HOSTILE, ok } from './made-answer.ts';
import { button, lead, opener, region } from './scene.ts';

const pages = await Pages.start();

function lease(
  mode: string,
  state: LeaseStatus['state'],
  id: string,
  values: Record<string, string | number> = {},
  more: Partial<LeaseStatus> = {},
): LeaseStatus {
  const situation = { state: state as 'up', id, values: { gateway: 'boston', ...values } };
  return { mode, state, id, since_s: 65, ...describe(situation), blocking: mode === 'kept', ...more };
}
const OFF = lease('off', 'idle', 'off');
const IN_USE = { gateway: 'boston', lease_left_s: 1800, terms: TERMS, ipv4: true, ipv6: true };
const TRIAL = lease('trial', 'trial', 'trial', { left: 80 }, { ...IN_USE, blocking: true, trial_left_s: 80 });
const UP = lease('kept', 'up', 'up', {}, { ...IN_USE, use: { rx_bytes: 5.2e9, tx_bytes: 7e8, since_s: 86_400 } });
const BLOCKED = lease('kept', 'blocked', 'suspended', { reason: 'not paid' });
const OUT = lease('kept', 'blocked', 'let_out', { left: 290 }, { let_out_left_s: 290, blocking: false });

function gateway(more: Partial<GatewayView> = {}): GatewayView {
  return {
    ...{ name: 'boston', address: GATEWAY_ADDRESS, key: GATEWAY_KEY, port: 8080, preference: 0, chosen: false },
    ...{ state: 'ready', latency_ms: 23.4, info_ago_s: 5, software: 'meshbridge 0.1.0', operator: 'Mesh Boston' },
    ...{ place_name: 'Boston', country: 'US', website: 'https://example.org', abuse_contact: 'abuse@example.org' },
    ...{ logging: 'Addresses for seven days, nothing else', ask: 'ops@example.org', admission: 'ask' },
    ...{ asks_for: ['name'], kinds: ['gre6', 'wireguard'], online: true, ipv6: true },
    ...{ clients: 12, max_clients: 100, load_percent: 12, blocked_ports: [25] },
    ...more,
  };
}
const SECOND: GatewayView = {
  ...{ name: 'pine', address: nodeOf(1).address, port: 8080, preference: 1, chosen: false, state: 'unreachable' },
  ...{ problem: 'not connected after 3000 ms', retry_s: 20, asks_for: [], kinds: [], blocked_ports: [] },
};
const USED = [gateway({ role: 'in_use' }), SECOND];
const NO_TEST: TestStatus = { running: false, steps: [] };
const STEPS = newSteps();
const values = {
  gateway: 'boston',
  ms: 12,
  kind: 'gre6',
  host: '9.9.9.9',
  address: '10.43.7.9',
  problem: 'no answer after 5 s',
};
const TESTING: TestStatus = {
  ...{ running: true, gateway: 'boston', begun_ago_s: 4 },
  steps: STEPS.map((step, at) =>
    describeStep({
      ...step,
      values,
      ...(at < 3 ? { state: 'good' } : at === 3 ? { state: 'bad' } : at === 6 ? { state: 'running', share: 0.4 } : {}),
    }),
  ),
};
const STATUS = ok({
  ...{ version: '0.1.0', uptime_s: 100, log_level: 'info', config_errors: [], interfaces: [] },
  links: [{ name: 'ubus', endpoint: 'unix:/x', state: 'up', since_s: 1, ups: 1 }],
});

function script(status: LeaseStatus, gateways: GatewayView[] = USED, more: Script = {}): Script {
  return {
    'meshbridge.status': STATUS,
    'meshbridge.lease.status': ok(status),
    'meshbridge.lease.gateways': ok({ gateways }),
    'meshbridge.lease.test_status': ok(NO_TEST),
    'session.access': ok({ access: true }),
    ...more,
  };
}
const CONFIG = {
  meshbridge: `config meshbridge 'main'\n\nconfig gateway 'boston'\n\toption key '${GATEWAY_KEY}'\n`,
};

const at = opener(pages, 'internet', { visit: { config: CONFIG } });

/** Keeps what commands were sent; each answers with a sentence. */
function recorded(given: Script, ...names: string[]): { script: Script; sent: unknown[] } {
  const sent: unknown[] = [];
  const answers = Object.fromEntries(
    names.map((name) => [
      `meshbridge.lease.${name}`,
      (args: object): PageAnswer => {
        sent.push([name, args]);
        return ok({ message: 'done' });
      },
    ]),
  );
  return { script: { ...given, ...answers }, sent };
}

const page = suite('the page Internet');
if (pages) {
  page.after(() => pages.close());
  page('says before it is switched on who sees what, and begins a trial', async () => {
    const { script: given, sent } = recorded(script(OFF, [gateway(), SECOND]), 'connect');
    await at(given, async (opened) => {
      await lead(opened, 'The Internet is reached by the own line.');
      const notice = await region(opened, 'Before you switch it on').innerText();
      for (const text of ['Whoever runs the gateway sees', 'This is no immunity', 'the contract of your Internet line'])
        assert.ok(notice.includes(text), `~> ${notice}`);
      await opened.shoot('internet-off-desktop');
      await button(opened, 'Switch on, as a trial').click();
      await opened.page.getByText('The trial lasts 90 seconds once the tunnel stands.').waitFor({ timeout: 15_000 });
      for (const name of ['Confirm', 'Undo', 'Switch off', 'Let me out by my own line'])
        assert.is(await button(opened, name).isVisible(), false, name);
    })();
    assert.equal(sent, [['connect', { seconds: 90 }]]);
  });
  page('counts a trial down, second by second, and has it confirmed or undone', async () => {
    const { script: given, sent } = recorded(script(TRIAL), 'confirm', 'undo');
    await at(given, async (opened) => {
      await lead(opened, 'On trial: everything goes through boston.');
      await opened.stopClock();
      const timer = opened.page.getByRole('timer').filter({ visible: true });
      assert.match(await timer.innerText(), /Undone in \d+ seconds, unless you confirm\./);
      const left = async () => Number(/\d+/.exec(await timer.innerText())![0]);
      opened.script = { ...given, 'meshbridge.lease.status': () => new Promise(() => {}) };
      const before = await left();
      await opened.page.clock.runFor(5000);
      const after = await left();
      assert.ok(before - after >= 4 && before - after <= 6, `~> ${before} ${after}`);
      await opened.shoot('internet-trial-desktop');
      await button(opened, 'Confirm').click();
      await opened.page.clock.runFor(50);
      await opened.page.getByText('Kept, also when the router restarts.').waitFor({ timeout: 15_000 });
      await button(opened, 'Undo').click();
      await opened.page.clock.runFor(50);
      await opened.page.getByText('It is being undone.').waitFor({ timeout: 15_000 });
      assert.is(await region(opened, 'Before you switch it on').isVisible(), false);
    })();
    assert.equal(sent, [
      ['confirm', {}],
      ['undo', {}],
    ]);
  });
  page(
    'says why a confirmation is refused',
    at(
      script(TRIAL, USED, {
        'meshbridge.lease.confirm': { status: 2, reply: { error: 'the test failed: the Internet was not reached' } },
      }),
      async (opened) => {
        await button(opened, 'Confirm').click();
        await opened.page.getByText('the test failed: the Internet was not reached').waitFor({ timeout: 15_000 });
      },
    ),
  );
  page(
    'shows the way, the gateways in full, and the use',
    at(script(UP), async (opened) => {
      await lead(opened, 'Everything that leaves the mesh goes through boston.');
      const way = await opened.page.getByRole('list', { name: 'From this home to the Internet' }).innerText();
      assert.match(way, /This home\s[\s\S]*Gateway\s[\s\S]*Internet/);
      const gateways = region(opened, 'Gateways');
      await gateways.getByText('What it says of itself').first().click();
      const text = await gateways.innerText();
      for (const part of [
        ...['in use', '23 ms away', '12 of 100 homes, 12 % busy', 'exit in United States', 'Mesh Boston'],
        ...['Addresses for seven days, nothing else', 'abuse@example.org', 'its operator decides', 'ops@example.org'],
        ...['does not answer', 'not connected after 3000 ms', 'Asked again in 20 seconds.'],
      ])
        assert.ok(text.includes(part), `~> ${part}: ${text}`);
      assert.match(await region(opened, 'Use').innerText(), /5\.2 GB[\s\S]*700 MB[\s\S]*1500 bytes/);
      await opened.shoot('internet-up-desktop');
    }),
  );
  page('lets out by the own line for a chosen time, prefers a gateway, asks again, and switches off', async () => {
    const { script: given, sent } = recorded(script(UP), 'let_out', 'choose', 'ask', 'release');
    await at(given, async (opened) => {
      const { page } = opened;
      await lead(opened, 'boston');
      await page.getByLabel('For how long').selectOption('15');
      for (const [name, said] of [
        ['Let me out by my own line', 'The own line is open.'],
        ['Switch off', 'Off: the own line serves again.'],
      ] as const) {
        await button(opened, name).click();
        await page.getByRole('dialog').getByRole('button', { name }).click();
        await page.getByText(said).waitFor({ timeout: 15_000 });
      }
      await button(opened, 'Ask all gateways again').click();
      await page.getByText('They are being asked.').waitFor({ timeout: 15_000 });
      await region(opened, 'Gateways').getByRole('button', { name: 'Prefer this one' }).last().click();
      await page.getByText('Preferred until the daemon restarts.').waitFor({ timeout: 15_000 });
    })();
    assert.equal(sent, [
      ['let_out', { seconds: 900 }],
      ['release', {}],
      ['ask', {}],
      ['choose', { gateway: 'pine' }],
    ]);
  });
  page('counts the open line down, and closes it', async () => {
    const { script: given, sent } = recorded(script(OUT), 'let_out');
    await at(given, async (opened) => {
      await lead(opened, 'Devices go out by the own line, past the gateways.');
      await opened.page.getByText(/by the own line for \d+ more seconds/).waitFor({ timeout: 15_000 });
      await button(opened, 'Close the own line again').click();
      await opened.page.getByText('Closed.').waitFor({ timeout: 15_000 });
    })();
    assert.equal(sent, [['let_out', { seconds: 0 }]]);
  });
  page(
    'says why nothing goes out, and what to do',
    at(script(BLOCKED, [gateway({ state: 'refused', problem: 'not paid' })]), async (opened) => {
      await lead(opened, /The operator of boston has suspended this home: not paid\.[\s\S]*Ask the operator of boston/);
      assert.is(await opened.page.locator('.mb-lead').getAttribute('data-health'), 'bad');
      assert.ok(await button(opened, 'Let me out by my own line').isVisible());
      await opened.shoot('internet-blocked-desktop');
    }),
  );
  page('tests the way step by step, with its progress', async () => {
    const { script: given, sent } = recorded(script(UP), 'test');
    await at(given, async (opened) => {
      await button(opened, 'Test the way now').click();
      opened.script = { ...given, 'meshbridge.lease.test_status': ok(TESTING) };
      const box = region(opened, 'Self-test');
      await box.getByText('The way by boston is being tested.').waitFor({ timeout: 15_000 });
      const text = await box.innerText();
      assert.match(text, /fine\s+The gateway boston answers by its address in the mesh, in 12 ms\./);
      assert.match(text, /fault\s+The Internet is not reached by IPv6: 9\.9\.9\.9 was expected to answer 10\.43\.7\.9/);
      assert.is(await opened.page.evaluate('document.querySelector("progress:not([hidden])").value'), 40);
      await opened.shoot('internet-test-desktop');
      const over = { ...TESTING, running: false, begun_ago_s: 30 };
      opened.script = { ...given, 'meshbridge.lease.test_status': ok(over) };
      await box.getByText('Tested 30 seconds ago by boston: 1 fault.').waitFor({ timeout: 15_000 });
    })();
    assert.equal(sent, [['test', {}]]);
  });
  page('names the first gateway and an exception where nothing was set up, as the daemon reads it', async () => {
    const nothing: Script = { 'meshbridge.status': STATUS, 'session.access': ok({ access: true }) };
    const visit = { config: { meshbridge: "config meshbridge 'main'\n" } };
    const work = async (opened: Opened): Promise<void> => {
      const { page } = opened;
      await lead(opened, 'To use a gateway, name one below.');
      await page.getByLabel('Name of the gateway').pressSequentially('oak');
      await page.getByRole('button', { name: 'Add', exact: true }).first().click();
      const key = page.locator('[data-name="key"] input').last();
      await key.waitFor({ timeout: 15_000 });
      await key.fill('nonsense');
      await key.blur();
      await key.fill(nodeOf(2).key);
      await page.locator('[data-name="preference"] select').last().selectOption({ value: '3' });
      const bypass = page.locator('[data-name="bypass"] input').last();
      await bypass.fill('02:11:22:33:44:55');
      await bypass.press('Enter');
      await opened.shoot('internet-form-desktop');
      // LuCI's own client has a list of ways to apply there
      await page.getByText('Save & Apply', { exact: true }).first().click();
      for (let i = 0; !/bypass/.test(opened.config('meshbridge')); i++) {
        assert.ok(i < 500, `~> ${opened.config('meshbridge')}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const { gateways, lease: home } = parseConfig(opened.config('meshbridge'));
      assert.equal(
        gateways.map(({ name, address, preference }) => [name, address, preference]),
        [['oak', nodeOf(2).address, 3]],
      );
      assert.equal([home?.bypass, home?.enabled], [['02:11:22:33:44:55'], false]);
    };
    await at(nothing, work, DESKTOP, visit)();
  });
  page(
    'says when the daemon does not run',
    at({}, async (opened) => {
      await lead(opened, 'The mesh daemon is not running.');
      assert.is(await button(opened, 'Switch on, as a trial').isVisible(), false);
    }),
  );
  page(
    'gives the own line back though the daemon does not run',
    at({ 'meshbridge.helper.route_undo': ok({}) }, async (opened) => {
      await lead(opened, 'The mesh daemon is not running.');
      await button(opened, 'Give the own line back').click();
      assert.is(opened.calls.includes('meshbridge.helper.route_undo'), false, 'asked whether that is meant first');
      await opened.page.getByRole('dialog').getByRole('button', { name: 'Give the own line back' }).click();
      await opened.page.getByText('Off: the own line serves again.').waitFor();
      assert.is(opened.calls.filter((one) => one === 'meshbridge.helper.route_undo').length, 1);
    }),
  );
  page('offers that to nobody else, and not while the daemon runs', async () => {
    const offer = (opened: Opened): Promise<boolean> => button(opened, 'Give the own line back').isVisible();
    await at({ 'session.access': ok({ access: false }) }, async (opened) => {
      await lead(opened, 'The mesh daemon is not running.');
      assert.is(await offer(opened), false);
    })();
    await at(script(UP, USED), async (opened) => {
      await lead(opened, 'boston');
      assert.is(await offer(opened), false);
    })();
  });
  page(
    'lets nobody do what there is no right for',
    at(script(UP, USED, { 'session.access': ok({ access: false }) }), async (opened) => {
      await lead(opened, 'boston');
      for (const name of ['Switch off', 'Let me out by my own line', 'Prefer this one', 'Test the way now'])
        assert.is(await button(opened, name).first().isVisible(), false, name);
    }),
  );
  page(
    'asks for all of it in one request',
    at(script(UP), async (opened) => {
      await lead(opened, 'boston');
      await opened.stopClock();
      const before = [opened.requests, opened.calls.length];
      await opened.page.clock.runFor(3000);
      await opened.page.clock.runFor(50);
      await opened.answered(before[0]! + 1);
      assert.equal(opened.calls.slice(before[1]).sort(), [
        'meshbridge.lease.gateways',
        'meshbridge.lease.status',
        'meshbridge.lease.test_status',
      ]);
    }),
  );
  for (const [state, text] of [
    ['open', /has not decided yet/],
    ['upheld', /found that it is so\. The operator says: “change your passwords”/],
    ['dismissed', /found nothing in it/],
  ] as const)
    page(
      `shows a report on this home that is ${state}, and how long it is let in`,
      at(
        script({
          ...UP,
          report: { reason: 'sends spam', state, ...(state === 'upheld' && { note: 'change your passwords' }) },
          access_left_s: 5 * 86_400,
        }),
        async (opened) => {
          await lead(opened, 'boston');
          const card = region(opened, 'A report about this home');
          await card.getByText('told the operator of boston: “sends spam”').waitFor({ timeout: 15_000 });
          await card.getByText(text).waitFor({ timeout: 15_000 });
          await region(opened, 'Use').getByText('Let in for').waitFor({ timeout: 15_000 });
        },
      ),
    );
  page(
    'shows what of the month is used, and what a home may use, here and there',
    at(
      script(
        {
          ...UP,
          quota: { bytes: 5e10, used_bytes: 5.2e10, state: 'over', at_quota: 'slow' },
          limits: { quota_mb: 50_000, down_kbits: 20_000, up_kbits: 512, flows: 64 },
        },
        [gateway({ role: 'in_use', limits: { quota_mb: 50_000, flows: 64, at_quota: 'slow', slow_kbits: 256 } })],
      ),
      async (opened) => {
        await lead(opened, 'boston');
        const use = region(opened, 'Use');
        await use.getByText('52 GB of 50 GB, slow until next month').waitFor({ timeout: 15_000 });
        await use.getByText('20 Mbit/s down, 512 kbit/s up, 64 connections').waitFor({ timeout: 15_000 });
        await region(opened, 'Gateways').getByText('What it says of itself').click();
        await region(opened, 'Gateways')
          .getByText('50 GB a month, then 256 kbit/s, 64 connections')
          .waitFor({ timeout: 15_000 });
      },
    ),
  );
  page('shows no report where there is none', () =>
    at(script(UP), async (opened) => {
      await lead(opened, 'boston');
      assert.is(await opened.page.getByText('A report about this home').isVisible(), false);
    })(),
  );
  page('runs nothing that a gateway says, and cuts it', async () => {
    const texts = { operator: HOSTILE, logging: `${HOSTILE}${'x'.repeat(9000)}`, abuse_contact: HOSTILE, ask: HOSTILE };
    const more = { country: HOSTILE, website: 'javascript:window.harmed=1', software: HOSTILE, place_name: HOSTILE };
    const one = gateway({
      ...texts,
      ...more,
      problem: HOSTILE,
      state: 'refused',
      admission: HOSTILE,
      kinds: [HOSTILE],
    });
    const report = { reason: HOSTILE, state: HOSTILE, note: HOSTILE };
    const values = { gateway: HOSTILE, reason: HOSTILE };
    const status = lease('kept', 'blocked', 'suspended', values, { gateway: HOSTILE, report });
    await at(script(status, [one]), async (opened) => {
      await lead(opened, /has suspended this home/);
      await region(opened, 'Gateways').getByText('What it says of itself').click();
      assert.is(await opened.page.evaluate('window.harmed'), undefined);
      assert.is(await opened.page.locator('.mb-page img, .mb-page .mb-body a').count(), 0);
      assert.ok((await region(opened, 'Gateways').innerText()).length < 4000);
    })();
  });
  for (const [language, text] of [
    ['de', 'Alles, was das Mesh verlässt, geht durch boston.'],
    ['es', 'Todo lo que sale de la malla pasa por boston.'],
  ] as const)
    page(
      `speaks ${language}`,
      at(script(UP), (opened) => lead(opened, text), DESKTOP, { language }),
    );
  for (const theme of ['light', 'dark'] as const)
    page(
      `fits a phone, ${theme}`,
      at(
        script(theme === 'light' ? OFF : UP, USED, { 'meshbridge.lease.test_status': ok(TESTING) }),
        async (opened) => {
          await region(opened, 'Self-test').getByText('is being tested').waitFor({ timeout: 15_000 });
          assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), 360);
          // LuCI's own buttons in its form are what they are
          const weak = await opened.page.evaluate<string[]>(WEAK_TEXTS);
          assert.equal(
            weak.filter((line) => !/ (Add|\+)$/.test(line)),
            [],
          );
          await opened.shoot(`internet-phone-${theme}`);
        },
        { ...PHONE, theme },
      ),
    );
}
page.run();
