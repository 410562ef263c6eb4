// `tellInput` as a program for the C host.

import native from 'native';
import { tellInput } from './input-guest.ts';

await tellInput(native);
