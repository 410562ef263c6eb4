// The client that a test orders about, as a program for the C host; its argument is a JSON file of what it is to be.

import native from 'native';
import { createHost } from '../../src/host/host.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { type ClientOrder, playClient } from './remote-client.ts';

const host = createHost(native);
const order = JSON.parse(decodeUtf8(host.files.read(host.args[0]!, 65_536)!)) as ClientOrder;
playClient(host, order, (happening) => host.print(`${JSON.stringify(happening)}\n`)).then(() =>
  // what was written last is to go out
  host.clock.after(200, () => host.exit(0)),
);
