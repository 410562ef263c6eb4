// `npm run bundle`: the router's program as one minified module in dist/; also bundles tests for the C host.

import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { errorText } from '../src/errors.ts';
import { DIST, inProject, ROOT } from './project.ts';
import { replaceFile } from './replace.ts';
import { BUDGETS, ENGINE_LANGUAGE, HELPER, ROUTER } from './targets.ts';
import { sourceTime } from './time.ts';

const FOR_ENGINE: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  conditions: ['import'],
  target: ENGINE_LANGUAGE,
  charset: 'utf8',
  external: ['native'],
  legalComments: 'none',
  logLevel: 'error',
};

const DAY_S = 86_400;

/** What the sources know as constants. The day is enough to tell a wrong clock, and two builds of one day are the same. */
function constants(): Record<string, string> {
  try {
    const seconds = sourceTime();
    return { BUILT_AT_S: String(seconds - (seconds % DAY_S)) };
  } catch {
    return {}; // sources without a date: then they have a date of their own
  }
}

/** Bytes of a bundle, and of the same through gzip. */
export interface BundleSize {
  bytes: number;
  gzipBytes: number;
}

/**
 * Bundles a portable program, minified, and writes esbuild's metafile beside the outputs.
 * @param root the metafile names modules from there.
 * @throws Error
 */
export async function bundleProgram(entry: string, out: string, metafile: string, root = ROOT): Promise<BundleSize> {
  const result = await build({
    ...FOR_ENGINE,
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: out,
    define: constants(),
    minify: true,
    metafile: true,
    write: false,
  });
  const bytes = result.outputFiles[0]!.contents;
  replaceFile(out, bytes);
  replaceFile(metafile, JSON.stringify(result.metafile));
  return { bytes: bytes.length, gzipBytes: gzipSync(bytes, { level: 9 }).length };
}

/** A program that runs when the executable is called by one of these names; names with `--` are options. */
export interface NamedBundle {
  names: readonly string[];
  /** Path of a bundle of one ES module. */
  bundle: string;
}

/** Both programs of the router, as `buildNative` takes them. */
export interface RouterBundles {
  bundle: string;
  others: NamedBundle[];
  /** Modules that they import, or load when they need them; in the same directory. */
  parts: string[];
}

/** `import()` as esbuild leaves it between its outputs; the C host has a function in its place. */
const LOADING = /\bimport\((?="\.\/[\w-]+\.js"\))/g;

/** Bundles the daemon and its helper to dist/router/. @throws Error when the daemon is past its budget. */
export async function bundleRouter(): Promise<RouterBundles> {
  await bundleDaemon();
  return bundlePrograms(join(DIST, 'router'));
}

/** Bundles the daemon and its helper to a directory; what both need, and what is needed rarely, stands in modules of its own. */
export async function bundlePrograms(directory: string): Promise<RouterBundles> {
  const { outputFiles } = await build({
    ...FOR_ENGINE,
    entryPoints: [ROUTER, HELPER].map(({ entry, out }) => ({ in: inProject(entry), out: out.replace(/\.js$/, '') })),
    outdir: directory,
    splitting: true,
    chunkNames: 'part-[hash]',
    define: constants(),
    minify: true,
    write: false,
  });
  for (const { path, text } of outputFiles) replaceFile(path, text.replace(LOADING, 'globalThis.load('));
  const [bundle, helper] = [ROUTER, HELPER].map(({ out }) => join(directory, out)) as [string, string];
  const parts = outputFiles.map(({ path }) => path).filter((path) => path !== bundle && path !== helper);
  return { bundle, others: [{ names: HELPER.names, bundle: helper }], parts: parts.sort() };
}

/** Bundles the daemon to one module with all its parts, as engines other than the C host's run it. @throws Error when it is past its budget. */
export async function bundleDaemon(): Promise<BundleSize & { bundle: string }> {
  const path = join(DIST, ROUTER.out);
  const size = await bundleProgram(inProject(ROUTER.entry), path, join(DIST, ROUTER.metafile));
  if (size.bytes > BUDGETS.bundle || size.gzipBytes > BUDGETS.bundleGzip)
    throw new Error(
      `${path}: ${size.bytes} bytes (gzip ${size.gzipBytes}), budget ${BUDGETS.bundle} (gzip ${BUDGETS.bundleGzip})`,
    );
  return { ...size, bundle: path };
}

/** What stands for the engine's only module on Node. */
const NATIVE_ON_NODE = { native: inProject('test/support/native.ts') };

/** Where a bundle of tests is to run. */
export interface TestBundle {
  /** Paths of test files. */
  files: readonly string[];
  out: string;
  platform: 'node' | 'quickjs';
}

/** Bundles test files to one program that runs them all, prints uvu's summary and ends with exit code 1 when one failed. */
export async function bundleTests({ files, out, platform }: TestBundle): Promise<void> {
  const onEngine = platform === 'quickjs';
  const tests = files.map((file) => `import ${JSON.stringify(file)};`);
  // The prelude comes first, for uvu looks at the globals when it is loaded. Awaited: a test that never ends leaves the main module
  // pending, which the host takes for a failure.
  const contents = onEngine
    ? [
        `import { runSuites } from ${JSON.stringify(inProject('test/support/prelude.ts'))};`,
        ...tests,
        "import { exec } from 'uvu';",
        'await runSuites(exec);',
      ]
    : tests;
  await build({
    ...FOR_ENGINE,
    ...(onEngine
      ? {}
      : { platform: 'node', target: 'node20', sourcemap: 'inline', external: [], alias: NATIVE_ON_NODE }),
    stdin: { contents: contents.join('\n'), resolveDir: ROOT, sourcefile: 'tests.js' },
    outfile: out,
  });
}

if (process.argv[1] === inProject('build/bundle.ts')) {
  try {
    const { bundle, bytes, gzipBytes } = await bundleDaemon();
    console.log(`${bundle}: ${bytes} bytes, gzip ${gzipBytes}`);
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exit(1);
  }
}
