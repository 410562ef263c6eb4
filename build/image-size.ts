// `npm run image:size`: how much flash and RAM a router needs for OpenWrt with Yggdrasil and meshbridge, by package sizes. Ours are
// those of dist/feed; `--write` puts the table into openwrt-feed/image/README.md.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorText } from '../src/errors.ts';
import { DIST, inProject } from './project.ts';

const README = inProject('openwrt-feed/image/README.md');

/** A kind of router. Sizes are bytes. */
export interface Router {
  /** As OpenWrt names it. */
  target: string;
  /** OpenWrt's name for its packages. */
  architecture: string;
  /**
   * Yggdrasil 0.5.12: both programs, as they are and as squashfs keeps them (xz in blocks of 256 KiB, lc 0, lp 2, pb 2). Measured on
   * Debian's builds (bookworm-backports, 0.5.12-1~bpo12+1) on 2026-11-24; there is none for big-endian MIPS, whose instructions are
   * those of mipsel. OpenWrt's own, 0.5.9-r1 for 24.10.1, is said to need 17,040 KiB unpacked (openwrt/packages issue 26339).
   */
  yggdrasil: { unpacked: number; squashed: number };
  /** MiB that a router with 128 MiB of RAM has left without us, as far as somebody told (openwrt/openwrt pull request 16692). */
  freeOf128?: number;
}

const MIPS = { unpacked: 16_917_944, squashed: 4_339_948 };

export const ROUTERS: readonly Router[] = [
  { target: 'ath79', architecture: 'mips_24kc', yggdrasil: MIPS, freeOf128: 60 },
  { target: 'ramips/mt7620', architecture: 'mipsel_24kc', yggdrasil: MIPS, freeOf128: 60 },
  { target: 'ramips/mt7621', architecture: 'mipsel_24kc', yggdrasil: MIPS, freeOf128: 20 },
  {
    target: 'ipq40xx',

    architecture: 'arm_cortex-a7_neon-vfpv4',
    yggdrasil: { unpacked: 14_984_968, squashed: 4_551_908 },
  },
  {
    target: 'mediatek/filogic',

    architecture: 'aarch64_cortex-a53',
    yggdrasil: { unpacked: 15_045_936, squashed: 4_597_036 },
  },
  {
    target: 'x86/64',

    architecture: 'x86_64',
    yggdrasil: { unpacked: 15_860_912, squashed: 5_432_072 },
  },
];

const MB = 1e6;
const MIB = 1024 * 1024;
/** The table's last digit. */
const SHOWN = MB / 10;

/** What is not ours to measure. */
export const ASSUMED = {
  /** Kernel and OpenWrt's own packages with LuCI, in flash; the sysupgrade file of the device says it exactly. */
  system: 8 * MB,
  /** Boot loader, calibration data, and room to write configuration and logs. */
  rest: 1.5 * MB,
  /** RAM: Yggdrasil in a network of four nodes (RSS 10.9 MB, measured on x86_64), as much again for a large one, and our budget. */
  memory: 11 * MB + 11 * MB + 1.8 * MB,
} as const;

const FLASH_MB = [4, 8, 16, 32, 64, 128];
const RAM_MB = [128, 256, 512];

/** What a router of a kind needs. Sizes are bytes but for the last two, MiB as chips are sold. */
export interface Need {
  /** Our packages, compressed. */
  ours: number;
  added: number;
  flash: number;
  ram: number;
}

/** @param ours bytes of our packages as they are in the feed: gzip, of which squashfs' xz needs less. */
export function needOf({ yggdrasil, freeOf128 }: Router, ours: number): Need {
  const added = yggdrasil.squashed + ours;
  const total = ASSUMED.system + ASSUMED.rest + added;
  const isTight = freeOf128 !== undefined && freeOf128 * MIB < ASSUMED.memory;
  return {
    ours,
    added,
    flash: FLASH_MB.find((size) => size * MIB >= total)!,
    ram: RAM_MB[isTight ? 1 : 0]!,
  };
}

const megabytes = (bytes: number): string => (bytes / MB).toFixed(1);

/** One row of the README's table. */
export function formatRow(router: Router, { ours, added, flash, ram }: Need): string {
  const { target, architecture, yggdrasil } = router;
  const cells = [
    target,
    architecture,
    megabytes(yggdrasil.unpacked),
    megabytes(yggdrasil.squashed),
    megabytes(ours),
    megabytes(added),
    `${flash} MB`,
    `${ram} MB`,
  ];
  return `| ${cells.join(' | ')} |`;
}

const HEAD = [
  '| target | packages | Yggdrasil, unpacked MB | in the image MB | meshbridge MB | both MB | flash | RAM |',
  '|---|---|---|---|---|---|---|---|',
];

/** The table. @param oursOf bytes of our packages for an architecture. */
export function formatTable(oursOf: (architecture: string) => number): string {
  return [...HEAD, ...ROUTERS.map((router) => formatRow(router, needOf(router, oursOf(router.architecture))))].join(
    '\n',
  );
}

/** Bytes of the daemon without TLS and the LuCI app in a feed, rounded up to what the table shows. @throws Error when there is none. */
function packageBytes(architecture: string): number {
  const directory = join(DIST, 'feed', architecture);
  const files = existsSync(directory) ? readdirSync(directory) : [];
  const wanted = ['meshbridge_', 'luci-app-meshbridge_'].map((prefix) => files.find((file) => file.startsWith(prefix)));
  const bytes = wanted.reduce((sum, file) => {
    if (!file) throw new Error(`${directory}: no packages: run npm run ipk first`);
    return sum + statSync(join(directory, file)).size;
  }, 0);
  return Math.ceil(bytes / SHOWN) * SHOWN;
}

/** A README with the table in place of the one that it has. @throws Error when it has none. */
export function withTable(readme: string, table: string): string {
  const old = /^\| target \|.*(?:\n\|.*)*/m;
  if (!old.test(readme)) throw new Error(`${README}: expected a table that begins with "| target |"`);
  return readme.replace(old, () => table);
}

if (process.argv[1] === inProject('build/image-size.ts')) {
  try {
    const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
    const table = formatTable(packageBytes);
    console.log(table);
    if (values.write) writeFileSync(README, withTable(readFileSync(README, 'utf8'), table));
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exit(1);
  }
}
