// What a home's lease says to people: of each situation what is so, and the very next step. `{name}` is a value.

import type { Values } from '../api/model.ts';
import { fillWords, shown } from '../lib/words.ts';
import type { Situation } from './home-situation.ts';

/** What is so, and what to do; empty when there is nothing to do. */
type HomeWords = readonly [sentence: string, fix: string];

const ON_OFF = 'While no gateway serves, nothing goes out: that is how it is meant.';
const OWN_LINE = 'Mesh → Internet lets you out by your own line for a while.';
const WAIT = 'Wait: it asks again by itself.';
const ASK = 'Ask the operator of {gateway}; Mesh → Internet shows how.';
const OTHER = 'Choose another gateway under Mesh → Internet.';
const NOT_BEGUN = 'Nothing was changed.';
const NAME_ONE = 'Name a gateway under Mesh → Internet.';

/** Why no gateway serves: what is so, and what to do about it. */
const TROUBLES = {
  no_gateway: ['No gateway is named.', NAME_ONE],
  no_mesh: ['The mesh is not reached: Yggdrasil does not answer.', 'Look at Mesh → Overview, which says why.'],
  machine: ['This router could not do what it was told: {problem}.', WAIT],
  unreachable: ['The gateway {gateway} does not answer: {problem}.', WAIT],
  asking: ['The gateways are being asked.', WAIT],
  suspended: ['The operator of {gateway} has suspended this home: {reason}.', ASK],
  refused: ['The operator of {gateway} refuses this home: {reason}.', ASK],
  closed: ['The gateway {gateway} takes no new homes.', OTHER],
  no_kind: ['The gateway {gateway} and this router know no kind of tunnel in common: {reason}.', OTHER],
  asks_for: [
    'The operator of {gateway} wants to know something of you: {missing}.',
    'Fill it in under Mesh → Internet, or choose another gateway.',
  ],
  too_often: ['The gateway {gateway} was asked too often.', WAIT],
  full: ['The gateway {gateway} is full.', OTHER],
  queue_full: ['Too many homes wait for the operator of {gateway} already.', OTHER],
  draining: ['The gateway {gateway} is about to stop: {reason}.', OTHER],
  busy: ['The gateway {gateway} is busy.', WAIT],
  no_lease: ['The gateway {gateway} has forgotten this home.', WAIT],
  other_key: [
    'The gateway {gateway} takes this router for another one.',
    'Restart Yggdrasil, and look at Mesh → Settings.',
  ],
  not_a_node: ['The gateway {gateway} does not take this router for a node of the mesh.', ASK],
  malformed: ['The gateway {gateway} does not understand this router: {reason}.', OTHER],
  unknown: [
    'At the address of {gateway} there is no gateway.',
    'Compare its address and port with what its operator gave you.',
  ],
} as const satisfies Record<string, HomeWords>;

/** By id. */
const SITUATIONS: Readonly<Record<string, HomeWords>> = {
  off: ['The Internet is reached by the own line.', ''],
  undone: ['The trial was taken back: the Internet is reached by the own line.', ''],
  trial_over: [
    'Nobody confirmed the trial, so it was undone: the Internet is reached by the own line.',
    'Try again, and confirm it before its time is over.',
  ],
  undoing: ['What was changed is being undone.', 'Wait a moment.'],
  admitted: ['The operator of {gateway} has let this home in.', 'Switch it on again under Mesh → Internet.'],
  asking: ['The gateways are being asked.', ''],
  preparing: ['The tunnel to {gateway} is being made.', ''],
  waiting: [
    'The operator of {gateway} has not decided yet: this home is number {place} of {of} that wait.',
    'Ask the operator: {ask}.',
  ],
  trial: [
    'On trial: everything goes through {gateway}, and is undone in {left} seconds.',
    'Try a few pages, and press Confirm.',
  ],
  up: ['Everything that leaves the mesh goes through {gateway}.', ''],
  access_ends: [
    'Everything that leaves the mesh goes through {gateway}, but this home is let in for {hours} more hours only.',
    ASK,
  ],
  slowed: [
    "This month's volume at {gateway} is used up: it goes on slowly until the next month begins.",
    'Ask its operator for more, or choose another gateway under Mesh → Internet.',
  ],
  near_slow: [
    "Everything that leaves the mesh goes through {gateway}; {percent} % of this month's volume are used, and without any left it is slow.",
    '',
  ],
  near_stop: [
    "Everything that leaves the mesh goes through {gateway}; {percent} % of this month's volume are used, and without any left nothing goes through.",
    '',
  ],
  suspect: ['The gateway {gateway} does not answer for a moment; another one is being prepared.', 'Wait a moment.'],
  offline: ['The gateway {gateway} does not reach the Internet itself.', WAIT],
  draining: [
    'The gateway {gateway} is about to stop: {reason}.',
    'Name another gateway, so that there is one to move to.',
  ],
  renewing: ['The gateway {gateway} carries packets, but does not renew the lease.', WAIT],
  no_exit: ['The Internet was not reached through {gateway} when that was last tested.', OTHER],
  no_ipv6: ['Through {gateway} the Internet is reached by IPv4, not by IPv6.', ''],
  let_out: [
    'Devices go out by the own line, past the gateways, for {left} more seconds.',
    'Mesh → Internet ends that.',
  ],
};

/** The words of a situation. */
function wordsOf({ state, id }: Situation): HomeWords {
  if (state === 'blocked' && id in TROUBLES) {
    const [sentence, fix] = TROUBLES[id as keyof typeof TROUBLES];
    return [`${sentence} ${ON_OFF}`, `${fix} ${OWN_LINE}`];
  }
  const known = SITUATIONS[id] ?? TROUBLES[id as keyof typeof TROUBLES];
  if (known) return known;
  const trouble = TROUBLES[id.replace(/^trial_/, '') as keyof typeof TROUBLES];
  return trouble ? [`${trouble[0]} ${NOT_BEGUN}`, trouble[1] === WAIT ? 'Try again later.' : trouble[1]] : [id, ''];
}

/** A situation in words: filled in, and as templates with their values, for pages in other languages. */
export function describe(situation: Situation): {
  sentence: string;
  fix: string;
  words: { sentence: string; fix: string };
  values: Values;
} {
  const [sentence, fix] = wordsOf(situation);
  const values: Values = {};
  for (const [name, value] of Object.entries(situation.values)) {
    // who says nothing says it so
    values[name] = typeof value === 'number' ? value : shown(value) || '–';
  }
  return {
    sentence: fillWords(sentence, values),
    fix: fillWords(fix, values),
    words: { sentence, fix },
    values,
  };
}

/** Every text that `describe` gives, for those who translate. */
export function homeTexts(): string[] {
  const states: [Situation['state'], string[]][] = [
    ['up', Object.keys(SITUATIONS)],
    ['asking', Object.keys(TROUBLES)],
    ['blocked', Object.keys(TROUBLES)],
    ['idle', Object.keys(TROUBLES).map((id) => `trial_${id}`)],
  ];
  const all = states.flatMap(([state, ids]) => ids.flatMap((id) => wordsOf({ state, id, values: {} })));
  return [...new Set(all.filter((text) => text !== ''))];
}
