// The names of the user and group that this process runs as.

import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** What ubusd tells a provider about its caller. */
export interface Owner {
  readonly user: string;
  readonly group: string;
}

/** The process's own user and group by name; an id without a name is given as its number. */
export function processOwner(groupFile = '/etc/group'): Owner {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  return { user: userName(uid), group: groupName(gid, groupFile) };
}

function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid); // no passwd entry, as in many containers
  }
}

/** Node has no getgrgid; a line is `name:password:gid:members`. */
function groupName(gid: number, groupFile: string): string {
  let lines: string[] = [];
  try {
    lines = readFileSync(groupFile, 'utf8').split('\n');
  } catch {
    // no group file: the number will do
  }
  const fields = lines.map((line) => line.split(':')).find((line) => line[2] === String(gid));
  return fields?.[0] || String(gid);
}
