// A desk with its commands on record in a directory, as a program for an engine that may be killed at any time. Its arguments: the directory,
// and the directory of what it does. Each line of standard input is a command; each answer is a line of standard output.

import native from 'native';
import { createHost } from '../../src/host/host.ts';
import { SILENT } from '../../src/log.ts';
import { CommandDesk } from '../../src/mesh/command.ts';
import { operation } from '../../src/mesh/operation.ts';
import { openCommands } from '../../src/system/command-journal.ts';
import { NODE, OPERATOR } from '../support/command.ts';

const host = createHost(native);
const [directory = '', effects = ''] = host.args;
const { sid, journal } = openCommands(host, directory, SILENT);

/** A file for each time that it is done, so that twice would show. */
const act = operation({
  scope: 'operate',
  args: {},
  async run(_, { payload }) {
    const { cid } = JSON.parse(payload);
    await new Promise<void>((resolve) => void host.clock.after(1, resolve));
    const times = host.files.list(effects).filter((name) => name.startsWith(`${cid}.`)).length;
    host.files.write(`${effects}/${cid}.${times}`, new Uint8Array(1), 0o600);
    await new Promise<void>((resolve) => void host.clock.after(1, resolve));
  },
});

const desk = new CommandDesk({
  node: NODE,
  sid,
  keys: () => [OPERATOR.entry('operator', 'operate')],
  permit: () => ({ cap: 'operate', desk: 'none' }),
  clock: {
    monotonicMs: () => host.clock.monotonicMs() * 1000, // so that nothing waits for its turn
    unixMs: () => host.clock.unixMs(),
    isTrusted: () => true,
    after: (delayMs, callback) => host.clock.after(delayMs, callback),
  },
  verify: host.crypto.ed25519Verify,
  journal,
  operations: { act },
  answer: (body) => host.print(`${body}\n`),
  log: SILENT,
});

const stdin = native.stdin();
let rest: number[] = [];
native.watch(stdin, 1, () => {
  const bytes = native.read(stdin, 65_536);
  if (!bytes) host.exit(0);
  else
    for (const byte of new Uint8Array(bytes))
      if (byte === 10) {
        desk.take(Uint8Array.from(rest), false);
        rest = [];
      } else rest.push(byte);
});
host.print(`${JSON.stringify({ sid })}\n`);
desk.brokerUp();
