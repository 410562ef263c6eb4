import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Import, importsOf, read, sources } from './source.ts';

/** Which folder may import which, and why the rest is forbidden. `*` is every folder of src; packages are named as npm does. */
const TABLE: Record<string, { may: string[]; why: string }> = {
  'errors.ts': { may: [], why: 'a leaf that all may import' },
  'log.ts': { may: [], why: 'a leaf that all may import' },
  lib: { may: [], why: 'pure pieces know nothing of this program' },
  api: { may: [], why: 'the contract is shared with LuCI and meshctl' },
  transport: { may: ['lib'], why: 'the port knows no protocol' },
  ubus: { may: ['transport', 'lib'], why: 'a protocol knows neither another one nor the domain' },
  yggdrasil: { may: ['transport', 'lib', 'api'], why: 'a protocol knows neither another one nor the domain' },
  mqtt: { may: ['transport', 'lib'], why: 'a protocol knows neither another one nor the domain' },
  http: { may: ['transport', 'lib'], why: 'a protocol knows neither another one nor the domain' },
  mesh: { may: ['lib', 'api'], why: 'the domain does no I/O' },
  source: {
    may: ['ubus', 'yggdrasil', 'http', 'mqtt', 'mesh', 'api', 'lib', 'transport'],
    why: 'sources feed the state and see no surface',
  },
  system: {
    may: ['ubus', 'yggdrasil', 'mesh', 'api', 'lib', 'transport'],
    why: 'it changes the machine and sees no surface',
  },
  plane: {
    may: ['mesh', 'api', 'lib', 'transport', 'system'],
    why: 'it makes what it is told, whoever tells it',
  },
  surface: {
    may: ['mesh', 'api', 'ubus', 'mqtt', 'http', 'lib'],
    why: 'a surface shows the state and decides nothing',
  },
  host: {
    may: ['transport', 'lib', 'node:*', 'native', 'quickjs-emscripten'],
    why: 'hosts know nothing of the program they carry',
  },
  'config.ts': {
    may: ['option.ts', 'lease-option.ts', 'api', 'lib', 'transport'],
    why: 'it turns a file into a Config',
  },
  'lease-option.ts': { may: ['option.ts', 'api', 'lib', 'transport'], why: 'it is a part of config.ts' },
  'option.ts': { may: ['lib'], why: 'kinds of options know no option' },
  'app.ts': { may: ['*', 'package.json'], why: 'the only wiring' },
  'adviser.ts': {
    may: ['source', 'system', 'api', 'transport'],
    why: 'the part of the wiring that comes into memory late',
  },
  'home-planes.ts': {
    may: ['lease-option.ts', 'plane', 'system', 'mesh', 'transport'],
    why: 'the wiring of tunnels and routes, which comes into memory late',
  },
  'leases.ts': {
    may: ['lease.ts', 'registrar.ts', 'config.ts', 'api'],
    why: 'it stands in for what comes into memory late',
  },
  'lease.ts': {
    may: ['lease-option.ts', 'surface', 'source', 'system', 'mesh', 'ubus', 'api', 'transport', 'package.json'],
    why: 'the wiring of a lease, which comes into memory late',
  },
  'registrar.ts': {
    may: ['gateway.ts', 'lease-option.ts', 'surface', 'mesh', 'ubus', 'api', 'transport'],
    why: 'it begins and ends a gateway',
  },
  'client-plane.ts': {
    may: ['plane', 'lease-option.ts', 'mesh'],
    why: 'the wiring of tunnels, which comes into memory late',
  },
  'gateway.ts': {
    may: ['lease-option.ts', 'surface', 'source', 'system', 'http', 'mesh', 'api', 'lib', 'transport', 'package.json'],
    why: 'the wiring of a gateway, which comes into memory late',
  },
  'broker.ts': {
    may: [
      'command-desk.ts',
      'group-link.ts',
      'management.ts',
      'config.ts',
      'mqtt',
      'surface',
      'source',
      'system',
      'mesh',
      'api',
      'lib',
      'transport',
      'package.json',
    ],
    why: 'the wiring of what goes to brokers, which comes into memory late',
  },
  'group-link.ts': {
    may: ['mesh', 'api', 'lib', 'transport'],
    why: 'the wiring of what gateways share, which comes into memory late',
  },
  'brokers.ts': {
    may: ['broker.ts', 'config.ts', 'mesh', 'api'],
    why: 'it stands in for broker.ts',
  },
  'broker-test.ts': {
    may: ['config.ts', 'source', 'system', 'api', 'transport'],
    why: 'a part of the wiring that comes into memory late',
  },
  'chain.ts': {
    may: ['source', 'system', 'mesh', 'api', 'lib', 'transport', 'package.json'],
    why: 'the part of the wiring that knows no surface and no protocol',
  },
  'command-desk.ts': {
    may: ['config.ts', 'source', 'mesh', 'transport'],
    why: 'the part of the wiring that is there while brokers are',
  },
  'management.ts': { may: ['config.ts', 'mesh', 'api', 'lib'], why: 'it shows what others bring' },
  'check.ts': { may: ['config.ts', 'mesh', 'system', 'transport'], why: 'it reads what daemon and router would read' },
  'enroll-verb.ts': {
    may: ['config.ts', 'api', 'system', 'lib', 'transport'],
    why: 'the part of the helper that comes into memory late',
  },
  'desired-verb.ts': {
    may: ['config.ts', 'api', 'system', 'lib', 'transport'],
    why: 'the part of the helper that comes into memory late',
  },
  'plane-verb.ts': {
    may: ['client-verb.ts', 'config.ts', 'plane', 'system', 'mesh', 'api', 'lib', 'transport'],
    why: 'the part of the helper that makes tunnels and comes into memory late',
  },
  'client-verb.ts': {
    may: ['config.ts', 'lease-option.ts', 'client-plane.ts', 'plane', 'system', 'mesh', 'api', 'lib', 'transport'],
    why: "the part of the helper that makes a gateway's tunnels and comes into memory late",
  },
  'verb.ts': {
    may: [
      'client-verb.ts',
      'check.ts',
      'plane-verb.ts',
      'enroll-verb.ts',
      'desired-verb.ts',
      'config.ts',
      'api',
      'mesh',
      'system',
      'ubus',
      'lib',
      'transport',
      'package.json',
    ],
    why: 'the only wiring of the helper, which has no daemon in it',
  },
  'helper.ts': { may: ['verb.ts', 'host', 'native'], why: 'host and verbs, nothing else' },
  'main.ts': { may: ['app.ts', 'host', 'native'], why: 'host and app, nothing else' },
  'luci-app': { may: ['api', 'lib', 'luci:*'], why: "a page knows the daemon's contract and LuCI's client" },
  fleet: {
    may: ['api', 'lib', 'page-host', 'node:*', 'mqtt', 'package.json'],
    why: "the operators' tool runs on Node and knows a router by its contract alone",
  },
  'fleet/simulator': {
    may: ['fleet', 'api', 'mesh', 'mqtt', 'surface', 'host', 'lib', 'transport', 'node:*', 'package.json'],
    why: 'it plays routers with the parts of real ones',
  },
  'page-host': { may: ['lib', 'node:*'], why: 'it serves pages, whatever they show and whoever looks' },
  dev: { may: ['*', 'node:*', 'build', 'test', 'quickjs-emscripten'], why: 'runs on Node, never on a router' },
};
const LEAVES = ['errors.ts', 'log.ts'];

function folderOf(path: string): string {
  if (path.startsWith('src/fleet/simulator/')) return 'fleet/simulator';
  const [top, second] = path.split('/');
  return top === 'src' ? second! : top!;
}

function isAllowed({ from, to, typeOnly }: Import): boolean {
  const source = folderOf(from);
  const rule = TABLE[source];
  if (!rule) return false;
  if (to.startsWith('node:'))
    return rule.may.includes('node:*') && (source !== 'host' || from.startsWith('src/host/node/'));
  if (to.startsWith('luci:')) return rule.may.includes('luci:*');
  if (!to.includes('/')) return rule.may.includes(to);
  const target = folderOf(to);
  if (target === source || (LEAVES.includes(target) && source !== 'luci-app')) return true;
  if (source === 'yggdrasil' && target === 'api') return from === 'src/yggdrasil/entries.ts' || typeOnly;
  return (
    rule.may.includes(target) ||
    (rule.may.includes('*') && to.startsWith('src/') && !target.startsWith('fleet') && target !== 'dev')
  );
}

const table = suite('import table');
for (const path of [...sources('src'), ...sources('luci-app')]) {
  table(`holds for ${path}`, () => {
    const folder = folderOf(path);
    assert.ok(TABLE[folder], `~> ${folder} is not in the table: say what it may import`);
    for (const one of importsOf(path)) {
      assert.ok(isAllowed(one), `~> ${path} must not import ${one.to}: ${TABLE[folder]!.why}`);
    }
  });
}
table('is in ARCHITECTURE, with every file of the daemon and its helper', () => {
  const rows = read('ARCHITECTURE.md').split('\n');
  const aside = ['dev', 'fleet', 'host', 'page-host'];
  for (const path of sources('src')) {
    const [, folder = '', ...more] = path.split('/');
    if (aside.includes(folder)) continue;
    const row = rows.find(
      (line) => line.startsWith('| ') && line.includes(more.length > 0 ? `| \`src/${folder}\` |` : `\`${path}\``),
    );
    assert.ok(row, `~> ${path}: no row`);
    const name = path.replace(/^.*\//, '').replace(/\.ts$/, '');
    const names = row!.match(/[a-z0-9]+(-[a-z0-9]+)*/g)!;
    assert.ok(names.includes(name), `~> ${path}: its row does not name it`);
  }
});
table('keeps fixtures and tests out of what a router runs', () => {
  for (const path of sources('src').filter((p) => !p.startsWith('src/dev/'))) {
    for (const { to } of importsOf(path)) assert.not.ok(/^(test|build)\//.test(to), `~> ${path} imports ${to}`);
  }
});
table.run();

// ---

const cycles = suite('import cycles');
cycles('do not exist', () => {
  const edges = new Map(
    [...sources('src'), ...sources('luci-app')].map((path) => [
      path,
      importsOf(path)
        .filter((i) => !i.typeOnly)
        .map((i) => i.to),
    ]),
  );
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): void => {
    assert.not.ok(trail.includes(path), `~> ${[...trail, path].join(' -> ')}`);
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
});
cycles.run();

// ---

const globals = suite('portable sources');
const FOREIGN =
  /(?<![.\w'"`/-])(process|Buffer|setTimeout|setInterval|console|TextEncoder|TextDecoder|queueMicrotask|structuredClone)\s*[.(]/;
for (const path of sources('src').filter((p) => !/^src\/(dev|fleet|host\/node|page-host)\//.test(p))) {
  globals(`use nothing that only Node has: ${path}`, () => {
    const code = read(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    assert.not.match(code, FOREIGN);
  });
}
globals.run();
