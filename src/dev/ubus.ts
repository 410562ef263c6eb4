// `npm run ubus -- COMMAND`: OpenWrt's `ubus` for machines that have none, with its syntax, output and exit codes.

import { existsSync } from 'node:fs';
import { errorText } from '../errors.ts';
import { nodeHost } from '../host/node/host.ts';
import { statusText } from '../ubus/status.ts';
import { COMMANDS, type Exit } from './cli/command.ts';
import { parseOptions, USAGE } from './cli/option.ts';
import { Session } from './cli/session.ts';
import { DESK_SOCKET } from './desk-path.ts';

/** What OpenWrt's `ubus` answers a command with that it does not know; -1 when it cannot connect. */
const WRONG_USAGE = -2;
const ROUTER_SOCKET = '/var/run/ubus/ubus.sock';

/** Where the broker listens when -s does not say: `$UBUS_SOCKET`, a running desk router, or where OpenWrt has it. */
function defaultSocket(): string {
  return process.env.UBUS_SOCKET || (existsSync(DESK_SOCKET) ? DESK_SOCKET : ROUTER_SOCKET);
}

async function main(words: readonly string[]): Promise<number> {
  const complain = (text: string): void => void process.stderr.write(text);
  const parsed = parseOptions(words);
  if ('error' in parsed || parsed.rest.length === 0) {
    complain(('error' in parsed ? parsed.error : '') + USAGE);
    return 1;
  }
  const { options, rest } = parsed;
  const [name, ...args] = rest;
  const socket = options.socket ?? defaultSocket();
  const { streams, clock } = nodeHost();
  let session: Session;
  try {
    session = await Session.open(streams, clock, socket);
  } catch (error) {
    if (!options.simple)
      complain(
        `Failed to connect to ubus\n${errorText(error)}: \`npm start\` runs a desk router with a broker, \`npm run broker -- -s ${socket}\` a broker alone\n`,
      );
    return -1;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => session.close());
  const command = Object.hasOwn(COMMANDS, name!) ? COMMANDS[name!] : undefined;
  const exit: Exit = command
    ? await command({
        session,
        clock,
        options,
        args,
        print: (text) => void process.stdout.write(text),
        complain,
        isTerminal: process.stderr.isTTY === true,
      })
    : 'usage';
  session.close();
  if (exit === 'usage') {
    complain(USAGE);
    return WRONG_USAGE;
  }
  if (exit > 0 && !options.simple) complain(`Command failed: ${statusText(exit)}\n`);
  return exit;
}

// a reader such as `head` that has seen enough
process.stdout.on('error', () => process.exit(0));
const status = await main(process.argv.slice(2));
// exit() would cut what is still on its way into a pipe
process.stdout.write('', () => process.exit(status & 0xff));
