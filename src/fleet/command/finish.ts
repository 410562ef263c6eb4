// `meshctl enroll finish`: waits until a router that was given a code tells, signed with the key of its card, that it is there.

import type { Payload } from '../../api/topics.ts';
import { topicOf } from '../../api/topics.ts';
import { readBroker } from '../broker.ts';
import type { Command } from '../command.ts';
import { formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { changePins, findPin, type Pin, readPins } from '../pin.ts';
import { Session } from '../session.ts';
import { formatFields } from '../table.ts';
import { openSigned } from '../trust.ts';

const LOOK_MS = 100;

export const FINISH: Command = {
  words: 'enroll finish',
  summary: 'wait for a router that was given its code, and see who it is',
  args: 'NODE',
  takes: [1, 1],
  options: { wait: { takes: 'SECONDS', help: 'how long: 1 to 86400 (120)' } },
  details: `NODE is its id, the beginning of it, or what you called it. Nothing of the router is
believed that the key of its card did not sign.`,
  async run({ args, options, output, home, env, ended }) {
    const pin = findPin(readPins(home), args[0]!);
    const wait_s = options.whole('wait', 1, 86_400, 120);
    const broker = readBroker(home);
    const { site, node, key } = pin;
    let info: Payload<'info'> | undefined;
    let forged = 0;
    const session = await Session.open({
      broker,
      env,
      onMessage: ({ payload }) => {
        if (payload.length === 0) return;
        const said = openSigned('info', payload, [key]);
        if (said?.node === node && said.site === site) info = said;
        else forged++;
      },
    });
    try {
      await session.subscribe([topicOf(site, node, 'info')]);
      const until = Date.now() + wait_s * 1000;
      const come = async (): Promise<void> => {
        while (!info && Date.now() < until && !ended.aborted && session.endedBy === undefined)
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      };
      await output.waiting(`waiting for ${pin.name ?? node} to say who it is`, come());
      if (!info && session.endedBy !== undefined) throw new Failure('unreachable', `${broker.url}: ${session.endedBy}`);
    } finally {
      await session.close();
    }
    if (!info) throw silence(pin, wait_s, forged);
    await changePins(home, (pins) => {
      const { code_expires_at: _, ...joined } = pins.get(node) ?? pin;
      pins.set(node, joined);
    });
    output.print(
      ...formatFields(
        [
          ['node', node],
          ['site', site],
          ['name', info.name],
          ['model', info.model],
          ['version', info.version],
          ['may order', info.cap],
        ],
        output.terminal,
      ),
      '',
      'it has joined; meshctl show tells all that it says',
    );
    output.result({ node, site, joined: true, info });
  },
};

function silence(pin: Pin, wait_s: number, forged: number): Failure {
  if (forged > 0)
    return new Failure(
      'untrusted',
      `${pin.node}: what is published in its name is not signed by the key of its card`,
      'The broker or somebody at it interferes, or the router has a new key: ask its owner for a new card.',
    );
  const until = pin.code_expires_at;
  const late = until !== undefined && until < Date.now() / 1000;
  return new Failure(
    'silent',
    `${pin.node}: it did not come within ${wait_s} s`,
    late
      ? `Its code counted until ${formatTime(until)}: make another with meshctl enroll new.`
      : 'Has its owner pasted the code, and does the broker have its password line and access list?',
  );
}
