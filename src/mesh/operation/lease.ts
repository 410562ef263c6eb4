// Operations on this home's lease: its way to the Internet through a gateway.

import type { GatewayView } from '../../api/lease-object.ts';
import { maybe, text, whole } from '../argument.ts';
import { LET_OUT_SECONDS, TRIAL_SECONDS } from '../home.ts';
import type { LeaseCommand, LeaseDesk } from '../lease-desk.ts';
import { type Operations, operation } from '../operation.ts';
import { pageOf } from '../page.ts';

/** Of an answer, what a list may take. */
const ROOM = 3400;
const MAX_NAME = 64;
/** Characters of what a gateway says of itself. */
const MAX_TEXT = 64;
/** Fields of a gateway that are told. */
const GATEWAY_FIELDS = [
  'name',
  'address',
  'state',
  'role',
  'chosen',
  'preference',
  'problem',
  'latency_ms',
  'load_percent',
  'clients',
  'max_clients',
  'country',
  'operator',
  'admission',
] as const satisfies readonly (keyof GatewayView)[];

/** The operations on a lease. @param desk throws InputError where there is none. */
export function leaseOperations(desk: () => LeaseDesk): Operations {
  const does = async (command: LeaseCommand): Promise<{ message: string }> => ({
    message: await desk().command(command),
  });
  const plain = (kind: 'confirm' | 'undo' | 'release' | 'ask', scope: 'operate' | 'configure') =>
    operation({ scope, isSlow: true, args: {}, run: () => does({ kind }) });
  return {
    lease_status: operation({
      scope: 'observe',
      args: {},
      run() {
        const { words: _, values: __, ...status } = desk().status();
        return status;
      },
    }),
    lease_gateways: operation({
      scope: 'observe',
      isSlow: true,
      args: { from: maybe(whole(0, 100)) },
      async run({ from = 0 }) {
        const { items, next } = pageOf((await desk().gateways()).map(short), from, ROOM);
        return { gateways: items, next };
      },
    }),
    lease_test: operation({ scope: 'diagnose', isSlow: true, args: {}, run: () => does({ kind: 'test' }) }),
    lease_test_status: operation({
      scope: 'observe',
      args: {},
      run() {
        const { steps, ...status } = desk().testStatus();
        return { ...status, steps: steps.map(({ id, state, sentence }) => ({ id, state, sentence })) };
      },
    }),
    lease_connect: operation({
      scope: 'operate',
      isSlow: true,
      args: { gateway: maybe(text(MAX_NAME)), seconds: maybe(whole(TRIAL_SECONDS.least, TRIAL_SECONDS.most)) },
      run: ({ gateway, seconds }) =>
        does({ kind: 'connect', ...(gateway !== undefined && { gateway }), ...(seconds !== undefined && { seconds }) }),
    }),
    lease_choose: operation({
      scope: 'operate',
      isSlow: true,
      args: { gateway: maybe(text(MAX_NAME)) },
      run: ({ gateway = '' }) => does({ kind: 'choose', gateway }),
    }),
    lease_let_out: operation({
      scope: 'operate',
      isSlow: true,
      args: { seconds: whole(0, LET_OUT_SECONDS.most) },
      run: ({ seconds }) => does({ kind: 'let_out', seconds }),
    }),
    lease_undo: plain('undo', 'operate'),
    lease_ask: plain('ask', 'operate'),
    // what lasts
    lease_confirm: plain('confirm', 'configure'),
    lease_release: plain('release', 'configure'),
  };
}

function short(gateway: GatewayView): Partial<GatewayView> {
  const told = GATEWAY_FIELDS.flatMap((field): [string, unknown][] => {
    const value = gateway[field];
    if (value === undefined) return [];
    return [[field, typeof value === 'string' ? value.slice(0, MAX_TEXT) : value]];
  });
  return Object.fromEntries(told);
}
