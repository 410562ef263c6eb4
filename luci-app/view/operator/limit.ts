// What homes may use: a volume a month, speeds, connections; for people in GB and Mbit/s.

import type { Limits } from '../../../src/api/lease.ts';
import type { FieldValue, TextField } from '../more/field.ts';
import { textField } from '../more/field.ts';
import { join } from '../part/join.ts';

type Name = keyof Limits;

/** For people: a unit of ours in so many of the contract's, and the most of them. */
const UNITS: Readonly<Record<Name, readonly [by: number, most: number]>> = {
  quota_mb: [1000, 1_000_000],
  down_kbits: [1000, 100_000],
  up_kbits: [1000, 100_000],
  flows: [1, 1_000_000],
};
const NAMES = Object.keys(UNITS) as Name[];

function labels(): Record<Name, string> {
  return {
    quota_mb: _('Volume a month, GB'),
    down_kbits: _('Download, Mbit/s'),
    up_kbits: _('Upload, Mbit/s'),
    flows: _('Connections at a time'),
  };
}

function numberOf(name: Name, text: string): number {
  return Math.round(Number(text.replace(',', '.')) * UNITS[name][0]);
}

/** Fields for them. @param now what counts; where nothing does, the field is empty. */
export function limitFields(now: Limits = {}): Record<Name, TextField> {
  const titles = labels();
  return Object.fromEntries(
    NAMES.map((name) => {
      const [by, most] = UNITS[name];
      const value = now[name];
      const field = textField(titles[name], value === undefined ? '' : String(value / by), {
        numeric: true,
        hint: name === 'quota_mb' ? _('Empty: as for everybody. 0: no limit.') : '',
        fits: (text) =>
          /^(\d+([.,]\d+)?)?$/.test(text) && numberOf(name, text) <= most * by
            ? true
            : _('Expected a number from %d to %d.').format(0, most),
      });
      return [name, field];
    }),
  ) as Record<Name, TextField>;
}

/** What was filled in. */
export function limitsOf(values: Partial<Record<Name, FieldValue>>): Limits {
  const given = NAMES.filter((name) => values[name]);
  return Object.fromEntries(given.map((name) => [name, numberOf(name, String(values[name]))]));
}

/** Limits in words; empty where there are none. */
export function limitsText(limits: Limits = {}): string {
  const titles = labels();
  return join(
    NAMES.map((name) => {
      const value = limits[name];
      if (value === undefined) return '';
      return `${titles[name]}: ${value === 0 ? _('no limit') : (value / UNITS[name][0]).toLocaleString()}`;
    }),
    ' · ',
  );
}
