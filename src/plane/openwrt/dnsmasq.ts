// The LAN's resolver on OpenWrt, dnsmasq: whom it asks is told by files in RAM, in the directories that its configuration names. So a power-cycle
// undoes it, and UCI's own servers are nobody's to change. It starts anew when leases begin and end, which takes a router seconds; from one gateway
// to the next it only reads again whom to ask.
//
// What the router itself looks up goes by /tmp/resolv.conf, which dnsmasq's init script points at dnsmasq (`localuse`): while a lease is
// used it is pointed at what the line told, or Yggdrasil's peers would be looked up through the tunnel that needs them.

import type { Terms } from '../../api/lease.ts';
import { encodeUtf8 } from '../../lib/utf8.ts';
import { tunnelServers } from '../dns.ts';
import { type Machine, readKnob, runWell } from '../machine.ts';
import { askUbus } from './netifd.ts';

/** Where the init script writes what dnsmasq is started with, and what the router looks up by. */
const GENERATED = '/var/etc';
const OWN_RESOLV = '/tmp/resolv.conf';
const LINE_RESOLV = '/tmp/resolv.conf.d/resolv.conf.auto';
const NAME = 'meshbridge.conf';
/** Whom to ask, read again at a signal. dnsmasq passes over files of a directory whose names begin so. */
const SERVERS = '.meshbridge.servers';
const RESTART_MS = 20_000;
const SIGHUP = 1;

/** Tells every dnsmasq whom to ask: through a tunnel, nobody, or whom it would without us. What stands already is not touched. @throws (rejects) Error */
export async function setUpstreams(machine: Machine, way: Terms | 'none' | 'line'): Promise<void> {
  const { files } = machine;
  const put = (path: string, lines: readonly string[] | undefined): boolean => {
    const text = lines && ['# by meshbridge', ...lines].map((line) => `${line}\n`).join('');
    if (readKnob(files, path) === text?.trim()) return false;
    if (text === undefined) files.remove(path);
    else files.write(path, encodeUtf8(text), 0o644);
    return true;
  };
  const servers = typeof way === 'string' ? [] : tunnelServers(way);
  let isChanged = false;
  let isAskingOthers = false;
  for (const [directory, isTaken] of directoriesOf(machine)) {
    const list = `${directory}/${SERVERS}`;
    // one list it may have; where that is another's, such as of a blocker of advertisements, ours stands in its configuration
    const isOurs = way !== 'line' && !isTaken;
    const config = ['no-resolv', ...(isTaken ? servers : [`servers-file=${list}`])];
    // what it names has to be there when it starts
    if (isOurs) isAskingOthers = put(list, servers) || isAskingOthers;
    isChanged = put(`${directory}/${NAME}`, way === 'line' ? undefined : config) || isChanged;
    if (!isOurs) put(list, undefined);
  }
  if (isChanged || (isAskingOthers && !(await readAgain(machine))))
    await runWell(machine, '/etc/init.d/dnsmasq', ['restart'], { timeoutMs: RESTART_MS });
  // the script has pointed it back, if so configured
  if (way !== 'line' && /^nameserver (127\.|::1$)/m.test(readKnob(files, OWN_RESOLV) ?? ''))
    await runWell(machine, 'ln', ['-sf', LINE_RESOLV, OWN_RESOLV]);
}

/** Has procd tell it. @returns whether that was done */
function readAgain(machine: Machine): Promise<boolean> {
  return askUbus(machine, 'service', 'signal', { name: 'dnsmasq', signal: SIGHUP }).then(
    (answer) => answer !== undefined,
    () => false,
  );
}

/** Directories that dnsmasq reads more from, and whether its list of servers is another's already; none where it does not run. */
function directoriesOf({ files }: Machine): Map<string, boolean> {
  let names: string[];
  try {
    names = files.list(GENERATED);
  } catch {
    return new Map();
  }
  const found = new Map<string, boolean>();
  for (const name of names.filter((one) => one.startsWith('dnsmasq.conf'))) {
    const text = readKnob(files, `${GENERATED}/${name}`) ?? '';
    const directory = /^conf-dir=([^,\n]+)/m.exec(text)?.[1];
    if (directory !== undefined) found.set(directory, (found.get(directory) ?? false) || /^servers-file=/m.test(text));
  }
  return found;
}
