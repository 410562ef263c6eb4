import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { publishConfig } from '../../src/system/published-config.ts';
import { MemoryFiles } from '../support/files.ts';

const FROM = '/etc/config/meshbridge';
const TO = '/var/run/meshbridge/config';

const publish = suite('publishConfig');
publish('copies every byte, for the owner and the group to read', () => {
  const files = new MemoryFiles();
  const bytes = Uint8Array.of(0x63, 0xff, 0x00, 0x0a);
  files.all.set(FROM, { bytes, mode: 0o600 });
  files.all.set(TO, { bytes: encodeUtf8('old'), mode: 0o440 });
  publishConfig(files, FROM, TO);
  assert.equal(files.all.get(TO), { bytes, mode: 0o440 });
});
publish('leaves no copy of what is gone', () => {
  const files = new MemoryFiles();
  files.all.set(TO, { bytes: encodeUtf8('old'), mode: 0o440 });
  publishConfig(files, FROM, TO);
  publishConfig(files, FROM, TO);
  assert.is(files.all.size, 0);
});
publish('copies nothing that is too large for a configuration', () => {
  const files = new MemoryFiles();
  files.all.set(FROM, { bytes: new Uint8Array(262_145), mode: 0o600 });
  assert.throws(() => publishConfig(files, FROM, TO), `read ${FROM}: larger than 262144 bytes`);
  assert.not(files.all.has(TO));
});
publish.run();
