import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { DESKTOP, LUCI, Pages } from './browser.ts';
import { evaluation, PROBE_BUS, PROBE_CONFIG, PROBE_PAGES, PROBES } from './probe.ts';

/** What LuCI's own client gave. `MESHBRIDGE_RECORD=1` with LUCI_DIR writes it anew. */
const FIXTURE = inProject('test/fixtures/luci/contract.json');
const { results }: { results: Record<string, string> } = JSON.parse(readFileSync(FIXTURE, 'utf8'));
const isRecording = LUCI !== undefined && process.env.MESHBRIDGE_RECORD === '1';

const pages = await Pages.start(PROBE_PAGES);

const contract = suite(LUCI === undefined ? "the stand-in for LuCI's client" : "LuCI's client");
if (pages) {
  contract.after(() => pages.close());
  const found: Record<string, string> = {};
  contract.before(() =>
    pages.show(
      'admin/mesh/probe',
      DESKTOP,
      PROBE_BUS,
      async ({ page }) => {
        await page.exposeFunction('tick', (ms: number) => page.clock.runFor(ms));
        await page.waitForFunction('window.probe');
        await page.locator('#probe').waitFor({ state: 'attached' });
        for (const probe of PROBES) found[probe.name] = await page.evaluate<string>(evaluation(probe));
      },
      { config: { meshbridge: PROBE_CONFIG } },
    ),
  );
  if (isRecording)
    contract.after(() => {
      const about = JSON.parse(readFileSync(FIXTURE, 'utf8')).about ?? '';
      writeFileSync(FIXTURE, `${JSON.stringify({ about, results: found }, null, 1)}\n`);
    });
  for (const { name, refused } of PROBES)
    contract(`${refused !== undefined && LUCI === undefined ? 'refuses' : 'does as LuCI does'}: ${name}`, () => {
      if (isRecording) return;
      if (refused !== undefined && LUCI === undefined) {
        assert.match(found[name]!, /^throws: /, `~> ${refused}`);
        assert.is.not(found[name], results[name]);
      } else assert.is(found[name], results[name]);
    });
}
contract('knows what LuCI does of each expression', () => {
  assert.equal(Object.keys(results).sort(), PROBES.map(({ name }) => name).sort());
});
contract.run();
