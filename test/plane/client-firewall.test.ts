import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { ClientFirewall, gatewaySections, withGateway } from '../../src/plane/openwrt/client-firewall.ts';
import { withOwn } from '../../src/plane/openwrt/own-section-file.ts';
import { PlayedMachine } from '../support/played-machine.ts';

const GATEWAY = { address: '201::1', port: 8080, vxlanPort: 4790, wireguardPort: 51_820, resolver: true };
const PATH = '/etc/config/firewall';
const FILE = "# mine\nconfig zone\n\toption name 'lan'\n\nconfig rule 'mb_pass0'\n\toption target 'ACCEPT'\n";
const LOADED = 'table inet fw4 {\n}\n';
const OPENED = 'table inet fw4 {\n\tchain input_meshhomes {\n\t}\n}\n';

/** A machine with fw4, which takes the zone when it is in the file. */
function make(file: string | undefined, isLoaded = true, takes = true) {
  const machine = new PlayedMachine();
  if (file !== undefined) machine.files.write(PATH, encodeUtf8(file), 0o600);
  const text = () => decodeUtf8(machine.files.read(PATH, 65_536) ?? new Uint8Array());
  let table = LOADED;
  machine.says.set('nft -s list table inet fw4', () =>
    isLoaded ? { stdout: table } : { code: 1, stderr: 'Error: No such file or directory' },
  );
  machine.says.set('fw4 -q reload', () => {
    table = takes && text().includes('mbg_zone') ? OPENED : LOADED;
    return {};
  });
  const firewall = new ClientFirewall(machine, '/etc/config');
  const done = async (work: Promise<void>) => {
    let isDone = false;
    const ended = work.finally(() => {
      isDone = true;
    });
    ended.catch(() => {});
    while (!isDone) await machine.clock.advance(50);
    return ended;
  };
  const reloads = () => machine.take().filter((line) => line === 'fw4 -q reload').length;
  return { machine, firewall, text, done, reloads };
}

const sections = suite('gatewaySections');
sections('let in what comes to the address in the mesh alone, and homes out', () => {
  const all = gatewaySections(GATEWAY);
  const names = all.map(({ name }) => name);
  assert.equal(
    names,
    ['zone', 'out', 'ping4', 'ping6', 'inside', 'names', 'registrar', 'gre', 'vxlan', 'wireguard'].map(
      (name) => `mbg_${name}`,
    ),
  );
  for (const { options } of all.filter(({ options: { src } }) => src === '*')) assert.is(options.dest_ip, '201::1');
  assert.equal(all[0]!.options.device, ['mbc+', 'mbwg']);
  assert.is(all[0]!.options.input, 'REJECT');
});
sections('open nothing that is not served', () => {
  const names = gatewaySections({ ...GATEWAY, wireguardPort: undefined, resolver: false }).map(({ name }) => name);
  assert.not.ok(names.includes('mbg_wireguard') || names.includes('mbg_names'));
});
sections('stand beside those of a home, and go without a trace', () => {
  const opened = withGateway(FILE, gatewaySections(GATEWAY));
  assert.ok(opened.startsWith(FILE));
  assert.is(withGateway(opened, gatewaySections(GATEWAY)), opened);
  assert.is(withGateway(opened, []).trimEnd(), FILE.trimEnd());
  assert.match(withOwn(opened, { sections: [] }, 'firewall'), /mbg_zone/);
  const moved = withGateway(opened, gatewaySections({ ...GATEWAY, port: 8081 }));
  assert.match(moved, /'8081'/);
  assert.not.match(moved, /'8080'/);
});
sections.run();

// ---

const firewall = suite('ClientFirewall');
firewall('is opened once, and closed', async () => {
  const { firewall, text, done, reloads } = make(FILE);
  await done(firewall.open(GATEWAY));
  assert.match(text(), /mbg_zone/);
  assert.is(reloads(), 1);
  await done(firewall.open(GATEWAY));
  assert.is(reloads(), 0);
  await done(firewall.close());
  assert.not.match(text(), /mbg_/);
  assert.is(reloads(), 1);
  await done(firewall.close());
  assert.is(reloads(), 0);
});
firewall('says so where it does not take the zone', async () => {
  const { firewall, done } = make(FILE, true, false);
  const said = await done(firewall.open(GATEWAY)).then(
    () => undefined,
    (error) => error.message,
  );
  assert.is(said, 'fw4 reload: expected it to take zone meshhomes; see "fw4 check"');
});
firewall('that is stopped is told by its file, and is not started', async () => {
  const { firewall, text, done, reloads } = make(FILE, false);
  await done(firewall.open(GATEWAY));
  assert.match(text(), /mbg_zone/);
  assert.is(reloads(), 0);
});
firewall('gets no file where it has none', async () => {
  const { firewall, machine, done, reloads } = make(undefined);
  await done(firewall.open(GATEWAY));
  await done(firewall.close());
  assert.equal(machine.files.writes, []);
  assert.is(reloads(), 0);
});
firewall.run();
