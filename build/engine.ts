// Gets the sources of the JavaScript engine, QuickJS.

import { unpackSource } from './source.ts';

/** The release of all builds: what is tested is what ships. */
export const ENGINE = {
  name: 'engine',
  version: '2025-04-26',
  suite: 'trixie',
  source: 'quickjs',
  sha256: 'ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe',
  /** The author's own archive, which OpenWrt's SDK downloads; Debian packs its files again, so the sum differs. */
  upstream: {
    file: 'quickjs-2025-04-26.tar.xz',
    sha256: '2f20074c25166ef6f781f381c50d57b502cb85d470d639abccebbef7954c83bf',
  },
} as const;

/** The files that make up the engine proper: no command line, no libc module. */
export const ENGINE_FILES = ['quickjs.c', 'dtoa.c', 'libunicode.c', 'cutils.c'] as const;

/**
 * How they are compiled. Release 2025-04-26 counts the leading zeros of zero when it writes a large integer whose highest word is empty, 2n ** 63n say:
 * C leaves open what that gives, and on x86 it can be anything. A macro does not expand itself again.
 */
export const ENGINE_FLAGS = [
  '-w',
  '-D__builtin_clz(a)=((a)?__builtin_clz(a):32)',
  '-D__builtin_clzll(a)=((a)?__builtin_clzll(a):64)',
] as const;

/** From the root: includes another file of the engine, which cannot be compiled as it is. */
export const MENDED_ENGINE_FILE = 'build/regexp.c';

/** The directory with the engine's sources. @throws Error as `unpackSource` does. */
export function engineSources(log: (line: string) => void): Promise<string> {
  return unpackSource(ENGINE, log);
}
