import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { summarizeDay } from '../../luci-app/view/overview/day-summary.ts';
import { version } from '../../package.json';
import type { HistorySample } from '../../src/api/model.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import { DESKTOP, type Opened, Pages, PHONE, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { BAD, day, EMPTY, GOOD, HOSTILE, history, ok, overview, SELF, UNKNOWN, verdict, WEAK } from './made-answer.ts';
import { lead, opener } from './scene.ts';

function sample(peers_up_min: number, peers_up_max: number, latency_ms?: number): HistorySample {
  return {
    ago_s: 0,
    connected_s: 300,
    peers_up_min,
    peers_up_max,
    peers_total: 4,
    ...(latency_ms !== undefined && { latency_ms }),
    rx_bytes: 0,
    tx_bytes: 0,
  };
}

// before the first suite: uvu begins to run what there is while somebody waits
const pages = await Pages.start();
const at = opener(pages, 'overview');

const summary = suite('summarizeDay');
summary('counts steps in a row without a peer as one outage', () => {
  const samples = [sample(0, 0), sample(0, 0), sample(0, 3), sample(2, 3), sample(0, 0), sample(1, 1)];
  assert.equal(summarizeDay(samples, 300), { watchedS: 1800, outages: 2, outS: 900, peers: [0, 3] });
});
summary('tells the range of peers outside outages, and of latencies', () => {
  const samples = [sample(2, 3, 12.4), sample(0, 0), sample(1, 2), sample(3, 3, 40)];
  const { peers, latency } = summarizeDay(samples, 300);
  assert.equal(
    [peers, latency],
    [
      [1, 3],
      [12.4, 40],
    ],
  );
});
summary('knows nothing of a day without samples', () => {
  assert.equal(summarizeDay([], 300), { watchedS: 0, outages: 0, outS: 0 });
});
summary.run();

// ---

const DAY = history(day());
function script(answer: object, past: PageAnswer = DAY): Script {
  return { 'meshbridge.overview': ok(answer), 'yggdrasil.history': past };
}
const HEALED = { ago_s: 300, uplink: 'wan', dialled: 3, healed: 3, saved_s: 2040 };
const good = script(overview(GOOD, { heal: HEALED }));
const weak = script(
  overview(WEAK, { interfaces: ['ygg0', 'mesh'], version: '0.0.9', peers: { up: 1, unproven: 1, down: 2 } }),
  history(day(40)),
);
const WAN = overview(BAD).uplinks[0]!;
const bad = script(
  overview(BAD, {
    uplinks: [
      { ...WAN, up: false, carrier: false, default_route: false, addresses: [], next_hops: [], dns_servers: [] },
    ],
    peers: { up: 0, unproven: 0, down: 4 },
  }),
);
const unknown = script(overview(UNKNOWN, { peers: { up: 0, unproven: 0, down: 0 } }), history([]));
const { self: _self, peers: _peers, traffic: _traffic, name: _name, ...rest } = overview(EMPTY);
const empty: Script = {
  'meshbridge.overview': ok({ ...rest, interface: '', interfaces: [] }),
  'yggdrasil.history': { status: 4, reply: { error: 'no Yggdrasil interface is known' } },
};
const hostile = script(
  overview(
    verdict(
      'weak',
      HOSTILE,
      ['{a} says {b}', HOSTILE],
      { a: HOSTILE, b: HOSTILE },
      {
        checks: GOOD.checks.map((one) => ({
          ...one,
          state: HOSTILE,
          words: { evidence: `${HOSTILE} {a}` },
          values: { a: HOSTILE },
        })),
      },
    ),
    {
      interface: HOSTILE,
      interfaces: [HOSTILE, 'b'],
      name: HOSTILE,
      version: HOSTILE,
      self: { ...SELF, key: HOSTILE, address: HOSTILE, subnet: HOSTILE, build_name: HOSTILE, build_version: HOSTILE },
      uplinks: [
        {
          ...WAN,
          interface: HOSTILE,
          device: HOSTILE,
          proto: HOSTILE,
          addresses: [HOSTILE],
          next_hops: [HOSTILE],
          dns_servers: [HOSTILE],
          errors: [HOSTILE],
        },
      ],
      heal: { ...HEALED, uplink: HOSTILE },
    },
  ),
);
const NEVER = (): Promise<PageAnswer> => new Promise(() => {});

/** Lets five seconds pass, and waits for the answer to what they bring. */
async function poll(opened: Opened): Promise<void> {
  const { finished } = opened;
  await opened.page.clock.runFor(5000);
  await opened.page.clock.runFor(50); // LuCI sends calls with the next frame
  await opened.answered(finished + 1);
}

/** A box of the page. */
function card({ page }: Opened, name: string) {
  return page.getByRole('region', { name });
}

const page = suite('the page Overview');
if (pages) {
  page.after(() => pages.close());

  page(
    'says that the mesh works, and what it rests on',
    at(good, async (opened) => {
      await lead(opened, /^The mesh works: 3 of 4 peers are up\.\s*For 2 hours\.\s*$/);
      const node = await card(opened, 'This node').innerText();
      for (const text of ['mill-roof', SELF.address, SELF.subnet, SELF.key, 'yggdrasil 0.5.12'])
        assert.match(node, text);
      assert.match(await card(opened, 'Peers').innerText(), /3 up\s+1 down/);
      assert.match(await card(opened, 'Uplinks').innerText(), /wan up\s+dhcp, eth1 · 192\.0\.2\.17 · by 192\.0\.2\.1/);
      const traffic = await card(opened, 'Traffic').innerText();
      assert.match(traffic, /Received\s+1\.2 MB\/s now, 4\.2 GB in all/);
      assert.match(traffic, /Relayed\s+87 kB\/s now, 17\.4 GB in all/);
      const past = await card(opened, 'The last 24 hours').innerText();
      assert.match(past, /2 outages, about 35 minutes in all\. Peers up: 2 to 4\. Nearest peer: 8 to 26 ms\./);
      await opened.page
        .getByText('The line came back 5 minutes ago: 3 neighbours were called at once. That saved about 34 minutes')
        .waitFor({ timeout: 15_000 });
      assert.is(await opened.page.getByRole('combobox').count(), 0, '~> one interface needs no choice');
      assert.is(await opened.page.getByRole('button', { name: 'Reload the page' }).count(), 0);
      await opened.shoot('overview-good-desktop');
    }),
  );
  page(
    'opens what is wrong, says since when, and leads to where it is mended',
    at(weak, async (opened) => {
      await lead(
        opened,
        /^The mesh works, but only 1 of 4[^\n]*\s*Look at[^\n]*\s*For 10 minutes\. All was last well 10 min/,
      );
      const place = opened.page.locator('.mb-lead').getByRole('link', { name: 'Mesh → Peers' });
      assert.match((await place.getAttribute('href')) ?? '', /\/admin\/mesh\/peers$/);
      const steps = opened.page.getByRole('list', { name: 'From the line to the mesh' }).getByRole('listitem');
      assert.equal(
        (await steps.allInnerTexts()).map((text) => text.trim().split(/\s*\n\s*/)),
        [
          ['Internet line', 'Works'],
          ['Name service', 'Works'],
          ['Clock', 'Works'],
          ['Yggdrasil', 'Works'],
          ['Peers', 'Attention', '1 of 4 peers is up.', 'For 10 minutes.'],
          ['Tree', 'Works'],
        ],
      );
      await steps.nth(0).locator('summary').click();
      await steps.nth(0).getByText('wan is up and has a default route by 192.0.2.1.').waitFor({ timeout: 15_000 });
      await opened.page.getByText('Not proven: Yggdrasil says it is up').waitFor({ timeout: 15_000 });
      await opened.shoot('overview-weak-desktop');
    }),
  );
  page(
    'names the first broken link and what to do',
    at(bad, async (opened) => {
      await lead(opened, /^The Internet line is down: there is no cable in wan\.\s*Plug the cable of the modem/);
      assert.match(await card(opened, 'Uplinks').innerText(), /wan no cable or signal/);
      assert.match(await card(opened, 'Peers').innerText(), /0 up\s+4 down/);
      await opened.shoot('overview-bad-desktop');
    }),
  );
  page(
    'tells what is not known yet from what is broken',
    at(unknown, async (opened) => {
      await lead(opened, /^The mesh daemon has just started[^\n]*\s*For 2 seconds\.\s*$/);
      await card(opened, 'The last 24 hours').getByText('Nothing is recorded yet').waitFor({ timeout: 15_000 });
      assert.is(await opened.page.getByRole('slider').count(), 0);
      assert.is(await opened.page.locator('.mb-lead').getByRole('link').count(), 0);
      await opened.shoot('overview-unknown-desktop');
    }),
  );
  page(
    'says how to begin where there is no interface, and shows the rest once there is one',
    at(empty, async (opened) => {
      await lead(opened, /^This router has no Yggdrasil interface\./);
      await card(opened, 'How to begin')
        .getByRole('link', { name: 'Network → Interfaces' })
        .waitFor({ timeout: 15_000 });
      for (const name of ['This node', 'The last 24 hours', 'Peers', 'Traffic'])
        assert.is(await card(opened, name).count(), 0, `~> ${name} has nothing to show`);
      assert.is(await card(opened, 'Uplinks').count(), 1);
      await opened.shoot('overview-empty-desktop');
      opened.calls.length = 0;
      await poll(opened);
      opened.script = good;
      await poll(opened);
      await lead(opened, /^The mesh works/);
      await poll(opened);
      await card(opened, 'The last 24 hours').getByText('2 outages').waitFor({ timeout: 15_000 });
      assert.equal(opened.calls.sort(), [...Array(3).fill('meshbridge.overview'), 'yggdrasil.history']);
      assert.is(await card(opened, 'How to begin').count(), 0);
    }),
  );
  page(
    'says that it is asking, and shows nothing until it knows',
    at({ 'meshbridge.overview': NEVER, 'yggdrasil.history': DAY }, async (opened) => {
      await lead(opened, /^Asking the mesh daemon …\s*$/);
      assert.is(await opened.page.getByRole('region').count(), 0);
      await opened.page.clock.runFor(15_000);
      assert.is(opened.calls.filter((name) => name === 'meshbridge.overview').length, 1);
    }),
  );
  for (const [what, answer, text] of [
    ['is not on the bus', 'absent', /^The mesh daemon is not running\./],
    ['may not be asked by this login', 'denied', /^You are not allowed to see this\./],
    ['does not answer in time', { status: 7 }, /^The mesh daemon does not answer\./],
    ['is older than this page', { status: 3 }, /^The mesh daemon does not know this question\./],
    ['answers something else', ok({ verdict: {} }), /^The mesh daemon answers in a way that this page does not/],
    ['answers without words', ok(overview({ ...GOOD, words: undefined! })), /^The mesh daemon answers in a way/],
  ] as [string, PageAnswer, RegExp][])
    page(
      `says so when the daemon ${what}, and recovers`,
      at({ 'meshbridge.overview': answer, 'yggdrasil.history': answer }, async (opened) => {
        await lead(opened, text);
        assert.is(await opened.page.getByRole('region').count(), 0);
        if (answer === 'absent') await opened.shoot('overview-down-desktop');
        opened.script = good;
        await poll(opened);
        await lead(opened, /^The mesh works/);
        assert.ok((await opened.page.getByRole('region').count()) > 0);
      }),
    );
  page(
    'shows the present although the past is not told',
    at({ ...good, 'yggdrasil.history': { status: 7 } }, async (opened) => {
      await lead(opened, /^The mesh works/);
      const past = card(opened, 'The last 24 hours');
      await past.getByText('The mesh daemon does not answer.').waitFor({ timeout: 15_000 });
      assert.is(await opened.page.getByRole('slider').count(), 0);
      opened.script = good;
      await opened.page.clock.runFor(65_000);
      await past.getByText('2 outages').waitFor({ timeout: 15_000 });
      await opened.page.getByRole('slider', { name: 'Moment of the last 24 hours' }).waitFor({ timeout: 15_000 });
    }),
  );

  page(
    'needs one request at first, one call each five seconds, and the past each five minutes',
    at(good, async (opened) => {
      await lead(opened, /^The mesh works/);
      await card(opened, 'The last 24 hours').getByText('2 outages').waitFor({ timeout: 15_000 });
      assert.is(opened.requests, 1);
      assert.equal(opened.calls, ['yggdrasil.history', 'meshbridge.overview']);
      await opened.stopClock();
      await opened.answered(opened.requests);
      opened.calls.length = 0;
      for (let i = 0; i < 4; i++) await poll(opened);
      assert.equal(opened.calls, Array(4).fill('meshbridge.overview'));
      for (let i = 4; i < 60; i++) await poll(opened);
      const times = (name: string): number => opened.calls.filter((call) => call === name).length;
      assert.equal([times('meshbridge.overview'), times('yggdrasil.history')], [60, 1]);
    }),
  );
  page(
    'shows the interface that is chosen, until it is gone',
    at(weak, async (opened) => {
      await lead(opened, /^The mesh works, but/);
      const choice = opened.page.getByRole('combobox', { name: 'Yggdrasil interface:' });
      const asked: unknown[] = [];
      const second = overview(GOOD, { interface: 'mesh', interfaces: ['ygg0', 'mesh'], name: 'second' });
      opened.script = {
        ...weak,
        'meshbridge.overview': (args) => {
          asked.push(args.interface);
          return args.interface === 'mesh' ? ok(second) : ok(overview(WEAK, { interfaces: ['ygg0', 'mesh'] }));
        },
      };
      await choice.selectOption('mesh');
      await lead(opened, /^The mesh works: 3 of 4/);
      assert.is(await choice.inputValue(), 'mesh');
      await opened.page.clock.runFor(5000);
      assert.equal(new Set(asked), new Set(['mesh']));
      opened.script = {
        ...weak,
        'meshbridge.overview': (args) =>
          args.interface === 'mesh'
            ? { status: 4, reply: { error: 'no interface mesh: expected ygg0' } }
            : ok(overview(WEAK)),
      };
      await poll(opened);
      await lead(opened, /^The mesh works, but/);
      assert.is(await opened.page.getByRole('combobox').count(), 0);
    }),
  );
  page(
    'asks to be reloaded where the daemon is of another version',
    at(weak, async (opened) => {
      await opened.page
        .getByText(`This page is of meshbridge ${version}, the daemon of 0.0.9.`)
        .waitFor({ timeout: 15_000 });
      const again = opened.page.waitForRequest(/admin\/mesh\/overview$/);
      await opened.page.getByRole('button', { name: 'Reload the page' }).click();
      await again;
      await lead(opened, /^The mesh works, but/);
    }),
  );
  page(
    'leaves open what was opened, and the focus where it is',
    at(good, async (opened) => {
      await lead(opened, /^The mesh works/);
      const clock = opened.page.getByRole('listitem').filter({ hasText: 'Clock' });
      await clock.locator('summary').click();
      await opened.page.getByRole('button', { name: 'Copy the key' }).focus();
      opened.script = script(overview(WEAK, { peers: { up: 1, unproven: 0, down: 3 } }));
      await poll(opened);
      await lead(opened, /^The mesh works, but/);
      assert.is(await clock.locator('details').getAttribute('open'), '');
      assert.is(await opened.page.evaluate('document.activeElement.getAttribute("aria-label")'), 'Copy the key');
    }),
  );
  page(
    'goes through the day by keyboard and by pointer',
    at(good, async (opened) => {
      await lead(opened, /^The mesh works/);
      const slider = opened.page.getByRole('slider', { name: 'Moment of the last 24 hours' });
      await slider.focus();
      const said = (): Promise<string | null> => slider.getAttribute('aria-valuetext');
      assert.match((await said()) ?? '', /: 4 of 4 peers up\. Nearest peer: 20 ms\.$/);
      await opened.page.keyboard.press('Home');
      const first = await said();
      assert.match(first ?? '', /: 2 to 3 of 4 peers up\./);
      await card(opened, 'The last 24 hours').getByText(first!).waitFor({ timeout: 15_000 });
      const picture = opened.page.locator('.mb-day svg');
      const { width } = (await picture.boundingBox())!;
      await picture.hover({ position: { x: (width * 91.5) / 288, y: 20 } });
      assert.match((await said()) ?? '', /: no peer up\.$/);
    }),
  );
  page(
    'has the slider where the picture has the moment, also on the first day',
    at(script(overview(GOOD), history(day(3))), async (opened) => {
      await lead(opened, /^The mesh works/);
      const slider = opened.page.getByRole('slider', { name: 'Moment of the last 24 hours' });
      assert.equal([await slider.inputValue(), await slider.getAttribute('max')], ['287', '287']);
      await slider.focus();
      await opened.page.keyboard.press('Home');
      assert.is(await slider.inputValue(), '285', '~> nothing is known of before');
    }),
  );
  page(
    'does not call a day without outages one in which a peer was always up',
    at(script(overview(GOOD), history([sample(0, 3), sample(2, 3)])), async (opened) => {
      await card(opened, 'The last 24 hours')
        .getByText('At moments no peer was up, but never for five minutes.')
        .waitFor({ timeout: 15_000 });
    }),
  );
  page(
    'runs nothing of what names and errors hold',
    at(hostile, async (opened) => {
      await lead(opened, /onerror/);
      await opened.page.clock.runFor(5000);
      assert.is(await opened.page.locator('#view img, #view script').count(), 0);
      assert.is(await opened.page.evaluate('window.harmed'), undefined);
      for (const details of await opened.page.locator('details').all())
        await details.evaluate((element) => element.setAttribute('open', ''));
      const text = await opened.page.locator('.mb-page').innerText();
      assert.ok(text.split(HOSTILE).length > 20, '~> it is shown as it is');
      await opened.shoot('overview-hostile-desktop');
    }),
  );

  for (const [name, given] of Object.entries({ good, weak, bad, empty, hostile }))
    page(
      `fits a phone, dark: ${name}`,
      at(
        given,
        async (opened) => {
          await lead(opened, /mesh works|cable|no Yggdrasil|onerror/);
          await card(opened, 'Uplinks').waitFor({ timeout: 15_000 });
          const width = await opened.page.evaluate('document.documentElement.scrollWidth');
          assert.is(width, PHONE.width, '~> it scrolls sideways');
          assert.equal(await opened.page.evaluate(WEAK_TEXTS), []);
          await opened.shoot(`overview-${name}-phone-dark`);
        },
        { ...PHONE, theme: 'dark' },
      ),
    );
  for (const theme of ['light', 'dark'] as const)
    page(
      `is readable: ${theme}`,
      at(
        weak,
        async (opened) => {
          await lead(opened, /mesh works/);
          assert.equal(await opened.page.evaluate(WEAK_TEXTS), []);
          if (theme === 'dark') await opened.shoot('overview-weak-desktop-dark');
        },
        { ...DESKTOP, theme },
      ),
    );
  page(
    'fits a narrow window too',
    at(
      good,
      async (opened) => {
        await lead(opened, /mesh works/);
        assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), 360);
      },
      { width: 360, height: 740 },
    ),
  );
}
page.run();
