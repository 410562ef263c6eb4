// Dials and closes 3,000 times, with everything that a stream can hold, and prints a word after each 50; for watching memory.

import native from 'native';
import { createHost } from '../../src/host/host.ts';

const { streams, clock, print, exit, randomBytes } = createHost(native);
const ROUNDS = 60;
const DIALS = 50;
const at = { path: `@meshbridge-cycle-${randomBytes(8).join('')}` };
let dials = 0;

streams.listen(at, (stream) => ({
  onData: (bytes) => void stream.write(bytes),
  onClose() {},
}));

function next(): void {
  if (dials > 0 && dials % DIALS === 0) print(String(dials));
  if (dials === ROUNDS * DIALS) {
    exit(0);
    return;
  }
  dials++;
  clock.after(60_000, () => {})();
  streams.dial({ path: `${at.path}-missing` }, { onData() {}, onClose() {} });
  const stream = streams.dial(at, {
    onOpen: () => void stream.write(new Uint8Array(100_000)),
    onData() {
      stream.close();
      clock.after(0, next);
    },
    onClose() {},
  });
}
next();
