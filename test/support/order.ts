// The command that an operation of a test is done for.

import type { Order } from '../../src/mesh/operation.ts';

/** One of which nothing is told. */
export const ORDER: Order = { payload: '', by: 'operator', progress() {}, part: async () => true };
