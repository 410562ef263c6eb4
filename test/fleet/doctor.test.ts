import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAccess } from '../../src/fleet/access.ts';
import type { Finding } from '../../src/fleet/doctor.ts';
import { changePins } from '../../src/fleet/pin.ts';
import { Session } from '../../src/fleet/session.ts';
import { type Operator, withOperator } from '../support/meshctl.ts';
import { Mosquitto, type MosquittoOptions, whyNoMosquitto } from '../support/mosquitto.ts';
import { PlayedNode } from '../support/played-node.ts';

const reason = await whyNoMosquitto();
const NODE = new PlayedNode('house', 'elm');
const GOOD = ['max_queued_messages 100000', 'persistence true', 'persistence_file kept', 'acl_file acl'];

function good(): MosquittoOptions {
  const acl = formatAccess([NODE.pin], { operators: ['operator'], readers: [] });
  return { config: GOOD, files: { acl }, users: { operator: 'op', [NODE.node]: 'secret' } };
}

interface Report {
  findings: Finding[];
  errors: number;
  warnings: number;
}

/** What doctor finds, by id. */
async function look(it: Operator, broker: Mosquitto, words: readonly string[] = []): Promise<Map<string, Finding>> {
  await it.json(`broker set --url mqtt://127.0.0.1:${broker.port()} --user operator`);
  const { out, err } = await it.run(['doctor', '--json', '--broker-only', ...words], {
    env: { MESHCTL_PASSWORD: 'op' },
  });
  const { findings } = JSON.parse(out) as Report;
  assert.ok(findings, `${out}${err}`);
  return new Map(findings.map((finding) => [finding.id, finding]));
}

/** What is left below mb/1/doctor. */
async function traces(broker: Mosquitto, login: { username: string; password: string } | null): Promise<string[]> {
  const topics: string[] = [];
  const session = await Session.open({
    broker: { url: `mqtt://127.0.0.1:${broker.port()}` },
    env: {},
    login,
    onMessage: ({ topic }) => topics.push(topic),
  });
  await session.subscribe(['mb/1/doctor/#', '$SYS/broker/version']);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await session.close();
  return topics.filter((topic) => topic.startsWith('mb/'));
}

function withBroker(options: MosquittoOptions, use: (broker: Mosquitto, it: Operator) => Promise<void>): Promise<void> {
  return withOperator(async (it) => {
    const broker = await Mosquitto.start(options);
    try {
      await use(broker, it);
    } finally {
      await broker.stop();
    }
  });
}

const doctor = suite('meshctl doctor');
if (reason !== undefined) console.log(`skipped: doctor at mosquitto: ${reason}`);
else {
  doctor('finds a broker well that is set up as the README says, over two looks', () =>
    withBroker(good(), async (broker, it) => {
      await changePins(it.home, (pins) => pins.set(NODE.node, NODE.pin));
      const file = it.file('node-password', 'secret\n');
      const words = ['--as', NODE.node, '--as-password-file', file];
      const first = await look(it, broker, words);
      for (const [id, { level, what }] of first)
        assert.is(level, id === 'persistence' ? 'unknown' : id === 'takeover' ? 'note' : 'ok', `~> ${id}: ${what}`);
      assert.equal(await traces(broker, { username: 'operator', password: 'op' }), ['mb/1/doctor/marker']);
      assert.is((await look(it, broker)).get('persistence')!.level, 'unknown', '~> not started again');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await broker.kill('SIGTERM');
      await broker.restart();
      assert.is((await look(it, broker)).get('persistence')!.level, 'ok');
    }),
  );
  doctor('finds what is wrong with a broker as it comes, and tells people', () =>
    withBroker({}, async (broker, it) => {
      await it.json(`broker set --url mqtt://127.0.0.1:${broker.port()}`);
      const { code, out } = await it.run('doctor --listen 0');
      assert.is(code, 1);
      assert.match(out, /^error +a new subscriber is given 1020 of 1500 retained messages, and is not told$/m);
      assert.match(out, /^ +-> mosquitto.conf: max_queued_messages 100000$/m);
      assert.match(out, /^error +anybody may connect and read what nodes tell$/m);
      assert.match(out, /2 errors, 0 warnings\n$/);
      for (const line of out.split('\n')) assert.ok(line.length <= 120, line);
      await broker.kill();
      await broker.restart();
      const again = await it.run('doctor --retained 100 --listen 0');
      assert.match(again.out, /^error +it forgot what it had kept$/m);
    }),
  );
  doctor('sees holes in an access list', () =>
    withBroker({ ...good(), files: { acl: 'topic readwrite #\npattern readwrite #\n' } }, async (broker, it) => {
      await changePins(it.home, (pins) => pins.set(NODE.node, NODE.pin));
      const file = it.file('node-password', 'secret\n');
      const { level, what } = (await look(it, broker, ['--as', NODE.node, '--as-password-file', file])).get('node')!;
      assert.is(level, 'error');
      for (const hole of ['may write as another node', 'may order other nodes about', 'may read what others are told'])
        assert.match(what, hole);
    }),
  );
  doctor('sees that a node is kept from what is its own', () =>
    withBroker({ ...good(), files: { acl: 'user operator\ntopic readwrite #\n' } }, async (broker, it) => {
      await changePins(it.home, (pins) => pins.set(NODE.node, NODE.pin));
      const file = it.file('node-password', 'secret\n');
      const { what } = (await look(it, broker, ['--as', NODE.node, '--as-password-file', file])).get('node')!;
      assert.match(what, /may not write its own topics, and is not given its own commands$/);
    }),
  );
  doctor('sees that its own login is of no use', () =>
    withBroker({ ...good(), files: { acl: 'user somebody\ntopic readwrite #\n' } }, async (broker, it) => {
      assert.is((await look(it, broker, ['--retained', '10'])).get('permission')!.level, 'error');
    }),
  );
  doctor('sees that long messages do not get through', () =>
    withBroker({ config: ['message_size_limit 4096'] }, async (broker, it) => {
      assert.is((await look(it, broker, ['--retained', '10'])).get('packet')!.level, 'error');
    }),
  );
  doctor('says which login is wrong', () =>
    withBroker(good(), async (broker, it) => {
      await it.json(`broker set --url mqtt://127.0.0.1:${broker.port()} --user operator`);
      const { code, out } = await it.run('doctor --json --broker-only', { env: { MESHCTL_PASSWORD: 'hunter2' } });
      assert.is(code, 3);
      assert.match(JSON.parse(out).error, /login: .*wrong user name or password/);
      assert.not.match(out, 'hunter2');
    }),
  );
}
doctor.run();
