// All objects on ubus, for those who look at all of them: pages, access lists and tests. The daemon does without, for it brings some late.

import { CLIENT_METHODS } from './client-object.ts';
import { LEASE_METHODS } from './lease-object.ts';
import { MESHBRIDGE_METHODS, YGGDRASIL_METHODS } from './objects.ts';

/** By path. */
export const OBJECTS = {
  yggdrasil: YGGDRASIL_METHODS,
  meshbridge: MESHBRIDGE_METHODS,
  'meshbridge.lease': LEASE_METHODS,
  'meshbridge.client': CLIENT_METHODS,
} as const;
