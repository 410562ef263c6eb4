// The daemon's copy of its configuration: it may not read /etc/config, whose files hold the keys of others.
//
// The copy goes to a directory that the init script made for root and the daemon's group, with the bits setgid and sticky (3770): what
// root makes in it has the group of the directory, so that mode 0440 lets the daemon read, and the daemon can neither replace nor
// remove it. A file is replaced by a new one under a new name, so no link that lies there is followed.

import { MAX_UCI_LENGTH } from '../lib/uci.ts';
import type { Files } from '../transport/host.ts';

const MODE = 0o440;

/** Makes `to` what `from` is; where there is no `from`, there will be no `to`. Paths of files. @throws Error */
export function publishConfig(files: Pick<Files, 'read' | 'write' | 'remove'>, from: string, to: string): void {
  const bytes = files.read(from, MAX_UCI_LENGTH);
  if (bytes) files.write(to, bytes, MODE);
  else files.remove(to);
}
