// The page Operator, over a gateway that is the daemon's own but for network, machine and clock.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientView } from '../../src/api/client-object.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { nodeOf } from '../support/node-key.ts';
import { CAPTAIN } from '../support/people.ts';
import { DESKTOP, type Opened, Pages, PHONE } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { HOSTILE, ok } from './made-answer.ts';
import { type MadeGateway, type MadeGatewayOptions, makeGateway } from './made-gateway.ts';
import { dialog, lead, opener } from './scene.ts';

const pages = await Pages.start();
const at = opener(pages, 'operator');
const show = (...page: Parameters<typeof at>): Promise<void> => at(...page)();

const NAMES = ['Anna', 'Bruno', 'Casa Rosa', 'Dario', 'Emil'];
const tell = (home: number): object => ({ name: `${NAMES[home % 5]} ${home}`, ...(home % 2 && { site: 'north' }) });

/** A gateway with so many homes that are in, and so many that wait. */
async function gatewayWith(active: number, waiting = 0, options: MadeGatewayOptions = {}): Promise<MadeGateway> {
  const gateway = await makeGateway({
    ...options,
    options: ['max_clients 1000', 'max_waiting 100', 'asks_for name', ...(options.options ?? [])],
  });
  const addresses = Array.from({ length: active }, (_none, home) => nodeOf(home).address);
  if (active > 0) await gateway.call('admit', { addresses, by: 'zoe' });
  await gateway.askAll(
    Array.from({ length: active + waiting }, (_none, home) => home),
    tell,
  );
  return gateway;
}

const button = ({ page }: Opened, name: string | RegExp) =>
  page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
const inDialog = (opened: Opened, name: string) => dialog(opened).getByRole('button', { name, exact: true });
const tab = ({ page }: Opened, name: RegExp) => page.getByRole('tab', { name });
const region = ({ page }: Opened, name: string) => page.getByRole('region', { name, exact: true });
const said = ({ page }: Opened, text: string) =>
  page.locator('.mb-done', { hasText: text }).waitFor({ timeout: 15_000 });
const rows = ({ page }: Opened) => page.locator('.mb-homes tbody .tr');
const stateOf = async (gateway: MadeGateway, home: number): Promise<string | undefined> => {
  const { clients } = (await gateway.call('list', { search: nodeOf(home).address })) as { clients: ClientView[] };
  return clients[0]?.state;
};
const until = async (what: string, test: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; !(await test()); i++) {
    if (i === 500) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const page = suite('the page Operator');
if (pages) {
  page.after(() => pages.close());
  page('says who waits, lets in by one tap, and turns away by one, with a way back', async () => {
    const gateway = await gatewayWith(3, 7);
    await show(gateway.script, async (opened) => {
      await lead(opened, '7 homes wait for you.');
      const queue = region(opened, 'They wait for you');
      assert.is(await queue.getByRole('listitem').count(), 5);
      await opened.shoot('operator-waiting-desktop');
      await queue.getByRole('button', { name: 'Let in' }).first().click();
      await said(opened, '1 home is let in.');
      assert.is(await gateway.ask(3, tell(3)), 200);
      await lead(opened, '6 homes wait for you.');
      await queue.getByRole('listitem').first().getByRole('button', { name: 'Turn away' }).click();
      await said(opened, '1 home is turned away.');
      const [status, told] = await gateway.request(4, 'GET', '/v1/lease');
      assert.equal([status, told.error, /does not know you/.test(told.reason)], [403, 'refused', true]);
      await button(opened, 'Undo').click();
      await said(opened, 'Undone: all is as it was before.');
      assert.is(await gateway.ask(4, tell(4)), 202);
      await button(opened, 'All 6 that wait').click();
      await until('only those who wait', async () => (await rows(opened).count()) === 6);
    });
    assert.equal(
      gateway.did.map(({ method }) => method),
      ['admit', 'refuse', 'undo'],
    );
    gateway.stop();
  });
  page('shows what is used at a glance, and each of 90 days by mouse and keyboard', async () => {
    const used = { 0: [2e9, 1e8], 1: [5e9, 2e8] } as const;
    const gateway = await gatewayWith(2, 0, { used });
    await show(gateway.script, async (opened) => {
      await lead(opened, 'This gateway serves, and nobody waits.');
      const glance = region(opened, 'At a glance');
      const text = await glance.innerText();
      assert.match(text, /2\s+homes connected\s+of 1000 that it takes/);
      assert.match(text, /7\.3 GB\s+this month\s+↓ 7 GB ↑ 300 MB/);
      assert.ok((await glance.locator('path.mb-fewest').getAttribute('d'))!.split('Z').length > 80);
      const slider = glance.getByRole('slider', { name: 'Day of the last 90 days' });
      const now = await slider.getAttribute('aria-valuetext');
      await slider.press('ArrowLeft');
      const before = await slider.getAttribute('aria-valuetext');
      assert.is.not(before, now);
      assert.ok((await glance.innerText()).includes(before!));
    });
    gateway.stop();
  });
  page('searches, filters, sorts and turns pages of the list, all by the gateway', async () => {
    const used = { 7: [9e9, 0], 60: [8e9, 0] } as const;
    const gateway = await gatewayWith(120, 0, { used });
    await gateway.call('suspend', { addresses: [nodeOf(5).address], reason: 'spam' });
    await show(gateway.script, async (opened) => {
      const { page } = opened;
      await page.getByText('1 to 50 of 120').waitFor({ timeout: 15_000 });
      assert.is(await rows(opened).count(), 50);
      await button(opened, 'Next').click();
      await button(opened, 'Next').click();
      await page.getByText('101 to 120 of 120').waitFor({ timeout: 15_000 });
      assert.is(await button(opened, 'Next').isDisabled(), true);
      await page.getByLabel('Order').selectOption('month');
      await page.getByText('1 to 50 of 120').waitFor({ timeout: 15_000 });
      await until('who used most is first', async () => /Casa Rosa 7\b/.test(await rows(opened).first().innerText()));
      assert.match(await rows(opened).nth(1).innerText(), /Anna 60\b/);
      await button(opened, 'turned off 1').click();
      await until('one', async () => (await rows(opened).count()) === 1);
      assert.match(await rows(opened).first().innerText(), /Anna 5[\s\S]*spam[\s\S]*turned off/);
      await button(opened, 'all 120').click();
      await page.getByRole('searchbox').pressSequentially('emil 11');
      await until('those with that name', async () => (await rows(opened).count()) === 2);
      await page.getByRole('searchbox').fill('nobody');
      await page.getByText('No home fits what is searched for.').waitFor({ timeout: 15_000 });
      await button(opened, 'Show all').click();
      await page.getByText('1 to 50 of 120').waitFor({ timeout: 15_000 });
    });
    gateway.stop();
  });
  page('turns off many of several pages at once, with a reason that they read, and undoes it', async () => {
    const gateway = await gatewayWith(120);
    await show(gateway.script, async (opened) => {
      const { page } = opened;
      await page.getByText('1 to 50 of 120').waitFor({ timeout: 15_000 });
      await page.getByLabel('Choose all homes of this page').check();
      const bulk = page.getByRole('group', { name: 'Those that are chosen' });
      await bulk.getByText('50 homes are chosen.').waitFor({ timeout: 15_000 });
      await bulk.getByRole('button', { name: 'Choose all 120' }).click();
      await bulk.getByText('120 homes are chosen.').waitFor({ timeout: 15_000 });
      await bulk.getByRole('button', { name: 'Turn off …' }).click();
      assert.match(await dialog(opened).innerText(), /Turn off: .*and 115 more/);
      await inDialog(opened, 'Turn off').click();
      await dialog(opened).getByText('Say why: people shall know what to do.').waitFor({ timeout: 15_000 });
      assert.equal(gateway.did, []);
      await opened.shoot('operator-bulk-desktop');
      await dialog(opened).getByLabel('Reason, which homes read').fill('the mast fell');
      await inDialog(opened, 'Turn off').click();
      await said(opened, '120 homes are turned off.');
      assert.is(await bulk.isVisible(), false);
      const [, told] = await gateway.request(119, 'GET', '/v1/lease');
      assert.equal([told.error, told.reason], ['suspended', 'the mast fell']);
      assert.is([...gateway.plane.tunnels.values()].filter(({ suspended }) => suspended).length, 120);
      await button(opened, 'Undo').click();
      await said(opened, 'Undone: all is as it was before.');
      assert.is([...gateway.plane.tunnels.values()].filter(({ suspended }) => suspended).length, 0);
    });
    gateway.stop();
  });
  page('shows one home with what it told and used, and what was done to it', async () => {
    const gateway = await gatewayWith(3, 0, { used: { 1: [46e9, 0] }, options: ['quota 50000', 'port_block 1024'] });
    await gateway.call('suspend', { addresses: [nodeOf(1).address], reason: 'first', by: 'max' });
    await gateway.call('admit', { addresses: [nodeOf(1).address], days: 30, by: 'max' });
    await show(gateway.script, async (opened) => {
      const { page } = opened;
      await button(opened, 'Bruno 1').click();
      const known = region(opened, 'What is known');
      await known.waitFor({ timeout: 15_000 });
      assert.match(await known.innerText(), /Bruno 1[\s\S]*north[\s\S]*20\d:[\s\S]*gre6, 10\.43\./);
      assert.ok((await known.innerText()).includes(nodeOf(1).key));
      assert.match(await region(opened, 'Use').innerText(), /46 GB[\s\S]*of 50 GB[\s\S]*\d+ to \d+/);
      const done = await region(opened, 'What was done').innerText();
      assert.match(done, /max: let in[\s\S]*max: turned off[\s\S]*first[\s\S]*zoe: let in/);
      assert.is(await region(opened, 'What was done').getByRole('button', { name: 'Undo' }).count(), 2);
      assert.match(page.url(), /#homes\/20\d:/);
      await opened.shoot('operator-home-desktop');
      await button(opened, 'Limits …').click();
      await dialog(opened).getByLabel('Volume a month, GB').fill('1,5');
      await dialog(opened).getByLabel('Download, Mbit/s').fill('much');
      await inDialog(opened, 'Save').click();
      await dialog(opened).getByText('Expected a number from 0 to 100000.').waitFor({ timeout: 15_000 });
      await dialog(opened).getByLabel('Download, Mbit/s').fill('8');
      await inDialog(opened, 'Save').click();
      await said(opened, '1 home has other limits.');
      await region(opened, 'Use')
        .getByText('Volume a month, GB: 1.5 · Download, Mbit/s: 8')
        .waitFor({ timeout: 15_000 });
      assert.match(await region(opened, 'Use').innerText(), /of 1\.5 GB, slow until next month/);
      await page.goBack();
      await rows(opened).first().waitFor({ timeout: 15_000 });
    });
    const [limited] = gateway.did;
    assert.equal(limited!.args, {
      ...{ addresses: [nodeOf(1).address], quota_mb: 1500, down_kbits: 8000, clear: true },
    });
    gateway.stop();
  });
  page('lets in for a time and with limits, deletes what is personal, and says what is gone', async () => {
    const gateway = await gatewayWith(0, 1);
    await show(gateway.script, async (opened) => {
      await region(opened, 'Homes').getByRole('button', { name: 'Anna 0' }).click();
      await opened.page.getByText('It is number 1 of those that wait.').waitFor({ timeout: 15_000 });
      await button(opened, 'Let in …').click();
      await dialog(opened).getByLabel('For how many days').fill('30');
      await dialog(opened).getByText('More', { exact: true }).click();
      await dialog(opened).getByLabel('Upload, Mbit/s').fill('0');
      await inDialog(opened, 'Let in').click();
      await said(opened, '1 home is let in.');
      assert.equal(gateway.did[0]!.args, { addresses: [nodeOf(0).address], days: 30, up_kbits: 0 });
      await opened.page.getByText(/That is over on/).waitFor({ timeout: 15_000 });
      await button(opened, 'Delete what is personal').click();
      await inDialog(opened, 'Delete what is personal').click();
      await said(opened, 'Deleted: what it told');
      await until('it has no name', async () => (await stateOf(gateway, 0)) !== undefined);
      await opened.page.evaluate(`location.hash = '#homes/${nodeOf(99).address}'`);
      await opened.page.getByText('This home is not known here any more').waitFor({ timeout: 15_000 });
    });
    gateway.stop();
  });
  page('turns all off in two steps, the second with their number in words, and all on again', async () => {
    const gateway = await gatewayWith(12);
    await show(gateway.script, async (opened) => {
      await tab(opened, /Gateway/).click();
      await button(opened, 'Turn off all homes …').click();
      await dialog(opened).getByLabel('Reason, which homes read').fill('police');
      await inDialog(opened, 'Go on').click();
      await dialog(opened)
        .getByText('Those are twelve homes (12). Are all of them meant?')
        .waitFor({ timeout: 15_000 });
      assert.is(await stateOf(gateway, 3), 'active', '~> nothing is done yet');
      await inDialog(opened, 'Cancel').click();
      await button(opened, 'Turn off all homes …').click();
      await dialog(opened).getByLabel('Reason, which homes read').fill('police');
      await inDialog(opened, 'Go on').click();
      await inDialog(opened, 'Turn off: 12').click();
      await said(opened, '12 homes are turned off.');
      assert.is(await stateOf(gateway, 3), 'suspended');
      await button(opened, 'Let in all that are turned off …').click();
      await inDialog(opened, 'Go on').click();
      await inDialog(opened, 'Let in: 12').click();
      await said(opened, '12 homes are let in.');
      assert.is(await stateOf(gateway, 3), 'active');
      await button(opened, 'Let in all that are turned off …').click();
      await inDialog(opened, 'Go on').click();
      await said(opened, 'There is no such home.');
    });
    gateway.stop();
  });
  page('makes an invite whose word is shown once and lets a home in, and ends one', async () => {
    const gateway = await gatewayWith(1);
    await show(gateway.script, async (opened) => {
      await tab(opened, /Invites/).click();
      await opened.page.getByText('There is none. Make one for people whom you know').waitFor({ timeout: 15_000 });
      await button(opened, 'Make an invite …').click();
      await dialog(opened).getByLabel('For whom').fill('Street party');
      await dialog(opened).getByLabel('For how many homes').fill('2');
      await inDialog(opened, 'Make it').click();
      await opened.page.getByText('Hand this over now: it is shown this once.').waitFor({ timeout: 15_000 });
      const code = await opened.page.locator('.mb-code code').innerText();
      assert.is(await gateway.ask(40, { ...tell(40), invite: code }), 200);
      await opened.page.getByText(/1 home came · 1 more may come · until/).waitFor({ timeout: 15_000 });
      await opened.shoot('operator-invite-desktop');
      await opened.page.reload();
      await opened.page.getByText('Street party').waitFor({ timeout: 15_000 });
      assert.not.ok((await opened.page.content()).includes(code), '~> it is shown once');
      await button(opened, 'End it').click();
      await inDialog(opened, 'End it').click();
      await said(opened, 'Nobody comes by that invite any more');
      assert.is(await gateway.ask(41, { ...tell(41), invite: code }), 202);
    });
    gateway.stop();
  });
  page('names captains, shows what they report, and has it decided, which the home reads', async () => {
    const gateway = await gatewayWith(2);
    await gateway.ask(1, { ...tell(1), captain_key: CAPTAIN.public });
    await show(gateway.script, async (opened) => {
      await tab(opened, /Reports/).click();
      await button(opened, 'Name a captain …').click();
      await dialog(opened).getByLabel('Key').fill('nonsense');
      await inDialog(opened, 'Save').click();
      await dialog(opened).getByText('Expected 64 digits and letters from a to f.').waitFor({ timeout: 15_000 });
      await dialog(opened).getByLabel('Key').fill(CAPTAIN.public.toUpperCase());
      await dialog(opened).getByLabel('Name').fill('Otto');
      await inDialog(opened, 'Save').click();
      await opened.page.getByText('0 of 20 homes by their word').waitFor({ timeout: 15_000 });
      assert.is((await gateway.report(1, CAPTAIN))[0], 200);
      await lead(opened, '1 report waits for your decision.');
      await tab(opened, /Reports \(1\)/).waitFor({ timeout: 15_000 });
      const reports = region(opened, 'Reports');
      assert.match(
        await reports.innerText(),
        /sends spam[\s\S]*my mail server[\s\S]*by Otto · contact: otto@example\.org/,
      );
      await opened.shoot('operator-report-desktop');
      await reports.getByRole('button', { name: 'Decide: it is right …' }).click();
      await dialog(opened).getByLabel('Note').fill('call me');
      await inDialog(opened, 'Decide').click();
      await said(opened, 'Decided: the home reads it.');
      await reports.getByText('Your note: call me').waitFor({ timeout: 15_000 });
      const [, told] = await gateway.request(1, 'GET', '/v1/lease');
      assert.equal(told.report, { reason: 'sends spam', state: 'upheld', note: 'call me' });
      await reports.getByRole('button', { name: nodeOf(1).address }).click();
      await region(opened, 'Reports').getByText('sends spam').waitFor({ timeout: 15_000 });
      await tab(opened, /Reports/).click();
      await button(opened, 'No captain any more').click();
      await inDialog(opened, 'No captain any more').click();
      await opened.page.getByText('Nobody whom you named').waitFor({ timeout: 15_000 });
    });
    gateway.stop();
  });
  page('finds who had an address or a port', async () => {
    const gateway = await gatewayWith(2, 0, { options: ['port_block 1024'] });
    const { clients } = (await gateway.call('list', { search: nodeOf(1).address })) as { clients: ClientView[] };
    const [{ home4, ports }] = clients as [Required<ClientView>];
    await show(gateway.script, async (opened) => {
      await tab(opened, /Reports/).click();
      const who = region(opened, 'Who was it?');
      for (const place of [home4, String(ports.first + 5)]) {
        await who.getByRole('textbox').first().fill(place);
        await who.getByRole('button', { name: 'Look' }).click();
        await who.getByRole('button', { name: 'Bruno 1' }).waitFor({ timeout: 15_000 });
      }
      assert.match(await who.innerText(), new RegExp(`until now · ports ${ports.first} to ${ports.last}`));
      await who.getByRole('textbox').first().fill('not an address');
      await who.getByRole('button', { name: 'Look' }).click();
      await who.getByText(/address4: expected/).waitFor({ timeout: 15_000 });
    });
    gateway.stop();
  });
  page('tells homes that it stops, counts down, and goes on after all', async () => {
    const gateway = await gatewayWith(1);
    await show(gateway.script, async (opened) => {
      await tab(opened, /Gateway/).click();
      await button(opened, 'Tell homes that it stops …').click();
      await dialog(opened).getByLabel('What they are told').fill('New disk');
      await inDialog(opened, 'Tell them').click();
      await lead(opened, 'Homes are told that this gateway stops.');
      const [, told] = await gateway.request(0, 'GET', '/v1/lease');
      assert.equal([told.drain.reason, told.drain.in_s > 890], ['New disk', true]);
      const timer = opened.page.getByRole('timer').filter({ visible: true });
      assert.match(await timer.innerText(), /It may be stopped in 1[45]:\d\d\./);
      await opened.shoot('operator-drain-desktop');
      await button(opened, 'Go on after all').click();
      await said(opened, 'Homes are told that it goes on.');
      await lead(opened, 'This gateway serves, and nobody waits.');
    });
    assert.equal(gateway.did[0]!.args, { in_s: 900, reason: 'New disk' });
    gateway.stop();
  });
  page('shows the log, undoes from there, signs by a name, and saves all of it', async () => {
    const gateway = await gatewayWith(3);
    for (let i = 0; i < 40; i++) await gateway.call('suspend', { addresses: [nodeOf(2).address], reason: `no ${i}` });
    await show(gateway.script, async (opened) => {
      await tab(opened, /Log/).click();
      const log = region(opened, 'Log');
      await log.getByText('no 39').waitFor({ timeout: 15_000 });
      assert.is(await log.getByRole('listitem').count(), 30);
      await log.getByRole('button', { name: 'Show more' }).click();
      await log.getByText('zoe: let in, 3 homes').waitFor({ timeout: 15_000 });
      await log.getByLabel('Your name in this log, kept on this device').fill('Zoë');
      await log.getByLabel('Your name in this log, kept on this device').press('Tab');
      await log.getByRole('listitem').filter({ hasText: 'zoe: let in' }).getByRole('button', { name: 'Undo' }).click();
      await said(opened, 'Undone: all is as it was before.');
      await log.getByText('Zoë: undid, 2 homes').waitFor({ timeout: 15_000 });
      const saved = opened.page.waitForEvent('download');
      await log.getByRole('button', { name: 'Save all of it' }).click();
      const file = await saved;
      assert.match(file.suggestedFilename(), /^log-\d{4}-\d\d-\d\d\.json$/);
      const { entries, head } = JSON.parse(readFileSync(await file.path(), 'utf8'));
      assert.equal([entries.length, entries[0].n, entries.at(-1).n], [42, 42, 1]);
      assert.match(head, /^[a-z2-7]{52}$/);
    });
    gateway.stop();
  });
  page('says at once that somebody changed the log by hand', async () => {
    const gateway = await gatewayWith(1);
    await gateway.call('suspend', { addresses: [nodeOf(0).address], reason: 'spam' });
    for (const [path, file] of gateway.files.all) {
      const text = new TextDecoder().decode(file.bytes);
      if (path.includes('audit-'))
        gateway.files.all.set(path, { ...file, bytes: encodeUtf8(text.replace('spam', 'ham!')) });
    }
    gateway.stop();
    const later = await makeGateway({ files: gateway.files });
    await show(later.script, async (opened) => {
      await lead(opened, 'The log of what was decided does not fit together from entry 2 on');
      assert.is(await opened.page.locator('.mb-lead').getAttribute('data-health'), 'bad');
      await opened.shoot('operator-broken-desktop');
    });
    later.stop();
  });
  page('saves homes as CSV: those that are chosen, or all that the list has', async () => {
    const gateway = await gatewayWith(60, 0);
    await show(gateway.script, async (opened) => {
      const { page } = opened;
      await page.getByText('1 to 50 of 60').waitFor({ timeout: 15_000 });
      const save = async (): Promise<string[]> => {
        const saved = page.waitForEvent('download');
        await button(opened, 'Save as CSV').click();
        return readFileSync(await (await saved).path(), 'utf8')
          .trim()
          .split('\r\n');
      };
      assert.is((await save()).length, 61);
      await page.getByLabel('Choose Anna 0').check();
      const [titles, line, ...more] = await save();
      assert.match(titles!, /address,key,state/);
      assert.ok(line!.includes(nodeOf(0).address));
      assert.equal(more, []);
    });
    gateway.stop();
  });
  page('tells homes nothing that it does not tell the operator: what is kept, and who gets in', async () => {
    const gateway = await gatewayWith(1, 0, { options: ['logging We keep nothing else, ever', 'admission closed'] });
    const [, info] = await gateway.request(0, 'GET', '/v1/info');
    await show(gateway.script, async (opened) => {
      await tab(opened, /Gateway/).click();
      const told = region(opened, 'What homes are told of what is kept');
      await told.getByText(info.logging).waitFor({ timeout: 15_000 });
      assert.match(await told.innerText(), /We keep nothing else, ever[\s\S]*It is kept for 30 days, then deleted\./);
      await region(opened, 'This gateway').getByText('Nobody new gets in.').waitFor({ timeout: 15_000 });
    });
    gateway.stop();
  });
  page('says what to do while nobody has come, with the key to hand out', async () => {
    const gateway = await gatewayWith(0);
    await show(gateway.script, async (opened) => {
      const first = region(opened, 'Homes');
      await first.getByText('No home has come yet.').waitFor({ timeout: 15_000 });
      const [, info] = await gateway.request(0, 'GET', '/v1/info');
      await first.getByText(info.key).waitFor({ timeout: 15_000 });
      await opened.shoot('operator-empty-desktop');
    });
    gateway.stop();
  });
  page('says that the Internet is not reached', async () => {
    const gateway = await gatewayWith(1);
    gateway.streams.online = false;
    await gateway.clock.advance(120_000);
    await show(gateway.script, (opened) => lead(opened, 'This gateway does not reach the Internet.'));
    gateway.stop();
  });
  const STATUS = ok({
    ...{ version: '0.1.0', uptime_s: 100, log_level: 'info', config_errors: [], interfaces: [], links: [] },
  });
  page('says how to become a gateway where there is none', () =>
    show({ 'meshbridge.status': STATUS }, async (opened) => {
      await lead(opened, 'This machine is no gateway.');
      await region(opened, 'To become one').getByText('section “registrar”').waitFor({ timeout: 15_000 });
      assert.is(await opened.page.getByRole('tablist').isVisible(), false);
      await opened.shoot('operator-none-desktop');
    }),
  );
  page('says when the daemon does not run, when the gateway does not, and when one may not look', async () => {
    await show({}, (opened) => lead(opened, 'The mesh daemon is not running.'));
    const no = { status: 2, reply: { error: 'no gateway runs here now: the log of the daemon says why' } };
    const stopped = { 'meshbridge.client.summary': no, 'meshbridge.client.list': no };
    await show({ 'meshbridge.status': STATUS, ...stopped }, (opened) => lead(opened, 'no gateway runs here now'));
    const gateway = await gatewayWith(1);
    const logins = `config login\n\toption username 'root'\n\toption password '$p$root'\n\tlist read '*'\n`;
    await show(gateway.script, (opened) => lead(opened, 'You are not allowed to see this.'), DESKTOP, {
      config: { rpcd: logins },
    });
    gateway.stop();
  });
  page('says beside the button why something was refused, and does not lose what was typed', async () => {
    const gateway = await gatewayWith(1);
    const full = { status: 9, reply: { error: 'write /etc/x: No space left on device' } };
    await show({ ...gateway.script, 'meshbridge.client.suspend': full }, async (opened) => {
      await opened.page.getByLabel('Choose Anna 0').check();
      await button(opened, 'Turn off …').click();
      await dialog(opened).getByLabel('Reason, which homes read').fill('a long story');
      await inDialog(opened, 'Turn off').click();
      await dialog(opened).getByText('No space left on device').waitFor({ timeout: 15_000 });
      assert.is(await dialog(opened).getByLabel('Reason, which homes read').inputValue(), 'a long story');
      await opened.page.keyboard.press('Escape');
      await until('it is closed', async () => (await dialog(opened).count()) === 0);
    });
    gateway.stop();
  });
  page('goes by keyboard: tabs by arrows, the focus stays in place while answers come', async () => {
    const gateway = await gatewayWith(60, 2);
    await show(gateway.script, async (opened) => {
      const { page } = opened;
      await lead(opened, '2 homes wait for you.');
      await tab(opened, /Homes/).focus();
      await page.keyboard.press('ArrowRight');
      const focused = () => page.evaluate<string>('document.activeElement.textContent');
      assert.is(await focused(), 'Invites');
      await page.keyboard.press('End');
      assert.is(await focused(), 'Gateway');
      assert.is(await tab(opened, /Gateway/).getAttribute('aria-selected'), 'true');
      await page.keyboard.press('ArrowRight');
      assert.is(await focused(), 'Homes (2)');
      await rows(opened).first().waitFor({ timeout: 15_000 });
      await page.getByLabel('Choose Emil 59').or(rows(opened).nth(9).getByRole('checkbox')).first().focus();
      await opened.stopClock();
      await gateway.call('suspend', { addresses: [nodeOf(3).address], reason: 'x' });
      const before = opened.requests;
      await page.clock.runFor(5000);
      await page.clock.runFor(50);
      await opened.answered(before + 1);
      assert.is(await page.evaluate('document.activeElement.type'), 'checkbox');
    });
    gateway.stop();
  });
  page('asks for all that shows in one request', async () => {
    const gateway = await gatewayWith(3);
    await show(gateway.script, async (opened) => {
      await rows(opened).first().waitFor({ timeout: 15_000 });
      await opened.stopClock();
      const before = [opened.requests, opened.calls.length] as const;
      await opened.page.clock.runFor(5000);
      await opened.page.clock.runFor(50);
      await opened.answered(before[0] + 1);
      assert.equal(opened.calls.slice(before[1]).sort(), [
        'meshbridge.client.list',
        'meshbridge.client.list',
        'meshbridge.client.summary',
      ]);
    });
    gateway.stop();
  });
  page('runs nothing that homes, captains and other operators write', async () => {
    const gateway = await gatewayWith(0, 0, { options: ['asks_for email', 'asks_for phone'] });
    const cut = HOSTILE.slice(0, 60);
    const personal = { name: HOSTILE, email: HOSTILE, phone: HOSTILE };
    const told = { ...personal, site: cut, captain_key: CAPTAIN.public };
    await gateway.ask(1, told);
    await gateway.ask(2, told);
    await gateway.call('admit', { addresses: [nodeOf(1).address], by: HOSTILE });
    await gateway.ask(1, told);
    await gateway.call('captain', { key: CAPTAIN.public, name: cut, site: cut, by: HOSTILE });
    assert.is((await gateway.report(1, CAPTAIN, { reason: HOSTILE, evidence: HOSTILE, contact: HOSTILE }))[0], 200);
    await gateway.call('decide_report', { id: 1, decision: 'upheld', note: HOSTILE });
    assert.is((await gateway.report(1, CAPTAIN, { reason: HOSTILE, evidence: HOSTILE, contact: HOSTILE }))[0], 200);
    await gateway.call('invite', { note: cut, site: cut, by: HOSTILE });
    await gateway.call('suspend', { addresses: [nodeOf(1).address], reason: HOSTILE, by: HOSTILE });
    await gateway.call('drain', { in_s: 900, reason: HOSTILE, by: HOSTILE });
    await show(gateway.script, async (opened) => {
      const { page } = opened;
      await lead(opened, 'Homes are told that this gateway stops.');
      const harmless = async (where: string): Promise<void> => {
        assert.is(await page.evaluate('window.harmed'), undefined, where);
        assert.is(await page.locator('.mb-page img, .mb-page script, .mb-page a, dialog img').count(), 0, where);
        assert.is(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, where);
      };
      await rows(opened).first().waitFor({ timeout: 15_000 });
      await harmless('list');
      await rows(opened).first().getByRole('checkbox').check();
      await button(opened, 'Turn off …').click();
      await harmless('dialog');
      await page.keyboard.press('Escape');
      await rows(opened).nth(1).getByRole('button').click();
      await region(opened, 'What is known').waitFor({ timeout: 15_000 });
      await region(opened, 'Reports').waitFor({ timeout: 15_000 });
      await harmless('home');
      await opened.shoot('operator-hostile-desktop');
      for (const [name, seen] of [
        [/Invites/, 'only from'],
        [/Reports/, 'Your note'],
        [/Log/, 'entry 1'],
        [/Gateway/, 'Its key'],
      ] as const) {
        await tab(opened, name).click();
        await page.getByText(seen).filter({ visible: true }).first().waitFor({ timeout: 15_000 });
        await harmless(String(name));
      }
      await page.evaluate(`location.hash = '#homes/' + ${JSON.stringify(HOSTILE)}`);
      await rows(opened).first().waitFor({ timeout: 15_000 });
      await harmless('address');
    });
    gateway.stop();
  });
  for (const [language, text] of [
    ['de', '2 Haushalte warten auf dich.'],
    ['es', '2 casas te esperan.'],
  ] as const)
    page(`speaks ${language}`, async () => {
      const gateway = await gatewayWith(0, 2);
      await show(gateway.script, (opened) => lead(opened, text), DESKTOP, { language });
      gateway.stop();
    });
  for (const theme of ['light', 'dark'] as const)
    page(`fits a phone in all its parts, ${theme}`, async () => {
      const gateway = await gatewayWith(6, 2, { used: { 1: [46e9, 0] }, options: ['quota 50000'] });
      await gateway.call('suspend', { addresses: [nodeOf(4).address], reason: 'There are complaints of many kinds.' });
      await gateway.call('invite', { note: 'Anna' });
      await show(
        gateway.script,
        async (opened) => {
          const fits = async (where: string): Promise<void> => {
            assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), 360, where);
            assert.equal(await opened.page.evaluate<string[]>(WEAK_TEXTS), [], where);
            await opened.shoot(`operator-${where}-phone-${theme}`);
          };
          await rows(opened).first().waitFor({ timeout: 15_000 });
          await fits('list');
          await button(opened, 'Bruno 1').last().click();
          await region(opened, 'What is known').waitFor({ timeout: 15_000 });
          await fits('home');
          for (const [name, seen] of [
            ['Invites', 'more may come'],
            ['Reports', 'Who was it?'],
            ['Log', 'made an invite'],
            ['Gateway', 'Its key'],
          ] as const) {
            await tab(opened, new RegExp(name)).click();
            await opened.page.getByText(seen).filter({ visible: true }).first().waitFor({ timeout: 15_000 });
            await fits(name.toLowerCase());
          }
        },
        { ...PHONE, theme },
      );
      gateway.stop();
    });
}
page.run();
