// The connections of a test as a program for an engine; its argument is a JSON file of them.

import native from 'native';
import { createHost } from '../../src/host/host.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { type Dial, dialAll } from './tls-dials.ts';

const host = createHost(native);
const dials = JSON.parse(decodeUtf8(host.files.read(host.args[0]!, 1_000_000)!)) as Dial[];
host.print(JSON.stringify(await dialAll(host, dials)));
host.exit(0);
