// What is built, with which options, and how large it may become: data for the builds and for the tests of their rules.

/** The daemon: one ES module; the host provides `native`. */
export const ROUTER = { entry: 'src/main.ts', out: 'meshbridge.js', metafile: 'meta/meshbridge.json' } as const;

/** Its helper, which is root: in the same executable, which runs it when it is called by one of these names. */
export const HELPER = {
  entry: 'src/helper.ts',
  out: 'meshbridge.helper.js',
  metafile: 'meta/meshbridge.helper.json',
  names: ['meshbridge.helper', '--check'],
} as const;

/** The language that the engine speaks whole. */
export const ENGINE_LANGUAGE = 'es2023';

const KB = 1000;
const MIB = 1024 * 1024;

/** Upper bounds; a build or test fails past them. */
export const BUDGETS = {
  /** Bytes of the router bundle, minified, and the same through gzip. */
  bundle: 120 * KB,
  bundleGzip: 40 * KB,
  /** Bytes of the static binary for mipsel without TLS, and of its package. */
  mipselBinary: 1000 * KB,
  ipk: 420 * KB,
  /** Bytes of all LuCI views together, minified. */
  views: 60 * KB,
  /** Resident bytes of the idle daemon, i386 static build, 20 peers. */
  idleRss: 1.8 * MIB,
  /** Instructions from start to the first ubus object published, x86_64. */
  startInstructions: 25_000_000,
  /** Lines of C in src/host/quickjs, without comments and empty lines. */
  hostLines: 900,
} as const;

/** What the engine may take: JavaScript heap, and C stack below `main`. */
export interface Limits {
  heapBytes: number;
  stackBytes: number;
}

export const ROUTER_LIMITS: Limits = { heapBytes: 16 * MIB, stackBytes: 256 * 1024 };
/** The tests hold all their fixtures at once. */
export const TEST_LIMITS: Limits = { heapBytes: 128 * MIB, stackBytes: 256 * 1024 };

/** A kind of machine that the C host is built for. Bytecode is the same for all: big-endian machines swap it as they load it. */
export interface NativeTarget {
  /** Compiler and linker: a program and its fixed arguments. */
  cc: readonly string[];
  /** For compiling and linking, after the common ones. */
  flags: readonly string[];
}

/** This machine, by its own compiler. */
export const THIS_MACHINE: NativeTarget = {
  cc: (process.env.CC ?? 'cc').split(' '),
  flags: [],
};

/** Engine and host must agree on these: signed overflow wraps, `char` is unsigned, same optimisation. */
export const C_FLAGS = [
  '-std=gnu11',
  '-D_GNU_SOURCE',
  '-Os',
  '-fwrapv',
  '-funsigned-char',
  '-ffunction-sections',
  '-fdata-sections',
  '-fno-asynchronous-unwind-tables',
] as const;

/** Our own C gives none of these; a test makes sure, so that a compiler to come cannot break a build. */
export const C_WARNINGS = ['-Wall', '-Wextra', '-Wshadow', '-Wno-unused-parameter'] as const;

export const LINK_FLAGS = ['-Wl,--gc-sections', '-lm', '-lpthread'] as const;
