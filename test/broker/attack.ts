// One attack on a router by its broker, or by somebody else by way of it, and what several of them need.

import { type Answer, obey } from '../support/scripted-broker.ts';
import { OPERATOR, STRANGER } from '../support/signed.ts';
import type { Scene } from './hostile-scene.ts';

/** One attack. */
export interface Attack {
  what: string;
  run(scene: Scene): Promise<unknown> | unknown;
  /** What the router says that it did. */
  did: RegExp;
  /** The connection ends by it: the next attack gets a new one. */
  ends?: boolean;
}

/** Signs as somebody else. */
export const FORGER = { key: OPERATOR.key, sign: (bytes: Uint8Array) => STRANGER.sign(bytes) };

/** As `obey`, but for one kind of packet. */
export function but(
  type: number,
  bytes: (packet: Parameters<Answer>[0], version: 4 | 5) => Uint8Array | undefined,
): Answer {
  return (packet, connection) => (packet.type === type ? bytes(packet, connection.version) : obey(packet, connection));
}

/** Has the router connect to a broker that answers so. */
export async function anew(scene: Scene, answer: Answer): Promise<void> {
  scene.broker.answer = answer;
  await scene.again();
}
