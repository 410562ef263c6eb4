// One line of `ubus monitor`.

import { BlobCursor, readUint32 } from '../../ubus/blob.ts';
import { readText } from '../../ubus/blobmsg.ts';
import {
  type Message,
  UBUS_ATTR_ACTIVE,
  UBUS_ATTR_DATA,
  UBUS_ATTR_GROUP,
  UBUS_ATTR_METHOD,
  UBUS_ATTR_NO_REPLY,
  UBUS_ATTR_OBJID,
  UBUS_ATTR_OBJPATH,
  UBUS_ATTR_OBJTYPE,
  UBUS_ATTR_SIGNATURE,
  UBUS_ATTR_STATUS,
  UBUS_ATTR_USER,
} from '../../ubus/message.ts';
import { formatId } from '../id.ts';
import { attributes } from '../member.ts';
import { formatTable, formatText } from './format.ts';
import { MONITOR_TYPES, type Options } from './option.ts';

type Print = (cursor: BlobCursor) => string | undefined;

const number: Print = ({ bytes, start, end }) => (end - start === 4 ? String(readUint32(bytes, start) | 0) : undefined);
const flag: Print = ({ bytes, start, end }) => (end - start === 1 ? String(bytes[start] !== 0) : undefined);
const text: Print = ({ bytes, start, end }) =>
  end > start && bytes[end - 1] === 0 ? formatText(readText(bytes, start, end)) : undefined;
const table: Print = (cursor) => formatTable(cursor.payload());

/** In the order of their ids, which is the order of printing. */
const PRINTED = new Map<number, readonly [name: string, print: Print]>([
  [UBUS_ATTR_STATUS, ['status', number]],
  [UBUS_ATTR_OBJPATH, ['objpath', text]],
  [UBUS_ATTR_OBJID, ['objid', number]],
  [UBUS_ATTR_METHOD, ['method', text]],
  [UBUS_ATTR_OBJTYPE, ['objtype', number]],
  [UBUS_ATTR_SIGNATURE, ['signature', table]],
  [UBUS_ATTR_DATA, ['data', table]],
  [UBUS_ATTR_ACTIVE, ['active', flag]],
  [UBUS_ATTR_NO_REPLY, ['no_reply', flag]],
  [UBUS_ATTR_USER, ['user', text]],
  [UBUS_ATTR_GROUP, ['group', text]],
]);

/** The line for a MONITOR frame; `undefined` when the options leave it out. */
export function formatMonitor({ attributes: watched }: Message, { types, direction }: Options): string | undefined {
  const { monitorClient, monitorPeer, monitorType, monitorSend, data } = watched;
  if (monitorClient === undefined || monitorPeer === undefined || monitorType === undefined)
    return 'Invalid monitor msg';
  if (monitorSend === undefined || !data) return 'Invalid monitor msg';
  if (types.size > 0 && !types.has(monitorType)) return undefined;
  if (direction !== undefined && direction !== monitorSend) return undefined;
  const type = (MONITOR_TYPES[monitorType] ?? String(monitorType)).padStart(14);
  return `${monitorSend ? '->' : '<-'} ${formatId(monitorClient)} #${formatId(monitorPeer)} ${type}: ${formatContent(data)}`;
}

function formatContent(content: Uint8Array): string {
  const values = new Map<number, string>();
  for (const attribute of attributes(new BlobCursor(content))) {
    const value = PRINTED.get(attribute.id)?.[1](attribute);
    if (value !== undefined) values.set(attribute.id, value);
  }
  const parts: string[] = [];
  for (const [id, [name]] of PRINTED) if (values.has(id)) parts.push(`"${name}":${values.get(id)}`);
  return `{${parts.join(',')}}`;
}
