// `meshctl enroll remove` and `clear`: how a router leaves the fleet, and how the broker forgets what it kept of it.

import { InputError } from '../../errors.ts';
import { formatPasswords } from '../access.ts';
import { readBroker } from '../broker.ts';
import type { Command } from '../command.ts';
import { clean, count } from '../display.ts';
import { Failure, toFailure } from '../failure.ts';
import { Gather } from '../gather.ts';
import { changePins, checkSite, findPin, isNodeId, readPins } from '../pin.ts';
import { Session } from '../session.ts';
import { accessOf, otherUsers, replaceFile } from './access.ts';

/** Topics that a broker may keep of one node, alarms and what others made up included. */
const MAX_KEPT = 1000;

const remove: Command = {
  words: 'enroll remove',
  summary: 'take a router out of the fleet',
  args: 'NODE',
  takes: [1, 1],
  options: {
    acl: { takes: 'FILE', help: "write the broker's access list without it, as enroll acl --write does" },
    passwords: { takes: 'FILE', help: 'write its password file without it, as enroll passwords --write does' },
    yes: { help: 'do not ask' },
  },
  details: `Its key is pinned no more, and the broker's files lose its lines when they are written
again. The router is not told: it goes on knocking at the broker, and obeys your keys
wherever it hears them, until its owner switches MQTT off.`,
  async run({ args, options, output, home, prompt }) {
    const { node, site, name } = findPin(readPins(home), args[0]!);
    const called = name === undefined ? node : `${name} (${node})`;
    if (!options.flag('yes') && !(await prompt.confirm(`This takes ${called} out of ${site}. Go on?`)))
      throw new Failure('usage', `${called}: stays in ${site}`);
    await changePins(home, (pins) => pins.delete(node));
    const [acl, passwords] = [options.text('acl'), options.text('passwords')];
    // from here on only a file can be in the way, and it can be written again
    output.print(`${called} is taken out of ${site}: its key is pinned no more`);
    const written: string[] = [];
    const failures: Failure[] = [];
    const write = (path: string | undefined, textOf: (path: string) => string): void => {
      if (path === undefined) return;
      try {
        replaceFile(path, textOf(path));
        written.push(path);
        output.print(`${path} written without it`);
      } catch (error) {
        failures.push(toFailure(error));
      }
    };
    write(acl, () => accessOf(home));
    write(passwords, (path) => formatPasswords(readPins(home).values(), otherUsers(path)));
    const isLeft = (path: string | undefined): boolean => path === undefined || !written.includes(path);
    const todo = [
      ...(isLeft(acl) ? ["meshctl enroll acl --write FILE          the broker's access list without it"] : []),
      ...(isLeft(passwords) ? ['meshctl enroll passwords --write FILE    its password file without it'] : []),
      'systemctl reload mosquitto               then the broker lets it in no more',
      `meshctl enroll clear ${site}/${node}`,
      '                                         then the broker forgets what it kept of it',
    ];
    output.print('', 'still to be done:', ...todo.map((line) => `  ${line}`));
    output.print(
      '',
      "its owner switches MQTT off on the router's page Telemetry, or by",
      "uci set meshbridge.main.mqtt='0'; uci commit meshbridge; service meshbridge reload",
    );
    output.result({ node, site, ...(name !== undefined && { name }), removed: true, written });
    if (failures.length > 0) throw new Failure('failed', failures.map(({ message }) => message).join('\n'));
  },
};

const clear: Command = {
  words: 'enroll clear',
  summary: 'have the broker forget what it keeps of a node that is not enrolled',
  args: 'SITE/NODE',
  takes: [1, 1],
  options: {},
  details: `For nodes that were taken out, that moved to another site, or that nobody enrolled, as
meshctl nodes lists them. One that the broker still lets in tells it all again.`,
  async run({ args, output, home, env }) {
    const [site = '', node = '', ...more] = args[0]!.split('/');
    if (!isNodeId(node) || more.length > 0)
      throw new InputError(`expected SITE/NODE with the whole id of the node, got ${JSON.stringify(args[0])}`);
    checkSite(site);
    if (readPins(home).get(node)?.site === site)
      throw new Failure(
        'usage',
        `${site}/${node}: it is enrolled, and what it told is needed`,
        `meshctl enroll remove ${node} takes it out.`,
      );
    const below = `mb/1/${site}/${node}/`;
    const kept = new Set<string>();
    let isMore = false;
    const gather = new Gather();
    const broker = readBroker(home);
    const session = await Session.open({
      broker,
      env,
      onMessage: (message) => {
        if (gather.take(message) || !message.isRetained || message.payload.length === 0) return;
        if (!message.topic.startsWith(below) || kept.has(message.topic)) return;
        if (kept.size < MAX_KEPT) kept.add(message.topic);
        else isMore = true;
      },
    });
    const forget = async (): Promise<void> => {
      await gather.begin(session);
      await gather.portion(session, [`${below}#`]);
      for (const topic of kept) await session.publish(topic, '', { retain: true });
    };
    try {
      await output.waiting(
        () => `clearing what ${broker.url} keeps of ${node}: ${count(kept.size, 'topic')}`,
        forget(),
      );
    } finally {
      await session.close();
    }
    const topics = [...kept].sort();
    output.print(...topics.map(clean), `${count(topics.length, 'topic')} of ${site}/${node} cleared`);
    output.result({ site, node, cleared: topics });
    if (isMore)
      throw new Failure(
        'failed',
        `${site}/${node}: the broker keeps more than ${MAX_KEPT} topics of it: others are left`,
        'meshctl enroll clear again clears the next ones; if they come back, somebody writes them.',
      );
  },
};

export const REMOVE: readonly Command[] = [remove, clear];
