// The desired state's way to root, on the daemon's side: verbs of the helper.

import type { DesiredRoot } from '../mesh/probation.ts';
import type { HelperCaller } from './helper.ts';

/** What root does for the desired state, by its helper. */
export function desiredRoot(helper: HelperCaller): DesiredRoot {
  return {
    read: () => helper.call('desired_read', {}),
    apply: (payload, kind) => helper.call('desired_apply', { payload, kind }),
    confirm: (id) => helper.call('desired_confirm', { id }),
    undo: (id, why) => helper.call('desired_undo', { id, why }),
  };
}
