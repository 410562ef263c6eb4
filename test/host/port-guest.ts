// The port contract as a program for an engine; its first argument is an empty directory.

import native from 'native';
import { createHost } from '../../src/host/host.ts';
import { testPort } from './port.ts';

const host = createHost(native);
testPort(host, host.args[0]!);
