import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText } from '../../src/errors.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { findAbility } from '../../src/plane/ability.ts';
import { Wireguard } from '../../src/plane/wireguard.ts';
import { PlayedMachine } from '../support/played-machine.ts';

const SECRET = 'SGVsbG8gdGhpcyBpcyBhIHNlY3JldCBrZXkgMTIzNDU=';
const PUBLIC = 'UHVibGljIGtleSBvZiB0aGlzIG1hY2hpbmUgaXMgaXQ=';
const DEVICES = [{ ifname: 'ygg0', mtu: 65_535, flags: ['UP'], addr_info: [{ local: '201::1', prefixlen: 7 }] }];

function make(devices: object[] = DEVICES) {
  const machine = new PlayedMachine();
  machine.says.set('ip -j -d addr show', { stdout: JSON.stringify(devices) });
  machine.says.set('wg genkey', { stdout: `${SECRET}\n` });
  machine.says.set('wg pubkey', { stdout: `${PUBLIC}\n` });
  return { machine, wireguard: new Wireguard(machine, '/state/wireguard.key', '/run') };
}

const ability = suite('findAbility');
ability('tells what can be made, and leaves no device', async () => {
  const { machine, wireguard } = make();
  assert.equal(await findAbility(machine, wireguard, undefined), {
    kinds: [{ kind: 'gre6' }, { kind: 'wireguard' }, { kind: 'vxlan' }],
    meshMtu: 65_535,
    wireguardKey: PUBLIC,
  });
  const lines = machine.take();
  assert.is(lines.filter((line) => line.startsWith('ip link add mbprobe')).length, 3);
  assert.is(lines.filter((line) => line === 'ip link del mbprobe').length, 3);
});
ability('says why a kind cannot be made', async () => {
  const { machine, wireguard } = make();
  machine.says.set('ip link add mbprobe type ip6gre', { code: 2, stderr: 'Error: Unknown device type.\n' });
  machine.says.set('wg genkey', { code: 1, stderr: 'wg: not allowed' });
  const { kinds, wireguardKey } = await findAbility(machine, wireguard, undefined);
  assert.equal(kinds, [
    {
      kind: 'gre6',
      problem: 'the kernel does not make it (Error: Unknown device type.); OpenWrt has it in kmod-gre6',
    },
    { kind: 'wireguard', problem: 'wg: wg: not allowed' },
    { kind: 'vxlan' },
  ]);
  assert.is(wireguardKey, undefined);
});
ability('removes what an earlier look left', async () => {
  const { machine, wireguard } = make([...DEVICES, { ifname: 'mbprobe', mtu: 1500, flags: [], addr_info: [] }]);
  await findAbility(machine, wireguard, undefined);
  assert.is(machine.take()[1], 'ip link del mbprobe');
});
ability('needs Yggdrasil', async () => {
  const { machine, wireguard } = make([]);
  assert.match(String(await findAbility(machine, wireguard, undefined).catch(errorText)), /^Yggdrasil has no device/);
});
ability.run();

const wireguards = suite('Wireguard');
wireguards('keeps one key, where only its owner reads it', async () => {
  const { machine, wireguard } = make();
  assert.is(await wireguard.publicKey(), PUBLIC);
  const { bytes, mode } = machine.files.all.get('/state/wireguard.key')!;
  assert.is(decodeUtf8(bytes), `${SECRET}\n`);
  assert.is(mode, 0o600);
  await wireguard.publicKey();
  assert.equal(machine.take(), ['wg genkey', `wg pubkey <<< ${SECRET}\n`, `wg pubkey <<< ${SECRET}\n`]);
});
wireguards('never shows what is no key', async () => {
  const { machine, wireguard } = make();
  machine.says.set('wg genkey', { stdout: 'half a secr' });
  assert.is(
    await wireguard.publicKey().catch(errorText),
    'WireGuard: expected a key of 32 bytes in base64, got something else',
  );
});
wireguards('gives a device its peers, by a file that is gone afterwards', async () => {
  const { machine, wireguard } = make();
  let text = '';
  machine.says.set('wg syncconf mbwg /run/mbwg.conf', () => {
    const { bytes, mode } = machine.files.all.get('/run/mbwg.conf')!;
    assert.is(mode, 0o600);
    text = decodeUtf8(bytes);
    return { code: 1, stderr: 'no device' };
  });
  const peers = [
    { key: PUBLIC, allowed: ['10.43.0.7/32', 'fd43::7/128'] },
    { key: PUBLIC, allowed: ['0.0.0.0/0'], endpoint: { address: '202::2', port: 51_820 } },
  ];
  assert.is(await wireguard.set('mbwg', peers).catch(errorText), 'wg: no device');
  assert.is(
    text,
    `[Interface]\nPrivateKey = ${SECRET}\n[Peer]\nPublicKey = ${PUBLIC}\nAllowedIPs = 10.43.0.7/32, fd43::7/128
[Peer]\nPublicKey = ${PUBLIC}\nAllowedIPs = 0.0.0.0/0\nEndpoint = [202::2]:51820\n`,
  );
  assert.not.ok(machine.files.all.has('/run/mbwg.conf'));
});
wireguards.run();
