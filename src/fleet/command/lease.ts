// `meshctl lease`: how a home reaches the Internet, and what is to become of that, by signed commands.

import { InputError } from '../../errors.ts';
import type { Command } from '../command.ts';
import { clean, toJson } from '../display.ts';
import { haveDone } from './do.ts';
import { KEY_OPTION } from './keys.ts';

/** What may be wanted, and what each takes behind it. */
const WANTS = {
  status: { op: 'lease_status' },
  gateways: { op: 'lease_gateways' },
  connect: { op: 'lease_connect', takes: 'gateway', isOptional: true },
  confirm: { op: 'lease_confirm' },
  undo: { op: 'lease_undo' },
  choose: { op: 'lease_choose', takes: 'gateway', isOptional: true },
  release: { op: 'lease_release' },
  'let-out': { op: 'lease_let_out', takes: 'seconds' },
  ask: { op: 'lease_ask' },
  test: { op: 'lease_test' },
  'test-status': { op: 'lease_test_status' },
} as const satisfies Record<string, { op: string; takes?: 'gateway' | 'seconds'; isOptional?: true }>;

export const LEASE: Command = {
  words: 'lease',
  summary: "a home's way to the Internet through a gateway: how it is, and change it",
  args: 'NODE [WHAT [GATEWAY|SECONDS]]',
  takes: [1, 3],
  options: {
    wait: { takes: 'SECONDS', help: 'for its last answer: 2 to 900 (60)' },
    ...KEY_OPTION,
  },
  details: `WHAT is one of
  status              how it is (the usual)
  gateways            those that it knows, and what they say of themselves
  connect [GATEWAY]   begins a trial, which undoes itself unless it is confirmed
  confirm, undo       keeps or ends the trial
  choose [GATEWAY]    prefers one until the daemon restarts; without one, none
  let-out SECONDS     lets its devices out by their own line; 0 ends that
  ask                 has all gateways asked again
  release             switches it off: the own line serves again
  test, test-status   tests the way step by step, and what came of that
status, gateways and test-status take a key that may observe, test one that may diagnose, confirm and release
one that may configure, all others one that may operate; and the home has to allow as much.`,
  async run(context) {
    const [name, what = 'status', value] = context.args as [string, string?, string?];
    if (!Object.hasOwn(WANTS, what))
      throw new InputError(`${JSON.stringify(what)}: expected one of ${Object.keys(WANTS).join(', ')}`);
    const want: { op: string; takes?: 'gateway' | 'seconds'; isOptional?: true } = WANTS[what as keyof typeof WANTS];
    await haveDone(context, name, want.op, argumentOf(what, want, value), show);
  },
};

/** @throws InputError where there is one too many or too few, or no number. */
function argumentOf(
  what: string,
  { takes, isOptional }: { takes?: 'gateway' | 'seconds'; isOptional?: true },
  value: string | undefined,
): Record<string, unknown> {
  if (value === undefined) {
    if (takes !== undefined && !isOptional) throw new InputError(`${what}: expected ${takes} behind it`);
    return {};
  }
  if (takes === undefined) throw new InputError(`${what}: expected nothing behind it, got ${JSON.stringify(value)}`);
  if (takes === 'gateway') return { gateway: value };
  if (!/^\d{1,6}$/.test(value)) throw new InputError(`seconds: expected a whole number, got ${JSON.stringify(value)}`);
  return { seconds: Number(value) };
}

/** Sentences first, as far as there are some; the rest as JSON. */
function show(out: unknown): string {
  if (typeof out !== 'object' || out === null) return toJson(out, 2);
  const { sentence, fix, steps, message, ...rest } = out as Record<string, unknown>;
  const said = [sentence, fix, message].filter((text) => typeof text === 'string' && text !== '').map(String);
  const list = Array.isArray(steps) ? steps : [];
  const tested = list.map(
    (step: { state?: unknown; sentence?: unknown } | null) => `${String(step?.state)}: ${String(step?.sentence)}`,
  );
  const more = Object.keys(rest).length > 0 ? [toJson(rest, 2)] : [];
  return [...[...said, ...tested].map((text) => clean(text)), ...more].join('\n');
}
