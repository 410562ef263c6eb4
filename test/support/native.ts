// The module `native` of suites that run on Node.

import { createNodeNative } from '../../src/host/node/native.ts';

export default createNodeNative();
