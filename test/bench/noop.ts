// A provider on the C host whose one object does nothing: what our engine, host and protocol cost without any work of the daemon.
//
// Its command line: the broker's socket and the object's path.

import native from 'native';
import { createHost } from '../../src/host/host.ts';
import { Logger } from '../../src/log.ts';
import { UbusClient } from '../../src/ubus/client.ts';

const host = createHost(native);
const [socket = '', path = ''] = host.args;
const log = new Logger((line) => host.log(line)).scope('noop');
const client = new UbusClient({ streams: host.streams, clock: host.clock, random: () => 0.5, path: socket, log });
client.publish({ path, methods: { noop: { args: {}, handle: () => undefined } } });
client.start();
