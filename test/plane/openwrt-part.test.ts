import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Terms } from '../../src/api/lease.ts';
import { errorText } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { TunnelDevice } from '../../src/plane/device.ts';
import type { HomeFacts } from '../../src/plane/home-rules.ts';
import { setUpstreams } from '../../src/plane/openwrt/dnsmasq.ts';
import { OpenwrtPart } from '../../src/plane/openwrt/part.ts';
import { PlayedMachine } from '../support/played-machine.ts';

const TERMS: Terms = {
  ...{ kind: 'vxlan', outer: '202::1', mtu: 1430, vni: 4100, port: 4790, dns: ['10.40.0.1'] },
  ...{ home4: '10.40.0.7', gateway4: '10.40.0.1' },
};
const DEVICE: TunnelDevice = {
  ...{ name: 'mbt0', kind: 'vxlan', end: 'home', local: '201::1', remote: '202::1', mtu: 1430 },
  ...{ addresses: ['10.40.0.7'], neighbours: ['10.40.0.1'], vni: 4100, port: 4790 },
};
const FACTS: HomeFacts = {
  ...{ lan: ['br-lan'], prefixes: [], mesh: ['ygg0'], tunnels: [TERMS, undefined], used: 0, blocked: true, bypass: [] },
};
/** `ubus` where what is called has nothing of that name. */
const ABSENT = { code: 252, stderr: 'Command failed: ubus call: (Not found)' };

/** netifd, as far as it is asked: what is made is up after some looks. */
class PlayedNetifd {
  readonly machine = new PlayedMachine();
  /** By name; `up` false: it never gets up. */
  readonly interfaces = new Map<string, { up: boolean; dynamic: boolean; errors?: object[] }>();
  broken = false;

  constructor() {
    const { machine, interfaces } = this;
    machine.says.set('ubus', ({ line }) => {
      const [, path, method, args] = /call (\S+) (\S+) ?(.*)/.exec(line) ?? [];
      const name = path === 'network.interface' ? JSON.parse(args || '{}').interface : undefined;
      if (method === 'add_dynamic') {
        const errors = [{ subsystem: 'vxlan', code: 'NO_WAN_LINK' }];
        interfaces.set(JSON.parse(args!).name, { up: !this.broken, dynamic: true, ...(this.broken && { errors }) });
      } else if (name !== undefined && !interfaces.has(name)) return ABSENT;
      else if (method === 'remove') interfaces.delete(name!);
      else if (method === 'up' || method === 'down') interfaces.get(name!)!.up = method === 'up';
      else if (method === 'status') return { stdout: JSON.stringify(interfaces.get(name!)) };
      else if (method === 'get_proto_handlers') return { stdout: '{"static": {}, "vxlan6": {}}' };
      return {};
    });
    machine.says.set('nft -s list table inet fw4', { code: 1, stderr: 'Error: No such file or directory' });
  }

  get part(): OpenwrtPart {
    return new OpenwrtPart(this.machine, '/c');
  }

  /** Lets time pass until something is done. */
  async pass<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    void work.then(
      () => (isDone = true),
      () => (isDone = true),
    );
    for (let i = 0; i < 200 && !isDone; i++) await this.machine.clock.advance(100);
    return work;
  }

  calls(): string[] {
    return this.machine.take().filter((line) => / call /.test(line) && !/ status /.test(line));
  }
}

const failure = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', errorText);

const tunnels = suite('tunnels by netifd');
tunnels('are two interfaces in RAM, whose numbers are numbers, and nothing in UCI', async () => {
  const netifd = new PlayedNetifd();
  assert.is(await netifd.pass(netifd.part.make(0, DEVICE)), true);
  assert.equal(netifd.calls(), [
    'ubus -t 4 call network add_dynamic {"name":"mbt0","proto":"vxlan6","ip6addr":"201::1","peer6addr":"202::1","mtu":1430,"ttl":64,"vid":4100,"port":4790,"learning":false,"macaddr":"02:4d:48:00:10:04"}',
    'ubus -t 4 call network add_dynamic {"name":"mbt0a","proto":"static","device":"@mbt0","ipaddr":["10.40.0.7/32"]}',
  ]);
  assert.equal(netifd.machine.files.writes, []);
});
tunnels('that do not get up are taken away, for netifd would try for ever, and its reason is told', async () => {
  const netifd = new PlayedNetifd();
  netifd.broken = true;
  assert.match(
    await netifd.pass(failure(netifd.part.make(0, DEVICE))),
    /mbt0 expected to be up after 8 s \(NO_WAN_LINK\)/,
  );
  assert.is(netifd.interfaces.size, 0);
});
tunnels('are only made where there is a handler, and WireGuard by ip', async () => {
  const netifd = new PlayedNetifd();
  assert.is(await netifd.part.problemOf('vxlan'), undefined);
  assert.match((await netifd.part.problemOf('gre6'))!, /no protocol grev6: install gre/);
  assert.is(await netifd.part.problemOf('wireguard'), undefined);
  assert.is(await netifd.part.make(0, { ...DEVICE, kind: 'wireguard' }), false);
  assert.is(netifd.interfaces.size, 0);
});
tunnels('that were kept are taken down and up, others of their name take their place', async () => {
  const netifd = new PlayedNetifd();
  const { machine, interfaces } = netifd;
  await netifd.pass(netifd.part.keep(FACTS, DEVICE).catch(() => {}));
  assert.match(decodeUtf8(machine.files.read('/c/network', 1 << 20)!), /config interface 'mbt0'/);
  for (const name of ['mbt0', 'mbt0a']) interfaces.set(name, { up: true, dynamic: false });
  await netifd.pass(netifd.part.remove(0));
  assert.equal(
    [...interfaces.values()].map(({ up }) => up),
    [false, false],
  );
  assert.is(await netifd.pass(netifd.part.make(0, DEVICE)), true);
  assert.equal(
    [...interfaces.values()].map(({ up }) => up),
    [true, true],
  );
  const other = netifd.part.make(0, { ...DEVICE, remote: '202::2' });
  machine.take();
  while (!machine.runs.some(({ line }) => line.endsWith('network reload'))) await machine.clock.advance(100);
  // it has read its files
  interfaces.clear();
  assert.is(await netifd.pass(other), true);
  assert.equal(
    [...interfaces.values()].map(({ dynamic }) => dynamic),
    [true, true],
  );
  assert.not.match(decodeUtf8(machine.files.read('/c/network', 1 << 20)!), /config interface/);
});

const programs = suite('programs of OpenWrt');
programs("are BusyBox's ip, which does not do, or iproute2's", async () => {
  const { machine, part } = new PlayedNetifd();
  machine.says.set('ip -V', { stdout: 'ip utility, iproute2-6.11.0' });
  await part.expectPrograms();
  machine.says.set('ip -V', { code: 1, stderr: 'BusyBox v1.36.1 multi-call binary.' });
  assert.match(await failure(part.expectPrograms()), /install ip-full/);
});
programs('have what they are to let pass in RAM, and believe no exit code', async () => {
  const { machine, part } = new PlayedNetifd();
  let data = '{}';
  machine.says.set('ubus -t 4 call service get_data', () => ({ stdout: data }));
  machine.says.set('nft -s list table inet fw4', { stdout: 'table inet fw4 {\n}\n' });
  machine.take();
  assert.match(await failure(part.settle(FACTS)), /expected it to take mb_pass0, mb_outer0/);
  const set = machine.take().find((line) => line.includes('call service set'))!;
  assert.match(set, /"name":"meshbridge.home","data":\{"firewall":\[\{"type":"rule","src":"\*"/);
  data = JSON.stringify({ 'meshbridge.home': { '*': JSON.parse(/\{"name".*/.exec(set)![0]).data } });
  const rules = 'oifname "mbt0" counter accept\nip6 saddr 202::1 udp dport 4790 counter accept\n';
  machine.says.set('nft -s list table inet fw4', { stdout: rules });
  await part.settle(FACTS);
  assert.not(machine.take().some((line) => /fw4|service set/.test(line.replace('table inet fw4', ''))));
  assert.equal(machine.files.writes, []);
});

const resolver = suite('setUpstreams');
/** A machine whose dnsmasq was started with these lines. */
function resolving(lines = ''): {
  machine: PlayedMachine;
  put(path: string, text: string): void;
  read(name: string): string;
} {
  const { machine } = new PlayedNetifd();
  const put = (path: string, text: string): void => machine.files.write(path, encodeUtf8(text), 0o644);
  put('/var/etc/dnsmasq.conf.cfg01411c', `port=53\nconf-dir=/tmp/dnsmasq.cfg01411c.d,*.conf\n${lines}`);
  const read = (name: string): string => {
    const bytes = machine.files.read(`/tmp/dnsmasq.cfg01411c.d/${name}`, 4096);
    return bytes ? decodeUtf8(bytes) : '';
  };
  return { machine, put, read };
}
const CONFIG = 'meshbridge.conf';
const SERVERS = '.meshbridge.servers';
resolver('asks nobody, or through the tunnel, for which it is not started anew, and puts it back', async () => {
  const { machine, put, read } = resolving();
  put('/tmp/resolv.conf', 'search lan\nnameserver 127.0.0.1\n');
  await setUpstreams(machine, 'none');
  assert.is(read(CONFIG), `# by meshbridge\nno-resolv\nservers-file=/tmp/dnsmasq.cfg01411c.d/${SERVERS}\n`);
  assert.is(read(SERVERS), '# by meshbridge\n');
  assert.equal(machine.take(), [
    '/etc/init.d/dnsmasq restart',
    'ln -sf /tmp/resolv.conf.d/resolv.conf.auto /tmp/resolv.conf',
  ]);
  put('/tmp/resolv.conf', 'nameserver 192.0.2.1\n');
  await setUpstreams(machine, TERMS);
  assert.is(read(SERVERS), '# by meshbridge\nserver=10.40.0.1@10.40.0.7\n');
  assert.equal(machine.take(), ['ubus -t 4 call service signal {"name":"dnsmasq","signal":1}']);
  await setUpstreams(machine, TERMS);
  assert.equal(machine.take(), []);
  await setUpstreams(machine, 'line');
  assert.equal([read(CONFIG), read(SERVERS)], ['', '']);
  assert.equal(machine.take(), ['/etc/init.d/dnsmasq restart']);
});
resolver('is started anew where procd cannot tell it', async () => {
  const { machine } = resolving();
  await setUpstreams(machine, 'none');
  machine.says.set('ubus', { code: 255, stderr: 'Failed to connect to ubus' });
  machine.take();
  await setUpstreams(machine, TERMS);
  assert.is(machine.take().at(-1), '/etc/init.d/dnsmasq restart');
});
resolver("leaves a list of servers that is another's to dnsmasq", async () => {
  const { machine, read } = resolving('servers-file=/tmp/adblock.list\n');
  await setUpstreams(machine, TERMS);
  assert.is(read(CONFIG), '# by meshbridge\nno-resolv\nserver=10.40.0.1@10.40.0.7\n');
  assert.is(read(SERVERS), '');
  assert.equal(machine.take(), ['/etc/init.d/dnsmasq restart']);
});
tunnels.run();
programs.run();
resolver.run();
