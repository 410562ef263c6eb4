// An argument of a verb that is JSON: read, and judged by whoever knows what it means.

import { errorText, InputError } from '../errors.ts';

/** What `take` makes of a text of JSON. @throws InputError of the argument `name` */
export function readJson<T>(name: string, text: string, take: (json: unknown) => T): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InputError(`${name}: expected JSON`, name);
  }
  try {
    return take(json);
  } catch (cause) {
    throw new InputError(errorText(cause), name, { cause });
  }
}
