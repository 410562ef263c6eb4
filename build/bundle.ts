// `npm run bundle`: the router's program as one minified module in dist/; also bundles tests for the C host.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { errorText } from '../src/errors.ts';
import { DIST, inProject, ROOT } from './project.ts';
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
  });
  mkdirSync(dirname(metafile), { recursive: true });
  writeFileSync(metafile, JSON.stringify(result.metafile));
  const bytes = readFileSync(out);
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
}

/** Bundles the daemon and its helper to dist/. @throws Error when the daemon is past its budget. */
export async function bundleRouter(): Promise<RouterBundles & BundleSize> {
  const path = join(DIST, ROUTER.out);
  const size = await bundleProgram(inProject(ROUTER.entry), path, join(DIST, ROUTER.metafile));
  if (size.bytes > BUDGETS.bundle || size.gzipBytes > BUDGETS.bundleGzip)
    throw new Error(
      `${path}: ${size.bytes} bytes (gzip ${size.gzipBytes}), budget ${BUDGETS.bundle} (gzip ${BUDGETS.bundleGzip})`,
    );
  const helper = join(DIST, HELPER.out);
  await bundleProgram(inProject(HELPER.entry), helper, join(DIST, HELPER.metafile));
  return { ...size, bundle: path, others: [{ names: HELPER.names, bundle: helper }] };
}

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
    ...(onEngine ? {} : { platform: 'node', target: 'node20', sourcemap: 'inline' }),
    stdin: { contents: contents.join('\n'), resolveDir: ROOT, sourcefile: 'tests.js' },
    outfile: out,
  });
}

if (process.argv[1] === inProject('build/bundle.ts')) {
  try {
    const { bundle, bytes, gzipBytes } = await bundleRouter();
    console.log(`${bundle}: ${bytes} bytes, gzip ${gzipBytes}`);
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exit(1);
  }
}
