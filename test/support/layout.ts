// Whether JSON is what a layout says.

import type { Layout } from '../../src/api/model.ts';

/** What is wrong with a value, one line each; fields that the layout does not name are wrong, too. */
export function layoutFaults(layout: Layout, value: unknown, path = '$'): string[] {
  const wrong = (expected: string): string[] => [`${path}: expected ${expected}, got ${JSON.stringify(value)}`];
  if (layout === 'json') return value === undefined ? wrong('any JSON') : [];
  if (layout === 'string') return typeof value === 'string' ? [] : wrong('a string');
  if (layout === 'bool') return typeof value === 'boolean' ? [] : wrong('a bool');
  if (layout === 'double') return typeof value === 'number' && Number.isFinite(value) ? [] : wrong('a number');
  if (layout === 'int32') return value === ((value as number) | 0) ? [] : wrong('an int32');
  if (layout === 'int64') return Number.isSafeInteger(value) ? [] : wrong('an int64');
  if (Array.isArray(layout))
    return Array.isArray(value)
      ? value.flatMap((item, i) => layoutFaults(layout[0] as Layout, item, `${path}[${i}]`))
      : wrong('a list');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('a table');
  const fields = value as Record<string, unknown>;
  const known = Object.entries(layout as object).map(([name, type]) => [name.replace('?', ''), name, type] as const);
  return [
    ...known.flatMap(([field, name, type]) =>
      Object.hasOwn(fields, field)
        ? layoutFaults(type as Layout, fields[field], `${path}.${field}`)
        : name.endsWith('?')
          ? []
          : [`${path}.${field}: missing`],
    ),
    ...Object.keys(fields)
      .filter((field) => !known.some(([name]) => name === field))
      .map((field) => `${path}.${field}: not in the layout`),
  ];
}
