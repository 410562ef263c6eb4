// `npm run schema`: the JSON schemas of everything that goes over MQTT, one file a topic in src/api/schema, made of src/api/topics.ts.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Layout, TableLayout } from '../src/api/model.ts';
import { ALL_NODES, EVENT_KINDS, PAYLOADS, TOPIC_ROOT, TOPICS, type TopicName } from '../src/api/topics.ts';
import { inProject } from './project.ts';

/** Where they are. */
export const SCHEMAS = 'src/api/schema';

type Schema = { [name: string]: unknown };

const SCALARS: Record<string, Schema> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  int64: { type: 'integer' },
  double: { type: 'number' },
  json: {},
};

/** Topics of all gateways of a group, in the place of a site. */
const OF_GROUP: readonly TopicName[] = ['homes', 'part'];
/** The level that some have more. */
const DEEPER: Readonly<Partial<Record<TopicName, string>>> = { alarm: '/<id>', part: '/<n>', use: '/<n>' };
/** A list in which each home has a list of its own: address, letter of its standing, reason, until when, limits. */
const LISTED_HOMES: Schema = {
  type: 'array',
  items: {
    type: 'array',
    prefixItems: [
      { type: 'string' },
      { enum: ['a', 's', 'r'] },
      { type: 'string' },
      { type: 'integer' },
      {
        type: 'object',
        properties: Object.fromEntries(
          ['quota_mb', 'down_kbits', 'up_kbits', 'flows'].map((name) => [name, { type: 'integer', minimum: 0 }]),
        ),
        additionalProperties: false,
      },
    ],
    items: false,
    minItems: 2,
  },
};

function schemaOf(layout: Layout, strict: boolean): Schema {
  if (typeof layout === 'string') return SCALARS[layout]!;
  if (Array.isArray(layout)) return { type: 'array', items: schemaOf(layout[0] as Layout, strict) };
  return tableSchema(layout as TableLayout, strict);
}

/** @param strict what is not named may not be there. */
function tableSchema(layout: TableLayout, strict: boolean): Schema {
  const fields = Object.entries(layout);
  const required = fields.map(([name]) => name).filter((name) => !name.endsWith('?'));
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map(([name, type]) => [name.replace(/\?$/, ''), schemaOf(type as Layout, strict)]),
    ),
    ...(required.length > 0 && { required }),
    ...(strict && { additionalProperties: false }),
  };
}

/** The text of every schema, by its path below SCHEMAS. Readers pass over fields that they do not know, except in what a router is told. */
export function schemas(): Map<string, string> {
  const texts = new Map<string, string>();
  const add = (path: string, topic: string, name: TopicName, layout: TableLayout): void => {
    const { direction, maxBytes } = TOPICS[name];
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: `${TOPIC_ROOT}/${OF_GROUP.includes(name) ? `<group>/${ALL_NODES}` : '<site>/<node>'}/${topic}`,
      description: `At most ${maxBytes} bytes.`,
      ...(name === 'part' ? LISTED_HOMES : tableSchema(layout, direction === 'down')),
    };
    texts.set(path, `${JSON.stringify(schema, undefined, 2)}\n`);
  };
  for (const [name, layout] of Object.entries(PAYLOADS) as [TopicName, TableLayout][])
    if (name === 'evt')
      for (const [kind, more] of Object.entries(EVENT_KINDS))
        add(`evt/${kind}.json`, `evt/${kind}`, name, { ...layout, ...more });
    else add(`${name}.json`, `${name}${DEEPER[name] ?? ''}`, name, layout);
  return texts;
}

/** Files that there are, by their path below SCHEMAS. */
export function schemaFiles(): string[] {
  return readdirSync(inProject(SCHEMAS), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.json'),
  );
}

/** Writes them all and removes what is none of them. */
function write(): void {
  const texts = schemas();
  for (const [path, text] of texts) {
    const file = inProject(`${SCHEMAS}/${path}`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  for (const path of schemaFiles()) if (!texts.has(path)) rmSync(inProject(`${SCHEMAS}/${path}`));
}

if (process.argv[1] === inProject('build/schema.ts')) write();
