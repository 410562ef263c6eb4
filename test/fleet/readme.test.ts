// What README tells operators to type is typed here: its mosquitto, its lines of meshctl, its Telegraf, its Home Assistant.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import type { LeaseStatus } from '../../src/api/lease-object.ts';
import { PAYLOADS } from '../../src/api/topics.ts';
import { parseConfig } from '../../src/config.ts';
import { crypto } from '../../src/fleet/crypto.ts';
import { Session } from '../../src/fleet/session.ts';
import { makeCard, openCode, passwordOf, saltOf } from '../../src/lib/enrolment.ts';
import { readArguments } from '../../src/mesh/argument.ts';
import type { LeaseDesk } from '../../src/mesh/lease-desk.ts';
import { leaseOperations } from '../../src/mesh/operation/lease.ts';
import { reachOperations } from '../../src/mesh/operation/reach.ts';
import { describeDevice } from '../../src/surface/home-assistant.ts';
import { formatMetrics, type GatewayCounts } from '../../src/surface/metrics.ts';
import { makeCertificate } from '../support/certificate.ts';
import { ManualClock } from '../support/clock.ts';
import { meshOf } from '../support/member.ts';
import { Operator } from '../support/meshctl.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { ORDER } from '../support/order.ts';
import { PlayedNode } from '../support/played-node.ts';

const README = readFileSync(inProject('README.md'), 'utf8');
const reason = await whyNoMosquitto();

/** The block of README that has this line. */
function blockWith(line: string): string[] {
  const found = [...README.matchAll(/^```\w*\n(.*?)^```$/gms)]
    .map(([, text]) => text!)
    .filter((text) => text.includes(line));
  assert.is(found.length, 1, `~> blocks with ${line}`);
  return found[0]!.trimEnd().split('\n');
}

/** What README's broker is called. */
const HOST = 'broker.example';
const DIRECTORY = '/etc/mosquitto/';
const PASSWORD = 'of the operator';

interface Context {
  it: Operator;
  broker: Mosquitto;
  anna: PlayedNode;
  /** Of anna's, once she has her code. */
  password: string;
  key: string;
  authority: string;
  port: string;
}

const operators = suite<Context>("README's recipe for operators");
operators.before(async (context) => {
  const authority = makeCertificate({ name: 'authority', isAuthority: true });
  const own = makeCertificate({ name: HOST, issuer: authority });
  context.it = new Operator();
  context.anna = new PlayedNode('anna', 'elm-street');
  // a listener of the harness alone, so that there is a port for README's
  context.broker = await Mosquitto.start({
    listeners: { readme: [] },
    files: { acl: '', passwords: '', 'certs/broker.crt': own.pem, 'certs/broker.key': own.keyPem },
  });
  const { broker, it } = context;
  context.port = String(broker.port('readme'));
  context.authority = it.file('authority.pem', authority.pem);
  const lines = blockWith('acl_file /etc/mosquitto/acl');
  assert.ok(lines.length <= 10, `~> ${lines.length} lines`);
  const text = lines
    .join('\n')
    .replaceAll(DIRECTORY, `${broker.directory}/`)
    .replace(/^listener 8883$/m, `listener ${context.port}`);
  assert.match(text, `listener ${context.port}\n`);
  // and one by which the test sees that it runs
  const harness = process.getuid?.() === 0 ? ['user root'] : [];
  broker.write('mosquitto.conf', [...harness, text, `listener 0 ${broker.socket}`, ''].join('\n'));
  await broker.restart();
});
operators.after(async ({ anna, broker, it }) => {
  await anna?.leave();
  await broker?.stop();
  it?.end();
});

const LEASE: LeaseStatus = {
  ...{ mode: 'off', state: 'idle', id: 'off', since_s: 0, sentence: 'a', fix: '', words: { sentence: 'a', fix: '' } },
  ...{ values: {}, blocking: false },
};

operators('leads from nothing to a router that obeys, line by line', async (context) => {
  const { it, broker, anna } = context;
  const mesh = { mesh: meshOf({ 0: [] }).mesh, knock: async () => ({ latency_ms: 1 }), clock: new ManualClock() };
  const operations = { ...reachOperations(mesh), ...leaseOperations(() => ({ status: () => LEASE }) as LeaseDesk) };
  const card = makeCard(crypto, anna.seed, new Uint8Array(randomBytes(12)));
  const words: Record<string, string> = {
    '~/.meshctl-password': it.file('password', `${PASSWORD}\n`),
    [`mqtts://${HOST}`]: `mqtts://localhost:${context.port}`,
    CARD: card,
  };
  const done: string[] = [];
  for (const line of blockWith('meshctl enroll new CARD')) {
    const typed = line
      .replace(/ +#.*$/, '')
      .replaceAll(DIRECTORY, `${broker.directory}/`)
      .split(' ');
    if (typed[0] === 'systemctl') {
      assert.equal(typed.slice(1), ['restart', 'mosquitto']);
      await broker.restart();
      await anna.join(
        { port: () => Number(context.port), tls: { ca_file: context.authority, server_name: HOST } },
        [context.key],
        ({ op, args }) => {
          try {
            const { args: table, run } = operations[op]!;
            void run(readArguments(table, (args ?? {}) as Readonly<Record<string, unknown>>), ORDER);
            return [{ st: 'accepted' }, { st: 'done' }];
          } catch (error) {
            return [{ st: 'rejected', code: 'arguments', error: String(error) }];
          }
        },
        context.password,
      );
      continue;
    }
    assert.is(typed.shift(), 'meshctl');
    const [first, second] = typed;
    const env = { MESHCTL_NEW_PASSWORD: PASSWORD };
    const result = await it.json<Record<string, string>>(
      typed.map((word) => words[word] ?? word),
      { env },
    );
    // what README leaves out: the broker here has an authority of its own, and an address that routers would not reach
    if (first === 'broker') {
      const more = ['--ca-file', context.authority, '--server-name', HOST, '--node-url', `mqtts://${HOST}`];
      await it.json(['broker', 'set', ...more]);
    }
    if (first === 'keys') context.key = result.public!;
    if (second === 'new' && first === 'enroll')
      context.password = passwordOf(crypto, anna.seed, saltOf(openCode(crypto, result.code!))!);
    done.push([first, second].join(' '));
  }
  for (const one of ['enroll finish', 'do anna', 'want set']) assert.ok(done.includes(one), one);
});
operators('has no other line of meshctl that meshctl does not know', async ({ it }) => {
  const spoken = [...README.matchAll(/`meshctl ([^`]+)`/g)].map(([, words]) => words!);
  assert.ok(spoken.length >= 6, `~> ${spoken.length}`);
  for (const words of spoken) {
    const typed = words.replaceAll('…', 'FILE').split(' ');
    // an option too many, or a command that is none, is refused before anything is looked at
    const { code, err } = await it.run([...typed, '--help']);
    assert.is(code, 0, `meshctl ${words} ~> ${err}`);
  }
});
operators(
  'lets Telegraf read what its recipe names, and nothing else',
  async ({ it, broker, anna, port, authority }) => {
    const env = { MESHCTL_NEW_PASSWORD: 'of telegraf' };
    await it.json('broker set --reader telegraf');
    await it.json(`enroll acl --write ${broker.path('acl')}`);
    await it.json(`enroll passwords --write ${broker.path('passwords')} --add telegraf`, { env });
    broker.reload();
    const heard: string[] = [];
    const session = await Session.open({
      broker: { url: `mqtts://localhost:${port}`, ca_file: authority, server_name: HOST, username: 'telegraf' },
      env: { MESHCTL_PASSWORD: 'of telegraf' },
      onMessage: ({ topic }) => heard.push(topic),
    });
    const topics = setIn(blockWith('inputs.mqtt_consumer'), 'topics') as string[];
    await session.subscribe(topics);
    await anna.publish(anna.topic('tele'), '{}', false);
    for (let i = 0; i < 250 && heard.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(heard, [anna.topic('tele')]);
    // whatever it asks for, it hears nothing of what routers are told; the operator does tell something meanwhile
    for (const filter of ['mb/1/#', anna.topic('cmd'), anna.topic('want'), 'mb/1/elm-street/all/want'])
      await session.subscribe([filter]).catch(() => {});
    heard.length = 0;
    const { commands } = anna;
    const before = commands.length;
    await it.run('do anna ping');
    assert.is(commands.length, before + 1);
    await it.json('want set anna meshbridge.main.poll_idle=61 --confirm 30');
    await anna.publish(anna.topic('tele'), '{}', false);
    for (let i = 0; i < 250 && !heard.includes(anna.topic('tele')); i++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(heard.includes(anna.topic('res')), '~> it reads all else');
    assert.equal(
      heard.filter((topic) => /\/(cmd|want)$/.test(topic)),
      [],
    );
    const refused = await session.publish(anna.topic('cmd'), 'x').catch((error: Error) => error.message);
    assert.match(String(refused), 'not permitted');
    await session.close();
  },
);
if (reason !== undefined) console.log(`skipped: README's recipe for operators: ${reason}`);
else {
  operators.run();
}

// ---

/** The value of an option in lines of TOML, which here is JSON, too. */
function setIn(lines: readonly string[], option: string): unknown {
  const [, value] = new RegExp(`^ *${option} = (\\[[^\\]]*\\]|.*)$`, 'm').exec(lines.join('\n')) ?? [];
  if (value === undefined) throw new Error(`${option}: not set`);
  return JSON.parse(value);
}
/** Of the plugin and its parser, as Telegraf documents them. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  'inputs.mqtt_consumer': ['servers', 'topics', 'topic_tag', 'username', 'password', 'data_format'],
  'inputs.mqtt_consumer.topic_parsing': ['topic', 'measurement', 'tags', 'fields'],
  'inputs.mqtt_consumer.json_v2': ['measurement_name', 'measurement_name_path', 'timestamp_path', 'timestamp_format'],
  'inputs.mqtt_consumer.json_v2.object': [
    'path',
    'optional',
    'timestamp_key',
    'timestamp_format',
    'included_keys',
    'excluded_keys',
    'tags',
    'disable_prepend_keys',
  ],
};

const telegraf = suite("README's recipe for Telegraf");
const recipe = blockWith('inputs.mqtt_consumer');
telegraf('uses options that there are, each in its table', () => {
  let table = '';
  for (const line of recipe) {
    table = /^ *\[\[([\w.]+)\]\]$/.exec(line)?.[1] ?? table;
    const option = /^ *(\w+) = /.exec(line)?.[1];
    if (option !== undefined) assert.ok(OPTIONS[table]?.includes(option), `${table}: ${option}`);
  }
});
telegraf('names every number of a heartbeat as its schema does, and nothing that is none', () => {
  const schema = JSON.parse(readFileSync(inProject('src/api/schema/tele.json'), 'utf8')) as {
    title: string;
    properties: Record<string, { type?: string }>;
  };
  const stamps = ['sid', 'seq', 'mono', 'clk', 'base', 'd'];
  const wanted = Object.keys(schema.properties).filter((name) => !stamps.includes(name));
  assert.equal([...(setIn(recipe, 'included_keys') as string[])].sort(), wanted.sort());
  assert.ok(Object.hasOwn(schema.properties, setIn(recipe, 'timestamp_key') as string));
  const [topic] = setIn(recipe, 'topics') as string[];
  assert.is(setIn(recipe, 'topic'), topic);
  const levels = topic!.split('/');
  const parts = schema.title.split('/');
  assert.is(levels.length, parts.length);
  for (const [at, level] of levels.entries())
    assert.ok(level === parts[at] || (level === '+' && parts[at]!.startsWith('<')), level);
  const tags = (setIn(recipe, 'tags') as string).split('/');
  assert.equal(
    tags,
    parts.map((part) => /^<(\w+)>$/.exec(part)?.[1] ?? '_'),
  );
});
telegraf.run();

// ---

const prometheus = suite("README's Prometheus");
prometheus('has every metric of a gateway, and no other', () => {
  const counts: GatewayCounts = {
    ...{ version: '0', uptimeS: 1, residentBytes: 1, homes: { active: 1 }, maxHomes: 1, maxWaiting: 1, online: true },
    ...{ draining: false, rxBytes: 1, txBytes: 1, linePercent: 1, answered: 1, refused: new Map([['full', 1]]) },
    ...{ connections: 1, held: 1, spoofed: 1, sessions: 1, peersUp: 1, reportsOpen: 1, isLogBroken: false },
  };
  const told = [...formatMetrics(counts).matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name!);
  const section = README.slice(README.indexOf('### Prometheus'), README.indexOf('### Home Assistant'));
  const named = [...section.matchAll(/`((?:meshbridge|process)_\w+)(?:\{\w+\})?`/g)].map(([, name]) => name!);
  assert.equal(named.sort(), told.sort());
});
prometheus.run();

// ---

const home = suite("README's Home Assistant");
home('is a configuration that does', () => {
  const config = parseConfig(`${blockWith("option discovery '1'").join('\n')}\n`);
  assert.is(config.mqtt, true);
  const [broker] = config.brokers;
  assert.equal([broker!.profile, broker!.discovery, broker!.manage], ['home', true, false]);
});
home('has all that a router tells of', () => {
  const fields = Object.keys(PAYLOADS.tele).map((name) => name.replace('?', ''));
  const device = { node: 'abc', name: '', model: undefined, version: '', statusTopic: 'a', teleTopic: 'b' };
  const { cmps } = JSON.parse(describeDevice(device, fields)) as { cmps: Record<string, { name: string }> };
  const section = README.slice(README.indexOf('### Home Assistant')).replace(/\s+/g, ' ');
  for (const { name } of Object.values(cmps)) assert.match(section, name);
});
home.run();
