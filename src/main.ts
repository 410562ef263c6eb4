// The router's entry: the C host's machine, and the app on it.

import native from 'native';
import { main } from './app.ts';
import { createChildlessHost } from './host/host.ts';

const host = createChildlessHost(native);
main(host, async () => new (await import('./host/process.ts')).NativeProcesses(native, host.clock));
