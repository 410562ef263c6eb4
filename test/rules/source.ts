// What the rule tests look at: the tracked files, and the imports of the TypeScript sources.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { inProject, ROOT } from '../../build/project.ts';

/** Files that git knows or would add, relative to the root, that exist. */
export function projectFiles(): string[] {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path !== '' && existsSync(inProject(path)));
}

export function read(path: string): string {
  return readFileSync(inProject(path), 'utf8');
}

/** One import of a source file; `to` is a path relative to the root, or a package or `node:` name. */
export interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const IMPORT = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/gms;

/** All imports of a TypeScript file. */
export function importsOf(path: string): Import[] {
  return [...read(path).matchAll(IMPORT)].map((match) => {
    const target = match[2] ?? match[3]!;
    const to = target.startsWith('.') ? normalize(join(dirname(path), target)) : target;
    return { from: path, to, typeOnly: match[1] !== undefined };
  });
}

/** TypeScript sources below a folder. */
export function sources(folder: string): string[] {
  return projectFiles().filter((path) => path.startsWith(`${folder}/`) && path.endsWith('.ts'));
}
