// Which machine a suite runs on: the engine has no compiler to machine code, so what repeats itself a lot repeats itself less there.

import native from 'native';

/** On the router's engine, not on Node. */
export const isEngine = !('dispose' in native);
