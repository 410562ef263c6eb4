// What MQTT costs: bytes of the line a day, of the bundle, and memory of the daemon while a broker is connected.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleProgram } from '../../build/bundle.ts';
import { moduleBytes } from '../../build/growth.ts';
import { DIST, inProject } from '../../build/project.ts';
import { ROUTER } from '../../build/targets.ts';
import { errorText } from '../../src/errors.ts';
import { runsI386 } from '../support/i386.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { dayOfTraffic } from '../support/reporting.ts';
import { IDLE_PEERS, idleResidentKb, staticProgram } from './footprint.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

const PEERS = 20;
/** Of the daemon, once a broker is connected. */
const MEMORY_TARGET_KB = 300;
/** Of the client, minified, without signatures, which are the C host's. */
const BUNDLE_TARGET_KB = 15;

/** What the client takes of the router's bundle, and how much of that is left through gzip, when it stands alone. */
async function weighClient(report: Report): Promise<void> {
  const directory = join(DIST, 'bench');
  const metafile = join(directory, 'mqtt.meta.json');
  const out = join(directory, 'mqtt.js');
  await bundleProgram(inProject(ROUTER.entry), out, metafile);
  const sizes = moduleBytes(JSON.parse(readFileSync(metafile, 'utf8')));
  const all = [...sizes].filter(([path]) => path.startsWith('src/mqtt/')).reduce((sum, [, bytes]) => sum + bytes, 0);
  const { gzipBytes } = await bundleProgram(inProject('src/mqtt/client.ts'), out, metafile);
  report.add({
    what: 'bundle added by the MQTT client',
    value: all / 1000,
    unit: 'KB',
    target: { atMost: BUNDLE_TARGET_KB },
    note: `minified; with what it needs of lib ${(gzipBytes / 1000).toFixed(1)} KB through gzip; loaded where a broker is wanted`,
  });
}

/** Measures it all. @param log takes lines for people. */
export async function benchTelemetry(report: Report, world: World, log: (line: string) => void): Promise<void> {
  for (const [metered, atMost] of [
    [false, 0.4],
    [true, 0.1],
  ] as const) {
    const { wireBytes, mqttBytes, messages, pings } = await dayOfTraffic({ peers: PEERS, metered });
    report.add({
      what: metered ? 'telemetry a day, metered' : 'telemetry a day',
      peers: PEERS,
      value: wireBytes / 1e6,
      unit: 'MB',
      target: { atMost },
      note: `with TCP/IP and TLS; ${mqttBytes} bytes of MQTT, ${messages} messages, ${pings} pings`,
    });
  }
  await weighClient(report);
  await weighMemory(report, world, log);
}

/** What the daemon grows by once it is connected to a broker and has told it all; on x86 where this machine runs that. */
async function weighMemory(report: Report, world: World, log: (line: string) => void): Promise<void> {
  const what = 'memory added by a broker';
  const figure = { what, peers: IDLE_PEERS, unit: 'KiB' };
  try {
    const target = runsI386() ? 'x86' : 'x86_64';
    const program = await staticProgram(target, log);
    const broker = await Mosquitto.start();
    try {
      const without = await idleResidentKb(world, program);
      let connections = 0;
      const count = async (): Promise<void> => {
        await broker.kill('SIGTERM');
        connections = broker.lines.filter((line) => /New client connected/.test(line)).length;
      };
      const connected = await idleResidentKb(world, program, count, `mqtt://127.0.0.1:${broker.port()}`);
      if (connections === 0) throw new Error('the broker was not reached');
      const note = `${target}, static: ${without} before, ${connected} after`;
      // values of 64 bits take twice the room: the target is one of routers
      const aim = target === 'x86' ? { target: { atMost: MEMORY_TARGET_KB } } : {};
      report.add({ ...figure, ...aim, value: connected - without, note });
    } finally {
      await broker.stop();
    }
  } catch (error) {
    report.add({ ...figure, value: undefined, note: `skipped: ${errorText(error)}` });
  }
}
