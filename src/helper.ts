// The helper's entry: the second program of the executable, for what takes root and for `--check`. It does one thing and ends.

import native from 'native';
import { check } from './check.ts';
import { createHost } from './host/host.ts';

check(createHost(native));
