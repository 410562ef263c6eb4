// `npm start`: a desk router that anybody can look at, on this machine, in one command.

import { parseArgs } from 'node:util';
import { CACHE } from '../../build/project.ts';
import { errorText } from '../errors.ts';
import { nodeHost } from '../host/node/host.ts';
import { Logger } from '../log.ts';
import { UbusClient } from '../ubus/client.ts';
import { Desk } from './desk.ts';
import { DESK_SOCKET } from './desk-path.ts';
import { PAGES_PORT } from './pages.ts';
import { type Mode, Show } from './show.ts';
import { Mischief } from './stage.ts';
import { Watch } from './watch.ts';

const USAGE = `usage: npm start -- [options]

A desk router: three Yggdrasil nodes, an ubus broker, the meshbridge daemon and its web pages on this machine.
Everything is kept in the project's cache; Ctrl-C ends it and leaves nothing running.

  --embedded      play the nodes from transcripts, without Yggdrasil
  --native        run the daemon on the C host (npm run native builds it)
  --port PORT     serve the web pages there; else on port ${PAGES_PORT}, or any that is free
  --plain         lines instead of a screen; also when the output is no terminal
  --json          the same as JSON lines: event, state
  --for SECONDS   end by itself
  --help          this text
`;

interface Options {
  embedded: boolean;
  native: boolean;
  mode: Mode;
  port: number | undefined;
  seconds: number | undefined;
}

/** `undefined`: help was asked for. @throws Error that names the option at fault. */
function readOptions(isTerminal: boolean): Options | undefined {
  const { values } = parseArgs({
    options: {
      embedded: { type: 'boolean', default: false },
      native: { type: 'boolean', default: false },
      plain: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      port: { type: 'string' },
      for: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const seconds = values.for === undefined ? undefined : Number(values.for);
  if (seconds !== undefined && !(seconds > 0 && seconds < 1e6))
    throw new Error(`--for: expected a number of seconds, got ${JSON.stringify(values.for)}`);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    throw new Error(`--port: expected 1 to 65535, got ${JSON.stringify(values.port)}`);
  const mode = values.json ? 'json' : values.plain || !isTerminal ? 'plain' : 'screen';
  return { embedded: values.embedded, native: values.native, mode, port, seconds };
}

const FRAME_MS = 200;
/** Lines of the daemon's log that are shown when it ends by itself. */
const LAST_WORDS = 5;

async function main(): Promise<void> {
  const options = readOptions(process.stdout.isTTY === true);
  if (!options) {
    process.stdout.write(USAGE);
    return;
  }
  const say = (line: string): void => {
    process.stderr.write(`meshbridge: ${line}\n`);
  };

  let end: (reason?: string) => void = () => {};
  const ended = new Promise<string | undefined>((resolve) => {
    end = resolve;
  });
  let signals = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (++signals > 1) process.exit(1);
      end();
    });

  say(`starting a desk router; what it needs is kept in ${CACHE}, Ctrl-C ends it`);
  const lastWords: string[] = [];
  let show: Show | undefined;
  const tell = (line: string): void => (show ? show.event(line) : say(line));
  const desk = await Desk.open({
    embedded: options.embedded,
    native: options.native,
    port: options.port,
    say: tell,
    onDaemonLine: (line) => {
      lastWords.push(line);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
      if (options.mode === 'plain' || /^(warn|error) /.test(line)) tell(`daemon: ${line}`);
    },
    onDaemonEnd: (reason) => end(`the daemon ended by itself: ${reason}`),
  });

  const log = new Logger(tell);
  log.level = 'error';
  const host = nodeHost({ signals: false });
  const bus = new UbusClient({
    streams: host.streams,
    clock: host.clock,
    random: Math.random,
    path: DESK_SOCKET,
    log: log.scope('ubus'),
  });
  let tick: NodeJS.Timeout | undefined;
  let watch: Watch | undefined;
  try {
    watch = new Watch(
      bus,
      host.clock,
      desk.stage.nodes.map((node) => node.iface),
      {
        onChange: () => show?.changed(),
        onNotice: (text, type, data) => show?.event(text, { notification: type, data }),
      },
    );
    show = new Show(options.mode, desk, watch);
    bus.start();
    show.open();
    watch.start();
    tick = setInterval(() => show?.tick(), FRAME_MS);
    process.stdout.on('resize', () => show?.resized());
    process.stdout.on('error', () => end()); // whoever read us is gone
    if (options.mode === 'screen') readKeys(new Mischief(desk.stage, desk.netifd!), show, end);
    if (options.seconds !== undefined) setTimeout(() => end(), options.seconds * 1000).unref();
    const reason = await ended;
    if (reason) process.exitCode = 1;
    show.close();
    if (reason) for (const line of [...lastWords, reason]) say(line);
  } finally {
    clearInterval(tick);
    show?.close();
    show = undefined;
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
    watch?.stop();
    bus.stop();
    await desk.close();
  }
}

function readKeys(mischief: Mischief, show: Show, quit: () => void): void {
  if (!process.stdin.isTTY) return;
  process.stdin.setRawMode(true).resume();
  let last: Promise<void> = Promise.resolve();
  const run = (action: () => Promise<string>): void => {
    last = last
      .then(action)
      .catch(errorText)
      .then((text) => {
        show.event(text);
        show.changed();
      });
  };
  process.stdin.on('data', (bytes) => {
    for (const key of bytes.toString()) {
      if (key === 'q' || key === '\x03' || key === '\x04') quit();
      else if (key === 'c') run(() => mischief.toggleCable());
      else if (key === 'k') run(() => mischief.toggleNode());
      else if (key === 'i') run(async () => mischief.toggleLine());
    }
  });
}

try {
  await main();
} catch (error) {
  process.stderr.write(`meshbridge: ${errorText(error)}\n`);
  process.exitCode = 1;
}
