// Whether a home uses leases, as its configuration says: written by whoever switches it on or off for good.

import { LEASE_SECTION } from '../api/lease.ts';
import { readFlag } from '../lib/flag.ts';
import { addSection, setOption } from '../lib/uci.ts';
import { UciFile, type UciFiles } from './uci-file.ts';

/** File of the kill switch for the next start, in the directory that stays: while it is there, leases are in use. */
export const GUARD = 'guard.nft';

/** Writes it into the file at `path`, where there is one. @returns whether it changed. @throws Error when it cannot be read or written */
export function switchLease(files: UciFiles, path: string, enabled: boolean): boolean {
  const [, directory = '', name = ''] = /^(.*)\/([^/]*)$/.exec(path) ?? [];
  const file = new UciFile(files, directory, name);
  if (file.read() === undefined) return false;
  return file.edit((text, { sections }) => {
    const section = sections.find(({ type }) => type === 'lease');
    if ((readFlag(String(section?.options.get('enabled')?.value)) === true) === enabled) return text;
    const value = enabled ? '1' : '0';
    return section
      ? setOption(text, section.name, 'enabled', value)
      : addSection(text, 'lease', LEASE_SECTION, { enabled: value });
  });
}
