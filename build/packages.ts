// The one list of OpenWrt packages: what each is called, needs and holds. The ipk files, the SDK's Makefiles and the tests follow it.

import { version } from '../package.json';
import type { TargetName } from './targets.ts';

/** Version of every package, as opkg and apk both order it: `X.Y.Z-rN`; N counts packagings of one version. */
export const RELEASE = 1;
export const PACKAGE_VERSION = `${version}-r${RELEASE}`;

/** Fields of control files that are the same in all packages. */
export const LICENSE = 'Apache-2.0';
export const MAINTAINER = 'The meshbridge authors';

/** User and group of the daemon, in OpenWrt's notation: `name=uid:name=gid`. */
export const DAEMON_USER = 'meshbridge=480:meshbridge=480';

/** Where the content of a file comes from. */
export type Origin =
  /** A file of the project, byte by byte; its path from the root. */
  | { kind: 'file'; path: string }
  /** A symbolic link; where it points. */
  | { kind: 'link'; to: string }
  /** The program for the package's architecture. */
  | { kind: 'program'; tls: boolean }
  /** All files of the LuCI pages; `path` is their directory. */
  | { kind: 'pages' }
  /** LuCI's menu, with the views' built names. */
  | { kind: 'menu' }
  /** The translations `luci-app/po/<language>/meshbridge.po`, compiled. */
  | { kind: 'catalogue'; language: Language }
  | { kind: 'text'; text: string };

/** What the pages are translated to, by LuCI's code and name of the language; the number of plural forms, and the rule for `n`. */
export const LANGUAGES = {
  de: { name: 'Deutsch (German)', plurals: 2, rule: '(n != 1)' },
  es: { name: 'Español (Spanish)', plurals: 2, rule: '(n != 1)' },
} as const;
export type Language = keyof typeof LANGUAGES;

/** One file of a package. */
export interface PackagedFile {
  /** Absolute path on the router. */
  path: string;
  /** Permission bits; those of a link do not matter. Owner is root, directories are 0755. */
  mode: number;
  from: Origin;
}

/** Shell code of a package, without `#!`. Empty scripts are absent. Each runs in a shell of its own, and what it ends with counts. */
export interface Scripts {
  /** After the files are there and the user exists, before OpenWrt's default starts the init script. */
  postinst?: string;
  /** Before OpenWrt's default stops the init script. */
  prerm?: string;
  /** After the files are gone. */
  postrm?: string;
}

/** One package. */
export interface Package {
  name: string;
  version: string;
  /** `target`: one file an architecture; `all`: one file for every architecture. */
  architecture: 'target' | 'all';
  /** OpenWrt's name for the group it is listed in. */
  section: string;
  /** Directory of its recipe in the project, and the recipe's name. */
  source: string;
  sourceName: string;
  title: string;
  description: string;
  depends: readonly string[];
  /** Names that it also answers to. */
  provides: readonly string[];
  /** Packages that cannot be there at the same time. */
  conflicts: readonly string[];
  /** Files that the user may change: kept by upgrades, and by removal when changed. */
  conffiles: readonly string[];
  /** User and group that the package needs. */
  user?: string;
  files: readonly PackagedFile[];
  scripts: Scripts;
}

const FILES = 'openwrt-feed/meshbridge/files';

/** Everything on the router that the daemon's packages bring. */
function daemonFiles(tls: boolean): PackagedFile[] {
  const from = (name: string): Origin => ({ kind: 'file', path: `${FILES}/${name}` });
  return [
    { path: '/etc/capabilities/meshbridge.json', mode: 0o644, from: from('meshbridge.capabilities') },
    { path: '/etc/config/meshbridge', mode: 0o600, from: from('meshbridge.config') },
    { path: '/etc/hotplug.d/iface/95-meshbridge', mode: 0o644, from: from('meshbridge.hotplug') },
    { path: '/etc/hotplug.d/ntp/95-meshbridge', mode: 0o644, from: from('meshbridge.ntp') },
    { path: '/etc/init.d/meshbridge', mode: 0o755, from: from('meshbridge.init') },
    { path: '/etc/init.d/meshbridge-settle', mode: 0o755, from: from('meshbridge-settle.init') },
    { path: '/etc/uci-defaults/95-meshbridge-line', mode: 0o644, from: from('meshbridge.line') },
    { path: '/lib/upgrade/keep.d/meshbridge', mode: 0o644, from: from('meshbridge.keep') },
    {
      path: '/usr/libexec/rpcd/meshbridge.helper',
      mode: 0o777,
      from: { kind: 'link', to: '../../sbin/meshbridge' },
    },
    { path: '/usr/sbin/meshbridge', mode: 0o755, from: { kind: 'program', tls } },
    { path: '/usr/share/acl.d/meshbridge.json', mode: 0o644, from: from('meshbridge.acl.json') },
    { path: '/usr/share/meshbridge/guard.sh', mode: 0o644, from: from('meshbridge.guard') },
  ];
}

/** In an image that is being built there is nothing to tell. ubusd reads its access lists again at SIGHUP, rpcd its plugins. */
const TELL_BUS = `[ -n "\${IPKG_INSTROOT}" ] || {
	killall -HUP ubusd
	/etc/init.d/rpcd reload
	exit 0
}
`;

/** Nobody is to be left without the Internet: the script serves where the program does not run. Upgrades leave a lease alone. */
const GIVE_BACK = `[ -n "\${IPKG_INSTROOT}" ] || [ "\${PKG_UPGRADE}" = 1 ] || {
	/etc/init.d/meshbridge stop 2> /dev/null
	/usr/sbin/meshbridge release || sh /etc/uci-defaults/95-meshbridge-line now
	exit 0
}
`;

const DESCRIPTION = `Reads Yggdrasil's admin sockets and publishes peers, sessions, paths
and the tree on ubus; adds, tries and keeps peerings.`;

function daemon(tls: boolean): Package {
  return {
    name: tls ? 'meshbridge-tls' : 'meshbridge',
    version: PACKAGE_VERSION,
    architecture: 'target',
    section: 'net',
    source: 'openwrt-feed/meshbridge',
    sourceName: 'meshbridge',
    title: tls ? 'Yggdrasil on ubus, with TLS' : 'Yggdrasil on ubus',
    description: tls ? `${DESCRIPTION}\nThis variant can speak TLS.` : DESCRIPTION,
    // BusyBox's ip knows no suppress_prefixlength: ip-tiny or ip-full.
    // What else its scripts call (procd, ubus, uci, busybox) is in every OpenWrt.
    depends: ['libc', 'rpcd', 'ip', ...(tls ? ['ca-bundle'] : [])],
    provides: tls ? ['meshbridge'] : [],
    // Said by one of the two, or the SDK's configuration would be recursive. opkg refuses the other for the files that both have.
    conflicts: tls ? ['meshbridge'] : [],
    conffiles: ['/etc/config/meshbridge'],
    user: DAEMON_USER,
    files: daemonFiles(tls),
    scripts: { postinst: TELL_BUS, prerm: GIVE_BACK, postrm: TELL_BUS },
  };
}

/** As luci.mk writes it: the menu and the modules are looked up again, rpcd reads its access lists again. */
const TELL_LUCI = `[ -n "\${IPKG_INSTROOT}" ] || {
	rm -f /tmp/luci-indexcache.*
	rm -rf /tmp/luci-modulecache/
	/etc/init.d/rpcd reload
	exit 0
}
`;

const RIGHTS = '/usr/share/rpcd/acl.d/luci-app-meshbridge.json';

const LUCI_APP: Package = {
  name: 'luci-app-meshbridge',
  version: PACKAGE_VERSION,
  architecture: 'all',
  section: 'luci',
  source: 'luci-app',
  sourceName: 'luci-app-meshbridge',
  title: 'LuCI support for meshbridge',
  description: 'The state of the mesh on the web interface of the router.',
  depends: ['libc', 'luci-base', 'meshbridge'],
  provides: [],
  conflicts: [],
  conffiles: [],
  files: [
    { path: '/usr/share/luci/menu.d/luci-app-meshbridge.json', mode: 0o644, from: { kind: 'menu' } },
    { path: RIGHTS, mode: 0o644, from: { kind: 'file', path: `luci-app/root${RIGHTS}` } },
    { path: '/www/luci-static/resources', mode: 0o644, from: { kind: 'pages' } },
  ],
  scripts: { postinst: TELL_LUCI },
};

/** As luci.mk makes it of `luci-app/po`: the file in uci-defaults has LuCI offer the language, and runs once. */
function translation(language: Language): Package {
  const name = `luci-i18n-meshbridge-${language}`;
  const { name: known } = LANGUAGES[language];
  return {
    ...LUCI_APP,
    name,
    title: `${LUCI_APP.name} - ${language} translation`,
    description: `Translation for ${LUCI_APP.name} - ${known}`,
    depends: ['libc', LUCI_APP.name],
    files: [
      {
        path: `/etc/uci-defaults/${name}`,
        mode: 0o644,
        from: { kind: 'text', text: `uci set luci.languages.${language}='${known}'; uci commit luci\n` },
      },
      {
        path: `/usr/lib/lua/luci/i18n/meshbridge.${language}.lmo`,
        mode: 0o644,
        from: { kind: 'catalogue', language },
      },
    ],
    scripts: {},
  };
}

/** Every package, in the order in which they are made. */
export const PACKAGES: readonly Package[] = [
  daemon(false),
  daemon(true),
  LUCI_APP,
  ...(Object.keys(LANGUAGES) as Language[]).map(translation),
];

/**
 * The package architectures that the program of each target serves, by OpenWrt's names (releases 23.05 to 25.12).
 * An ipk must bear the name that the device has, so one program goes into several.
 */
export const ARCHITECTURES = {
  mips: ['mips_24kc', 'mips_4kec'],
  mipsel: ['mipsel_24kc', 'mipsel_24kc_24kf', 'mipsel_74kc'],
  arm: [
    'arm_arm1176jzf-s_vfp',
    'arm_arm926ej-s',
    'arm_cortex-a15_neon-vfpv4',
    'arm_cortex-a5_vfpv4',
    'arm_cortex-a7',
    'arm_cortex-a7_neon-vfpv4',
    'arm_cortex-a7_vfpv4',
    'arm_cortex-a8_vfpv3',
    'arm_cortex-a9',
    'arm_cortex-a9_neon',
    'arm_cortex-a9_vfpv3-d16',
    'arm_xscale',
  ],
  aarch64: ['aarch64_cortex-a53', 'aarch64_cortex-a72', 'aarch64_cortex-a76', 'aarch64_generic'],
  x86_64: ['x86_64'],
  x86: ['i386_pentium-mmx', 'i386_pentium4'],
} as const satisfies Record<TargetName, readonly string[]>;
