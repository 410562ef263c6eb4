// `meshctl desk`: the page of a gateway's operator in a browser, where the gateway has no LuCI.

import { lstatSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { errorText } from '../../errors.ts';
import type { Command } from '../command.ts';
import { deskAssets } from '../desk/assets.ts';
import { LocalDaemon } from '../desk/bus.ts';
import { startDesk } from '../desk/server.ts';
import { Failure } from '../failure.ts';

/** Where the package for Debian has it. */
const SOCKET = '/var/lib/meshbridge/control.sock';
const PORT = 8780;

export const DESK: Command = {
  words: 'desk',
  summary: 'serve the page of a gateway’s operator to a browser, where there is no LuCI',
  args: '',
  takes: [0, 0],
  options: {
    port: { takes: 'PORT', help: `on this machine's loopback address alone (${PORT}; 0: any that is free)` },
    socket: { takes: 'PATH', help: `of the daemon (${SOCKET})` },
  },
  details: `Runs beside the gateway's daemon, as root or as its user, until Ctrl-C. It prints a
link that logs in once, and a password for whoever comes later; both end with it.
From elsewhere: ssh -L ${PORT}:127.0.0.1:${PORT} root@GATEWAY, then open the link at home.
Or, where the gateway has no Node.js, have ssh bring its socket and run this at home:
  ssh -N -L /tmp/desk.sock:${SOCKET} root@GATEWAY
  meshctl desk --socket /tmp/desk.sock`,
  async run({ options, output, ended, env }) {
    const assets = deskAssets();
    const path = options.text('socket') ?? SOCKET;
    const port = options.whole('port', 0, 65_535, PORT);
    const by = env.SUDO_USER || userInfo().username;
    giveUpRoot(lookAt(path));
    const daemon = new LocalDaemon(path);
    const seen = await daemon.call('meshbridge.client', 'summary', {});
    if (seen === 'silent' || seen === 'absent') {
      const status = await daemon.call('meshbridge', 'status', {});
      if (typeof status === 'string')
        throw new Failure(
          'unreachable',
          `${path}: no daemon answers there`,
          'systemctl status meshbridge says how it is.',
        );
      output.warn('this machine is no gateway yet: the page says how it becomes one');
    }
    const desk = await startDesk({ assets, daemon, port, by, log: (line) => output.warn(line) }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE')
          throw new Failure(
            'failed',
            `port ${port} is taken`,
            'Another desk may run already; --port takes another one.',
          );
        throw error;
      },
    );
    try {
      output.print(
        `Open ${desk.url}`,
        `That link logs in once. Later: http://127.0.0.1:${desk.port}/ with the password ${desk.password}`,
      );
      output.result({ url: desk.url, port: desk.port, password: desk.password });
      output.note('Ctrl-C ends it.');
      if (!ended.aborted) await new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()));
    } finally {
      await desk.close();
    }
  },
};

/** @throws Failure where there is none, or it may not be seen. */
function lookAt(path: string): Stats {
  try {
    const found = lstatSync(path);
    if (!found.isSocket()) throw new Failure('usage', `${path}: expected a socket`);
    return found;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') throw new Failure('failed', `${path}: not allowed`, 'Run this as root: sudo meshctl desk.');
    if (code === 'ENOENT')
      throw new Failure('unreachable', `${path}: no daemon there`, 'systemctl status meshbridge says how it is.');
    throw new Failure('failed', `${path}: ${errorText(error)}`, undefined, { cause: error });
  }
}

/** Who started this as root needs nothing of root but to ask the daemon, which its own user may. */
function giveUpRoot({ uid, gid }: Stats): void {
  if (process.getuid?.() !== 0 || uid === 0) return;
  process.setgroups!([]);
  process.setgid!(gid);
  process.setuid!(uid);
}
