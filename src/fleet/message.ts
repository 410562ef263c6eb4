// What nodes publish, as it arrives from strangers: topics to their parts, payloads to what the contract says, of bounded size.

import type { Layout, Shape, TableLayout } from '../api/model.ts';
import { PAYLOADS, type Payload, TOPIC_ROOT, TOPICS, type TopicContract, type TopicName } from '../api/topics.ts';
import { isNodeId, SITE } from './pin.ts';

/** Longer payloads than the contract allows are looked at up to this many times its length: nodes of a later version may say more. */
const TOLERANCE = 4;
/** Items of a list that are looked at, and characters of a text. */
const MAX_ITEMS = 256;
const MAX_TEXT = 1024;
const NAME = /^[a-z0-9-]{1,32}$/;

/** The parts of a topic below `mb/1`. */
export interface Topic {
  site: string;
  node: string;
  kind: TopicName;
  /** Of an event its kind, of an alarm its id. */
  name?: string;
}

/** The parts of a node's topic; `undefined` when it is none. */
export function readTopic(topic: string): Topic | undefined {
  if (!topic.startsWith(`${TOPIC_ROOT}/`)) return undefined;
  const [site = '', node = '', kind = '', name, ...more] = topic.slice(TOPIC_ROOT.length + 1).split('/');
  if (more.length > 0 || !Object.hasOwn(TOPICS, kind) || !SITE.test(site) || !isNodeId(node)) return undefined;
  const contract: TopicContract = TOPICS[kind as TopicName];
  if ((contract.deeper === true) !== (name !== undefined) || (name !== undefined && !NAME.test(name))) return undefined;
  return { site, node, kind: kind as TopicName, ...(name !== undefined && { name }) };
}

/** What a payload says, fields that the contract does not know left out; `undefined` when it is not what the contract says, or too long. */
export function readPayload<T extends TopicName>(kind: T, payload: Uint8Array): Payload<T> | undefined {
  return conform(PAYLOADS[kind], parseTable(kind, payload)) as Payload<T> | undefined;
}

/** As `readPayload`, with the fields of a layout beside those of the topic. */
export function readMore<L extends TableLayout>(kind: TopicName, layout: L, payload: Uint8Array): Shape<L> | undefined {
  return conform(layout, parseTable(kind, payload)) as Shape<L> | undefined;
}

/** The table that a payload is, with all that is in it. */
export function parseTable(kind: TopicName, payload: Uint8Array): Record<string, unknown> | undefined {
  if (payload.length === 0 || payload.length > TOLERANCE * TOPICS[kind].maxBytes) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    return isTable(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A value as a layout has it; fields that may be absent are where they do not fit. `undefined`: it does not fit. */
export function conform(layout: Layout, value: unknown): unknown {
  if (typeof layout === 'string') return scalar(layout, value);
  if (Array.isArray(layout)) {
    if (!Array.isArray(value)) return undefined;
    return value.slice(0, MAX_ITEMS).flatMap((item) => conform(layout[0] as Layout, item) ?? []);
  }
  if (!isTable(value)) return undefined;
  const result: Record<string, unknown> = {};
  for (const [field, type] of Object.entries(layout as TableLayout)) {
    const mayBeAbsent = field.endsWith('?');
    const name = mayBeAbsent ? field.slice(0, -1) : field;
    const member = Object.hasOwn(value, name) ? conform(type, value[name]) : undefined;
    if (member !== undefined) result[name] = member;
    else if (!mayBeAbsent) return undefined;
  }
  return result;
}

function scalar(type: string, value: unknown): unknown {
  if (type === 'string') return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
  if (type === 'bool') return typeof value === 'boolean' ? value : undefined;
  if (type === 'json') return value;
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return type === 'double' || Number.isSafeInteger(value) ? value : undefined;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
