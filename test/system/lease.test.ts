import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LeaseStatus } from '../../src/api/lease-object.ts';
import { parseConfig } from '../../src/config.ts';
import { InputError } from '../../src/errors.ts';
import { HomeLease } from '../../src/lease.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { ManualClock } from '../support/clock.ts';
import { waitingOf } from '../support/decide.ts';
import { MemoryFiles } from '../support/files.ts';
import { HOME_ADDRESS, HOME_KEY } from '../support/gateway.ts';
import { MemoryHomePlane } from '../support/home-plane.ts';
import { nodeOf } from '../support/node-key.ts';
import { PipedStreams } from '../support/piped-streams.ts';
import { registrarGateway } from '../support/registrar.ts';
import { selfOnly } from '../support/self-only.ts';

const STATE = '/var/run/meshbridge';
const GATEWAY = nodeOf(1);
const NAMED = `config gateway 'boston'\n\toption key '${GATEWAY.key}'\n`;
const ON = `config lease 'home'\n\toption enabled '1'\n${NAMED}`;

function make({ files = new MemoryFiles(), able = true, admission = 'open' as 'open' | 'ask' } = {}) {
  const clock = new ManualClock();
  const streams = new PipedStreams(clock);
  const gateway = registrarGateway({ key: GATEWAY.key, clock, streams, admission });
  const plane = new MemoryHomePlane();
  for (const host of ['9.9.9.9', '2620:fe::fe'])
    streams.listen({ host, port: 443 }, () => ({ onData() {}, onClose() {} }));
  const self = selfOnly('ygg0', HOME_KEY, HOME_ADDRESS);
  const told: LeaseStatus[] = [];
  const published: string[] = [];
  const lines: string[] = [];
  let made = 0;
  const lease = new HomeLease({
    host: { streams, clock, files },
    random: () => 0.5,
    members: () => [self.member],
    planes: able
      ? async () => {
          made++;
          return { tunnels: plane, routes: plane };
        }
      : undefined,
    state: STATE,
    log: new Logger((line) => lines.push(line)).scope('lease'),
    publish: (object) => published.push(object.path),
    onChange: (status) => told.push(status),
  });
  const configure = async (text: string): Promise<void> => {
    const { lease: config, gateways, site } = parseConfig(text);
    lease.setConfig(config, gateways, site, files.list(STATE).length > 0);
    await clock.advance(5000);
  };
  return { clock, streams, gateway, plane, self, told, published, lines, lease, configure, files, made: () => made };
}

const home = suite('HomeLease');
home('brings nothing into memory while nobody wants a lease', async () => {
  const { configure, lease, clock, made } = make();
  await configure(NAMED);
  lease.linkChanged();
  lease.peerUp();
  assert.equal([made(), clock.pending, lease.status().state], [0, 0, 'idle']);
  assert.is(lease.status().sentence, 'The Internet is reached by the own line.');
});
home('is on the bus once a gateway is named, and on another bus when that changes', async () => {
  const { configure, lease, published } = make();
  await configure('');
  assert.equal(published, []);
  await configure(NAMED);
  await configure(NAMED);
  lease.moved();
  assert.equal(published, ['meshbridge.lease', 'meshbridge.lease']);
});
home('holds a lease where it is switched on', async () => {
  const { configure, lease, plane, gateway, told } = make();
  await configure(ON);
  assert.equal([lease.status().state, plane.used, gateway.clients.count], ['up', 0, 1]);
  assert.ok(told.some(({ state }) => state === 'up'));
});
home('begins a trial when it is told to, and shows gateways', async () => {
  const { configure, lease, clock } = make();
  await configure(NAMED);
  assert.equal(
    (await lease.gateways()).map(({ name, state }) => [name, state]),
    [['boston', 'unknown']],
  );
  await clock.advance(5000);
  assert.is((await lease.gateways())[0]!.operator, 'Mesh Test');
  assert.match(await lease.command({ kind: 'connect', seconds: 60 }), /its trial takes 60 s/);
  await clock.advance(5000);
  assert.is(lease.status().state, 'trial');
  assert.match(await lease.command({ kind: 'confirm' }), /confirmed/);
  await clock.advance(1000);
  assert.is(lease.status().state, 'up');
  assert.match(await lease.command({ kind: 'let_out', seconds: 60 }), /open for 60 s/);
  assert.match(await lease.command({ kind: 'choose', gateway: 'boston' }), /preferred/);
  assert.match(await lease.command({ kind: 'ask' }), /asked again/);
  assert.match(await lease.command({ kind: 'release' }), /switched off/);
  await clock.advance(1000);
  assert.is(lease.status().state, 'idle');
});
home('shows no gateways where none is named, and needs no memory for it', async () => {
  const { configure, lease, made } = make();
  await configure('');
  assert.equal([await lease.gateways(), made()], [[], 0]);
});
home('undoes what an earlier daemon left, though it is switched off', async () => {
  const files = new MemoryFiles();
  files.write(`${STATE}/lease.json`, encodeUtf8('{"mode":"trial"}'), 0o600);
  const { configure, plane } = make({ files });
  await configure('');
  assert.equal([plane.undone, files.list(STATE)], [1, []]);
});
home('knows itself by the Yggdrasil of the named interface', async () => {
  const { configure, lease } = make();
  await configure(`${ON}`.replace("option enabled '1'", "option enabled '1'\n\toption interface 'other'"));
  assert.equal([lease.status().state, lease.status().id], ['blocked', 'no_mesh']);
});
home('asks as soon as Yggdrasil answers, and when a peer comes up', async () => {
  const { configure, lease, self, clock, streams } = make();
  self.setConnected(false);
  await configure(ON);
  assert.is(lease.status().id, 'no_mesh');
  self.setConnected(true);
  lease.linkChanged();
  await clock.advance(5000);
  assert.is(lease.status().state, 'up');
  streams.fate = () => 'silent';
  await clock.advance(600_000);
  assert.is(lease.status().state, 'blocked');
  streams.fate = ({ host }) => (host.startsWith('fd') ? 'refused' : 'reaches');
  lease.peerUp();
  await clock.advance(5000);
  assert.is(lease.status().state, 'up');
});
home('tells a gateway the site of the router', async () => {
  const { configure, gateway } = make({ admission: 'ask' });
  await configure(`config meshbridge 'main'\n\toption site 'hill'\n${ON}`);
  assert.equal(waitingOf(gateway.clients)[0]!.told, { site: 'hill' });
});
home('says that a program without tunnels can do nothing of it', async () => {
  const { configure, lease, lines } = make({ able: false });
  await configure(ON);
  assert.match(lines[0]!, /this program makes no tunnels/);
  let refused: unknown;
  await lease.command({ kind: 'connect' }).catch((error) => {
    refused = error;
  });
  assert.instance(refused, InputError);
});
home('ends', async () => {
  const { configure, lease, clock, plane } = make();
  await configure(ON);
  lease.stop();
  await clock.advance(1_000_000);
  assert.equal([plane.used, plane.blocked], [0, true], '~> tunnel and kill switch stay');
});
home.run();
