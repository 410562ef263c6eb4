import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { Leases } from '../../src/leases.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { MemoryClientPlane } from '../support/client-plane.ts';
import { ManualClock } from '../support/clock.ts';
import { crypto } from '../support/crypto.ts';
import { MemoryFiles } from '../support/files.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY } from '../support/gateway.ts';
import { MemoryHomePlane } from '../support/home-plane.ts';
import { nodeOf } from '../support/node-key.ts';
import { selfOnly } from '../support/self-only.ts';
import { MemoryStreams } from '../support/stream.ts';

const STATE = '/var/run/meshbridge';
const NAMED = `config gateway 'boston'\n\toption key '${nodeOf(1).key}'\n`;
const SERVES = "config registrar 'registrar'\n\toption enabled '1'\n";

function make(files = new MemoryFiles()) {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const plane = new MemoryHomePlane();
  const published: string[] = [];
  const released: string[] = [];
  const lines: string[] = [];
  const logger = new Logger((line) => lines.push(line));
  const leases = new Leases({
    host: { streams, clock, files, crypto, randomBytes: (count) => new Uint8Array(count) },
    random: () => 0.5,
    members: () => [selfOnly('ygg0', GATEWAY_KEY, GATEWAY_ADDRESS).member],
    planes: async () => ({ tunnels: plane, routes: plane }),
    plane: async () => new MemoryClientPlane(),
    release: async () => {
      released.push('gateway');
    },
    isFlash: () => true,
    state: STATE,
    dateS: () => 1_800_000_000,
    log: (scope) => logger.scope(scope),
    publish: ({ path }) => published.push(path),
    onGroup() {},
    onChange() {},
  });
  const configure = async (text: string): Promise<void> => {
    leases.setConfig(parseConfig(text));
    await clock.advance(100);
  };
  return { clock, streams, plane, published, lines, leases, configure, files, released };
}

const leases = suite('Leases');
leases('bring nothing into memory on a router without gateways', async () => {
  const { configure, leases, clock, published, lines } = make();
  await configure('');
  leases.linkChanged();
  leases.peerUp();
  leases.moved();
  await clock.advance(100_000);
  leases.stop();
  assert.equal([clock.pending, published, lines], [0, [], []]);
});
leases('are on the bus once a gateway is named, now or later', async () => {
  const { configure, published, leases } = make();
  await configure('');
  await configure(NAMED);
  await configure(NAMED);
  assert.equal(published, ['meshbridge.lease']);
  leases.moved();
  assert.equal(published.length, 2);
});
leases('undo what an earlier daemon left', async () => {
  const files = new MemoryFiles();
  files.write(`${STATE}/lease.json`, encodeUtf8('{"mode":"trial"}'), 0o600);
  const { configure, plane } = make(files);
  await configure('');
  assert.equal([plane.undone, files.list(STATE)], [1, []]);
});
leases('undo the gateway that an earlier daemon was', async () => {
  const files = new MemoryFiles();
  files.write(`${STATE}/leases.json`, encodeUtf8('[]'), 0o600);
  const { configure, released } = make(files);
  await configure('');
  assert.equal([released, files.list(STATE)], [['gateway'], []]);
});
leases('begin both ends, and end them', async () => {
  const { configure, plane, lines, streams, leases, clock } = make();
  await configure(`${NAMED}${SERVES}config lease 'home'\n\toption enabled '1'\n`);
  assert.is(plane.blocked, true);
  assert.ok(lines.some((line) => /serving port=8080/.test(line)));
  streams.connect({ host: GATEWAY_ADDRESS, port: 8080 }, nodeOf(5).address).end();
  leases.stop();
  await clock.advance(1000_000);
  assert.throws(() => streams.connect({ host: GATEWAY_ADDRESS, port: 8080 }), /refused/);
});
leases('follow a configuration that changes while they are brought', async () => {
  const { leases, clock, plane, lines } = make();
  leases.setConfig(parseConfig(NAMED));
  leases.setConfig(parseConfig(`${NAMED}${SERVES}config lease 'home'\n\toption enabled '1'\n`));
  for (let i = 0; i < 10; i++) await clock.advance(100);
  assert.equal([plane.blocked, lines.some((line) => /serving/.test(line))], [true, true]);
});
leases.run();
