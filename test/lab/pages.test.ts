import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureChromium } from '../../build/chromium.ts';
import { ROOT } from '../../build/project.ts';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { errorText } from '../../src/errors.ts';

const WAIT_MS = 30_000;

/** A desk router as `npm start` makes it, and a browser. */
interface Desk {
  browser: Browser;
  url: string;
  password: string;
  end(): Promise<void>;
}

async function open(): Promise<Desk> {
  const yggdrasil = await ensureYggdrasil((line) => console.log(line));
  const { path, env } = await ensureChromium((line) => console.log(line));
  const cache = mkdtempSync(join(tmpdir(), 'meshbridge-pages-'));
  const child = spawn(process.execPath, ['build/run.mjs', 'src/dev/start.ts', '--plain', '--for', '300'], {
    cwd: ROOT,
    env: { ...process.env, MESHBRIDGE_CACHE: cache, MESHBRIDGE_YGGDRASIL: yggdrasil },
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const end = async (): Promise<void> => {
    child.kill('SIGINT');
    await closed;
    rmSync(cache, { recursive: true });
  };
  let said = '';
  const words = await new Promise<RegExpExecArray | undefined>((resolve) => {
    const hear = (text: string): void => {
      said += text;
      const found = /(http:\S+) \(once; or log in as root, password (\S+)\)/.exec(said);
      if (found) resolve(found);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    void closed.then(() => resolve(undefined));
  });
  if (!words) throw new Error(`npm start ended: ${said.slice(-500)}`);
  const browser = await chromium.launch({ executablePath: path, env });
  const [, url, password] = words as unknown as [string, string, string];
  return {
    browser,
    url,
    password,
    async end() {
      await browser.close();
      await end();
    },
  };
}

const desk = await open().catch((error: Error) => {
  console.log(`skipped: the pages of npm start: ${errorText(error).split('\n', 1)[0]}`);
  return undefined;
});

async function shows(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor({ timeout: WAIT_MS });
}

const pages = suite('the pages of npm start');
if (desk) {
  pages.after(() => desk.end());
  pages('let in whoever has the address, once, and whoever has the password', async () => {
    const { browser, url, password } = desk;
    const page = await browser.newPage();
    await page.goto(url);
    await shows(page, 'Mesh overview');
    const stranger = await browser.newContext();
    const other = await stranger.newPage();
    await other.goto(url);
    assert.is(await other.getByText('Mesh overview').count(), 0, '~> the address is used up');
    await other.getByLabel('Password').fill(password);
    await other.getByRole('button', { name: 'Log in' }).click();
    await shows(other, 'Mesh overview');
    await other.getByRole('button', { name: 'Log out' }).click();
    await other.getByLabel('Password').waitFor({ timeout: WAIT_MS });
    await stranger.close();
  });
  pages('show real nodes, try a peering on them, keep it, and take it away again', async () => {
    const { browser, url, password } = desk;
    const context = await browser.newContext();
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(new URL('/', url).href);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await shows(page, 'The mesh works.');
    await page.getByRole('link', { name: 'Map', exact: true }).click();
    await page.getByRole('option').nth(2).waitFor({ timeout: WAIT_MS });
    await page.getByRole('link', { name: 'Services', exact: true }).click();
    await shows(page, 'Offered by others');
    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    await shows(page, 'Login for the household');
    await page.getByRole('link', { name: 'Peers', exact: true }).click();
    await shows(page, /peers are up/);
    const uri = 'tcp://127.0.0.1:1';
    await page.getByLabel('Address', { exact: true }).fill(uri);
    await page.getByRole('button', { name: /^Try for/ }).click();
    const line = page.locator('.mb-peer', { hasText: uri });
    await line.getByRole('button', { name: 'Keep' }).click({ timeout: WAIT_MS });
    await shows(page, 'is in the configuration now.');
    await line.locator('summary').click();
    await line.getByRole('button', { name: 'Remove and forget' }).click({ timeout: WAIT_MS });
    await page.getByRole('dialog').getByRole('button', { name: 'Remove and forget' }).click();
    await line.waitFor({ state: 'detached', timeout: WAIT_MS });
    assert.equal(faults, []);
    await context.close();
  });
}
pages.run();
