// The LAN's resolver on OpenWrt, dnsmasq: whom it asks is told by files in RAM, in the directories that its configuration names. So a power-cycle
// undoes it, and UCI's own servers are nobody's to change.
//
// What the router itself looks up goes by /tmp/resolv.conf, which dnsmasq's init script points at dnsmasq (`localuse`): while a lease is
// used it is pointed at what the line told, or Yggdrasil's peers would be looked up through the tunnel that needs them.

import type { Terms } from '../../api/lease.ts';
import { encodeUtf8 } from '../../lib/utf8.ts';
import { tunnelServers } from '../dns.ts';
import { type Machine, readKnob, runWell } from '../machine.ts';

/** Where the init script writes what dnsmasq is started with, and what the router looks up by. */
const GENERATED = '/var/etc';
const OWN_RESOLV = '/tmp/resolv.conf';
const LINE_RESOLV = '/tmp/resolv.conf.d/resolv.conf.auto';
const NAME = 'meshbridge.conf';
const RESTART_MS = 20_000;

/** Tells every dnsmasq whom to ask: through a tunnel, nobody, or whom it would without us. What stands already is not touched. @throws (rejects) Error */
export async function setUpstreams(machine: Machine, way: Terms | 'none' | 'line'): Promise<void> {
  const { files } = machine;
  const text = way === 'line' ? undefined : configOf(way);
  let changed = false;
  for (const directory of directoriesOf(machine)) {
    const path = `${directory}/${NAME}`;
    const had = readKnob(files, path);
    if (had === text?.trim()) continue;
    if (text === undefined) files.remove(path);
    else files.write(path, encodeUtf8(text), 0o644);
    changed = true;
  }
  if (changed) await runWell(machine, '/etc/init.d/dnsmasq', ['restart'], { timeoutMs: RESTART_MS });
  // the script has pointed it back, if so configured
  if (way !== 'line' && /^nameserver (127\.|::1$)/m.test(readKnob(files, OWN_RESOLV) ?? ''))
    await runWell(machine, 'ln', ['-sf', LINE_RESOLV, OWN_RESOLV]);
}

function configOf(way: Terms | 'none'): string {
  const servers = way === 'none' ? [] : tunnelServers(way);
  return ['# by meshbridge', 'no-resolv', ...servers].map((line) => `${line}\n`).join('');
}

/** Directories that dnsmasq reads more from; none where it does not run. */
function directoriesOf({ files }: Machine): string[] {
  let names: string[];
  try {
    names = files.list(GENERATED);
  } catch {
    return [];
  }
  const found = names
    .filter((name) => name.startsWith('dnsmasq.conf'))
    .flatMap((name) => /^conf-dir=([^,\n]+)/m.exec(readKnob(files, `${GENERATED}/${name}`) ?? '')?.[1] ?? []);
  return [...new Set(found)];
}
