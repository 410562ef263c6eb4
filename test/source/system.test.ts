import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RemoteError } from '../../src/errors.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import { SystemSource } from '../../src/source/system.ts';
import { MemoryFiles } from '../support/files.ts';

/** As procd answers it: memory in bytes, flash in KiB, load times 65536. */
const INFO = {
  localtime: 1_800_000_000,
  uptime: 87_000,
  load: [7864, 6000, 5000],
  memory: { total: 126_976_000, free: 20_000_000, shared: 1, buffered: 2, available: 46_774_272, cached: 3 },
  root: { total: 8192, free: 4300, used: 3892, avail: 4096 },
};
const BOARD = {
  kernel: '6.6.86',
  hostname: 'hill-12',
  model: 'TP-Link Archer C7 v2',
  release: { distribution: 'OpenWrt', version: '24.10.1', description: 'OpenWrt 24.10.1 r28597' },
};

function make(answers: Record<string, object | Error>, files: Record<string, string> = {}) {
  const asked: string[] = [];
  const memory = new MemoryFiles();
  for (const [path, text] of Object.entries(files)) memory.all.set(path, { bytes: encodeUtf8(text), mode: 0o444 });
  const bus = {
    call: async (path: string, method: string) => {
      asked.push(`${path} ${method}`);
      const answer = answers[method] ?? new RemoteError('not found', 4);
      if (answer instanceof Error) throw answer;
      return [answer as Record<string, unknown>];
    },
  };
  return { source: new SystemSource(bus, memory, SILENT), asked, memory };
}

const read = suite('SystemSource.read');
read('takes what ubus tells', async () => {
  const { source } = make({ info: INFO });
  assert.equal(await source.read(), {
    uptime_s: 87_000,
    load: 0.12,
    memory_kb: 124_000,
    memory_free_kb: 45_678,
    flash_kb: 8192,
    flash_free_kb: 4096,
  });
});
read('takes large numbers as ubus has them', async () => {
  const { source } = make({ info: { uptime: 1n, memory: { total: 2n ** 33n, available: 1024n } } });
  assert.equal(await source.read(), { uptime_s: 1, memory_kb: 8_388_608, memory_free_kb: 1 });
});
read('reads /proc where ubus does not tell', async () => {
  const { source } = make(
    {},
    {
      '/proc/uptime': '3600.25 7100.00\n',
      '/proc/loadavg': '1.50 0.30 0.20 1/60 1234\n',
      '/proc/meminfo': 'MemTotal:         126976 kB\nMemFree:           20000 kB\nMemAvailable:      45678 kB\n',
    },
  );
  assert.equal(await source.read(), { uptime_s: 3600, load: 1.5, memory_kb: 126_976, memory_free_kb: 45_678 });
});
read('knows nothing where nothing can be known', async () => {
  assert.is(await make({}).source.read(), undefined);
  const { source, memory } = make({});
  memory.onRead = () => {
    throw new Error('read: Permission denied');
  };
  assert.is(await source.read(), undefined);
});
read('finds the hottest sensor, of the processor before others, and leaves out what cannot be', async () => {
  const temp = (files: Record<string, string>) =>
    make({ info: INFO }, files)
      .source.read()
      .then((system) => system!.temperature_c);
  const zone = (n: number) => `/sys/class/thermal/thermal_zone${n}/temp`;
  const other = '/sys/class/hwmon/hwmon0/temp1_input';
  assert.is(await temp({ [zone(0)]: '47000\n', [zone(1)]: '53600\n', [other]: '90000\n' }), 54);
  assert.is(await temp({ [zone(0)]: '-274000\n', [other]: '61000\n' }), 61);
  assert.is(await temp({ [zone(0)]: 'garbage', '/sys/class/thermal/cooling_device0/temp': '1000\n' }), undefined);
});
for (const info of [
  { uptime: 'long', load: 7, memory: [], root: null },
  { uptime: -1, load: ['x'], memory: { total: Number.NaN, available: {} } },
  { uptime: 5, load: [Number.POSITIVE_INFINITY], root: { total: -5 } },
])
  read(`takes nothing that makes no sense: ${JSON.stringify(info)}`, async () => {
    const system = await make({ info }).source.read();
    for (const value of Object.values(system ?? {})) assert.ok(Number.isFinite(value) && value >= 0);
  });
read.run();

const board = suite('SystemSource.board');
board('tells what the router is, and asks once', async () => {
  const { source, asked } = make({ board: BOARD });
  const wanted = { model: 'TP-Link Archer C7 v2', os: 'OpenWrt 24.10.1 r28597', name: 'hill-12' };
  assert.equal([await source.board(), await source.board()], [wanted, wanted]);
  assert.equal(asked, ['system board']);
});
board('asks again while it is not known', async () => {
  const { source, asked } = make({});
  assert.equal([await source.board(), await source.board()], [{}, {}]);
  assert.is(asked.length, 2);
});
board('keeps texts short and visible', async () => {
  const { source } = make({ board: { model: `a\u0000\u202e${'x'.repeat(200)}`, release: 7 } });
  const { model } = await source.board();
  assert.is(model, `a${'x'.repeat(77)}`);
});
board.run();

const rest = suite('SystemSource');
rest('knows the memory of the daemon, and whether the clock has a battery', () => {
  const { source, memory } = make({}, { '/proc/self/status': 'Name:\tmeshbridge\nVmRSS:\t    1812 kB\n' });
  assert.equal([source.rssKb(), source.hasClock()], [1812, false]);
  memory.all.set('/sys/class/rtc/rtc0/name', { bytes: new Uint8Array(), mode: 0o444 });
  assert.is(source.hasClock(), true);
  assert.is(make({}).source.rssKb(), undefined);
});
rest.run();
