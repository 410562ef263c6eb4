// Reads the members of a JSON object that a stranger wrote: one by one, each with its bounds; what is not asked for is not looked at.

import { WireError } from '../errors.ts';
import { replaceInvisible } from './text.ts';

/** One JSON object. Every method throws WireError `what.name: expected …` on what does not do; null counts as absent. */
export class JsonFields {
  private readonly members: Readonly<Record<string, unknown>>;

  /** @param what what it is, for errors. @throws WireError when it is no object. */
  constructor(
    private readonly what: string,
    value: unknown,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.fault('', 'an object');
    this.members = value as Readonly<Record<string, unknown>>;
  }

  /** Whether there is such a member. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** A text for people: what does not show becomes a dot. @param normal what counts without it; without that it must be there. */
  text(name: string, most: number, normal?: string): string {
    const value = this.get(name) ?? normal;
    if (typeof value !== 'string' || value.length > most)
      throw this.fault(name, `a text of at most ${most} characters`);
    return replaceInvisible(value, '·');
  }

  /** A text of a form. */
  match(name: string, form: RegExp, takes: string): string {
    const value = this.get(name);
    if (typeof value !== 'string' || !form.test(value)) throw this.fault(name, takes);
    return value;
  }

  /** What `read` makes of a text. */
  read<V>(name: string, read: (text: string) => V | undefined, takes: string): V {
    const value = this.get(name);
    const result = typeof value === 'string' ? read(value) : undefined;
    if (result === undefined) throw this.fault(name, takes);
    return result;
  }

  /** A whole number. @param normal as with `text`. */
  whole(name: string, least: number, most: number, normal?: number): number {
    const value = this.get(name) ?? normal;
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
      throw this.fault(name, `a whole number from ${least} to ${most}`);
    return value as number;
  }

  /** True or false. @param normal as with `text`. */
  flag(name: string, normal?: boolean): boolean {
    const value = this.get(name) ?? normal;
    if (typeof value !== 'boolean') throw this.fault(name, 'true or false');
    return value;
  }

  /** A list, empty where there is none; `read` gives `undefined` for an item that is to be left out. */
  list<V>(name: string, most: number, read: (item: unknown) => V | undefined): V[] {
    const value = this.get(name) ?? [];
    if (!Array.isArray(value) || value.length > most) throw this.fault(name, `a list of at most ${most}`);
    return value.map(read).filter((item) => item !== undefined);
  }

  /** An object within it. */
  fields(name: string): JsonFields {
    return new JsonFields(`${this.what}.${name}`, this.get(name));
  }

  fault(name: string, takes: string): WireError {
    return new WireError(`${name === '' ? this.what : `${this.what}.${name}`}: expected ${takes}`);
  }

  private get(name: string): unknown {
    return Object.hasOwn(this.members, name) ? (this.members[name] ?? undefined) : undefined;
  }
}

/** Some of known words, in their order, each once; others are left out, for they may be of times to come. */
export function knownWords<const V extends string>(known: readonly V[]): (item: unknown) => V | undefined {
  return (item) => known.find((one) => one === item);
}
