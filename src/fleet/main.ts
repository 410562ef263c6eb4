// `meshctl` (`npm run meshctl --`): what the people who look after many routers do to them, from their own machine.

import type { ReadStream } from 'node:tty';
import { meshctl } from './meshctl.ts';
import { terminalPrompt } from './prompt.ts';

const { stdout, stderr, stdin, env } = process;
const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // who insists need not wait
    if (ended.signal.aborted) process.exit(130);
    ended.abort();
  });
// a reader such as `head` that has seen enough
stdout.on('error', () => process.exit(0));

const code = await meshctl(process.argv.slice(2), {
  streams: {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    terminal: {
      width: stdout.isTTY ? stdout.columns : undefined,
      isColoured: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    },
    isErrTerminal: stderr.isTTY === true,
  },
  prompt: terminalPrompt(stdin as ReadStream, (text) => void stderr.write(text)),
  env,
  ended: ended.signal,
});
// exit() would cut what is still on its way into a pipe
stdout.write('', () => process.exit(code));
