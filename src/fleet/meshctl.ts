// meshctl as one table of commands: finds the one that is meant, runs it, and turns how it ended into an exit code.

import { version } from '../../package.json';
import { ACCESS } from './command/access.ts';
import { BROKER } from './command/broker.ts';
import { CLIENT } from './command/client.ts';
import { DESK } from './command/desk.ts';
import { DO } from './command/do.ts';
import { DOCTOR } from './command/doctor.ts';
import { ENROLL } from './command/enroll.ts';
import { FINISH } from './command/finish.ts';
import { GATEWAY } from './command/gateway.ts';
import { GROUP } from './command/group.ts';
import { IMPORT } from './command/import.ts';
import { INVITE } from './command/invite.ts';
import { KEYS } from './command/keys.ts';
import { LEASE } from './command/lease.ts';
import { NODES } from './command/nodes.ts';
import { REMOVE } from './command/remove.ts';
import { REPORT } from './command/report.ts';
import { SHOW } from './command/show.ts';
import { WANT } from './command/want.ts';
import { WATCH } from './command/watch.ts';
import { type Command, type Context, findCommand, formatHelp, formatOverview, parseWords } from './command.ts';
import { EXITS, toFailure } from './failure.ts';
import { defaultHome, Home } from './home.ts';
import { Output, type OutputStreams } from './output.ts';
import type { Prompt } from './prompt.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...BROKER,
  ...KEYS,
  ...ENROLL,
  FINISH,
  ...ACCESS,
  ...REMOVE,
  NODES,
  SHOW,
  WATCH,
  DO,
  LEASE,
  ...WANT,
  ...CLIENT,
  ...GATEWAY,
  ...GROUP,
  ...INVITE,
  ...REPORT,
  DESK,
  DOCTOR,
  IMPORT,
];

/** What people call for help by. */
const HELP = ['help', '--help', '-h'];

/** What surrounds a run. */
export interface Surroundings extends Pick<Context, 'env' | 'ended'> {
  streams: OutputStreams;
  prompt: Prompt;
}

/** Runs one command line. Never rejects. @returns the exit code. */
export async function meshctl(
  words: readonly string[],
  { streams, prompt, env, ended }: Surroundings,
): Promise<number> {
  const output = new Output(streams, words.includes('--json'));
  try {
    const [first, ...others] = words;
    if (first === '--version') streams.out(`meshctl ${version}\n`);
    else if (first === undefined || HELP.includes(first)) streams.out(helpOf(others.filter((word) => word[0] !== '-')));
    else {
      const found = findCommand(COMMANDS, words);
      if ('group' in found) streams.out(formatOverview(COMMANDS, found.group));
      else {
        const { command, rest } = found;
        const { args, options } = parseWords(command, rest);
        if (options.flag('help')) streams.out(formatHelp(command));
        else {
          const home = new Home(options.text('home') ?? defaultHome(env));
          await command.run({ args, options, output, home, prompt, env, ended });
        }
      }
    }
    return EXITS.ok;
  } catch (error) {
    const failure = toFailure(error);
    output.fail(failure);
    return EXITS[failure.ending];
  }
}

/** The help of the command that words begin with; of all, when there are none. */
function helpOf(words: readonly string[]): string {
  if (words.length === 0) return formatOverview(COMMANDS);
  const found = findCommand(COMMANDS, words);
  return 'group' in found ? formatOverview(COMMANDS, found.group) : formatHelp(found.command);
}
