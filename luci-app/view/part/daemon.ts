// The ubus methods that pages call, typed by the contract.

import rpc from 'luci:rpc';
import type { OBJECTS } from '../../../src/api/contract.ts';
import type { HELPER_METHODS } from '../../../src/api/helper.ts';
import type { Shape } from '../../../src/api/model.ts';
import { refusalOf } from './refusal.ts';

type Objects = typeof OBJECTS & { 'meshbridge.helper': typeof HELPER_METHODS };
type Contract<O extends keyof Objects, M extends keyof Objects[O]> = Objects[O][M] extends {
  args: infer A;
  reply: infer R;
}
  ? { args: A; reply: R }
  : never;
/** What a method answers. */
export type Reply<O extends keyof Objects, M extends keyof Objects[O]> = Shape<Contract<O, M>['reply']>;
type Arguments<O extends keyof Objects, M extends keyof Objects[O]> = Shape<Contract<O, M>['args']>;
type Call<A, R> = (args: A) => Promise<R>;

rpc.addInterceptor(async ({ result }, { object }) => {
  const refusal = /^(yggdrasil|meshbridge)/.test(object) ? refusalOf(object, result) : undefined;
  if (refusal) throw refusal;
});

/**
 * One method as a function of one table of arguments.
 * @param alone sends it in a request of its own, where it may take long: the others of the same moment must not wait for it.
 */
export function method<O extends keyof Objects, M extends keyof Objects[O] & string>(
  object: O,
  name: M,
  params: readonly (keyof Arguments<O, M> & string)[] = [],
  alone?: true,
): Call<Arguments<O, M>, Reply<O, M>> {
  const call = rpc.declare<unknown[], Reply<O, M>>({
    object,
    method: name,
    params,
    reject: true,
    ...(alone && { nobatch: true as const }),
  });
  return (args) => call(...params.map((param) => (args as Record<string, unknown>)[param]));
}

/** What the daemon says of itself, and the short of each Yggdrasil interface. */
export type Status = Reply<'meshbridge', 'status'>;

export const readStatus = method('meshbridge', 'status');

/** On its own, for it runs a program on the router: the status must not wait for that. */
export const readFindings = method('meshbridge', 'lint', [], true);

/** On its own, for the node may be far away. */
export const readNodeInfo = method('yggdrasil', 'node_info', ['key'], true);
