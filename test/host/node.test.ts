import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '../../src/host/node/host.ts';
import { testPort } from './port.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-port-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
testPort(nodeHost({ args: [] }), directory);
