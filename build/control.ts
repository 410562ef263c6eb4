// What a package says of itself to opkg: the control file, the list of its conffiles and its scripts, as OpenWrt's build writes them.

import { LICENSE, MAINTAINER, type Package } from './packages.ts';

/** What a control file needs beside the package. */
export interface ControlContext {
  /** `all`, or a name that OpenWrt gives its devices. */
  architecture: string;
  /** Bytes of the tar archive with the files. */
  installedBytes: number;
  /** Unix seconds that all files bear. */
  time: number;
}

/** The text of `control`: one field a line, in OpenWrt's order; empty ones are left out. */
export function formatControl(pkg: Package, { architecture, installedBytes, time }: ControlContext): string {
  const fields: [string, string | undefined][] = [
    ['Package', pkg.name],
    ['Version', pkg.version],
    ['Depends', pkg.depends.join(', ')],
    ['Conflicts', pkg.conflicts.join(', ')],
    ['Provides', pkg.provides.join(', ')],
    ['Source', pkg.source],
    ['SourceName', pkg.sourceName],
    ['License', LICENSE],
    ['Section', pkg.section],
    ['Require-User', pkg.user],
    ['SourceDateEpoch', String(time)],
    ['Maintainer', MAINTAINER],
    ['Architecture', architecture],
    ['Installed-Size', String(installedBytes)],
    // Each of its lines begins with a space, the first one too.
    ['Description', pkg.description.replace(/^/gm, ' ')],
  ];
  return fields.map(([name, value]) => (value ? `${name}: ${value}\n` : '')).join('');
}

const SHELL = '#!/bin/sh\n';

/** Does nothing in a root that has no OpenWrt; else gives the work to OpenWrt's defaults, which run `<name>-pkg` as a part of theirs. */
function defaultScript(name: string): string {
  return `[ -s \${IPKG_INSTROOT}/lib/functions.sh ] || exit 0
. \${IPKG_INSTROOT}/lib/functions.sh
default_${name} $0 $@
`;
}

/** The files of `control.tar.gz`: name, mode and text. */
export function controlFiles(pkg: Package, context: ControlContext): { name: string; mode: number; text: string }[] {
  const { postinst, prerm, postrm } = pkg.scripts;
  const files: [name: string, mode: number, text: string | undefined][] = [
    ['conffiles', 0o644, pkg.conffiles.map((path) => `${path}\n`).join('')],
    ['control', 0o644, formatControl(pkg, context)],
    ['postinst', 0o755, `${SHELL}[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0\n${defaultScript('postinst')}`],
    ['postinst-pkg', 0o755, postinst],
    ['postrm', 0o755, postrm && SHELL + postrm],
    ['prerm', 0o755, SHELL + defaultScript('prerm')],
    ['prerm-pkg', 0o755, prerm],
  ];
  return files.flatMap(([name, mode, text]) => (text ? [{ name, mode, text }] : []));
}
