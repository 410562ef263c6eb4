// `meshctl enroll acl` and `passwords`: the broker's files, written of the nodes that are enrolled.

import { chmodSync, chownSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { errorText } from '../../errors.ts';
import { checkUser, formatAccess, formatPassword, formatPasswords } from '../access.ts';
import { readBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import { count } from '../display.ts';
import { Failure } from '../failure.ts';
import type { Home } from '../home.ts';
import { isNodeId, readPins } from '../pin.ts';

/** The access list of all that are enrolled now, and of whom meshctl broker set names. */
export function accessOf(home: Home): string {
  const { operators, readers, username } = readBroker(home);
  const others = { operators: operators ?? (username === undefined ? [] : [username]), readers: readers ?? [] };
  return formatAccess(readPins(home).values(), others);
}

/** Lines of a password file that are not of nodes; none where there is no file. */
export function otherUsers(path: string | undefined): string[] {
  const lines = path !== undefined && existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  return lines.filter((line) => line !== '' && !isNodeId(line.split(':')[0]!));
}

/** Replaces a file of the broker's, whose owner and mode stay. @throws Failure */
export function replaceFile(path: string, text: string): void {
  // mosquitto must go on reading it
  const { uid, gid, mode } = existsSync(path) ? statSync(path) : { uid: undefined, gid: undefined, mode: 0o640 };
  const temporary = `${path}~${process.pid}`;
  try {
    writeFileSync(temporary, text, { mode: mode & 0o777 });
    chmodSync(temporary, mode & 0o777);
    if (uid !== undefined && gid !== undefined && process.getuid?.() === 0) chownSync(temporary, uid, gid);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new Failure('failed', `${path}: ${errorText(error)}`);
  }
}

/** Where a whole file goes: onto standard output, or in place of one. */
function deliver({ output }: Context, text: string, path: string | undefined, what: string): void {
  if (path === undefined) {
    output.print(text.trimEnd());
    output.result({ text });
    return;
  }
  replaceFile(path, text);
  output.print(`${path} written: ${what}`, 'mosquitto reads it anew on SIGHUP: systemctl reload mosquitto');
  output.result({ file: path });
}

const acl: Command = {
  words: 'enroll acl',
  summary: "print the broker's access list: each node what is its own, and nothing else",
  args: '',
  takes: [0, 0],
  options: { write: { takes: 'FILE', help: 'replace this file instead' } },
  details: `For mosquitto (acl_file). Who else may come in is said by meshctl broker set
--operator and --reader.`,
  async run(context) {
    const { options, home } = context;
    deliver(context, accessOf(home), options.text('write'), count(readPins(home).size, 'node'));
  },
};

const passwords: Command = {
  words: 'enroll passwords',
  summary: "print the broker's password file",
  args: '',
  takes: [0, 0],
  options: {
    write: { takes: 'FILE', help: 'replace the lines of nodes in this file instead; others stay' },
    add: { takes: 'USER', help: 'with a line for a person or a program, whose password is asked for' },
  },
  details: `For mosquitto (password_file). Of nodes it has hashes: nobody but they know their passwords.`,
  async run(context) {
    const { options, home, prompt, env } = context;
    const path = options.text('write');
    const others = otherUsers(path);
    const add = options.text('add');
    if (add !== undefined) {
      checkUser(add);
      const password = env.MESHCTL_NEW_PASSWORD ?? (await prompt.secret(`new password of ${add}: `));
      if (password === '') throw new Failure('usage', 'password: expected one, got nothing');
      const at = others.findIndex((line) => line.startsWith(`${add}:`));
      others.splice(at < 0 ? others.length : at, at < 0 ? 0 : 1, formatPassword(add, password));
    }
    const pins = [...readPins(home).values()];
    deliver(context, formatPasswords(pins, others), path, `${count(pins.length, 'node')}, ${others.length} others`);
  },
};

export const ACCESS: readonly Command[] = [acl, passwords];
