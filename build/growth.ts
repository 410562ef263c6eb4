// What the router's program grew by, module by module, since a commit: both are bundled, and esbuild says what each module takes.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { bundleProgram } from './bundle.ts';
import { git } from './git.ts';
import { CACHE } from './project.ts';
import { ROUTER } from './targets.ts';

/** Bytes in a bundle, by path of the module. */
export type ModuleBytes = ReadonlyMap<string, number>;

/** Reads them from the metafile of a bundle. */
export function moduleBytes({ outputs }: Pick<Metafile, 'outputs'>): ModuleBytes {
  const modules = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return new Map(modules.map(([path, { bytesInOutput }]) => [path, bytesInOutput]));
}

/** The last commit whose sources differ from those that lie here: HEAD, or where nothing was changed since, the one before it. @throws Error */
export function lastCommit(): string {
  return git('status', '--porcelain', '--', 'src', 'package.json') === '' ? 'HEAD~1' : 'HEAD';
}

/** Bundles the router's program of a commit. @throws Error when git does not know it, or it cannot be bundled as today. */
export async function modulesAt(commit: string): Promise<ModuleBytes> {
  const tree = git('rev-parse', '--verify', '--end-of-options', `${commit}^{tree}`);
  mkdirSync(CACHE, { recursive: true });
  // below the root, where esbuild finds the node modules
  const work = mkdtempSync(join(CACHE, 'growth-'));
  try {
    const archive = join(work, 'archive.tar');
    git('archive', '-o', archive, tree, 'src', 'package.json', 'tsconfig.json');
    const tar = spawnSync('tar', ['-xf', archive, '-C', work], { encoding: 'utf8' });
    if (tar.error || tar.status !== 0) throw new Error(`tar: ${tar.error?.message ?? tar.stderr.trim()}`);
    const metafile = join(work, 'meta.json');
    await bundleProgram(join(work, ROUTER.entry), join(work, ROUTER.out), metafile, work);
    return moduleBytes(JSON.parse(readFileSync(metafile, 'utf8')));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Most modules that are listed. */
const MAX_ROWS = 20;

/** The modules that differ, as lines: bytes, what they grew by, path; those that grew most first. */
export function formatGrowth(before: ModuleBytes, now: ModuleBytes): string[] {
  const rows = [...new Set([...before.keys(), ...now.keys()])]
    .map((path) => ({ path, bytes: now.get(path) ?? 0, grown: (now.get(path) ?? 0) - (before.get(path) ?? 0) }))
    .filter(({ grown }) => grown !== 0)
    .sort((a, b) => b.grown - a.grown || (a.path < b.path ? -1 : 1));
  const line = (bytes: number | '', grown: number, path: string): string =>
    `${String(bytes).padStart(8)}${`${grown > 0 ? '+' : ''}${grown}`.padStart(8)}  ${path}`;
  const left = rows.slice(MAX_ROWS);
  const sum = (of: typeof rows): number => of.reduce((total, { grown }) => total + grown, 0);
  return [
    ...rows.slice(0, MAX_ROWS).map(({ path, bytes, grown }) => line(bytes, grown, path)),
    ...(left.length > 0 ? [line('', sum(left), `${left.length} more`)] : []),
    ...(rows.length > 1 ? [line('', sum(rows), 'all together')] : []),
  ];
}
