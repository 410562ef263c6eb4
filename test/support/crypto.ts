// Hashes and signatures of the machine that a suite runs on.

import native from 'native';
import { createCrypto } from '../../src/host/host.ts';
import type { Crypto } from '../../src/transport/host.ts';

export const crypto: Crypto = createCrypto(native);
