// Honesty: any use of what this stand-in does not have throws.

/** An object whose missing properties cannot be read. */
export function strict<T extends object>(name: string, target: T): T {
  return new Proxy(target, {
    get(object, key) {
      if (key in object || typeof key === 'symbol') return Reflect.get(object, key);
      // what is awaited is asked for it
      if (key === 'then') return undefined;
      throw new Error(`this stand-in has no ${name}.${key}`);
    },
    set(object, key, value) {
      if (!(key in object)) throw new Error(`this stand-in has no ${name}.${String(key)}`);
      return Reflect.set(object, key, value);
    },
  });
}
