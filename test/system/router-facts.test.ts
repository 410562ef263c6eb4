import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import type { FileFact } from '../../src/mesh/lint-fact.ts';
import { readRouterFacts } from '../../src/system/router-facts.ts';
import type { ProcessEvents, Processes } from '../../src/transport/host.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { MemoryFiles } from '../support/files.ts';
import { DUMP, FIREWALL, MESHBRIDGE, NETWORK, PRIVATE_KEY } from '../support/router-files.ts';

/** A router whose `ubus` is played by the test. */
function make(texts: Record<string, string> = {}) {
  const clock = new ManualClock();
  const files = new MemoryFiles();
  const put = (path: string, text: string) => files.all.set(path, { bytes: encodeUtf8(text), mode: 0o600 });
  for (const [path, text] of Object.entries(texts)) put(path, text);
  const started: string[] = [];
  const killed: number[] = [];
  let child: ProcessEvents | undefined;
  const processes: Processes = {
    spawn(argv, events) {
      started.push(argv.join(' '));
      child = events;
      return { pid: 1, write: (bytes) => assert.is(bytes, undefined), kill: (signal) => killed.push(signal) };
    },
  };
  const host = { clock, files, processes };
  return { host, clock, files, put, started, killed, child: () => child! };
}

const GOOD = {
  '/etc/config/network': NETWORK,
  '/etc/config/firewall': FIREWALL,
  '/etc/config/meshbridge': MESHBRIDGE,
};

/** What a file is found to be. */
const stateOf = (fact: FileFact) => (fact.state === 'read' ? `${fact.tree.sections.length} sections` : fact);

const facts = suite('readRouterFacts');
facts('reads the files and asks netifd', async () => {
  const { host, clock, started, killed, child } = make(GOOD);
  const reading = readRouterFacts(host);
  assert.equal(started, ['ubus -t 5 call network.interface dump']);
  child().onStdout!(encodeUtf8(DUMP.slice(0, 100)));
  child().onStdout!(encodeUtf8(DUMP.slice(100)));
  child().onExit({ code: 0 });
  const { network, firewall, meshbridge, dump } = await reading;
  assert.equal([network, firewall, meshbridge].map(stateOf), ['11 sections', '10 sections', '2 sections']);
  assert.equal(dump, JSON.parse(DUMP));
  assert.is(clock.pending, 0);
  assert.equal(killed, []);
});
facts('are what others would route the LAN and ask for names by, where they are', async () => {
  const files = { '/etc/config/pbr': "config pbr 'config'\n", '/etc/config/dhcp': 'config dnsmasq\nconfig dhcp lan\n' };
  const { host, child } = make({ ...GOOD, ...files });
  const reading = readRouterFacts(host);
  child().onExit({ code: 4 });
  const { pbr, mwan3, dhcp } = await reading;
  assert.is(dhcp && stateOf(dhcp), '2 sections');
  assert.is(pbr && stateOf(pbr), '1 sections');
  assert.is(mwan3, undefined);
});
facts('are what there is', async () => {
  const { host, child } = make({ '/etc/config/network': '' });
  const reading = readRouterFacts(host);
  child().onExit({ code: 4 });
  assert.equal(await reading, {
    network: { state: 'read', tree: { sections: [] } },
    firewall: { state: 'absent' },
    meshbridge: { state: 'absent' },
  });
});
facts('of another directory are not of this router: netifd is not asked', async () => {
  const { host, put, started } = make(GOOD);
  put('/tmp/x/network', 'config a\nconfig b\n');
  const { network, firewall, dump } = await readRouterFacts(host, '/tmp/x');
  assert.equal([stateOf(network), stateOf(firewall), dump], ['2 sections', { state: 'absent' }, undefined]);
  assert.equal(started, []);
});
const BROKEN: [string, FileFact][] = [
  [`config interface ygg0\n\toption private_key ${PRIVATE_KEY} x\n`, { state: 'broken', line: 2, column: 150 }],
  ["config interface 'ygg0\n", { state: 'broken', line: 1, column: 18 }],
  ['\u0000', { state: 'unread', reason: 'it holds a zero byte' }],
  ['config a\n'.repeat(2049), { state: 'unread', reason: 'it is larger than is looked at' }],
  [' '.repeat(262_145), { state: 'unread', reason: 'read /etc/config/network: larger than 262144 bytes' }],
];
for (const [text, fact] of BROKEN)
  facts(`say where a file is broken, and quote nothing: ${JSON.stringify(text.slice(0, 20))}`, async () => {
    const { host, put, child } = make(GOOD);
    put('/etc/config/network', text);
    const reading = readRouterFacts(host);
    child().onExit({ code: 0 });
    const { network, firewall } = await reading;
    assert.equal(network, fact);
    assert.is(firewall.state, 'read');
  });
facts('do without netifd when there is no ubus', async () => {
  const { host, clock } = make(GOOD);
  host.processes = {
    spawn() {
      throw new Error('spawn ubus: No such file or directory');
    },
  };
  assert.is((await readRouterFacts(host)).dump, undefined);
  assert.is(clock.pending, 0);
});
for (const text of ['', '{', 'Failed to connect to ubus'])
  facts(`do without netifd when it says ${JSON.stringify(text)}`, async () => {
    const { host, child } = make(GOOD);
    const reading = readRouterFacts(host);
    child().onStdout!(encodeUtf8(text));
    child().onExit({ code: 0 });
    assert.is((await reading).dump, undefined);
  });
facts('do without netifd when ubus was killed', async () => {
  const { host, child } = make(GOOD);
  const reading = readRouterFacts(host);
  child().onStdout!(encodeUtf8(DUMP));
  child().onExit({ signal: 15 });
  assert.is((await reading).dump, undefined);
});
facts('wait 5 s for netifd', async () => {
  const { host, clock, killed, child } = make(GOOD);
  let done = false;
  const reading = readRouterFacts(host).finally(() => {
    done = true;
  });
  await clock.advance(4999);
  assert.not(done);
  await clock.advance(1);
  assert.is((await reading).dump, undefined);
  assert.equal(killed, [9]);
  child().onStdout!(encodeUtf8(DUMP));
  child().onExit({ signal: 9 });
  await settle();
});
facts('take no more than a megabyte of netifd', async () => {
  const { host, clock, killed, child } = make(GOOD);
  const reading = readRouterFacts(host);
  const part = new Uint8Array(256 * 1024).fill(0x20);
  for (let i = 0; i < 4; i++) child().onStdout!(part);
  assert.equal(killed, []);
  child().onStdout!(encodeUtf8('1'));
  assert.equal(killed, [9]);
  child().onExit({ signal: 9 });
  assert.is((await reading).dump, undefined);
  assert.is(clock.pending, 0);
});
facts.run();
