import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import { DESKTOP, Pages, PHONE, type Script } from './browser.ts';
import { WEAK_TEXTS } from './contrast.ts';
import { BAD, GOOD, HOSTILE, type MemberAnswer, member, ok, UNKNOWN, verdict, WEAK } from './made-answer.ts';
import { lead, opener } from './scene.ts';

function script(answer: MemberAnswer): Script {
  return { 'meshbridge.member': ok(answer) };
}
const good = script(member(GOOD));
const weak = script(member(WEAK));
const bad = script(member(BAD));
const { traffic: _traffic, name: _name, ...little } = member(UNKNOWN);
const unknown = script(little);
const hostile = script(
  member(verdict('bad', HOSTILE, ['{a} says {b}', HOSTILE], { a: HOSTILE, b: HOSTILE }), { name: HOSTILE }),
);

const pages = await Pages.start();
// as the household, whose login may see nothing else
const at = opener(pages, 'member', { screen: PHONE, visit: { as: 'member' } });

const page = suite('the page My home');
if (pages) {
  page.after(() => pages.close());

  page(
    'says that the mesh works, what the home uses, and thanks',
    at(good, async (opened) => {
      await lead(
        opened,
        /^The mesh works: 3 of 4 peers are up\.\s*For 2 hours\. This home is called mill-roof in the mesh/,
      );
      const use = opened.page.getByRole('region', { name: 'What this home uses of the mesh' });
      assert.match(
        await use.innerText(),
        /4\.2 GB\s*received, 1\.2 MB\/s now\s+1\.1 GB\s*sent, 310 kB\/s now\s+Counted/,
      );
      await opened.page.getByText('Your router passed on 17.4 GB for others. Thank you').waitFor({ timeout: 15_000 });
      assert.is(await opened.page.getByText('If this lasts').isVisible(), false);
      await opened.shoot('member-good-phone');
    }),
  );
  page(
    'says what is wrong, and what to tell whoever can help',
    at(bad, async (opened) => {
      await lead(opened, /^The Internet line is down: there is no cable in wan\.\s*Plug the cable/);
      await opened.page.getByText('tell whoever looks after your router, and this word with it: no_cable').waitFor();
      const steps = opened.page.getByRole('list', { name: 'From the line to the mesh' }).getByRole('listitem');
      assert.match(await steps.nth(0).innerText(), /^\s*Internet line\s+Broken\s+For 5 minutes\.\s*$/);
    }),
  );
  page(
    'shows no figures where there are none',
    at(unknown, async (opened) => {
      await lead(opened, /^The mesh daemon has just started/);
      assert.is(await opened.page.getByRole('region', { name: 'What this home uses of the mesh' }).count(), 0);
    }),
  );
  page(
    'asks for nothing but the one answer',
    at(good, async (opened) => {
      await lead(opened, /^The mesh works/);
      assert.is(opened.requests, 1);
      await opened.stopClock();
      for (let i = 0; i < 3; i++) {
        const { finished } = opened;
        await opened.page.clock.runFor(5000);
        await opened.page.clock.runFor(50); // LuCI sends calls with the next frame
        await opened.answered(finished + 1);
      }
      assert.equal(opened.calls, Array(4).fill('meshbridge.member'));
    }),
  );
  for (const [what, answer, text] of [
    ['is not there', 'absent', /^The mesh daemon is not running\./],
    ['may not be asked', 'denied', /^You are not allowed to see this\./],
    ['does not answer', { status: 7 }, /^The mesh daemon does not answer\./],
    ['answers something else', ok({}), /^The mesh daemon answers in a way that this page does not/],
  ] as [string, PageAnswer, RegExp][])
    page(
      `says so when the daemon ${what}, and recovers`,
      at({ 'meshbridge.member': answer }, async (opened) => {
        await lead(opened, text);
        assert.is(await opened.page.getByRole('region').count(), 0);
        opened.script = good;
        await opened.page.clock.runFor(5000);
        await lead(opened, /^The mesh works/);
      }),
    );
  page(
    'runs nothing of what names hold',
    at(hostile, async (opened) => {
      await lead(opened, /onerror/);
      assert.is(await opened.page.locator('#view img, #view script').count(), 0);
      assert.is(await opened.page.evaluate('window.harmed'), undefined);
    }),
  );
  for (const [name, given] of Object.entries({ good, weak, bad, unknown, hostile }))
    page(
      `fits a phone, dark: ${name}`,
      at(
        given,
        async (opened) => {
          await lead(opened, /mesh works|cable|just started|onerror/);
          const width = await opened.page.evaluate('document.documentElement.scrollWidth');
          assert.is(width, PHONE.width, '~> it scrolls sideways');
          assert.equal(await opened.page.evaluate(WEAK_TEXTS), []);
          await opened.shoot(`member-${name}-phone-dark`);
        },
        { ...PHONE, theme: 'dark' },
      ),
    );
  page(
    'is readable on a desk: light',
    at(
      weak,
      async (opened) => {
        await lead(opened, /^The mesh works/);
        assert.equal(await opened.page.evaluate(WEAK_TEXTS), []);
        await opened.shoot('member-weak-desktop');
      },
      DESKTOP,
    ),
  );
}
page.run();
