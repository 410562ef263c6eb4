import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packetsOf } from '../../src/lib/net-device.ts';

/** As kernel 6.18 writes it, 2026-11-30. */
const TEXT = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  mbt0:   12345      17    0    0    0     0          0         0    54321      23    0    0    0     0       0          0
`;

const device = suite('packetsOf');
device('counts packets of one device', () => {
  assert.equal(packetsOf(TEXT, 'mbt0'), { rxPackets: 17, txPackets: 23 });
  assert.equal(packetsOf(TEXT, 'lo'), { rxPackets: 0, txPackets: 0 });
});
device('knows what is not there', () => {
  for (const name of ['mbt', 'bt0', 'mbt1', 'face |bytes']) assert.is(packetsOf(TEXT, name), undefined);
  assert.is(packetsOf('', 'mbt0'), undefined);
});
device.run();
