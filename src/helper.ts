// The helper's entry: the second program of the executable, for what takes root and for `--check`. It does one thing and ends.

import native from 'native';
import { createHost } from './host/host.ts';
import { readInput } from './host/input.ts';
import { main } from './verb.ts';

void main(createHost(native), (maxBytes) => readInput(native, maxBytes));
