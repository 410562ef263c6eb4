// How long pages take in headless Chromium: one with many peers to be drawn anew, next to the same page without any; and the desk of a gateway with
// many homes from its address to what one sees first.

import type { Peer } from '../../src/api/model.ts';
import { DESKTOP, Pages, type Script } from '../luci/browser.ts';
import { makeGateway } from '../luci/made-gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import type { Report } from './report.ts';

const PEERS = 300;
/** A page asks every five seconds. */
const POLL_MS = 5000;
const TARGET_MS = 50;
const HOMES = 1000;
const DESK_TARGET_MS = 1000;

/** An answer of which every peer has changed since the one before. */
function peers(count: number, round: number): Peer[] {
  return Array.from({ length: count }, (_none, i) => ({
    remote: `tls://host-${i}.example:443`,
    origin: 'configured',
    inbound: false,
    up: true,
    state: 'up',
    proven_ago_ms: round * 1000,
    proof: 'traffic',
    state_ago_ms: 1000 * (round + i),
    changes_per_hour: 0,
    key: i.toString(16).padStart(64, '0'),
    name: `node-${i}`,
    cost: 20 + round,
    uptime_s: 1000 + round,
    rx_bytes: 1_000_000 * round,
    tx_bytes: 1_000_000 * round,
    rx_bytes_per_s: 1000 * round + i,
    tx_bytes_per_s: 100 * round + i,
    latency_ms: 10 + ((round * 7 + i) % 90),
  }));
}

/** Milliseconds for which the page's thread works at one poll, the median of some: the answer, the script, style, layout and paint. */
async function redraw(pages: Pages, count: number, rounds: number): Promise<number> {
  let round = 1;
  const script: Script = {
    'yggdrasil.peers': () => ({ status: 0, reply: { age_ms: 0, interface: 'ygg0', peers: peers(count, round++) } }),
    'session.access': { status: 0, reply: { access: false } },
  };
  const times: number[] = [];
  await pages.show('admin/mesh/peers', DESKTOP, script, async ({ page }) => {
    await page.locator('.mb-lead', { hasText: count > 0 ? /are up/ : /no peers/ }).waitFor({ timeout: 20_000 });
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const busyMs = async (): Promise<number> => {
      const { metrics } = await session.send('Performance.getMetrics');
      return 1000 * metrics.find(({ name }) => name === 'ThreadTime')!.value;
    };
    for (let i = 0; i < rounds; i++) {
      const before = await busyMs();
      const asked = round;
      await page.clock.runFor(POLL_MS);
      while (round === asked) await page.waitForTimeout(20);
      await page.waitForTimeout(300);
      times.push((await busyMs()) - before);
    }
  });
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/**
 * Milliseconds from the address of the page Operator to its first 50 homes and the picture of 90 days, the median of some: document, scripts and style
 * from the page host, one request of the page, and the gateway's own answer, over a network of no delay.
 */
async function openDesk(pages: Pages, homes: number, rounds: number): Promise<number> {
  const all = Array.from({ length: homes }, (_none, home) => home);
  const used = Object.fromEntries(all.map((home) => [home, [1e9 * (home % 53), 1e8 * (home % 17)] as const]));
  const gateway = await makeGateway({ options: [`max_clients ${homes}`, 'asks_for name', 'quota 50000'], used });
  await gateway.call('admit', { addresses: all.map((home) => nodeOf(home).address) });
  await gateway.askAll(all, (home) => ({ name: `home ${home}`, site: `street ${home % 9}` }));
  const times: number[] = [];
  try {
    await pages.show('admin/mesh/operator', DESKTOP, gateway.script, async ({ page }) => {
      const url = page.url();
      for (let i = 0; i < rounds; i++) {
        await page.goto('about:blank');
        const started = performance.now();
        await page.goto(url, { waitUntil: 'commit' });
        await page.locator('.mb-homes tbody .tr').nth(49).waitFor({ timeout: 20_000 });
        await page.waitForFunction('document.querySelector(".mb-days path.mb-fewest").getAttribute("d").length > 1000');
        times.push(performance.now() - started);
      }
    });
  } finally {
    gateway.stop();
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/** Adds the figures; where there is no browser, says so. */
export async function benchPages(report: Report, rounds: number): Promise<void> {
  const what = `page with ${PEERS} peers, a redraw`;
  const pages = await Pages.start();
  if (!pages) {
    report.add({ what, value: undefined, unit: 'ms', note: 'skipped: no browser' });
    return;
  }
  try {
    const [empty, full] = [await redraw(pages, 0, rounds), await redraw(pages, PEERS, rounds)];
    const note = "the thread's work for one poll, every line changed";
    report.add({ what, value: full, unit: 'ms', target: { atMost: TARGET_MS }, note });
    report.add({ what: 'page without peers, a redraw', value: empty, unit: 'ms' });
    report.add({ what: 'page with many / without', value: full / empty, unit: 'times' });
    report.add({
      what: `desk of a gateway, ${HOMES} homes, 90 days`,
      value: await openDesk(pages, HOMES, rounds),
      unit: 'ms',
      target: { atMost: DESK_TARGET_MS },
      note: 'from the address to the first 50 homes and the picture',
    });
  } finally {
    await pages.close();
  }
}
