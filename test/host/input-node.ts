// `tellInput` as a program for Node.

import { createNodeNative } from '../../src/host/node/native.ts';
import { tellInput } from './input-guest.ts';

await tellInput(createNodeNative());
