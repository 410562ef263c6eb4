// What is built, with which options, and how large it may become: data for the builds and for the tests of their rules.

/** The daemon: one ES module; the host provides `native`. */
export const ROUTER = { entry: 'src/main.ts', out: 'meshbridge.js', metafile: 'meta/meshbridge.json' } as const;

/** Its helper, which is root: in the same executable, which runs it when it is called by one of these names, or told one of them first. */
export const HELPER = {
  entry: 'src/helper.ts',
  out: 'meshbridge.helper.js',
  metafile: 'meta/meshbridge.helper.json',
  names: ['meshbridge.helper', '--check', 'enroll', 'release'],
} as const;

/** The language that the engine speaks whole. */
export const ENGINE_LANGUAGE = 'es2023';

const KB = 1000;
const MIB = 1024 * 1024;

/** Upper bounds; a build or test fails past them. */
export const BUDGETS = {
  /** Bytes of the router bundle, minified, and the same through gzip: all parts, of which a router loads what it uses. */
  bundle: 600 * KB,
  bundleGzip: 208 * KB,
  /** Bytes of the static binary for mipsel without TLS, and of its package. */
  mipselBinary: 1440 * KB,
  ipk: 690 * KB,
  /** Bytes of JavaScript of the LuCI pages, minified, with what they share: of those that every router has, and of all. */
  views: 70 * KB,
  allViews: 155 * KB,
  /** Bytes of their style sheet, minified. */
  style: 14 * KB,
  /** Resident bytes of the idle daemon, i386 static build, 20 peers. */
  idleRss: 1.8 * MIB,
  /** Instructions from start to the first ubus object published, x86_64. */
  startInstructions: 26_300_000,
  /** Bytes of meshctl in one file, with the page that it serves. */
  meshctl: 750 * KB,
  /** Lines of C in src/host/quickjs, without comments and empty lines. */
  hostLines: 1100,
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
  /** Environment of the compiler, beside ours. */
  env?: Readonly<Record<string, string>>;
  /** For the engine and our own C: makes them smaller. Libraries calculate much, and stay fast. */
  small?: readonly string[];
  /** Paths of C files that mend the compiler's own runtime. */
  runtime?: readonly string[];
  /** Whether a program is left without sections, of which only debuggers and linkers know the use. */
  bare?: boolean;
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

/** A kind of router. */
export interface CrossTarget {
  /** As zig names architecture, system and ABI. */
  triple: string;
  /** As zig names the oldest processor that is served. */
  cpu: string;
  /** The program of qemu's user mode that runs it where this machine does not itself; absent: every x86_64 does. */
  qemu?: string;
  /** Path, from the root, of a C file that mends zig's runtime for this kind alone. */
  runtime?: string;
}

/** The kinds of routers, by the name of their directory in dist/native. packages.ts says which of OpenWrt's architectures each serves. */
export const TARGETS = {
  /** Big-endian. Soft float, as on all MIPS and ARM here: without it a kernel that has no support for it ends the program by SIGILL. */
  mips: { triple: 'mips-linux-musleabi', cpu: 'mips32r2', qemu: 'qemu-mips-static' },
  mipsel: { triple: 'mipsel-linux-musleabi', cpu: 'mips32r2', qemu: 'qemu-mipsel-static' },
  /** ARMv5TE, which all later ones run. */
  arm: {
    triple: 'arm-linux-musleabi',
    cpu: 'arm926ej_s',
    qemu: 'qemu-arm-static',
    runtime: 'build/zig/arm.c',
  },
  aarch64: { triple: 'aarch64-linux-musl', cpu: 'generic', qemu: 'qemu-aarch64-static' },
  x86_64: { triple: 'x86_64-linux-musl', cpu: 'x86_64' },
  /** Without SSE. Most kernels of x86_64 run it, but not all. */
  x86: { triple: 'x86-linux-musl', cpu: 'i586', qemu: 'qemu-i386-static', runtime: 'build/zig/x86.c' },
} as const satisfies Record<string, CrossTarget>;
export type TargetName = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as TargetName[];

/** The targets that a comma-separated list names, or `all`. @throws Error on a name that none has. */
export function targetsOf(list: string): TargetName[] {
  if (list === 'all') return TARGET_NAMES;
  const names = list.split(',') as TargetName[];
  for (const name of names)
    if (!TARGET_NAMES.includes(name))
      throw new Error(`--target: expected all or some of ${TARGET_NAMES.join(', ')}, got "${name}"`);
  return [...new Set(names)];
}

/** For routers, after the common flags: nothing unwinds the stack, and LTO makes a program 4 % smaller. */
export const ROUTER_FLAGS = ['-static', '-flto', '-fno-unwind-tables'] as const;

/** Functions of the engine and the host that run most often. */
const BUSY = [
  'JS_CallInternal',
  'JS_CreateProperty',
  'JS_DefineProperty',
  'JS_GetPropertyInternal',
  'JS_ReadFunctionBytecode',
  'JS_ReadFunctionTag',
  'JS_ReadObjectRec',
  '__JS_FreeValueRT',
  '__JS_NewAtom',
  'add_property',
  'bc_get_leb128',
  'bc_idx_to_atom',
  'get_leb128',
  'heap_resize',
  'mark_children',
] as const;

/** As NativeTarget's, for routers: 6 % smaller. zig takes -Oz for -Os unless it does not see it; what is busy stays as -Os has it. */
export const ROUTER_SMALL = [
  '-Xclang',
  '-Oz',
  ...BUSY.flatMap((name) => ['-mllvm', `-force-remove-attribute=${name}:minsize`]),
] as const;

/** Paths, from the root, of what mends zig's runtime for all routers. */
export const ROUTER_RUNTIME = ['build/zig/heap.c', 'build/zig/memory.c'] as const;
/** For what mends a runtime: calls to it appear only when LTO has compiled everything else, and it must not call itself. Fast, for it is small. */
export const RUNTIME_FLAGS = ['-fno-lto', '-fno-builtin', '-Xclang', '-O2'] as const;
