import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Terms } from '../../src/api/lease.ts';
import { errorText } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { lineServers, setServers, tunnelServers } from '../../src/plane/dns.ts';
import { KernelHome } from '../../src/plane/home.ts';
import { HomeStateFile, noHome } from '../../src/plane/home-state.ts';
import { PlayedMachine } from '../support/played-machine.ts';

const TERMS: Terms = {
  ...{ kind: 'gre6', outer: '202::2', mtu: 1456, dns: ['10.43.0.1', '2001:db8::53'], home4: '10.43.0.7' },
};
const FILES = { servers: '/run/servers', pid: '/run/pid', line: '/etc/resolv.conf' };
const DEVICES = [
  { ifname: 'ygg0', mtu: 9000, flags: ['UP'], addr_info: [{ local: '201::1', prefixlen: 7 }] },
  {
    ifname: 'lan0',
    mtu: 1500,
    flags: ['UP'],
    addr_info: [
      { local: '192.168.1.1', prefixlen: 24 },
      { local: 'fe80::1', prefixlen: 64 },
    ],
  },
];

function make(enabled = false) {
  const machine = new PlayedMachine();
  const remembered: boolean[] = [];
  machine.says.set('ip -j', { stdout: '[]' });
  machine.says.set('ip -j -d addr show', { stdout: JSON.stringify(DEVICES) });
  let table: string | undefined;
  machine.says.set('nft -f -', ({ stdin = '' }) => {
    table = /\n(table .*\n)$/s.exec(stdin)?.[1];
    if (/^table \S+ \S+\ndelete table \S+ \S+\n$/.test(stdin)) table = undefined;
    return {};
  });
  machine.says.set('nft -s list', () =>
    table === undefined ? { code: 1, stderr: 'Error: No such file or directory' } : { stdout: table },
  );
  const home = (): KernelHome =>
    new KernelHome({
      ...{ machine, run: '/run', flash: '/etc/meshbridge', resolver: FILES },
      settings: () => ({ lan: ['lan0'], bypass: [], enabled }),
      remember: (enabled) => void remembered.push(enabled),
    });
  return { machine, home, remembered, state: () => new HomeStateFile(machine.files, '/run/home.json').load() };
}

const homes = suite('KernelHome');
homes('knows what an earlier one was told', async () => {
  const { home, state, machine } = make();
  await home().block(true);
  await home().build(1, TERMS);
  await home().use(1, TERMS);
  assert.equal(state()!.tunnels, [undefined, TERMS]);
  assert.is(state()!.used, 1);
  assert.equal(state()!.prefixes, ['192.168.1.0/24']);
  machine.take();
  await home().restore();
  assert.not.ok(machine.take().some((line) => line.startsWith('nft -f')));
});
homes('keeps the LAN in where nobody knows any more what it was told, but there is a table', async () => {
  const { home, machine } = make();
  await home().block(true);
  machine.files.remove('/run/home.json');
  await home().build(0, TERMS);
  assert.match(
    machine
      .take()
      .filter((line) => line.startsWith('nft -f'))
      .at(-1)!,
    /jump from_lan/,
  );
});
homes('does not remember a tunnel that could not be made', async () => {
  const { home, machine, state } = make();
  machine.says.set('ip -batch', { code: 1, stderr: 'Error: Unknown device type.\nCommand failed -:1\n' });
  assert.match(String(await home().build(0, TERMS).catch(errorText)), /type ip6gre .*: Error: Unknown device type/);
  assert.equal(state()!.tunnels, [undefined, undefined]);
});
homes('is closed before a tunnel is made, and while it fails', async () => {
  const { home, machine } = make();
  machine.says.set('nft -f -', { code: 1, stderr: 'Error: no room' });
  assert.is(await home().block(true).catch(errorText), 'nft: Error: no room');
  assert.not.ok(machine.take().some((line) => /rule (add|del)|link add/.test(line)));
});
homes('carries no IPv6 where the tunnel is too small for it', async () => {
  const { home, state } = make();
  await home().build(0, { ...TERMS, mtu: 1236, home6: 'fd43::7', gateway6: 'fd43::1' });
  assert.equal(state()!.tunnels[0], { ...TERMS, mtu: 1236 });
});
homes('undoes what it can, whatever fails, and says what did', async () => {
  const { home, machine, remembered, state } = make();
  await home().block(true);
  await home().keep(TERMS);
  assert.ok(machine.files.all.has('/etc/meshbridge/guard.nft'));
  machine.says.set('ip -j -d addr show', { code: 1, stderr: 'no netlink' });
  machine.take();
  assert.is(await home().undo().catch(errorText), 'ip -d addr show: no netlink');
  assert.ok(machine.take().includes('nft -f - <<< table inet meshbridge\ndelete table inet meshbridge\n'));
  assert.equal(remembered, [true, false]);
  assert.is(state(), undefined);
  assert.not.ok(machine.files.all.has('/etc/meshbridge/guard.nft'));
});
homes('has a guard for the next start, which is the kill switch without any tunnel', async () => {
  const { home, machine } = make();
  await home().block(true);
  await home().build(0, TERMS);
  await home().keep(TERMS);
  const guard = decodeUtf8(machine.files.all.get('/etc/meshbridge/guard.nft')!.bytes);
  assert.match(guard, /^table inet meshbridge \{\n.*jump from_lan.*\}\n$/s);
  assert.not.ok(guard.includes('mbt0'));
});
homes('has that guard at once where leases are switched on by configuration, and nowhere else', async () => {
  for (const enabled of [true, false]) {
    const { home, machine } = make(enabled);
    await home().block(true);
    assert.is(machine.files.all.has('/etc/meshbridge/guard.nft'), enabled);
  }
});
homes('counts packets of its tunnels', () => {
  const { home, machine } = make();
  assert.is(home().flow(0), undefined);
  machine.files.write('/proc/net/dev', encodeUtf8('  mbt0: 1 17 0 0 0 0 0 0 2 23 0 0 0 0 0 0\n'), 0o444);
  assert.equal(home().flow(0), { rxPackets: 17, txPackets: 23 });
  assert.is(home().flow(1), undefined);
});
homes.run();

const states = suite('HomeStateFile');
states('gives back what it was given, and takes nothing that is broken', () => {
  const { machine } = make();
  const file = new HomeStateFile(machine.files, '/run/home.json');
  assert.is(file.load(), undefined);
  const state = { ...noHome(), blocked: true, tunnels: [TERMS, undefined] as [Terms, undefined], used: 0 as const };
  file.save(state);
  assert.equal(file.load(), state);
  for (const text of ['', '{', '[]', 'null', '{"tunnels":[{"kind":"gre6","outer":"fe80::1"}]}']) {
    machine.files.write('/run/home.json', encodeUtf8(text), 0o600);
    const loaded = file.load();
    assert.ok(loaded === undefined || text === '[]', text);
  }
});
states.run();

const resolver = suite('setServers');
resolver('asks the gateway from inside, and the line by its own servers', () => {
  assert.equal(tunnelServers(TERMS), ['server=10.43.0.1@10.43.0.7']);
  assert.equal(tunnelServers({ ...TERMS, home6: 'fd43::7' })[1], 'server=2001:db8::53@fd43::7');
  assert.equal(
    lineServers('# x\nnameserver 127.0.0.53\nnameserver ::1\nnameserver 192.0.2.1\nnameserver fe80::1%wan0\n'),
    ['server=192.0.2.1'],
  );
});
resolver('tells dnsmasq of changes only, and nobody else', async () => {
  const { machine } = make();
  machine.files.write('/etc/resolv.conf', encodeUtf8('nameserver 192.0.2.1\n'), 0o644);
  machine.files.write('/run/pid', encodeUtf8('77\n'), 0o644);
  machine.files.write('/proc/77/comm', encodeUtf8('dnsmasq\n'), 0o644);
  const text = (): string => decodeUtf8(machine.files.all.get('/run/servers')!.bytes).split('\n').slice(1).join('\n');
  await setServers(machine, FILES, 'none');
  assert.is(text(), '');
  await setServers(machine, FILES, TERMS);
  assert.is(text(), 'server=10.43.0.1@10.43.0.7\n');
  await setServers(machine, FILES, TERMS);
  await setServers(machine, FILES, 'line');
  assert.is(text(), 'server=192.0.2.1\n');
  assert.equal(machine.take(), Array(3).fill('kill -HUP 77'));
  machine.files.write('/proc/77/comm', encodeUtf8('sshd\n'), 0o644);
  await setServers(machine, FILES, 'none');
  assert.equal(machine.take(), []);
});
resolver.run();
