/// <reference path="../../luci-app/text.d.ts" />
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { linesOf } from '../../luci-app/view/peers/line.ts';
import { describeTrouble } from '../../luci-app/view/peers/trouble.ts';
import type { AdviserStatus, Peer } from '../../src/api/model.ts';
import { format } from '../../src/page-host/client/format.ts';
import type { PageAnswer, PageCall } from '../../src/page-host/ubus.ts';
import { type Opened, Pages, PHONE, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { HOSTILE } from './made-answer.ts';
import { lead, opener } from './scene.ts';

const KEY = 'd91b81ea43a8bd6b1ef7bfcbf6a3c8d2d91b81ea43a8bd6b1ef7bfcbf6a3c8d2';
const OTHER_KEY = '0002a5f3b1d4c7e8'.repeat(4);
const NEVER = (): Promise<PageAnswer> => new Promise(() => {});

const UP: Peer = {
  remote: 'tls://berlin.example.org:443',
  origin: 'configured',
  inbound: false,
  up: true,
  state: 'up',
  proven_ago_ms: 2400,
  proof: 'traffic',
  state_ago_ms: 260_000_000,
  changes_per_hour: 0,
  key: KEY,
  address: '200:4dc8:fc2b:78ae:8529:c210:8068:12b8',
  name: 'berlin-1',
  port: 3,
  priority: 0,
  cost: 21,
  uptime_s: 260_000,
  rx_bytes: 734_003_200,
  tx_bytes: 91_226_112,
  rx_bytes_per_s: 48_210,
  tx_bytes_per_s: 3_120,
  latency_ms: 20.7,
};
const SILENT: Peer = {
  ...UP,
  remote: 'tls://[2001:db8::7]:4433',
  state: 'unproven',
  proven_ago_ms: 360_000,
  name: 'roof-north',
  key: OTHER_KEY,
  rx_bytes_per_s: 0,
  tx_bytes_per_s: 12,
};
const DOWN: Peer = {
  remote: 'tcp://203.0.113.9:9001',
  origin: 'configured',
  inbound: false,
  up: false,
  state: 'down',
  state_ago_ms: 7_260_000,
  changes_per_hour: 2,
  key: OTHER_KEY,
  key_remembered: true,
  last_error: 'dial tcp 203.0.113.9:9001: connect: connection refused',
  last_error_ago_ms: 42_000,
};
const EXTRA: Peer = { ...UP, remote: 'quic://198.51.100.20:443', origin: 'runtime', name: 'camp-7', options: '' };
const INBOUND: Peer = { ...UP, remote: 'tcp://192.168.1.44:51820', origin: 'inbound', inbound: true, name: 'barn' };
const FOUND: Peer = {
  ...UP,
  remote: 'tls://[fe80::5054:ff:fe12:3456%25br-lan]:40001',
  origin: 'multicast',
  name: 'attic',
};
const TRIAL: Peer = {
  ...EXTRA,
  remote: 'tls://paris.example.net:8443',
  name: 'paris-2',
  trial_left_s: 42,
  options: `key=${KEY}`,
  state_ago_ms: 3000,
  uptime_s: 3,
};
const LEFT = 'tls://198.51.100.99:443?password=secret';

function peers(list: readonly Peer[], more: object = {}): PageAnswer {
  return { status: 0, reply: { age_ms: 100, interface: 'ygg0', peers: list, ...more } };
}
function configuration(...uris: string[]): PageAnswer {
  const list = uris.map((uri) => ({ uri }));
  return { status: 0, reply: { interfaces: [{ interface: 'ygg0', peers: list }] } };
}
function status(...names: string[]): PageAnswer {
  const interfaces = names.map((name) => ({ interface: name, connected: true, found_by: 'netifd' }));
  return {
    status: 0,
    reply: { version: '1', uptime_s: 1, log_level: 'info', config_errors: [], links: [], interfaces },
  };
}
function adviser(more: Partial<AdviserStatus> = {}): PageAnswer {
  return { status: 0, reply: { enabled: false, state: 'off', listed: 0, candidates: [], ...more } };
}
const DONE: PageAnswer = { status: 0, reply: { interface: 'ygg0', message: 'done' } };

const QUIET: Script = {
  'yggdrasil.peers': peers([UP, INBOUND, FOUND]),
  'meshbridge.status': status('ygg0'),
  'meshbridge.adviser': adviser(),
  'meshbridge.helper.network_read': configuration(UP.remote!),
};
const ADVISING = adviser({
  enabled: true,
  state: 'content',
  listed: 61,
  next_s: 3500,
  candidates: [
    { uri: 'tls://a.example.net:443', operator: 'example.net', latency_ms: 31, measured_ago_s: 700 },
    {
      uri: 'tls://b.example.com:443',
      operator: 'example.com',
      region: 'europe/germany',
      latency_ms: 12,
      measured_ago_s: 700,
      role: 'kept',
    },
    { uri: 'tls://c.example.org:443', operator: 'example.org', measured_ago_s: 900, problem: 'no answer' },
  ],
});
const MIXED: Script = {
  ...QUIET,
  'yggdrasil.peers': peers([UP, INBOUND, FOUND, EXTRA, SILENT, DOWN, TRIAL]),
  'meshbridge.adviser': ADVISING,
  'meshbridge.helper.network_read': configuration(`${UP.remote}?priority=3`, SILENT.remote!, DOWN.remote!, LEFT),
};

type Args = PageCall['args'];

// before the first suite: uvu begins to run what there is while somebody waits
const pages = await Pages.start();
const at = opener(pages, 'peers');

// what LuCI's client gives to every page
Object.assign(globalThis, {
  _: (text: string) => text,
  N_: (count: number, one: string, many: string) => (count === 1 ? one : many),
});
Object.defineProperty(String.prototype, 'format', { value: format });

const RIGHTS = { operate: true, operator: true };

const lines = suite('linesOf');
lines('puts what needs somebody first: trials, what is down, what is silent, differences', () => {
  const found = linesOf([UP, INBOUND, FOUND, EXTRA, SILENT, DOWN, TRIAL], {
    rights: RIGHTS,
    configured: [{ uri: `${UP.remote}?priority=3` }, { uri: SILENT.remote! }, { uri: DOWN.remote! }, { uri: LEFT }],
  });
  assert.equal(
    found.map(({ title, difference }) => `${title} ${difference ?? ''}`.trim()),
    [
      'paris-2 extra',
      '198.51.100.99 missing',
      '203.0.113.9',
      'roof-north',
      'berlin-1 options',
      'camp-7 extra',
      'attic',
      'barn',
    ],
  );
});
lines('never offers to end an inbound or a multicast link', () => {
  for (const { actions } of linesOf([INBOUND, FOUND], { rights: RIGHTS, configured: [] }))
    assert.equal(
      actions.filter(({ name }) => name === 'remove' || name === 'forget' || name === 'pin'),
      [],
    );
});
lines('offers nothing without rights, and nothing lasting to whoever may only operate', () => {
  const all = [UP, EXTRA, SILENT, DOWN, TRIAL];
  const known = { configured: [{ uri: UP.remote! }, { uri: LEFT }] };
  const names = (rights: typeof RIGHTS) =>
    linesOf(all, { ...known, rights }).flatMap(({ actions }) => actions.map(({ name }) => name));
  assert.equal(names({ operate: false, operator: false }), []);
  assert.equal(
    names({ operate: true, operator: false }).filter((name) => name === 'keep' || name === 'forget'),
    [],
  );
});
lines('calls nothing different while the configuration is not known', () => {
  assert.is(linesOf([UP], { rights: RIGHTS })[0]!.difference, undefined);
  assert.is(linesOf([EXTRA], { rights: RIGHTS })[0]!.difference, 'extra', '~> Yggdrasil says so itself');
});
lines('keeps two links to one node apart, and hides passwords', () => {
  const found = linesOf([INBOUND, { ...INBOUND }], { rights: RIGHTS, configured: [{ uri: LEFT }] });
  assert.is(new Set(found.map(({ key }) => key)).size, 3);
  assert.not.match(JSON.stringify(found.map(({ remote, title }) => [remote, title])), /secret/);
});
lines.run();

// ---

const trouble = suite('describeTrouble');
const TEXTS: [string, RegExp][] = [
  ['dial tcp 203.0.113.9:9001: connect: connection refused', /nothing listens/],
  ['dial tcp: lookup x.example on 192.0.2.1:53: no such host', /name was not found/],
  ['dial tcp [2001:db8::7]:443: connect: no route to host', /no way/],
  ['dial tcp 203.0.113.9:9001: i/o timeout', /does not answer/],
  ['node public key does not match pinned keys', /not the pinned one/],
  ['password does not match remote side', /another password/],
  ['remote node incompatible version (local 0.5, remote 0.4)', /does not understand ours/],
  ['interface "wan9" not found', /network device/],
  ['tls: first record does not look like a TLS handshake', /encrypted connection/],
  ['EOF', /cut off/],
  [HOSTILE, /no words for/],
];
for (const [text, words] of TEXTS)
  trouble(`has words for ${text.slice(0, 60)}`, () => assert.match(describeTrouble(text).what, words));
trouble.run();

// ---

/** The line of a peer. */
function row({ page }: Opened, name: string) {
  return page.locator('li.mb-peer', { hasText: name });
}
/** Takes down what a command was called with. */
function noting(sent: [string, Args][], ...names: string[]): Script {
  return Object.fromEntries(
    names.map((name) => [
      `yggdrasil.${name}`,
      (args: Args) => {
        sent.push([name, args]);
        return DONE;
      },
    ]),
  );
}

const page = suite('the page Peers');
if (pages) {
  page.after(() => pages.close());
  page(
    'says that it asks, until the daemon has answered',
    at({ ...QUIET, 'yggdrasil.peers': NEVER }, async (opened) => {
      await lead(opened, /^Asking the mesh daemon …$/);
      assert.is(await opened.page.getByText('Add a peer').isVisible(), false);
    }),
  );
  page(
    'shows peers that are up, with what is claimed and what is proven',
    at(QUIET, async (opened) => {
      await lead(opened, /^All 3 peers are up\.$/);
      await row(opened, 'berlin-1').locator('summary').click();
      await row(opened, 'berlin-1').getByText('Yggdrasil says').waitFor({ timeout: 15_000 });
      const text = await row(opened, 'berlin-1').innerText();
      for (const words of [
        /Yggdrasil says\s+up/,
        /Proven\s+data arrived 2 seconds ago/,
        /Latency\s+21 ms/,
        /Cost\s+21/,
        /734 MB/,
      ])
        assert.match(text, words);
      await opened.shoot('peers-good-desktop');
    }),
  );
  page(
    'shows what is wrong, and what to do',
    at(MIXED, async (opened) => {
      await lead(opened, /^5 of 8 peers are up\./);
      await row(opened, '198.51.100.99').getByText('Not dialled').waitFor({ timeout: 15_000 });
      assert.match(await row(opened, '203.0.113.9').innerText(), /nothing listens on this port/);
      assert.match(await row(opened, 'roof-north').innerText(), /says up, silent for 6 minutes/);
      assert.match(await row(opened, 'camp-7').innerText(), /not in the configuration/);
      assert.not.match(await opened.page.locator('.mb-page').innerText(), /secret/);
      await opened.shoot('peers-mixed-desktop');
    }),
  );
  page(
    'asks one thing a poll',
    at(QUIET, async (opened) => {
      await lead(opened, /All 3 peers are up/);
      await row(opened, 'berlin-1').waitFor();
      await opened.page.waitForFunction('document.querySelector(".mb-card h3")');
      const before = opened.calls.length;
      await opened.page.clock.runFor(5000);
      await opened.page.waitForTimeout(300);
      assert.equal(
        opened.calls.slice(before).filter((call) => /^(yggdrasil|meshbridge)/.test(call)),
        ['yggdrasil.peers'],
      );
    }),
  );
  page('tries a peering with what the fields say', async () => {
    const sent: [string, Args][] = [];
    await at({ ...QUIET, ...noting(sent, 'peer_try') }, async (opened) => {
      const { page } = opened;
      await page.getByLabel('Address', { exact: true }).fill('tls://new.example.org:443');
      await page.getByText('Options', { exact: true }).click();
      await page.getByLabel('Key to pin').fill(KEY);
      await page.getByLabel('Priority').fill('7');
      await page.getByRole('button', { name: 'Try for 60 seconds' }).click();
      await page.getByText('On trial: confirm it within 60 seconds.').waitFor({ timeout: 15_000 });
    })();
    assert.equal(sent, [
      ['peer_try', { uri: `tls://new.example.org:443?key=${KEY}&priority=7`, interface: 'ygg0', seconds: 60 }],
    ]);
  });
  page(
    'names the field at fault, and goes there',
    at(
      {
        ...QUIET,
        'yggdrasil.peer_add': {
          status: 2,
          reply: { error: 'uri: host port: expected 1 to 65535, got "99999"', field: 'uri' },
        },
      },
      async (opened) => {
        const { page } = opened;
        await page.getByLabel('Address', { exact: true }).fill('tls://new.example.org:99999');
        await page.getByRole('button', { name: 'Add until a restart' }).click();
        await page.getByText('Port: 1 to 65535 behind a colon').waitFor({ timeout: 15_000 });
        assert.is(await page.evaluate('document.activeElement.id'), 'mb-add-address');
      },
    ),
  );
  page(
    'names the option at fault, too',
    at(
      {
        ...QUIET,
        'yggdrasil.peer_add': {
          status: 2,
          reply: { error: 'uri: priority: expected 0 to 254, got "900"', field: 'uri' },
        },
      },
      async (opened) => {
        const { page } = opened;
        await page.getByLabel('Address', { exact: true }).fill('tls://new.example.org:443');
        await page.getByText('Options', { exact: true }).click();
        await page.getByLabel('Priority').fill('900');
        await page.getByRole('button', { name: 'Add until a restart' }).click();
        await page.getByText('Priority: 0 to 254.').waitFor({ timeout: 15_000 });
        assert.is(await page.evaluate('document.activeElement.id'), 'mb-add-priority');
      },
    ),
  );
  page('confirms, undoes and keeps what is on trial', async () => {
    const sent: [string, Args][] = [];
    await at({ ...MIXED, ...noting(sent, 'peer_confirm', 'peer_undo', 'peer_keep') }, async (opened) => {
      const trial = row(opened, 'paris-2');
      await trial.getByText(/^Undone in \d+ s\.$/).waitFor({ timeout: 15_000 });
      for (const [name, said] of [
        ['Confirm', 'stays until the next restart'],
        ['Undo', 'is as it was before'],
        ['Keep', 'is in the configuration now'],
      ] as const) {
        await trial.getByRole('button', { name, exact: true }).click();
        await opened.page.locator('.mb-done', { hasText: said }).waitFor({ timeout: 15_000 });
      }
    })();
    const peering = { uri: TRIAL.remote, interface: 'ygg0' };
    assert.equal(sent, [
      ['peer_confirm', peering],
      ['peer_undo', peering],
      ['peer_keep', peering],
    ]);
  });
  page('retries, removes, forgets, pins and changes priority after it said what that means', async () => {
    const sent: [string, Args][] = [];
    await at({ ...MIXED, ...noting(sent, 'peer_retry', 'peer_remove', 'peer_try', 'peer_add') }, async (opened) => {
      const { page } = opened;
      const dialog = page.getByRole('dialog');
      const done = (said: string) => page.locator('.mb-done', { hasText: said }).waitFor({ timeout: 15_000 });
      await row(opened, '203.0.113.9').getByRole('button', { name: 'Retry now' }).click();
      await done('203.0.113.9 is being dialled.');
      await row(opened, '198.51.100.99').getByRole('button', { name: 'Dial it now' }).click();
      await done('198.51.100.99 is being dialled.');
      const silent = row(opened, 'roof-north');
      await silent.locator('summary').click();
      await silent.getByRole('button', { name: 'Remove …' }).click();
      await dialog.getByText('it comes back when Yggdrasil restarts').waitFor({ timeout: 15_000 });
      await dialog.getByRole('button', { name: 'Remove' }).click();
      await done('roof-north is removed.');
      await silent.getByRole('button', { name: 'Remove and forget …' }).click();
      await dialog.getByRole('button', { name: 'Remove and forget' }).click();
      await dialog.waitFor({ state: 'detached', timeout: 15_000 });
      await silent.getByRole('button', { name: 'Pin this key …' }).click();
      await dialog.getByText('The link breaks for a moment.').waitFor({ timeout: 15_000 });
      await opened.shoot('peers-pin-desktop');
      await dialog.getByRole('button', { name: 'Pin this key' }).click();
      await dialog.waitFor({ state: 'detached', timeout: 15_000 });
      await silent.getByRole('button', { name: 'Change priority …' }).click();
      await dialog.getByRole('spinbutton').fill('9');
      await dialog.getByRole('button', { name: 'Change priority' }).click();
      await dialog.waitFor({ state: 'detached', timeout: 15_000 });
    })();
    const silent = { uri: SILENT.remote, interface: 'ygg0' };
    assert.equal(sent, [
      ['peer_retry', { uri: DOWN.remote, interface: 'ygg0' }],
      ['peer_add', { uri: LEFT, interface: 'ygg0' }],
      ['peer_remove', silent],
      ['peer_remove', { ...silent, forget: true }],
      ['peer_try', { ...silent, uri: `${SILENT.remote}?key=${OTHER_KEY}`, seconds: 60, replace: true }],
      ['peer_try', { ...silent, uri: `${SILENT.remote}?priority=9`, seconds: 60, replace: true }],
    ]);
  });
  page(
    'says why a command failed, and leaves the dialog open',
    at(
      { ...MIXED, 'yggdrasil.peer_remove': { status: 9, reply: { error: 'Yggdrasil does not answer: timed out' } } },
      async (opened) => {
        const silent = row(opened, 'roof-north');
        await silent.locator('summary').click();
        await silent.getByRole('button', { name: 'Remove …' }).click();
        const dialog = opened.page.getByRole('dialog');
        await dialog.getByRole('button', { name: 'Remove' }).click();
        await dialog.getByText('timed out').waitFor({ timeout: 15_000 });
        await opened.page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached', timeout: 15_000 });
      },
    ),
  );
  page(
    'offers nothing to whoever may only look, and says so',
    at({ ...MIXED, 'session.access': { status: 0, reply: { access: false } } }, async (opened) => {
      await opened.page.getByText('You may look, but change nothing here').waitFor({ timeout: 15_000 });
      assert.is(await opened.page.locator('li.mb-peer button:visible').count(), 0);
      assert.is(await opened.page.getByText('Add a peer').isVisible(), false);
      assert.not.ok(opened.calls.includes('meshbridge.helper.network_read'));
    }),
  );
  page(
    'says why there is no button for what others made',
    at(QUIET, async (opened) => {
      await row(opened, 'barn').locator('summary').click();
      await row(opened, 'barn').getByText('only it can end it').waitFor({ timeout: 15_000 });
      await row(opened, 'attic').locator('summary').click();
      await row(opened, 'attic').getByText('Multicast would find this neighbour again').waitFor({ timeout: 15_000 });
    }),
  );
  page('undoes what the adviser added', async () => {
    let undone = 0;
    const script = {
      ...MIXED,
      'meshbridge.adviser_undo': () => {
        undone++;
        return { status: 0, reply: { message: 'done' } };
      },
    };
    await at(script, async (opened) => {
      const { page } = opened;
      await page.getByRole('button', { name: 'Undo all of it' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Undo all of it' }).click();
      await page.getByText('The peers of the adviser are removed.').waitFor({ timeout: 15_000 });
    })();
    assert.is(undone, 1);
  });
  page(
    'says what to do without a peer',
    at(
      { ...QUIET, 'yggdrasil.peers': peers([]), 'meshbridge.helper.network_read': configuration() },
      async (opened) => {
        await lead(opened, /This router has no peers\.\s*Add one below/);
        await opened.shoot('peers-empty-desktop');
      },
    ),
  );
  page(
    'says when the daemon does not run',
    at({}, async (opened) => {
      await lead(opened, /^The mesh daemon is not running\./);
      assert.is(await opened.page.getByText('Add a peer').isVisible(), false);
    }),
  );
  page(
    'keeps lines, focus and what is open while it is redrawn',
    at(MIXED, async (opened) => {
      const { page } = opened;
      await row(opened, 'roof-north').locator('summary').click();
      await row(opened, 'roof-north').locator('summary').focus();
      await page.evaluate('window.kept = [...document.querySelectorAll("li.mb-peer")]');
      opened.script = {
        ...MIXED,
        'yggdrasil.peers': peers([{ ...SILENT, cost: 99 }, UP, INBOUND, FOUND, EXTRA, DOWN, TRIAL]),
      };
      await page.clock.runFor(6000);
      await row(opened, 'roof-north').getByText('99', { exact: true }).waitFor({ timeout: 15_000 });
      assert.is(
        await page.evaluate('[...document.querySelectorAll("li.mb-peer")].every((li) => window.kept.includes(li))'),
        true,
      );
      assert.match(await page.evaluate('document.activeElement.textContent'), /roof-north/);
    }),
  );
  page(
    'finds some among many',
    at(
      {
        ...QUIET,
        'yggdrasil.peers': peers(
          Array.from({ length: 300 }, (_none, i) => ({ ...UP, name: `node-${i}`, remote: `tls://h${i}.example:443` })),
        ),
      },
      async (opened) => {
        await opened.page.locator('li.mb-peer').nth(299).waitFor({ state: 'attached', timeout: 10_000 });
        await opened.page.getByLabel('Show only what contains').fill('node-29');
        await opened.page.getByText('11 peers are shown.').waitFor({ timeout: 15_000 });
        assert.is(await opened.page.locator('li.mb-peer').count(), 11);
      },
    ),
  );
  page(
    'runs nothing that a stranger wrote',
    at(
      {
        ...QUIET,
        'yggdrasil.peers': peers([
          { ...UP, name: HOSTILE, key: HOSTILE, address: HOSTILE, remote: HOSTILE, device: HOSTILE },
          { ...DOWN, name: HOSTILE, last_error: HOSTILE, key: HOSTILE },
        ]),
        'meshbridge.adviser': adviser({
          enabled: true,
          state: HOSTILE,
          problem: HOSTILE,
          candidates: [{ uri: HOSTILE, operator: HOSTILE, region: HOSTILE, problem: HOSTILE, role: 'kept' }],
        }),
        'meshbridge.helper.network_read': configuration(HOSTILE),
      },
      async (opened) => {
        await lead(opened, /peers are up/);
        for (const one of await opened.page.locator('li.mb-peer summary').all()) await one.click();
        assert.is(await opened.page.evaluate('window.harmed'), undefined);
        assert.is(await opened.page.locator('.mb-page img, .mb-page script').count(), 0);
        await opened.shoot('peers-hostile-desktop');
      },
    ),
  );
  for (const theme of ['light', 'dark'] as const)
    page(
      `fits a phone, ${theme}`,
      at(
        MIXED,
        async (opened) => {
          await row(opened, '198.51.100.99').getByText('Not dialled').waitFor({ timeout: 15_000 });
          await row(opened, 'roof-north').locator('summary').click();
          assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), 360);
          assert.equal(await opened.page.evaluate(WEAK_TEXTS), []);
          await opened.shoot(`peers-mixed-phone-${theme}`);
        },
        { ...PHONE, theme },
      ),
    );
  page(
    'works by keyboard alone',
    at(MIXED, async (opened) => {
      const { page } = opened;
      await row(opened, '203.0.113.9').locator('summary').focus();
      await page.keyboard.press('Enter');
      assert.is(await row(opened, '203.0.113.9').locator('details').getAttribute('open'), '');
      const remove = row(opened, '203.0.113.9').getByRole('button', { name: 'Remove …' });
      await remove.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog', { name: 'Remove' }).waitFor({ timeout: 15_000 });
      await page.keyboard.press('Escape');
      assert.match(await page.evaluate('document.activeElement.textContent'), /^Remove …$/);
    }),
  );
}
page.run();
