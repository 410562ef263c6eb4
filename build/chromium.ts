// The browser that tests of the router's pages drive: the machine's own Chromium, else Debian's without a screen, unpacked in the cache.

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { downloadDebian, libraryPath, unpackDeb } from './debian.ts';
import { CACHE } from './project.ts';
import { replaceFile } from './replace.ts';

/** Where a browser is, and the environment it runs in. */
export interface Browser {
  path: string;
  env: Record<string, string>;
}

const SUITE = 'bookworm';
const PACKAGE = 'chromium-headless-shell';
const INSTALLED = '/usr/bin/chromium';
const UNPACKED = join(CACHE, 'chromium');
const BINARY = join(UNPACKED, 'usr/lib/chromium', PACKAGE);
/** The C library must be the machine's own, as its loader is. The others are for graphics cards, and make half of the size. */
const LEFT_OUT = /^(libc6|libllvm\d+|libz3-4|libgl1-mesa-dri)_/;

function writeFontConfig(): string {
  const path = join(UNPACKED, 'fonts.conf');
  const dir = (element: string, name: string): string => `<${element}>${join(UNPACKED, name)}</${element}>`;
  replaceFile(
    path,
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>${dir('dir', 'usr/share/fonts')}${dir('cachedir', 'var/cache/fontconfig')}</fontconfig>
`,
  );
  return path;
}

/**
 * The browser that MESHBRIDGE_CHROMIUM names, the installed one, or Debian's, which is downloaded (150 MB) when it is not there.
 * @param log takes a line for people, when it takes long.
 * @throws Error with one line that says why there is none.
 */
export async function ensureChromium(log: (line: string) => void): Promise<Browser> {
  const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => !!entry[1]));
  const named = process.env.MESHBRIDGE_CHROMIUM;
  if (named && !existsSync(named)) throw new Error(`MESHBRIDGE_CHROMIUM: no such file: ${named}`);
  if (named) return { path: named, env };
  if (existsSync(INSTALLED)) return { path: INSTALLED, env };
  if (!existsSync(BINARY)) {
    const downloads = await downloadDebian({ suite: SUITE, packages: [PACKAGE], closure: true, log });
    const files = readdirSync(downloads).filter((name) => name.endsWith('.deb') && !LEFT_OUT.test(name));
    await unpackDeb(
      files.map((name) => join(downloads, name)),
      UNPACKED,
    );
    if (!existsSync(BINARY)) throw new Error(`${UNPACKED}: no ${PACKAGE} in it: remove it and try again`);
    rmSync(downloads, { recursive: true, force: true });
  }
  return { path: BINARY, env: { ...env, LD_LIBRARY_PATH: libraryPath(UNPACKED), FONTCONFIG_FILE: writeFontConfig() } };
}
