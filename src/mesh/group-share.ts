// What a gateway shares with the other gateways of its operator.

import type { SharedHomes } from './shared-homes.ts';
import type { SharedUse } from './shared-use.ts';

/** Of one gateway, while it runs. */
export interface GroupShare {
  readonly homes: SharedHomes;
  readonly use: SharedUse;
}
