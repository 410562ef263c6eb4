import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GROUPS } from '../../src/api/topics.ts';
import { RemoteError } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { WirelessSource } from '../../src/source/wireless.ts';
import { layoutFaults } from '../support/layout.ts';

interface Device {
  info?: object;
  assoclist?: object;
  survey?: object;
}

function make(devices: Record<string, Device> | undefined) {
  const asked: string[] = [];
  const bus = {
    call: async (path: string, method: string, args: object = {}): Promise<Record<string, unknown>[]> => {
      const { device } = args as { device?: string };
      asked.push([path, method, device].join(' ').trim());
      if (!devices) throw new RemoteError('not found', 4);
      if (method === 'devices') return [{ devices: Object.keys(devices) }];
      const answer = devices[device!]![method as keyof Device];
      if (!answer) throw new RemoteError('not supported', 8);
      return [answer as Record<string, unknown>];
    },
  };
  return { source: new WirelessSource(bus, SILENT), asked };
}

const station = (signal: number) => ({ mac: '02:00:00:00:00:01', signal, noise: -95, inactive: 10, connected_time: 7 });
const survey = (active: number, busy: number) => ({
  results: [
    { mhz: 2412, noise: -90, active_time: 1, busy_time: 1 },
    { mhz: 5180, noise: -95, active_time: active, busy_time: busy },
  ],
});
const AP: Device = {
  info: {
    phy: 'phy0',
    ssid: 'Home',
    bssid: '02:00:00:00:00:02',
    mode: 'Master',
    channel: 36,
    frequency: 5180,
    noise: -95,
  },
  assoclist: { results: [station(-50), station(-80), station(-61)] },
  survey: survey(100_000, 20_000),
};

const read = suite('WirelessSource.read');
read('tells of each radio how it is, and not who is there', async () => {
  const { source, asked } = make({ 'phy0-ap0': AP });
  const radios = await source.read();
  assert.equal(radios, [{ id: 'phy0-ap0', mode: 'ap', channel: 36, noise_dbm: -95, stations: 3, signal_dbm: -61 }]);
  assert.equal(layoutFaults(GROUPS['radio?'], radios), []);
  assert.not.match(JSON.stringify(radios), /02:00|Home/);
  assert.equal(asked, ['iwinfo devices', ...['info', 'assoclist', 'survey'].map((one) => `iwinfo ${one} phy0-ap0`)]);
});
read('reckons how busy the air was since the look before', async () => {
  const device = { ...AP };
  const { source } = make({ a: device });
  const busy = async (next: object) => {
    device.survey = next;
    return (await source.read())![0]!.busy_pct;
  };
  assert.is(await busy(survey(100_000, 20_000)), undefined);
  assert.is(await busy(survey(110_000, 24_500)), 45);
  assert.is(await busy(survey(500, 100)), undefined, '~> the counters began anew');
  assert.is(await busy(survey(1500, 1100)), 100);
  assert.is(await busy({}), undefined);
});
read('has what a driver tells, and no more', async () => {
  const { source } = make({ wlan0: {}, wlan1: { info: { mode: 'Mesh Point', channel: 6, signal: 0, noise: 0 } } });
  assert.equal(await source.read(), [
    { id: 'wlan0', stations: 0 },
    { id: 'wlan1', mode: 'mesh', channel: 6, stations: 0 },
  ]);
});
read('knows of none where there is no iwinfo', async () => assert.is(await make(undefined).source.read(), undefined));
read('is bounded, and takes nothing that makes no sense', async () => {
  const odd: Device = {
    info: { mode: 'constructor', channel: 1e9, noise: 'loud', frequency: null },
    assoclist: { results: [null, 7, { signal: -1e9 }, { signal: '-50' }] },
    survey: { results: 'none' },
  };
  const names = Array.from({ length: 20 }, (_, i) => [`w${i}`, odd] as const);
  const { source } = make(Object.fromEntries([['../etc', odd], ...names]));
  const radios = await source.read();
  assert.is(radios!.length, 8);
  assert.equal(radios![0], { id: 'w0', stations: 4 });
});
read.run();
