// The command line of `ubus`: its options, in the syntax of getopt, and its usage.

/** What the options say. */
export interface Options {
  socket?: string;
  /** Seconds; 0: no limit. */
  timeoutS: number;
  /** Seconds that `listen` and `subscribe` last; 0: until interrupted. */
  listenS: number;
  simple: boolean;
  verbose: boolean;
  /** Message types that `monitor` shows; empty: all. */
  types: Set<number>;
  /** True: what the broker sends; false: what it receives. */
  direction?: boolean;
}

/** Options and what is left, or why they do not do (empty: nothing to add to the usage). */
export type Parsed = { options: Options; rest: string[] } | { error: string };

/** Names of message types, by number. */
export const MONITOR_TYPES = [
  'hello',
  'status',
  'data',
  'ping',
  'lookup',
  'invoke',
  'add_object',
  'remove_object',
  'subscribe',
  'unsubscribe',
  'notify',
] as const;

/** The syntax, for people. */
export const USAGE = `Usage: ubus [options] command [arguments]
Options:
 -s SOCKET   connect to this unix socket
 -t SECONDS  give up after this time (default: 30; 0: never)
 -S          terse output, for scripts
 -v          more output
 -m TYPE     monitor: show this message type only (may be repeated)
 -M r|t      monitor: show only what the broker receives, or transmits

Commands:
 list [PATH]                     objects; a * at the end stands for any end
 call PATH METHOD [JSON]         call a method of an object
 subscribe PATH [PATH...]        print the notifications of objects
 listen [PATTERN...]             print events
 send EVENT [JSON]               send an event
 wait_for PATH [PATH...]         wait until these objects are there
 monitor                         print all traffic

`;

const WITH_VALUE = 'stmM';
const FLAGS = 'Sv';

/** Options may stand anywhere before a `--`. */
export function parseOptions(args: readonly string[]): Parsed {
  const options: Options = { timeoutS: 30, listenS: 0, simple: false, verbose: false, types: new Set() };
  const rest: string[] = [];
  const queue = [...args];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') return { options, rest: [...rest, ...queue] };
    if (!word.startsWith('-') || word === '-') {
      rest.push(word);
      continue;
    }
    for (let i = 1; i < word.length; i++) {
      const letter = word[i]!;
      if (!WITH_VALUE.includes(letter) && !FLAGS.includes(letter))
        return { error: `ubus: invalid option -- '${letter}'\n` };
      if (FLAGS.includes(letter)) {
        if (letter === 'S') options.simple = true;
        else options.verbose = true;
        continue;
      }
      const value = word.slice(i + 1) || queue.shift();
      if (value === undefined) return { error: `ubus: option requires an argument -- '${letter}'\n` };
      if (!apply(options, letter, value)) return { error: '' };
      break;
    }
  }
  return { options, rest };
}

function apply(options: Options, letter: string, value: string): boolean {
  if (letter === 's') options.socket = value;
  else if (letter === 't') {
    const seconds = Math.max(0, Number.parseInt(value, 10) || 0);
    options.timeoutS = seconds;
    options.listenS = seconds;
  } else if (letter === 'm') {
    const type = (MONITOR_TYPES as readonly string[]).indexOf(value);
    if (type < 0) return false;
    options.types.add(type);
  } else {
    if (value[0] !== 'r' && value[0] !== 't') return false;
    options.direction = value[0] === 't';
  }
  return true;
}
