// The daemon's ubus methods that pages call, typed by the contract.

import rpc from 'luci:rpc';
import type { Shape } from '../../../src/api/model.ts';
import type { OBJECTS } from '../../../src/api/objects.ts';

type Objects = typeof OBJECTS;
type Reply<O extends keyof Objects, M extends keyof Objects[O]> = Objects[O][M] extends { reply: infer R }
  ? Shape<R>
  : never;

/** What the daemon says of itself, and the short of each Yggdrasil interface. */
export type Status = Reply<'meshbridge', 'status'>;

export const readStatus = rpc.declare<[], Status>({ object: 'meshbridge', method: 'status', reject: true });

/** On its own, for it runs a program on the router: the status must not wait for that. */
export const readFindings = rpc.declare<[], Reply<'meshbridge', 'lint'>>({
  object: 'meshbridge',
  method: 'lint',
  reject: true,
  nobatch: true,
});
