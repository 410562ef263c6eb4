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

config yggdrasil_ygg0_peer
	option address 'tls://one.example:443?key=00'	# a friend

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

function network(text: string | undefined = FILE): { files: MemoryFiles; config: NetworkConfig; text(): string } {
  const files = new MemoryFiles();
  if (text !== undefined) files.all.set(PATH, { bytes: encodeUtf8(text), mode: 0o644 });
  return { files, config: new NetworkConfig(files), text: () => decodeUtf8(files.all.get(PATH)!.bytes) };
}

const peers = suite('NetworkConfig peers');
peers('lists the peerings of one interface', () => {
  const { config } = network();
  assert.equal(config.peers('ygg0'), [
    { uri: 'tls://one.example:443?key=00', section: 'cfg029ecc' },
    { uri: 'tcp://[fe80::1]:9001', device: 'eth0.2', section: 'two' },
  ]);
  assert.equal(config.peers('ygg1'), [{ uri: 'tcp://other.example:1', section: 'cfg04c76d' }]);
  assert.equal(config.peers('lan'), []);
});
peers('tells no file from no peering', () => {
  const { files, config } = network();
  files.remove(PATH);
  assert.is(config.peers('ygg0'), undefined);
});
peers('notices a change of the file', () => {
  const { files, config } = network();
  assert.is(config.peers('ygg1')?.length, 1);
  files.all.set(PATH, { bytes: encodeUtf8(FILE.replace('other.example', 'third.example')), mode: 0o600 });
  assert.is(config.peers('ygg1')?.[0]?.uri, 'tcp://third.example:1');
});
peers('reads the directory that it is given', () => {
  const files = new MemoryFiles();
  files.all.set('/tmp/x/network', { bytes: encodeUtf8(FILE), mode: 0o600 });
  assert.is(new NetworkConfig(files, '/tmp/x').peers('ygg0')?.length, 2);
});
peers('says where a file breaks, and not what it holds', () => {
  const { config } = network("config interface 'ygg0'\n\toption private_key 'c0' ffee\n");
  try {
    config.peers('ygg0');
    assert.unreachable();
  } catch (error) {
    assert.is(errorText(error), `${PATH}: expected a UCI file, it has an error in line 2, column 26`);
  }
});
peers('refuses a file that is too large', () => {
  assert.throws(() => network('#'.repeat(300_000)).config.peers('ygg0'), /larger than 262144 bytes/);
});
peers.run();

const info = suite('NetworkConfig nodeInfo');
info('reads what the node is told to say', () => {
  assert.equal(network().config.nodeInfo('ygg0'), { name: 'höme', n: [1, null] });
});
info('tells what is not set from what is no JSON', () => {
  const { config, files } = network();
  assert.is(config.nodeInfo('ygg1'), undefined);
  assert.is(config.nodeInfo('two'), undefined);
  files.all.set(PATH, { bytes: encodeUtf8(FILE.replace('{"name"', '{name')), mode: 0o600 });
  assert.throws(() => config.nodeInfo('ygg0'), /network\.ygg0\.node_info: expected JSON/);
  files.remove(PATH);
  assert.is(config.nodeInfo('ygg0'), undefined);
});
info.run();

const keep = suite('NetworkConfig keep');
keep('adds a peering at the end and leaves the rest alone', () => {
  const { files, config, text } = network();
  assert.is(config.keep('ygg0', { uri: 'quic://new.example:1?priority=1' }), 'added');
  assert.is(text(), `${FILE}\nconfig yggdrasil_ygg0_peer\n\toption address 'quic://new.example:1?priority=1'\n`);
  assert.is(files.all.get(PATH)?.mode, 0o600);
  assert.is(config.keep('ygg0', { uri: 'quic://new.example:1?priority=1' }), 'present');
  assert.is(files.writes.length, 1);
});
keep('binds a peering to its device', () => {
  const { config, text } = network();
  assert.is(config.keep('ygg0', { uri: 'tcp://[fe80::1]:9001', device: 'wlan0' }), 'added');
  assert.ok(text().endsWith("\toption address 'tcp://[fe80::1]:9001'\n\toption interface 'wlan0'\n"));
  assert.is(config.peers('ygg0')?.length, 3);
});
keep('gives a known peering its new options', () => {
  const { config, text } = network();
  assert.is(config.keep('ygg0', { uri: 'tls://one.example:443?priority=2' }), 'added');
  assert.is(text(), FILE.replace('?key=00', '?priority=2'));
});
keep('makes the file where there is none', () => {
  const { files, config, text } = network();
  files.remove(PATH);
  assert.is(config.keep('ygg0', { uri: 'tcp://a:1' }), 'added');
  assert.is(text(), "config yggdrasil_ygg0_peer\n\toption address 'tcp://a:1'\n");
});
keep('leaves bytes alone that are no UTF-8', () => {
  const { files, config } = network();
  const bytes = joinBytes([encodeUtf8('# '), Uint8Array.of(0xff, 0xe4), encodeUtf8(`\n${FILE}`)]);
  files.all.set(PATH, { bytes, mode: 0o600 });
  config.keep('ygg0', { uri: 'tcp://a:1?password=ö' });
  const kept = files.all.get(PATH)!.bytes;
  assert.equal(kept.subarray(0, bytes.length), bytes);
  assert.is(config.peers('ygg0')?.at(-1)?.uri, 'tcp://a:1?password=ö');
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
  ['uri', 'ygg0', { uri: '' }],
  ['uri', 'ygg0', { uri: 'tcp://a:1 ; reboot' }],
  ['uri', 'ygg0', { uri: 'tcp://a:1\n' }],
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
keep.run();

const forget = suite('NetworkConfig forget');
forget('takes a peering out, whatever its options, and leaves the rest alone', () => {
  const { files, config, text } = network();
  assert.is(config.forget('ygg0', { uri: 'tls://one.example:443' }), 'removed');
  assert.is(
    text(),
    FILE.replace("config yggdrasil_ygg0_peer\n\toption address 'tls://one.example:443?key=00'\t# a friend\n\n", ''),
  );
  assert.is(files.all.get(PATH)?.mode, 0o600);
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
