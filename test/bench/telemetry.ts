// What telemetry costs: bytes of the line a day, and memory of the daemon while a broker is connected.

import { errorText } from '../../src/errors.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { dayOfTraffic } from '../support/reporting.ts';
import { IDLE_PEERS, idleResidentKb, staticProgram } from './footprint.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

const PEERS = 20;
/** Of the daemon, once a broker is connected. */
const MEMORY_TARGET_KB = 300;

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
  const figure = {
    what: 'memory added by a broker',
    peers: IDLE_PEERS,
    unit: 'KiB',
    target: { atMost: MEMORY_TARGET_KB },
  };
  try {
    const program = await staticProgram('x86', log);
    const broker = await Mosquitto.start();
    try {
      const without = await idleResidentKb(world, program);
      let connections = 0;
      const connected = await idleResidentKb(
        world,
        program,
        async () => {
          await broker.kill('SIGTERM');
          connections = broker.lines.filter((line) => /New client connected/.test(line)).length;
        },
        `mqtt://127.0.0.1:${broker.port()}`,
      );
      if (connections === 0) throw new Error('the broker was not reached');
      report.add({ ...figure, value: connected - without, note: `x86, static: ${without} before, ${connected} after` });
    } finally {
      await broker.stop();
    }
  } catch (error) {
    report.add({ ...figure, value: undefined, note: `skipped: ${errorText(error)}` });
  }
}
