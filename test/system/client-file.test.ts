import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import type { LeaseRecord, StandingRecord } from '../../src/mesh/client.ts';
import { ClientFile } from '../../src/system/client-file.ts';
import { MemoryFiles } from '../support/files.ts';
import { WIREGUARD_KEY } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';

const DIRECTORY = '/etc/meshbridge/clients';
const LEASES = '/var/run/meshbridge/leases.json';

function make(files = new MemoryFiles()) {
  const lines: string[] = [];
  const log = new Logger((line) => lines.push(line)).scope('registrar');
  return { files, lines, file: new ClientFile({ files, directory: DIRECTORY, leases: LEASES, log }) };
}

const record = (number: number, more: Partial<StandingRecord> = {}): StandingRecord => ({
  address: nodeOf(number).address,
  standing: 'admitted',
  reason: '',
  since_s: 7,
  ...more,
});
const lease = (number: number, more: Partial<LeaseRecord> = {}): LeaseRecord => ({
  ...nodeOf(number),
  slot: number,
  kind: 'gre6',
  mtu: 1500,
  since_s: 7,
  rx_bytes: 1,
  tx_bytes: 2,
  ...more,
});

/** Keeps one decision. */
const save = (file: ClientFile, address: string, one: StandingRecord | undefined): void =>
  file.saveStandings(new Map([[address, one]]));

const standings = suite('ClientFile and decisions');
standings('keeps them, each in one small file', () => {
  const { file, files } = make();
  for (let i = 0; i < 300; i++) save(file, nodeOf(i).address, record(i));
  const paths = files.list(DIRECTORY);
  assert.ok(paths.length > 30 && paths.length <= 64, `~> ${paths.length} files`);
  for (const name of paths) assert.ok(files.read(`${DIRECTORY}/${name}`, 1e6)!.length < 4096, name);
  const found = make(files).file.standings();
  assert.is(found.length, 300);
  const { address } = nodeOf(7);
  assert.equal(
    found.find((one) => one.address === address),
    record(7),
  );
});
standings('replaces and forgets them, and removes a file that holds none any more', () => {
  const { file, files } = make();
  const { address } = nodeOf(1);
  save(file, address, record(1));
  save(file, address, record(1, { standing: 'suspended', reason: 'not paid' }));
  assert.equal(make(files).file.standings(), [record(1, { standing: 'suspended', reason: 'not paid' })]);
  save(file, address, undefined);
  assert.equal(files.list(DIRECTORY), []);
  save(file, address, undefined);
});
standings('keeps limits of homes, and no nonsense', () => {
  const { file, files } = make();
  const limits = { quota_mb: 50_000, down_kbits: 0, up_kbits: 1000, flows: 64 };
  save(file, nodeOf(1).address, record(1, { limits }));
  save(file, nodeOf(2).address, record(2, { limits: { flows: -1 } }));
  const { file: later, lines } = make(files);
  assert.equal(later.standings(), [record(1, { limits })]);
  assert.is(lines.length, 1);
});
standings('writes one file for one decision, and only it', () => {
  const { file, files } = make();
  for (let i = 0; i < 100; i++) save(file, nodeOf(i).address, record(i));
  const before = files.writes.length;
  save(file, nodeOf(5).address, record(5, { standing: 'refused' }));
  assert.is(files.writes.length, before + 1);
});
standings('does not keep what could not be written', () => {
  const { file, files } = make();
  const write = files.write.bind(files);
  files.write = () => {
    throw new Error('write: No space left on device');
  };
  assert.throws(() => save(file, nodeOf(1).address, record(1)), /No space left/);
  files.write = write;
  save(file, nodeOf(1).address, undefined);
  assert.equal(make(files).file.standings(), []);
});
standings('passes over what is broken, and says so', () => {
  const { files } = make();
  const put = (name: string, text: string): void => files.write(`${DIRECTORY}/${name}`, encodeUtf8(text), 0o600);
  put('00.json', '{nope');
  put(
    '01.json',
    JSON.stringify([record(1), { ...record(2), standing: 'king' }, { ...record(3), address: '300::1' }, 7]),
  );
  put('02.json', '{}');
  put('64.json', JSON.stringify([record(4)]));
  put('01.json~abcdef', JSON.stringify([record(5)]));
  const { file, lines } = make(files);
  assert.equal(file.standings(), [record(1)]);
  assert.is(lines.length, 4, lines.join('\n'));
});
standings('is empty where there is no directory', () => {
  const { file, lines } = make();
  assert.equal(file.standings(), []);
  assert.equal(lines, []);
});
standings.run();

// ---

const leases = suite('ClientFile and leases');
leases('keeps them', () => {
  const { file, files } = make();
  const all = [
    lease(1),
    lease(2, { kind: 'wireguard', wireguard_key: WIREGUARD_KEY, told: { name: 'Ann', site: 'hill' } }),
    lease(3, { legacy: true }),
    lease(4, { ports: { first: 1024, last: 2047 } }),
  ];
  file.saveLeases(all);
  assert.equal(make(files).file.leases(), all);
  file.saveLeases([]);
  assert.equal(make(files).file.leases(), []);
  assert.is(files.read(LEASES, 1e6), undefined);
});
leases('passes over what is broken', () => {
  const { file, files, lines } = make();
  file.saveLeases([lease(1)]);
  const text = decodeUtf8(files.read(LEASES, 1e6)!);
  files.write(LEASES, encodeUtf8(text.replace(']', `,${JSON.stringify({ ...lease(2), kind: 'x' })},null]`)), 0o600);
  assert.equal(file.leases(), [lease(1)]);
  assert.is(lines.length, 2);
  files.write(LEASES, encodeUtf8('['), 0o600);
  assert.equal(file.leases(), []);
});
leases('goes on where they cannot be written', () => {
  const { file, files, lines } = make();
  files.write = () => {
    throw new Error('write: No space left on device');
  };
  file.saveLeases([lease(1)]);
  assert.match(lines[0]!, /leases not saved/);
});
leases('says nothing of people in what it logs', () => {
  const { file, files, lines } = make();
  files.write(LEASES, encodeUtf8(JSON.stringify([{ ...lease(1), mtu: 'x', told: { name: 'Ann Secret' } }])), 0o600);
  file.leases();
  assert.not.match(lines.join(), /Secret/);
});
leases.run();
