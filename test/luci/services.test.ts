import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { belongsTo, isMeshAddress } from '../../luci-app/view/services/address.ts';
import type { Peer } from '../../src/api/model.ts';
import { type Opened, Pages, PHONE, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { BAD, HOSTILE, map, ok, SELF, GOOD as VERDICT } from './made-answer.ts';
import { inTime, opener } from './scene.ts';

// before the first suite: uvu begins to run what there is while somebody waits
const pages = await Pages.start();
const at = opener(pages, 'services');

const mesh = suite('isMeshAddress');
mesh('takes what is in 200::/7', () => {
  for (const host of ['200::1', '2ff:1:2:3:4:5:6:7', '300:abcd::', '3ff::1'])
    assert.ok(isMeshAddress(host), `~> ${host}`);
});
mesh('refuses everything else', () => {
  for (const host of [
    '400::1',
    '1ff::1',
    '::1',
    '2001:db8::1',
    '192.0.2.1',
    'example.org',
    '200::1::2',
    '200:zz::',
    '',
  ])
    assert.is(isMeshAddress(host), false, `~> ${host}`);
});
mesh.run();

// ---

const owner = suite('belongsTo');
const ADDRESS = '200:4dc8:fc2b:78ae:8529:c210:8068:12b8';
owner('takes the node itself, however it is written', () => {
  assert.ok(belongsTo('0200:4DC8:fc2b:78ae:8529:c210:8068:12b8', ADDRESS));
});
owner('takes what is in its /64', () => assert.ok(belongsTo('300:4dc8:fc2b:78ae::5', ADDRESS)));
owner('refuses others', () => {
  for (const host of ['300:4dc8:fc2b:78af::5', '200:4dc8::1', '192.168.1.1', 'router.lan'])
    assert.is(belongsTo(host, ADDRESS), false, `~> ${host}`);
});
owner.run();

// ---

const KEYS = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
const OTHER = '201:1:2:3:4:5:6:7';
const OWN = { name: 'our-router', services: [{ name: 'Camera', url: `http://[${SELF.address}]:8080/` }] };
const WIKI = { name: 'Wiki', url: `http://[${OTHER}]/`, description: 'What\u00a0we know' };
const PEER: Peer = { origin: 'multicast', inbound: false, up: true, state: 'up', state_ago_ms: 0, changes_per_hour: 0 };

function script(infos: Record<string, unknown>, more: Script = {}): Script {
  return {
    'meshbridge.map': ok(
      map(VERDICT, {
        peers: [{ ...PEER, key: KEYS[0]!, address: OTHER }],
        tree: [SELF.key, ...KEYS].map((key, i) => ({
          key,
          address: i === 1 ? OTHER : `20${i}::1`,
          parent: key,
          sequence: 1,
        })),
      }),
    ),
    'yggdrasil.node_info': (args) => {
      const info = infos[args.key as string];
      return info === undefined ? { status: 7 } : ok({ age_ms: 0, interface: 'ygg0', key: args.key, node_info: info });
    },
    'session.access': ok({ access: true }),
    ...more,
  };
}
const INFOS = { [SELF.key]: OWN, [KEYS[0]!]: { name: 'library', services: [WIKI] }, [KEYS[1]!]: {} };
const GOOD = script(INFOS);

const others = ({ page }: Opened) => page.getByRole('region', { name: 'library' });

const page = suite('the page Services');
if (pages) {
  page.after(() => pages.close());
  page(
    'shows what nodes offer, one question a second',
    at(GOOD, async (opened) => {
      await inTime(opened, others(opened));
      const link = others(opened).getByRole('link', { name: 'Wiki' });
      assert.is(await link.getAttribute('href'), WIKI.url);
      assert.match((await link.getAttribute('rel')) ?? '', /noopener noreferrer/);
      assert.match(await others(opened).innerText(), /What we know/);
      const own = opened.page.getByRole('region', { name: 'Offered by this router' });
      assert.match(await own.innerText(), /Known in the mesh as our-router\.\s[\s\S]*Camera/);
      await opened.shoot('services-good-desktop');
    }),
  );
  page(
    'tries whether a service answers',
    at(script(INFOS, { 'meshbridge.service_check': ok({ reachable: true, latency_ms: 12.4 }) }), async (opened) => {
      await inTime(opened, others(opened));
      await others(opened).getByRole('button', { name: 'Does it answer?' }).click();
      await others(opened).getByText('answers in 12 ms').waitFor({ timeout: 15_000 });
      assert.ok(opened.calls.includes('meshbridge.service_check'));
    }),
  );
  page(
    'says when a service does not answer',
    at(
      script(INFOS, { 'meshbridge.service_check': ok({ reachable: false, error: 'connection refused' }) }),
      async (opened) => {
        await inTime(opened, others(opened));
        await others(opened).getByRole('button', { name: 'Does it answer?' }).click();
        await others(opened).getByText('does not answer').waitFor({ timeout: 15_000 });
        assert.match(await others(opened).innerText(), /connection refused/);
      },
    ),
  );
  page('announces what was entered, and offers to start Yggdrasil again', async () => {
    const sent: Record<string, unknown>[] = [];
    const restarted: unknown[] = [];
    const given = script(INFOS, {
      'meshbridge.helper.announce': (args) => {
        sent.push(args);
        return ok(
          sent.length === 1
            ? { error: 'services[1].url: expected a host, got "x"', field: 'services[1].url' }
            : { result: 'changed' },
        );
      },
      'meshbridge.helper.interface_restart': (args) => {
        restarted.push(args.interface);
        return ok({});
      },
    });
    await at(given, async (opened) => {
      const { page } = opened;
      await inTime(opened, page.getByText('Known in the mesh as'));
      await page.getByRole('button', { name: 'Change' }).click();
      await page.getByRole('button', { name: 'Add a service' }).click();
      await page.locator('#mb-offer-4').fill('Chat');
      await page.locator('#mb-offer-5').fill('http://x');
      await opened.shoot('services-form-desktop');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.locator('#mb-offer-5-error', { hasText: 'expected a host' }).waitFor({ timeout: 15_000 });
      assert.is(await page.evaluate('document.activeElement.id'), 'mb-offer-5');
      await page.locator('#mb-offer-5').fill('http://chat.example/');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('button', { name: 'Start it again' }).click();
      await page.getByText('Announced. Others see it within some minutes.').waitFor({ timeout: 15_000 });
    })();
    assert.equal(JSON.parse(sent[1]!.node_info as string), {
      name: 'our-router',
      services: [
        { ...OWN.services[0], description: '' },
        { name: 'Chat', url: 'http://chat.example/', description: '' },
      ],
    });
    assert.equal([sent[1]!.interface, restarted], ['ygg0', ['ygg0']]);
  });
  page(
    'lets nobody change without the right',
    at({ ...GOOD, 'session.access': ok({ access: false }) }, async (opened) => {
      await inTime(opened, opened.page.getByText('Known in the mesh as'));
      assert.is(await opened.page.getByRole('button', { name: 'Change' }).isVisible(), false);
    }),
  );
  page(
    'says that nobody offers anything',
    at(
      script({ [SELF.key]: {}, [KEYS[0]!]: {} }),
      async (opened) => {
        await inTime(opened, opened.page.getByText('None of the others offers anything yet.'));
        await opened.page.getByText('This router has no name in the mesh yet.').waitFor({ timeout: 15_000 });
        await opened.shoot('services-empty-phone');
      },
      PHONE,
    ),
  );
  page('asks for all of it by one call, once a minute', async () => {
    await at(GOOD, async (opened) => {
      await inTime(opened, others(opened));
      const polls = () => opened.calls.filter((one) => one !== 'session.access' && one !== 'yggdrasil.node_info');
      assert.equal(polls(), ['meshbridge.map']);
      await opened.page.clock.runFor(60_000);
      await opened.page.clock.runFor(50);
      await opened.answered(opened.requests);
      assert.equal(polls(), ['meshbridge.map', 'meshbridge.map']);
    })();
  });
  page(
    'tells the verdict while Yggdrasil does not answer, and nothing old',
    at(GOOD, async (opened) => {
      await inTime(opened, others(opened));
      const { verdict, uplinks } = map(BAD);
      opened.script = { ...GOOD, 'meshbridge.map': ok({ age_ms: 0, interface: 'ygg0', verdict, uplinks }) };
      await opened.page.clock.runFor(60_000);
      await opened.page
        .locator('.mb-lead', { hasText: /^The Internet line is down: there is no cable in wan\.\s*Plug the cable/ })
        .waitFor({ timeout: 15_000 });
      assert.is(await opened.page.getByText('Offered by others').isVisible(), false);
      await opened.shoot('services-bad-desktop');
    }),
  );
  page(
    'says when the daemon does not run',
    at({}, async (opened) => {
      await opened.page
        .locator('.mb-lead', { hasText: 'The mesh daemon is not running.' })
        .waitFor({ timeout: 15_000 });
      assert.is(await opened.page.getByText('Offered by others').isVisible(), false);
    }),
  );
  page(
    'runs nothing that a stranger wrote, and links to no script',
    at(
      script({
        [SELF.key]: { name: HOSTILE, services: [{ name: HOSTILE, url: 'ssh://[200::1]', description: HOSTILE }] },
        [KEYS[0]!]: {
          name: HOSTILE,
          services: [
            { name: 'bad', url: 'javascript:window.harmed=1' },
            { name: HOSTILE, url: 'http://192.168.1.1/', description: HOSTILE },
            { name: 7, url: {} },
          ],
        },
        [KEYS[1]!]: [HOSTILE],
        [KEYS[2]!]: { services: HOSTILE },
      }),
      async (opened) => {
        await inTime(opened, opened.page.getByText('Leads to 192.168.1.1, which is not the node that announces it.'));
        await inTime(opened, opened.page.getByText('4 of 4 known nodes have answered.'));
        assert.is(await opened.page.evaluate('window.harmed'), undefined);
        const hrefs = await opened.page
          .locator('.mb-page a')
          .evaluateAll((links) => links.map((a) => a.getAttribute('href')));
        assert.equal(hrefs, ['http://192.168.1.1/']);
      },
    ),
  );
  for (const theme of ['light', 'dark'] as const)
    page(
      `fits a phone, ${theme}`,
      at(
        GOOD,
        async (opened) => {
          await inTime(opened, others(opened));
          assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), 360);
          assert.equal(await opened.page.evaluate(WEAK_TEXTS), []);
          await opened.shoot(`services-good-phone-${theme}`);
        },
        { ...PHONE, theme },
      ),
    );
}
page.run();
