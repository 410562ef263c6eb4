import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { parseYaml } from '../../src/fleet/yaml.ts';
import { Operator } from '../support/meshctl.ts';
import { nodeOf } from '../support/node-key.ts';

const [ANN, BOB, EVE] = [1, 2, 3].map(nodeOf) as [
  ReturnType<typeof nodeOf>,
  ReturnType<typeof nodeOf>,
  ReturnType<typeof nodeOf>,
];
const HOSTILE = "x' \u202e\u0007$(reboot)";

const SERVER = `# a gateway of Boston
ListenHost: "200:1::1"   # its own
ListenPort: 8081
GatewayOwner: 'Mesh "Test"'
GatewayDescription: "it's ${'\\u0007'}#1 $(reboot)"
GatewayLocation: Boston
GatewayInfoURL: https://example.org/#gateway
RequireRegistration: true
AccessListEnabled: true
LeaseTimeoutSeconds: 300
MaxClients: 10
GatewayTunnelIP: 10.42.7.1
GatewayTunnelNetMask: 16
GatewayWanInterface: eth0
AddFirewallRuleMasqueradeCommand: "iptables -t nat -A POSTROUTING -o %%Gateway%% -j MASQUERADE"
`;
const ACCESS_LIST = `---
AccessList:
  - yggip: ${ANN.address}
    access: true
    comment: "Ann's, # not a comment"
  - yggip: ${BOB.address}
    access: false
    comment: ${HOSTILE.replace('\u0007', '')}
  - {yggip: "200:dead::1", access: yes, comment: "a, b"}
  - yggip: 192.0.2.7
    access: true
`;

/** What GORM made of autoygg's `registration`, as far as a row is asked for. */
const TABLE = `CREATE TABLE registrations (id integer PRIMARY KEY AUTOINCREMENT, created_at datetime, updated_at datetime, deleted_at datetime,
  state text, gateway_public_key text, public_key text, ygg_ip text, client_ip text, client_net_mask integer, client_gateway text,
  client_tunnel_name text, client_name text, client_email text, client_phone text, client_version text, lease_expires datetime, error text);`;
const row = (state: string, key: string, address: string, deleted = 'NULL'): string =>
  `INSERT INTO registrations (state, public_key, ygg_ip, client_name, client_email, deleted_at) VALUES ('${state}', '${key}', '${address}', 'Ann Secret', 'secret@example.org', ${deleted});`;

function withDatabase(it: Operator): string | undefined {
  const path = it.path('autoygg.db');
  const sql = [
    TABLE,
    ...[row('success', ANN.key, ANN.address), row('open', BOB.key, BOB.address), row('expired', EVE.key, EVE.address)],
    // taken over by somebody else: key and address are of two nodes
    ...[row('success', EVE.key, BOB.address), row('success', EVE.key, EVE.address, "'2023-01-01'")],
  ].join('\n');
  const { error, status } = spawnSync('sqlite3', [path, sql]);
  return error || status !== 0 ? undefined : path;
}

function files(it: Operator, server = SERVER, list: string | undefined = ACCESS_LIST): string {
  if (list !== undefined) it.file('accesslist.yaml', list);
  return it.file('server.yaml', server);
}

interface Imported {
  config: string;
  clients: { address: string; access: string; from: string }[];
  registrar: Record<string, string | string[]>;
  notes: string[];
}

const test = suite<{ it: Operator }>('meshctl import autoygg');
test.before.each((context) => {
  context.it = new Operator();
});
test.after.each(({ it }) => it.end());
test('shows what a gateway becomes, which our own daemon takes, and writes nothing', async ({ it }) => {
  const path = files(it);
  const { code, out, err } = await it.run(['import', 'autoygg', path, '--database', 'none']);
  assert.is(code, 0, err);
  const config = parseConfig(out);
  const { registrar, clients } = config;
  assert.equal(
    [
      registrar!.enabled,
      registrar!.port,
      registrar!.operator,
      registrar!.place,
      registrar!.admission,
      registrar!.asksFor,
    ],
    [true, 8081, 'Mesh "Test"', 'Boston', 'ask', ['name', 'email', 'phone']],
  );
  assert.equal([registrar!.name, registrar!.website], ["it's ·#1 $(reboot)", 'https://example.org/#gateway']);
  assert.equal([registrar!.leaseMs, registrar!.kinds[0]], [600_000, 'gre6']);
  assert.equal(Array.from(registrar!.pool4.bytes), [10, 42, 0, 0]);
  assert.equal(
    clients.map(({ address, access }) => [address, access]),
    [
      [ANN.address, 'admit'],
      [BOB.address, 'refuse'],
      ['200:dead::1', 'admit'],
    ],
  );
  assert.match(err, /nothing was written/);
  assert.match(err, /entry 4 of the access list is left out: expected an address of a node .* got "192\.0\.2\.7"/);
  assert.match(err, /a lease lasts 600 s: LeaseTimeoutSeconds 300/);
  assert.not.match(out, /Ann's|reboot\)\\|iptables/, '~> no comment and no command of the shell');
});
test('writes it into a new file, readable by nobody else, and over none that is there', async ({ it }) => {
  const path = files(it);
  const target = it.path('out.conf');
  assert.is((await it.run(['import', 'autoygg', path, '--database', 'none', '--write', target])).code, 0);
  assert.is(statSync(target).mode & 0o777, 0o600);
  const text = readFileSync(target, 'utf8');
  assert.is(parseConfig(text).clients.length, 3);
  const again = await it.run(['import', 'autoygg', path, '--database', 'none', '--write', target]);
  assert.equal([again.code, readFileSync(target, 'utf8')], [2, text]);
  assert.match(again.err, /there is a file of this name/);
});
test('follows the gateway: open where no list counted, and no questions where none were asked', async ({ it }) => {
  const path = files(it, 'AccessListEnabled: false\nRequireRegistration: false\n');
  const { registrar, clients, notes } = await it.json<Imported>(['import', 'autoygg', path, '--database', 'none']);
  assert.equal([registrar.admission, registrar.asks_for, clients], ['open', undefined, []]);
  assert.ok(notes.some((note) => /the access list is left out/.test(note)));
});
test('lets homes in that hold a lease, where the operator is to decide from now on; rows that were taken over are left out', async ({
  it,
}) => {
  const database = withDatabase(it);
  if (database === undefined) return void console.log('skipped: a database of autoygg: there is no program sqlite3');
  const path = files(it, 'AccessListEnabled: false\n', undefined);
  const before = readFileSync(database);
  const words = ['import', 'autoygg', path, '--database', database, '--admission', 'ask'];
  const { clients, notes, config } = await it.json<Imported>(words);
  assert.equal(
    clients.map(({ address, access, from }) => [address, access, from]),
    [
      [ANN.address, 'admit', 'database'],
      [BOB.address, 'admit', 'database'],
    ],
  );
  assert.is(notes.filter((note) => /does not belong to/.test(note)).length, 1);
  assert.not.match(config, /Secret|secret/, '~> nothing of people');
  assert.is(parseConfig(config).clients.length, 2);
  assert.equal(readFileSync(database), before);
  assert.not.ok(existsSync(`${database}-wal`));
});
test('says plainly what to do where nothing can read the database', async ({ it }) => {
  const path = files(it);
  const database = it.file('autoygg.db', 'x');
  const env = { PATH: it.path('') };
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown };
  if (getBuiltinModule?.('node:sqlite')) return;
  const { code, err } = await it.run(['import', 'autoygg', path, '--database', database], { env });
  assert.is(code, 1);
  assert.match(err, /neither this Node\.js .* nor a program sqlite3 can read it/);
  assert.match(err, /apt install sqlite3/);
  assert.is((await it.run(['import', 'autoygg', path, '--database', it.path('no.db')])).code, 2);
});
for (const [what, server, message] of [
  ['a tab', 'ListenPort: 1\n\tx: 2\n', /server\.yaml, line 2: expected/],
  ['what is no pair', 'ListenPort 8080\n', /line 1: expected name: value/],
  ['a quote without an end', 'GatewayOwner: "x\n', /line 1: expected a text in quotes that ends/],
  ['a port in words', 'ListenPort: many\n', /ListenPort: expected a whole number, got "many"/],
  ['neither true nor false', 'AccessListEnabled: maybe\n', /AccessListEnabled: expected true or false, got "maybe"/],
  ['an anchor', 'GatewayOwner: *x\n', /line 1: expected a plain value/],
] as const)
  test(`refuses ${what}, and says where`, async ({ it }) => {
    const { code, err } = await it.run(['import', 'autoygg', files(it, server), '--database', 'none']);
    assert.is(code, 2);
    assert.match(err, message);
  });
test('reads what autoygg writes: quotes, comments, lists in both forms', () => {
  const values = parseYaml(
    "A: 'it''s' # c\nB: \"a\\tb # no\"\nC:\n- x: 1\n  y: \"2, 3\"\n- {x: 4, y: '5'}\nD: http://x/#y\n",
    'f',
  );
  assert.equal(
    [...values],
    [
      ['A', "it's"],
      ['B', 'a\tb # no'],
      [
        'C',
        [
          { x: '1', y: '2, 3' },
          { x: '4', y: '5' },
        ],
      ],
      ['D', 'http://x/#y'],
    ],
  );
});
test.run();
