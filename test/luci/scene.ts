// What the suites of pages have in common: a page of its own for each test, without a fault of its own, and what is looked for on it.

import type { Locator } from 'playwright-core';
import * as assert from 'uvu/assert';
import { parseUci } from '../../src/lib/uci.ts';
import { DESKTOP, type Opened, type Pages, type Screen, type Script, type Visit } from './browser.ts';

/** Long enough for a busy machine. */
const PATIENCE = { timeout: 15_000 };
const LOOK_MS = 20;

/** Makes tests of a page: each opens it, does its work, and finds that nothing was thrown that nobody caught. */
export type Open = (
  script: Script,
  work: (opened: Opened) => Promise<void>,
  screen?: Screen,
  visit?: Visit,
) => () => Promise<void>;

/** Tests of the page `name` of the menu Mesh. @param usual where a test says nothing else. */
export function opener(pages: Pages | undefined, name: string, usual: { screen?: Screen; visit?: Visit } = {}): Open {
  return (script, work, screen = usual.screen ?? DESKTOP, visit = {}) =>
    async () => {
      await pages!.show(
        `admin/mesh/${name}`,
        screen,
        script,
        async (opened) => {
          await opened.page.locator('.mb-page').waitFor(PATIENCE);
          await work(opened);
          assert.equal(opened.faults, []);
        },
        { ...usual.visit, ...visit },
      );
    };
}

/** Waits until the page's first sentences say something. */
export async function lead({ page }: Opened, text: RegExp | string): Promise<void> {
  await page.locator('.mb-lead', { hasText: text }).waitFor(PATIENCE);
}

/** Lets seconds of the page pass until something is there, for a page asks one node a second. */
export async function inTime({ page }: Opened, what: Locator): Promise<void> {
  for (let second = 0; second < 10 && !(await what.isVisible()); second++) {
    await page.clock.runFor(1000);
    // what comes of it takes its own time
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  await what.waitFor(PATIENCE);
}

/** A box of the page. */
export function region({ page }: Opened, name: string): Locator {
  return page.getByRole('region', { name, exact: true });
}

/** The text of a box, once it says something. */
export async function box(opened: Opened, name: string, text: RegExp | string): Promise<string> {
  const found = region(opened, name).filter({ hasText: text });
  await found.waitFor(PATIENCE);
  return found.innerText();
}

/** A button of the page, by its whole name. */
export function button({ page }: Opened, name: string): Locator {
  return page.getByRole('button', { name, exact: true });
}

/** The dialog that is open. */
export function dialog({ page }: Opened): Locator {
  return page.getByRole('dialog');
}

/** Presses a button of the dialog. */
export async function answer(opened: Opened, name: string): Promise<void> {
  await dialog(opened).getByRole('button', { name, exact: true }).click();
}

/** Waits until the file of options says something. */
export async function written(opened: Opened, text: RegExp): Promise<void> {
  for (let i = 0; !text.test(opened.config('meshbridge')); i++) {
    assert.ok(i < PATIENCE.timeout / LOOK_MS, `~> ${opened.config('meshbridge')}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Options of a section, once the file of options says something; `undefined`: there is no such section. */
export async function sectionOf(
  opened: Opened,
  name: string,
  text: RegExp,
): Promise<Record<string, string | readonly string[]> | undefined> {
  await written(opened, text);
  const section = parseUci(opened.config('meshbridge')).sections.find((one) => one.name === name);
  return section && Object.fromEntries([...section.options].map(([option, { value }]) => [option, value]));
}
