// The test of a home's way to the Internet, step by step: what each step says of what it saw, and of what it expected.

import type { TestStatus } from '../api/lease-object.ts';
import type { Values } from '../api/model.ts';
import { fillWords, shown } from '../lib/words.ts';

/** Steps in their order. */
export const TEST_STEPS = ['gateway', 'tunnel', 'exit4', 'exit6', 'dns', 'mtu', 'down', 'up'] as const;
export type TestStepName = (typeof TEST_STEPS)[number];

/** What came of a step; `bad` ends what rests on it. */
export type StepState = 'waiting' | 'running' | 'good' | 'bad' | 'skipped';

const NO_TUNNEL = 'Not looked at: there is no tunnel to a gateway.';
const BROKEN = 'Not looked at: the tunnel does not carry.';
const NO_ADDRESS = 'Not looked at: the gateway gave no address of this kind.';
const NO_SPEED = 'Not measured: the gateway does not offer it ({problem}).';
const SMALL = 'Not measured: packets of full size do not come through.';

/** By step and outcome. */
const WORDS = {
  gateway: {
    waiting: 'The gateway, by its address in the mesh',
    good: 'The gateway {gateway} answers by its address in the mesh, in {ms} ms.',
    bad: 'The gateway {gateway} does not answer by its address in the mesh, {address}: {problem}.',
  },
  tunnel: {
    waiting: 'The tunnel to the gateway',
    good: 'The tunnel ({kind}) carries: its other end answers in {ms} ms.',
    bad: 'The tunnel ({kind}) does not carry: from {address} its other end was asked three times, and no answer came.',
    no_tunnel: NO_TUNNEL,
  },
  exit4: {
    waiting: 'The Internet by IPv4',
    good: 'The Internet is reached by IPv4: {host} answers {address} in {ms} ms.',
    bad: 'The Internet is not reached by IPv4: {host} was expected to answer {address}, and did not ({problem}).',
    no_tunnel: NO_TUNNEL,
    broken: BROKEN,
    no_address: NO_ADDRESS,
    no_host: 'Not looked at: the gateway names no host to try.',
  },
  exit6: {
    waiting: 'The Internet by IPv6',
    good: 'The Internet is reached by IPv6: {host} answers {address} in {ms} ms.',
    bad: 'The Internet is not reached by IPv6: {host} was expected to answer {address}, and did not ({problem}).',
    no_tunnel: NO_TUNNEL,
    broken: BROKEN,
    no_address: NO_ADDRESS,
    no_host: 'Not looked at: the gateway names no host to try.',
  },
  dns: {
    waiting: 'Names',
    good: 'The name server {server} finds {name} through the tunnel, in {ms} ms.',
    bad: 'The name server {server} was asked for {name} through the tunnel, and an address was expected: {problem}.',
    no_tunnel: NO_TUNNEL,
    broken: BROKEN,
    no_server: 'Not looked at: the gateway names no name server.',
  },
  mtu: {
    waiting: 'The size of packets (MTU)',
    good: 'Packets of full size, {mtu} bytes, come through in both directions.',
    bad: 'Packets of full size, {mtu} bytes, do not come through ({problem}); small ones do.',
    no_tunnel: NO_TUNNEL,
    broken: BROKEN,
    no_speed: NO_SPEED,
  },
  down: {
    waiting: 'The speed from the gateway',
    good: '{rate} Mbit/s from the gateway.',
    bad: 'The speed from the gateway was not measured: {problem}.',
    no_tunnel: NO_TUNNEL,
    broken: BROKEN,
    no_speed: NO_SPEED,
    small: SMALL,
  },
  up: {
    waiting: 'The speed to the gateway',
    good: '{rate} Mbit/s to the gateway.',
    bad: 'The speed to the gateway was not measured: {problem}.',
    no_tunnel: NO_TUNNEL,
    broken: BROKEN,
    no_speed: NO_SPEED,
    small: SMALL,
  },
} as const satisfies Record<TestStepName, Record<string, string>>;

/** Why a step was not looked at. */
export type SkipReason = 'no_tunnel' | 'broken' | 'no_address' | 'no_host' | 'no_server' | 'no_speed' | 'small';

/** One step; values are cleaned when they are put into words. */
export interface TestStep {
  readonly name: TestStepName;
  state: StepState;
  skipped?: SkipReason;
  /** 0 to 1. */
  share?: number;
  values: Values;
}

/** All steps, of which none has begun. */
export function newSteps(): TestStep[] {
  return TEST_STEPS.map((name) => ({ name, state: 'waiting', values: {} }));
}

/** A step as it is shown. */
export function describeStep({ name, state, skipped, share, values }: TestStep): TestStatus['steps'][number] {
  const texts: Record<string, string> = WORDS[name];
  const words = texts[state === 'skipped' ? skipped! : state] ?? texts.waiting!;
  const shownValues: Values = {};
  for (const [key, value] of Object.entries(values))
    shownValues[key] = typeof value === 'string' ? shown(value) || '–' : value;
  return {
    id: name,
    state,
    sentence: fillWords(words, shownValues),
    words: { sentence: words },
    values: shownValues,
    ...(share !== undefined && { done_percent: Math.floor(100 * share) }),
  };
}

/** Every text that `describeStep` gives, for those who translate. */
export function selfTestTexts(): string[] {
  return [...new Set(Object.values(WORDS).flatMap((texts) => Object.values<string>(texts)))];
}
