import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText, InputError } from '../../src/errors.ts';
import { joinBytes } from '../../src/lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { NetworkConfig } from '../../src/system/network-config.ts';
import { MemoryFiles } from '../support/files.ts';

const PATH = '/etc/config/network';
const FILE = `# made by hand
config interface 'ygg0'
	option proto 'yggdrasil'
	option private_key 'c0ffee' # never show this
	option node_info '{"name":"höme","n":[1,null]}'

config interface 'ygg1'
	option proto 'yggdrasil'

config interface 'wan'
	option proto 'dhcp'

config yggdrasil_ygg0_peer
	option address 'tls://one.example:443?priority=5'	# a friend

config yggdrasil_ygg0_peer 'two'
	option address 'tcp://[fe80::1]:9001'
	option interface 'eth0.2'

config yggdrasil_ygg1_peer
	option address 'tcp://other.example:1'

config yggdrasil_ygg0_peer
	option comment 'no address'

config yggdrasil_ygg0_peer
	list address 'tcp://a.example:1'

# the end
`;

const DIRECTORY = '/etc/config';

function network(text: string | undefined = FILE): { files: MemoryFiles; config: NetworkConfig; text(): string } {
  const files = new MemoryFiles();
  if (text !== undefined) files.all.set(PATH, { bytes: encodeUtf8(text), mode: 0o644 });
  return { files, config: new NetworkConfig(files, DIRECTORY), text: () => decodeUtf8(files.all.get(PATH)!.bytes) };
}

/** The peerings of one interface. */
function peersOf(config: NetworkConfig, iface: string) {
  return config.interfaces()?.find((one) => one.interface === iface)?.peers;
}

const interfaces = suite('NetworkConfig interfaces');
interfaces('tells peerings and node info of protocol yggdrasil, and no key', () => {
  const { config } = network();
  assert.equal(config.interfaces(), [
    {
      interface: 'ygg0',
      peers: [{ uri: 'tls://one.example:443?priority=5' }, { uri: 'tcp://[fe80::1]:9001', device: 'eth0.2' }],
      node_info: '{"name":"höme","n":[1,null]}',
    },
    { interface: 'ygg1', peers: [{ uri: 'tcp://other.example:1' }] },
  ]);
  assert.not.match(JSON.stringify(config.interfaces()), /c0ffee/);
});
interfaces('tells no file from no interface', () => {
  const { files, config } = network('');
  assert.equal(config.interfaces(), []);
  files.remove(PATH);
  assert.is(config.interfaces(), undefined);
});
interfaces('reads the directory that it is given', () => {
  const files = new MemoryFiles();
  files.all.set('/tmp/x/network', { bytes: encodeUtf8(FILE), mode: 0o600 });
  assert.is(peersOf(new NetworkConfig(files, '/tmp/x'), 'ygg0')?.length, 2);
});
interfaces('says where a file breaks, and not what it holds', () => {
  const { config } = network("config interface 'ygg0'\n\toption private_key 'c0' ffee\n");
  try {
    config.interfaces();
    assert.unreachable();
  } catch (error) {
    assert.is(errorText(error), `${PATH}: expected a UCI file, it has an error in line 2, column 26`);
  }
});
interfaces('refuses a file that is too large', () => {
  assert.throws(() => network('#'.repeat(300_000)).config.interfaces(), /larger than 262144 bytes/);
});
interfaces.run();

const keep = suite('NetworkConfig keep');
keep('adds a peering at the end and leaves the rest alone', () => {
  const { files, config, text } = network();
  assert.is(config.keep('ygg0', { uri: 'quic://new.example:1?priority=1' }), 'added');
  assert.is(text(), `${FILE}\nconfig yggdrasil_ygg0_peer\n\toption address 'quic://new.example:1?priority=1'\n`);
  assert.is(files.all.get(PATH)?.mode, 0o644, '~> as it was');
  assert.is(config.keep('ygg0', { uri: 'quic://new.example:1?priority=1' }), 'present');
  assert.is(files.writes.length, 1);
});
keep('binds a peering to its device', () => {
  const { config, text } = network();
  assert.is(config.keep('ygg0', { uri: 'tcp://[fe80::1]:9001', device: 'wlan0' }), 'added');
  assert.ok(text().endsWith("\toption address 'tcp://[fe80::1]:9001'\n\toption interface 'wlan0'\n"));
  assert.is(peersOf(config, 'ygg0')?.length, 3);
});
keep('gives a known peering its new options', () => {
  const { config, text } = network();
  assert.is(config.keep('ygg0', { uri: 'tls://one.example:443?priority=2' }), 'added');
  assert.is(text(), FILE.replace('?priority=5', '?priority=2'));
});
keep('writes for no interface that is not of protocol yggdrasil', () => {
  const { files, config } = network();
  for (const iface of ['wan', 'ygg7', 'two']) {
    assert.throws(
      () => config.keep(iface, { uri: 'tcp://a:1' }),
      (error: Error) => error instanceof InputError && error.message.includes(`has no interface "${iface}"`),
    );
    assert.is(config.forget(iface, { uri: 'tcp://a:1' }), 'absent');
  }
  files.remove(PATH);
  assert.throws(() => config.keep('ygg0', { uri: 'tcp://a:1' }), /has no interface "ygg0"/);
  assert.is(files.all.size, 0);
});
keep('writes no address that Yggdrasil would not take, and quotes none that holds a secret', () => {
  const { files, config } = network();
  assert.throws(() => config.keep('ygg0', { uri: 'gopher://a:1' }), /^uri: .*gopher/);
  assert.throws(
    () => config.keep('ygg0', { uri: 'tcp://a:x?password=hush' }),
    (error: Error) => error instanceof InputError && !/hush/.test(error.message),
  );
  assert.is(files.writes.length, 0);
});
keep('leaves bytes alone that are no UTF-8', () => {
  const { files, config } = network();
  const bytes = joinBytes([encodeUtf8('# '), Uint8Array.of(0xff, 0xe4), encodeUtf8(`\n${FILE}`)]);
  files.all.set(PATH, { bytes, mode: 0o600 });
  config.keep('ygg0', { uri: 'tcp://a:1?password=ö' });
  const kept = files.all.get(PATH)!.bytes;
  assert.equal(kept.subarray(0, bytes.length), bytes);
  assert.is(peersOf(config, 'ygg0')?.at(-1)?.uri, 'tcp://a:1?password=ö');
});
keep('starts again when another program writes meanwhile', () => {
  const { files, config, text } = network();
  let reads = 0;
  files.onRead = () => {
    if (++reads === 2) files.all.set(PATH, { bytes: encodeUtf8(`${FILE}config new\n`), mode: 0o600 });
  };
  assert.is(config.keep('ygg0', { uri: 'tcp://a:1' }), 'added');
  assert.ok(text().startsWith(`${FILE}config new\n`));
  assert.is(files.writes.length, 1);
});
keep('gives up when the file never rests', () => {
  const { files, config } = network();
  let reads = 0;
  files.onRead = () => {
    reads++;
    files.all.set(PATH, { bytes: encodeUtf8(`${FILE}# ${reads}\n`), mode: 0o600 });
  };
  assert.throws(() => config.keep('ygg0', { uri: 'tcp://a:1' }), /it changed 5 times/);
  assert.is(reads, 10);
  assert.is(files.writes.length, 0);
});
keep('does not touch a file that it cannot read', () => {
  const { files, config } = network('config interface\n\toption\n');
  assert.throws(
    () => config.keep('ygg0', { uri: 'tcp://a:1' }),
    /expected a UCI file, it has an error in line 2, column 2/,
  );
  assert.throws(() => config.forget('ygg0', { uri: 'tcp://a:1' }), /error in line 2/);
  assert.is(files.writes.length, 0);
});
const BAD: [string, string, { uri: string; device?: string }][] = [
  ['interface', 'ygg-0', { uri: 'tcp://a:1' }],
  ['interface', '', { uri: 'tcp://a:1' }],
  ['interface', '../ygg0', { uri: 'tcp://a:1' }],
  ['interface', "ygg0'\nconfig x", { uri: 'tcp://a:1' }],
  ['interface', 'y'.repeat(16), { uri: 'tcp://a:1' }],
  ['uri', 'ygg0', { uri: '' }],
  ['uri', 'ygg0', { uri: 'tcp://a:1 ; reboot' }],
  ['uri', 'ygg0', { uri: 'tcp://a:1\n' }],
  ['uri', 'ygg0', { uri: "tcp://a:1'\n\toption private_key 'x" }],
  ['uri', 'ygg0', { uri: `tcp://${'a'.repeat(2048)}:1` }],
  ['device', 'ygg0', { uri: 'tcp://a:1', device: '' }],
  ['device', 'ygg0', { uri: 'tcp://a:1', device: 'eth 0' }],
  ['device', 'ygg0', { uri: 'tcp://a:1', device: 'a-device-too-long' }],
];
for (const [field, iface, name] of BAD)
  keep(`refuses ${JSON.stringify([iface, name]).slice(0, 60)}`, () => {
    const { files, config } = network();
    for (const method of ['keep', 'forget'] as const)
      assert.throws(
        () => config[method](iface, name),
        (error: Error) => error instanceof InputError && error.field === field,
      );
    assert.is(files.writes.length, 0);
  });
keep('clears away what a helper left that was killed while it wrote', () => {
  const { files, config } = network();
  const copy = { bytes: encodeUtf8(FILE), mode: 0o600 };
  for (const name of ['network~aB3dEf', 'network~', 'network.backup', 'network~toolong'])
    files.all.set(`${DIRECTORY}/${name}`, copy);
  config.keep('ygg0', { uri: 'tcp://192.0.2.77:1' });
  assert.equal(files.list(DIRECTORY), ['network', 'network.backup', 'network~', 'network~toolong']);
});
keep.run();

const forget = suite('NetworkConfig forget');
forget('takes a peering out, whatever its options, and leaves the rest alone', () => {
  const { files, config, text } = network();
  assert.is(config.forget('ygg0', { uri: 'tls://one.example:443' }), 'removed');
  assert.is(
    text(),
    FILE.replace("config yggdrasil_ygg0_peer\n\toption address 'tls://one.example:443?priority=5'\t# a friend\n\n", ''),
  );
  assert.is(files.all.get(PATH)?.mode, 0o644, '~> as it was');
  assert.is(config.forget('ygg0', { uri: 'tls://one.example:443' }), 'absent');
  assert.is(files.writes.length, 1);
});
forget('tells devices and interfaces apart', () => {
  const { files, config } = network();
  assert.is(config.forget('ygg0', { uri: 'tcp://[fe80::1]:9001' }), 'absent');
  assert.is(config.forget('ygg0', { uri: 'tcp://[fe80::1]:9001', device: 'eth0' }), 'absent');
  assert.is(config.forget('ygg1', { uri: 'tcp://[fe80::1]:9001', device: 'eth0.2' }), 'absent');
  assert.is(files.writes.length, 0);
  assert.is(config.forget('ygg0', { uri: 'tcp://[fe80::1]:9001', device: 'eth0.2' }), 'removed');
});
forget('takes every copy', () => {
  const copy = "\nconfig yggdrasil_ygg0_peer\n\toption address 'tcp://copy.example:1?priority=1'\n";
  const { config, text } = network(FILE + copy + copy + copy.replace('priority=1', 'priority=2'));
  assert.is(config.forget('ygg0', { uri: 'tcp://copy.example:1' }), 'removed');
  assert.is(text(), FILE);
});
forget('undoes keep', () => {
  const { config, text } = network();
  config.keep('ygg0', { uri: 'tcp://a:1' });
  config.forget('ygg0', { uri: 'tcp://a:1' });
  assert.is(text(), FILE);
});
forget('makes no file where there is none', () => {
  const { files, config } = network();
  files.remove(PATH);
  assert.is(config.forget('ygg0', { uri: 'tcp://a:1' }), 'absent');
  assert.is(files.all.size, 0);
});
forget.run();
