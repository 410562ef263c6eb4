// `npm run broker`: our own ubus broker on a socket, until Ctrl-C.

import { parseArgs } from 'node:util';
import { errorText } from '../../errors.ts';
import { Logger, type LogLevel } from '../../log.ts';
import { startBroker } from './broker.ts';

const DEFAULT_SOCKET = '/var/run/ubus/ubus.sock';
const HELP = `Usage: npm run broker -- [-s SOCKET] [-v]

An ubus broker for machines without ubusd. It serves the user who starts it, and nobody else.

  -s, --socket PATH  where to listen (default: $UBUS_SOCKET, else ${DEFAULT_SOCKET})
  -v, --verbose      log every connection
  -h, --help         this text
`;

function readArguments(): { socket: string; level: LogLevel } | undefined {
  const { values } = parseArgs({
    options: {
      socket: { type: 'string', short: 's' },
      verbose: { type: 'boolean', short: 'v', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    socket: values.socket ?? process.env.UBUS_SOCKET ?? DEFAULT_SOCKET,
    level: values.verbose ? 'debug' : 'info',
  };
}

async function main(): Promise<void> {
  const options = readArguments();
  if (!options) {
    process.stdout.write(HELP);
    return;
  }
  const logger = new Logger((line) => process.stderr.write(`${line}\n`));
  logger.level = options.level;
  const broker = await startBroker({ path: options.socket, log: logger.scope('broker') });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void broker.close());
}

try {
  await main();
} catch (error) {
  process.stderr.write(`broker: ${errorText(error)}\n`);
  process.exitCode = 1;
}
