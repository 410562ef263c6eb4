// `npm run meshctl:build`: meshctl with everything it needs in one file, dist/meshctl.mjs, to be copied to where operators work.

import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { errorText } from '../src/errors.ts';
import type { DeskAssets } from '../src/fleet/desk/assets.ts';
import { readCatalogue } from './catalogue.ts';
import { translationTable } from './lmo.ts';
import { buildClient, buildPages } from './luci.ts';
import { LANGUAGES, type Language } from './packages.ts';
import { DIST, inProject, ROOT } from './project.ts';
import { replaceFile } from './replace.ts';
import { BUDGETS } from './targets.ts';

/** Packages in the bundle ask for Node's modules in the way of CommonJS. */
const BANNER = `#!/usr/bin/env node
import { createRequire as makeRequire } from 'node:module';
const require = makeRequire(import.meta.url);`;

/** The page of a gateway's operator, for `meshctl desk`: what of the router's pages belongs to it. @throws Error */
export async function buildDesk(): Promise<DeskAssets> {
  const { files } = await buildPages();
  const own = files.filter(({ path }) => /^(view\/meshbridge\/operator|meshbridge\/(part|more|style))-/.test(path));
  const view = own.find(({ path }) => path.startsWith('view/'))!.path.slice('view/'.length, -'.js'.length);
  const isSaid = (file: string): boolean => /^luci-app\/view\/(operator\b|part\/|more\/)/.test(file);
  const tables = (Object.keys(LANGUAGES) as Language[]).map((language) => {
    const { header, messages } = readCatalogue(language);
    return [
      language,
      translationTable({ header, messages: messages.filter((one) => one.files.some(isSaid)) }),
    ] as const;
  });
  return {
    view,
    files: Object.fromEntries(own.map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)])),
    client: await buildClient('small'),
    translations: Object.fromEntries(tables),
  };
}

/** Bundles it and answers its path. @throws Error when it is past its budget. */
export async function bundleMeshctl(out = join(DIST, 'meshctl.mjs')): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [inProject('src/fleet/main.ts')],
    outfile: out,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minify: true,
    charset: 'utf8',
    banner: { js: BANNER },
    define: { MESHBRIDGE_DESK: JSON.stringify(await buildDesk()) },
    // what ws uses where somebody installed it
    external: ['bufferutil', 'utf-8-validate'],
    legalComments: 'inline',
    logLevel: 'error',
    write: false,
  });
  replaceFile(out, outputFiles[0]!.contents);
  chmodSync(out, 0o755);
  const { size } = statSync(out);
  if (size > BUDGETS.meshctl) throw new Error(`${out}: ${size} bytes, budget ${BUDGETS.meshctl}`);
  return out;
}

if (process.argv[1] === inProject('build/meshctl.ts')) {
  try {
    const out = await bundleMeshctl();
    console.log(`${out}: ${statSync(out).size} bytes`);
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exit(1);
  }
}
