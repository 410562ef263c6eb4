// `npm run deb`: the package for Debian, of each kind of machine that its gateways are, in dist/deb. Needs nothing of Debian to be made.
//
// A deb is an `ar` archive: `debian-binary`, `control.tar.gz` (what it is, and scripts), `data.tar.gz` (the files). Source: deb(5), ar(5).

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../package.json';
import { errorText } from '../src/errors.ts';
import { gzipFile } from './gzip.ts';
import { buildTarget } from './native.ts';
import { MAINTAINER } from './packages.ts';
import { DIST, inProject } from './project.ts';
import { encodeTar, type TreeEntry, treeEntries } from './tar.ts';
import type { TargetName } from './targets.ts';
import { sourceTime } from './time.ts';

/** Debian's names of the machines that it is made for. */
export const DEB_ARCHITECTURES = { amd64: 'x86_64', arm64: 'aarch64' } as const satisfies Record<string, TargetName>;
export type DebArchitecture = keyof typeof DEB_ARCHITECTURES;

/** What it runs: tunnels and rules by these. TLS needs authorities. */
const DEPENDS = ['iproute2', 'nftables', 'procps', 'passwd'];
const RECOMMENDS = ['yggdrasil', 'wireguard-tools', 'ca-certificates'];
const CONFIG = '/etc/meshbridge/meshbridge.conf';
const MAGIC = '!<arch>\n';

/** One member of an `ar` archive: a header of 60 bytes, the content, and a newline where its length is odd. */
function member(name: string, content: Uint8Array, time: number): Uint8Array[] {
  const owner: [number, number] = [0, 6];
  const fields: [string | number, number][] = [
    [name, 16],
    [time, 12],
    owner,
    owner,
    ['100644', 8],
    [content.length, 10],
  ];
  const head = `${fields.map(([value, width]) => String(value).padEnd(width)).join('')}\`\n`;
  return [Buffer.from(head), content, Buffer.from(content.length % 2 === 1 ? '\n' : '')];
}

/** An `ar` archive as dpkg reads it. @param time Unix seconds that all members bear. */
export function encodeAr(members: readonly (readonly [string, Uint8Array])[], time: number): Uint8Array {
  return Buffer.concat([Buffer.from(MAGIC), ...members.flatMap(([name, content]) => member(name, content, time))]);
}

function fromProject(name: string, path: string, mode: number): TreeEntry {
  return { name, mode, content: readFileSync(inProject(path)) };
}

/** The package of one architecture. @param program for that machine. @param time Unix seconds that everything in it bears. */
export function encodeDeb(architecture: DebArchitecture, program: Uint8Array, time: number): Uint8Array {
  const files: TreeEntry[] = [
    { name: '/usr/bin/meshbridge', mode: 0o755, content: program },
    fromProject(CONFIG, 'debian/meshbridge.conf', 0o640),
    fromProject('/usr/lib/systemd/system/meshbridge.service', 'debian/meshbridge.service', 0o644),
    fromProject('/usr/share/doc/meshbridge/copyright', 'debian/copyright', 0o644),
  ];
  const contents = files.map(({ name, content }) => [name, content as Uint8Array] as const);
  const bytes = contents.reduce((sum, [, content]) => sum + content.length, 0);
  const control = [
    'Package: meshbridge',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${MAINTAINER} <meshbridge@invalid>`,
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    `Depends: ${DEPENDS.join(', ')}`,
    `Recommends: ${RECOMMENDS.join(', ')}`,
    'Section: net',
    'Priority: optional',
    'Description: gateway of homes in an Yggdrasil mesh, and its companion',
    ' Grants leases to homes of the mesh, carries their packets to the Internet and',
    ' keeps them apart. Is never started unasked: see /etc/meshbridge/meshbridge.conf.',
  ];
  const sums = contents
    .filter(([name]) => name !== CONFIG)
    .map(([name, content]) => `${createHash('md5').update(content).digest('hex')}  ${name.slice(1)}\n`);
  const about: TreeEntry[] = [
    { name: '/control', mode: 0o644, content: Buffer.from(`${control.join('\n')}\n`) },
    { name: '/conffiles', mode: 0o644, content: Buffer.from(`${CONFIG}\n`) },
    { name: '/md5sums', mode: 0o644, content: Buffer.from(sums.join('')) },
    ...['postinst', 'prerm', 'postrm'].map((name) => fromProject(`/${name}`, `debian/${name}`, 0o755)),
  ];
  return encodeAr(
    [
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar.gz', gzipFile(encodeTar(treeEntries(about), time))],
      ['data.tar.gz', gzipFile(encodeTar(treeEntries(files), time))],
    ],
    time,
  );
}

/** Makes the packages of some architectures; answers with their paths. */
export async function makeDebs(
  architectures: readonly DebArchitecture[],
  directory: string,
  log: (line: string) => void,
): Promise<string[]> {
  mkdirSync(directory, { recursive: true });
  const paths: string[] = [];
  for (const architecture of architectures) {
    const program = readFileSync(await buildTarget(DEB_ARCHITECTURES[architecture], { tls: true, log }));
    const path = join(directory, `meshbridge_${version}_${architecture}.deb`);
    writeFileSync(path, encodeDeb(architecture, program, sourceTime()));
    paths.push(path);
  }
  return paths;
}

const HELP = `usage: npm run deb [-- --arch NAME,…]

  --arch NAME,…  some of ${Object.keys(DEB_ARCHITECTURES).join(', ')}; without it, all
`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { arch: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const known = Object.keys(DEB_ARCHITECTURES) as DebArchitecture[];
  const wanted = values.arch?.split(',') ?? known;
  const architectures = known.filter((name) => wanted.includes(name));
  if (architectures.length !== wanted.length)
    throw new Error(`--arch: expected some of ${known.join(', ')}, got ${values.arch}`);
  for (const path of await makeDebs(architectures, join(DIST, 'deb'), (line) => console.error(`deb: ${line}`)))
    console.log(path);
}

if (process.argv[1] === inProject('build/deb.ts')) {
  try {
    await main();
  } catch (error) {
    console.error(`deb: ${errorText(error)}`);
    process.exitCode = 1;
  }
}
