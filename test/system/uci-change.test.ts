import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { joinBytes } from '../../src/lib/bytes.ts';
import { formatUci, parseUci, removeSection, setOption } from '../../src/lib/uci.ts';
import type { Change } from '../../src/lib/uci-path.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { type FileCheck, filesOf, lostSteps, planChanges, type Step, writeSteps } from '../../src/system/uci-change.ts';
import { CHANGES, CONFIG, contentOf, contentsOf, FILES, makeDisk, NEW_PEER, textOf } from '../support/change.ts';
import type { MemoryFiles } from '../support/files.ts';

const PEER = 'network.yggdrasil_ygg0_peer.address';
const NETWORK = `${CONFIG}/network`;
const WIRELESS = `${CONFIG}/wireless`;
const clock = {
  after: (_: number, callback: () => void) => {
    void Promise.resolve().then(callback);
    return () => {};
  },
};

const plan = (disk: MemoryFiles, changes: readonly Change[], check?: FileCheck) =>
  planChanges(disk, CONFIG, changes, check ? { meshbridge: check } : {});
const write = (disk: MemoryFiles, steps: readonly Step[], way: 'do' | 'undo') =>
  writeSteps({ files: disk, clock }, CONFIG, steps, way);
const put = (disk: MemoryFiles, path: string, text: string): void => {
  disk.all.set(path, { bytes: encodeUtf8(text), mode: 0o600 });
};

const planned = suite('planChanges');
planned('tells what each option was and shall be, and changes nothing', () => {
  const disk = makeDisk();
  const { steps, rejected } = plan(disk, CHANGES);
  assert.equal(rejected, []);
  assert.equal(disk.writes, []);
  assert.equal(filesOf(steps), ['meshbridge', 'network', 'wireless']);
  assert.equal(steps[0], {
    file: 'meshbridge',
    section: 'main',
    option: 'log_level',
    was: 'info',
    to: 'debug',
  });
  assert.equal(
    steps.find((step) => 'option' in step && step.option === 'metrics'),
    {
      file: 'meshbridge',
      section: 'fleet',
      option: 'metrics',
      was: ['own', 'radio'],
      to: ['own', 'system', 'uplink'],
    },
  );
  assert.equal(
    steps.filter(({ file }) => file === 'network'),
    [
      {
        file: 'network',
        interface: 'ygg0',
        was: { name: 'two', options: { address: 'tcp://two.example:1', interface: 'eth0.2' } },
        to: null,
      },
      {
        file: 'network',
        interface: 'ygg0',
        was: null,
        to: { options: { address: NEW_PEER } },
      },
      {
        file: 'network',
        interface: 'ygg0',
        was: { options: { address: 'tls://one.example:443?priority=5' } },
        to: { options: { address: 'tls://one.example:443?priority=1' } },
      },
    ],
  );
});
planned('plans nothing for what holds already', () => {
  const changes: Change[] = [
    { set: 'meshbridge.main.log_level', to: 'info' },
    { set: 'meshbridge.fleet.metrics', to: ['own', 'radio'] },
    { unset: 'meshbridge.main.probe' },
    { add: PEER, value: 'tls://three.example:443' },
    { remove: PEER, value: 'tls://nobody.example:443' },
    { set: 'wireless.radio0.txpower', to: '20' },
  ];
  assert.equal(plan(makeDisk(), changes), { steps: [], rejected: [] });
});
planned('rejects what this router has not, and what may not be, and plans the rest', () => {
  const disk = makeDisk();
  disk.remove(WIRELESS);
  const { steps, rejected } = plan(disk, [
    { set: 'meshbridge.home.interval', to: '60' },
    { set: 'meshbridge.operator.interval', to: '60' },
    { set: 'meshbridge.main.mqtt', to: '0' },
    { set: 'meshbridge.main.log_level', to: 'loud' },
    { add: 'network.yggdrasil_lan_peer.address', value: 'tls://a.example:1' },
    { set: 'wireless.radio0.channel', to: '1' },
    { set: 'meshbridge.main.probe', to: '0' },
  ]);
  assert.equal(rejected, [
    { path: 'meshbridge.main.mqtt', reason: 'not on the list of what may be changed from afar' },
    { path: 'meshbridge.main.log_level', reason: 'expected one of error, warn, info, debug, got "loud"' },
    { path: 'meshbridge.home.interval', reason: 'section home: this router has none' },
    { path: 'meshbridge.operator.interval', reason: 'section operator: expected one of type mqtt, got key' },
    { path: 'network.yggdrasil_lan_peer.address', reason: 'interface lan: this router has none of protocol yggdrasil' },
    { path: 'wireless.radio0.channel', reason: 'this router has no /etc/config/wireless' },
  ]);
  assert.equal(
    steps.map((step) => 'option' in step && step.option),
    ['probe'],
  );
});
planned('rejects what cannot be edited', () => {
  const disk = makeDisk({
    ...FILES,
    wireless: "config wifi-device radio0; option x 'y'\n\toption channel '1'; option z 1\n",
  });
  const { steps, rejected } = plan(disk, [{ set: 'wireless.radio0.channel', to: '2' }]);
  assert.equal(steps, []);
  assert.is(rejected.length, 1);
});
planned('rejects what the daemon would refuse, and nothing else', () => {
  const check: FileCheck = (text) => {
    const main = parseUci(text).sections[0]!.options;
    const value = (name: string, normal: string): number => Number(main.get(name)?.value ?? normal);
    return value('poll_idle', '30') < value('poll_brisk', '2')
      ? [{ option: 'meshbridge.main.poll_idle', message: 'expected at least poll_brisk' }]
      : [];
  };
  const probe: Change = { set: 'meshbridge.main.probe', to: '0' };
  const low: Change = { set: 'meshbridge.main.poll_idle', to: '5' };
  const high: Change = { set: 'meshbridge.main.poll_brisk', to: '60' };
  const named = plan(makeDisk(), [low, { set: 'meshbridge.main.poll_brisk', to: '6' }, probe], check);
  assert.equal(named.rejected, [
    { path: 'meshbridge.main.poll_idle', reason: 'meshbridge.main.poll_idle: expected at least poll_brisk' },
  ]);
  assert.is(named.steps.length, 2);
  const unnamed = plan(makeDisk(), [high, probe], check);
  assert.equal(
    unnamed.rejected.map(({ path }) => path),
    ['meshbridge.main.poll_brisk', 'meshbridge.main.probe'],
  );
  const broken = makeDisk({ ...FILES, meshbridge: "config meshbridge 'main'\n\toption poll_idle 1\n" });
  const told = plan(broken, [probe], check);
  assert.is(told.steps.length, 0);
  assert.match(told.rejected[0]!.reason, 'poll_idle');
});
planned('says which file is broken, and not what it holds', () => {
  const disk = makeDisk({ ...FILES, wireless: "config wifi-iface\n\toption key 'sec' ret\n" });
  assert.throws(
    () => plan(disk, [{ set: 'wireless.radio0.channel', to: '2' }]),
    (error: Error) => error.message.includes('line 2') && !error.message.includes('sec'),
  );
});
planned.run();

// ---

const done = suite('writeSteps');
done('does all, once a file, and undoes all', async () => {
  const disk = makeDisk();
  const before = contentsOf(disk);
  const { steps } = plan(disk, CHANGES);
  await write(disk, steps, 'do');
  assert.equal(
    disk.writes,
    ['meshbridge', 'network', 'wireless'].map((name) => `${CONFIG}/${name}`),
  );
  assert.equal(lostSteps(disk, CONFIG, steps), []);
  assert.equal(contentOf(textOf(disk, WIRELESS)), [
    'wifi-device radio0 channel="11" type="mac80211"',
    'wifi-device radio1 channel="auto" disabled="0"',
    'wifi-iface mesh0 device="radio0" key="secret"',
  ]);
  assert.equal(plan(disk, CHANGES).steps, []);
  await write(disk, steps, 'do');
  assert.is(disk.writes.length, 3, '~> what is done is not written again');
  await write(disk, steps, 'undo');
  assert.is(contentsOf(disk), before);
  await write(disk, steps, 'undo');
  assert.is(disk.writes.length, 6);
});
done('leaves every byte that it does not name', async () => {
  const disk = makeDisk();
  const { steps } = plan(disk, [
    { set: 'meshbridge.main.log_level', to: 'debug' },
    { set: 'wireless.radio0.txpower', to: '3' },
  ]);
  const bytes = joinBytes([encodeUtf8(`${FILES.meshbridge}# `), Uint8Array.of(0xff, 0xe4), encodeUtf8('\n')]);
  disk.all.set(`${CONFIG}/meshbridge`, { bytes, mode: 0o600 });
  await write(disk, steps, 'do');
  assert.is(textOf(disk, WIRELESS), FILES.wireless!.replace('txpower 20', "txpower '3'"));
  const now = disk.all.get(`${CONFIG}/meshbridge`)!.bytes;
  assert.equal([...now.subarray(-4)], [0x20, 0xff, 0xe4, 0x0a]);
  await write(disk, steps, 'undo');
  assert.equal([...disk.all.get(`${CONFIG}/meshbridge`)!.bytes], [...bytes]);
});
done('keeps bytes of a peering that are no UTF-8', async () => {
  const disk = makeDisk();
  const section = joinBytes([
    encodeUtf8(`${FILES.network}\nconfig yggdrasil_ygg0_peer\n\toption address 'tcp://b.example:1'\n\toption note '`),
    Uint8Array.of(0xff, 0xe4),
    encodeUtf8("'\n"),
  ]);
  disk.all.set(NETWORK, { bytes: section, mode: 0o600 });
  const { steps } = plan(disk, [{ remove: PEER, value: 'tcp://b.example:1' }]);
  const kept = JSON.parse(JSON.stringify(steps)) as Step[];
  await write(disk, kept, 'do');
  assert.not.match(textOf(disk, NETWORK), 'b.example');
  await write(disk, kept, 'undo');
  assert.equal([...disk.all.get(NETWORK)!.bytes.slice(-5)], [0x27, 0xff, 0xe4, 0x27, 0x0a]);
});
done('undoes what is its own, and leaves what others set meanwhile', async () => {
  const disk = makeDisk();
  const { steps } = plan(disk, CHANGES);
  await write(disk, steps, 'do');
  put(disk, WIRELESS, `${setOption(textOf(disk, WIRELESS), 'radio0', 'channel', '40')}\nconfig wifi-iface 'guest'\n`);
  put(disk, `${CONFIG}/meshbridge`, removeSection(textOf(disk, `${CONFIG}/meshbridge`), 'fleet'));
  assert.equal(lostSteps(disk, CONFIG, steps), [
    'meshbridge.fleet.metrics',
    'meshbridge.fleet.send',
    'wireless.radio0.channel',
  ]);
  await write(disk, steps, 'undo');
  assert.equal(contentOf(textOf(disk, WIRELESS)), [
    'wifi-device radio0 channel="40" txpower="20" type="mac80211"',
    'wifi-device radio1 channel="auto" disabled="1"',
    'wifi-iface guest ',
    'wifi-iface mesh0 device="radio0" key="secret"',
  ]);
  assert.equal(contentOf(textOf(disk, NETWORK)), contentOf(FILES.network!));
  assert.not.match(textOf(disk, `${CONFIG}/meshbridge`), 'fleet');
});
done('undoes nothing that was not done', async () => {
  const disk = makeDisk();
  const { steps } = plan(disk, CHANGES);
  await write(disk, steps, 'undo');
  assert.equal(disk.writes, []);
});
done('does not overwrite what somebody else set after it was planned', async () => {
  const disk = makeDisk();
  const { steps } = plan(disk, CHANGES);
  put(disk, WIRELESS, setOption(FILES.wireless!, 'radio0', 'channel', '40'));
  try {
    await write(disk, steps, 'do');
    assert.unreachable();
  } catch (error) {
    assert.instance(error, InputError);
    assert.is((error as Error).message, 'wireless.radio0.channel: changed by somebody else meanwhile');
  }
  await write(disk, steps, 'undo');
  assert.match(textOf(disk, WIRELESS), "channel '40'");
});
done('writes again what another program overwrites with what it read before', async () => {
  const disk = makeDisk();
  const { steps } = plan(disk, CHANGES);
  let lost = 0;
  const files = {
    read: (path: string, most: number) => disk.read(path, most),
    list: (path: string) => disk.list(path),
    remove: (path: string) => disk.remove(path),
    write: (path: string, bytes: Uint8Array, mode: number) => {
      disk.write(path, bytes, mode);
      // `uci commit network` of somebody who read the file before
      if (path === NETWORK && lost++ < 2) put(disk, NETWORK, `${formatUci(parseUci(FILES.network!))}config mine\n`);
    },
  };
  await writeSteps({ files, clock }, CONFIG, steps, 'do');
  assert.is(lost, 3);
  assert.equal(lostSteps(disk, CONFIG, steps), []);
  assert.match(textOf(disk, NETWORK), 'config mine');
});
done('gives up where what it writes is lost each time', async () => {
  const disk = makeDisk();
  const { steps } = plan(disk, CHANGES);
  const files = {
    read: (path: string, most: number) => disk.read(path, most),
    list: (path: string) => disk.list(path),
    remove: (path: string) => disk.remove(path),
    write: (path: string, bytes: Uint8Array, mode: number) => {
      if (path !== NETWORK) disk.write(path, bytes, mode);
    },
  };
  let told = '';
  await writeSteps({ files, clock }, CONFIG, steps, 'do').catch((error: Error) => {
    told = error.message;
  });
  assert.is(told, '/etc/config: expected its files to rest, what was written was lost 5 times');
});
done('undoes in the other files what it can, where one is broken', async () => {
  const disk = makeDisk();
  const before = contentOf(textOf(disk, NETWORK));
  const { steps } = plan(disk, CHANGES);
  await write(disk, steps, 'do');
  put(disk, `${CONFIG}/meshbridge`, 'garbage\n');
  disk.remove(WIRELESS);
  let told = '';
  await write(disk, steps, 'undo').catch((error: Error) => {
    told = error.message;
  });
  assert.match(told, '/etc/config/meshbridge: expected a UCI file, it has an error in line 1');
  assert.equal(contentOf(textOf(disk, NETWORK)), before);
  assert.not.ok(disk.all.has(WIRELESS), '~> a file that is gone is not made');
});
done('gives a peering its name back, unless that is taken', async () => {
  const disk = makeDisk();
  const { steps } = plan(disk, [{ remove: PEER, value: 'tcp://two.example:1' }]);
  await write(disk, steps, 'do');
  put(disk, NETWORK, `${textOf(disk, NETWORK)}\nconfig route 'two'\n`);
  await write(disk, steps, 'undo');
  assert.match(textOf(disk, NETWORK), "config route 'two'");
  assert.match(
    textOf(disk, NETWORK),
    "config yggdrasil_ygg0_peer\n\toption address 'tcp://two.example:1'\n\toption interface 'eth0.2'",
  );
});
done.run();
