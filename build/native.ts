// `npm run native`: the C host with the router's program inside, for this machine. Compiles only what changed.

import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorText } from '../src/errors.ts';
import { bundleRouter, type NamedBundle } from './bundle.ts';
import { dropSections } from './elf.ts';
import { ENGINE, ENGINE_FILES, ENGINE_FLAGS, engineSources, MENDED_ENGINE_FILE } from './engine.ts';
import { withLock } from './lock.ts';
import { tlsLibrary } from './mbedtls.ts';
import { keepNewest, touch } from './newest.ts';
import { CACHE, DIST, inProject, ROOT } from './project.ts';
import type { Library } from './source.ts';
import {
  C_FLAGS,
  C_WARNINGS,
  LINK_FLAGS,
  type Limits,
  type NativeTarget,
  ROUTER_LIMITS,
  RUNTIME_FLAGS,
  TARGET_NAMES,
  TARGETS,
  type TargetName,
  TEST_LIMITS,
  THIS_MACHINE,
  targetsOf,
} from './targets.ts';
import { signatureLibrary } from './tinyssh.ts';
import { zigTarget } from './zig.ts';

const HOST = inProject('src/host/quickjs');
/** The files that stand between the host and a library; the first makes the difference between programs with TLS and those without. */
const TLS_FILE = 'tls.c';
const CRYPTO_FILE = 'crypto.c';
/** The bytecode of all tests, as text, is about 20 MB. */
const MAX_OUTPUT = 256 * 1024 * 1024;
/** Of each source: clones and branches that share a cache must not take theirs from one another. */
const MAX_VERSIONS = 16;

function hash(...parts: (string | Uint8Array)[]): string {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(`${part.length}:`).update(part);
  return sum.digest('hex').slice(0, 32);
}

/** What a compiler says of itself; `undefined` when it does not run. */
export function findCompiler({ cc, env }: NativeTarget = THIS_MACHINE): string | undefined {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout } = spawnSync(cc[0]!, [...cc.slice(1), '--version'], options);
  return status === 0 ? stdout : undefined;
}

/** What a program prints. @throws Error with what it complained of. */
function run(argv: readonly string[], env?: NativeTarget['env']): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      argv[0]!,
      argv.slice(1),
      { maxBuffer: MAX_OUTPUT, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${basename(argv[0]!)} failed: ${stderr.trim() || error.message}`));
        else resolve(stdout);
      },
    );
  });
}

interface Source {
  path: string;
  /** Everything that the object depends on but the compiler and the flags of the whole. */
  key: string;
  flags: readonly string[];
}

/** Objects and programs of one compiler, set of flags and engine, kept in a directory of the cache. */
class Workshop {
  private readonly directory: string;
  private readonly flags: readonly string[];
  private readonly small: readonly string[];

  constructor(
    private readonly target: NativeTarget,
    private readonly engine: string,
    private readonly log: (line: string) => void,
  ) {
    this.flags = [...C_FLAGS, ...target.flags];
    this.small = target.small ?? [];
    const compiler = findCompiler(target);
    if (compiler === undefined)
      throw new Error(
        `the C host needs a C compiler, and "${target.cc.join(' ')}" does not run${target === THIS_MACHINE ? ': apt install gcc libc6-dev' : ''}`,
      );
    this.directory = join(CACHE, 'native', hash(compiler, target.cc.join(' '), this.flags.join(' '), ENGINE.sha256));
    mkdirSync(this.directory, { recursive: true });
  }

  /** Serialises builds that share the directory. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return withLock(this.directory, work, () => this.log('waiting for another build …'));
  }

  /** Paths of the objects, whose names change when their sources do; the engine's first. */
  async objects(sources: readonly Source[]): Promise<string[]> {
    const missing: (() => Promise<void>)[] = [];
    const objects = sources.map((source) => {
      const stem = basename(source.path, '.c');
      const object = join(this.directory, `${stem}-${hash(source.key)}.o`);
      if (existsSync(object)) touch(object);
      else missing.push(() => this.compile(source, stem, object));
      return object;
    });
    const worker = async (): Promise<void> => {
      for (let next = missing.shift(); next; next = missing.shift()) await next();
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    return objects;
  }

  async engineObjects(): Promise<string[]> {
    const flags = [...this.small, ...ENGINE_FLAGS, `-DCONFIG_VERSION="${ENGINE.version}"`];
    if (!readdirSync(this.directory).some((name) => name.startsWith('quickjs-')))
      this.log('compiling the JavaScript engine, once: about 15 s …');
    return [
      ...(await this.objects(
        ENGINE_FILES.map((file) => ({ path: join(this.engine, file), key: `${file} ${flags.join(' ')}`, flags })),
      )),
      ...(await this.ownObjects([inProject(MENDED_ENGINE_FILE)], ['-w'])),
    ];
  }

  /** A library, and our file that uses it. */
  async libraryObjects(user: string, { files, flags, key }: Library): Promise<string[]> {
    const sources = files.map((path) => ({ path, key: `${path} ${key}`, flags: ['-w', ...flags] }));
    return [...(await this.ownObjects([join(HOST, user)], flags, key)), ...(await this.objects(sources))];
  }

  ownObjects(paths: readonly string[], more: readonly string[] = [], moreKey = ''): Promise<string[]> {
    const headers = readdirSync(HOST).filter((name) => name.endsWith('.h'));
    const header = Buffer.concat(headers.map((name) => readFileSync(join(HOST, name))));
    const flags = [...C_WARNINGS, ...this.small, '-isystem', this.engine, ...more];
    // another clone's object of the same source is as good
    const inClone = (text: string): string => text.replaceAll(ROOT, '');
    return this.objects(
      paths.map((path) => ({
        path,
        key: hash(inClone(path), header, readFileSync(path), inClone(flags.join(' ')), moreKey),
        flags,
      })),
    );
  }

  /** Links by way of a temporary name, so that a program that runs is never written into. */
  async link(inputs: readonly string[], out: string, flags: readonly string[]): Promise<void> {
    const { target } = this;
    mkdirSync(dirname(out), { recursive: true });
    const made = `${out}.${process.pid}`;
    try {
      await run([...target.cc, ...this.flags, ...inputs, ...LINK_FLAGS, ...flags, '-o', made], target.env);
      if (target.bare) dropSections(made);
      renameSync(made, out);
    } finally {
      rmSync(made, { force: true });
    }
  }

  /** The program that makes bytecode; it must run on this machine. */
  async bytecodeCompiler(): Promise<string> {
    const objects = [...(await this.ownObjects([inProject('build/bytecode.c')])), ...(await this.engineObjects())];
    const program = join(this.directory, `bytecode-${hash(...objects)}`);
    if (existsSync(program)) touch(program);
    else await this.link(objects, program, []);
    return program;
  }

  private async compile(source: Source, stem: string, object: string): Promise<void> {
    keepNewest(this.directory, `${stem}-`, MAX_VERSIONS - 1);
    const made = `${object}.${process.pid}`;
    try {
      await run([...this.target.cc, ...this.flags, ...source.flags, '-c', source.path, '-o', made], this.target.env);
      renameSync(made, object);
    } finally {
      rmSync(made, { force: true });
    }
  }
}

export interface NativeRequest {
  /** Path of a bundle of one ES module. */
  bundle: string;
  /** Further programs in the same executable. */
  others?: readonly NamedBundle[];
  /** Modules that the programs import or load, in the directory of `bundle`. */
  parts?: readonly string[];
  /** Path of the program to make. */
  out: string;
  /** Keeps names and lines in stack traces, and symbols in the program. */
  debug: boolean;
  /** With TLS. */
  tls?: boolean;
  limits?: Limits;
  target?: NativeTarget;
  /** Takes a line for people. */
  log?(line: string): void;
}

/**
 * Makes the C host with a bundle inside; answers whether there was anything to do.
 * @throws Error with one line: no C compiler, no engine, a bundle that does not parse.
 */
export async function buildNative(request: NativeRequest): Promise<boolean> {
  const { bundle, others = [], parts = [], out, debug, tls = false, target = THIS_MACHINE, log = () => {} } = request;
  const limits = request.limits ?? (debug ? TEST_LIMITS : ROUTER_LIMITS);
  const engine = await engineSources(log);
  const signatures = await signatureLibrary(log);
  const library = tls ? await tlsLibrary(log) : undefined;
  const tools = new Workshop(target === THIS_MACHINE ? target : await toolTarget(THIS_MACHINE, log), engine, log);
  const compiler = await tools.alone(() => tools.bytecodeCompiler());
  const workshop = new Workshop(target, engine, log);
  return workshop.alone(async () => {
    const sources = readdirSync(HOST).filter(
      (name) => name.endsWith('.c') && name !== TLS_FILE && name !== CRYPTO_FILE,
    );
    const objects = [
      ...(await workshop.ownObjects(sources.map((name) => join(HOST, name)))),
      ...(await workshop.libraryObjects(CRYPTO_FILE, signatures)),
      ...(library ? await workshop.libraryObjects(TLS_FILE, library) : []),
      ...(await workshop.engineObjects()),
      ...(target.runtime ? await workshop.ownObjects(target.runtime, RUNTIME_FLAGS) : []),
    ];
    const programs = [bundle, ...others.map(({ names, bundle }) => `${names.join()}=${bundle}`), ...parts];
    const contents = [bundle, ...others.map(({ bundle }) => bundle), ...parts].map((path) => readFileSync(path));
    const key = hash(...objects, compiler, ...contents, JSON.stringify([debug, limits, target, programs]));
    const stamp = `${out}.key`;
    if (existsSync(out) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return false;
    const work = mkdtempSync(join(CACHE, 'native', 'bundle-'));
    try {
      const data = join(work, 'programs.c');
      const { heapBytes, stackBytes } = limits;
      const mode = debug ? 'debug' : 'strip';
      writeFileSync(data, await run([compiler, mode, `${heapBytes}`, `${stackBytes}`, ...programs]));
      await workshop.link([`-I${HOST}`, data, ...objects], out, debug ? [] : ['-s']);
      writeFileSync(stamp, key);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return true;
  });
}

/** With which compiler the tools of a build for routers are made: that of `machine` where it runs, else zig. @throws Error as `ensureZig` */
export async function toolTarget(machine: NativeTarget, log: (line: string) => void): Promise<NativeTarget> {
  return findCompiler(machine) === undefined ? zigTarget(TARGETS.x86_64, log) : machine;
}

export interface TargetOptions {
  /** Whether it can speak TLS. */
  tls: boolean;
  /** Takes a line for people. */
  log(line: string): void;
}

/**
 * Makes the router's program for one target, where something changed, and answers with its path, `dist/native/<target>/meshbridge`
 * or, with TLS, `meshbridge-tls`.
 * @throws Error with one line: as `ensureZig` and `buildNative`, or a bundle past its budget.
 */
export async function buildTarget(name: TargetName, { tls, log }: TargetOptions): Promise<string> {
  // first, for it needs Debian: who has none need not wait for zig
  await engineSources(log);
  await signatureLibrary(log);
  const target = await zigTarget(TARGETS[name], log);
  const bundles = await bundleRouter();
  const out = join(DIST, 'native', name, tls ? 'meshbridge-tls' : 'meshbridge');
  await buildNative({ ...bundles, out, debug: false, tls, target, log: (line) => log(`${name}: ${line}`) });
  return out;
}

const HELP = `usage: npm run native [-- [--target NAME,…] [--tls]]

  --target NAME,…  all or some of ${TARGET_NAMES.join(', ')}, each to dist/native/NAME; without it, this machine, to dist/native
  --tls            the flavour that can speak TLS, meshbridge-tls
`;

async function main(): Promise<void> {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ options: { target: { type: 'string' }, tls: flag, help: flag } });
  const { tls } = values;
  if (values.help) {
    console.log(HELP);
    return;
  }
  const log = (line: string): void => console.error(`meshbridge: ${line}`);
  const show = (path: string): void => console.log(`${path}: ${statSync(path).size} bytes`);
  if (values.target !== undefined) {
    for (const name of targetsOf(values.target)) show(await buildTarget(name, { tls, log }));
    return;
  }
  const bundles = await bundleRouter();
  const out = join(DIST, 'native', tls ? 'meshbridge-tls' : 'meshbridge');
  await buildNative({ ...bundles, out, debug: false, tls, log });
  show(out);
}

if (process.argv[1] === inProject('build/native.ts')) {
  try {
    await main();
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exit(1);
  }
}
