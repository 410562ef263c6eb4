import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crypto } from '../../src/fleet/crypto.ts';
import { readPins } from '../../src/fleet/pin.ts';
import { Session } from '../../src/fleet/session.ts';
import { makeCard, openCode, passwordOf, saltOf } from '../../src/lib/enrolment.ts';
import { type Operator, withOperator } from '../support/meshctl.ts';
import { Mosquitto, whyNoMosquitto } from '../support/mosquitto.ts';
import { PlayedNode, publishKept } from '../support/played-node.ts';

const reason = await whyNoMosquitto();
const ANNA = new PlayedNode('anna', 'elm-street');
const BERT = new PlayedNode('bert', 'elm-street');

/** Enrols a node; answers its password. */
async function enroll(it: Operator, node: PlayedNode): Promise<string> {
  const card = makeCard(crypto, node.seed, new Uint8Array(randomBytes(12)));
  const { code } = await it.json<{ code: string }>(['enroll', 'new', card, '--site', node.site, '--name', node.name]);
  return passwordOf(crypto, node.seed, saltOf(openCode(crypto, code))!);
}

async function ready(it: Operator): Promise<void> {
  await it.json('broker set --url mqtt://192.0.2.1 --user operator');
  await it.json('keys new otto --scope configure');
}

const remove = suite('meshctl enroll remove');
remove('asks, and does nothing without a yes', () =>
  withOperator(async (it) => {
    await ready(it);
    await enroll(it, ANNA);
    const { code, err } = await it.run('enroll remove anna', { answers: ['y'] });
    assert.is(code, 2);
    assert.match(err, 'stays in elm-street');
    assert.is((await it.run('enroll remove anna')).code, 2, '~> nobody to ask');
    assert.is(readPins(it.home).size, 1);
    assert.is((await it.run('enroll remove nobody --yes')).code, 2);
  }),
);
remove('takes its pin and its lines away, and those of nobody else', () =>
  withOperator(async (it) => {
    await ready(it);
    await enroll(it, ANNA);
    await enroll(it, BERT);
    const [acl, passwords] = [it.path('acl'), it.path('passwords')];
    writeFileSync(passwords, 'operator:$7$101$a$b\n');
    await it.json(`enroll acl --write ${acl}`);
    await it.json(`enroll passwords --write ${passwords}`);
    assert.match(readFileSync(acl, 'utf8') + readFileSync(passwords, 'utf8'), ANNA.node);
    const { code, out } = await it.run(`enroll remove anna --acl ${acl} --passwords ${passwords}`, {
      answers: ['yes'],
    });
    assert.is(code, 0);
    for (const words of ['systemctl reload mosquitto', `enroll clear elm-street/${ANNA.node}`, "main.mqtt='0'"])
      assert.match(out, words);
    assert.not.match(out, 'enroll acl --write');
    const left = readFileSync(acl, 'utf8') + readFileSync(passwords, 'utf8');
    assert.not.match(left, ANNA.node);
    assert.not.match(left, 'anna');
    assert.match(left, `user ${BERT.node}`);
    assert.match(left, 'operator:$7$101$a$b');
    assert.equal([...readPins(it.home).keys()], [BERT.node]);
  }),
);
remove('says what is left where a file cannot be written, and fails', () =>
  withOperator(async (it) => {
    await ready(it);
    await enroll(it, ANNA);
    const passwords = it.path('passwords');
    const ran = await it.run(`enroll remove anna --yes --acl ${it.path('none/acl')} --passwords ${passwords}`);
    assert.is(ran.code, 1);
    assert.match(ran.err, `${it.path('none/acl')}: `);
    assert.match(ran.out, `${passwords} written without it`);
    assert.match(ran.out, 'enroll acl --write FILE');
    assert.not.match(ran.out, 'enroll passwords --write');
    for (const words of ['systemctl reload mosquitto', `enroll clear elm-street/${ANNA.node}`, "main.mqtt='0'"])
      assert.match(ran.out, words);
    assert.is(readPins(it.home).size, 0);
    await enroll(it, ANNA);
    const json = await it.run(`enroll remove anna --yes --json --acl ${it.path('none/acl')}`);
    assert.is(json.code, 1);
    assert.equal(JSON.parse(json.out).written, []);
  }),
);
remove('says what is to be done where the files of the broker are elsewhere', () =>
  withOperator(async (it) => {
    await ready(it);
    await enroll(it, ANNA);
    const { out } = await it.run('enroll remove anna --yes');
    for (const words of ['enroll acl --write FILE', 'enroll passwords --write FILE']) assert.match(out, words);
    await enroll(it, ANNA);
    assert.equal(await it.json('enroll remove anna --yes'), {
      node: ANNA.node,
      site: 'elm-street',
      name: 'anna',
      removed: true,
      written: [],
    });
  }),
);

if (reason !== undefined) console.log(`skipped: a router that leaves a real broker: ${reason}`);
else
  remove('shuts the router out of a broker that reads its files anew, which then forgets it', () =>
    withOperator(async (it) => {
      const broker = await Mosquitto.start({
        config: ['acl_file acl', 'password_file passwords', 'allow_anonymous false'],
        files: { acl: '', passwords: '' },
      });
      try {
        const files = [`--write ${broker.path('acl')}`, `--write ${broker.path('passwords')}`] as const;
        const env = { MESHCTL_PASSWORD: 'of the operator', MESHCTL_NEW_PASSWORD: 'of the operator' };
        await it.json(
          `broker set --url mqtt://127.0.0.1:${broker.port()} --node-url mqtt://[200:db8::1] --user operator`,
        );
        await it.json('keys new otto');
        const password = await enroll(it, ANNA);
        const other = await enroll(it, BERT);
        await it.json(`enroll acl ${files[0]}`);
        await it.json(`enroll passwords ${files[1]} --add operator`, { env });
        broker.reload();
        let endedBecause: string | undefined;
        const session = await Session.open({
          broker: { url: `mqtt://127.0.0.1:${broker.port()}` },
          env: {},
          login: { username: ANNA.node, password },
          onEnd: (why) => {
            endedBecause = why;
          },
        });
        await publishKept(session, ANNA.kept());
        await session.publish(ANNA.topic('alarm', 'mesh'), '{}', { retain: true });
        await BERT.join(broker, [], undefined, other);
        const refused = await it.run(`enroll clear elm-street/${ANNA.node}`, { env });
        assert.is(refused.code, 2);
        assert.match(refused.err, 'it is enrolled');
        await it.json(`enroll remove anna --yes --acl ${broker.path('acl')} --passwords ${broker.path('passwords')}`);
        broker.reload();
        for (let i = 0; i < 500 && endedBecause === undefined; i++)
          await new Promise((resolve) => setTimeout(resolve, 20));
        assert.type(endedBecause, 'string', '~> whoever is in is thrown out, too');
        const again = await it.run('nodes --json', { env });
        const { nodes } = JSON.parse(again.out) as { nodes: { node: string; enrolled: boolean }[] };
        assert.is(nodes.find(({ node }) => node === ANNA.node)?.enrolled, false);
        const { cleared } = await it.json<{ cleared: string[] }>(`enroll clear elm-street/${ANNA.node}`, { env });
        assert.equal(cleared, [...ANNA.kept().keys(), ANNA.topic('alarm', 'mesh')].sort());
        const listed = await it.json<{ nodes: { node: string }[] }>('nodes', { env });
        assert.equal(
          listed.nodes.map(({ node }) => node),
          [BERT.node],
        );
        assert.equal((await it.json(`enroll clear elm-street/${ANNA.node}`, { env })).cleared, []);
        await BERT.leave();
      } finally {
        await broker.stop();
      }
    }),
  );
if (reason === undefined)
  remove('clears no more than it can hold, says so, and prints topics of strangers as text', () =>
    withOperator(async (it) => {
      const broker = await Mosquitto.start({ config: ['max_queued_messages 0', 'max_inflight_messages 0'] });
      const url = `mqtt://127.0.0.1:${broker.port()}`;
      const session = await Session.open({ broker: { url }, env: {} });
      try {
        await it.json(`broker set --url ${url}`);
        const hostile = ANNA.topic('alarm', 'a\u202eb');
        const topics = Array.from({ length: 1000 }, (_, i) => ANNA.topic('alarm', `a${i}`));
        for (const topic of [...topics, hostile]) await session.publish(topic, '{}', { retain: true });
        const words = `enroll clear elm-street/${ANNA.node}`;
        const ran = await it.run(words);
        assert.is(ran.code, 1);
        assert.match(ran.out, `1000 topics of elm-street/${ANNA.node} cleared`);
        assert.match(ran.err, 'keeps more than 1000 topics of it');
        for (const topic of topics) await session.publish(topic, '', { retain: true });
        await session.publish(hostile, '{}', { retain: true });
        const again = await it.run(words);
        assert.is(again.code, 0);
        assert.match(again.out, `${ANNA.topic('alarm', 'a?b')}\n`);
      } finally {
        await session.close();
        await broker.stop();
      }
    }),
  );
for (const words of ['elm-street', `elm-street/${ANNA.node}/x`, `all/${ANNA.node}`, `+/${ANNA.node}`, 'elm-street/#'])
  remove(`clears nothing of ${words}`, () =>
    withOperator(async (it) => {
      await ready(it);
      assert.is((await it.run(['enroll', 'clear', words])).code, 2);
    }),
  );
remove.run();
