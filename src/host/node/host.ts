// The port on Node, for programs of developers and for tests.

import type { Host } from '../../transport/host.ts';
import { createHost } from '../host.ts';
import { createNodeNative, type NodeNativeOptions } from './native.ts';

/** A host of this process; `exit` closes all that it opened. */
export function nodeHost(options?: NodeNativeOptions): Host {
  return createHost(createNodeNative(options));
}
